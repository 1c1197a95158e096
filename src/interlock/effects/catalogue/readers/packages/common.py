"""Package managers: what is installed, named now or written down before, and how well its name is known."""

from __future__ import annotations

import posixpath
import re

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.programs import RISKY
from interlock.effects.catalogue.words import word_list
from interlock.effects.hosts import host_resource
from interlock.effects.invocation import Word
from interlock.effects.packages_known import Standing, standing
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Environment, Kind, Verb

_MANIFESTS = tuple(sorted(word_list("manifests")))
_URL = re.compile(
    r"^(git\+|https?:|git:|ssh:|file:|github:|gitlab:|bitbucket:|git@)|\.git(#|$)|\.(tgz|tar\.gz|whl|zip)$"
)
RISKY_EXEMPT = re.compile(r"^(reset-cache|build[:.-]prod(uction)?|prod[:.-]build|build-release|bundle[:.-]prod)$")


# What a version may look like behind a name; anything else is a place, an alias or a tag of a repository.
_VERSION = r"[\w.^~<>=*|,!+ -]*"
_NAMES = {
    "npm": re.compile(rf"(?:npm:)?((?:@[\w.-]+/)?[\w.-]+)(?:@{_VERSION})?"),
    "pypi": re.compile(rf"([A-Za-z0-9][\w.-]*)(?:\[[\w, .-]*\])?\s*(?:[=<>!~]{_VERSION}|@{_VERSION})?(?:;.*)?"),
    "crates": re.compile(rf"([A-Za-z][\w-]*)(?:@{_VERSION})?"),
    "gems": re.compile(rf"([A-Za-z][\w.-]*)(?::{_VERSION})?"),
    "go": re.compile(r"([\w.-]+(?:/[\w.~-]+)*)(?:/\.\.\.)?(?:@[\w.+-]+)?"),
    "composer": re.compile(rf"([\w.-]+/[\w.-]+)(?:[:=]{_VERSION}@?\w*)?"),
    "nuget": re.compile(r"([A-Za-z][\w.-]*)"),
    "pub": re.compile(rf"(?:dev:)?([a-z]\w*)(?::{_VERSION})?"),
}
# Options that make packages come from somewhere else, by the name under which grammars capture them.
_ELSEWHERE = (
    "index-url",
    "extra-index-url",
    "registry",
    "source",
    "git",
    "path",
    "find-links",
    "trusted-host",
    "channel",
)
_VARIABLES = word_list("registry-variables")
_SETTINGS_FILES = {"npm": (".npmrc", ".yarnrc", ".yarnrc.yml", "bunfig.toml"), "pypi": ("pip.conf", "uv.toml")}


# Installers that renew themselves.
_TOOLCHAIN = frozenset({"pip", "setuptools", "wheel", "npm", "npm@latest", "pnpm", "yarn", "corepack", "uv", "poetry"})


def known_tool(name: str) -> bool:
    """Whether some family of the catalogue says what this program does."""
    from interlock.effects.catalogue.packaged import packaged

    return bool(packaged().find(name))


def unread_script(draft: Draft, name: str, what: str, base: str | None = "") -> None:
    """A script, target or task whose text the world does not show: project code, unless its name says more."""
    if not draft.inv.remote and (base is None or (base and not draft.ours(base))):
        draft.opaque(f"{what} {name!r} lies outside of the workspace and could not be read")
    elif RISKY.search(name) and not RISKY_EXEMPT.match(name):
        draft.opaque(f"{what} {name!r} could not be read, and its name says that it may reach beyond the project")
    else:
        draft.project(f"{draft.command} {name}".strip(), note=f"{what} was not read")


def base_of(draft: Draft) -> str | None:
    base = draft.inv.cwd
    for value in draft.values("dir"):
        base = draft.path(value, base) if value.text is not None else None
    return base


