"""Pure parts: cards, lines, the frame, ranges, versions, and where a form may lead."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qsl

import pytest

from interlock.model.effect import Verb
from interlock.model.errors import AgentError
from interlock.model.visible import visible
from interlock.panel import acts, live
from interlock.panel.activity import line
from interlock.panel.app import found, inside
from interlock.panel.card import by_urgency, card, neighbours
from interlock.panel.page import notices
from interlock.panel.places import PLACES
from interlock.panel.render import environment
from interlock.panel.screen import Visit
from interlock.panel.screens import changes, now, undo
from interlock.panel.screens.approval import view as approval
from interlock.panel.screens.inbox import view as inbox
from interlock.panel.seats import Seat
from interlock.panel.span import again, kept, span
from interlock.panel.words import age, for_people, moment, would

RETRY = " Do not retry or rephrase it before there is an answer."


def request(number: int, **more: Any) -> dict[str, Any]:
    """A request as the daemon gives one."""
    plain = {
        "id": number, "digest": f"{number:064x}", "fingerprint": "jakim-dabah-tujus-vijas-e9c801fc", "state": "pending",
        "rung": "one", "tier": 2, "principal": {"agent": "claude", "session": "s1", "subagent": "", "person": ""},
        "tool": "Bash", "text": "git push", "effects": ["read file a", "overwrite git_ref origin/main (irreversible)"],
        "rules": ["force-push"], "why": f"Held: overwriting. It needs a yes from one person.{RETRY}",
        "asked_at": "2026-11-29T02:00:00Z", "decide_by": "2026-11-29T03:00:00Z",
        "needs": {}, "policy": "sha256:ab", "workspace": "/p", "alike": "x", "claim": "", "beware": [], "undo": "",
        "preview": [], "agent_spawns": False, "plan": None, "grantable": [], "replaces": -1, "level": 0,
        "execute_by": "", "votes": [], "because": "", "decided_by": "", "decided_how": "",
    }  # fmt: skip
    return plain | more


def test_a_card_names_the_gravest_effect_first_and_says_what_it_takes() -> None:
    one = card(request(7))
    assert [effect.verb for effect in one.effects] == ["overwrite", "read"]
    assert one.effects[0].rest == "git ref origin/main (irreversible)"
    assert (one.word, one.code, one.who) == ("jakim", "e9c801fc", "one person")
    assert one.why == "Overwriting."
    two = card(request(8, needs={"people": 2, "strong": True, "owner": False}))
    assert two.who == "two people, with a typed code or a passkey, not the agent's owner"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("send host api.example.com (irreversible) <- file", "host api.example.com (irreversible)"),
        ("overwrite git_ref origin/main (production) [force known protected]", "git ref origin/main (production)"),
        ("delete file /p/a (workspace) [x] <- secret, file", "file /p/a (workspace)"),
        ("create file /p/a [b] c <- D", "file /p/a [b] c <- D"),
        ("execute code <script>\u202e", "code <script>\u202e"),
    ],
)
def test_a_title_ends_as_a_sentence_does_and_says_all_of_the_name(line: str, what: str) -> None:
    (effect,) = card(request(7, effects=[line])).effects
    assert effect.what == what
    assert effect.rest.startswith(what)


def test_a_title_is_a_sentence_through_the_one_renderer() -> None:
    source = "{% for e in effects %}It would {{ e.verb | would }} {{ e.what }}.{% endfor %}"
    effects = card(request(7, effects=["send host <b>a\u202e.example"])).effects
    assert environment().from_string(source).render(effects=effects) == (
        "It would send to host &lt;b&gt;a&lt;U+202E&gt;.example."
    )
    assert [would(verb) for verb in (Verb.SEND, Verb.EXECUTE, Verb.OPAQUE)] == ["send to", "run", "run, unread,"]


def test_a_card_that_changes_is_seen_to_change() -> None:
    assert card(request(7)).seen == card(request(7)).seen
    assert card(request(7)).seen != card(request(7, level=1)).seen
    assert card(request(7)).subject != card(request(7, digest="f" * 64)).subject


def test_the_gravest_come_first_and_of_those_the_most_urgent() -> None:
    cards = [card(request(1)), card(request(2, tier=4)), card(request(3, decide_by="2026-11-29T02:30:00Z"))]
    ordered = by_urgency(cards)
    assert [one.id for one in ordered] == [2, 3, 1]
    assert neighbours(ordered, 3) == (2, 1)
    assert neighbours(ordered, 2) == (-1, 3)
    assert neighbours(ordered, 99) == (-1, 2)


def test_the_inbox_tells_open_given_and_past_apart() -> None:
    found = inbox([request(1), request(2, state="approved"), request(3, state="denied")], 0.0)
    assert [[one.id for one in part] for part in (found.cards, found.given, found.past)] == [[1], [2], [3]]
    assert inbox([request(3, state="denied")], 4e9).past == ()


def test_who_cannot_say_yes_is_told_before_they_try() -> None:
    ada = {"name": "ada", "authenticators": [{"kind": "passkey"}]}
    people = {"owner": "root", "people": [{"name": "root"}, ada]}
    one = request(1, needs={"people": 2, "strong": True, "owner": False})
    seen = approval(one, [one], None, "", people, "root")
    assert "root is the agent's owner" in seen.barred
    assert seen.passkeys == ("ada",)
    voted = one | {"votes": [{"name": "ada", "at": "2026-11-29T02:00:01Z", "how": "passkey"}]}
    assert approval(voted, [voted], None, "", people, "ada").barred.startswith("ada has said yes already")
    assert approval(request(1), [request(1)], None, "", people, "root").barred == ""


def entry(kind: str, **body: Any) -> dict[str, Any]:
    return {"index": 5, "time": "2026-11-29T02:00:00Z", "schema": f"interlock/{kind}/v1", "body": body}


@pytest.mark.parametrize(
    ("kind", "body", "mark", "text"),
    [
        ("intent", {"verdict": "allow", "tool": "Bash", "text": "ls"}, "allow", "Bash: ls"),
        ("approval.end", {"request": 4, "change": {"state": "revoked"}}, "revoked", "request 4"),
        ("alarm", {"message": "look"}, "alarm", "look"),
        ("something.new", {"name": "x", "principal": {"agent": "a"}, "list": [1]}, "something.new", "name x"),
        ("panel.login", {"person": "ada", "role": "reader", "process": "1 2"}, "signs in", "ada at the panel, to look"),
        ("edit", {"top": "/w/shop", "path": "a.py", "by": "agent", "lines": 9, "own": 1}, "edits",
         "a.py in shop, 1 of 9 lines new, by an agent"),
        ("edit", {"top": "/w/shop", "path": "logo.png", "by": "unknown"}, "edits",
         "logo.png in shop, by somebody unknown"),
        ("commit", {"top": "/w/shop", "commit": "3f" * 20, "by": "human"}, "commits",
         "3f3f3f3f3f3f in shop, by a person"),
        ("attestation", {"commit": "3f" * 20, "actions": 1}, "attests", "commit 3f3f3f3f3f3f, with 1 action behind it"),
        ("grant.give", {"patterns": [{"verbs": ["send"], "kind": "host", "name": "pypi.org"}], "given_by": "ada",
         "session": "s1"}, "grants", "send host pypi.org, to s1, by ada"),
        ("halt.order", {"what": "freeze", "where": 'environment = "production"', "by": "ada", "reason": "it burns"},
         "freeze", 'environment = "production", by ada: it burns'),
        ("halt.certificate", {"order": 4, "processes": 2, "silent": 0, "took_us": 103_400}, "stopped",
         "order 4: 2 processes seen to stand still, after 103 ms"),
        ("undo", {"of": [3], "by": "ada", "changes": 1}, "takes back", "3, by ada: 1 change"),
        ("person.add", {"change": {"name": "bo"}, "by": [{"person": "ada"}], "alone": True}, "person.add",
         "bo, by ada alone"),
        ("undo", {"of": 3, "name": "of another version"}, "undo", "of 3, name of another version"),
    ],
)  # fmt: skip
def test_an_entry_is_a_line(kind: str, body: dict[str, Any], mark: str, text: str) -> None:
    found = line(entry(kind, **body))
    assert (found.mark, found.text) == (mark, text)


def test_what_is_wrong_is_said_on_every_page() -> None:
    well = {"ledger_healthy": True, "ledger_problem": "", "rule_problems": {}, "mode": "enforce"}
    assert notices(well) == ()
    ill = {"ledger_healthy": False, "ledger_problem": "full", "rule_problems": {"/p": "bad"}, "mode": "observe"}
    assert [notice.tone for notice in notices(ill)] == ["bad", "bad", "warn"]


def test_now_says_what_an_order_is_about() -> None:
    """Story: it said that freeze 44 was in force, and why, and not what was frozen."""
    order = {"id": 44, "what": "freeze", "where": 'environment = "staging"', "reason": "it moves", "active": True}
    status = {"mode": "enforce", "entries": 1, "policy": "sha256:ab", "contained": {"tier": "overlay"}}
    (halt,) = now.view(status, [], [], [order], [], []).halts
    assert (halt.id, halt.what, halt.where, halt.reason, halt.active) == (
        44,
        "freeze",
        order["where"],
        "it moves",
        True,
    )


def test_the_range_stands_in_the_address() -> None:
    assert span({"range": "1h"}, 10_000.0).since == 6_400.0
    assert span({"range": "all"}, 10_000.0).since == 0.0
    assert span({"range": "<script>"}, 10_000.0).name == span({}, 10_000.0).name


@pytest.mark.parametrize("name", ["plain", "a\u202eb", "<U+202E>", "3" * 300, "+ &=%#", "\ud7ff\n"])
def test_another_range_leaves_the_rest_of_an_address_as_it_was(name: str) -> None:
    sent = {"range": "7d", "kept": kept({"session": name, "range": "1h"})}
    assert dict(parse_qsl(again(sent))) == {"session": name, "range": "7d"}
    assert visible(sent["kept"]) == sent["kept"], "the page shows it as it is"


def test_times_are_said_in_their_largest_unit() -> None:
    now = 1_795_917_600.0
    assert age("2026-11-29T01:57:00Z", now) == "3 min ago"
    assert age("2026-11-29T04:00:00Z", now) == "in 2 h"
    assert moment("2026-11-29T02:00:00.5Z") == "2026-11-29 02:00:00 UTC"


def test_words_for_the_agent_are_not_shown_to_people() -> None:
    assert for_people(f"Held: sending. It needs a yes from two people, each with a passkey.{RETRY}") == "Sending."
    spoof = "A name says: It needs a yes from nobody. Really."
    assert for_people(spoof) == spoof


def test_what_a_run_changed_is_counted_in_words() -> None:
    totals = {"created": 0, "deleted": 27, "bytes_written": 1, "bytes_deleted": 23_943}
    found = {"held": [], "waiting": [], "run": "r", "workspace": "/p", "status": 0, "committed": {"first": []}}
    assert undo.run_view(4, {**found, "totals": totals}).totals == ("27 deleted", "1 byte written", "23.9 kB deleted")


def test_versions_travel_in_one_word_and_nonsense_is_left_out() -> None:
    assert live.read(live.written({"inbox": 3, "ledger": 90})) == {"inbox": 3, "ledger": 90}
    assert live.read("inbox:-1,evil:3,ledger:,halts:9999999999999999,grants:2,\u0663") == {"grants": 2}
    assert live.topics("approval.request") == ("inbox", "ledger")
    assert live.topics("never.heard.of") == ("ledger",)


@pytest.mark.parametrize("path", ["https://evil.example", "//evil.example", "/\\evil", "", "javascript:1", None, {}])
def test_a_form_never_leads_outside(path: object) -> None:
    assert inside(path) == "/"
    assert inside("/receipts/4") == "/receipts/4"


@pytest.mark.parametrize("body", [b"a=1&a=2", b"\xff=1", b"a", b"&".join(b"f%d=1" % i for i in range(60))])
def test_a_form_is_taken_strictly(body: bytes) -> None:
    with pytest.raises(AgentError):
        acts.unsigned(body)


def judged(**more: Any) -> dict[str, Any]:
    """A change as the daemon tells it."""
    row = {"weight": "review", "path": "b.py", "line": 3, "title": "t", "text": "", "why": "", "fix": "", "waived": ""}
    stage = {
        "stage": "static", "verdict": "INCONCLUSIVE", "skipped": "", "cached": False, "seconds": 0.2, "budget": 60.0,
        "problems": [], "notes": [],
    }  # fmt: skip
    found = [row | {"path": path, "rule": f"static/{path}", "waived": waived}
             for path, waived in (("a.py", ""), ("b.py", ""), ("c.py", "ann"), ("", ""))]  # fmt: skip
    report = {"risk": {"files": ["b.py", "z.py"], "reasons": [], "people": 2}, "stages": [stage | {"findings": found}]}
    body = {"commit": "c" * 40, "repository": "/p", "verdict": "BLOCK", "risk": 70, "findings": {"review": 4}, "by": {}}
    body["report"] = {"digest": "sha256:5e2f"}
    behind = {"lines": {}, "attested": {}, "sessions": []}
    plain = {
        "entry": 4, "time": "2026-11-29T02:00:00Z", "body": body, "report": report, "problem": "", "behind": behind,
        "commits": 1, "reviews": [],
    }  # fmt: skip
    return plain | more


def test_a_change_is_read_from_its_riskiest_file_on() -> None:
    found = changes.change(judged())
    assert [path for path, _ in found.first] == ["b.py", "a.py"]  # what is waived, or of no file, is looked at later
    assert (found.row.tone, found.row.risk, found.people) == ("bad", 70, 2)
    assert found.stages[0].findings[0].place == "a.py:3"
    quiet = judged()
    quiet["report"]["stages"] = []
    assert changes.change(quiet).first == (("b.py", "the riskiest by its size and past"),)


def test_a_change_without_its_report_says_what_its_entry_does() -> None:
    found = changes.change(judged(report=None, problem="gone"))
    assert (found.row.verdict, found.stages, found.first, found.problem) == ("BLOCK", (), (), "gone")
    unknown = judged(report=None)
    unknown["body"]["verdict"] = "LATER"
    assert "person has to look" in changes.change(unknown).says  # what a later version says is no pass


def test_who_has_a_passkey_for_this_address_reviews_what_is_shown_and_nobody_what_is_not() -> None:
    people = {"people": [
        {"name": "ann", "authenticators": [{"kind": "ssh"}]},
        {"name": "bob", "authenticators": [{"kind": "passkey", "relying_party": "panel.example"}]},
        {"name": "eve", "authenticators": [{"kind": "passkey", "relying_party": "localhost"}]},
        {"name": "pia", "authenticators": [{"kind": "passkey", "relying_party": "localhost"}]},
    ]}  # fmt: skip
    able = changes.signing(people, "localhost", "pia")
    assert able == ("pia", "eve")
    assert (changes.change(judged(), able).signers, changes.change(judged(), able).shown) == (able, "sha256:5e2f")
    gone = changes.change(judged(report=None), able)
    assert (gone.signers, gone.shown) == ((), "")


def test_what_a_machine_wrote_is_counted_and_not_guessed() -> None:
    assert changes.machine({}) == "no new line is attested"
    assert changes.machine({"agent": 3, "human": 1}) == "3 of 4 new lines were written by agents"
    assert changes.machine({"human": 2, "mixed": 1, "unknown": 5}) == (
        "0 of 8 new lines were written by agents, 1 by an agent and a person, of 5 nobody knows"
    )


def test_screens_and_places_fit_together() -> None:
    screens, done = found()
    assert {"now", "inbox", "approval", "receipt"} <= {screen.name for screen in screens}
    paths = [screen.path for screen in screens] + [act.path for act in done]
    assert len(paths) == len(set(paths))
    assert len({place.key for place in PLACES}) == len(PLACES)
    for place in PLACES:
        assert all(screen.path == place.path for screen in screens if screen.name == place.name)


@pytest.mark.parametrize("screen", ["inbox", "approval"])
def test_no_page_asks_for_every_question_that_is_over(screen: str) -> None:
    """Story: a thousand are remembered; making cards of all of them took the inbox, and every question, 100 ms."""
    asked: list[dict[str, Any]] = []

    async def ask(method: str, /, **params: Any) -> Any:
        if method == "inbox":
            asked.append(params)
        return {"inbox": [], "request": request(7), "people.list": {"owner": "ada", "people": []}}[method]

    (shown,) = (one for one in found()[0] if one.name == screen)
    seat = Seat("id", "ada", 0, "person", "1 2", b"", 0.0, 0.0)
    asyncio.run(shown.load(Visit(ask, seat, 0.0, span({}, 0.0), {"id": 7})))
    assert asked == [{"inbox": {"past": 30}, "approval": {"beside": 7}}[screen]]
