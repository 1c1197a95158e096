"""The catalogue: every command that Interlock knows, and `interpret`, which says what one invocation would do."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from interlock.effects.catalogue import contexts, listing, programs, unlisted
from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.family import Command, Family
from interlock.effects.catalogue.grammar import (
    Grammar,
    Parsed,
    is_assignment,
    known,
    place_operands,
    read_option,
    take_bundle,
)
from interlock.effects.catalogue.readers import READERS
from interlock.effects.catalogue.rules import Rule, Template
from interlock.effects.catalogue.shelf import Shelf
from interlock.effects.environments import environment_of
from interlock.effects.hosts import host_resource
from interlock.effects.invocation import InnerArgv, InnerText, Interpretation, Invocation, Stdin, Word
from interlock.effects.pages import plain_page
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Breadth, Effect, Environment, Kind, Reversibility, Scale, Verb
from interlock.model.errors import CatalogueError
from interlock.model.world import Setting, World

_FILE_VERBS = {
    "read": Verb.READ,
    "write": Verb.WRITE,
    "create": Verb.CREATE,
    "mkdir": Verb.CREATE,
    "delete": Verb.DELETE,
    "change": Verb.CONFIGURE,
    "overwrite": Verb.OVERWRITE,
}
_GRAVE = frozenset({Verb.DELETE, Verb.OVERWRITE, Verb.GRANT, Verb.PUBLISH, Verb.DEPLOY, Verb.SPEND})
_FILE_KINDS = (Kind.FILE, Kind.DIRECTORY, Kind.DEVICE)
_VOLUME = "volume:"  # a device with a name of its own (LVM, ZFS, `C:`), which is no path
# From bad to good: with several clues the most careful reading wins.
_TASK = re.compile(r"[a-z]\w*(?::[a-z]\w*)+")  # a further task where a stage may stand: `rails db:create db:migrate`
_TEST_NAME = re.compile(r"(?:^|[_-])tests?(?:[_-]|$)")
_TEST_STAGES = frozenset({"test", "tests", "testing"})
_CAREFUL = (
    Environment.PRODUCTION,
    Environment.STAGING,
    Environment.DEVELOPMENT,
    Environment.WORKSPACE,
    Environment.MACHINE,
    Environment.UNKNOWN,
)
_MOST_WORDS = 20_000
_CODE_TAGS = frozenset({"code", "text", "module", "rest"})  # with these a --version further on is only an operand


def parse(command: Command, words: tuple[Word, ...]) -> tuple[Command, Parsed]:
    """Read an argv by the command's grammar; answers the subcommand that it reaches and what was said."""
    said = Parsed()
    operands = said.operands
    following = iter(words)
    next(following, None)
    ended = False
    first = True
    for current in following:
        grammar = command.grammar
        text = current.text if current.text is not None else current.prefix
        if grammar.raw:
            said.rest = (current, *following)
            said.tags.add("rest")
            break
        if not ended and len(text) > 1 and text[0] in "-+/" and (text[0] == "-" or text in grammar.flags):
            if text == "--" and current.text is not None:
                ended = True
                said.dashes = len(operands)
                continue
            first = False
            read_option(grammar, said, current, following)
            ended = "last" in said.tags
            continue
        if not ended and first and grammar.bundle and current.text is not None:
            first = False
            take_bundle(grammar, said, current, following)
            continue
        first = False
        if grammar.assigns and not operands and is_assignment(text):
            name, _, _ = text.partition("=")
            if not programs.unchanged(name, current):
                said.assigned.append((name, programs.after_equals(current)))
            continue
        if (command.subs or command.globs) and not operands and said.stray is None:
            deeper = command.sub(current.text) if current.text is not None else None
            if deeper is not None:
                command = deeper
                said.path.append(current.text or "")
                continue
            said.stray = current
        if len(operands) == grammar.rest_at:
            said.rest = (current, *following)
            said.tags.add("rest")
            break
        if current.text is None and not current.prefix:
            said.unsure = True
        operands.append(current)
        ended = ended or grammar.posix
    grammar = command.grammar
    slots = next((slots for tag, slots in grammar.forms if tag in said.tags), grammar.slots)
    place_operands(said, slots, operands)
    return command, said


