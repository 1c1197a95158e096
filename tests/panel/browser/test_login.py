"""A person on another machine, in real Chromium over real TLS: invited, signed in by a passkey, or told why not."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from playwright.sync_api import Browser, BrowserContext, Page
from tests.panel.browser import axe
from tests.panel.browser.device import Device
from tests.panel.browser.eyes import chromium
from tests.panel.browser.scene import asked
from tests.panel.far import Far

from interlock.daemon.client import call
from interlock.panel.assets import assets

pytestmark = pytest.mark.browser
NAME = "interlock.example"
# A browser that asks for a second, where the panel says a minute: what is waited for is the browser's own timeout.
HASTE = """
for (const act of ["create", "get"]) {
  const own = navigator.credentials[act].bind(navigator.credentials);
  navigator.credentials[act] = ({publicKey}) => { publicKey.timeout = 1000; return own({publicKey}); };
}
"""


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    made = Far(tmp_path_factory.mktemp("login"), NAME)
    yield made
    made.close()


@pytest.fixture(scope="module")
def browser(far: Far) -> Iterator[Browser]:
    """A browser that trusts the panel's certificate, as one does where a known authority signed it."""
    with chromium(f"--ignore-certificate-errors-spki-list={far.trusted()}", name=NAME) as started:
        yield started


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> str:
    return axe.install(tmp_path_factory.mktemp("axe"))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context: BrowserContext = browser.new_context()
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


def added(far: Far, name: str) -> str:
    """A person whom an administrator has just added, without any key."""
    call(far.guard.home, "people.change", {"kind": "person.add", "change": {"name": name, "groups": ["approvers"]}})
    return name


def enrolled(far: Far, page: Page, name: str) -> Device:
    """They follow their invitation, make a passkey, and are accepted by the words that they read out."""
    device = Device(page)
    page.goto(far.invite(added(far, name)))
    page.click("#enrol")
    page.wait_for_selector("#enrol-words")
    done = far.guard.cli("people", "accept", name, page.inner_text("#enrol-words"))
    assert done.returncode == 0, done.stdout
    return device


def signed_in(far: Far, page: Page) -> Page:
    page.goto(f"{far.base}/inbox")
    page.click("#passkey")
    page.wait_for_selector(".shell")
    return page


def told(page: Page) -> str:
    """What the page says once it says something."""
    page.wait_for_selector("#login-said:not(:empty)")
    return page.inner_text("#login-said")


def refused(far: Far, page: Page) -> str:
    """They press the button, and are told why they are not in."""
    page.goto(f"{far.base}/inbox")
    page.click("#passkey")
    said = told(page)
    assert page.locator(".shell").count() == 0
    return said


def request(far: Far, number: int) -> dict[str, Any]:
    found: dict[str, Any] = call(far.guard.home, "request", {"id": number})
    return found


def test_who_is_invited_makes_a_passkey_signs_in_decides_leaves_and_comes_back(far: Far, page: Page) -> None:
    page.set_default_timeout(30_000)
    enrolled(far, page, "ada-lovelace")
    page.click("text=To the sign-in")
    page.click("#passkey")
    page.wait_for_selector(".shell")
    plain = asked(far.guard, "curl -X POST https://login.example.com -d @x")
    page.goto(f"{far.base}/requests/{plain}")
    page.wait_for_selector("#decide[data-armed='1']")
    page.click("#approve")
    page.wait_for_url(f"**/receipts/{plain}")
    assert (request(far, plain)["state"], request(far, plain)["decided_by"]) == ("approved", "ada-lovelace")

    page.locator("#leave button, form[action='/logout'] button").first.click()
    page.wait_for_selector("#passkey:visible")
    assert page.goto(f"{far.base}/inbox").status == 401  # type: ignore[union-attr]  # a page was loaded
    grave = asked(far.guard, "npm publish --tag login")
    signed_in(far, page).goto(f"{far.base}/requests/{grave}")
    page.wait_for_selector("#decide[data-armed='1']")
    page.click("#approve-passkey")
    page.wait_for_url(f"**/receipts/{grave}")
    assert (request(far, grave)["state"], request(far, grave)["decided_how"]) == ("approved", "passkey")
    assert [login["by"] for login in far.logins()[-2:]] == ["passkey", "passkey"]
    assert far.guard.cli("verify").returncode == 0


