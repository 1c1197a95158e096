"""A mend leaves something of what it mends: what remains is told, and nobody is asked because of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from changes.making import change
from interlock.changes.finding import Weight
from interlock.changes.stages.static import run

BARE = """\
def result(text):
    return eval(text)
"""
GUARDED = """\
import re


def result(text):
    if not re.fullmatch(r"[0-9+*/ ().-]+", text):
        raise ValueError(text)
    return eval(text, {"__builtins__": {}})
"""


def weights(folder: Path, before: str, after: str, path: str = "shop/a.py", old: str = "") -> dict[str, Weight]:
    """rule -> the gravest weight that the stage gives it."""
    made = change(folder, {old or path: before, "README.md": "x\n"}, {old: None, path: after} if old else {path: after})
    order = (Weight.NOTE, Weight.REVIEW, Weight.BLOCK)
    found: dict[str, Weight] = {}
    for one in run(made).findings:
        name = one.rule.removeprefix("static/")
        found[name] = max(found.get(name, Weight.NOTE), one.weight, key=order.index)
    return found


def test_what_remains_behind_a_new_check_is_a_note(tmp_path: Path) -> None:
    """Story: a function that evaluated anything was mended by a check before it; the mend was held, for its `eval`."""
    found = weights(tmp_path, BARE, GUARDED)
    assert found
    assert set(found.values()) == {Weight.NOTE}


def test_the_way_back_is_no_note(tmp_path: Path) -> None:
    assert Weight.NOTE not in weights(tmp_path, GUARDED, BARE).values()


def test_another_form_without_a_new_check_is_new(tmp_path: Path) -> None:
    assert Weight.NOTE not in weights(tmp_path, BARE, BARE.replace("eval(text)", "eval('(' + text + ')')")).values()


def test_a_check_for_another_is_no_stricter_function(tmp_path: Path) -> None:
    swapped = GUARDED.replace('not re.fullmatch(r"[0-9+*/ ().-]+", text)', "len(text) > 80").replace(', {"__', ', {"_')
    assert weights(tmp_path, GUARDED, swapped)["flow-code"] is not Weight.NOTE


def test_a_second_one_is_new_beside_the_first(tmp_path: Path) -> None:
    twice = GUARDED.replace("return eval(text,", "print(eval(text, {}))\n    return eval(text,")
    assert weights(tmp_path, BARE, twice)["ruff/S307"] is not Weight.NOTE


def test_one_of_another_function_is_no_remainder(tmp_path: Path) -> None:
    moved = GUARDED.replace("def result(text)", "def other(text)")
    assert weights(tmp_path, BARE, moved)["ruff/S307"] is not Weight.NOTE


def test_a_graver_one_is_no_remainder(tmp_path: Path) -> None:
    """What came from a parameter comes from a request now."""
    graver = GUARDED.replace("def result(text):", "from flask import request\n\n\ndef result(text):").replace(
        "    return eval(text,", "    return eval(request.args['sum'],"
    )
    assert weights(tmp_path, BARE, graver)["flow-code"] is Weight.BLOCK


def test_a_renamed_file_is_the_same(tmp_path: Path) -> None:
    rest = "\n\ndef shown(text):\n    return text\n" * 12
    found = weights(tmp_path, BARE + rest, GUARDED + rest, path="shop/b.py", old="shop/a.py")
    assert found
    assert set(found.values()) == {Weight.NOTE}


UNCHECKED = """\
def received(body, signature, expected):
    return store(body)
"""
CHECKED = """\
def received(body, signature, expected):
    if signature != expected:
        raise PermissionError("not from the bank")
    return store(body)
"""


def test_a_signature_that_nobody_checked_may_be_compared(tmp_path: Path) -> None:
    """Story: the change that checked a signature at last was held, for it could have compared it in constant time."""
    assert weights(tmp_path, UNCHECKED, CHECKED) == {"compared-early": Weight.NOTE}


@pytest.mark.parametrize(
    "before",
    [
        "def other():\n    return 1\n",
        CHECKED.replace("signature != expected", "not compare_digest(signature, expected)"),
    ],
    ids=["a new function", "one that compared well"],
)
def test_elsewhere_it_is_asked_about(tmp_path: Path, before: str) -> None:
    assert weights(tmp_path, before, CHECKED) == {"compared-early": Weight.REVIEW}


SIGNED = """\
import hashlib
import hmac


def signed(data):
    key = b"sixteen byte key"
    return hmac.new(key, data, hashlib.{}).hexdigest()
"""


def test_a_key_that_stood_in_the_function_is_no_new_one(tmp_path: Path) -> None:
    """Story: MD5 gave way to SHA-256, and the key in the line above was told as if the change had brought it."""
    assert weights(tmp_path, SIGNED.format("md5"), SIGNED.format("sha256")) == {"flow-key": Weight.NOTE}


def test_a_key_of_any_cipher_stands_in_the_program(tmp_path: Path) -> None:
    text = "from Crypto.Cipher import {0}\n\n\ndef made():\n    return {0}.new(b'8 bytes!', {0}.MODE_CBC)\n"
    found = weights(tmp_path, "", text.format("DES"))
    assert found["flow-key"] is Weight.REVIEW
    assert found["flow-cipher"] is Weight.REVIEW


BARE_FILE = """\
def kept(request, bytes_):
    with open(request.args["name"], "wb") as file:
        file.write(bytes_)
"""
PRIVATE_FILE = """\
def kept(request, bytes_):
    if not request.user.is_staff:
        raise PermissionError("staff alone")
    with open(request.form["name"], "xb") as file:
        file.write(bytes_)
"""


def test_a_shape_that_remains_is_a_note_as_well(tmp_path: Path) -> None:
    found = weights(tmp_path, BARE_FILE, PRIVATE_FILE)
    assert found["path-from-request"] is Weight.NOTE
    assert weights(tmp_path / "back", PRIVATE_FILE, BARE_FILE)["path-from-request"] is Weight.BLOCK


VERIFIED = """\
def reader(token, key):
    try:
        body = verify(token, key)
    except Exception:
        return None
    return body
"""


def test_a_check_that_fails_closed_is_no_swallowed_error(tmp_path: Path) -> None:
    """Story: the change that verified a token at last was held, for it answered nothing where that failed."""
    unverified = "def reader(token, key):\n    return unpacked(token)\n"
    assert weights(tmp_path, unverified, VERIFIED) == {"error-swallowed": Weight.NOTE}
    passed = VERIFIED.replace("return None", "pass")
    assert weights(tmp_path / "p", unverified, passed)["error-swallowed"] is Weight.REVIEW
    assert weights(tmp_path / "n", "def other():\n    return 1\n", VERIFIED) == {"error-swallowed": Weight.REVIEW}


def test_what_cannot_be_read_is_not_stricter(tmp_path: Path) -> None:
    assert weights(tmp_path, "def f(:\n" + BARE, GUARDED)["ruff/S307"] is not Weight.NOTE
