"""A variable before a wrapper reaches what the wrapper runs: `RAILS_ENV=production bundle exec rails db:migrate`."""

from __future__ import annotations

import pytest

from interlock.effects.catalogue import interpret
from interlock.effects.shell import read_shell
from interlock.model.effect import Environment
from interlock.model.world import Nowhere, Setting

SETTING = Setting(cwd="/home/dev/app", home="/home/dev", user="dev", workspace="/home/dev/app")


def environments(text: str) -> set[Environment]:
    reading = read_shell(text, SETTING, Nowhere(), interpret, cwd=SETTING.cwd)
    return {effect.environment for effect in reading.effects}


@pytest.mark.parametrize(
    "text",
    [
        "RAILS_ENV=production rails db:migrate",
        "RAILS_ENV=production bundle exec rails db:migrate",
        "RAILS_ENV=production timeout 5 bundle exec rails db:migrate",
        "AWS_PROFILE=prod timeout 5 aws s3 rm s3://x/y",
        "DATABASE_URL=postgres://prod-db/x npx prisma migrate deploy",
        "RAILS_ENV=production bash -c 'rails db:migrate'",
    ],
)
def test_a_variable_before_a_wrapper_says_which_environment(text: str) -> None:
    assert Environment.PRODUCTION in environments(text)


def test_a_variable_here_is_not_set_inside_a_container() -> None:
    assert Environment.PRODUCTION not in environments("RAILS_ENV=production docker exec web rails db:migrate")


def test_without_the_variable_rails_is_development() -> None:
    assert environments("bundle exec rails db:migrate") == {Environment.DEVELOPMENT}
