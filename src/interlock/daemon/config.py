"""`interlock.toml`: what people tell Interlock about their world.

Three layers, each optional: organisation (`/etc/interlock`), project (`<workspace>/interlock.toml`), user
(`<config>/interlock.toml`). A lower layer can only tighten: what it may not say is refused with a sentence, and a
refused project file stops the agents of that project rather than being skipped.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec

from interlock.approvals.needs import Who
from interlock.approvals.patience import ASKS_AN_HOUR, IN_A_ROW, IN_A_SESSION, Limits
from interlock.broker.config import Approvals, Config, Containment, End, Mode, Oidc, Panel, Preview, Remote, Shell, Wait
from interlock.containment.profiles import Part
from interlock.daemon.families import families
from interlock.daemon.files import read_regular
from interlock.halt.calendar import windows
from interlock.halt.order import Order, What, selector
from interlock.model.effect import Environment
from interlock.model.errors import ConfigError, PolicyError, SelectorError
from interlock.model.world import EnvironmentRule
from interlock.notify import settings as notifying
from interlock.policy.roles import Part as RolePart
from interlock.policy.roles import Role, combined, narrowed
from interlock.policy.roles import check as check_roles
from interlock.preview.finding import Database

ORGANISATION = Path("/etc/interlock")
_LIMIT = 1 << 20  # 1 MiB; a hand-written file is a hundredth of it
_SELECTORS = 8_000  # bytes of a freeze's selectors: they stand in one entry, with the rest of it
_Names = Annotated[list[str], msgspec.Meta(max_length=1_000)]


class _Map(msgspec.Struct, forbid_unknown_fields=True):
    hosts: _Names = []
    databases: _Names = []
    branches: _Names = []
    contexts: _Names = []
    accounts: _Names = []
    directories: _Names = []
    workspaces: _Names = []


class _Freeze(msgspec.Struct, forbid_unknown_fields=True):
    reason: str
    environment: str = ""
    where: str = ""
    allow: str = ""
    calendar: str = ""
    start: datetime | None = msgspec.field(default=None, name="from")
    until: datetime | None = None


class _Ask(msgspec.Struct, forbid_unknown_fields=True):
    hold_seconds: Annotated[int, msgspec.Meta(ge=0, le=540)] = 20
    decide_minutes: Annotated[int, msgspec.Meta(ge=1, le=10_080)] = 60
    execute_minutes: Annotated[int, msgspec.Meta(ge=1, le=1_440)] = 15


class _Who(msgspec.Struct, forbid_unknown_fields=True):
    tier: Annotated[int, msgspec.Meta(ge=0, le=4)] = 0
    environment: str = ""
    groups: Annotated[list[str], msgspec.Meta(max_length=16)] = []
    exclude: Annotated[list[str], msgspec.Meta(max_length=100)] = []
    people: Annotated[int, msgspec.Meta(ge=1, le=8)] = 1
    strong: bool = False


class _Approvals(msgspec.Struct, forbid_unknown_fields=True):
    wait: Wait | None = None
    withdraw: bool | None = None
    escalate_after: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.5
    asks_an_hour: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = ASKS_AN_HOUR
    denials_in_a_row: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = IN_A_ROW
    denials_in_a_session: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = IN_A_SESSION
    who: Annotated[list[_Who], msgspec.Meta(max_length=100)] = []


class _Database(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    url: str


class _Preview(msgspec.Struct, forbid_unknown_fields=True):
    seconds: Annotated[float, msgspec.Meta(ge=0, le=120)] = 5.0
    run: bool = False
    database: Annotated[list[_Database], msgspec.Meta(max_length=100)] = []


class _Containment(msgspec.Struct, forbid_unknown_fields=True):
    shell: Shell = Shell.QUESTIONS
    hosts: _Names = []
    profiles: dict[str, Part] = {}
    end: End = End.COMMIT


class _People(msgspec.Struct, forbid_unknown_fields=True):
    administrators: Annotated[int, msgspec.Meta(ge=2, le=8)] = 2


class _Oidc(msgspec.Struct, forbid_unknown_fields=True):
    issuer: str
    client_id: str
    secret_file: str = ""
    claim: str = "sub"
    people: Annotated[dict[str, str], msgspec.Meta(max_length=2_000)] = {}
    readers: _Names = []
    groups: str = ""
    reader_groups: _Names = []
    required_groups: _Names = []
    scopes: _Names = []


class _Remote(msgspec.Struct, forbid_unknown_fields=True):
    listen: Annotated[list[str], msgspec.Meta(min_length=1, max_length=8)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)]
    name: str
    certificate: str
    key: str
    passkeys: bool = True
    oidc: _Oidc | None = None


class _Panel(msgspec.Struct, forbid_unknown_fields=True):
    enabled: bool = True
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 0
    socket: bool = False
    remote: _Remote | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    mode: Mode | None = None
    known_hosts: _Names = []
    protected_branches: _Names = []
    environments: dict[str, _Map] = {}
    freeze: list[_Freeze] = []
    ask: _Ask | None = None
    approvals: _Approvals | None = None
    preview: _Preview | None = None
    containment: _Containment | None = None
    people: _People | None = None
    panel: _Panel | None = None
    roles: Annotated[dict[str, Role], msgspec.Meta(max_length=100)] = {}
    notify: notifying.File | None = None


_WHAT = {
    "hosts": "host",
    "databases": "database",
    "branches": "branch",
    "contexts": "context",
    "accounts": "account",
    "directories": "directory",
    "workspaces": "workspace",
}
_SHARED = 'not environment in ["workspace", "machine"]'
_TIGHTENING = {Environment.PRODUCTION.value, Environment.STAGING.value}


def load(*, user: Path, project: Path | None = None, organisation: Path | None = ORGANISATION) -> Config:
    """Read and combine the layers' `interlock.toml`, and the families beside those of organisation and user.

    Raises:
        ConfigError: a file is not usable; names file and key.
        CatalogueError: a family is not.
    """
    config = Config()
    above: _File | None = None
    if organisation is not None and (read := _read(organisation / "interlock.toml")):
        config, above = _add(config, read, str(organisation)), read
    own_roles: dict[str, Role] = {}
    if project is not None and (read := _read(project / "interlock.toml")):
        _only_tightens(read, project / "interlock.toml")
        config, own_roles = _add(config, msgspec.structs.replace(read, roles={}), str(project)), read.roles
    if read := _read(user / "interlock.toml"):
        if above and above.mode is Mode.ENFORCE and read.mode is Mode.OBSERVE:
            raise ConfigError(
                f'{user / "interlock.toml"}: mode = "observe", but your organisation says enforce. Remove it.'
            )
        config = _add(config, read, str(user))
    if own_roles and project is not None:
        config = _narrowed(config, own_roles, str(project / "interlock.toml"))
    own = families([folder for folder in (organisation, user) if folder is not None])
    return msgspec.structs.replace(config, families=own) if own else config


def notify(folders: Sequence[Path]) -> tuple[notifying.Target, ...]:
    """Where messages to people go, by the `[notify]` of each folder's `interlock.toml`. Raises ConfigError.

    It is no part of `Config`, on which decisions depend: who is told has no say in what is allowed.
    """
    found: dict[str, notifying.Target] = {}
    for folder in folders:
        read = _read(folder / "interlock.toml")
        for target in notifying.targets(read.notify, folder, str(folder)) if read and read.notify else ():
            if target.name in found:
                raise ConfigError(f"{folder}: a layer above has a notify.to named {target.name!r}. Name yours anew.")
            found[target.name] = target
    return tuple(found.values())


def _narrowed(config: Config, roles: dict[str, Role], name: str) -> Config:
    """The project's word about roles comes last: it can only narrow what the person's own file says."""
    try:
        return msgspec.structs.replace(config, roles=narrowed(config.roles, roles, name))
    except PolicyError as error:
        raise ConfigError(str(error)) from error


def parse(text: str, name: str) -> None:
    """Check one file's text without using it. Raises ConfigError."""
    _decode(text, name)


