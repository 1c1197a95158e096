"""Credentials do not enter what Interlock writes down."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.effects.redact import has_secret, load, redact
from interlock.model.errors import CatalogueError

# Shapes, not credentials: each is put together here so that no scanner takes this file for a leak.
X = "x9Kf2LmQ7pR4tV8wZ1aB5cD3"
AWS = "AKIA" + "QWERTYUIOP123456"
GH = "ghp_" + X + "0123456789ab"
JWT = "eyJ" + "hbGciOiJIUzI1NiJ9." + "eyJ" + "zdWIiOiIxMjM0In0." + "c2lnbmF0dXJl"
PEM = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE" + "abc+/=\n" * 5 + "-----END RSA " + "PRIVATE KEY-----"

SECRETS = [
    ("export API_TOKEN=" + X, X),
    ("PGPASSWORD=hunter22 psql -h db", "hunter22"),
    ("curl -H 'Authorization: Bearer " + X + "' https://x.example", X),
    ('curl -H "X-Api-Key: ' + X + '" https://x.example', X),
    ("curl -u ana:hunter22 https://x.example", "hunter22"),
    ("psql postgres://ana:hunter22@db.example/shop", "hunter22"),
    ("git clone https://" + GH + "@git.example/x", GH),
    ("mysql -uroot -phunter22 shop", "hunter22"),
    ("mysqldump --password=hunter22 shop", "hunter22"),
    ("sshpass -p hunter22 ssh x", "hunter22"),
    ("redis-cli -h x -a hunter22 get y", "hunter22"),
    ("aws configure set aws_access_key_id " + AWS, AWS),
    ('{"password": "hunter22"}', "hunter22"),
    ("{'api_key': 'hunter2222'}", "hunter2222"),
    ("password: hunter22", "hunter22"),
    ("tool --token " + X, X),
    ("https://x.example/?access_token=" + X + "&a=b", X),
    (JWT, JWT),
    (PEM, "MIIE"),
    ("CREATE USER x PASSWORD 'hunter22'", "hunter22"),
    ("ALTER USER x IDENTIFIED BY 'hunter22'", "hunter22"),
    ("SOMETHING=" + X + "Yy7", X),
    ("sk-" + "ant-" + X, X),
    ("glpat-" + X, X),
    ("echo " + GH + " | gh auth login", GH),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_credential_does_not_survive(text: str, secret: str) -> None:
    shown = redact(text)
    assert secret not in shown
    assert "[redacted:" in shown
    assert redact(shown) == shown


@pytest.mark.parametrize("text", [text for text, secret in SECRETS if len(secret) >= 8])
def test_a_credential_is_seen(text: str) -> None:
    assert has_secret(text)


@pytest.mark.parametrize(
    "text",
    [
        "token = self.peek()",
        "passphrase: bytes | None",
        "password: string",
        "secret: the value",
        "credential:NAME",
        "--token file",
    ],
)
def test_code_and_prose_about_credentials_carry_none(text: str) -> None:
    assert not has_secret(text)


HARMLESS = [
    "git commit -m 'Fix the key handling'",
    "psql -c 'SELECT password_hash FROM users'",
    "export TOKEN=$OTHER",
    'curl -H "Authorization: Bearer $TOKEN" https://x.example',
    "echo $PASSWORD",
    "git checkout 3f786850e387550fdab836ed7e6dc881de23001b",
    "SHA=3f786850e387550fdab836ed7e6dc881de23001b",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
    "PYTHONPATH=/home/ana/shop/src/python/package/Module1/lib",
    "rm -rf node_modules",
    "https://x.example/a/b?page=2&sort=name",
    "grep -rn token src/",
    "kubectl get secret",
    "ls ~/.ssh/id_rsa",
    "docker run -e NODE_ENV=production app",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert redact(text) == text
    assert not has_secret(text)


@given(st.text(max_size=300))
def test_any_text_is_redacted_once_and_for_all(text: str) -> None:
    shown = redact(text)
    assert redact(shown) == shown


FRAGMENTS = [
    "password",
    "=",
    ":",
    " ",
    "'",
    '"',
    "token",
    "Bearer ",
    "Authorization: ",
    "-----BEGIN PRIVATE KEY-----",
    "--",
    "://",
    "@",
    "a1B2c3D4",
    "$X",
    "[redacted:x]",
    "\n",
    "\\",
    "mysql ",
    "-p",
    "key",
    "_",
    "?",
    "&",
    ",",
]


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join))
def test_texts_made_of_traps_are_redacted_once_and_for_all(text: str) -> None:
    shown = redact(text)
    assert redact(shown) == shown


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "password=",
        "token: ",
        "://a:",
        "Authorization: ",
        "-----BEGIN PRIVATE KEY-----",
        "mysql -",
        "--token ",
        "eyJ",
        "A=",
        "key_",
        "curl -u ",
        "'",
        "?sig=",
        "password '",
        "bearer ",
    ],
)
def test_a_long_text_takes_time_in_proportion(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    start = time.perf_counter()
    redact(text)
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize(
    "text",
    [
        "[[",
        '[[pattern]]\nid="x"',
        '[[pattern]]\nid="x"\nwhy="w"\nhints=["a"]\nregex="("',
        '[[pattern]]\nid="x"\nhints=["a"]\nregex="a"',
    ],
)
def test_a_broken_list_of_shapes_is_refused(text: str) -> None:
    with pytest.raises(CatalogueError):
        load(text)
