"""Stage *secrets*: credentials that the change brings in.

The shapes of `effects.redact` on new lines, and values that look random behind names that say so. What the base already
held is not new. A value is never shown, and its fingerprint holds no more than 16 bits of its digest.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import NamedTuple

from interlock.changes.change import Change, FileChange, Kind
from interlock.changes.config import matches
from interlock.changes.finding import Finding, Weight
from interlock.changes.shapes import is_test
from interlock.changes.stage import Found, Plain
from interlock.effects.redact import packaged, redact
from interlock.effects.secret_names import secret_name

# A line is looked at in windows: minified code has lines of megabytes, and what a hit costs must not grow with them.
_WINDOW = 4_000  # characters in which a credential begins
_BEYOND = 1_000  # characters after them in which it may go on
_NEAR = 200  # characters around a value that may say that it is none
_BITS = 3.0  # a character: words of a language lie below, random letters and digits above


class _Hit(NamedTuple):
    kind: str
    value: str
    vague: bool
    at: int = 0  # where it stands in its line


class _Harmless(NamedTuple):
    words: re.Pattern[str]
    values: re.Pattern[str]
    files: tuple[str, ...]


@cache
def _harmless() -> _Harmless:
    text = resources.files("interlock.changes.data").joinpath("secrets.toml").read_text("utf-8")
    data = tomllib.loads(text)["harmless"]
    words = "|".join(re.escape(word) for word in data["words"].split())
    return _Harmless(
        re.compile(words, re.IGNORECASE), re.compile("|".join(data["values"])), tuple(data["files"].split())
    )


def run(change: Change) -> Found:
    """Look at every new line for credentials."""
    findings: list[Finding] = []
    known = Counter(_mark(hit) for file in change.files for hit in _hits(file, after=False))
    for file in change.files:
        if matches(file.path, _harmless().files):
            continue
        findings += _keys(file)
        for number, line, hit in _found(file):
            mark = _mark(hit)
            if known[mark] > 0:
                known[mark] -= 1
                continue
            findings.append(_finding(file, number, line, hit, mark))
    return Found(findings=tuple(_once(findings)))


def _hits(file: FileChange, *, after: bool) -> Iterator[_Hit]:
    for _, line in file.added() if after else file.removed():
        yield from hits(line, file.path)


def _found(file: FileChange) -> Iterator[tuple[int, str, _Hit]]:
    for number, line in file.added():
        for hit in hits(line, file.path):
            yield number, line, hit


def hits(line: str, path: str) -> Iterator[_Hit]:
    """Credentials in one line. Total, and linear in its length."""
    for start in range(0, max(1, len(line)), _WINDOW):
        seen: list[str] = []
        for hit in (*_shaped(line, start), *_named(line, path, start)):
            if hit.value not in seen and not any(hit.value in other for other in seen):
                seen.append(hit.value)
                yield hit


def _matches(pattern: re.Pattern[str], line: str, start: int) -> Iterator[re.Match[str]]:
    """What begins in a window: the next one has what begins after it."""
    for match in pattern.finditer(line, start, start + _WINDOW + _BEYOND):
        if match.start() >= start + _WINDOW:
            return
        yield match


def _around(line: str, start: int, end: int) -> str:
    return line[max(0, start - _NEAR) : end + _NEAR]


def _shaped(line: str, start: int) -> Iterator[_Hit]:
    lower = line[start : start + _WINDOW + _BEYOND].casefold()
    for shape in packaged():
        if shape.id in ("private-key", "named-secret", "authorization") or not any(
            hint in lower for hint in shape.hints
        ):
            continue
        for match in _matches(shape.regex, line, start):
            group = next((g for g in shape.groups if match[g] is not None), 0)
            value, at = match[group], match.start(group)
            if placeholder(value, line[max(0, match.start() - 40) : match.end() + 10]):
                continue
            if shape.vague or shape.id in ("url-password", "url-token"):
                if len(value) >= 6 and (random(value) or shape.id == "url-password"):
                    yield _Hit(shape.id, value, vague=True, at=at)
            else:
                yield _Hit(shape.id, value, vague=False, at=at)


# A name, what binds it, and a text in quotes; or without quotes in files of settings.
# Possessive: what follows a part is never in its class, so giving letters back could not help, only take time.
_QUOTED = re.compile(
    r"""([A-Za-z_][\w.\-]{0,60}+)["'\]]{0,3}\s{0,4}(?::\s{0,4}(?:str|String|string|&str|\w{1,20})\s{0,4}=|:=|=>|=(?!=)|:|,)"""
    r"""\s{0,4}(?:[rbf]{0,2}|new \w{1,20}\()["'`]([^"'`\s]{6,512}+)["'`]"""
)
_PLAIN = re.compile(
    r"^\s*+(?:export\s++|-\s++)?([A-Za-z_][\w.\-]{0,60}+)\s{0,4}[=:]\s{0,4}([^\s\"'#]{8,512}+)\s*+(?:#.*)?$"
)
_SETTINGS = (
    "*.env", ".env*", "*.ini", "*.cfg", "*.conf", "*.properties", "*.yaml", "*.yml", "*.toml", "Dockerfile", "*.sh",
    "*.tfvars",
)  # fmt: skip
_ASIDE = ("*.md", "*.rst", "docs/**", "**/docs/**", "**/examples/**", "*.example", "*.sample")
_STORES = ("*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx")
_TELLING = re.compile(r"(?i)secret|token|api.?key|passw|credential|private")
_LONG = re.compile(r"""["'`]([A-Za-z0-9+/_\-]{32,256}={0,2})["'`]""")