@dataclass(frozen=True)
class Catalogue:
    """Families in layers, looked up by program name. Layers add: none can take an effect away from one below."""

    shelves: tuple[Shelf, ...]

    @classmethod
    def load(cls, *layers: Mapping[str, str]) -> Catalogue:
        """Compile layers of family files, the packaged ones first.

        Args:
            layers: mappings of file name to TOML text.

        Raises:
            CatalogueError: a file is not usable (names file and key), or two files of one layer describe one program.
        """
        made = cls(tuple(Shelf(layer) for layer in layers))
        made.families  # noqa: B018 - everything that can be wrong with a file is found now
        return made

    def over(self, layer: Mapping[str, str]) -> Catalogue:
        """This catalogue with one more layer. Raises CatalogueError as `load` does."""
        shelf = Shelf(layer)
        shelf.families()
        return Catalogue((*self.shelves, shelf))

    @property
    def families(self) -> tuple[Family, ...]:
        """Every family of every layer, compiled. Raises CatalogueError for one that cannot be used."""
        return tuple(family for shelf in self.shelves for family in shelf.families())

    @property
    def programs(self) -> tuple[str, ...]:
        """The names of all programs that are known."""
        return tuple(dict.fromkeys(program for shelf in self.shelves for program in shelf))

    def find(self, name: str) -> tuple[Command, ...]:
        """What is known of a program, by its base name; `python3.12` and `node.exe` are found too.

        Raises:
            CatalogueError: the family that knows it cannot be used.
        """
        found = self._named(name)
        if not found:
            plain = name.removesuffix(".exe")
            stem = re.sub(r"[-.]?[0-9][0-9.]*$", "", plain)
            found = tuple(c for c in self._named(stem) if c.versioned) or self._named(plain)
        return found

    def _named(self, name: str) -> tuple[Command, ...]:
        return tuple(command for shelf in self.shelves if (command := shelf.find(name)) is not None)

    def interpret(self, invocation: Invocation, setting: Setting, world: World) -> Interpretation:
        """What one command would do. Total: whatever the words are, it answers and never raises on their account."""
        inv = invocation
        if not inv.words:
            return Interpretation()
        name = inv.words[0].text
        draft = Draft(name or inv.words[0].source or "?", Parsed(), inv, setting, world)
        if name is None or not name or len(inv.words) > _MOST_WORDS:
            draft.resolved = False
            taint = inv.words[0].taint
            draft.run_unread(draft.command, "which program runs is not known" if name is None else "unreadable", taint)
            return draft.finish()
        if "/" in name:
            where = programs.located(draft, name)
            if where is programs.Where.ELSEWHERE:
                return draft.finish()
            before = draft
        else:
            before = None
        base = posixpath.basename(name) or name
        try:
            found = self.find(base)
        except CatalogueError as error:
            draft.opaque(f"what is known of {base} cannot be used: {error}")
            draft.resolved = False
            return draft.finish()
        if not found:
            if before is not None and before.effects:
                return before.finish()
            return programs.unknown(draft, base)
        answers = [
            self._safely(command, base, inv, setting, world, more=number > 0) for number, command in enumerate(found)
        ]
        if before is not None and (before.effects or before.inner):
            answers.append(before.finish())
        return answers[0] if len(answers) == 1 else together(answers)

    def _safely(
        self, command: Command, base: str, inv: Invocation, setting: Setting, world: World, *, more: bool
    ) -> Interpretation:
        """A reader that stumbles makes the command opaque, never harmless and never an exception."""
        try:
            return self._one(command, base, inv, setting, world, more=more)
        except Exception as error:  # noqa: BLE001 - fail closed: a bug of a reader is an opaque command
            draft = Draft(base, Parsed(), inv, setting, world)
            draft.opaque(f"the reader of {base} failed ({type(error).__name__})")
            draft.resolved = False
            return draft.finish()

    def _one(
        self, command: Command, base: str, inv: Invocation, setting: Setting, world: World, *, more: bool
    ) -> Interpretation:
        command, said = parse(command, inv.words)
        shown = f"{base} {' '.join(said.path)}" if said.path else base
        draft = Draft(shown, said, inv, setting, world)
        if said.asked or ("asked" in said.tags and said.tags.isdisjoint(_CODE_TAGS)) or _asks_last(command, said, inv):
            draft.output_taint = set()
            return draft.finish()
        if inv.stdin.path is None and draft.flow & {L.FROM_NETWORK, L.FROM_UNTRUSTED}:
            said.tags.add("downloaded")  # what comes through the pipe was on the network a moment ago
        programs.startup_variables(draft)
        _operands(draft)
        tags = said.tags if inv.stdin.text is None else said.tags | {"told"}  # what it reads is known: no keyboard
        for rule in command.rules:
            if rule.applies(tags, said.values, said.doubtful):
                _apply(rule, draft, base, command.grammar)
        unlisted.judge_subcommand(command, base, draft, more=more)
        unlisted.judge_options(command, shown, draft)
        unlisted.judge_action(command, shown, draft)
        _wrapped(command, draft)
        if command.reader:
            READERS[command.reader](draft)
        if command.output is not None and draft.output_taint is None:
            draft.output_taint = _flowing(command, draft)
        programs.handed_secrets(draft)
        programs.loads_elsewhere(draft)
        draft.listed = list(listing.lines(draft))
        return draft.finish()


