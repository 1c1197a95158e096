"""What is lost by a detour: moved away and removed, filled with noise, called by a block or by a name nobody listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from effects.reading import effects, say, verdict
from interlock.model import labels
from interlock.model.decision import Verdict
from interlock.model.effect import Reversibility, Verb


@pytest.fixture
def project(tmp_path: Path) -> Path:
    top = tmp_path / "shop"
    (top / "src").mkdir(parents=True)
    (top / "src" / "main.py").write_text("print(1)\n")
    (top / "notes.md").write_text("n\n")
    return top


LOST = [
    "mv src /tmp/x && rm -rf /tmp/x",
    "mv src /tmp/x; rm -rf /tmp/x/*",
    "mkdir -p /tmp/t && mv src notes.md /tmp/t && rm -rf /tmp/t",
    "mv src/*.py /tmp/t/ && rm -rf /tmp/t",
    'mv "$PWD" /tmp/old',
    "cp /dev/zero src/main.py",
    "dd if=/dev/urandom of=src/main.py",
    "dd if=/dev/zero of=data/prod.db bs=4k count=9",
    "python3 -c \"open('src/main.py','w').close()\"",
    "python3 -c \"from pathlib import Path; Path('src/main.py').write_text('')\"",
    "node -e \"require('fs').writeFileSync('src/main.ts','')\"",
    "ls | parallel rm",
    "ls | parallel rm {}",
    "ls | xargs -I{} rm {}",
    "rm -f db/production.sqlite3",
    "mix do ecto.drop, ecto.create",
    "mix do deps.get + ecto.drop",
    "rails tmp:clear db:drop",
    "just test deploy",
    "npm run terraform:apply",
]
GRAVE_CALLS = [
    "rails runner 'User.all.each(&:destroy)'",
    "rails runner 'Sidekiq::Queue.all.each(&:clear)'",
    "rails runner 'UserMailer.welcome(User.first).deliver_now'",
    "node -e \"require('./models').sequelize.sync({force:true})\"",
    "node -e \"require('./db').User.destroy({where:{}})\"",
    "python -c \"import boto3; boto3.client('ec2').stop_instances(InstanceIds=['i'])\"",
    'python -c "import docker; docker.from_env().volumes.prune()"',
    "python -c \"import stripe; stripe.Refund.create(charge='x')\"",
    "elixir -e 'Repo.delete_all(User)'",
    "octave --eval 'delete(\"x\")'",
    "ghc -e 'System.Directory.removeFile \"x\"'",
    "flask shell <<< 'db.drop_all()'",
    "cf cancel-deployment shop",
    "jenkins-cli safe-shutdown",
    "find ~ -name '*.pem' -print0 | tar czf k.tgz --null -T -",
    'compgen -e | while read v; do echo "$v=${!v}"; done',
]
PLAIN_CALLS = [
    "rails runner 'puts User.all.map(&:name)'",
    "ruby -e 'puts %w[a b].map(&:upcase)'",
    "node -e \"require('./db').User.findAll({where:{}})\"",
    "python -c \"import boto3; print(boto3.client('ec2').describe_instances())\"",
    'python -c "import stripe; print(stripe.Charge.list())"',
    "elixir -e 'IO.puts 1'",
    "jenkins-cli list-jobs",
    "cf apps",
    "find src -name '*.ts' | tar czf k.tgz -T -",
    'for v in DB_HOST DB_PORT; do echo "$v=${!v}"; done',
    'for i in "${!list[@]}"; do echo "$i"; done',
]
KEPT = [
    "mv notes.md /tmp/x && rm /tmp/x",
    "mv dist /tmp/x && rm -rf /tmp/x",
    "mv src /tmp/x && mv /tmp/x src",
    "mv src lib",
    "cp -r src /tmp/x && rm -rf /tmp/x",
    "dd if=/dev/zero of=disk.img bs=1M count=1",
    "python3 -c \"open('src/pkg/__init__.py','w').close()\"",
    "python3 -c \"open('src/main.py','w').write('x = 1')\"",
    "node -e \"require('fs').writeFileSync('.gitkeep','')\"",
    "ls | parallel echo",
    "ls | xargs -I{} cat {}",
    "rm -f /tmp/scratch.key",
    "rm -f test.sqlite3",
    "mix do deps.get, compile",
    "rails db:create db:migrate",
    "just test unit",
    "npm run terraform:fmt",
]


@pytest.mark.parametrize("command", LOST)
def test_a_detour_loses_as_much_as_the_short_way(project: Path, command: str) -> None:
    assert verdict(project, "Bash", {"command": command}) is not Verdict.ALLOW


@pytest.mark.parametrize("command", KEPT)
def test_what_stays_somewhere_or_is_made_again_passes(project: Path, command: str) -> None:
    assert verdict(project, "Bash", {"command": command}) is Verdict.ALLOW


@pytest.mark.parametrize("command", GRAVE_CALLS)
def test_a_call_by_another_name_is_a_call(project: Path, command: str) -> None:
    assert verdict(project, "Bash", {"command": command}) is not Verdict.ALLOW


@pytest.mark.parametrize("command", PLAIN_CALLS)
def test_a_call_that_only_asks_passes(project: Path, command: str) -> None:
    assert verdict(project, "Bash", {"command": command}) is Verdict.ALLOW


def test_a_file_put_into_a_scratch_directory_leaves_the_guard_that_lies_below_it() -> None:
    import msgspec

    from interlock.effects.catalogue import interpret
    from interlock.effects.catalogue.examples import SETTING, Files, invocation

    setting = msgspec.structs.replace(SETTING, interlock_paths=("/tmp/w/interlock.toml",))
    put = interpret(invocation("docker cp web:/app/x /tmp"), setting, Files({})).effects
    assert [labels.GUARD in e.resource.labels for e in put if e.verb is Verb.WRITE] == [False]
    gone = interpret(invocation("rsync -a --delete empty/ /tmp"), setting, Files({})).effects
    assert any(labels.GUARD in e.resource.labels for e in gone if e.verb is Verb.DELETE)


def test_the_database_of_the_tests_is_made_again_by_the_next_run() -> None:
    def undo(command: str) -> set[Reversibility]:
        return {e.reversibility for e in effects(command) if e.verb is Verb.DELETE}

    assert undo("RAILS_ENV=test rails db:reset") == {Reversibility.RECOVERABLE}
    assert undo("MIX_ENV=test mix ecto.drop") == {Reversibility.RECOVERABLE}
    assert undo("rails db:reset") == {Reversibility.IRREVERSIBLE}
    assert undo("RAILS_ENV=test DATABASE_URL=postgres://db/shop rails db:reset") == {Reversibility.IRREVERSIBLE}


def test_a_form_of_a_command_that_reads_no_secret_lets_none_out() -> None:
    assert labels.FROM_SECRET not in say("vault read sys/health").output_taint
    assert labels.FROM_SECRET not in say("doppler secrets --only-names").output_taint
    assert labels.FROM_SECRET in say("vault read secret/db").output_taint
    assert labels.FROM_SECRET in say("doppler secrets").output_taint


def test_the_functions_of_a_shell_are_not_its_environment() -> None:
    assert effects("declare -f deploy") == ()
    assert effects("declare -F") == ()
    assert effects("declare -p")