def _named(line: str, path: str, start: int) -> Iterator[_Hit]:
    found = list(_matches(_QUOTED, line, start))
    if start == 0 and matches(path, _SETTINGS):
        found += _PLAIN.finditer(line)
    for match in found:
        name, value = match[1], match[2]
        if not secret_name(_upper(name)) or placeholder(value, _around(line, *match.span())):
            continue
        if random(value):
            yield _Hit("named-secret", value, vague=False, at=match.start(2))
        elif _password(name) and _chosen(value):
            yield _Hit("password", value, vague=True, at=match.start(2))
    if _TELLING.search(line, max(0, start - _WINDOW), start + _WINDOW + _BEYOND):
        for match in _matches(_LONG, line, start):
            if (
                random(match[1])
                and entropy(match[1]) > _BITS + 0.9
                and not placeholder(match[1], _around(line, *match.span()))
            ):
                yield _Hit("high-entropy", match[1], vague=True, at=match.start(1))


def _upper(name: str) -> str:
    """`clientSecret` and `client-secret` as `CLIENT_SECRET`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").replace(".", "_").upper()


def _password(name: str) -> bool:
    return bool(
        re.search(
            r"(?i)passw(?:or)?d|passphrase|_?pwd$|_pass$|secret_?key|jwt_?(?:secret|key)|signing|encryption_?key", name
        )
    )


def _chosen(value: str) -> bool:
    """A text that a person might have chosen as a password: letters, with digits or signs among them, no code."""
    if len(value) < 6 or any(c in value for c in "()[]{}<> ,;") or re.fullmatch(r"[\w.]+\.[a-zA-Z_]\w*", value):
        return False
    return any(c.isalpha() for c in value) and any(not c.isalpha() and c not in "._-/:" for c in value)


def placeholder(value: str, around: str) -> bool:
    """Whether a value says itself that it is none, or is what everybody knows to be no secret."""
    if len(value) < 6 or _harmless().words.search(value) or _harmless().values.fullmatch(value):
        return True
    if len(set(value)) <= max(3, len(value) // 8) or _run(value) >= 7:
        return True
    return bool(
        re.search(
            r"(?i)integrity|sha(?:1|256|384|512)[\W_]|checksum|digest|\bcommit\b|\brev\b|public[_-]?key|hash(?:es)?\b",
            around,
        )
    )


def _run(value: str) -> int:
    """The longest stretch of a value that counts up, or down, or stays: `abcdefgh`, `987654`, `xxxxxx`."""
    best = here = 1
    step = None
    for a, b in itertools.pairwise(value):
        now = ord(b) - ord(a)
        here = here + 1 if now == step and now in (-1, 0, 1) else 2
        step = now
        best = max(best, here if now in (-1, 0, 1) else 1)
    return best


def random(value: str) -> bool:
    """Letters and digits mixed as chance mixes them, and nothing of code or prose."""
    if (
        len(value) < 12
        or value[0] == "$"
        or any(c in value for c in "()[]{}<>,; %\\")
        or value.count("/") > len(value) / 12 + 1
    ):
        return False
    core = re.sub(r"[^A-Za-z0-9]", "", value)
    if not (any(c.isdigit() for c in core) and any(c.isalpha() for c in core)):
        return False
    # Words with a number behind them are names: how often letters and digits take turns tells.
    turns = sum(a.isdigit() != b.isdigit() for a, b in itertools.pairwise(core))
    cases = sum(a.islower() != b.islower() for a, b in itertools.pairwise(core) if a.isalpha() and b.isalpha())
    return entropy(value) >= _BITS and turns + cases >= len(core) / 5


def entropy(value: str) -> float:
    """Bits a character, by how often each occurs in the value."""
    total = len(value)
    return -sum(n / total * math.log2(n / total) for n in Counter(value).values())


_PEM = re.compile(r"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----")


def _keys(file: FileChange) -> Iterator[Finding]:
    """Private keys, which take more than a line, and files that hold nothing else."""
    if file.after is None or file.after.kind is not Kind.TEXT:
        if file.after is not None and file.before is None and matches(file.path, _STORES):
            yield _key_finding(file, 0, "A store of keys is added.")
        return
    lines = file.after.lines
    for number, line in file.added():
        if _PEM.search(line):
            body = "".join(lines[number - 1 : number + 40])
            long = re.search(r"KEY(?: BLOCK)?-----(?:\\n|[\s\"'+])*[A-Za-z0-9+/=\\n\s\"'+]{60}", body)
            if long and "..." not in body[:400]:
                yield _key_finding(file, number, "A private key stands here.")


def _key_finding(file: FileChange, number: int, title: str) -> Finding:
    test = is_test(file.path)
    return Finding(
        rule="secrets/private-key", weight=Weight.REVIEW if test else Weight.BLOCK, path=file.path, line=number,
        anchor="private-key", title=title, why="Whoever reads the repository has it, and history keeps it.",
        fix="Revoke it, keep keys out of the repository, and take it out of the history.",
    )  # fmt: skip


def _finding(file: FileChange, number: int, line: str, hit: _Hit, mark: str) -> Finding:
    aside = is_test(file.path) or matches(file.path, _ASIDE)
    if hit.vague:
        weight = (
            Weight.NOTE if aside else Weight.BLOCK if random(hit.value) or hit.kind == "password" else Weight.REVIEW
        )
    elif hit.kind == "named-secret":
        weight = Weight.NOTE if aside else Weight.BLOCK
    else:
        weight = Weight.REVIEW if aside else Weight.BLOCK
    return Finding(
        rule=f"secrets/{hit.kind}", weight=weight, path=file.path, line=number, anchor=mark,
        text=_shown(line, hit),
        title=f"A credential stands here ({hit.kind.replace('-', ' ')}, {len(hit.value)} characters).",
        why="Whoever reads the repository has it, and history keeps it.",
        fix="Revoke it, read it from the environment or a store of secrets, and take it out of the history.",
    )  # fmt: skip


def _shown(line: str, hit: _Hit) -> str:
    """The line without the credential; of a long one nothing, for what is cut out of it may be half of another one."""
    if len(line) > _WINDOW:
        return f"[{hit.kind}] at character {hit.at + 1} of a line of {len(line)}"
    return redact(line.replace(hit.value, f"[{hit.kind}]"))[:200]


def _mark(hit: _Hit) -> str:
    return f"{hit.kind} {hashlib.sha256(hit.value.encode('utf-8', 'surrogatepass')).hexdigest()[:4]}"


def _once(findings: list[Finding]) -> Iterator[Finding]:
    seen = set()
    for finding in findings:
        key = (finding.path, finding.line, finding.anchor)
        if key not in seen:
            seen.add(key)
            yield finding


STAGE = Plain("secrets", run, version="2", budget=10.0)
