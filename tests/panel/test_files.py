"""What is taken along from the panel: the whole ledger as one file, and one entry with its proof."""

from __future__ import annotations

import io
import json
import tarfile
import tracemalloc
from pathlib import Path

import httpx2
import pytest
from tests.daemon.conftest import Guard
from tests.ledger.logs import TIME, begin
from tests.panel.conftest import Browser
from tests.panel.test_serving import elsewhere

from interlock.daemon.client import call
from interlock.ledger.archive import Archive, member
from interlock.ledger.verify.archive import unpacked
from interlock.model.errors import LedgerTampered, LedgerUnverifiable

EXPORT = "/ledger/export.tar"
FETCH = """
import sys, httpx2
print(httpx2.get(sys.argv[1] + sys.argv[2], headers={"cookie": sys.argv[3]}).status_code)
"""


def files(archive: bytes) -> dict[str, bytes]:
    """The files of an archive, below its one folder."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return {one.name.partition("/")[2]: opened.extractfile(one).read() for one in opened}  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def fetched(browser: Browser, served: Guard) -> bytes:
    served.hook("Bash", {"command": "ls"})
    return browser.get(EXPORT).content


def test_the_file_holds_what_the_command_writes_and_verifies(served: Guard, browser: Browser, tmp_path: Path) -> None:
    before = call(served.home, "history.entries")["size"]
    answer = browser.get(EXPORT)
    assert answer.headers["content-disposition"] == f'attachment; filename="interlock-ledger-{before}.tar"'
    assert answer.headers["cache-control"] == "no-store"
    path = tmp_path / "fetched.tar"
    path.write_bytes(answer.content)
    done = served.cli("verify", str(path), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["size"] == before
    assert served.cli("export", str(tmp_path / "written")).returncode == 0
    written = {str(one.relative_to(tmp_path / "written")): one.read_bytes()
               for one in (tmp_path / "written").rglob("*") if one.is_file()}  # fmt: skip
    assert files(answer.content) == written
    assert browser.http.head(EXPORT).headers["content-type"] == "application/x-tar"
    assert call(served.home, "history.entries")["size"] == before, "a GET changes nothing"


def test_a_changed_file_does_not_verify(served: Guard, fetched: bytes, tmp_path: Path) -> None:
    at = fetched.index(b'"session-1"')
    changed = fetched[:at] + b'"session-2"' + fetched[at + 11 :]
    for name, data in (("changed", changed), ("cut", fetched[: len(fetched) // 2]), ("longer", fetched + b"x")):
        path = tmp_path / f"{name}.tar"
        path.write_bytes(data)
        done = served.cli("verify", str(path))
        assert done.returncode in {30, 31, 32}, (name, done.stdout, done.stderr)


def test_who_may_look_may_take_it_along_and_nobody_else(served: Guard, browser: Browser) -> None:
    reader = Browser(served, reader=True)
    reader.enter()
    assert reader.get(EXPORT).status_code == 200
    assert reader.get("/ledger/0/entry.json").status_code == 200
    for path in (EXPORT, "/ledger/0/entry.json", "/ledger/0/entry.tlog-proof"):
        assert httpx2.get(browser.base + path).status_code == 401
        assert browser.get(path, host="evil.example").status_code == 421
        assert browser.get(path, origin="http://localhost:1", **{"sec-fetch-site": "same-site"}).status_code == 403
        assert browser.post(path, {"a": "b"}).status_code in {404, 405}
    cookie = "; ".join(f"{name}={value}" for name, value in browser.http.cookies.items())
    assert elsewhere(FETCH, browser.base, EXPORT, cookie).strip() == "401", "a cookie in another process"


def test_one_entry_is_verified_by_what_its_page_hands_out(browser: Browser, served: Guard, tmp_path: Path) -> None:
    served.hook("Bash", {"command": "echo \u00e9\u202e"})
    number = served.entries("intent")[-1]["index"]
    assert f'href="/ledger/{number}/entry.json"' in browser.get(f"/ledger/{number}").text
    for ending in ("json", "tlog-proof"):
        answer = browser.get(f"/ledger/{number}/entry.{ending}")
        assert answer.headers["content-disposition"] == f'attachment; filename="{number}.{ending}"'
        (tmp_path / f"{number}.{ending}").write_bytes(answer.content)
    key = (served.home.state / "keys" / "daemon.vkey").read_text().strip()
    words = ("verify", "--entry", f"{tmp_path}/{number}.json", "--proof", f"{tmp_path}/{number}.tlog-proof")
    done = served.cli(*words, "--key", key)
    assert done.returncode == 0, done.stderr
    assert f"entry {number} is in the log" in done.stdout
    entry = tmp_path / f"{number}.json"
    entry.write_bytes(entry.read_bytes().replace(b"echo", b"ekko"))
    assert served.cli(*words, "--key", key).returncode == 30
    assert browser.get("/ledger/99999999/entry.json").status_code == 404


@pytest.mark.parametrize("name", ["../x", "a/../../x", "a//x", "/etc/x", "a", "a/.x", "a/b\n", "a/" + "b/" * 9 + "c"])
def test_a_file_that_no_export_has_is_unpacked_nowhere(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(member("a/b", b"1") + member(name, b"2") + bytes(1024))
    with pytest.raises(LedgerTampered), unpacked(path):
        pytest.fail("it was unpacked")


def test_a_link_or_a_file_that_comes_twice_is_no_export(tmp_path: Path) -> None:
    link = tarfile.TarInfo("a/link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    path = tmp_path / "a.tar"
    for more in (link.tobuf(), member("a/b", b"2")):
        path.write_bytes(member("a/b", b"1") + more + bytes(1024))
        with pytest.raises(LedgerTampered), unpacked(path):
            pytest.fail("it was unpacked")
    path.write_bytes(member("a/b", b"1"))
    with pytest.raises(LedgerUnverifiable, match="ends too early"), unpacked(path):
        pytest.fail("it was unpacked")


def test_a_long_ledger_is_handed_out_piece_by_piece(tmp_path: Path) -> None:
    """However long it is, no more than a bundle of entries is held; each of these has half a kilobyte."""
    with begin(tmp_path) as ledger:
        for future in [ledger.submit("intent", {"n": n, "text": "x" * 500}, time=TIME) for n in range(4_000)]:
            future.result(timeout=60)
    archive = Archive(tmp_path)
    tracemalloc.start()
    total = sum(map(len, archive))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    archive.close()
    assert total > 2_500_000
    assert peak < 1_000_000
