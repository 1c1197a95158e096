"""Which addresses are ordinary public pages, and which carry or do something."""

from __future__ import annotations

import pytest

from interlock.effects.pages import plain_name, plain_page

PLAIN = [
    "https://example.com",
    "example.com/a",
    "https://docs.python.org/3/library/json.html",
    "https://developer.mozilla.org/en-US/docs/Web/API/Cache/delete",
    "https://www.sqlite.org/lang_delete.html",
    "https://restcountries.com/v3.1/all",
    "https://hub.docker.com/v2/repositories/library/redis/tags?page_size=5",
    "https://en.wikipedia.org/w/api.php?action=query&titles=Raft&format=json",
    "https://cdn.jsdelivr.net/gh/a/b@0123456789abcdef0123456789abcdef01234567/x.css",
    "https://docs.oracle.com/javase/8/docs/api/java/util/concurrent/AbstractExecutorServiceFactoryBean.html",
    "http://example.com:80/x",
]
NOT_PLAIN = [
    "http://203.0.113.9/x",
    "http://0x7f.1/x",
    "https://[2001:db8::1]/",
    "https://example.com:8443/",
    "https://me:pw@example.com/",
    "https://xn--pypal-4ve.com/",
    "https://p\u0430ypal.com/",
    "https://intranet/x",
    "https://db.internal/x",
    "https://collect.example/x",
    "https://evil.com/x",
    "https://x.evil-corp.net/x",
    "https://pastebin.com/raw/abc",
    "https://abc.ngrok-free.app/",
    "https://bit.ly/3abc",
    "https://webhook.site/1",
    "https://me.duckdns.org/",
    "http://site.tk/",
    "http://abc.onion/",
    "http://8.8.8.8.nip.io/",
    "ftp://example.com/x",
    "https://example.com/users/5/delete",
    "https://ci.example.com/job/x/doDelete",
    "https://example.com/?action=delete&id=5",
    "https://example.com/api?cmd=dropTable",
    "https://example.com/a?api_key=x",
    "https://example.com/a?d=" + "a" * 300,
    "https://example.com/?d=c2VjcmV0IGtleSBpcyBoZXJlIG5vdw",
    "https://example.com/" + "4142434445464748494a4b4c",
    "https://4142434445464748494a4b4c4d4e.example.com/",
    "https://example.com/" + "a/" * 400,
]


@pytest.mark.parametrize("address", PLAIN)
def test_an_ordinary_public_page_is_plain(address: str) -> None:
    assert plain_page(address)


@pytest.mark.parametrize("address", NOT_PLAIN)
def test_what_carries_or_does_something_is_no_plain_page(address: str) -> None:
    assert not plain_page(address)


def test_a_name_is_judged_without_an_address() -> None:
    assert plain_name("example.com")
    assert not plain_name("example")
    assert not plain_name("." * 200)
    assert not plain_name("")


@pytest.mark.parametrize("address", ["http://10.0.0.5:8080/health", "http://host.docker.internal:3000/health"])
def test_a_look_at_a_private_number_or_at_the_machine_of_a_container_stays_in_the_house(address: str) -> None:
    assert plain_page(address)


@pytest.mark.parametrize(
    "address", ["http://192.168.1.1/reboot.cgi", "http://169.254.169.254/latest", "http://10.0.0.5/x?token=abc"]
)
def test_a_private_number_is_no_excuse_for_an_act_or_a_credential(address: str) -> None:
    assert not plain_page(address)
