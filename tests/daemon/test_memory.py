"""What was freed is given back, where the C library can be asked to."""

from __future__ import annotations

import platform

import pytest

from interlock.daemon import memory


def test_it_is_asked_for_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(memory, "_TRIM", asked.append)
    memory.give_back()
    assert asked == [0]


def test_a_library_that_cannot_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_TRIM", None)
    memory.give_back()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_glibc_can() -> None:
    assert memory._TRIM is not None
    memory.give_back()
