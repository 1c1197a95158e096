"""A path below something unknown that ends as the path of one of Interlock's own keys: `$X/state/keys/gate.key`. Pure.

Nobody can say where such a path leads, and mostly it leads nowhere near the keys. But an agent that knows their names
writes them so, and a path that is not known is a read like any other. So the end speaks:

    $X/state/keys/gate.key    the key itself: its folder and its name, as they stand in Interlock's own state
    $X/interlock/keys/*       the same: two names of the way to the folder, and a pattern that a key fits
    $X/interlock/keys         the folder
    $X/gate.key               something that holds credentials, whose they are cannot be said
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from interlock.effects.places import file_resource, normal
from interlock.model import labels
from interlock.model.effect import Kind, Resource
from interlock.model.world import Setting, World

NAMES = ("daemon.key", "gate.key", "root.key")  # private halves, as `identity.keys` writes them
_FOLDER = "keys"
# What follows the last part of a word that the shell puts a value in place of.
_END = re.compile(r"""(?:[})`]|\$\w+)["']?([^$`(){}]*)$""")
_QUOTES = str.maketrans("", "", "\"'\\")


def own_key(source: str, setting: Setting, world: World, *, content: bool = False) -> Resource | None:
    """What a word that is not known as a whole may name of Interlock's own keys; None for most words.

    Args:
        source: the word as it was written.
        setting: whose `interlock_paths` has the folder of keys.
        world: what lies there.
        content: what lies below it is read, too.
    """
    found = _END.search(source)
    tail = found[1].translate(_QUOTES) if found else ""
    parts = [part for part in normal(tail.lower()).split("/") if part not in ("", ".")]
    folder = next((path for path in setting.interlock_paths if path.endswith("/" + _FOLDER)), "")
    if not parts or not folder:
        return None
    way, name = parts[:-1], parts[-1]
    named = next((one for one in NAMES if fnmatchcase(one, name)), "")
    if named and way[-1:] == [_FOLDER] and (name == named or _leads(way, folder)):
        return file_resource(f"{folder}/{named}", setting, world, cwd="/")
    if _leads(parts, folder):
        return file_resource(folder, setting, world, cwd="/", directory=True, recursive=content)
    if name == named:
        return Resource(Kind.SECRET, source, (labels.SECRET, labels.UNPLACED))
    return None


def _leads(way: list[str], folder: str) -> bool:
    """Whether these are the last names of the way to the folder: at least two of them, for one is anybody's."""
    return len(way) >= 2 and way == folder.lower().split("/")[-len(way) :]
