"""Who hears of what, and when: one target's messages, from what happens and the time. Pure but for its own memory.

- What comes within a second goes out as one message; a question like one of a moment ago is counted, not sent again.
- Quiet hours hold back what is not urgent; when they end, one message says what still waits.
- Beyond the limit of an hour one message says so, and no other comes until the hour is over: prompt bombing must not
  become message bombing.
- A target with groups hears of a question once one of its groups is asked (escalation); one with `after`, once a
  question has waited that long. Nobody hears of what was answered meanwhile.
"""

from __future__ import annotations

from collections import OrderedDict, deque

import msgspec

from interlock.notify.notice import Ask, Incident, Message, asked, enough, happened
from interlock.notify.settings import Detail, Target, is_quiet, quiet_ends

GATHER = 1.0  # seconds in which questions become one message
_HOUR = 3_600.0
_REMEMBERED = 1_000  # questions, shapes or incidents of one target; the oldest are forgotten


class _Waiting(msgspec.Struct):
    """A question that waits, as one target sees it. `ready` is when it may be sent."""

    ask: Ask
    ready: float
    told: bool = False
    note: str = ""


class Plan:
    """The messages of one target. Times in seconds since 1970; `panel` is the address that links begin with; `seed`
    keeps the ids of its messages apart from those of every other plan.
    """

    def __init__(self, target: Target, *, panel: str = "", seed: str = "") -> None:
        self.target = target
        self._seed = seed
        self.panel = target.link.rstrip("/") or panel
        self._waiting: OrderedDict[int, _Waiting] = OrderedDict()
        self._incidents: list[Incident] = []
        self._shapes: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._sent: deque[float] = deque()
        self._full = False
        self._number = 0

    def ask(self, ask: Ask, now: float) -> None:
        """A question is asked, or was found to wait when the daemon began."""
        if ask.tier < self.target.tier or ask.id in self._waiting:
            return
        self._waiting[ask.id] = _Waiting(ask, max(ask.asked + self.target.after, now + GATHER))
        while len(self._waiting) > _REMEMBERED:
            self._waiting.popitem(last=False)

    def escalate(self, request: int, level: int, to: str, now: float) -> None:
        """The next group is asked as well."""
        waits = self._waiting.get(request)
        if waits is None:
            return
        before = self._concerned(waits.ask)
        waits.ask = msgspec.structs.replace(waits.ask, level=level)
        # Those who heard of it already hear once more that it goes on to others; those it goes to hear the first time.
        if (waits.told and before) or (not before and self._concerned(waits.ask)):
            waits.told, waits.ready, waits.note = (
                False,
                now,
                f"unanswered so far; {to or 'the next group'} is asked too",
            )

    def settle(self, request: int) -> None:
        """A question does not wait any more."""
        self._waiting.pop(request, None)

    def happened(self, incident: Incident) -> None:
        """An incident; the same one of the same session counts once within a while."""
        if all((known.name, known.session) != (incident.name, incident.session) for known in self._incidents):
            self._incidents = [*self._incidents[-_REMEMBERED + 1 :], incident]

    def waits(self, message: Message) -> bool:
        """Whether what a message is about still waits; one that is about no question always does."""
        return not message.requests or any(number in self._waiting for number in message.requests)

    def due(self, now: float) -> list[Message]:
        """What is to be sent now; it counts as sent."""
        while self._sent and self._sent[0] <= now - _HOUR:
            self._sent.popleft()
        if len(self._sent) < self.target.an_hour:
            self._full = False
        messages: list[Message] = []
        for incident in self._fresh(now):
            if self._room(now):
                messages.append(happened(incident, bare=self._bare, panel=self.panel, key=self._key()))
            else:
                messages += self._enough()
        ready = self._ready(now)
        if ready and self._room(now):
            messages.append(self._questions(ready, now))
        elif ready:
            messages += self._enough()
        return messages

    def _fresh(self, now: float) -> list[Incident]:
        found = [one for one in self._incidents if not self._same((one.session, f"incident {one.name}"), now)]
        self._incidents = []
        return found

    def _ready(self, now: float) -> list[_Waiting]:
        quiet = is_quiet(self.target, now)
        found = []
        for waits in self._waiting.values():
            if waits.told or waits.ready > now or not self._concerned(waits.ask):
                continue
            if quiet and waits.ask.tier < self.target.urgent_tier:
                waits.ready = quiet_ends(self.target, now)
            elif not waits.note and (since := self._recent(waits.ask, now)):
                waits.ready = since + self.target.same
            else:
                found.append(waits)
        return found

    def _enough(self) -> list[Message]:
        if self._full:
            return []
        self._full = True
        return [enough(self.target.an_hour, len(self._waiting), panel=self.panel, key=self._key())]

    def _questions(self, ready: list[_Waiting], now: float) -> Message:
        for waits in ready:
            waits.told = True
            self._same((waits.ask.session, waits.ask.alike), now)
        note = next((waits.note for waits in ready if waits.note), "")
        asks = [waits.ask for waits in ready]
        return asked(asks, bare=self._bare, panel=self.panel, key=self._key(), note=note)

    def _room(self, now: float) -> bool:
        if len(self._sent) >= self.target.an_hour:
            return False
        self._sent.append(now)
        return True

    def _recent(self, ask: Ask, now: float) -> float:
        """When a question of this shape was last told of; 0 where that is no moment ago."""
        since = self._shapes.get((ask.session, ask.alike), 0.0) if ask.alike else 0.0
        return since if since > now - self.target.same else 0.0

    def _same(self, shape: tuple[str, str], now: float) -> bool:
        """Whether this was told of a moment ago; from now on it was."""
        recent = self._shapes.get(shape, 0.0) > now - self.target.same
        if not recent:
            self._shapes[shape] = now
            self._shapes.move_to_end(shape)
            while len(self._shapes) > _REMEMBERED:
                self._shapes.popitem(last=False)
        return recent

    def _concerned(self, ask: Ask) -> bool:
        groups = self.target.groups
        return not groups or not set(groups).isdisjoint(ask.groups[: ask.level + 1])

    @property
    def _bare(self) -> bool:
        return self.target.detail is Detail.BARE

    def _key(self) -> str:
        self._number += 1
        return f"{self._seed} {self.target.name} {self._number}"
