"""Containers: whose engine runs them, what their files give away, and what runs or is read inside of them."""

from __future__ import annotations

import pytest

from effects.reading import effects
from interlock.effects.catalogue import interpret
from interlock.effects.catalogue.examples import SETTING, Files, invocation, judge
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Kind, Verb


@pytest.mark.parametrize(
    "command",
    [
        "docker exec web cat /root/.ssh/id_rsa",
        "docker exec web sh -c 'cat /app/.env'",
        "docker compose exec -T web cat .env",
        "docker --context edge compose exec web cat .env",
        "docker cp web:/app/.env .",
    ],
)
def test_a_secret_in_a_container_is_a_secret(command: str) -> None:
    assert any(e.verb is Verb.READ and L.SECRET in e.resource.labels for e in effects(command))


def test_a_script_of_the_image_is_as_unread_as_the_image() -> None:
    assert all(e.verb is Verb.EXECUTE for e in effects("docker exec web python train.py"))
    assert all(e.verb is Verb.EXECUTE for e in effects("docker compose run --rm web ./entrypoint.sh"))


@pytest.mark.parametrize(
    "command",
    [
        "docker exec web bash /tmp/x.sh",  # it may have been copied in a moment ago
        "docker exec web ./deploy.sh",
        "docker exec web python $SCRIPT",
        "docker --context edge exec web python train.py",
        "ssh box python train.py",
    ],
)
def test_a_script_elsewhere_is_not_read_by_anybody(command: str) -> None:
    assert any(e.resource.kind is Kind.CODE for e in effects(command))


def test_the_selected_engine_counts_where_none_is_named() -> None:
    remote = {"../.docker/config.json": '{"currentContext": "prod-eu", "auths": {"x": {"auth": "hunter2"}}}'}
    got = interpret(invocation("docker rm -f web"), SETTING, Files(remote))
    assert judge("delete container web, env:production", got) == ""
    assert "hunter2" not in repr(got)
    local = {"../.docker/config.json": '{"currentContext": "desktop-linux"}'}
    got = interpret(invocation("docker rm -f web"), SETTING, Files(local))
    assert judge("delete container web, env:development", got) == ""


def test_a_compose_file_in_the_project_that_hands_out_the_machine_is_said() -> None:
    harmless = "services:\n  db:\n    image: postgres\n    # privileged: true\n    volumes: [data:/var/lib]\n"
    assert not any(L.PRIVILEGED in e.resource.labels for e in effects("docker compose up", {"compose.yaml": harmless}))
    override = {"compose.yaml": harmless, "compose.override.yaml": "services:\n  db:\n    privileged: true\n"}
    assert any(L.PRIVILEGED in e.resource.labels for e in effects("docker compose up -d", override))
    named = {"x.yml": "services:\n  db:\n    volumes:\n      - type: bind\n        source: /\n        target: /h\n"}
    assert any(L.PRIVILEGED in e.resource.labels for e in effects("COMPOSE_FILE=x.yml docker compose up", named))