def test_what_was_signed_once_signs_nobody_in_again(far: Far, page: Page) -> None:
    enrolled(far, page, "replayed")
    with page.expect_request("**/login/passkey") as sent:
        signed_in(far, page)
    with far.client() as thief:
        answer = thief.post("/login/passkey", json=sent.value.post_data_json)
    assert (answer.status_code, "used already" in answer.json()["message"]) == (409, True)


def test_a_passkey_that_nobody_added_is_told_how_to_be_added(far: Far, page: Page) -> None:
    device = Device(page)
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    device.learn(
        {"credentialId": base64.b64encode(b"stranger" * 2).decode(), "isResidentCredential": True, "rpId": NAME,
         "privateKey": base64.b64encode(key).decode(), "userHandle": base64.b64encode(b"who").decode(), "signCount": 1}
    )  # fmt: skip
    said = refused(far, page)
    assert "You are not signed in. Refused: this passkey is nobody's here" in said
    assert "interlock people invite" in said


def test_who_was_removed_is_told_so_and_sees_nothing(far: Far, page: Page) -> None:
    enrolled(far, page, "leaver")
    signed_in(far, page)
    call(far.guard.home, "people.change", {"kind": "person.remove", "change": {"name": "leaver"}})
    assert page.goto(f"{far.base}/inbox").status == 409  # type: ignore[union-attr]  # a page was loaded
    assert "leaver is nobody here any more" in page.inner_text("main")
    page.context.clear_cookies()
    assert "or it or its person was removed" in refused(far, page)


def test_a_passkey_of_another_site_is_not_even_offered(far: Far, page: Page) -> None:
    page.add_init_script(HASTE)
    device = enrolled(far, page, "elsewhere")
    (key,) = device.keys()
    device.forget()
    device.learn(key | {"rpId": "other.example"})
    said = refused(far, page)
    assert f"there is no passkey for {NAME} here" in said or "within 1 seconds" in said


def test_a_device_that_does_not_recognise_the_person_signs_nothing(far: Far, page: Page) -> None:
    page.add_init_script(HASTE)
    device = enrolled(far, page, "somebody-else")
    device.recognise(False)
    said = refused(far, page)
    assert said.startswith("You are not signed in.")
    assert "Press the button again" in said


def test_who_does_not_answer_is_told_how_long_was_waited(far: Far, page: Page) -> None:
    page.add_init_script(HASTE)
    device = enrolled(far, page, "slow")
    device.answer(False)
    assert "Nobody answered the browser's question within 1 second" in refused(far, page)
    device.answer(True)
    page.click("#passkey")
    page.wait_for_selector(".shell")


# What Chromium says where a person closes its question, and where a warning of the certificate was clicked away:
# without a window there is neither to be had.
SAYS = """
([name, text]) => { navigator.credentials.get = () => Promise.reject(new DOMException(text, name)); }
"""


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("NotAllowedError", "The operation either timed out or was not allowed.", "The browser's question was closed"),
        (
            "NotAllowedError",
            "WebAuthn is not supported on sites with TLS certificate errors.",
            "does not trust this page's address or certificate",
        ),
        ("SecurityError", "This is an invalid domain.", "does not trust this page's address or certificate"),
        ("UnknownError", "The device is busy.", "The browser says: The device is busy."),
    ],
)
def test_what_the_browser_says_is_told_in_words_and_can_be_tried_again(
    far: Far, page: Page, name: str, text: str, said: str
) -> None:
    page.goto(f"{far.base}/inbox")
    page.evaluate(SAYS, [name, text])
    page.click("#passkey")
    found = told(page)
    assert found.startswith("You are not signed in.")
    assert said in found
    assert page.is_enabled("#passkey")


