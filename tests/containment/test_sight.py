"""What a launcher tells at the end of a run, and whatever else somebody could say in its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.containment.sight import Bound, Place, Program, Sight, parse
from interlock.model.errors import AgentError


def told(*records: tuple[str, ...]) -> bytes:
    return b"".join(text.encode("utf-8", "surrogateescape") + b"\0" for record in records for text in record)


def test_what_was_told_is_understood() -> None:
    raw = told(
        ("memory", "1", "watch", "", ""),
        ("ran", "3", "./x\udcff\n", "/w/x", "/bin/sh"),
        ("called", "2", "203.0.113.9:443", "", "/usr/bin/curl"),
        ("more-ran", "7", "", "", ""),
        ("more-called", "1", "", "", ""),
        ("unrouted", "5", "", "", ""),
    )
    sight = parse(raw)
    assert sight == Sight(
        observed=True,
        programs=(Program("./x\udcff\n", "/w/x", "/bin/sh", 3),),
        places=(Place("203.0.113.9:443", "/usr/bin/curl", 2),),
        more_programs=7,
        more_places=1,
        unrouted=5,
        bound=Bound.WATCH,
        over=True,
    )
    assert sight.unseen == 2
    assert parse(b"") == Sight()
    assert not parse(told(("memory", "0", "group", "", ""))).observed


@pytest.mark.parametrize(
    "raw",
    [
        b"ran",
        b"ran\0",
        told(("ran", "1", "a", "b")),
        told(("ran", "-1", "a", "b", "c")),
        told(("ran", "\u0661", "a", "b", "c")),
        told(("ran", "9" * 11, "a", "b", "c")),
        told(("ran", "", "a", "b", "c")),
        told(("won", "1", "a", "b", "c")),
        told(("ran", "1", "a" * 301, "b", "c")),
        told(*[("ran", "1", "a", "b", "c")] * 1001),
    ],
)
def test_what_no_launcher_says_is_refused(raw: bytes) -> None:
    with pytest.raises(AgentError):
        parse(raw)


@given(
    st.binary(max_size=400) | st.lists(st.binary(max_size=12), max_size=30).map(lambda texts: b"\0".join(texts) + b"\0")
)
def test_any_bytes_are_understood_or_refused(raw: bytes) -> None:
    try:
        sight = parse(raw)
    except AgentError:
        return
    assert sight.unseen >= 0