def standing(text: str, name: str) -> tuple[Order, ...]:
    """The freezes that a project's file holds, whose text this is. Raises ConfigError."""
    return tuple(_standing(freeze, name) for freeze in _decode(text, name).freeze)


def _read(path: Path) -> _File | None:
    try:
        raw = read_regular(path, _LIMIT)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}. Give it mode 0600 and yourself as owner.") from error
    if len(raw) > _LIMIT:
        raise ConfigError(f"{path} is larger than 1 MiB. A configuration is a page or two: is this the right file?")
    try:
        return _decode(raw.decode(), str(path))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 (byte {error.start}). Save it as UTF-8.") from error


def _decode(text: str, name: str) -> _File:
    try:
        file = msgspec.convert(tomllib.loads(text), _File)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: not TOML: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{name}: nested too deeply.") from error
    except msgspec.ValidationError as error:
        raise ConfigError(f"{name}: {error}.{_suggestion(str(error))}") from error
    for environment in file.environments:
        if environment not in {e.value for e in Environment}:
            known = ", ".join(e.value for e in Environment)
            raise ConfigError(f"{name}: unknown environment `{environment}`. It is one of: {known}.")
    _check_words(file, name)
    try:
        check_roles(file.roles, name)
    except PolicyError as error:
        raise ConfigError(str(error)) from error
    return file


