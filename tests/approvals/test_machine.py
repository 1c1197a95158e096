"""The approval state machine, as a table."""

import pytest

from interlock.approvals.machine import LIVE, OPEN, TRANSITIONS, Event, State, diagram, step
from interlock.model.errors import Refused

TERMINAL = {State.DONE, State.FAILED, State.DENIED, State.EXPIRED, State.LAPSED}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_what_is_not_in_the_table_is_refused(state: State, event: Event) -> None:
    if (state, event) in TRANSITIONS:
        assert step(state, event) is TRANSITIONS[state, event]
    else:
        with pytest.raises(Refused, match=state.value):
            step(state, event)


def test_terminal_states_absorb() -> None:
    assert not [state for state, _ in TRANSITIONS if state in TERMINAL]


def test_a_yes_is_used_only_from_approved() -> None:
    assert [state for state, event in TRANSITIONS if event is Event.REDEEM] == [State.APPROVED]
    assert step(State.APPROVED, Event.REDEEM) is State.EXECUTING


def test_only_approval_leads_to_approved() -> None:
    into = {event for (_, event), state in TRANSITIONS.items() if state is State.APPROVED}
    assert into == {Event.APPROVE}


def test_the_sets_name_real_states() -> None:
    assert OPEN < LIVE
    assert not LIVE & TERMINAL


def test_the_diagram_shows_every_transition() -> None:
    text = diagram()
    for (state, event), after in TRANSITIONS.items():
        assert f"{state.value} --> {after.value}: {event.value}" in text
