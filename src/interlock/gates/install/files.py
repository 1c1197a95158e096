"""The edge of installing: reads files as they are, writes plans, keeps receipts. The only module here that writes."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from interlock.gates.install.document import DOCUMENT_LIMIT
from interlock.gates.install.plan import Edit, Plan, Receipt, Snapshot, sha256
from interlock.model.errors import OperatorError, Refused


def snapshot(path: Path, within: Path | None = None) -> Snapshot:
    """The file as it is, symlinks followed. Raises OperatorError: no regular file of ours, or outside `within`."""
    try:
        target = path.resolve(strict=False)
        if within is not None and not target.is_relative_to(within.resolve()):
            raise OperatorError(f"{path} leads out of {within} to {target}. Interlock does not follow it.")
        descriptor = os.open(target, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return Snapshot(path, target, None)
    except (OSError, RuntimeError) as error:
        raise OperatorError(f"cannot read {path}: {getattr(error, 'strerror', error)}") from None
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise OperatorError(f"{path} is not a regular file")
        if facts.st_uid != os.geteuid():
            raise OperatorError(f"{path} belongs to uid {facts.st_uid}, not to you. Run this as its owner.")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return Snapshot(path, target, file.read(DOCUMENT_LIMIT + 1), stat.S_IMODE(facts.st_mode))
    finally:
        os.close(descriptor)


def apply(plan: Plan, store: Receipts) -> None:
    """Write an install plan. The receipt is on disk before the file changes, so that a crash can be undone.

    Raises Refused: a file is not any more what the plan was made for. OperatorError: it cannot be written.
    """
    for edit in plan.edits:
        _still(edit)
        assert edit.after is not None, "installing deletes nothing"  # noqa: S101 - a broken invariant of ours
        earlier = store.find(plan.agent, edit.target)
        created = earlier.created if earlier is not None else tuple(map(str, _missing(edit.target.parent)))
        mode = earlier.mode if earlier is not None else edit.mode
        receipt = Receipt(
            agent=plan.agent,
            scope=plan.scope,
            path=str(edit.path),
            target=str(edit.target),
            original=edit.original,
            written_sha256=sha256(edit.after),
            mode=mode,
            created=created,
        )
        store.put(receipt)
        try:
            edit.target.parent.mkdir(parents=True, exist_ok=True)
            write(edit.target, edit.after, edit.mode)
        except OSError as error:
            raise OperatorError(f"cannot write {edit.path}: {error.strerror}") from None


def revert(plan: Plan, receipt: Receipt | None, store: Receipts) -> None:
    """Write an uninstall plan; then the receipt goes. Raises as `apply`."""
    for edit in plan.edits:
        _still(edit)
        try:
            if edit.after is None:
                edit.target.unlink()
            else:
                write(edit.target, edit.after, edit.mode)
        except OSError as error:
            raise OperatorError(f"cannot write {edit.path}: {error.strerror}") from None
    if receipt is not None:
        for directory in reversed(receipt.created):
            with contextlib.suppress(OSError):  # somebody else has put something there, and keeps it
                Path(directory).rmdir()
        store.drop(receipt)


def _still(edit: Edit) -> None:
    now = snapshot(edit.path)
    if now.content != edit.before or now.target != edit.target:
        raise Refused(f"{edit.path} changed while Interlock was about to write it. Try again.")


def write(target: Path, content: bytes, mode: int) -> None:
    """Replace a file in one step, durable before it is visible. Raises OSError."""
    temporary = target.with_name(f".{target.name}.interlock-{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _missing(directory: Path) -> list[Path]:
    """The ancestors of a file that do not exist yet, outermost first."""
    found: list[Path] = []
    while not directory.exists():
        found.insert(0, directory)
        directory = directory.parent
    return found


class Receipts:
    """The receipts of one installation, a JSON file each, in `<state>/install`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def all(self) -> Iterator[Receipt]:
        """Every receipt, in the order of their names. Raises OperatorError: one cannot be read."""
        for path in sorted(self.directory.glob("*.json")):
            yield _receipt(path)

    def find(self, agent: str, target: Path) -> Receipt | None:
        """The receipt for this file."""
        path = self._path(agent, str(target))
        return _receipt(path) if path.exists() else None

    def put(self, receipt: Receipt) -> None:
        """Keep a receipt. Raises OperatorError when it cannot be written."""
        original = receipt.original
        body: dict[str, Any] = {
            "schema": receipt.schema,
            "agent": receipt.agent,
            "scope": receipt.scope,
            "path": receipt.path,
            "target": receipt.target,
            "original": None if original is None else base64.b64encode(original).decode(),
            "original_sha256": None if original is None else sha256(original),
            "written_sha256": receipt.written_sha256,
            "mode": receipt.mode,
            "created": list(receipt.created),
        }
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            write(self._path(receipt.agent, receipt.target), json.dumps(body, indent=1).encode() + b"\n", 0o600)
        except OSError as error:
            raise OperatorError(f"cannot write to {self.directory}: {error.strerror}") from None

    def drop(self, receipt: Receipt) -> None:
        """Forget a receipt."""
        self._path(receipt.agent, receipt.target).unlink(missing_ok=True)

    def _path(self, agent: str, target: str) -> Path:
        return self.directory / f"{agent}-{sha256(target.encode())[:16]}.json"


def _receipt(path: Path) -> Receipt:
    try:
        body = json.loads(path.read_bytes())
        original = None if body["original"] is None else base64.b64decode(body["original"], validate=True)
        if original is not None and sha256(original) != body["original_sha256"]:
            raise OperatorError(f"{path}: the original it keeps does not match its digest. Restore the file by hand.")
        return Receipt(
            agent=str(body["agent"]),
            scope=str(body["scope"]),
            path=str(body["path"]),
            target=str(body["target"]),
            original=original,
            written_sha256=str(body["written_sha256"]),
            mode=int(body["mode"]),
            created=tuple(map(str, body["created"])),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OperatorError(f"{path} cannot be read ({error}). Remove Interlock's entries by hand.") from None