def _check_words(file: _File, name: str) -> None:
    for freeze in file.freeze:
        _standing(freeze, name)
    if file.notify is not None:
        notifying.targets(file.notify, Path(), name)
    for rule in file.approvals.who if file.approvals else []:
        if rule.environment and rule.environment not in {e.value for e in Environment}:
            raise ConfigError(f"{name}: approvals.who: unknown environment `{rule.environment}`.")


def _standing(freeze: _Freeze, name: str, folder: Path | None = None) -> Order:
    """The order that a `[[freeze]]` is. Raises ConfigError."""
    for moment in (freeze.start, freeze.until):
        if moment is not None and moment.tzinfo is None:
            raise ConfigError(f"{name}: the times of a freeze need a zone: write 2026-12-20T00:00:00Z.")
    if freeze.environment and freeze.where:
        raise ConfigError(f"{name}: a freeze has `where` or `environment`, not both.")
    environment = freeze.environment or "all"
    if environment != "all" and environment not in {e.value for e in Environment}:
        raise ConfigError(f"{name}: freeze: unknown environment `{environment}`.")
    # People who freeze all systems do not mean that nobody may edit a file or run a test.
    plain = f'environment = "{environment}"' if environment != "all" else _SHARED
    try:
        where, allow = selector(freeze.where or plain), selector(freeze.allow) if freeze.allow else None
    except SelectorError as error:
        raise ConfigError(f"{name}: freeze: {error}") from error
    if len(f"{where}{allow or ''}".encode()) > _SELECTORS:
        raise ConfigError(
            f"{name}: freeze: `where` and `allow` are longer than an entry of the ledger. Write two freezes."
        )
    start, end = (moment.timestamp() if moment is not None else None for moment in (freeze.start, freeze.until))
    order = Order(-1, What.FREEZE, where, freeze.reason, allow, start, end, source=name)
    return order if folder is None or not freeze.calendar else _by_calendar(order, folder, freeze.calendar)


def _by_calendar(order: Order, folder: Path, calendar: str) -> Order:
    """In force in the events of a calendar that lies beside the configuration. Raises ConfigError."""
    path = folder / calendar
    if calendar.startswith(".") or "/" in calendar or not calendar.endswith(".ics"):
        raise ConfigError(
            f"{order.source}: freeze: calendar = {calendar!r}. Name a file NAME.ics beside interlock.toml."
        )
    try:
        raw = read_regular(path, _LIMIT)
        if len(raw) > _LIMIT:
            raise ConfigError(f"{path} is larger than 1 MiB. Keep the events that freeze in a file of their own.")
        found = windows(raw.decode(), str(path))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}. The freeze by it would never be in force.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 (byte {error.start}). Save it as UTF-8.") from error
    return msgspec.structs.replace(order, windows=found, calendar=str(path))


def _suggestion(message: str) -> str:
    if "unknown field" not in message:
        return ""
    field = message.split("`")[1]
    structs = (
        _File,
        _Map,
        _Freeze,
        _Ask,
        _Approvals,
        _Who,
        _Preview,
        _Database,
        _Containment,
        _People,
        _Panel,
        _Remote,
        _Oidc,
        Part,
        Role,
        RolePart,
        notifying.File,
        notifying.To,
    )
    fields = {name for struct in structs for name in struct.__struct_encode_fields__}
    close = difflib.get_close_matches(field, fields, n=1)
    return f" Did you mean `{close[0]}`?" if close else f" Known keys: {', '.join(sorted(fields))}."