def _flowing(command: Command, draft: Draft) -> set[str]:
    """What the command lets flow out, as the family says; a secret only where one was read in this very form of it."""
    said = set(command.output or ())
    secret = L.FROM_SECRET in said and bool(command.rules)
    if secret and not any(e.resource.kind is Kind.SECRET or L.SECRET in e.resource.labels for e in draft.effects):
        said.discard(L.FROM_SECRET)
    return said - {"flow"} | (draft.flow if "flow" in said else set())


def _asks_last(command: Command, said: Parsed, inv: Invocation) -> bool:
    """`gh repo delete -h`, `aws s3 rm help`: the last word asks, where a subcommand is named and it is nothing else."""
    last = inv.words[-1]
    if not said.path or not command.grammar.asks:
        return False
    if last.text == "-h":
        return "-h" in said.unknown
    return command.grammar.word_asks and last.text == "help" and len(said.operands) == 1 and said.operands[0] is last


def _operands(draft: Draft) -> None:
    """The effects that roles have by themselves."""
    for role, value in draft.said.placed:
        if value.text == "-" and role in ("read", "write"):
            continue
        if role == "list":
            draft.listing(value)
        elif role == "shell":
            draft.shell_words([value])
        elif role in _FILE_VERBS:
            draft.file(
                _FILE_VERBS[role],
                value,
                directory=True if role == "mkdir" else None,
                taint=draft.flow if role == "write" else (),
            )


def _fill(template: Template, draft: Draft, base: str) -> list[str]:
    def lookup(name: str) -> list[str]:
        if name == "program":
            return [base]
        if name == "command":
            return [draft.command]
        if name == "remote":
            return [draft.inv.remote] if draft.inv.remote else []
        if name == "cwd":
            return [draft.inv.cwd] if draft.inv.cwd else []
        if name == "current-cluster":
            return contexts.kube(draft)
        if name == "current-engine":
            return contexts.docker(draft)
        if name == "sub":
            return [" ".join(draft.said.path)] if draft.said.path else []
        if name == "operand":
            return [w.text if w.text is not None else (w.source or "?") for w in draft.said.operands]
        if name.startswith("$"):
            value = draft.variable(name[1:])
            return [value] if value else []
        return [w.text if w.text is not None else (w.source or "?") for w in draft.values(name)]

    return template.fill(lookup)


def _apply(rule: Rule, draft: Draft, base: str, grammar: Grammar) -> None:
    said = draft.said
    breadth = rule.scale(said.tags, said.values)
    environment, labelled, undo = rule.environment, rule.labels, rule.undo
    if rule.clues:
        clues = [(what, text) for what, clue in rule.clues for text in _fill(clue, draft, base) if text]
        clues = [(what, text) for what, text in clues if what != "workspace" or not _TASK.fullmatch(text)]
        found = {environment_of(what, text, draft.setting) for what, text in clues}
        environment = next((e for e in _CAREFUL if e in found), environment)
        if rule.kind in (Kind.DATABASE, Kind.TABLE) and (_of_tests(clues) or _for_tests_here(clues, draft.setting)):
            undo = Reversibility.RECOVERABLE
        near = environment in (Environment.MACHINE, Environment.DEVELOPMENT) and L.LOOPBACK not in labelled
        if near and rule.kind is Kind.CLOUD_RESOURCE:
            hosts = [host_resource(text, draft.setting) for what, text in clues if what == "host"]
            labelled += (L.LOOPBACK,) if any(L.LOOPBACK in host.labels for host in hosts) else ()
    taint = set(rule.taint) | (draft.flow if rule.flow else set())
    note = rule.notes[0] if rule.notes else ""
    for name in _fill(rule.name, draft, base) or _nameless(rule, grammar):
        if rule.kind in _FILE_KINDS and not name.startswith(_VOLUME):
            _file_rule(rule, draft, name, breadth, note)
        elif rule.kind is Kind.HOST:
            draft.host(rule.verb, name, taint=taint, note=note, labels=_host_labels(rule, draft, name))
        else:
            draft.add(
                rule.verb,
                rule.kind,
                name,
                labels=labelled,
                env=environment,
                undo=undo,
                scale=Scale(breadth=breadth),
                taint=taint,
                note=note,
            )


