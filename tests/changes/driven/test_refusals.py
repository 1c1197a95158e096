"""How a text says no, and how one does that does not."""

import pytest

from interlock.changes.driven.inside.refusals import says_no


@pytest.mark.parametrize(
    "text",
    [
        "denied", " Locked!", "not allowed", "Error: the file is not below the shared folder", "Invalid signature.",
        "The coupon has expired", "You do not have the right to see this", "cannot open it", "Sorry, that isn't yours.",
        "Upload failed", "quantity must be positive", "ValueError: seven", "name is too long", "(index out of range)",
        "Access to this account was refused by its owner", "Amount exceeds your limit",
    ],
)  # fmt: skip
def test_a_text_that_says_no(text: str) -> None:
    assert says_no(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "open", "failed_jobs", "Hello Ann", "no errors", "Done without errors", "/srv/errors/today", "12",
        "Your order of seven cups leaves on Friday and reaches you before the weekend has come: none ever failed",
        "error " * 60, "<p>how we write error pages</p>" + "x" * 200,
    ],
)  # fmt: skip
def test_a_text_that_does_not(text: str) -> None:
    assert not says_no(text)
