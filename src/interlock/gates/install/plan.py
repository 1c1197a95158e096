"""Plans: which bytes go into which file. Pure; `interlock.gates.install.files` reads before and writes after."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from interlock.gates.install import handlers
from interlock.gates.install.document import Document, fresh
from interlock.gates.install.managed import with_block, without_block
from interlock.gates.install.trust import without_trust


class Snapshot(msgspec.Struct, frozen=True):
    """A file as it is: the path as named, where it really is, and its bytes (None: not there)."""

    path: Path
    target: Path
    content: bytes | None
    mode: int = 0o600


class Receipt(msgspec.Struct, frozen=True):
    """What Interlock remembers of a file it wrote: enough to bring back the bytes that were there before."""

    agent: str
    scope: str
    path: str
    target: str
    original: bytes | None
    written_sha256: str
    mode: int
    created: tuple[str, ...] = ()  # directories that were made for it, outermost first
    schema: str = "interlock/install-receipt/1"


class Edit(msgspec.Struct, frozen=True):
    """One file: `after` is the new content, None to delete it. `before` must still be there when it is applied."""

    path: Path
    target: Path
    before: bytes | None
    after: bytes | None
    mode: int
    original: bytes | None = None  # for the receipt


class Plan(msgspec.Struct, frozen=True):
    """What will be done for one agent in one scope; no edits: it is done already."""

    agent: str
    scope: str
    edits: tuple[Edit, ...] = ()
    notes: tuple[str, ...] = ()


def sha256(content: bytes) -> str:
    """Hex digest, as receipts hold it."""
    return hashlib.sha256(content).hexdigest()


def plan_install(
    agent: str,
    scope: str,
    snapshot: Snapshot,
    receipt: Receipt | None,
    hook: handlers.Hook,
    version: tuple[int, ...] | None,
) -> Plan:
    """Put our entries into the file, at the end of each event's list. Raises OperatorError: it cannot be edited."""
    wanted = handlers.entries(agent, hook, version)
    notes = install_notes(agent, scope, version)
    current = snapshot.content
    if snapshot.path.suffix == ".toml":
        after = with_block(current or b"", wanted, hook, str(snapshot.path))
        if after == current and receipt is not None:
            return Plan(agent, scope, (), notes)
    elif current is None or not current.strip():
        after = fresh({"hooks": {event: [entry] for event, entry in wanted.items()}})
    elif receipt is not None and _same_entries(current, wanted, str(snapshot.path)):
        return Plan(agent, scope, (), notes)
    else:
        document = Document(current, str(snapshot.path))
        _strip(document, None)
        for event, entry in wanted.items():
            document.ensure(("hooks", event), [])
            document.append(("hooks", event), entry)
        after = document.raw
    original = original_of(snapshot, receipt)
    edit = Edit(snapshot.path, snapshot.target, snapshot.content, after, snapshot.mode, original)
    return Plan(agent, scope, (edit,), notes)


def original_of(snapshot: Snapshot, receipt: Receipt | None) -> bytes | None:
    """What uninstall must bring back: the first original, or the person's later text without our entries."""
    if snapshot.content is None:
        return None
    if receipt is not None and sha256(snapshot.content) == receipt.written_sha256:
        return receipt.original
    if not snapshot.content.strip():
        return snapshot.content
    return without_ours(snapshot.content, str(snapshot.path), receipt.original if receipt else snapshot.content)


def plan_uninstall(receipt: Receipt, snapshot: Snapshot) -> Plan:
    """Bring the file back byte for byte; where a person changed it since, take out our entries and keep theirs."""
    agent, scope = receipt.agent, receipt.scope
    current = snapshot.content
    notes: tuple[str, ...] = ()
    if current is None:
        return Plan(agent, scope, (), (f"{receipt.path} is gone already.",))
    if sha256(current) == receipt.written_sha256:
        after, mode = receipt.original, receipt.mode
    else:
        rest = without_ours(current, receipt.path, receipt.original)
        mode = snapshot.mode
        after = None if receipt.original is None and _empty(rest) else rest
        notes = (f"{receipt.path} was changed since Interlock wrote it: its entries are taken out, the rest is kept.",)
    if after == current:
        return Plan(agent, scope, (), notes)
    return Plan(agent, scope, (Edit(snapshot.path, snapshot.target, current, after, mode),), notes)


