"""What of a changed file is walked through."""

from interlock.changes.driven.subjects import subject

OLD = '''
LIMIT = 5

def _small(n):
    return n < LIMIT

def take(n):
    """Take some."""
    return _small(n)

def title(text):
    return text.upper()

class Shelf:
    def __init__(self):
        self.left = LIMIT

    def take(self, n):
        self.left -= n
'''


def test_what_leads_to_the_change_is_near() -> None:
    found = subject(OLD, OLD.replace("LIMIT = 5", "LIMIT = 6"))
    assert found is not None
    assert {"LIMIT", "_small", "take", "Shelf.__init__", "Shelf.take"} <= found.near
    assert "title" not in found.near
    assert not found.private


def test_a_private_function_that_nobody_calls_is_called_itself() -> None:
    new = OLD.replace("return _small(n)", "return n")
    found = subject(new, new.replace("n < LIMIT", "n <= LIMIT"))
    assert found is not None
    assert found.private == {"_small"}


def test_comments_docstrings_and_broken_files_are_no_change() -> None:
    assert subject(OLD, OLD.replace("Take some.", "Take a few.") + "# the end\n") is None
    assert subject(OLD, "def broken(:\n") is None
    assert subject(OLD, OLD) is None
