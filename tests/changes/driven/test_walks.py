"""Both versions of a module under the same calls, in a real room."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from changes.making import Files, change
from interlock.changes import room
from interlock.changes.driven import driver, findings
from interlock.changes.driven.driver import Walked
from interlock.changes.finding import Finding, Weight

pytestmark = pytest.mark.skipif(not room.usable(), reason="nothing here contains the change's code")

LEDGER = """
DAILY = 500

class LimitReached(Exception):
    pass

class Ledger:
    def __init__(self):
        self.sent = {}

    def transfer(self, account, cents):
        if cents <= 0:
            raise ValueError("an amount is more than nothing")
        if self.sent.get(account, 0) + cents > DAILY:
            raise LimitReached(account)
        self.sent[account] = self.sent.get(account, 0) + cents
"""
CODES = """
import hmac
import secrets

class Codes:
    def __init__(self, clock):
        self.clock, self.sent = clock, {}

    def send(self, payment):
        code = f"{secrets.randbelow(10**6):06}"
        self.sent[payment] = [code, 0]
        return code

    def confirm(self, payment, typed):
        entry = self.sent.get(payment)
        if entry is None:
            return False
        entry[1] += 1
        if entry[1] > 3:
            return False
        return hmac.compare_digest(entry[0], typed)
"""
GUESSES = "        if entry[1] > 3:\n            return False\n"
PAGE = "import html\n\ndef page(name):\n    return f'<h1>{html.escape(name)}</h1>'\n"
OPEN = """
DOORS = {'ann': 'front'}

def door(who):
    if who not in DOORS:
        raise PermissionError(who)
    return DOORS[who]
"""


def walked(
    folder: Path, before: Files, after: Files, seconds: float = 20.0
) -> tuple[list[Finding], dict[str, str], list[str]]:
    facts: dict[str, str] = {}
    notes: list[str] = []
    found = list(findings.judged(change(folder, before, after), notes, facts, seconds=seconds))
    return found, facts, notes


@pytest.mark.parametrize(
    ("text", "was", "now", "rule"),
    [
        (LEDGER, "self.sent.get(account, 0) + cents > DAILY", "cents > DAILY", "accepts"),
        # A code that is confirmed again and again: few walks get as far.
        pytest.param(CODES, GUESSES, "", "says-yes", marks=pytest.mark.slow),
        (PAGE, "html.escape(name)", "name", "raw"),
        (OPEN, "    if who not in DOORS:\n        raise PermissionError(who)\n    return DOORS[who]",
         "    return DOORS.get(who, 'front')", "accepts"),
    ],
)  # fmt: skip
def test_what_is_looser_is_shown_by_a_call(tmp_path: Path, text: str, was: str, now: str, rule: str) -> None:
    assert was in text
    other = text.replace(was, now)
    found, _, _ = walked(tmp_path / "weaker", {"shop/m.py": text}, {"shop/m.py": other})
    assert rule in {f.rule.removeprefix("formal/walk-") for f in found}
    assert all(f.weight is Weight.REVIEW for f in found)
    back, facts, _ = walked(tmp_path / "stronger", {"shop/m.py": other}, {"shop/m.py": text})
    assert not back
    assert "looser in 0, stricter in 0" not in facts["walked shop/m.py"]


READER = """
import os

SHELF = "/srv/shelf"

def read(name):
    try:
        with open(os.path.join(SHELF, name)) as file:
            return file.read()
    except FileNotFoundError:
        return ""

def third(text):
    return text.split(":")[2]
"""
CAREFUL = READER.replace(
    "    try:", '    if "/" in name or "\\0" in name:\n        return "Error: that is not on the shelf"\n    try:'
).replace('return text.split(":")[2]', 'return text.split(":")[2] if text.count(":") > 1 else ""')


def test_a_crash_that_became_an_answer_and_a_refusal_in_words_accept_nothing(tmp_path: Path) -> None:
    """Story: a mend that answered "Error: …" where the old code ran into an IndexError or a NUL was called looser."""
    found, facts, _ = walked(tmp_path, {"shelf.py": READER}, {"shelf.py": CAREFUL})
    assert "stricter in 0" not in facts["walked shelf.py"]
    assert not found


SENDER = """\
class Sender:
    def __init__(self, mail):
        self.mail, self.sent = mail, set()

    def send(self, key):
        if key not in self.sent:
            self.sent.add(key)
            self.mail.deliver(key)
        return key
