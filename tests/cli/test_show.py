"""How times are said."""

from interlock.cli.show import age


def test_ages() -> None:
    assert age("1970-01-01T00:00:00Z", 7_200) == "2 h ago"
    assert age("1970-01-01T00:10:00Z", 0) == "in 10 min"
