"""Cargo, go, gem, composer and kin: the grammar says where the packages stand."""

from __future__ import annotations

import posixpath
import re

from interlock.effects.catalogue import programs
from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.programs import RISKY
from interlock.effects.catalogue.readers.packages.common import RISKY_EXEMPT, install
from interlock.model.effect import Verb

_REGISTRIES = {
    "cargo": "crates",
    "gem": "gems",
    "bundle": "gems",
    "go": "go",
    "composer": "composer",
    "dotnet": "nuget",
    "nuget": "nuget",
    "dart": "pub",
    "flutter": "pub",
    "conda": "pypi",
    "mamba": "pypi",
    "micromamba": "pypi",
    "pixi": "pypi",
    "deno": "npm",
}


_CONDA = frozenset({"conda", "mamba", "micromamba", "pixi"})
# What conda calls the languages themselves, with their versions: no packages that somebody could have put there.
_LANGUAGE = re.compile(
    r"(?:python|r-base|nodejs|ruby|perl|julia|openjdk|pip)(?:[=<>!~]{1,2}[\w.*]+(?:,[=<>!~]{1,2}[\w.*]+)*)?"
)


def generic(draft: Draft) -> None:
    """cargo, go, gem, composer and kin: the grammar says where the packages stand."""
    packages = draft.values("package")
    for option in ("source", "registry", "git"):
        for value in draft.values(option):
            if value.text is None or "://" in value.text or "@" in value.text:
                draft.host(Verb.FETCH, value.text or value.source)
    registry = _REGISTRIES.get(draft.command.split(" ")[0], "")
    everything = draft.has("manifest") or not packages
    if draft.command.split(" ")[0] in _CONDA:
        everything = everything or any(_LANGUAGE.fullmatch(value.text or "") for value in packages)
        packages = [value for value in packages if not _LANGUAGE.fullmatch(value.text or "")]
    install(draft, packages, registry, everything=everything, machine=draft.has("machine"))


_MOST_FILES = 24  # of one package of Go
_LOCAL = re.compile(r"ToMavenLocal$|^[+\w/:]*publish(Local|M2)$", re.IGNORECASE)  # published for this machine alone


def task_risky(draft: Draft) -> None:
    """Build tools whose goals are free names: one that speaks of deploying is worth a question."""
    if draft.has("dry"):
        return
    for value in draft.values("goal"):
        text = value.text or ""
        if text.startswith("-") or _LOCAL.search(text) or RISKY_EXEMPT.match(text):
            continue
        if value.text is None or RISKY.search(text):
            draft.opaque(f"the goal {text!r} of {draft.command} may reach beyond the project")


def go_run(draft: Draft) -> None:
    """`go run` and `go install` of a module from elsewhere fetch it first; a file that is run is read."""
    for value in draft.values("package"):
        if draft.said.path[:1] not in (["run"], ["install"]):
            return
        if value.text is None or "@" in value.text:
            install(draft, [value], "go", machine=True)
        elif value.text.endswith(".go") and draft.said.path[:1] == ["run"] and (path := draft.path(value)) is not None:
            programs.script(draft, path, (), interpreter="go")
        elif draft.said.path[:1] == ["run"] and (path := draft.path(value)) is not None and draft.ours(path):
            for name in [n for n in draft.world.names(path) or () if n.endswith(".go")][:_MOST_FILES]:
                if not name.endswith("_test.go"):
                    programs.script(draft, posixpath.join(path, name), (), interpreter="go")
