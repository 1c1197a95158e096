"""Which cluster or engine a command talks to when it does not say so: the context that the user's own files select.

Only the context's name is taken from a kubeconfig, never what stands beside it. A name read here may be that of a
production cluster, and then it counts; it may be that of a local one, and then it counts only where nothing else can
have pointed the command elsewhere: a variable of unknown value, or a start-up file that sets one.
"""

from __future__ import annotations

import json
import posixpath
import re

from interlock.effects.catalogue.draft import Draft
from interlock.effects.environments import environment_of
from interlock.model.effect import Environment

_MOST = 1_000_000
_CURRENT = re.compile(r"""^current-context:[ \t]*["']?([^"'\s#]+)""", re.MULTILINE)
_CURRENT_JSON = re.compile(r'"current-context":\s*"([^"]+)"')
_STARTUP = (".bashrc", ".bash_profile", ".profile", ".zshrc", ".zshenv", ".zprofile", ".config/fish/config.fish")
_PROJECT = (".envrc", ".env", "mise.toml", ".mise.toml", ".tool-versions")


def kube(draft: Draft) -> list[str]:
    """The context that kubectl and its kin use when none is named; empty where that cannot be known."""
    if draft.said.values.get("server") or draft.said.values.get("cluster"):
        return []  # the words name the place themselves
    paths = _kubeconfigs(draft)
    for path in paths:
        text = _content(draft, path)
        found = (_CURRENT.search(text) or _CURRENT_JSON.search(text)) if text else None
        if found:
            return _sure(draft, found[1], "KUBECONFIG", given=bool(_given(draft)))
    return []


def docker(draft: Draft) -> list[str]:
    """The context that docker uses when none is named; empty where that cannot be known, or is the local engine."""
    if _of_another(draft) or not {"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG"}.isdisjoint(draft.inv.unknown):
        return []
    folder = draft.variable("DOCKER_CONFIG") or posixpath.join(draft.setting.home, ".docker")
    text = _content(draft, posixpath.join(folder, "config.json"))
    try:
        data = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return []
    name = data.get("currentContext") if isinstance(data, dict) else None
    return [name] if isinstance(name, str) and name and name != "default" else []


def _of_another(draft: Draft) -> bool:
    """Whether the command reads the files of another user or host: sudo, ssh, another HOME."""
    inv = draft.inv
    if inv.remote or inv.privileged or inv.user or "HOME" in inv.unknown:
        return True
    moved = any(name == "HOME" and value.text is None for name, value in inv.assignments)
    return moved or (draft.variable("HOME") or draft.setting.home) != draft.setting.home


def _given(draft: Draft) -> str | None:
    """The kubeconfig that the command line or a variable names."""
    flag = draft.text("kubeconfig") if "kubeconfig" in draft.said.values else None
    return flag or draft.variable("KUBECONFIG")


def _kubeconfigs(draft: Draft) -> list[str]:
    if _of_another(draft) or "KUBECONFIG" in draft.inv.unknown:
        return []
    flag = draft.said.value("kubeconfig")
    unknown = flag is not None and flag.text is None
    if unknown or any(name == "KUBECONFIG" and value.text is None for name, value in draft.inv.assignments):
        return []
    given = _given(draft)
    if given is None:
        return [posixpath.join(draft.setting.home, ".kube/config")]
    paths = [draft.path(part) for part in given.split(":") if part]
    return [path for path in paths if path is not None]


def _content(draft: Draft, path: str) -> str | None:
    text = draft.world.text(path, _MOST)
    if text is not None and path not in draft.operands:
        draft.operands.append(path)
    return text


def _sure(draft: Draft, name: str, variable: str, *, given: bool) -> list[str]:
    """The name, unless it calms while a start-up file may have chosen another context."""
    calm = environment_of("context", name, draft.setting) is not Environment.PRODUCTION
    if calm and not given:
        for place in (*(posixpath.join(draft.setting.home, f) for f in _STARTUP), *_of_project(draft)):
            text = draft.world.text(place)
            if text and variable in text:
                return []
    return [name]


def _of_project(draft: Draft) -> list[str]:
    folders = {draft.setting.workspace, draft.inv.cwd or draft.setting.cwd}
    return [posixpath.join(folder, name) for folder in sorted(folders) for name in _PROJECT]