def _only_tightens(file: _File, path: Path) -> None:
    loosens = [
        key
        for key, said in (
            ("mode", file.mode is not None),
            ("known_hosts", bool(file.known_hosts)),
            ("ask", file.ask is not None),
            ("approvals (but approvals.who)", file.approvals not in (None, _only_who(file.approvals))),
            ("preview", file.preview is not None),
            ("containment", file.containment is not None),
            ("people", file.people is not None),
            ("notify", file.notify is not None),
            ("panel", file.panel is not None),
            # Its file would lie in the project, where agents write: who moves an event lifts the freeze.
            ("freeze.calendar", any(freeze.calendar for freeze in file.freeze)),
        )
        if said
    ]
    loosens += [f"environments.{name}" for name in file.environments if name not in _TIGHTENING]
    if loosens:
        raise ConfigError(
            f"{path}: a project can only tighten, so it may not set {', '.join(loosens)}. "
            "Move that to your own interlock.toml."
        )


def _only_who(said: _Approvals | None) -> _Approvals:
    """What a project may say of approvals: who else must agree."""
    return _Approvals(who=said.who if said else [])


def _approvals(known: Approvals, said: _Approvals) -> Approvals:
    who = tuple(
        Who(rule.tier, rule.environment, tuple(rule.groups), tuple(rule.exclude), rule.people, rule.strong)
        for rule in said.who
    )
    if said == _only_who(said):
        return msgspec.structs.replace(known, who=known.who + who)
    return Approvals(
        wait=said.wait or known.wait,
        withdraw=known.withdraw if said.withdraw is None else said.withdraw,
        escalate_after=said.escalate_after,
        limits=Limits(said.denials_in_a_row, said.denials_in_a_session, said.asks_an_hour),
        who=known.who + who,
    )


def _panel(said: _Panel, folder: Path) -> Panel:
    if said.remote is None:
        return Panel(said.enabled, said.port, said.socket)
    far = said.remote

    def beside(name: str) -> str:
        return str(folder / Path(name).expanduser()) if name else ""

    oidc = None if far.oidc is None else Oidc(
        far.oidc.issuer, far.oidc.client_id, beside(far.oidc.secret_file), far.oidc.claim, far.oidc.people,
        tuple(far.oidc.readers), far.oidc.groups, tuple(far.oidc.reader_groups), tuple(far.oidc.required_groups),
        tuple(far.oidc.scopes),
    )  # fmt: skip
    listen, files = tuple(far.listen), (beside(far.certificate), beside(far.key))
    remote = Remote(listen, far.port, far.name.lower(), *files, passkeys=far.passkeys, oidc=oidc)
    return Panel(said.enabled, said.port, said.socket, remote)


def _add(config: Config, file: _File, name: str) -> Config:
    rules = tuple(
        EnvironmentRule(what=_WHAT[field], pattern=pattern, environment=environment)
        for environment, names in file.environments.items()
        for field in _WHAT
        for pattern in getattr(names, field)
    )
    freezes = tuple(_standing(freeze, name, Path(name)) for freeze in file.freeze)
    config = msgspec.structs.replace(
        config,
        mode=file.mode or config.mode,
        roles=combined(config.roles, file.roles) if file.roles else config.roles,
        # More than a layer above asks for, never fewer.
        administrators=max(config.administrators, file.people.administrators if file.people else 2),
        environments=config.environments + rules,
        known_hosts=config.known_hosts + tuple(file.known_hosts),
        protected_branches=config.protected_branches + tuple(file.protected_branches),
        freezes=config.freezes + freezes,
    )
    if file.ask is not None:
        config = msgspec.structs.replace(
            config,
            hold_seconds=file.ask.hold_seconds,
            decide_seconds=file.ask.decide_minutes * 60,
            execute_seconds=file.ask.execute_minutes * 60,
        )
    if file.approvals is not None:
        config = msgspec.structs.replace(config, approvals=_approvals(config.approvals, file.approvals))
    if file.panel is not None:
        config = msgspec.structs.replace(config, panel=_panel(file.panel, Path(name)))
    if file.preview is not None:
        wanted = file.preview
        databases = tuple(Database(d.name, d.url) for d in wanted.database)
        config = msgspec.structs.replace(config, preview=Preview(wanted.seconds, wanted.run, databases))
    if file.containment is not None:
        said = file.containment
        inside = Containment(said.shell, tuple(said.hosts), said.profiles, said.end)
        config = msgspec.structs.replace(config, containment=inside)
    return config
