"""terraform and kin: what a run would destroy or change, and whose it is, by workspace, directory and state."""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass, field
from typing import Any

from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.readers.sql import most_careful
from interlock.effects.environments import environment_of, mapped
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Breadth, Environment, Kind, Known, Reversibility, Scale, Verb

_DATABASES = re.compile(
    r"db_instance|db_cluster|rds_cluster|dynamodb_table|sql_database|database_instance|_database$|redis|elasticache|"
    r"documentdb|mongodbatlas_cluster|spanner|bigtable|cosmosdb|postgresql|mysql|s3_bucket$|storage_bucket$|kms_key$"
)
_NAMES = (
    "identifier",
    "name",
    "db_name",
    "cluster_identifier",
    "bucket",
    "database_name",
    "id",
    "environment",
    "Environment",
    "env",
    "Name",
    "Env",
    "stage",
)
_PLANS = ("tfplan.json", "plan.json")
_MOST_STATE = 2_000_000
_MOST_NAMED = 16  # databases named one by one; the rest stands in the count


@dataclass(slots=True)
class Plan:
    """What a plan in JSON would do: by address what goes, what is made anew, and how many change or are made."""

    deleted: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    changed: int = 0
    created: int = 0
    databases: list[tuple[str, str]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    path: str = ""

    @classmethod
    def read(cls, text: str, path: str) -> Plan | None:
        """The plan in `text`; None where it is none."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            return None
        changes = data.get("resource_changes") if isinstance(data, dict) else None
        if not isinstance(changes, list):
            return None
        plan = cls(path=path)
        for entry in changes[:5_000]:
            change = entry.get("change") if isinstance(entry, dict) else None
            if isinstance(change, dict):
                plan._take(entry, change)
        return plan

    def _take(self, entry: dict[str, Any], change: dict[str, Any]) -> None:
        actions = change.get("actions")
        actions = set(actions) if isinstance(actions, list) and all(isinstance(a, str) for a in actions) else set()
        address = str(entry.get("address", "?"))
        if "delete" in actions:
            (self.replaced if "create" in actions else self.deleted).append(address)
            before = change.get("before")
            before = before if isinstance(before, dict) else {}
            name = next((str(before[key]) for key in _NAMES if isinstance(before.get(key), str) and before[key]), "")
            self.names += [address, name] if name else [address]
            if _DATABASES.search(str(entry.get("type", ""))):
                self.databases.append((address, name or address.rpartition(".")[2]))
        elif "update" in actions:
            self.changed += 1
        elif "create" in actions:
            self.created += 1

    def summary(self) -> str:
        """One sentence for people."""
        return (
            f"{posixpath.basename(self.path)}: {len(self.deleted)} destroyed, {len(self.replaced)} replaced, "
            f"{self.changed} changed, {self.created} created"
        )


class State:
    """What a state file tells: how many resources, which databases, and every name that may say whose they are."""

    def __init__(self) -> None:
        self.count: int | None = None
        self.databases: list[tuple[str, str]] = []
        self.names: list[str] = []

    def read(self, text: str) -> None:
        """Take in one state (or plan) in JSON."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            return
        resources = data.get("resources") if isinstance(data, dict) else None
        if not isinstance(resources, list):
            return
        self.count = 0
        for resource in resources[:5_000]:
            if isinstance(resource, dict) and resource.get("mode", "managed") == "managed":
                self._resource(resource)

    def _resource(self, resource: dict[str, Any]) -> None:
        kind, name = str(resource.get("type", "")), str(resource.get("name", ""))
        instances = resource.get("instances")
        instances = instances if isinstance(instances, list) else []
        self.count = (self.count or 0) + max(1, len(instances))
        self.names.append(name)
        found = ""
        for instance in instances[:50]:
            attributes = instance.get("attributes") if isinstance(instance, dict) else None
            if not isinstance(attributes, dict):
                continue
            tags = [
                t
                for t in (attributes.get("tags"), attributes.get("labels"), attributes.get("tags_all"))
                if isinstance(t, dict)
            ]
            for source in (attributes, *tags):
                for key in _NAMES:
                    value = source.get(key)
                    if isinstance(value, str) and value:
                        self.names.append(value)
                        found = found or (value if source is attributes else "")
        if _DATABASES.search(kind):
            self.databases.append((f"{kind}.{name}", found or name))


_CONSOLE = re.compile(r"\b(?:file\w*|templatefile|nonsensitive)\s*\(")


def terraform(draft: Draft) -> None:
    """The family's reader."""
    if not draft.said.path:
        return
    action = _action(draft)
    base = _base(draft)
    if action in ("destroy", "destroy-all") or (action in ("apply", "apply-all") and draft.has("destroy")):
        _destroy(draft, base)
    elif action in ("apply", "apply-all"):
        _apply(draft, base)
    elif action == "state":
        _state(draft, base)
    elif action in ("workspace", "env"):
        _workspace(draft)
    elif action in ("import", "refresh", "taint", "untaint", "force-unlock"):
        verb = Verb.CONFIGURE if action == "force-unlock" else Verb.WRITE
        draft.add(verb, Kind.TERRAFORM_STATE, _name(draft, base), env=_environment(draft, base, _load(draft, base)))
    elif action == "init":
        draft.add(Verb.INSTALL, Kind.PACKAGE, "(providers and modules)", labels=(L.PROJECT,))
        if draft.has("migrate-state", "force-copy"):
            draft.add(Verb.OVERWRITE, Kind.TERRAFORM_STATE, _name(draft, base), env=_environment(draft, base, State()))
    elif action in ("login", "logout"):
        draft.add(Verb.CONFIGURE, Kind.SECRET, "terraform credentials", labels=(L.SECRET,))
    elif action == "console":
        _console(draft)
    elif action == "run":
        draft.opaque("which terraform command runs is not known")


def _console(draft: Draft) -> None:
    """Expressions on standard input: some functions read files."""
    stdin = draft.inv.stdin
    if stdin.present and (stdin.text is None or _CONSOLE.search(stdin.text)):
        draft.opaque("an expression for the console that reads files, or is not known", stdin.text or "?")


def _action(draft: Draft) -> str:
    action = draft.said.path[0]
    if action in ("run-all", "run", "stack"):
        words = [w.text or "?" for w in draft.said.operands]
        return next(
            (
                w
                for w in words
                if w in ("destroy", "apply", "plan", "init", "validate", "output", "state", "import", "refresh")
            ),
            action,
        )
    return action


def _base(draft: Draft) -> str | None:
    value = draft.said.value("chdir")
    if value is None:
        return draft.inv.cwd
    return draft.path(value) if value.text is not None else None


def _name(draft: Draft, base: str | None) -> str:
    return "?" if base is None else _inside(draft, base) or "."


def _inside(draft: Draft, base: str) -> str:
    """The path below the workspace: what stands above it (a user called `dev`) says nothing about whose it is."""
    top = draft.setting.workspace.rstrip("/")
    if base == top:
        return ""
    return base[len(top) + 1 :] if base.startswith(top + "/") else base


def _load(draft: Draft, base: str | None) -> State:
    state = State()
    if base is None:
        return state
    given = draft.text("state")
    workspace = _selected(draft, base)
    names = [given] if given else ["terraform.tfstate"]
    if workspace and not given:
        names.insert(0, f"terraform.tfstate.d/{workspace}/terraform.tfstate")
    for name in names:
        path = posixpath.normpath(posixpath.join(base, name))
        text = draft.world.text(path, _MOST_STATE)
        if text is not None:
            draft.operands.append(path)
            state.read(text)
            break
    return state


def _selected(draft: Draft, base: str | None) -> str:
    chosen = draft.variable("TF_WORKSPACE")
    if chosen:
        return chosen
    text = draft.world.text(posixpath.join(base, ".terraform/environment")) if base else None
    return text.strip() if text else ""


def _environment(draft: Draft, base: str | None, state: State) -> Environment:
    """The most careful of what workspace, directory, variable files, backend and state say."""
    clues: list[Environment] = []
    workspace = _selected(draft, base)
    if workspace and workspace != "default":
        clues.append(environment_of("workspace", workspace, draft.setting))
    if base is not None:
        inner = _inside(draft, base)
        clues.append(mapped("directory", base, draft.setting) or environment_of("directory", inner, draft.setting))
        backend = draft.world.text(posixpath.join(base, ".terraform/terraform.tfstate"))
        if backend:
            clues += [
                environment_of("workspace", value, draft.setting)
                for value in re.findall(r'"(?:key|bucket|prefix|name)":\s*"([^"]+)"', backend)
            ]
    for name in ("varfile", "backend", "state", "variable", "target"):
        clues += [environment_of("workspace", v.text or v.prefix, draft.setting) for v in draft.values(name)]
    clues += [environment_of("database", value, draft.setting) for value in state.names[:400]]
    return most_careful(clues)


def _plan(draft: Draft, base: str | None) -> Plan | None:
    """The plan in JSON that is named, or lies beside a saved plan or in the directory; it may be older than the run."""
    if base is None:
        return None
    named = [w.text for w in draft.values("what") if w.text and not w.text.startswith("-")]
    beside = [form for name in named for form in (name, f"{name}.json", f"{posixpath.splitext(name)[0]}.json")]
    for name in (*beside, *_PLANS):
        path = posixpath.normpath(posixpath.join(base, name))
        text = draft.world.text(path, _MOST_STATE)
        plan = Plan.read(text, path) if text is not None else None
        if plan is not None:
            draft.operands.append(path)
            return plan
    return None


def _destroy(draft: Draft, base: str | None) -> None:
    state = _load(draft, base)
    environment = _environment(draft, base, state)
    where = _name(draft, base)
    targets = draft.values("target")
    for value in targets:
        draft.add(Verb.DELETE, Kind.CLOUD_RESOURCE, f"{where}:{value.text or value.source}", env=environment)
    if targets:
        return
    plan = _plan(draft, base)
    count = state.count
    if count is None and plan is not None and plan.deleted:
        count = len(plan.deleted)
    scale = Scale(Breadth.ALL, count, "resources", Known.COUNT if count is not None else Known.UNKNOWN)
    note = plan.summary() if plan is not None and plan.deleted else ""
    draft.add(Verb.DELETE, Kind.CLOUD_RESOURCE, f"everything in {where}", env=environment, scale=scale, note=note)
    _databases(draft, state.databases, environment, "it stands in the state")


def _databases(draft: Draft, found: list[tuple[str, str]], environment: Environment, note: str) -> None:
    for address, name in found[:_MOST_NAMED]:
        own = environment_of("database", name, draft.setting)
        draft.add(
            Verb.DELETE,
            Kind.DATABASE,
            f"{address}/{name}",
            env=own if own is not Environment.UNKNOWN else environment,
            scale=Scale(Breadth.ALL),
            note=note,
        )


def _apply(draft: Draft, base: str | None) -> None:
    state = _load(draft, base)
    plan = _plan(draft, base)
    if plan is not None:
        state.names += plan.names
    environment = _environment(draft, base, state)
    changes = plan.changed + plan.created + len(plan.replaced) if plan is not None else None
    known = Known.COUNT if changes is not None else Known.UNKNOWN
    notes = ["without asking"] if draft.has("auto-approve") else []
    notes += [plan.summary()] if plan is not None else []
    draft.add(
        Verb.CONFIGURE,
        Kind.CLOUD_RESOURCE,
        f"what {_name(draft, base)} describes",
        env=environment,
        scale=Scale(Breadth.MANY, changes, "resources", known),
        undo=Reversibility.IRREVERSIBLE,
        note="; ".join(notes),
    )
    if plan is not None:
        _lost(draft, plan, environment)
    for value in draft.values("replace"):
        draft.add(Verb.DELETE, Kind.CLOUD_RESOURCE, value.text or value.source, env=environment, note="it is replaced")


def _lost(draft: Draft, plan: Plan, environment: Environment) -> None:
    """What a plan destroys, and what it makes anew: both are gone as they were."""
    for what, found in (("destroyed", plan.deleted), ("replaced", plan.replaced)):
        if found:
            draft.add(
                Verb.DELETE,
                Kind.CLOUD_RESOURCE,
                f"{what} by {posixpath.basename(plan.path)}: {', '.join(found[:_MOST_NAMED])}",
                env=environment,
                scale=Scale(Breadth.MANY, len(found), "resources", Known.COUNT),
                note=plan.summary(),
            )
    _databases(draft, plan.databases, environment, f"it stands in {posixpath.basename(plan.path)}")


def _state(draft: Draft, base: str | None) -> None:
    action = draft.text("action")
    if "dry-run" in draft.said.tags - draft.said.doubtful:
        return
    environment = _environment(draft, base, _load(draft, base))
    what = [w.text or w.source for w in draft.values("what")]
    if action in ("rm",):
        for name in what or ["?"]:
            draft.add(
                Verb.DELETE,
                Kind.TERRAFORM_STATE,
                name,
                env=environment,
                note="terraform forgets it; it goes on existing",
            )
    elif action in ("push",):
        draft.add(Verb.OVERWRITE, Kind.TERRAFORM_STATE, _name(draft, base), env=environment)
    elif action in ("mv", "replace-provider"):
        draft.add(Verb.WRITE, Kind.TERRAFORM_STATE, " ".join(what), env=environment)
    elif action == "pull":
        draft.add(Verb.READ, Kind.TERRAFORM_STATE, _name(draft, base), env=environment, labels=(L.SECRET,))
        draft.flow.add(L.FROM_SECRET)


def _workspace(draft: Draft) -> None:
    action = draft.text("action")
    what = [w.text or w.source for w in draft.values("what") if not (w.text or "").startswith("-")]
    if action == "delete":
        for name in what or ["?"]:
            draft.add(
                Verb.DELETE,
                Kind.TERRAFORM_STATE,
                f"workspace {name}",
                env=environment_of("workspace", name, draft.setting),
                scale=Scale(Breadth.ALL),
            )
    elif action in ("new", "select"):
        name = what[0] if what else "?"
        chosen = environment_of("workspace", name, draft.setting)
        draft.add(
            Verb.CREATE,
            Kind.TERRAFORM_STATE,
            f"workspace {name}",
            env=chosen if chosen is Environment.PRODUCTION else Environment.WORKSPACE,
            undo=Reversibility.REVERSIBLE,
        )
