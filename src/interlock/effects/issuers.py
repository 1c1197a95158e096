"""Whether a credential goes back to who gave it out: `$GITHUB_TOKEN` in a header for api.github.com.

Only names that are written out say so: a variable by its name, an address by its host. What a program prints, or a
variable with a general name (`$TOKEN`), belongs to nobody in particular.
"""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from urllib.parse import urlsplit

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


@cache
def _issuers() -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    text = resources.files("interlock.effects").joinpath("data/issuers.toml").read_text("utf-8")
    return tuple((tuple(i["hosts"].split()), tuple(i["variables"].split())) for i in tomllib.loads(text)["issuer"])


def returns_home(url: str, source: str) -> bool:
    """Whether every variable in `source`, as it was written, holds a credential of the host of `url`.

    Never raises; an address without https, with a user in it or with a port of its own is nobody's.
    """
    try:
        parts = urlsplit(url)
        host, odd = parts.hostname or "", parts.port not in (None, 443) or "@" in parts.netloc
    except ValueError:
        return False
    names = [a or b for a, b in _VARIABLE.findall(source)]
    if parts.scheme.lower() != "https" or odd or not names or re.search(r"[$`]", _VARIABLE.sub("", source)):
        return False
    own = [variables for hosts, variables in _issuers() if any(fnmatchcase(host, glob) for glob in hosts)]
    return any(all(any(fnmatchcase(name, glob) for glob in variables) for name in names) for variables in own)