def test_without_a_device_nothing_is_signed(far: Far, page: Page) -> None:
    page.add_init_script(HASTE)
    Device(page).leave()
    assert "You are not signed in." in refused(far, page)


def test_a_browser_without_passkeys_is_told_what_to_take(far: Far, page: Page) -> None:
    page.add_init_script("delete window.PublicKeyCredential")
    for path in ("/inbox", far.invite(added(far, "old-browser")).removeprefix(far.base)):
        page.goto(far.base + path)
        assert "This browser cannot use passkeys here" in told(page)


def test_without_a_script_the_page_says_that_it_needs_one(far: Far, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    for path in ("/inbox", far.invite(added(far, "scriptless")).removeprefix(far.base)):
        page.goto(far.base + path)
        assert "allow scripts for this address" in page.inner_text("main")
    context.close()


@pytest.fixture
def neighbour(far: Far) -> Iterator[str]:
    """Another page of the same host name, at another port: browsers let it ask for the same passkeys."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>x</title>")

        def log_message(self, *_: Any) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = far.serving().wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://{NAME}:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_what_another_page_of_the_same_name_has_signed_opens_nothing(far: Far, page: Page, neighbour: str) -> None:
    enrolled(far, page, "phished")
    with far.client() as http:
        drawn = http.post("/login/passkey/begin", json={}).json()
        page.goto(neighbour)
        page.add_script_tag(content=assets()["passkey.js"].data.decode())
        response = page.evaluate("(options) => passkeys.sign(options)", drawn["options"])
        assert json.loads(response)["response"]["signature"]
        answer = http.post("/login/passkey", json={"statement": drawn["statement"], "response": response})
        assert answer.status_code == 409, answer.text
        assert "origin" in answer.json()["message"].lower()
        assert http.get("/inbox").status_code == 401


@pytest.mark.parametrize("how", ["light", "dark"])
def test_axe_finds_nothing_before_the_sign_in(far: Far, browser: Browser, engine: str, how: Any) -> None:
    context = browser.new_context(color_scheme=how, viewport={"width": 360, "height": 740})
    context.add_init_script(engine)
    page = context.new_page()
    enrolled(far, page, f"seen-{how}")
    assert not axe.violations(page), "the words"
    used = page.url
    for address in (f"{far.base}/inbox", far.invite(f"seen-{how}"), used):
        page.goto(address)
        assert not axe.violations(page), address
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, address
    context.close()


def test_who_comes_by_a_provider_presses_one_button_more_and_is_in(far: Far, page: Page) -> None:
    far.provider.page = True
    page.goto(f"{far.base}/inbox")
    page.click("#provider")
    page.click("#go")
    page.wait_for_selector("#enter")
    back = page.url
    page.click("#enter")
    page.wait_for_selector(".shell")
    assert "ada" in page.inner_text(".side")
    number = asked(far.guard, "curl -X POST https://provider.example.com -d @x")
    page.goto(f"{far.base}/requests/{number}")
    page.wait_for_selector("#decide[data-armed='1']")
    page.click("#approve")
    page.wait_for_url(f"**/receipts/{number}")
    assert request(far, number)["decided_by"] == "ada"
    page.goto(back)  # the browser's history keeps the address of the way back
    assert "Begin again" in page.inner_text("main")


def test_who_says_no_at_the_provider_is_told_so(far: Far, page: Page) -> None:
    far.provider.page, far.provider.wrong = True, "a no"
    try:
        page.goto(f"{far.base}/inbox")
        page.click("#provider")
        page.click("#go")
        assert "says no: access_denied" in page.inner_text("main")
        page.click("text=To the inbox")
        page.wait_for_selector("#provider")
    finally:
        far.provider.wrong = ""
