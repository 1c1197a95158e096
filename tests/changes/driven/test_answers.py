"""Which way two answers to the same call differ."""

import pytest

from interlock.changes.driven.inside.answers import Call, Outcome, Way, normal, way

PLAIN = Call("take", tells=True, given=frozenset(), hostile=(), again=frozenset())
RAISES = Outcome("raises", "ValueError")
SCRIPT = "<script>alert(1)</script>"


def gives(value: object, *calls: object) -> Outcome:
    return Outcome("gives", normal(value), tuple(normal(list(calls))[1:]))


@pytest.mark.parametrize(
    ("was", "now", "call", "found"),
    [
        (RAISES, gives(3), PLAIN, Way(1, "accepts")),
        (gives(3), RAISES, PLAIN, Way(-1, "accepts")),
        (RAISES, gives(None), PLAIN, Way(0, "differs")),  # it gives more elsewhere: None says no
        (RAISES, gives(None), PLAIN._replace(tells=False), Way(1, "accepts")),
        (gives(False), gives(True), PLAIN, Way(1, "says-yes")),
        (gives(False), gives(True), PLAIN._replace(name="is_locked"), Way(-1, "says-yes")),
        (gives((403, "no")), gives((200, "here")), PLAIN, Way(1, "says-yes")),
        (gives({"status": 404}), gives({"status": 200}), PLAIN, Way(1, "says-yes")),
        (gives("locked"), gives("open"), PLAIN, Way(1, "says-yes")),
        (RAISES, gives("Error: that is not yours"), PLAIN, Way(0, "differs")),  # it still refuses, and says so
        (gives("Error: that is not yours"), gives("the letter"), PLAIN, Way(1, "says-yes")),
        (gives({"success": False}), gives({"success": True}), PLAIN, Way(1, "says-yes")),
        (gives(({"detail": "who?"}, 401)), gives(({"detail": "Ann"}, 200)), PLAIN, Way(1, "says-yes")),
        (RAISES, gives(f"invalid name {SCRIPT}"), PLAIN._replace(hostile={SCRIPT}), Way(0, "differs")),
        (gives("invalid name &lt;"), gives(f"invalid name {SCRIPT}"), PLAIN._replace(hostile={SCRIPT}), Way(1, "raw")),
        (gives(3), gives(4), PLAIN, Way(0, "differs")),
        (Outcome("stumbles", "TypeError"), gives(4), PLAIN, Way(0, "differs")),
        (gives(4), gives(4), PLAIN, Way(0)),
        (gives("<b>&lt;</b>"), gives(f"<b>{SCRIPT}</b>"), PLAIN._replace(hostile={SCRIPT}), Way(1, "raw")),
        (gives(None), gives(SCRIPT), PLAIN._replace(tells=False, hostile={SCRIPT}), Way(0, "differs")),
        (gives(1), gives(1, "sent"), PLAIN._replace(again=frozenset({"'sent'"})), Way(1, "does-more")),
        (gives(1), gives(1, "logged"), PLAIN._replace(again=frozenset({"'sent'"})), Way(0, "differs")),
        (gives(1), gives(1, "sent"), PLAIN, Way(0, "differs")),
        (gives(["a"]), gives(["a", "b"]), PLAIN._replace(given=frozenset({"'b'"})), Way(1, "tells-more")),
        (gives(["a"]), gives(["a", "b"]), PLAIN, Way(0, "differs")),
        (gives("k")._replace(drawn=24), gives("l")._replace(drawn=3), PLAIN, Way(1, "less-chance")),
    ],
)  # fmt: skip
def test_the_way_of_a_difference(was: Outcome, now: Outcome, call: Call, found: Way) -> None:
    assert way(was, now, call) == found
