"""The golden matrix: what the packaged set says of every verb on every kind, and of the situations that matter.

A change of a policy is reviewed as a diff of this text (`tests/policy/matrix.txt`). Write it again with

    python -m interlock.policy.matrix > tests/policy/matrix.txt

Each line is a situation in the notation of examples, the environments in which the answer is the same, and the
answer: verdict, tier, rules (gravest first).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from interlock.model.effect import Environment, Kind, Verb
from interlock.policy import notation
from interlock.policy.engine import Engine

EVERYWHERE = tuple(environment.value for environment in Environment)
_CHANGES = ("write", "create", "delete irreversible", "delete all irreversible", "overwrite irreversible", "configure")
_FILE_ACTS = ("read", *_CHANGES, "delete recoverable", "delete all recoverable", "execute", "grant")
_DATA_ACTS = (
    "read", "write", "write irreversible", "create", "configure", "delete irreversible", "delete all irreversible",
    "delete +whole irreversible", "delete recoverable", "overwrite irreversible", "execute", "deploy", "grant", "spend",
)  # fmt: skip
_GIT_ACTS = (
    "read", "fetch", "create recoverable", "write recoverable", "delete recoverable", "delete irreversible",
    "overwrite recoverable", "overwrite irreversible", "publish recoverable", "publish irreversible", "send",
)  # fmt: skip

_FILES = (
    "file /code/app/main.py +workspace",
    "file /code/app/main.py +workspace sandbox",
    "file /code/app/main.py +emptied +workspace",
    "file /code/app/main.py +opened +workspace",
    "directory /code/app/src +opened +workspace",
    "directory /code/app/build +workspace",
    "directory /code/app +root +workspace",
    "file /code/app/CLAUDE.md +agent-memory +workspace",
    "file /code/app/CLAUDE.md +agent-memory +workspace taint:untrusted",
    "file /code/app/.husky/pre-commit +executes-later +workspace",
    "file /code/app/.github/workflows/ci.yml +ci +executes-later +workspace",
    "file /code/app/.git/index +vcs +workspace",
    "file /code/app/.git/hooks/pre-commit +executes-later +vcs +workspace",
    "secret /code/app/.env +secret +workspace",
    "terraform_state /code/infra/terraform.tfstate +secret +workspace",
    "agent_config /code/app/.claude/agents/x.json +workspace",
    "agent_config /code/app/.claude/settings.json +guard +workspace",
    "interlock /home/ana/.config/interlock/interlock.toml +guard +home",
    "interlock /home/ana/.local/state/interlock/keys/gate.key +guard +home +secret",
    "file /tmp/x +scratch",
    "directory /tmp/x +scratch",
    "directory /tmp +root +scratch",
    "file /dev/null +device-null +system",
    "file /home/ana/notes.txt +home",
    "directory /home/ana/Documents +home",
    "directory /home/ana +home +root",
    "file /home/ana/.bashrc +executes-later +home",
    "secret /home/ana/.ssh/id_ed25519 +home +secret",
    "file /home/bea/notes.txt +other-user",
    "secret /home/bea/.ssh/id_ed25519 +other-user +secret",
    "file /etc/hosts +system",
    "directory /usr +root +system",
    "file /tmp/x +privileged +scratch",
    "file $X/y +unplaced",
    "directory $X +unplaced",
    "device /dev/sda +system",
)
_HOSTS = (
    "host localhost:8000 +loopback", "host api.example.org +known", "host pypi.org +registry",
    "host api.github.com +vcs-host", "host 10.0.0.5 +private", "host blog.example.org",
    "host blog.example.org +public", "host pastebin.com +dubious", "host 169.254.169.254 +metadata",
)  # fmt: skip
_DATA = ("table shop.users", "database shop", "terraform_state default", "cloud_resource web", "cluster_object pod/web",
         "container web")  # fmt: skip
_GIT = ("git_ref feature-x", "git_ref main +protected", "git_ref origin/feature-x +force",
        "git_ref origin/feature-x +known", "git_ref origin/main +force +protected",
        "git_repository origin")  # fmt: skip
_CODE = (
    "process pytest +project", "process ls", "process frobnicate +unknown-command", "process mount +privileged",
    "process bash +interactive", "process uptime +remote", "code x +unread", "code x +unknown-command",
    "code x +downloaded +unread taint:network", "code x +unread taint:untrusted", "code x +privileged +unread",
    "container web", "tool TodoWrite", "tool mcp__x__y +unknown-command", "interlock interlock",
    "agent_config claude +guard",
)  # fmt: skip


def situations() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every line of the matrix without its environment, and the environments in which to ask."""
    yield from _cross(_FILE_ACTS, _FILES, ("workspace",))
    yield from _cross(_FILE_ACTS, _FILES[:1], ("production", "staging", "unknown"))
    yield from _cross(("fetch", "send irreversible", "publish"), _HOSTS, ("unknown", "production"))
    yield from _cross(("fetch", "send irreversible"), [f"{host} taint:{t}" for t in ("secret", "environment", "file")
                                                       for host in _HOSTS], ("unknown",))  # fmt: skip
    yield from _cross(_DATA_ACTS, _DATA, EVERYWHERE)
    yield from _cross(
        ("write", "configure", "delete all irreversible", "deploy"), [f"{d} frozen" for d in _DATA], EVERYWHERE
    )
    yield from _cross(_GIT_ACTS, _GIT, ("workspace", "unknown", "production"))
    yield from _cross(("create recoverable", "publish recoverable"), [f"{ref} frozen" for ref in _GIT],
                      ("workspace", "unknown", "production"))  # fmt: skip
    yield from _cross(
        ("execute", "opaque irreversible"), _CODE, ("workspace", "machine", "staging", "production", "unknown")
    )
    yield from _cross(("opaque irreversible",), ("code x +unread frozen",), ("unknown",))
    yield from _cross(("execute", "opaque irreversible"), [f"{code} sandbox" for code in _CODE], ("unknown",))
    yield from _cross(("read",), ("system environment sandbox",), ("machine",))
    yield from _cross(("delete", "delete irreversible"),
                      ("file /code/app/.git/index +vcs +workspace sandbox",
                       "file /code/app/main.py +emptied +workspace sandbox"), ("workspace",))  # fmt: skip
    yield from _cross(("delete irreversible", "delete all irreversible"), ("process 4711", "process interlock +guard"),
                      ("machine",))  # fmt: skip
    yield from _cross(("read", "configure", "create", "delete irreversible", "execute"),
                      ("system nginx", "system crontab +executes-later", "system nginx +privileged"),
                      ("machine", "production"))  # fmt: skip
    yield from _cross(("read",), ("system environment",), ("machine", "production"))
    yield from _cross(
        ("read", "create recoverable", "configure", "delete irreversible", "send irreversible"),
        ("tool github/issue",),
        ("unknown", "production"),
    )
    yield from _cross(("delete", "overwrite"), ("git_repository history all irreversible",), ("workspace", "unknown"))
    yield from _cross(("overwrite",), ("git_repository 'uncommitted work in app.py' irreversible",), ("unknown",))
    yield from _cross(("configure",), ("git_repository 'hooks (skipped)'",), ("unknown",))
    yield from _cross(("configure", "grant"), [f"{thing} all" for thing in _FILES if "+root" in thing], ("machine",))
    yield from _cross(("read", "write", "execute"), ("file /code/app/x.py +workspace role:reader",), ("workspace",))
    yield from _cross(("delete irreversible",), ("cloud_resource http://localhost/x +loopback",), ("machine",))
    yield from _cross(("install", "publish irreversible", "delete irreversible"),
                      ("package x", "package x +project", "package x +known", "package x +lookalike",
                       "package x +privileged"),
                      ("workspace",))  # fmt: skip


