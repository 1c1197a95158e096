"""Delivery: bounded, tried again, never in anybody's way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from interlock.notify.courier import Courier, Health
from interlock.notify.notice import Message
from interlock.notify.post import Undelivered
from interlock.notify.settings import Kind, Target

TARGET = Target(name="t", kind=Kind.WEBHOOK, folder="/", url="https://t.example/")


def message(number: int) -> Message:
    return Message(str(number), "title", (), "", False, 0, (number,))


def brought(
    answers: list[Undelivered | None], numbers: int = 1, still: Callable[[Message], bool] = lambda _: True
) -> tuple[list[str], Health]:
    """Hand in messages; the way out answers with `answers` in turn, then always well. Returns what was tried."""
    tries: list[str] = []

    async def deliver(target: Target, sent: Message) -> None:
        tries.append(sent.id)
        if answers and (answer := answers.pop(0)) is not None:
            raise answer

    async def run() -> Health:
        courier = Courier(TARGET, deliver, still=still, pauses=(0.0, 0.0))
        for number in range(numbers):
            courier.hand(message(number))
        task = asyncio.create_task(courier.run())
        for _ in range(50 + 20 * numbers):
            await asyncio.sleep(0)
        await asyncio.sleep(0.02)
        task.cancel()
        return courier.health

    return tries, asyncio.run(run())


def test_what_fails_is_tried_again_with_the_same_id_and_the_trouble_is_over_once_it_arrives() -> None:
    tries, health = brought([Undelivered("it answers 500"), Undelivered("it answers 500")])
    assert tries == ["0", "0", "0"]
    assert (health.sent, health.failed, health.problem) == (1, 0, "")


def test_what_fails_for_good_is_counted_and_said() -> None:
    tries, health = brought([Undelivered("it answers 500")] * 3)
    assert tries == ["0", "0", "0"]
    assert (health.sent, health.failed, health.problem) == (0, 1, "it answers 500")
    assert health.since


def test_what_trying_again_does_not_mend_is_not_tried_again() -> None:
    tries, health = brought([Undelivered("it answers 404", lasting=True)], 2)
    assert tries == ["0", "1"]
    assert (health.sent, health.failed) == (1, 1)


def test_whoever_asks_for_an_hour_is_not_waited_for() -> None:
    tries, health = brought([Undelivered("it answers 429", after=3_600)])
    assert (tries, health.failed) == (["0"], 1)


def test_what_was_answered_meanwhile_is_not_sent() -> None:
    tries, health = brought([], 3, still=lambda sent: sent.id != "1")
    assert tries == ["0", "2"]
    assert health.sent == 2


def test_a_queue_has_its_bound_and_the_oldest_makes_room() -> None:
    tries, health = brought([], 40)
    assert tries == [str(number) for number in range(8, 40)]
    assert health.dropped == 8