"""


def test_what_is_done_again_is_looser_and_what_was_never_done_is_not(tmp_path: Path) -> None:
    """Story: a line for a log was added, and as it was written at each call the walk said: it does again what it did.

    Half of the alarms that walks raised on mends of a public set of pairs were of this kind.
    """
    often = SENDER.replace("if key not in self.sent:", "if key:")
    found, facts, _ = walked(tmp_path / "again", {"m.py": SENDER}, {"m.py": often})
    assert [f.rule for f in found] == ["formal/walk-does-more"], facts
    loud = SENDER.replace("        return key", "        self.mail.log(key)\n        return key")
    silent = SENDER.replace("            self.mail.deliver(key)\n", "")
    assert not walked(tmp_path / "logs", {"m.py": SENDER}, {"m.py": loud})[0]
    assert not walked(
        tmp_path / "first", {"m.py": silent}, {"m.py": silent.replace("return key", "self.mail.log(key)")}
    )[0]


def test_the_other_files_of_the_project_are_there_and_what_is_not_installed_takes_every_call(tmp_path: Path) -> None:
    files = {
        "src/shop/__init__.py": "",
        "src/shop/limits.py": "MOST = 40\n",
        "src/shop/m.py": "import nowhere_to_be_found as gone\nfrom shop.limits import MOST\n\n@gone.route('/x')\n"
        "def take(n):\n    if n > MOST:\n        raise ValueError(n)\n    gone.log(n)\n    return n\n",
    }
    looser = files["src/shop/m.py"].replace("n > MOST", "n > MOST + 100")
    found, _, _ = walked(tmp_path, {**files}, {"src/shop/limits.py": "MOST = 50\n", "src/shop/m.py": looser})
    assert "take(n=" in " ".join(f.title for f in found)


def test_a_module_imports_from_where_the_tests_of_the_base_do(tmp_path: Path) -> None:
    """Packages of the tree lie below folders where nobody would look; one of them has no `__init__.py`."""
    settings = f"[tests]\ncommand = [{sys.executable!r}, '-m', 'pytest']\npath = ['libs', 'api', '../x']\n"
    files = {
        ".interlock/gate.toml": settings,
        "libs/common/limits.py": "MOST = 40\n",
        "api/shop/rules.py": "def small(n):\n    return n < 1000\n",
        "api/shop/m.py": "from common.limits import MOST\nfrom .rules import small\n\n"
        "def take(n):\n    if n > MOST or not small(n):\n        raise ValueError(n)\n    return n\n",
    }
    looser = files["api/shop/m.py"].replace("n > MOST or", "n > MOST * 5 or")
    found, facts, _ = walked(tmp_path, {**files}, {"api/shop/m.py": looser})
    assert ["take(n=" in f.title for f in found] == [True], facts
    assert found[0].rule == "formal/walk-accepts"


def test_what_means_the_same_is_neither_looser_nor_stricter(tmp_path: Path) -> None:
    other = LEDGER.replace(
        "self.sent[account] = self.sent.get(account, 0) + cents",
        "already = self.sent.get(account, 0)\n        self.sent[account] = already + cents",
    )
    found, facts, notes = walked(tmp_path, {"m.py": LEDGER}, {"m.py": other})
    assert not found
    assert not notes
    assert "looser in 0, stricter in 0" in facts["walked m.py"]


def test_a_function_that_writes_where_a_stranger_says_writes_nothing_here(tmp_path: Path) -> None:
    """Story: arguments that lead elsewhere, tried outside of a room, replaced the machine's list of users."""
    victim = tmp_path / "victim"
    victim.write_text("as it was")
    text = f"""
HERE = {str(victim)!r}

def save(path, text):
    open(HERE, "w").write(text)
    open(path, "w").write(text)
"""
    _, facts, _ = walked(tmp_path / "r", {"m.py": text}, {"m.py": text.replace("write(text)", "write(text + 'x')")})
    assert " calls; " in facts["walked m.py"]
    assert victim.read_text() == "as it was"
    assert {one.name for one in tmp_path.iterdir()} == {"victim", "r"}


def test_a_call_that_waits_for_ever_keeps_the_others_from_nothing(tmp_path: Path) -> None:
    text = """
import queue

def wait(n):
    return queue.Queue().get()

def take(n):
    if n > 5:
        raise ValueError(n)
    return n
"""
    found, facts, _ = walked(tmp_path, {"m.py": text}, {"m.py": text.replace("n > 5", "n > 50")})
    assert [f.rule for f in found] == ["formal/walk-accepts"], facts


@pytest.mark.parametrize(
    "hostile",
    [
        "import os\nos._exit(3)\n",
        pytest.param("while True:\n    pass\n", marks=pytest.mark.slow),
        "import sys\nsys.exit('no')\n",
        "raise BaseException('no')\n",
        "import os\nfor n in range(4000):\n    try:\n        os.close(n)\n    except OSError:\n        pass\n",
        "print('[]')\nimport os\nos.write(1, b'{\"path\": 5}\\n')\n",
    ],
)
def test_a_module_that_attacks_its_walker_is_told_as_not_walked(tmp_path: Path, hostile: str) -> None:
    text = "def take(n):\n    if n > 5:\n        raise ValueError(n)\n    return n\n"
    other = hostile + text.replace("n > 5", "n > 50")
    found, facts, _ = walked(tmp_path, {"m.py": text}, {"m.py": other}, 3.0 if hostile.startswith("while") else 20.0)
    told = facts["walked m.py"]
    assert told
    assert found or " calls; " not in told  # it was walked, or it is said that it was not


def test_a_change_that_is_looser_here_and_stricter_there_says_nothing() -> None:
    def way(way: int, times: int) -> driver.Way:
        return driver.Way(way, "accepts", "take", times, "take(n=1)", 0, "raises ValueError", "gives 1")

    both = Walked("m.py", 100, ways=(way(1, 20), way(-1, 10)))
    assert not list(findings.told(both))
    assert list(findings.told(Walked("m.py", 100, ways=(way(1, 20), way(-1, 1)))))
    assert not list(findings.told(Walked("m.py", 100, ways=(way(1, 1),))))
