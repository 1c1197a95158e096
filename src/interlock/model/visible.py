"""The one renderer of foreign text: what a person reads is what is there. Pure.

Every character that a terminal or a browser would not show as itself, or would show as something else, is written out:
`<U+202E>`, and `<U+0020*1048576>` where it is repeated. Nothing is dropped and nothing is cut: `original` gives the
text back, so two different texts never look the same.

What is written out, and why:
- controls (C0, C1, DEL), formats (bidirectional, zero width, tags), surrogates, private and unassigned code points,
  line separators: a terminal obeys them or shows nothing (Unicode general categories Cc, Cf, Cs, Co, Cn, Zl, Zp);
- code points that Unicode calls default-ignorable, variation selectors and blank letters: they show nothing;
- spaces other than U+0020, and characters whose NFKC form is one ASCII character (full width, mathematical, the Greek
  question mark): they look like what they are not;
- letters of a script that is mixed with another one in a word, and labels that are made of look-alikes only
  (an `apple.com` in Cyrillic letters), as browsers do for host names (UTS 39);
- combining marks beyond two, or on what is no letter: they paint over their neighbours;
- white space and repetitions long enough to push the rest out of sight.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterator
from itertools import groupby

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Default-ignorable or blank, and in none of the categories above: joiner, Hangul and Khmer fillers, Mongolian and
# general variation selectors, the empty Braille pattern (Unicode 16, DerivedCoreProperties and the code charts).
_FILLERS = (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0)
_SELECTORS = (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
_BLANK = frozenset(_FILLERS + _SELECTORS)
# Look like ASCII signs that mean something in a command or an address, and have no NFKC form that says so.
_SIGNS = frozenset(
    "\u2044\u2215\u29f8\u2571\u27cb\u0589\u05c3\u2236\ua789\u02d0\u3002\u01c3\u2010\u2011\u2212\u2043"
    "\u02d7\u2217\u204e\u2223\u2758\u01c0\u2572\u29f5\u2216\u29f9\u201a\ua4f8\u0660\u06d4\u0701\u0702"
)
_SPACES = 32  # white space in a row; ordinary indentation is less
_SAME = 120  # equal characters in a row; a ruler across a page is less
_MARKS = 2  # combining marks on one letter; Vietnamese needs two

_TOKEN = re.compile(r"<U\+([0-9A-F]{4,6})(?:\*([0-9]{1,10}))?>")
_STRANGE = re.compile(rf"[^ -~]|<U\+| {{{_SPACES + 1}}}|(.)\1{{{_SAME}}}")
_WORD = re.compile(r"[\w.\-]+")
_PUNYCODE = re.compile(r"(?<![\w.-])[\w.-]*xn--[\w.-]+", re.ASCII | re.IGNORECASE)

# Letters that pass for Latin ones: all of a label made of these beside ASCII ones is a disguise (UTS 39, whole-script
# confusables). Cyrillic, Greek, Armenian, Cherokee by their shapes.
_LOOKALIKES = frozenset(
    "\u0430\u0441\u0501\u0435\u050d\u04bb\u0456\u0458\u04cf\u043e\u0440\u051b\u0455\u051d\u0445\u0443"
    "\u044c\u0410\u0412\u0421\u0415\u041d\u0406\u0408\u041a\u041c\u041e\u0420\u0405\u0422\u0425\u0423"
    "\u051a\u051c\u03bf\u03bd\u03b1\u03c1\u03b9\u03ba\u03c5\u03c4\u03b3\u03b7\u0391\u0392\u0395\u0396"
    "\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u0585\u0578\u057d\u0570\u0581\u0584"
    "\u0575\u0566\u13aa\u13f4\u13df\u13a0\u13ac\u13bb\u13ab\u13e6\u13de\u13b7\u13e2\u13d2\u13da\u13a2"
    "\u13d9\u13b3\u13c3"
)
# Scripts that people write in one word with Latin, or with one another.
_TOGETHER = frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "KATAKANA-HIRAGANA", "MICRO"})


def visible(text: str, *, lines: bool = False) -> str:
    """The text as a person may read it; with `lines`, ordinary newlines and tabs stay what they are."""
    if _STRANGE.search(text) is None:
        return text
    disguised = _disguised(text)
    out: list[str] = []
    for position, run in _runs(text):
        character, count = run[0], len(run)
        if _plain(text, position, run, lines=lines) and position not in disguised:
            out.append(run)
        else:
            out.append(_token(character, count))
    return "".join(out)


def original(shown: str, *, longest: int = 0) -> str:
    """The text that `visible` was given: the inverse, which shows that nothing was lost.

    Where whoever hands it in is not trusted, `longest` is how many characters its tokens may stand for: were they more,
    `shown` comes back as it is. What `visible` never wrote (a code point that does not exist) stays.
    """
    grown = sum(int(found[2] or 1) for found in _TOKEN.finditer(shown))
    return shown if 0 < longest < grown else _TOKEN.sub(_character, shown)


def _character(token: re.Match[str]) -> str:
    code = int(token[1], 16)
    return chr(code) * int(token[2] or 1) if code <= sys.maxunicode else token[0]


def beware(text: str) -> tuple[str, ...]:
    """What a reader should know of this text, a sentence each; () for text that is as it looks."""
    if _STRANGE.search(text) is None and "xn--" not in text.lower():
        return ()
    found: list[str] = []
    hidden = sorted({c for c in text if _tokened(c) and c not in "\n\t"})
    if hidden:
        named = ", ".join(f"U+{ord(c):04X} {_name(c)}" for c in hidden[:5])
        more = f" and {len(hidden) - 5} more" if len(hidden) > 5 else ""
        found.append(f"holds characters that do not show, or look like others: {named}{more}")
    disguised = _disguised(text)
    words = [m[0] for m in _WORD.finditer(text) if any(i in disguised for i in range(*m.span()))]
    found += [f"{visible(word)} mixes scripts: it is not the word that it looks like" for word in dict.fromkeys(words)]
    for host in dict.fromkeys(m[0] for m in _PUNYCODE.finditer(text)):
        meant = _decoded(host)
        if meant:
            found.append(f"{host} is written to be shown as {visible(meant)}")
    if any(len(run) > _SPACES for run in re.findall(r"\s+", text)):
        found.append("holds white space that would push the rest out of sight")
    return tuple(found)


def _runs(text: str) -> Iterator[tuple[int, str]]:
    """Stretches of equal characters, with where each begins."""
    position = 0
    for _, same in groupby(text):
        run = "".join(same)
        yield position, run
        position += len(run)


def _plain(text: str, position: int, run: str, *, lines: bool) -> bool:
    """Whether these equal characters show as themselves, here."""
    character, count = run[0], len(run)
    if character.isspace():
        if not (character == " " or (lines and character in "\n\t")):
            return False
        return _white(text, position, position + count) <= _SPACES
    if count > _SAME:
        return False
    if character == "<":
        return not text.startswith("U+", position + count)
    if " " <= character <= "~":
        return True
    if _tokened(character):
        return False
    return not unicodedata.category(character).startswith("M") or _mark(text, position, count)


def _white(text: str, start: int, stop: int) -> int:
    """How much white space surrounds the piece from `start` to `stop`, counted no further than needed."""
    first, last = start, stop
    while first > 0 and stop - first <= _SPACES and text[first - 1].isspace():
        first -= 1
    while last < len(text) and last - start <= _SPACES and text[last].isspace():
        last += 1
    return last - first


def _tokened(character: str) -> bool:
    """Whether a character is written out wherever it stands."""
    if " " <= character <= "~":
        return False
    if unicodedata.category(character) in _HIDDEN or ord(character) in _BLANK or character in _SIGNS:
        return True
    if character.isspace():
        return True
    plain = unicodedata.normalize("NFKC", character)
    return len(plain) == 1 and plain != character and " " <= plain <= "~"


def _mark(text: str, position: int, count: int) -> bool:
    """Whether combining marks sit on a letter, and are few."""
    start = position
    while start > 0 and position - start <= _MARKS and unicodedata.category(text[start - 1]).startswith("M"):
        start -= 1
    return start > 0 and text[start - 1].isalpha() and position + count - start <= _MARKS


def _disguised(text: str) -> frozenset[int]:
    """Where the letters stand that make a word look like another one."""
    if text.isascii():
        return frozenset()
    found: set[int] = set()
    for match in _WORD.finditer(text):
        if not match[0].isascii():
            found.update(match.start() + i for i in _foreign(match[0]))
    return frozenset(found)


def _foreign(word: str) -> Iterator[int]:
    """The letters of one word, or one dotted name, that do not belong with the others."""
    ascii_too = any(c.isascii() and c.isalpha() for c in word)
    start = 0
    for label in re.split(r"([.\-_])", word):
        scripts = {_script(c) for c in label if c.isalpha()}
        together = scripts if not scripts <= _TOGETHER else {"LATIN"}
        letters = [c for c in label if c.isalpha()]
        alike = ascii_too and bool(letters) and all(c in _LOOKALIKES for c in letters)
        if len(together) > 1 or alike:
            yield from (start + i for i, c in enumerate(label) if c.isalpha() and not c.isascii())
        start += len(label)


def _script(letter: str) -> str:
    return _name(letter).partition(" ")[0]


def _name(character: str) -> str:
    if "\x00" <= character < " " or "\x7f" <= character < "\xa0":
        return "CONTROL"
    return unicodedata.name(character, "UNNAMED")


def _token(character: str, count: int) -> str:
    return f"<U+{ord(character):04X}>" if count == 1 else f"<U+{ord(character):04X}*{count}>"


def _decoded(host: str) -> str:
    """What a name in Punycode (RFC 3492) is shown as; "" where it is none."""
    try:
        return ".".join(
            label[4:].encode("ascii").decode("punycode") if label.lower().startswith("xn--") else label
            for label in host.split(".")
        )
    except UnicodeError:
        return ""
