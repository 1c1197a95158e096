"""What a request must be before any page sees it."""

from __future__ import annotations

import pytest

from interlock.panel.defence import FORM, JSON, LONGEST_BODY, STREAM, Site, fault, policy

SITE = Site.of(("localhost", "127.0.0.1", "[::1]"), 7457)
HOST = ("host", "localhost:7457")
OURS = ("origin", "http://localhost:7457")
SAME = ("sec-fetch-site", "same-origin")
BODY = [("content-type", JSON), ("content-length", "2")]


def status(method: str, path: str, *headers: tuple[str, str]) -> int:
    found = fault(SITE, method, path, headers)
    return found.status if found else 0


@pytest.mark.parametrize("host", ["localhost:7457", "LOCALHOST:7457", "127.0.0.1:7457", "[::1]:7457"])
def test_our_names_are_answered(host: str) -> None:
    assert status("GET", "/", ("host", host)) == 0


@pytest.mark.parametrize(
    "host",
    ["evil.example:7457", "localhost", "localhost:7457.evil.example", "127.0.0.1", "", "x@localhost:7457"],
)
def test_dns_rebinding_is_answered_by_nobody(host: str) -> None:
    assert status("GET", "/", ("host", host)) == 421


def test_no_host_and_two_hosts_are_refused() -> None:
    assert status("GET", "/") == 421
    assert status("GET", "/", HOST, ("host", "localhost:7457")) == 400


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"])
def test_only_get_and_post_exist(method: str) -> None:
    assert status(method, "/", HOST, OURS) == 405


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("origin", "null"),),
        (("origin", "http://localhost:3000"),),
        (("origin", "https://localhost:7457"),),
        (("origin", "http://localhost:7457.evil.example"),),
        (OURS, ("sec-fetch-site", "same-site")),
        (OURS, ("sec-fetch-site", "cross-site")),
        (OURS, ("sec-fetch-site", "none")),
        (("sec-fetch-site", "cross-site"),),
    ],
)
def test_a_post_from_another_page_is_refused(headers: tuple[tuple[str, str], ...]) -> None:
    assert status("POST", "/requests/1/decide", HOST, *headers, *BODY) == 403


def test_a_post_of_our_own_page_is_taken() -> None:
    assert status("POST", "/requests/1/decide", HOST, OURS, SAME, *BODY) == 0
    assert status("POST", "/requests/1/decide", HOST, SAME, ("content-type", FORM), ("content-length", "9")) == 0


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "", "application/json-patch+json"])
def test_other_forms_of_a_body_are_refused(kind: str) -> None:
    """What a foreign page can send without asking: text/plain that is JSON, and multipart."""
    assert status("POST", "/x", HOST, OURS, ("content-type", kind), ("content-length", "2")) == 415


def test_a_body_is_bounded_and_says_its_length() -> None:
    assert status("POST", "/x", HOST, OURS, ("content-type", JSON)) == 411
    assert status("POST", "/x", HOST, OURS, ("content-type", JSON), ("content-length", str(LONGEST_BODY + 1))) == 413
    assert status("POST", "/x", HOST, OURS, ("content-type", JSON), ("content-length", "-1")) == 411


def test_the_stream_is_for_our_own_pages() -> None:
    assert status("GET", STREAM, HOST, SAME) == 0
    for headers in ((), (("sec-fetch-site", "same-site"),), (("sec-fetch-site", "none"),), (("origin", "null"),)):
        assert status("GET", STREAM, HOST, *headers) == 403


def test_another_site_may_link_here_and_load_nothing() -> None:
    far = ("sec-fetch-site", "cross-site")
    assert status("GET", "/", HOST, far, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")) == 0
    assert status("GET", "/", HOST, far, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")) == 403
    assert status("GET", "/inbox.json", HOST, far, ("sec-fetch-mode", "no-cors")) == 403
    assert status("GET", "/inbox.json", HOST, ("origin", "http://localhost:3000")) == 403


def test_the_policy_lets_nothing_in() -> None:
    found = policy("abc")
    assert "unsafe" not in found
    assert "*" not in found
    for part in (
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "require-trusted-types-for 'script'",
    ):
        assert part in found
