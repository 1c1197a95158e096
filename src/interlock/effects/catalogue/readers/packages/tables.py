"""Scripts that a project writes into its own manifest: the text in the table is what runs.

They are the tables of poe, taskipy, pdm, hatch and rye in pyproject.toml, the tasks of deno.json and the scripts of
composer.json.
"""

from __future__ import annotations

import json
import posixpath
import tomllib
from typing import Any

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.grammar import known
from interlock.effects.catalogue.readers.packages.common import base_of, unread_script
from interlock.effects.invocation import Word

_MOST_STEPS = 24
_TABLES = (("poe", "tasks"), ("taskipy", "tasks"), ("pdm", "scripts"), ("rye", "scripts"), ("hatch", "scripts"))
_JSON = {"deno": (("deno.json", "deno.jsonc"), "tasks"), "composer": (("composer.json",), "scripts")}


def python_script(draft: Draft, name: str, arguments: list[Word]) -> bool:
    """A script of pyproject.toml by its name; False when there is none."""
    found = _nearest(draft, ("pyproject.toml",))
    if found is None:
        return False
    path, text = found
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError):
        return False
    table = _python_table(data, name)
    bare = name.rpartition(":")[2] if name not in table else name
    if bare not in table:
        return False
    _run(draft, table, bare, path, arguments, set())
    draft.project(f"{draft.command} {name}")
    return True


def script(draft: Draft) -> None:
    """deno task, composer run-script: the text in the manifest runs."""
    names, key = _JSON[_tool(draft)]
    targets = draft.values("target")
    if not targets:
        return
    name = targets[0].text
    if name is None:
        draft.opaque("which script runs is not known", targets[0].source)
        return
    found = _nearest(draft, names)
    try:
        data = json.loads(found[1]) if found else None
    except (ValueError, RecursionError):
        data = None
    table = data.get(key) if isinstance(data, dict) else None
    if found is None or not isinstance(table, dict) or name not in table:
        unread_script(draft, name, "the script", base_of(draft))
        return
    _run(draft, table, name, found[0], list(targets[1:]), set())
    draft.project(f"{draft.command} {name}")


def _tool(draft: Draft) -> str:
    return draft.command.partition(" ")[0]


def _nearest(draft: Draft, names: tuple[str, ...]) -> tuple[str, str] | None:
    """The manifest in force: here, or in a directory above up to the top of the workspace."""
    folder = base_of(draft)
    for _ in range(16):
        if folder is None:
            return None
        for name in names:
            text = draft.content(posixpath.join(folder, name))
            if text is not None:
                return posixpath.join(folder, name), text
        if folder in ("/", draft.setting.workspace):
            return None
        folder = posixpath.dirname(folder)
    return None


def _python_table(data: dict[str, Any], name: str) -> dict[str, Any]:
    """Every script of the project; where two tables have the same name all of them run as far as anybody knows."""
    tools = data.get("tool")
    tools = tools if isinstance(tools, dict) else {}
    out: dict[str, Any] = {}
    for tool, key in _TABLES:
        table = tools.get(tool)
        out |= _dict(table.get(key) if isinstance(table, dict) else None)
    environments = _dict(_dict(tools.get("hatch")).get("envs"))
    wanted = name.partition(":")[0] if ":" in name else "default"
    for environment in (wanted, *environments):
        for script_name, said in _dict(_dict(environments.get(environment)).get("scripts")).items():
            out.setdefault(script_name, said)
    return out


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _run(draft: Draft, table: dict[str, Any], name: str, path: str, arguments: list[Word], seen: set[str]) -> None:
    """One script with what comes before and after it, and the scripts that it names."""
    if name in seen or len(seen) > _MOST_STEPS:
        return
    seen.add(name)
    before, after = (f"pre_{name}", f"pre-{name}", f"pre{name}"), (f"post_{name}", f"post-{name}", f"post{name}")
    for step in (*before, name, *after):
        if step == name:
            _said(draft, table, table[name], path, arguments, seen)
        elif step in table and _tool(draft) != "deno":
            _run(draft, table, step, path, [], seen)


def _said(draft: Draft, table: dict[str, Any], said: Any, path: str, arguments: list[Word], seen: set[str]) -> None:
    if isinstance(said, str):
        _text(draft, table, said, path, arguments, seen)
    elif isinstance(said, list):
        for part in said:
            if isinstance(part, str) and part in table:
                _run(draft, table, part, path, arguments, seen)
            else:
                _said(draft, table, part, path, arguments, seen)
    elif isinstance(said, dict):
        for key in ("deps", "dependencies", "uses", "ref", "sequence", "chain", "composite"):
            for part in said.get(key, ()) if isinstance(said.get(key), list) else [said[key]] if key in said else []:
                _said(draft, table, [part], path, [], seen)
        for key in ("cmd", "shell", "command"):
            if isinstance(said.get(key), str):
                _text(draft, table, said[key], path, arguments, seen)
            elif isinstance(said.get(key), list):
                draft.argv([known(str(part)) for part in said[key]])
        if not {"cmd", "shell", "command", "sequence", "chain", "composite", "ref"} & set(said):
            draft.project(f"{draft.command} with a script in Python", note="calls a function of the project")


def _text(draft: Draft, table: dict[str, Any], text: str, path: str, arguments: list[Word], seen: set[str]) -> None:
    import shlex

    if _tool(draft) == "composer":
        if text.startswith("@"):
            name, _, rest = text[1:].partition(" ")
            if name in table:
                _run(draft, table, name, path, arguments, seen)
            elif name in ("php", "composer"):
                draft.shell(f"{name} {rest}", cwd=posixpath.dirname(path), origin=path)
            return
        if "::" in text and " " not in text:
            return  # a function of the project
    first, _, rest = text.partition(" ")
    if first in table and first not in seen and draft.command.startswith("hatch"):
        _run(draft, table, first, path, arguments, seen)
        return
    more = "".join(f" {shlex.quote(w.text) if w.text is not None else '$INTERLOCK_UNKNOWN'}" for w in arguments)
    draft.shell(
        text.replace("{args}", "").replace("{args:", "").removeprefix("- ") + more,
        cwd=posixpath.dirname(path),
        origin=path,
    )
