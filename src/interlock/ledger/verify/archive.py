"""An export that came as one tar, as the panel hands it out: unpacked for the verifier, and taken for nobody's work.

Standard library only, like the rest of the verifier.
"""

from __future__ import annotations

import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from interlock.model.errors import LedgerTampered, LedgerUnverifiable

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")
_DEEPEST = 8  # folders; a tile of a log of 10^15 entries stands in seven


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """The directory of an export that is kept in the tar `path`, for as long as it is looked at.

    Raises LedgerTampered for members that no export has, LedgerUnverifiable for what is no tar, or ends too early.
    """
    with tempfile.TemporaryDirectory(prefix="interlock-verify-") as folder:
        root = Path(folder)
        try:
            with tarfile.open(path, "r:") as archive:
                for member in archive:
                    _written(archive, member, root)
                _ended(archive, path)
        except (tarfile.TarError, OSError) as error:
            raise LedgerUnverifiable(f"{path} cannot be read as a tar of an export: {error}") from error
        yield root


def _written(archive: tarfile.TarFile, member: tarfile.TarInfo, root: Path) -> None:
    """One member, below the folder that all of them stand in. Raises LedgerTampered."""
    parts = member.name.split("/")
    fits = 1 < len(parts) <= _DEEPEST and all(_PART.fullmatch(part) for part in parts)
    plain = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.issparse()
    data = archive.extractfile(member) if plain and fits else None
    if data is None:
        raise LedgerTampered(f"the archive holds {member.name[:200]!r}, which is no file of an export.")
    target = root.joinpath(*parts[1:])
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("xb") as out:
            shutil.copyfileobj(data, out)
    except FileExistsError:
        raise LedgerTampered(f"the archive holds {member.name[:200]!r} twice.") from None


def _ended(archive: tarfile.TarFile, path: Path) -> None:
    """An archive ends with two empty blocks; what was cut off between two members has none."""
    with path.open("rb") as file:
        file.seek(archive.offset)
        rest = file.read(2 * tarfile.BLOCKSIZE + 1)
    if rest != bytes(2 * tarfile.BLOCKSIZE):
        raise LedgerUnverifiable(f"{path} ends too early, or goes on after its end. Fetch it again.")