def mentioned(draft: Draft, name: str) -> bool:
    """Whether the project's own manifest or lock file names this package."""
    base = base_of(draft)
    if base is None or not name:
        return False
    bare = re.split(r"[=<>~!\[@;]", name[1:] if name.startswith("@") else name)[0]
    bare = "@" + bare if name.startswith("@") else bare
    pattern = re.compile(rf"(?<![\w@/.-]){re.escape(bare)}(?![\w/-])", re.IGNORECASE)
    for folder in dict.fromkeys((base, draft.setting.workspace)):
        for manifest in _MANIFESTS:
            text = draft.world.text(posixpath.join(folder, manifest))
            if text is not None and pattern.search(text):
                draft.operands.append(posixpath.join(folder, manifest))
                return True
    return False


def bare_name(registry: str, text: str) -> str | None:
    """The package's name without its version, or None where the text says more than a name and a version."""
    pattern = _NAMES.get(registry)
    match = pattern.fullmatch(text.strip()) if pattern is not None else None
    return match.group(1) if match else None


def redirected(draft: Draft, registry: str) -> bool:
    """Whether packages come from anywhere but the registry of record: by option, variable or a file of the project."""
    for option in _ELSEWHERE:
        for value in draft.values(option):
            url = value.text or ""
            if option not in ("index-url", "registry") or L.REGISTRY not in host_resource(url, draft.setting).labels:
                return True
    if any(draft.variable(name) for name in _VARIABLES):
        return True
    base = base_of(draft)
    for name in _SETTINGS_FILES.get(registry, ()) if base is not None else ():
        text = draft.content(posixpath.join(base or "", name))
        if text is not None and re.search(
            r"(?im)^\s*(?:\S*registry\S*|index-url|extra-index-url|index|url)\s*[:=]", text
        ):
            return True
    return False


def look_up(draft: Draft, registry: str, text: str) -> Standing:
    """What is known of a package named on the line; nothing, where it does not come from the registry of record."""
    name = bare_name(registry, text)
    if name is None:
        return Standing()
    found = standing(registry, name)
    return Standing(resembles=found.resembles) if found.known and redirected(draft, registry) else found


def install(
    draft: Draft, packages: list[Word], registry: str = "", *, everything: bool = False, machine: bool = False
) -> None:
    """INSTALL effects for named packages; without names, for what the project wrote down."""
    if not packages and everything:
        note = "from the manifest or lock file"
        draft.add(Verb.INSTALL, Kind.PACKAGE, "(the project's own)", labels=(L.PROJECT,), note=note)
    for value in packages:
        text = value.text if value.text is not None else value.source
        if not text.startswith("-"):
            _named(draft, value, text, registry, machine=machine)


def _named(draft: Draft, value: Word, text: str, registry: str, *, machine: bool) -> None:
    marks, note = [], "named on the command line"
    found = look_up(draft, registry, text) if value.text is not None else Standing()
    if _written(draft, value, text, machine=machine):
        marks, note = [L.PROJECT], ""
    elif text in _TOOLCHAIN or (found.known and not machine):
        marks, note = [L.KNOWN], "" if text in _TOOLCHAIN else "an everyday package under its exact name"
    elif found.resembles:
        marks, note = [L.LOOKALIKE], f"this name is nearly that of {found.resembles}"
    if _URL.search(text) and not text.startswith(("file:", ".", "/")):
        location = re.sub(r"^(?:\w[\w-]*\s*@\s*)", "", re.sub(r"^git\+", "", text))
        if "://" in location or "@" in location:
            draft.host(Verb.FETCH, location)
        marks = []
    env = Environment.MACHINE if machine else None
    draft.add(Verb.INSTALL, Kind.PACKAGE, text, labels=marks, taint=value.taint, env=env, note=note)


def _written(draft: Draft, value: Word, text: str, *, machine: bool) -> bool:
    """Whether the project itself holds it or names it."""
    if re.search(r"\.(tgz|tar\.gz|whl|zip|gem|nupkg|crate)$", text):
        return False  # an archive's own scripts run, wherever it lies
    if text.startswith("workspace:"):
        return True
    local = text in (".", "./", "..") or text.startswith(("./", "../", ".[", "file:."))
    if local and draft.ours(draft.path(text.removeprefix("file:").split("[", maxsplit=1)[0])):
        return True
    return value.text is not None and not machine and mentioned(draft, text)