def _for_tests_here(clues: list[tuple[str, str]], setting: Setting) -> bool:
    """Whether it is a database on this machine that by its name is there for tests, which fill it again."""
    names = [text for what, text in clues if what == "database"]
    hosts = [host_resource(text, setting) for what, text in clues if what == "host"]
    local = bool(hosts) and all(L.LOOPBACK in host.labels for host in hosts)
    return local and bool(names) and all(_TEST_NAME.search(name.casefold()) for name in names)


def _of_tests(clues: list[tuple[str, str]]) -> bool:
    """Whether only the database of the tests is meant (`RAILS_ENV=test`), which every test run fills again."""
    stages = [text.rpartition("=")[2].casefold() for what, text in clues if what == "workspace"]
    return bool(_TEST_STAGES.intersection(stages)) and all(what == "workspace" for what, _ in clues)


def _nameless(rule: Rule, grammar: Grammar) -> list[str]:
    """A loss whose operand is not there: an option may have taken it, or the tool means everything. Not silence."""
    wanted = rule.name.names()
    operands = {slot.name for slots in (grammar.slots, *(more for _, more in grammar.forms)) for slot in slots}
    if rule.verb not in _GRAVE or rule.kind in _FILE_KINDS or not wanted or not wanted <= operands:
        return []
    return rule.name.fill(lambda _: ["?"])


def _host_labels(rule: Rule, draft: Draft, name: str) -> tuple[str, ...]:
    """`label public` holds for an ordinary address that is written out, with nothing unknown or tainted in it."""
    if L.PUBLIC not in rule.labels:
        return rule.labels
    given = [w for words in draft.said.values.values() for w in words if name in (w.text, w.source)]
    if plain_page(name) and all(w.text is not None and not w.taint for w in given):
        return rule.labels
    return tuple(label for label in rule.labels if label != L.PUBLIC)


def _file_rule(rule: Rule, draft: Draft, name: str, breadth: Breadth, note: str) -> None:
    given = [
        w for words in draft.said.values.values() for w in words if w.text == name or (not w.text and w.source == name)
    ]
    value = given[0] if given else Word(text=name, source=name, prefix=name)
    if rule.verb is Verb.WRITE and L.FROM_NETWORK in rule.taint:
        value = draft.landing(value)
    draft.file(
        rule.verb,
        value,
        directory=True if rule.kind is Kind.DIRECTORY else None,
        breadth=None if breadth is Breadth.ONE else breadth,
        undo=rule.undo,
        taint=set(rule.taint) | (draft.flow if rule.flow else set()),
        note=note,
        labels=rule.labels,
    )


def _wrapped(command: Command, draft: Draft) -> None:
    """Hand the inner command of a wrapper on."""
    rest = command.grammar.rest
    if rest is None or draft.said.rest is None or command.reader.endswith("_rest"):
        return
    wraps = command.wraps

    def text(template: Template | None) -> str:
        if template is None:
            return ""
        return next(iter(_fill(template, draft, draft.command)), "")

    stdin = None if wraps.stdin else Stdin()
    if rest.role == "inner":
        draft.argv(
            (*map(known, wraps.program), *draft.said.rest),
            privileged=wraps.privileged,
            remote=text(wraps.remote),
            user=text(wraps.user),
            cwd=text(wraps.cwd) or None,
            clears=draft.has(*wraps.clears),
            stdin=stdin,
            assignments=(
                *draft.said.assigned,
                *((name, known(value)) for name, value in ((n, text(t)) for n, t in wraps.assigns) if value),
            ),
        )
    else:
        draft.shell_words(
            list(draft.said.rest), remote=text(wraps.remote), user=text(wraps.user), privileged=wraps.privileged
        )


def together(answers: Iterable[Interpretation]) -> Interpretation:
    """The union of what several layers say of one command."""
    everything = list(answers)
    effects: dict[Effect, None] = {}
    inner: list[InnerArgv | InnerText] = []
    for answer in everything:
        effects.update(dict.fromkeys(answer.effects))
        inner += [i for i in answer.inner if i not in inner]
    return Interpretation(
        effects=tuple(effects),
        inner=tuple(inner),
        output=everything[0].output,
        output_taint=tuple(sorted({t for a in everything for t in a.output_taint})),
        operands=tuple(dict.fromkeys(o for a in everything for o in a.operands)),
        resolved=all(a.resolved for a in everything),
    )
