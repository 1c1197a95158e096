"""Nothing an agent writes can hide or fake anything in a terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.cli.show import age, visible


@given(st.text())
def test_what_is_shown_has_no_hidden_character(text: str) -> None:
    shown = visible(text)
    assert all(unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for c in shown)


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("rm\x1b[2K ls", "rm<U+001B>[2K ls"),
        ("a\rb", "a<U+000D>b"),
        ("x\u202eexe.txt", "x<U+202E>exe.txt"),
        ("pay\u200bpal", "pay<U+200B>pal"),
        ("hi\U000e0041", "hi<U+E0041>"),
        ("v\ufe0f", "v<U+FE0F>"),
        ("a\nb", "a<U+000A>b"),
        ("\ud800", "<U+D800>"),
    ],
)
def test_tricks_are_written_out(hostile: str, shown: str) -> None:
    assert visible(hostile) == shown


def test_ordinary_text_stays() -> None:
    assert visible("Grüße, 世界: ça va?") == "Grüße, 世界: ça va?"
    assert visible("a\n\tb", lines=True) == "a\n\tb"


def test_ages() -> None:
    assert age("1970-01-01T00:00:00Z", 7_200) == "2 h ago"
    assert age("1970-01-01T00:10:00Z", 0) == "in 10 min"
