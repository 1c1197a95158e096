"""pwsh and powershell: their text is read, and each command gets the effects that the tables or the catalogue know."""

from __future__ import annotations

import base64
import binascii
import itertools
import re
from collections.abc import Iterable

from interlock.effects.catalogue import programs
from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.readers.powershell.actions import Actions
from interlock.effects.catalogue.readers.wrappers import interactive
from interlock.effects.invocation import Word
from interlock.effects.powershell import Unreadable, Walker, read
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Kind, Verb

# The options of the program itself; each may be abbreviated down to the letters before the bracket.
_TEXT = re.compile(r"[-/](?:c|co|com|comm|comma|comman|command|cwa|commandwithargs)", re.IGNORECASE)
_ENCODED = re.compile(r"[-/](?:e|ec|en|enc|enco\w*)", re.IGNORECASE)
_FILE = re.compile(r"[-/](?:f|fi|fil|file)", re.IGNORECASE)
_VALUED = re.compile(
    r"[-/](?:ex|exe\w*|ep|w|wi\w*|wo|wd|workingdirectory|inp\w*|if|o|of|ou\w*|ve|version|v|config\w*|settings\w*|custom\w*|psc\w*|enca\w*|encodeda\w*)",
    re.IGNORECASE,
)  # fmt: skip
_POLICY = re.compile(r"[-/](?:ex|exe\w*|ep)", re.IGNORECASE)
_OPEN = re.compile(r"bypass|unrestricted", re.IGNORECASE)
_DEEPEST = 8
_ASKS = re.compile(r"[-/]{1,2}(?:h|\?|help|version|v)", re.IGNORECASE)


def powershell(draft: Draft) -> None:
    """The text, the script or the standard input that this program would run."""
    words = list(draft.inv.words[1:])
    if len(words) == 1 and _ASKS.fullmatch(words[0].text or ""):
        return
    index = 0
    while index < len(words):
        option = words[index].text
        if option is None:
            draft.run_unread(words[index].source, "what PowerShell runs is not known", words[index].taint)
            return
        if _TEXT.fullmatch(option):
            _command(draft, words[index + 1 :])
            return
        if _ENCODED.fullmatch(option):
            _encoded(draft, words[index + 1 : index + 2])
            return
        if _FILE.fullmatch(option):
            _policy(draft, words[:index])
            _script(draft, words[index + 1 :])
            return
        if option.startswith(("-", "/")) and option not in ("-",) and not option.endswith(".ps1"):
            index += 2 if _VALUED.fullmatch(option) else 1
            continue
        break
    rest = words[index:]
    if rest and rest[0].text == "-":
        _stdin(draft)
    elif rest and (draft.command.startswith("pwsh") or (rest[0].text or "").lower().endswith(".ps1")):
        _policy(draft, words[:index])
        _script(draft, rest)
    elif rest:
        _command(draft, rest)  # powershell.exe takes what stands alone for a command
    elif draft.inv.stdin.present:
        _stdin(draft)
    else:
        interactive(draft)


def _policy(draft: Draft, options: list[Word]) -> None:
    """A script is run although the machine's own rule says which scripts may: that rule is set aside for it."""
    for option, value in itertools.pairwise(options):
        if _POLICY.fullmatch(option.text or "") and _OPEN.fullmatch(value.text or "bypass"):
            draft.opaque("the machine's rule of which scripts may run is set aside", f"{option.text} {value.source}")


def _command(draft: Draft, words: list[Word]) -> None:
    if words and words[0].text == "-":
        _stdin(draft)
        return
    if any(word.text is None for word in words):
        taint = {label for word in words for label in word.taint}
        draft.run_unread(" ".join(word.source for word in words), "the text for PowerShell is not known", taint)
        return
    run_text(draft, " ".join(word.text or "" for word in words))


def _encoded(draft: Draft, words: list[Word]) -> None:
    """-EncodedCommand: Base64 of UTF-16."""
    text = words[0].text if words else None
    try:
        plain = None if text is None else base64.b64decode(text, validate=True).decode("utf-16-le")
    except (binascii.Error, UnicodeDecodeError):
        plain = None
    if plain is None:
        draft.run_unread("-EncodedCommand", "the encoded text is not known", words[0].taint if words else ())
    else:
        draft.opaque("the text is encoded, so that nobody reads it in passing", plain)
        run_text(draft, plain)


def _stdin(draft: Draft) -> None:
    stdin = draft.inv.stdin
    if stdin.text is not None:
        run_text(draft, stdin.text)
    elif stdin.path is not None:
        _script(draft, [stdin.path])
    else:
        draft.run_unread(draft.command, "PowerShell runs what it reads", stdin.taint)


def _script(draft: Draft, words: list[Word]) -> None:
    host = Host(draft)
    if not words:
        draft.opaque("which script runs is not known")
    elif words[0].text is None:
        draft.run_unread(words[0].source, "which script runs is not known", words[0].taint)
    else:
        host.script(words[0], words[1:], Walker(host))


def run_text(draft: Draft, text: str) -> None:
    """Read a text and write down what it would do; what it prints flows out of the command."""
    host = Host(draft)
    out = host.text(text, Walker(host))
    draft.output_taint = set(out)
    secret = any(e.verb is Verb.READ and L.SECRET in e.resource.labels for e in draft.effects)
    if L.FROM_SECRET in out and not secret:
        draft.add(Verb.READ, Kind.SECRET, "a credential in a variable", labels=(L.SECRET,))


class Host(Actions):
    """Runs texts and scripts: the part of the host that needs the walk again."""

    def text(self, text: str, walker: Walker) -> frozenset[str]:
        """Read a text in place; answers what flows out of it. Never raises for any text."""
        if self.depth > _DEEPEST:
            self.draft.opaque("texts in texts too deep", text)
            return frozenset({L.FROM_UNKNOWN})
        self.depth += 1
        try:
            return walker.run(read(text)).taint
        except (Unreadable, RecursionError) as error:
            self.draft.opaque(f"PowerShell that is not understood: {error}", text)
            return frozenset({L.FROM_UNKNOWN})
        finally:
            self.depth -= 1

    def script(self, value: Word, rest: Iterable[Word], walker: Walker) -> None:
        """A script file: read when it is there, else project code or a stranger."""
        where = self.place(value)
        if where.text is None:
            self.draft.run_unread(value.source, "which script runs is not known", value.taint)
            return
        text = self.draft.content(where.text) if where.text.lower().endswith((".ps1", ".psm1")) else None
        if text is not None:
            self.text(text, walker)
        else:
            # `-Configuration Release` names a way of building, not a deed.
            said = [word for word in rest if (word.text or "").lower() not in ("release", "debug")]
            programs.script(self.draft, where.text, (where, *said), interpreter="pwsh")
