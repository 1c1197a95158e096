"""`interlock`: finds the command, runs it, and turns every error into one sentence and a documented exit code."""

from __future__ import annotations

import importlib
import json
import sys
import traceback

import click

from interlock import __version__
from interlock.loading import loading
from interlock.model.errors import InterlockError, InternalError, UsageError

# name -> (module, help). The help stands here so that `interlock --help` imports no command.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("init", "Put Interlock's hooks into your agents' configuration."),
    "uninstall": ("uninstall", "Take the hooks out again; the files are left as they were."),
    "doctor": ("doctor", "Is each agent really guarded? Makes a live canary call."),
    "up": ("up", "Start the daemon."),
    "down": ("down", "Stop the daemon, letting what is under way finish."),
    "status": ("status", "Show the daemon, its sessions and what waits for you."),
    "panel": ("panel", "Open the control panel in a browser."),
    "agents": ("agents", "Show the agents at work, what each is made of, and their sessions."),
    "sessions": ("sessions", "Show the sessions of agents as a tree, with their sub-agents."),
    "inbox": ("inbox", "Show what waits for a person."),
    "show": ("question", "Show one question whole: what was asked, who answered and how, what became of it."),
    "tui": ("tui", "Answer what waits in a screen of the terminal (extra tui)."),
    "approve": ("approve", "Say yes to exactly one action."),
    "deny": ("deny", "Say no to one action, and tell the agent why."),
    "notify": ("notify", "Show where messages about waiting questions go; send a trial."),
    "plan": ("plan", "Submit several actions, to be approved as one."),
    "grant": ("grant", "Say yes in advance, within bounds: typed, for a while, for a session or a project."),
    "grants": ("grants", "Show what was granted; end a grant."),
    "suggest": ("suggest", "What people keep saying yes to, and the grant that would say it for them."),
    "digest": ("digest", "What agents did that nobody was asked about, and how to take it back."),
    "insights": ("insights", "How much people are asked, and how they answer."),
    "reviewers": ("reviewers", "Drills for those who approve: bad questions that nobody will run."),
    "freeze": ("freeze", "Let nothing that a selector is about be changed, until its end or your word."),
    "pause": ("pause", "Let sessions do nothing at all until you resume them."),
    "resume": ("resume", "Let a paused session go on."),
    "kill": ("kill", "End sessions, and all that was started for them."),
    "freezes": ("freezes", "Show the orders to halt that are in force or planned."),
    "lift": ("lift", "Let an order to halt hold no more."),
    "halt": ("halt", "The proof that an order was carried out."),
    "run": ("run", "Run a command contained: its changes are committed afterwards, and can be undone."),
    "contained": ("contained", "Start a released run with the system's bubblewrap (Interlock does this itself)."),
    "changes": ("changes", "Show what contained commands changed; let through or drop what is held."),
    "gate": ("gate", "May this change be merged? Judges commits in stages, by the rules of their base."),
    "risk": ("risk", "Fit the gate's risk score to what became of this repository's commits."),
    "check": ("check", "Explain what a command would do and the verdict, without running it."),
    "why": ("why", "Explain one entry: what was asked, understood and decided."),
    "log": ("log", "Show the ledger."),
    "blame": ("blame", "Show who wrote each line of a file: a person or an agent."),
    "trace": ("trace", "Follow a line or commit to its prompt, or an action to what is left of it."),
    "review": ("review", "Say of a commit that you looked at it, or tested it."),
    "attest": ("attest", "Show and write out what stands behind commits, signed."),
    "incident": ("incident", "Record what went wrong, and which commits, actions or sessions it came from."),
    "undo": ("undo", "Take back what an action or a session changed."),
    "verify": ("verify", "Prove offline that a ledger or an export is sound."),
    "export": ("export", "Write a self-contained copy of the ledger that anyone can verify."),
    "drift": ("drift", "Show what contained runs did that their reading did not foresee."),
    "role": ("role", "Show roles, give one to a session, take it back."),
    "token": ("token", "Issue, narrow, check and revoke capability tokens."),
    "act": ("act", "Ask for a verdict under a capability token, for jobs and agents without a hook."),
    "people": ("people", "Show, add and remove the people who may decide, their keys and groups."),
    "policy": ("policy", "Show, test, prove, compare and explain the rules."),
    "catalogue": ("catalogue", "Look at the commands Interlock knows, and add your own."),
    "service": ("service", "Run the daemon as a systemd user service."),
    "drill": ("drill", "Replay the incidents of record against this guard."),
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        with loading():
            command = importlib.import_module(f"interlock.cli.{COMMANDS[cmd_name][0]}").command
        assert isinstance(command, click.Command)  # noqa: S101 - each command file defines one
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="State and configuration follow the XDG directories; INTERLOCK_HOME moves them all.",
)
@click.version_option(__version__, prog_name="interlock")
def cli() -> None:
    """The safety interlock between AI coding agents and everything they can break.

    \b
    Start:   interlock init --agent claude     guard your agent
             interlock check -- rm -rf build   ask without running
             interlock inbox                   what waits for you
             interlock log --follow            what is happening
    """


def main() -> None:
    """The entry point; never returns."""
    try:
        # Outside of its standalone mode click gives the status of an `Exit` back as the result.
        status = cli.main(prog_name="interlock", standalone_mode=False)
    except click.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        _misused(error)
        sys.exit(UsageError.exit)
    except InterlockError as error:
        _complain(error)
        sys.exit(getattr(error, "status", error.exit))
    except SystemExit as ended:
        # The reader of our output left (`| head`): that is its right. Click makes it an exit with 1; ours are others.
        sys.exit(0 if ended.code == 1 else ended.code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 - the last line of defence; the trace is printed
        # A bug: the trace for whoever mends it, and the documented status instead of Python's 1, which means `drill`.
        traceback.print_exc()
        said = f"internal error ({type(error).__name__}: {error}). This is a bug of Interlock: please report the trace."
        _complain(InternalError(said))
        sys.exit(InternalError.exit)
    sys.exit(status if isinstance(status, int) else 0)


def _misused(error: click.ClickException) -> None:
    if _as_json():
        _complain(UsageError(error.format_message()))
    else:
        error.show()


def _complain(error: InterlockError) -> None:
    code, status = getattr(error, "remote_code", error.code), getattr(error, "status", error.exit)
    if _as_json():
        click.echo(json.dumps({"error": code, "message": str(error), "exit": status}))
        return
    from interlock.model.visible import visible

    # A message may quote what an agent wrote: a key of a project's file, a policy, a path.
    click.echo(f"interlock: {visible(str(error), lines=True)}", err=True)


def _as_json() -> bool:
    """Whether the caller wants JSON; what stands behind `--` belongs to the command that is asked about."""
    words = sys.argv[1:]
    return "--json" in (words[: words.index("--")] if "--" in words else words)


if __name__ == "__main__":
    main()