def plan_removal(agent: str, scope: str, snapshot: Snapshot) -> Plan:
    """Take our entries out of a file of which no receipt is left."""
    if snapshot.content is None or not snapshot.content.strip():
        return Plan(agent, scope)
    rest = without_ours(snapshot.content, str(snapshot.path), None)
    if rest == snapshot.content:
        return Plan(agent, scope)
    edit = Edit(snapshot.path, snapshot.target, snapshot.content, rest, snapshot.mode)
    return Plan(
        agent, scope, (edit,), (f"{snapshot.path}: no record of the original; Interlock's entries are taken out.",)
    )


def plan_trust(scope: str, snapshot: Snapshot, receipt: Receipt | None, after: bytes) -> Plan:
    """Write Codex's trust in our hooks; `after` is the new text of its configuration."""
    current = snapshot.content
    if current == after:
        return Plan("codex", scope)
    untouched = receipt is not None and current is not None and sha256(current) == receipt.written_sha256
    original = receipt.original if receipt is not None and untouched else current
    edit = Edit(snapshot.path, snapshot.target, current, after, snapshot.mode, original)
    return Plan("codex", scope, (edit,))


def without_ours(content: bytes, name: str, original: bytes | None) -> bytes:
    """The text without our entries, and without the containers that only held them (unless the original had them)."""
    if name.endswith("requirements.toml"):
        return without_block(content, name)
    if name.endswith(".toml"):
        return without_trust(content, str(Path(name).with_name("hooks.json")), name)
    document = Document(content, name)
    _strip(document, _hooks_of(original, name))
    return document.raw


def _strip(document: Document, keep: dict[str, Any] | None) -> None:
    """Remove our handlers. `keep` is the original's `hooks` (None: it had none): its own empty lists stay."""
    hooks = document.value.get("hooks")
    if not isinstance(hooks, dict):
        return
    touched = False
    for event in list(hooks):
        touched |= _strip_event(document, event, keep)
    if touched and document.value["hooks"] == {} and keep is None:
        document.remove(("hooks",))


def _strip_event(document: Document, event: str, keep: dict[str, Any] | None) -> bool:
    groups = document.value["hooks"][event]
    if not isinstance(groups, list):
        return False
    touched = False
    for g in reversed(range(len(groups))):
        inner = groups[g].get("hooks") if isinstance(groups[g], dict) else None
        if not isinstance(inner, list):
            continue
        ours = [h for h in range(len(inner)) if handlers.is_ours(inner[h])]
        touched |= bool(ours)
        if ours and len(ours) == len(inner):
            document.remove(("hooks", event, g))
            continue
        for h in reversed(ours):
            document.remove(("hooks", event, g, "hooks", h))
    if touched and document.value["hooks"][event] == [] and event not in (keep or {}):
        document.remove(("hooks", event))
    return touched


def _hooks_of(original: bytes | None, name: str) -> dict[str, Any] | None:
    if original is None or not original.strip():
        return None
    hooks = Document(original, name).value.get("hooks")
    return hooks if isinstance(hooks, dict) else None


def _same_entries(content: bytes, wanted: dict[str, dict[str, Any]], name: str) -> bool:
    """Whether the file holds exactly our wanted entries, wherever they stand among others."""
    hooks = Document(content, name).value.get("hooks")
    if not isinstance(hooks, dict):
        return False
    for event, groups in hooks.items():
        ours = [
            group
            for group in (groups if isinstance(groups, list) else [])
            if isinstance(group, dict) and any(handlers.is_ours(h) for h in group.get("hooks") or [])
        ]
        if ours != ([wanted[event]] if event in wanted else []):
            return False
    return all(event in hooks for event in wanted)


def _empty(content: bytes) -> bool:
    return content.strip() in (b"", b"{}")


def install_notes(agent: str, scope: str, version: tuple[int, ...] | None) -> tuple[str, ...]:
    """What a person must know after installing."""
    notes: list[str] = []
    if agent == "codex" and scope != "managed":
        notes.append(
            "Codex runs new hooks only after you trust them: start `codex`, type /hooks, and trust Interlock's; "
            "or run `interlock init --agent codex --trust`. Until then Codex is NOT guarded (`interlock doctor` tells)."
        )
    if agent == "claude" and version is not None and version < handlers.ON_FAILURE_SINCE:
        wanted = ".".join(map(str, handlers.ON_FAILURE_SINCE))
        notes.append(f"Claude Code before {wanted} lets a tool run when a hook times out. Update it.")
    if agent == "claude" and scope != "managed":
        notes.append(
            "`claude --bare`, --setting-sources, CLAUDE_CONFIG_DIR and disableAllHooks skip hooks of this scope; "
            "those of --scope managed survive them all."
        )
    if scope == "project":
        notes.append(
            "The file names a path of this machine; others who share the project run `interlock init` themselves."
        )
    return tuple(notes)
