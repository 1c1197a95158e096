"""The tiers, tried for real where this machine can, and with a scripted machine where it cannot."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from interlock.containment import tiers
from interlock.containment.bwrap import UNBUILT
from interlock.containment.tiers import Name, Ran, candidates, found, probed, survey

LAUNCHER = Path(sys.executable).parent / "interlock-run"


def scripted(overlay: int = 0, copy: int = 0, bwrap: int = 0, say: str = "") -> tiers.Run:
    """A machine on which trials end with these statuses; where 0, the work of the trial is really done."""

    def run(argv: Sequence[str], given: Sequence[int]) -> Ran:
        if argv[1] == "--probe":
            return Ran(0, "userns=yes\nlandlock=7\nnonsense\n")
        if argv[1] in ("--version", "--help"):
            return Ran(0, "bubblewrap 0.8.0 --disable-userns")
        text = Path(argv[2]).read_bytes().decode() if argv[1] == "--plan" else " ".join(argv)
        status = bwrap if argv[1] != "--plan" else overlay if "write=overlay" in text else copy
        folder = Path(argv[2]).parent if argv[1] == "--plan" else Path(argv[argv.index("--bind") + 1]).parent
        if status == 0:
            (folder / ("upper" if "write=overlay" in text else "copy") / "made").write_text("inside\n")
        return Ran(status, say)

    return run


def test_the_strongest_that_works_is_chosen(tmp_path: Path) -> None:
    tier = survey([tmp_path], Path("/l"), Path("/b"), scripted())
    assert (tier.name, tier.place, tier.program, tier.why) == (Name.OVERLAY, str(tmp_path), "/l", ())
    assert dict(tier.facts)["landlock"] == "7"
    assert tier.contains
    assert tier.network


def test_the_next_is_chosen_and_it_is_said_why(tmp_path: Path) -> None:
    tier = survey([tmp_path], Path("/l"), Path("/b"), scripted(overlay=UNBUILT, say="the kernel  refuses\nit"))
    assert (tier.name, tier.network) == (Name.COPY, True)
    assert tier.why == (f"overlay in {tmp_path}: the kernel refuses it",)
    tier = survey([tmp_path], Path("/l"), Path("/b"), scripted(overlay=UNBUILT, copy=UNBUILT))
    assert (tier.name, tier.network, tier.program, len(tier.why)) == (Name.BWRAP, False, "/b", 2)
    tier = survey([tmp_path], Path("/l"), Path("/b"), scripted(overlay=UNBUILT, copy=13, bwrap=14))
    assert (tier.name, tier.contains, tier.place) == (Name.NONE, False, "")
    assert tier.why[1:] == (
        f"copy in {tmp_path}: the host's files can be written inside",
        f"bwrap in {tmp_path}: what was hidden can be seen inside",
    )


def test_without_programs_nothing_contains() -> None:
    tier = survey([], None, None)
    assert tier.name is Name.NONE
    assert [why.split()[0] for why in tier.why] == ["interlock-run", "bubblewrap"]


def test_a_run_that_says_yes_and_did_nothing_is_no_containment(tmp_path: Path) -> None:
    tier = survey([tmp_path], Path("/bin/true"), Path("/bin/true"))
    assert tier.name is Name.NONE
    assert "did not arrive" in tier.why[0]


def test_a_run_that_is_not_contained_is_found_out(tmp_path: Path) -> None:
    """A launcher that only starts the command, and one that hides nothing."""
    loose = tmp_path / "loose"
    loose.write_text(
        '#!/bin/sh\n[ "$1" = --plan ] || exit 0\n'
        f"exec {sys.executable} -c 'import os, sys\n"
        'pairs = [record.partition("=") for record in open(sys.argv[1]).read().split(chr(0)) if record]\n'
        "values = {key: value for key, _, value in pairs}\n"
        'os.chdir(values.get("upper") or values["source"])\n'
        'open("there", "a").close()\n'
        'argv = [value for key, _, value in pairs if key == "arg"]\n'
        'os.execv(argv[0], argv)\' "$2"\n'
    )
    loose.chmod(0o755)
    (tmp_path / "place").mkdir(mode=0o700)
    tier = survey([tmp_path / "place"], loose, None)
    assert tier.name is Name.NONE
    assert "can be written inside" in tier.why[0]


def test_a_place_that_is_anothers_or_open_to_others_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "file").touch()
    bad = [tmp_path / name for name in ("open", "link", "file")]
    tier = survey([*bad, tmp_path / "good" / "deep"], Path("/l"), None, scripted())
    assert tier.place == str(tmp_path / "good" / "deep")
    assert len(tier.why) == 3


def test_a_place_that_was_made_for_nothing_goes_again(tmp_path: Path) -> None:
    survey([tmp_path / "new"], Path("/l"), None, scripted(overlay=UNBUILT, copy=UNBUILT))
    assert not (tmp_path / "new").exists()


def test_the_candidates_begin_with_the_state_directory(tmp_path: Path) -> None:
    listed = candidates(tmp_path, {"XDG_RUNTIME_DIR": "/run/user/7"})
    assert listed[:2] == (tmp_path / "contained", Path("/run/user/7/interlock-contained"))
    assert len(candidates(tmp_path, {"XDG_RUNTIME_DIR": "relative"})) == len(listed) - 1


def test_what_a_probe_says_is_taken_as_facts_and_bounded() -> None:
    assert probed(Ran(0, "userns=yes\n=x\nword\na=b=c\nbad=\x1b[0m\nlong=" + "x" * 200)) == {
        "userns": "yes", "": "x", "a": "b=c", "long": "x" * 80,
    }  # fmt: skip


def test_programs_are_looked_for_in_the_systems_directories_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bwrap").write_text("#!/bin/sh\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert found("bwrap") != tmp_path / "bwrap"
    assert found("no-such-program") is None


def has_namespaces() -> bool:
    return subprocess.run(["unshare", "--user", "--net", "true"], check=False, capture_output=True).returncode == 0


real = pytest.mark.skipif(not LAUNCHER.exists() or not has_namespaces(), reason="no launcher or no namespaces here")


@real
def test_this_machine_really_contains(tmp_path: Path) -> None:
    place = tmp_path / "place"
    tier = survey([place], LAUNCHER, found("bwrap"))
    assert tier.name in (Name.OVERLAY, Name.COPY), tier.why
    assert tier.place == str(place)
    assert os.listdir(place) == []
    again = survey([place], None, found("bwrap"))
    assert again.name is (Name.BWRAP if found("bwrap") else Name.NONE), again.why


INNER = """
import sys
from pathlib import Path
from interlock.containment.tiers import survey
tier = survey([Path(place) for place in sys.argv[2:]], Path(sys.argv[1]), None)
print(tier.name, tier.place, tier.why)
"""


@real
def test_where_the_state_lies_on_an_overlay_the_layers_go_elsewhere_or_a_copy_is_made(tmp_path: Path) -> None:
    """In a container the home often lies on an overlay, and the kernel makes no second layer on it."""
    for name in ("lower", "upper", "work", "merged", "other"):
        (tmp_path / name).mkdir(mode=0o700)
    script = (
        f"mount -t overlay -o userxattr,lowerdir={tmp_path}/lower,upperdir={tmp_path}/upper,workdir={tmp_path}/work "
        f'none {tmp_path}/merged || exit 99; exec "$@"'
    )

    def inner(*places: Path) -> str:
        ran = subprocess.run(
            ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", sys.executable, "-c", INNER,
             str(LAUNCHER), *map(str, places)],
            capture_output=True, text=True, timeout=60, check=False,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        if ran.returncode == 99:
            pytest.skip("no overlay in a user namespace here")
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    assert inner(tmp_path / "merged" / "state", tmp_path / "other").startswith(f"overlay {tmp_path}/other")
    assert inner(tmp_path / "merged" / "state").startswith(f"copy {tmp_path}/merged/state")


@real
def test_where_namespaces_are_forbidden_nothing_contains_and_it_is_said(tmp_path: Path) -> None:
    script = 'echo 0 > /proc/sys/user/max_user_namespaces || exit 99; exec "$@"'
    ran = subprocess.run(
        ["unshare", "--user", "--map-root-user", "sh", "-c", script, "sh", sys.executable, "-c", INNER, str(LAUNCHER),
         str(tmp_path / "place")],
        capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    if ran.returncode == 99:
        pytest.skip("this machine does not let its limits be set")
    assert ran.stdout.startswith("none  ("), ran.stderr
    assert "namespaces" in ran.stdout
