"""Small files that a person names: keys, statements, signatures, bundles."""

from __future__ import annotations

from pathlib import Path

from interlock.model.errors import OperatorError, UsageError


def small(file: Path, limit: int) -> bytes:
    """The file's bytes. Raises OperatorError when it cannot be read, UsageError when it has more than `limit` bytes."""
    try:
        with file.open("rb") as opened:
            content = opened.read(limit + 1)
    except OSError as error:
        raise OperatorError(f"cannot read {file}: {error.strerror}.") from error
    if len(content) > limit:
        raise UsageError(f"{file} is larger than {limit} bytes. Is it the right file?")
    return content
