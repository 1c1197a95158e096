"""`interlock doctor`: is each agent really guarded? Every claim is tried, not read off."""

from __future__ import annotations

import os
import secrets
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from interlock.cli.init import AGENTS, present, version_of
from interlock.cli.show import emit
from interlock.home import Home, locate
from interlock.model.errors import InterlockError, NotGuarded, OperatorError
from interlock.model.visible import visible

if TYPE_CHECKING:
    from interlock.gates.install.handlers import Hook
    from interlock.gates.install.inspect import Guard
    from interlock.gates.install.places import Places

CANARY_SECONDS = 30.0
# Agents that people use and that have no gate yet: said aloud, since silence would look like safety.
NO_GATE = ("gemini", "copilot", "cursor-agent", "opencode", "cline", "aider", "goose")


class Finding(msgspec.Struct):
    """What the doctor found of one agent."""

    agent: str
    guarded: bool
    version: str
    checks: list[str]
    problems: list[str]
    not_covered: list[str]


@click.command("doctor", epilog="\b\nExamples:\n  interlock doctor\n  interlock doctor --agent claude --live --json")
@click.option("--agent", type=click.Choice([*AGENTS, "all"]), default="all", help="Which agent (default: those here).")
@click.option(
    "--project",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="The project in which the agent would run (default: this directory).",
)
@click.option("--live", is_flag=True, help="Also start the real agent against a scripted model on loopback.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(agent: str, project: Path, live: bool, as_json: bool) -> None:
    """Is each agent really guarded? Makes a live canary call through the agent's own configuration.

    The canary asks to write a file among Interlock's own, which must be denied. What can contain a command here is
    tried too, with what is missing of the strongest and what brings it. Exit status 0: every agent is guarded; 40: at
    least one is not.
    """
    from interlock.gates.install.client import installed_hook
    from interlock.gates.install.places import places

    at = places(os.environ, Path.home(), project.resolve())
    home = locate()
    hook = installed_hook(os.environ)
    chosen = present(at.claude, at.codex) if agent == "all" else [agent]
    findings = [examine(name, at, home, hook, live=live) for name in chosen]
    missing = [name for name in NO_GATE if _on_path(name)]
    inside = _containment(home)
    told = _notify(home)
    guarded = bool(findings) and all(finding.guarded for finding in findings)
    if as_json:
        emit(
            {
                "guarded": guarded,
                "agents": [msgspec.to_builtins(f) for f in findings],
                "without_gate": missing,
                "containment": inside,
                "notify": told,
            }
        )
    else:
        _show(findings, missing)
        _show_containment(inside)
        for trouble in told:
            click.echo(f"messages to people: {click.style('FAILING', fg='red')}: {visible(trouble)}")
    raise SystemExit(0 if guarded else NotGuarded.exit)


def examine(agent: str, at: Places, home: Home, hook: Hook, *, live: bool) -> Finding:
    """All checks of one agent; never raises for what is wrong with it."""
    from interlock.gates.install import handlers
    from interlock.gates.install.inspect import look, read_file

    version = version_of(agent)
    found = Finding(agent, False, ".".join(map(str, version or ())), [], [], [])
    guard = look(agent, at, read_file, hook)
    found.problems += guard.problems
    found.not_covered += guard.notes
    if version is None:
        found.not_covered.append(f"`{agent}` is not on the PATH: its version is not known.")
    if agent == "claude":
        if version is not None and version < handlers.ON_FAILURE_SINCE:
            found.not_covered.append(
                "this version lets a tool run when a hook times out (onFailure came with 2.1.295)."
            )
        if not any(item.scope == "managed" for item in guard.handlers):
            found.not_covered.append(
                "`claude --bare`, --setting-sources, --settings, CLAUDE_CONFIG_DIR, HOME: "
                "only hooks of --scope managed survive these."
            )
            if os.environ.get("CLAUDE_CODE_SIMPLE"):
                found.problems.append("CLAUDE_CODE_SIMPLE is set in this environment: only managed hooks would run.")
    if agent == "codex":
        found.not_covered.append("a hook that times out: Codex then runs the tool (the client answers before that).")
        if not any(item.scope == "managed" for item in guard.handlers):
            found.not_covered.append(
                "`codex -c features.hooks=false`: only hooks of --scope managed are pinned against it."
            )
        found.not_covered.append("input to a shell that is already open (write_stdin): Codex asks no hook.")
        _codex_view(found, at)
    _canaries(found, guard, at, home)
    if live and not found.problems:
        _live(found, at, home)
    found.guarded = not found.problems
    return found


def _canaries(found: Finding, guard: Guard, at: Places, home: Home) -> None:
    from interlock.gates.install import canary

    tried: set[tuple[str, ...]] = set()
    for item in guard.of("PreToolUse"):
        argv = tuple(canary.argv(item.handler))
        if argv in tried:
            continue
        tried.add(argv)
        verdict = call(argv, canary.event(canary.command(str(home.state)), str(at.project), secrets.token_hex(4)))
        (found.checks if verdict.guarded else found.problems).append(f"{item.path}: {verdict.text}.")


def call(argv: tuple[str, ...], event: bytes) -> Any:
    """Run a hook as the agent would, and judge its answer to a canary."""
    from interlock.gates.install.canary import Verdict, judge

    try:
        ran = subprocess.run(list(argv), input=event, capture_output=True, timeout=CANARY_SECONDS, check=False)  # noqa: S603 - what the agent runs
    except subprocess.TimeoutExpired:
        return Verdict(False, f"the canary got no answer within {CANARY_SECONDS:.0f} seconds")
    except OSError as error:
        return Verdict(False, f"the hook cannot be started ({error.strerror}), and the agent would go on")
    return judge(ran.returncode, ran.stdout, ran.stderr)


def _codex_view(found: Finding, at: Places) -> None:
    """What Codex itself says it will run: an untrusted hook is skipped without a word."""
    from interlock.cli import codex_trust
    from interlock.gates.install import handlers

    try:
        hooks = [hook for hook in codex_trust.listed(at.project) if hook.ours]
    except OperatorError as error:
        found.not_covered.append(f"whether Codex trusts the hooks is not known: {error}.")
        return
    for event in handlers.asking("codex"):
        name = event[0].lower() + event[1:]
        if any(hook.event == name and hook.runs for hook in hooks):
            found.checks.append(f"Codex trusts the {event} hook.")
        elif any(hook.event == name for hook in hooks):
            found.problems.append(
                f"Codex does not trust the {event} hook and skips it: /hooks in codex, or `interlock init --trust`."
            )


def _live(found: Finding, at: Places, home: Home) -> None:
    from interlock.cli.doctor_live import drive

    try:
        verdict = drive(found.agent, at, home)
    except InterlockError as error:
        found.problems.append(f"the real agent could not be tried: {error}")
        return
    (found.checks if verdict.guarded else found.problems).append(verdict.text)


def _on_path(name: str) -> bool:
    import shutil

    return shutil.which(name) is not None


def _containment(home: Home) -> dict[str, Any]:
    """What can contain a command here, by a trial of this command's own: no daemon is asked."""
    from interlock.containment.cgroups import Groups
    from interlock.containment.standing import OUTSIDE, standing
    from interlock.daemon import means

    try:
        home.make()
        tier = means.found(home, f"interlock-doctor-{os.getpid()}")
    except InterlockError as error:
        lack = {"what": str(error), "remedy": ""}
        return {"tier": "none", "place": "", "holds": [], "lacks": [lack], "outside": list(OUTSIDE)}
    if tier.group:
        Groups(Path(tier.group), frozenset()).leave()
    found: dict[str, Any] = msgspec.to_builtins(standing(tier))
    return found


def _notify(home: Home) -> list[str]:
    """What keeps messages from people, where a daemon is up to say so."""
    from interlock.cli.notify import troubles
    from interlock.daemon.client import call

    try:
        return troubles(call(home, "notify.status", timeout=2.0))
    except InterlockError:
        return []


def _show_containment(inside: dict[str, Any]) -> None:
    name = click.style("none", fg="red", bold=True) if inside["tier"] == "none" else inside["tier"]
    click.echo(f"containment: {name}{', layers in ' + visible(inside['place']) if inside['place'] else ''}")
    for line in inside["holds"]:
        click.echo(f"  ok   {visible(line)}")
    for lack in inside["lacks"]:
        click.echo(f"  note {visible(lack['what'])}")
        if lack["remedy"]:
            click.echo(f"       to have it: {visible(lack['remedy'])}")
    for line in inside["outside"]:
        click.echo(f"  open {visible(line)}")


def _show(findings: list[Finding], missing: list[str]) -> None:
    if not findings:
        click.echo("No agent was found that Interlock can guard.")
    for finding in findings:
        word = (
            click.style("GUARDED", fg="green") if finding.guarded else click.style("NOT GUARDED", fg="red", bold=True)
        )
        click.echo(f"{finding.agent} {finding.version}: {word}")
        for sign, lines in (("ok  ", finding.checks), ("BAD ", finding.problems), ("note", finding.not_covered)):
            for line in lines:
                click.echo(f"  {sign} {visible(line)}")
    for name in missing:
        click.echo(f"{name}: NOT GUARDED (Interlock has no gate for it yet)")
