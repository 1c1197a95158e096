"""Nothing that came from outside can hide or fake anything before a person who reads it."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.model.visible import beware, original, visible

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # the 12 bidirectional controls
ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u180e\u3164\u115f\u1160\uffa0\u2800\u17b4\u17b5"
CONTROLS = [chr(c) for c in (*range(0x20), *range(0x7F, 0xA0))]
TAGS = [chr(c) for c in range(0xE0000, 0xE0080)]
SELECTORS = [chr(c) for c in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), *range(0x180B, 0x1810))]
SPACES = [chr(c) for c in range(0x10000) if unicodedata.category(chr(c)) == "Zs" and c != 0x20]  # there are none above


def test_what_a_terminal_obeys_or_does_not_show_is_written_out() -> None:
    for character in [*CONTROLS, *BIDI, *ZERO_WIDTH, *TAGS, *SELECTORS, *SPACES]:
        for text in (character, f"a{character}b", f"рм{character}", character * 3):
            assert character not in visible(text), hex(ord(character))
            assert f"<U+{ord(character):04X}" in visible(text)
            assert original(visible(text)) == text


SOME = (range(0x3400), range(0xFE00, 0x10000), range(0xE0000, 0xE0200), range(0, sys.maxunicode + 1, 61))


@pytest.mark.parametrize(
    "codes",
    [pytest.param(SOME, id="some"), pytest.param([range(sys.maxunicode + 1)], id="every", marks=pytest.mark.slow)],
)
def test_every_code_point_is_shown_or_written_out_and_none_is_lost(codes: Sequence[range]) -> None:
    for code in chain(*codes):
        character = chr(code)
        shown = visible(character)
        assert original(shown) == character, hex(code)
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}:
            assert shown == f"<U+{code:04X}>"
        elif unicodedata.category(character)[0] in "LNPS" and unicodedata.normalize("NFKC", character) == character:
            assert shown in {character, f"<U+{code:04X}>"}


HOSTILE = st.text(
    st.sampled_from([*"ab .-<U+0>*\n\t", "\x1b", "\r", "\u202e", "\u200b", "\u0430", "\u0435", "\u0301", "界"])
)


@given(st.one_of(st.text(), HOSTILE))
def test_the_text_can_be_had_back_so_no_two_look_the_same(text: str) -> None:
    for lines in (False, True):
        shown = visible(text, lines=lines)
        assert original(shown) == text
        hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
        assert all(unicodedata.category(c) not in hidden or (lines and c in "\n\t") for c in shown)


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("rm\x1b[2K ls", "rm<U+001B>[2K ls"),
        ("rm -rf ~\rls", "rm -rf ~<U+000D>ls"),
        ("x\u202eexe.txt", "x<U+202E>exe.txt"),
        ("pay\u200bpal", "pay<U+200B>pal"),
        ("hi\U000e0041", "hi<U+E0041>"),
        ("v\ufe0f", "v<U+FE0F>"),
        ("a\nb", "a<U+000A>b"),
        ("\ud800", "<U+D800>"),
        ("p\u0430ypal.com", "p<U+0430>ypal.com"),
        ("\u0430\u0440\u0440\u04cf\u0435.com", "<U+0430><U+0440*2><U+04CF><U+0435>.com"),
        ("example.com\u2215evil.net", "example.com<U+2215>evil.net"),
        ("a\u037e rm", "a<U+037E> rm"),
        ("\uff52\uff4d", "<U+FF52><U+FF4D>"),
        ("rm\u00a0-rf", "rm<U+00A0>-rf"),
        ("a\u0301\u0301\u0301\u0301", "a<U+0301*4>"),
        ("=\u0338", "=<U+0338>"),
        ("<U+0041>", "<U+003C>U+0041>"),
        ("a\u3164b", "a<U+3164>b"),
    ],
)
def test_tricks_are_written_out(hostile: str, shown: str) -> None:
    assert visible(hostile) == shown
    assert visible(hostile, lines=True) == (hostile if hostile == "a\nb" else shown)


@pytest.mark.parametrize(
    "ordinary",
    [
        "Grüße, 世界: ça va?", "git push origin main --force", "привет мир.txt", "münchen.de", "日本go言語",
        "naïve “so” …",
        "Việt Nam", "हिन्दी", "Ελλάδα", "    four spaces", "5 µs", "e\u0301a\u0302\u0301", "=" * 80, "🙂 fine",
    ],
)  # fmt: skip
def test_ordinary_text_stays(ordinary: str) -> None:
    assert visible(ordinary) == ordinary
    assert beware(ordinary) == ()


def test_lines_stay_lines_where_they_may() -> None:
    assert visible("a\n\tb", lines=True) == "a\n\tb"
    assert visible("a" + "\n" * 60 + "b", lines=True) == "a<U+000A*60>b"


@pytest.mark.parametrize("padding", [" ", "\n", "\t", "\u200b", "\u00a0", "\r", "a"], ids=ascii)
def test_a_megabyte_of_padding_pushes_nothing_out_of_sight(padding: str) -> None:
    text = "ls " + padding * (1 << 20) + "; rm -rf ~"
    shown = visible(text, lines=True)
    assert "; rm -rf ~" in shown
    assert len(shown) < 100
    assert original(shown) == text


def test_mixed_padding_is_written_out_too() -> None:
    shown = visible("ls" + " \n" * 40 + "rm", lines=True)
    assert "\n" not in shown
    assert original(shown) == "ls" + " \n" * 40 + "rm"


def test_a_reader_is_told() -> None:
    assert "mixes scripts" in beware("curl https://p\u0430ypal.com")[0]
    assert "U+202E RIGHT-TO-LEFT OVERRIDE" in beware("x\u202ey")[0]
    assert "out of sight" in beware("ls" + " " * 200 + "rm")[0]
    told = beware("curl https://xn--80ak6aa92e.com/x")
    assert told == ("xn--80ak6aa92e.com is written to be shown as <U+0430><U+0440*2><U+04CF><U+0435>.com",)
