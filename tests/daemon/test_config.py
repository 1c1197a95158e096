"""`interlock.toml`: strict, layered, kind."""

from pathlib import Path

import pytest

from interlock.broker.config import Mode
from interlock.daemon.config import load
from interlock.model.errors import ConfigError
from interlock.model.world import EnvironmentRule


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "interlock.toml").write_text(text)
    return folder


def test_nothing_written_means_enforce(tmp_path: Path) -> None:
    config = load(user=tmp_path, organisation=None)
    assert config.mode is Mode.ENFORCE
    assert not config.freezes


def test_a_whole_file(tmp_path: Path) -> None:
    write(
        tmp_path,
        """
        mode = "observe"
        known_hosts = ["*.corp.example"]
        [environments.production]
        hosts = ["db.prod.example"]
        databases = ["shop"]
        [[freeze]]
        environment = "production"
        reason = "end of year"
        from = 2026-12-20T00:00:00Z
        until = 2027-01-04T00:00:00+01:00
        [ask]
        hold_seconds = 0
        """,
    )
    config = load(user=tmp_path, organisation=None)
    assert config.mode is Mode.OBSERVE
    assert config.environments == (
        EnvironmentRule("host", "db.prod.example", "production"),
        EnvironmentRule("database", "shop", "production"),
    )
    assert config.freezes[0].reason == "end of year"
    assert config.hold_seconds == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mode = ", "not TOML"),
        ('mod = "enforce"', "Did you mean `mode`"),
        ('mode = "off"', "off"),
        ("[environments.prod]\nhosts=[]", "unknown environment `prod`"),
        ("[environments.production]\nhost=['x']", "Did you mean `hosts`"),
        ("[[freeze]]\nreason='x'\nfrom=2026-12-20T00:00:00", "need a zone"),
        ("[[freeze]]\nreason='x'\nenvironment='moon'", "moon"),
        ("[ask]\nhold_seconds=100000", "hold_seconds"),
        ("known_hosts = 'x'", "known_hosts"),
    ],
)
def test_what_is_off_is_named(tmp_path: Path, text: str, says: str) -> None:
    write(tmp_path, text)
    with pytest.raises(ConfigError, match=says) as caught:
        load(user=tmp_path, organisation=None)
    assert "interlock.toml" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('mode = "observe"', "mode"),
        ('known_hosts = ["*"]', "known_hosts"),
        ("[ask]\nhold_seconds = 1", "ask"),
        ('[environments.development]\nhosts = ["db.prod.example"]', "environments.development"),
        ('[[freeze]]\nreason = "x"\ncalendar = "nights.ics"', "freeze.calendar"),
    ],
)
def test_a_project_cannot_loosen(tmp_path: Path, text: str, key: str) -> None:
    project = write(tmp_path / "project", text)
    with pytest.raises(ConfigError, match=f"only tighten.*{key}"):
        load(user=tmp_path / "user", project=project, organisation=None)


def test_a_project_can_tighten(tmp_path: Path) -> None:
    project = write(tmp_path / "project", '[environments.production]\nbranches = ["live"]')
    config = load(user=tmp_path / "user", project=project, organisation=None)
    assert config.environments == (EnvironmentRule("branch", "live", "production"),)


def test_the_organisation_speaks_first(tmp_path: Path) -> None:
    organisation = write(tmp_path / "org", '[environments.production]\nhosts = ["db"]')
    user = write(tmp_path / "user", '[environments.development]\nhosts = ["db"]')
    config = load(user=user, organisation=organisation)
    assert [rule.environment for rule in config.environments] == ["production", "development"]


def test_a_user_cannot_observe_what_the_organisation_enforces(tmp_path: Path) -> None:
    organisation = write(tmp_path / "org", 'mode = "enforce"')
    user = write(tmp_path / "user", 'mode = "observe"')
    with pytest.raises(ConfigError, match="organisation"):
        load(user=user, organisation=organisation)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "interlock.toml").write_bytes(b'mode = "\xff"')
    with pytest.raises(ConfigError, match="UTF-8"):
        load(user=tmp_path, organisation=None)


def test_a_file_of_two_megabytes(tmp_path: Path) -> None:
    (tmp_path / "interlock.toml").write_bytes(b"#" * (2 << 20))
    with pytest.raises(ConfigError, match="1 MiB"):
        load(user=tmp_path, organisation=None)


def test_a_folder_where_the_file_should_be(tmp_path: Path) -> None:
    (tmp_path / "interlock.toml").mkdir()
    with pytest.raises(ConfigError, match="cannot read"):
        load(user=tmp_path, organisation=None)


def test_looks_are_the_persons_own_to_allow(tmp_path: Path) -> None:
    own = write(
        tmp_path / "own",
        '[preview]\nseconds = 9\nrun = true\n[[preview.database]]\nname = "shop"\nurl = "sqlite:///x"\n',
    )
    preview = load(user=own, organisation=None).preview
    assert (preview.seconds, preview.run, preview.databases[0].name) == (9, True, "shop")
    project = write(tmp_path / "project", "[preview]\nrun = true\n")
    with pytest.raises(ConfigError, match="may not set preview"):
        load(user=own, project=project, organisation=None)
