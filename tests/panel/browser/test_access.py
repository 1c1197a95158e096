"""Each screen for everybody: axe finds nothing in light and dark, nothing hangs over at 360 px, a receipt prints."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from tests.panel.browser import axe
from tests.panel.browser.eyes import Person
from tests.panel.browser.scene import Day
from tests.panel.browser.test_screens import SCREENS

pytestmark = pytest.mark.browser
# What hangs over: the widest elements that end right of the window, named by tag and class.
HANGING = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  return [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > wide + 1)
    .map(e => `${e.tagName}.${e.className} ends at ${Math.round(e.getBoundingClientRect().right)}`).slice(0, 8);
}"""
SCROLLING = """() => [...document.querySelectorAll(".places")]
  .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => `${e.scrollWidth} in ${e.clientWidth}`)"""


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> str:
    return axe.install(tmp_path_factory.mktemp("axe"))


@pytest.fixture(scope="module")
def eyes(browser: Browser, day: Day, engine: str) -> Iterator[dict[str, Person]]:
    """One person at a bright desk, one with a telephone in the dark."""
    still = {"reduced_motion": "reduce"}  # a colour on its way to another one has no contrast yet
    people = {
        "light": Person(browser, day.guard, color_scheme="light", **still),
        "narrow": Person(browser, day.guard, color_scheme="dark", viewport={"width": 360, "height": 740}, **still),
    }
    for person in people.values():
        person.context.add_init_script(engine)
        person.enter()
    yield people
    for person in people.values():
        person.close()


@pytest.mark.parametrize("how", ["light", "narrow"])
@pytest.mark.parametrize("name", SCREENS)
def test_axe_finds_nothing(eyes: dict[str, Person], day: Day, name: str, how: str) -> None:
    page = eyes[how].visit(day.screens()[name])
    if name.startswith("approval"):
        page.wait_for_selector("#decide[data-armed='1']")
    for summary in page.query_selector_all("#screen summary"):
        summary.click()  # what is folded is looked at too
    assert not axe.violations(page)


@pytest.mark.parametrize("name", SCREENS)
def test_nothing_hangs_over_at_360_px(eyes: dict[str, Person], day: Day, name: str) -> None:
    page = eyes["narrow"].visit(day.screens()[name])
    assert page.evaluate(HANGING) == []
    assert page.evaluate(SCROLLING) == [], "the navigation is to be seen whole"
    for summary in page.query_selector_all("#screen summary"):
        summary.click()
    assert page.evaluate(HANGING) == []


@pytest.mark.parametrize("how", ["light", "dark"])
def test_the_door_and_what_does_not_exist_too(browser: Browser, day: Day, engine: str, how: str) -> None:
    person = Person(browser, day.guard, color_scheme=how)
    person.context.add_init_script(engine)
    for path in (person.link, person.base, f"{person.base}/nowhere"):
        person.page.goto(path)
        assert not axe.violations(person.page)
    person.close()


def test_dialogs_too(eyes: dict[str, Person], day: Day) -> None:
    page = eyes["light"].visit("/inbox")
    page.wait_for_selector("#theme:not([hidden])")
    for key, dialog in (("Control+k", "#palette"), ("?", "#help")):
        page.keyboard.press(key)
        page.wait_for_selector(f"{dialog}[open]")
        assert not axe.violations(page)
        page.keyboard.press("Escape")
        page.wait_for_selector(dialog, state="hidden")
        # Until the focus has left the closed dialog's field, what is typed is for that field.
        page.wait_for_function("!document.activeElement.closest('dialog')")


def test_a_receipt_on_paper_is_the_receipt_alone(eyes: dict[str, Person], day: Day) -> None:
    page = eyes["light"].visit(day.screens()["receipt"])
    page.emulate_media(media="print")
    for furniture in (".side", ".trail", ".skip"):
        assert not page.is_visible(furniture), furniture
    assert page.is_visible("#card-title")
    assert page.is_visible(".digest")
    page.emulate_media(media="screen")
