"""Which environment a name belongs to: the user's map first, then what the name itself plainly says."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import pairwise

from interlock.model.effect import Environment
from interlock.model.world import EnvironmentRule, Setting

_PARTS = re.compile(r"[^a-z0-9]+|(?<=[a-z])(?=\d)|(?<=\d)(?=[a-z])")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# A hint may only make a name more serious: a name that says both "prod" and "dev" is production.
_HINTS: tuple[tuple[frozenset[str], Environment], ...] = (
    (frozenset({"prod", "production", "prd", "live", "main", "master"}), Environment.PRODUCTION),
    (frozenset({"staging", "stage", "stg", "preprod", "uat", "preview", "qa", "canary"}), Environment.STAGING),
    (
        frozenset({"dev", "devel", "development", "test", "tests", "testing", "local", "localhost", "sandbox", "ci"}),
        Environment.DEVELOPMENT,
    ),
    (frozenset({"minikube", "kind", "k3d", "k3s", "colima"}), Environment.DEVELOPMENT),
)
# Contexts made by tools for a cluster or an engine on this machine; names in which "prod" is no word of its own.
_LOCAL_CONTEXT = re.compile(
    r"(?:kind|k3d|minikube|docker-desktop|docker-for-desktop|rancher-desktop|colima|orbstack|crc|microk8s)(?:-.*)?"
    r"|desktop-linux|podman(?:-machine-.*)?"
)
_PRODUCTION_CONTEXT = re.compile(r"prod(?!uct(?!ion)|uce)|prd")
_LOCAL_SOCKETS = ("unix:", "npipe:", "fd:")
# What a thing is called says nothing good of where it is: a release called `test` may stand in any cluster.
_ONLY_WORSE = "name"
_BRANCH_ONLY = frozenset({"main", "master"})  # production when they name a branch, nothing when they name a database


def mapped(what: str, name: str, setting: Setting) -> Environment | None:
    """The environment that the user's own map gives to `name`, or None. The first line that matches wins."""
    return _mapped(what, name, setting.environments) if setting.environments else None


def environment_of(what: str, name: str, setting: Setting) -> Environment:
    """The environment of the `what` called `name`.

    Args:
        what: host, database, branch, context, account, directory, workspace (terraform), ...: as in `EnvironmentRule`;
            `name` is what the thing itself is called, and may only make it more serious.
        name: as the action wrote it.

    The user's map decides; else a whole word in the name (`prod`, `stg`, `dev`); else `UNKNOWN`. `preprod` and
    `non-prod` are not production.
    """
    found = mapped(what, name, setting)
    return hinted(what, name) if found is None else found


@lru_cache(maxsize=4_096)
def _mapped(what: str, name: str, rules: tuple[EnvironmentRule, ...]) -> Environment | None:
    folded = name.casefold()
    for rule in rules:
        if rule.what != what:
            continue
        pattern = rule.pattern.casefold()
        if fnmatchcase(folded, pattern) or (what == "directory" and fnmatchcase(folded, pattern.rstrip("/") + "/*")):
            try:
                return Environment(rule.environment)
            except ValueError:
                return Environment.PRODUCTION  # a word that nobody knows is not a reason to be careless
    return None


@lru_cache(maxsize=4_096)
def hinted(what: str, name: str) -> Environment:
    """What the name alone says of its environment, `UNKNOWN` when it says nothing."""
    words = [w for w in _PARTS.split(_CAMEL.sub("-", name).casefold()) if w]
    denied = any(a in {"non", "not", "no", "pre"} and b in {"prod", "production", "prd"} for a, b in pairwise(words))
    if denied or "nonprod" in words:
        return Environment.STAGING
    if what == "host" and name.startswith(_LOCAL_SOCKETS):
        return Environment.MACHINE
    if what == "context":
        folded = name.casefold()
        if _PRODUCTION_CONTEXT.search(folded):
            return Environment.PRODUCTION
        if _LOCAL_CONTEXT.fullmatch(folded):
            return Environment.DEVELOPMENT
    for hints, environment in _HINTS:
        hit = hints.intersection(words)
        if hit - _BRANCH_ONLY or (hit and what == "branch"):
            said_by_itself = what == _ONLY_WORSE and environment is Environment.DEVELOPMENT
            return Environment.UNKNOWN if said_by_itself else environment
    return Environment.UNKNOWN
