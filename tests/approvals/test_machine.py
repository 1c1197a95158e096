"""The approval state machine, as a table."""

import pytest

from interlock.approvals.machine import GIVEN, LIVE, OPEN, TERMINAL, TRANSITIONS, Event, State, diagram, step
from interlock.model.errors import Refused

ENDS = {
    State.ALLOWED, State.FORBIDDEN, State.DONE, State.FAILED, State.DENIED, State.EXPIRED, State.LAPSED,
    State.WITHDRAWN, State.SUPERSEDED, State.REVOKED, State.DRIFTED,
}  # fmt: skip


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_what_is_not_in_the_table_is_refused(state: State, event: Event) -> None:
    if (state, event) in TRANSITIONS:
        assert step(state, event) is TRANSITIONS[state, event]
    else:
        with pytest.raises(Refused, match=state.value):
            step(state, event)


def test_terminal_states_absorb() -> None:
    assert TERMINAL == ENDS


def test_a_yes_is_used_only_by_its_ticket_and_once() -> None:
    assert [state for state, event in TRANSITIONS if event is Event.TICKET] == [State.APPROVED]
    assert [state for state, event in TRANSITIONS if event is Event.LAUNCH] == [State.TICKETED]
    assert [key for key, after in TRANSITIONS.items() if after is State.EXECUTING] == [(State.TICKETED, Event.LAUNCH)]


def test_only_people_lead_to_approved_or_a_ticket_that_comes_back() -> None:
    into = {event for (_, event), state in TRANSITIONS.items() if state is State.APPROVED}
    assert into == {Event.APPROVE, Event.RETURN}
    assert step(State.TICKETED, Event.RETURN) is State.APPROVED


@pytest.mark.parametrize("event", [Event.REVOKE, Event.WITHDRAW, Event.DENY])
def test_what_is_live_can_be_taken_back_until_it_is_launched(event: Event) -> None:
    assert {state for state, other in TRANSITIONS if other is event} == LIVE


def test_the_sets_name_real_states() -> None:
    assert OPEN | GIVEN == LIVE
    assert not OPEN & GIVEN
    assert not LIVE & TERMINAL


def test_the_diagram_shows_every_transition() -> None:
    text = diagram()
    for (state, event), after in TRANSITIONS.items():
        assert f"{state.value} --> {after.value}: {event.value}" in text
