"""How a text says no: a word, or a sentence that has one among its first. Pure, and alone: it runs in rooms too."""

from __future__ import annotations

import re
import string

_AROUND = string.whitespace + string.punctuation
_WORD = re.compile(
    r"(?:access |not )?(?:denied|refused?|forbidden|locked|wrong|invalid|error|unauthori[sz]ed|allowed|rejected|"
    r"expired|failed|blocked|busy|deny|no)",
    re.IGNORECASE,
)
_LONGEST = 200  # characters: what is longer is a page or a record, not an answer that says no
SENTENCE = (
    r"(?:\S+\s+){0,7}?\W*(?<!\bno )(?<!\bwithout )(?<!\bany )(?:"
    r"errors?|\w+Error|\w+Exception|invalid|illegal|malformed|denied|forbidden|unauthori[sz]ed|disallowed|prohibited|"
    r"refus(?:ed|es|ing)|reject(?:ed|s|ing)|fail(?:ed|s|ure)|cannot|can't|could(?: not|n't)|unable|unsafe|"
    r"untrusted|unsupported|unknown|suspicious|malicious|blocked|expired|revoked|insufficient|mismatch(?:ed)?|"
    r"exceed(?:s|ed)?|not (?:be )?(?:\w+ )?(?:allowed|permitted|authori[sz]ed|valid|found|supported|safe|trusted|"
    r"accepted|match)|(?:do|does|did|has|have|is|are)(?: not|n't)|out of (?:bounds?|range)|too (?:long|large|big|"
    r"many|short|small|deep)|must (?:not )?(?:be|have|match|contain|start|end)|bad (?:request|input|value)"
    r")\b"
)  # matched at a text's start, whatever its case
_SENTENCE = re.compile(SENTENCE, re.IGNORECASE)


def says_no(text: str) -> bool:
    """Whether an answer that is this text tells its reader of a refusal."""
    if _WORD.fullmatch(text[:40].strip(_AROUND)):
        return True
    return len(text) <= _LONGEST and " " in text.strip() and bool(_SENTENCE.match(text))
