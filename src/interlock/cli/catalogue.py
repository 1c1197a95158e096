"""`interlock catalogue`: what Interlock knows of commands, and the check of a family file of one's own."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import IO, Any

import click

from interlock.cli.show import emit
from interlock.daemon import config as configuration
from interlock.daemon.families import families as own_families
from interlock.effects.catalogue import Catalogue, layered, packaged
from interlock.effects.catalogue.examples import SETTING, Files, check, describe
from interlock.effects.catalogue.family import Command, Family
from interlock.effects.catalogue.sketch import family as family_draft
from interlock.effects.invocation import InnerText, Invocation, word
from interlock.home import locate
from interlock.model.counts import many
from interlock.model.errors import CatalogueError, NotFound, OperatorError, UsageError
from interlock.model.visible import visible

_MOST_FILE = 512 * 1024


@click.group(
    "catalogue",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nExamples:\n  interlock catalogue list\n  interlock catalogue explain git",
)
def command() -> None:
    """Look at the commands Interlock knows, and add your own."""


@command.command(
    "list", epilog="\b\nExamples:\n  interlock catalogue list\n  interlock catalogue list --family git.toml --json"
)
@click.option("--family", "wanted", help="Only this family.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_families(wanted: str | None, as_json: bool) -> None:
    """List the families and the programs in them."""
    families = [f for f in here().families if wanted in (None, f.name, f.name.removesuffix(".toml"))]
    if not families:
        raise NotFound(f"no family is called {wanted!r}; `interlock catalogue list` shows them")
    if as_json:
        emit({"families": [_facts(f) for f in families], "programs": sum(len(f.commands) for f in families)})
        return
    for family in families:
        click.echo(f"{click.style(family.name, bold=True)}  {visible(family.about)}")
        click.echo(f"    {visible(' '.join(family.commands))}")
    programs = sum(len(f.commands) for f in families)
    click.echo(f"{many(len(families), 'family', 'families')}, {many(programs, 'program')}")


def here() -> Catalogue:
    """The catalogue in force for this person: packaged, organisation, own."""
    return layered(own_families([configuration.ORGANISATION, locate().config]))


def _facts(family: Family) -> dict[str, Any]:
    return {
        "name": family.name,
        "about": family.about,
        "severity": family.severity,
        "programs": sorted(family.commands),
        "examples": len(family.examples),
    }


@command.command(
    "explain",
    context_settings={"ignore_unknown_options": True},
    epilog="\b\nExamples:\n  interlock catalogue explain rm -rf build\n  interlock catalogue explain -- git push",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED)
def explain(as_json: bool, words: tuple[str, ...]) -> None:
    """Say what the catalogue alone reads in one plain COMMAND: no shell, no policy, no files."""
    catalogue = here()
    found = catalogue.find(words[0].rpartition("/")[2])
    got = catalogue.interpret(Invocation(tuple(word(w) for w in words), SETTING.cwd), SETTING, Files({}))
    inner = [i.text if isinstance(i, InnerText) else " ".join(w.text or "?" for w in i.words) for i in got.inner]
    if as_json:
        emit(
            {
                "families": [c.family for c in found],
                "resolved": got.resolved,
                "effects": [describe(e) for e in got.effects],
                "inner": inner,
                "output_taint": list(got.output_taint),
            }
        )
        return
    for known in found:
        click.echo(f"{click.style(known.name, bold=True)} ({known.family}): {visible(_about(known, words))}")
        if known.why:
            click.echo(f"  why      {visible(known.why)}")
        if known.instead:
            click.echo(f"  instead  {visible(known.instead)}")
    if not found:
        click.echo(f"No family knows {visible(words[0])}: `docs/catalogue.md` says how to add one.")
    for effect in got.effects:
        notes = f"  ({'; '.join(effect.notes)})" if effect.notes else ""
        click.echo(f"  effect   {visible(describe(effect) + notes)}")
    for text in inner:
        click.echo(f"  runs     {visible(text)}")
    if not got.effects and not inner:
        click.echo("  no effect")


def _about(known: Command, words: tuple[str, ...]) -> str:
    deeper = known
    for text in words[1:]:
        deeper = deeper.sub(text) or deeper
    return deeper.about


@command.command(
    "new",
    epilog="\b\nExamples:\n  interlock catalogue new rocketctl --run\n"
    "  rocketctl --help | interlock catalogue new rocketctl --from -",
)
@click.argument("program")
@click.option("--from", "source", type=click.File("r"), help="A file with the program's help text; - for stdin.")
@click.option("--run", is_flag=True, help="Run `PROGRAM --help` and draft from what it says.")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to write (default: PROGRAM.toml)."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def new(program: str, source: IO[str] | None, run: bool, output: Path | None, as_json: bool) -> None:
    """Draft a family for PROGRAM: correct it, check it with `lint`, and put it beside your interlock.toml."""
    if not re.fullmatch(r"[\w][\w.+-]{0,63}", program, re.ASCII):
        raise UsageError("PROGRAM is a plain name of letters, digits and `.+-_`, such as rocketctl.")
    target = output or Path(f"{program}.toml")
    text = source.read(_MOST_FILE) if source is not None else _help_of(program) if run else ""
    draft = family_draft(program, text)
    Catalogue.load({str(target): draft})  # a draft that its own loader refuses would be a poor start
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(draft)
    except FileExistsError:
        raise OperatorError(f"{target} is there already: choose another --output, or remove it.") from None
    except OSError as error:
        raise OperatorError(f"cannot write {target}: {error.strerror}.") from error
    known = packaged().find(program)
    if as_json:
        emit({"wrote": str(target), "known": [command.family for command in known]})
        return
    if known:
        click.echo(f"Interlock knows {program} already ({known[0].family}): your family can only add to that.")
    click.echo(f"Wrote {target}. Say what each subcommand does, add examples, then:")
    click.echo(f"  interlock catalogue lint {shlex.quote(str(target))}")
    click.echo(f"  mkdir -p {locate().config}/catalogue && mv {shlex.quote(str(target))} {locate().config}/catalogue/")


def _help_of(program: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the person asked for it by name
            [program, "--help"], capture_output=True, text=True, timeout=20, check=False, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError:
        raise NotFound(f"{program} is not installed here; give its help text with --from.") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise OperatorError(f"`{program} --help` did not work: {error}. Give its help text with --from.") from error
    return (done.stdout or done.stderr)[:_MOST_FILE]


@command.command(
    "lint",
    epilog="\b\nExamples:\n  interlock catalogue lint\n  interlock catalogue lint ourtool.toml\n"
    "\b\nExit status: 0 sound, 22 the file is refused or one of its examples does not hold.",
)
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def lint(files: tuple[Path, ...], as_json: bool) -> None:
    """Check FILES (or the packaged families): grammar, words, and every example."""
    catalogue = packaged().over({str(f): _read(f) for f in files}) if files else packaged()
    chosen = catalogue.shelves[-1].families()
    complaints = [c for family in chosen for c in check(catalogue, family)]
    complaints += [f"{f.name}: no examples: they are the family's tests" for f in chosen if not f.examples]
    examples = sum(len(f.examples) for f in chosen)
    if as_json:
        emit({"families": len(chosen), "examples": examples, "complaints": complaints})
    else:
        for complaint in complaints:
            click.echo(visible(complaint))
        said = (many(len(chosen), "family", "families"), many(examples, "example"), many(len(complaints), "complaint"))
        click.echo(", ".join(said))
    if complaints:
        raise CatalogueError(f"{many(len(complaints), 'complaint')}; the first: {complaints[0]}")


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_FILE:
            raise CatalogueError(f"catalogue {path}: longer than {_MOST_FILE} bytes")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"catalogue {path}: cannot be read: {error}") from error
