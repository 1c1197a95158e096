"""What each way out is sent: hostile text shows itself, makes no link, mention or markup, and nothing is answered."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.notify.desktop import _argv
from interlock.notify.notice import Ask, Incident, Message, asked, happened, plain, trial
from interlock.notify.post import Undelivered
from interlock.notify.settings import Kind, Target
from interlock.notify.ways import request, slack, where

PANEL = "https://panel.example"
HOSTILE = (
    "delete file x\u202egpj.exe <!channel> <https://evil.example|approve here> "
    "[yes](https://evil.example) `x` **b**\n# h"
)


def question(effect: str) -> Message:
    ask = Ask(41, 3, "claude", "s\x1b[2J", "/w/shop<b>", (effect,), 0.0, 60.0)
    return asked([ask], bare=False, panel=PANEL, key="k")


def told(kind: Kind, message: Message, **more: object) -> dict[str, object]:
    target = Target(name="t", kind=kind, folder="/", url="https://host.example/a/topic", **more)  # type: ignore[arg-type]
    body: dict[str, object] = json.loads(request(target, message, 0.0).body)
    return body


@pytest.mark.parametrize("kind", [Kind.WEBHOOK, Kind.NTFY, Kind.SLACK])
def test_hostile_text_shows_itself_and_the_only_link_is_the_panels(kind: Kind) -> None:
    text = json.dumps(told(kind, question(HOSTILE)), ensure_ascii=False)
    assert "U+202E" in text
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert text.replace(PANEL, "").count("://") == 0
    assert f"{PANEL}/requests/41" in text


def test_slack_reads_no_mention_no_link_and_no_heading_in_it() -> None:
    text = slack(question(HOSTILE))["text"]
    before, block, after = text.split("```")
    assert before == "Interlock asks: question 41, tier 3\n"
    assert "<" not in block
    assert ">" not in block
    assert "`" not in block
    assert after == f"\n{PANEL}/requests/41"


@given(st.text())
def test_no_text_ends_the_block_of_code(text: str) -> None:
    parts = slack(question(text))["text"].split("```")
    assert len(parts) == 3
    assert not set("<>`") & set(parts[1])


@given(st.text())
def test_a_line_is_a_line(text: str) -> None:
    assert len(plain(text).splitlines()) <= 1
    assert "://" not in plain(text)


@pytest.mark.parametrize("message", [
    question("x"),
    trial("t", panel=PANEL, key="k"),
    happened(Incident(3, "drift", "…"), bare=False, panel=PANEL, key="k"),
])  # fmt: skip
@pytest.mark.parametrize("kind", [Kind.WEBHOOK, Kind.NTFY, Kind.SLACK])
def test_no_message_holds_a_way_to_answer(kind: Kind, message: Message) -> None:
    body = json.dumps(told(kind, message)).lower()
    for word in ("approve", "deny", '"actions"', "button", "callback"):
        assert word not in body


def test_a_bare_message_says_nothing_of_what_the_agent_does() -> None:
    ask = Ask(41, 3, "claude", "s1", "/w/shop", ("delete table users",), 0.0, 60.0)
    message = asked([ask], bare=True, panel="", key="k")
    assert message.text == "interlock inbox 41"
    assert message.title == "Interlock asks: question 41, tier 3"


def test_ntfy_is_told_its_topic_in_the_body_and_its_token_in_a_header(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("tk_secret\n")
    token.chmod(0o600)
    target = Target(
        name="phone", kind=Kind.NTFY, folder=str(tmp_path), url="https://n.example/sub/top", secret_file="token"
    )
    sent = request(target, question("x"), 0.0)
    assert sent.url == "https://n.example/sub/"
    assert json.loads(sent.body)["topic"] == "top"
    assert json.loads(sent.body)["priority"] == 4
    assert sent.headers["Authorization"] == "Bearer tk_secret"
    assert "secret" not in where(target)


def test_a_webhook_is_signed_as_standard_webhooks_says(tmp_path: Path) -> None:
    key = b"0123456789abcdef0123456789abcdef"
    (tmp_path / "key").write_text("whsec_" + base64.b64encode(key).decode())
    (tmp_path / "key").chmod(0o600)
    target = Target(name="w", kind=Kind.WEBHOOK, folder=str(tmp_path), url="https://w.example/", secret_file="key")
    sent = request(target, question("x"), 1_780_000_000.0)
    named = f"{sent.headers['webhook-id']}.1780000000.".encode() + sent.body
    expected = base64.b64encode(hmac.new(key, named, hashlib.sha256).digest()).decode()
    assert sent.headers["webhook-signature"] == f"v1,{expected}"


@pytest.mark.parametrize(("text", "mode", "why"), [
    ("tk_secret", 0o644, "chmod 600"),
    ("", 0o600, "no secret in one word"),
    ("two words", 0o600, "no secret in one word"),
    ("a\nb", 0o600, "no secret in one word"),
    ("\xe9", 0o600, "cannot be read"),
])  # fmt: skip
def test_a_file_that_is_no_secret_is_refused(tmp_path: Path, text: str, mode: int, why: str) -> None:
    (tmp_path / "f").write_text(text)
    (tmp_path / "f").chmod(mode)
    target = Target(name="s", kind=Kind.SLACK, folder=str(tmp_path), url_file="f")
    with pytest.raises(Undelivered, match=why) as refused:
        request(target, question("x"), 0.0)
    assert refused.value.lasting
    assert "tk_" not in str(refused.value)


@pytest.mark.parametrize("program", ["/usr/bin/notify-send", "/usr/bin/busctl"])
def test_a_desktop_reads_no_markup_and_no_option_in_it(program: str) -> None:
    argv = _argv(question("--action=x <a href='https://evil.example'>approve</a>"), program)
    assert "--" in argv
    body = next(word for word in argv if "evil" in word)
    assert "<" not in body
    assert argv.index("--") < argv.index(body)
    assert not [word for word in argv if word.startswith(("--action", "-A"))]
