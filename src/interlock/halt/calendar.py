"""Freezes by calendar: the events of an iCalendar file (RFC 5545) as windows of time. Pure.

A part of the format, read strictly: VEVENT with DTSTART, DTEND or DURATION, RRULE by days or weeks (INTERVAL, BYDAY,
COUNT, UNTIL), EXDATE. What is beyond it is refused with a sentence: a freeze that was read wrongly would not freeze.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from interlock.model.errors import ConfigError

_EVENTS = 500
_DAYS = 20_000  # that are counted for COUNT: fifty years
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_RULES = {"FREQ", "INTERVAL", "BYDAY", "COUNT", "UNTIL", "WKST"}
_DURATION = re.compile(r"P(?:(\d{1,4})W)?(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?")
_LONGEST = timedelta(days=366)
_LAST = date.max - timedelta(days=2)


class Window(msgspec.Struct, frozen=True):
    """One event: when it begins, how long it lasts, and when again: `step` 0 is once, else days (1) or weeks (7)."""

    start: datetime
    length: timedelta
    step: int = 0
    interval: int = 1
    weekdays: frozenset[int] = frozenset()
    until: datetime | None = None
    spared: frozenset[datetime] = frozenset()

    def covers(self, now: float) -> bool:
        """Whether it is under way at `now` (seconds since 1970). Its start is in it, its end is not."""
        moment = datetime.fromtimestamp(now, UTC)
        if not self.step:
            return self.start <= moment < self.start + self.length and self.start not in self.spared
        today = moment.astimezone(self.start.tzinfo).date()
        first = today - timedelta(days=self.length.days + 1)
        return any(
            begun <= moment < begun + self.length and begun not in self.spared for begun in self.begins(first, today)
        )

    def begins(self, first: date, last: date) -> Iterator[datetime]:
        """When it begins, from one day to another."""
        origin = self.start.date()
        day = max(origin, first)
        for _ in range(_DAYS):
            if day > last:
                return
            if self._on(day, origin):
                begun = datetime.combine(day, self.start.timetz())
                if self.until is not None and begun > self.until:
                    return
                yield begun
            day += timedelta(days=1)

    def _on(self, day: date, origin: date) -> bool:
        if self.step == 1:
            return (day - origin).days % self.interval == 0 and (not self.weekdays or day.weekday() in self.weekdays)
        weeks = ((day - timedelta(days=day.weekday())) - (origin - timedelta(days=origin.weekday()))).days // 7
        return weeks % self.interval == 0 and day.weekday() in (self.weekdays or {origin.weekday()})


def windows(text: str, name: str) -> tuple[Window, ...]:
    """The events of a calendar. Raises ConfigError, naming the file, for what is not understood, or has none."""
    found: list[Window] = []
    event: dict[str, list[tuple[dict[str, str], str]]] | None = None
    depth = 0
    for number, line in enumerate(_unfolded(text), start=1):
        key, parameters, value = _line(line, f"{name}, line {number}")
        if (key, value) == ("BEGIN", "VEVENT"):
            event = {}
        elif (key, value) == ("END", "VEVENT") and event is not None and not depth:
            found.append(_window(event, f"{name}, the event before line {number}"))
            event = None
        elif event is not None and key in ("BEGIN", "END"):
            depth += 1 if key == "BEGIN" else -1  # an alarm within it
        elif event is not None and not depth:
            event.setdefault(key, []).append((parameters, value))
        if len(found) > _EVENTS:
            raise ConfigError(
                f"{name} holds more than {_EVENTS} events. Keep those that freeze in a file of their own."
            )
    if not found or event is not None:
        raise ConfigError(
            f"{name} holds no whole event (BEGIN:VEVENT … END:VEVENT), so it would never freeze anything."
        )
    return tuple(found)


def _unfolded(text: str) -> list[str]:
    # RFC 5545, 3.1: a line that begins with a blank goes on with the one before.
    return [line for line in re.sub(r"\r?\n[ \t]", "", text).splitlines() if line.strip()]


def _line(line: str, where: str) -> tuple[str, dict[str, str], str]:
    head, colon, value = line.partition(":")
    key, *rest = head.split(";")
    if not colon or not re.fullmatch(r"[A-Za-z0-9-]+", key):
        raise ConfigError(f"{where}: {line[:60]!r} is no line of an iCalendar file.")
    parameters = {part.partition("=")[0].upper(): part.partition("=")[2].strip('"') for part in rest}
    return key.upper(), parameters, value.strip()


def _window(event: dict[str, list[tuple[dict[str, str], str]]], where: str) -> Window:
    if beyond := {"RDATE", "RECURRENCE-ID", "EXRULE"} & event.keys():
        raise ConfigError(f"{where}: {', '.join(sorted(beyond))} is not read here. Write the event out.")
    if "DTSTART" not in event:
        raise ConfigError(f"{where} has no DTSTART.")
    start, whole_day = _moment(*event["DTSTART"][0], where)
    length = timedelta(days=1) if whole_day else timedelta(0)
    if "DTEND" in event:
        length = _moment(*event["DTEND"][0], where)[0] - start
    elif "DURATION" in event:
        length = _length(event["DURATION"][0][1], where)
    if not timedelta(0) < length <= _LONGEST:
        raise ConfigError(f"{where} ends before it begins, at once, or after more than a year.")
    spared = frozenset(
        _moment(parameters, value, where)[0].astimezone(UTC)
        for parameters, values in event.get("EXDATE", [])
        for value in values.split(",")
    )
    window = Window(start, length, spared=spared)
    if "RRULE" not in event:
        return window
    return _again(window, event["RRULE"][0][1], where)


def _again(window: Window, rule: str, where: str) -> Window:
    parts = {part.partition("=")[0].upper(): part.partition("=")[2].upper() for part in rule.split(";") if part}
    step = {"DAILY": 1, "WEEKLY": 7}.get(parts.get("FREQ", ""))
    days = [day for day in parts.get("BYDAY", "").split(",") if day]
    numbers = [parts.get(name, "1") for name in ("INTERVAL", "COUNT")]
    known = set(parts) <= _RULES and parts.get("WKST", "MO") == "MO" and set(days) <= set(_WEEKDAYS)
    if step is None or not known or not all(re.fullmatch("[1-9][0-9]{0,4}", number) for number in numbers):
        raise ConfigError(
            f"{where}: RRULE:{rule[:80]} is not read here. FREQ=DAILY or WEEKLY, with INTERVAL, BYDAY (MO,TU,…), COUNT "
            "and UNTIL are; write anything else out as events of its own."
        )
    until = None
    if "UNTIL" in parts:
        zone = {"TZID": str(window.start.tzinfo)} if isinstance(window.start.tzinfo, ZoneInfo) else {}
        until, whole = _moment(zone if not parts["UNTIL"].endswith("Z") else {}, parts["UNTIL"], where)
        until = until + timedelta(days=1, microseconds=-1) if whole else until
    found = msgspec.structs.replace(
        window, step=step, interval=int(numbers[0]), weekdays=frozenset(_WEEKDAYS.index(day) for day in days),
        until=until,
    )  # fmt: skip
    if "COUNT" not in parts:
        return found
    # Counted once, here: whether it is under way is asked for every action.
    counted = list(islice(found.begins(window.start.date(), _LAST), int(parts["COUNT"])))
    return msgspec.structs.replace(found, until=counted[-1] if counted else window.start - timedelta(days=1))


def _moment(parameters: dict[str, str], value: str, where: str) -> tuple[datetime, bool]:
    """A moment with its zone, and whether it is a whole day (then of UTC, where no zone is named)."""
    try:
        zone: tzinfo = ZoneInfo(parameters["TZID"]) if "TZID" in parameters else UTC
        if re.fullmatch(r"\d{8}", value):
            return datetime.combine(datetime.strptime(value, "%Y%m%d").date(), time(), zone), True  # noqa: DTZ007
        moment = datetime.strptime(value.removesuffix("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007 - the zone comes next
    except (ValueError, ZoneInfoNotFoundError, OSError) as error:
        raise ConfigError(f"{where}: {value[:40]!r} is no moment that is understood ({error}).") from error
    if not value.endswith("Z") and "TZID" not in parameters:
        raise ConfigError(f"{where}: {value} has no zone. Write it with Z, or with TZID=Europe/Berlin.")
    return moment.replace(tzinfo=UTC if value.endswith("Z") else zone), False


def _length(value: str, where: str) -> timedelta:
    found = _DURATION.fullmatch(value)
    if found is None or not any(found.groups()):
        raise ConfigError(f"{where}: {value[:40]!r} is no DURATION. Write P1D, or PT8H.")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
