"""A place on another file system than the tests' own."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """An empty directory from which no rename leads to `tmp_path`."""
    for place in ("/dev/shm", "/var/tmp", "/tmp"):
        if os.path.isdir(place) and os.stat(place).st_dev != os.stat(tmp_path).st_dev:
            made = Path(tempfile.mkdtemp(dir=place))
            yield made
            shutil.rmtree(made, ignore_errors=True)
            return
    pytest.skip("this machine has one file system only")
