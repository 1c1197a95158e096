"""How a person gave a decision, in words: the panel, the command line and receipts say it alike. Pure."""

from __future__ import annotations

# Words whose giver the daemon vouches for, without a signature of theirs: the kernel told it who was at the terminal,
# or a session of the panel was opened for them.
UNSIGNED = frozenset({"uid", "panel"})
_MEANS = {
    "uid": "at a terminal",
    "panel": "in the panel",
    "ssh": "signed with an SSH key",
    "passkey": "signed with a passkey",
}


def given(how: str, *, typed: bool = False) -> str:
    """`in the panel, the code typed`; "" for a decision of which nobody recorded how it was given."""
    said = _MEANS.get(how, how)
    return f"{said}, the code typed" if typed and how in UNSIGNED else said