def _cross(
    acts: Iterable[str], things: Iterable[str], environments: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    for thing in things:
        kind, name, *facts = thing.split()
        for act in acts:
            verb, *manner = act.split()
            yield " ".join([verb, kind, name, *facts, *manner]), environments


def lines(engine: Engine) -> Iterator[str]:
    """The matrix, one line each; environments with the same answer share a line."""
    for situation, environments in dict(situations()).items():
        answers: dict[str, list[str]] = {}
        for environment in environments:
            answers.setdefault(answer(engine, f"{situation} @{environment}"), []).append(environment)
        for said, where in answers.items():
            place = "anywhere" if len(where) == len(EVERYWHERE) else " ".join(f"@{name}" for name in where)
            yield f"{situation}  [{place}]  {said}"


def pairs(engine: Engine) -> Iterator[str]:
    """Every verb on every kind, though no reader may ever say it; verbs with the same answer share a line."""
    for kind in Kind:
        for environment in (Environment.DEVELOPMENT, Environment.UNKNOWN):
            answers: dict[str, list[str]] = {}
            for verb in Verb:
                said = answer(engine, f"{verb.value} {kind.value} x @{environment.value}")
                answers.setdefault(said, []).append(verb.value)
            for said, verbs in answers.items():
                yield f"{'|'.join(verbs)} {kind.value} x  [@{environment.value}]  {said}"


def answer(engine: Engine, line: str) -> str:
    """`ask 3 secret-read` for one situation."""
    scene = notation.parse(line)
    decision = engine.decide(scene.principal, [scene.effect], scene.context)
    return f"{decision.verdict.value} {decision.tier} {', '.join(decision.rules)}"


def determining(engine: Engine) -> set[str]:
    """Every rule that decides at least one cell."""
    found: set[str] = set()
    for situation, environments in situations():
        for environment in environments:
            scene = notation.parse(f"{situation} @{environment}")
            found.update(engine.decide(scene.principal, [scene.effect], scene.context).rules)
    return found


def text(engine: Engine) -> str:
    """The whole file."""
    head = (
        "# Golden matrix of the packaged policy set. Generated: python -m interlock.policy.matrix\n"
        "# SITUATION  [environments]  verdict tier rules (gravest first)\n"
    )
    return head + "".join(f"{line}\n" for line in (*lines(engine), *pairs(engine)))


def main() -> None:
    """Write the matrix of the packaged set to standard output."""
    from interlock.policy.defaults import layer

    sys.stdout.write(text(Engine.load([layer()])))


if __name__ == "__main__":
    main()
