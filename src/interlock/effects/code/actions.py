"""What a call on a sheet means: one method an action, each of which writes effects through the draft."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from interlock.effects.catalogue.grammar import known
from interlock.effects.catalogue.http_api import CHANGING, read_request
from interlock.effects.catalogue.readers.files import blanked, emptied
from interlock.effects.code.folding import Glob, Number, Several, Unknown, words
from interlock.effects.code.terms import Shape, Term, call, group, member, name, text
from interlock.effects.invocation import Word
from interlock.effects.places import file_resource
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Environment, Kind, Reversibility, Verb

if TYPE_CHECKING:
    from interlock.effects.catalogue.draft import Draft
    from interlock.effects.code.reading import Code

Values = list[tuple[Any, Term]]
_SQL = (
    "select",
    "insert",
    "update",
    "delete",
    "drop",
    "truncate",
    "alter",
    "create",
    "grant",
    "revoke",
    "with",
    "copy",
    "replace",
)
_CARRIED = frozenset({L.FROM_SECRET, L.FROM_ENVIRONMENT})


class Actions:
    """The actions of one text. Sends wait for the end, when it is known what flows."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self.draft = code.draft
        self.sends: list[tuple[Verb, str]] = []
        self.methods: dict[str, Callable[[list[str], Term, str], None]] = {
            attribute[3:]: getattr(self, attribute) for attribute in dir(self) if attribute.startswith("do_")
        }

    def do(self, action: tuple[str, tuple[str, ...]], term: Term, title: str) -> None:
        """One call."""
        verb, places = action
        self.methods[verb](list(places), term, title)

    def finish(self) -> None:
        """Everything that is sent, with everything that flows."""
        flow = set(self.draft.flow)
        for verb, host in dict.fromkeys(self.sends):
            self.draft.host(verb, host, taint=flow if verb is Verb.SEND else flow & _CARRIED)

    # -- arguments

    def values(self, places: list[str], term: Term) -> Values:
        """The arguments at these places (`*`: all, `-1`: the last) with their values; a missing one is unknown."""
        arguments = [part for part in term.parts[1:] if part.shape is not Shape.FUNCTION]
        if "*" in places:
            chosen = [part for part in arguments if part.shape is not Shape.TABLE]
        else:
            chosen = []
            for place in places:
                at = int(place)
                chosen.append(arguments[at] if -len(arguments) <= at < len(arguments) else group())
        return [(self.code.scope.value(part), part) for part in chosen or [group()]]

    def options(self, term: Term) -> dict[str, Any]:
        """The constant members of the tables among the arguments."""
        out: dict[str, Any] = {}
        for part in term.parts[1:]:
            value = self.code.scope.value(part)
            if isinstance(value, dict):
                out.update(value)
        return out

    def _files(self, verb: Verb, values: Values, *, everything: bool = False) -> None:
        taint = self.draft.flow if verb is Verb.WRITE else ()
        for value, part in values:
            if isinstance(value, (dict, Number)) or (isinstance(value, int) and verb is not Verb.DELETE):
                continue  # options, or a file that is open already
            for word in words(value, part.source):
                if word.text is None and not word.prefix and not self.code.strict:
                    continue
                if verb is Verb.DELETE and everything:
                    self.draft.file(verb, word, everything=True, directory=True)
                else:
                    self.draft.file(verb, word, taint=taint)

    # -- files

    def do_delete(self, places: list[str], term: Term, _title: str) -> None:
        self._files(Verb.DELETE, self.values(places, term))

    def do_tree(self, places: list[str], term: Term, _title: str) -> None:
        self._files(Verb.DELETE, self.values(places, term), everything=True)

    def do_maybe_tree(self, places: list[str], term: Term, _title: str) -> None:
        options = self.options(term)
        told = options.get("recursive", Number("false"))
        values = self.values(places[1:], term)
        unknown = (
            len(term.parts) > 2 and isinstance(values[0][0], Unknown) and term.parts[2].shape is not Shape.FUNCTION
        )
        self._files(Verb.DELETE, self.values(places[:1], term), everything=unknown or bool(told))

    def do_write(self, places: list[str], term: Term, title: str) -> None:
        values = self.values(places, term)
        content = self.values(["1"], term)[0][0] if places == ["0"] and len(term.parts) > 2 else None
        if content == "" and "append" not in title.lower():
            self._each(blanked, values)
        else:
            self._files(Verb.WRITE, values)

    def _each(self, does: Callable[[Draft, Word], None], values: Values) -> None:
        for value, part in values:
            if not isinstance(value, (dict, Number, int)):
                for word in words(value, part.source):
                    does(self.draft, word)

    def do_create(self, places: list[str], term: Term, _title: str) -> None:
        self._files(Verb.CREATE, self.values(places, term))

    def do_empty(self, places: list[str], term: Term, _title: str) -> None:
        self._each(emptied, self.values(places, term))

    def do_read(self, places: list[str], term: Term, _title: str) -> None:
        self._files(Verb.READ, self.values(places, term))

    def do_read_or_fetch(self, places: list[str], term: Term, title: str) -> None:
        value = self.values(places, term)[0][0]
        start = value if isinstance(value, str) else getattr(value, "prefix", "")
        if start.startswith(("http://", "https://", "ftp://")):
            sends = "method" in str(term.source) or len(term.parts) > 3
            self.sends.append((Verb.SEND if sends else Verb.FETCH, start))
            if not sends:
                self.draft.flow.add(L.FROM_NETWORK)
        elif start.startswith("php://"):
            self.draft.flow.update(self.draft.inv.stdin.taint)
        else:
            self.do_read(places, term, title)

    def do_names(self, places: list[str], term: Term, _title: str) -> None:
        for value, part in self.values(places, term):
            for word in words(value, part.source):
                if word.text is not None:
                    self.draft.listing(word)

    do_second_names = do_names

    def do_folder(self, places: list[str], term: Term, _title: str) -> None:
        """The names after it are of another folder: of one in the project or in scratch it makes no difference."""
        value = self.values(places, term)[0][0]
        path = value if isinstance(value, str) else value.prefix if isinstance(value, Unknown) else ""
        found = file_resource(path, self.draft.setting, self.draft.world, cwd=self.draft.inv.cwd)
        if not path or not {L.WORKSPACE, L.SCRATCH} & set(found.labels):
            self.code.unsure("goes to a folder outside of the project, where its names mean other files")

    def do_configure(self, places: list[str], term: Term, _title: str) -> None:
        values = self.values(places, term)
        if places == ["-1"] and len(term.parts) > 2:  # the mode stands first
            values = [(self.code.scope.value(part), part) for part in term.parts[2:]]
        self._files(Verb.CONFIGURE, values)

    def do_move(self, places: list[str], term: Term, _title: str) -> None:
        self._files(Verb.DELETE, self.values(places[:1], term))
        self._files(Verb.WRITE, self.values(places[1:], term))

    def do_copy(self, places: list[str], term: Term, title: str) -> None:
        self.do_read_or_fetch(places[:1], term, title)
        self._files(Verb.WRITE, self.values(places[1:], term))

    def do_open(self, places: list[str], term: Term, title: str) -> None:
        (path, part), *rest = self.values(places, term)
        mode = rest[0][0] if rest and len(term.parts) > 2 else "r"
        start = path if isinstance(path, str) else getattr(path, "prefix", "")
        if start.startswith("|"):
            self.shell(path[1:] if isinstance(path, str) else path)
        elif "://" in start[:12]:
            self.do_read_or_fetch(places[:1], term, title)
        elif isinstance(path, Unknown) and title == "open" and self.code.language == "ruby" and not start:
            self.code.unsure("opens what is not known, perhaps a program")
        else:
            reading = isinstance(mode, (dict, int)) or (isinstance(mode, str) and set(mode) <= set("rbt:utfUTF-8"))
            self._files(Verb.READ if reading else Verb.WRITE, [(path, part)])

    def do_perl_open(self, _places: list[str], term: Term, _title: str) -> None:
        """open HANDLE, MODE, PATH...; of two arguments the second holds the mode; `|` on either side is a program."""
        values = [(self.code.scope.value(part), part) for part in term.parts[2:]]
        if not values:
            self.code.unsure("opens what is not known")
            return
        mode, part = values[0]
        if not isinstance(mode, str):
            self.code.unsure("opens what is not known, perhaps a program")
        elif len(values) > 1:
            self._opened(mode.split(":")[0].strip(), values[1:])
        elif "|" in (mode.strip()[:1], mode.strip()[-1:]):
            self.shell(mode.strip().strip("|"))
        else:
            sign = mode.strip()[: len(mode.strip()) - len(mode.strip().lstrip("+<>&="))]
            self._opened(sign, [(mode.strip().lstrip("+<>&= "), part)])

    def _opened(self, mode: str, rest: Values) -> None:
        if "|" in mode:
            if len(rest) > 1:
                self.argv([value for value, _ in rest])
            else:
                self.shell(rest[0][0])
        elif "&" not in mode:
            self._files(Verb.WRITE if ">" in mode or "+" in mode else Verb.READ, rest[:1])

    # -- programs

    def shell(self, value: Any, options: dict[str, Any] | None = None) -> None:
        """A shell text."""
        folder = (options or {}).get("cwd", (options or {}).get("chdir"))
        if isinstance(value, Several) and all(isinstance(item, str) for item in value.items):
            for item in value.items:
                self.shell(item, options)
        elif not isinstance(value, str):
            self.code.unsure("runs a shell text that is not constant")
        elif folder is not None and not isinstance(folder, str):
            self.code.unsure("runs a program in a directory that is not known")
        else:
            self.draft.shell(value, cwd=self.draft.path(known(folder)) if folder else None)

    def argv(self, values: list[Any], options: dict[str, Any] | None = None) -> None:
        """A program with its arguments."""
        flat: list[Word] = [word for value in values for word in words(value, "?")]
        folder = (options or {}).get("cwd", (options or {}).get("chdir"))
        if not flat or flat[0].text is None:
            self.code.unsure("runs a program that is not constant")
        elif folder is not None and not isinstance(folder, str):
            self.code.unsure("runs a program in a directory that is not known")
        elif not self.code.strict and any(word.text is None for word in flat):
            return
        else:
            self.draft.argv(flat, cwd=self.draft.path(known(folder)) if folder else None)

    def do_shell(self, places: list[str], term: Term, _title: str) -> None:
        value = self.values(places, term)[0][0]
        if isinstance(value, list):
            self.argv(value)
        else:
            self.shell(value, self.options(term))

    def do_system(self, places: list[str], term: Term, _title: str) -> None:
        """One text goes through a shell, several words do not; a table before them is the environment."""
        values = [value for value, _ in self.values(places, term)]
        if len(term.parts) > 1 and term.parts[1].shape is Shape.TABLE and not values:
            values = [Unknown()]
        if len(values) > 1 and isinstance(values[-1], str) and values[-1] in ("r", "w", "r+") and "popen" in _title:
            values.pop()
        if len(values) == 1 and not isinstance(values[0], list):
            self.shell(values[0], self.options(term))
        else:
            self.argv(values, self.options(term))

    def do_system_list(self, places: list[str], term: Term, title: str) -> None:
        self.do_shell(places, term, title)

    def do_argv(self, places: list[str], term: Term, _title: str) -> None:
        self.argv([value for value, _ in self.values(places, term)])

    def do_spawn(self, places: list[str], term: Term, _title: str) -> None:
        """A program and a list of arguments; with `shell` they are one text."""
        values = [value for value, _ in self.values(places, term)]
        options = self.options(term)
        arguments = values[1] if len(values) > 1 and isinstance(values[1], list) else []
        given = len(term.parts) > 2 and isinstance(values[1], Unknown) and term.parts[2].shape is not Shape.FUNCTION
        through = options.get("shell")
        if through is not None and (not isinstance(through, Number) or through):
            parts = [values[0], *arguments]
            texts = [part for part in parts if isinstance(part, str)]
            self.shell(" ".join(texts) if len(texts) == len(parts) and not given else Unknown(), options)
        elif given:
            self.argv([values[0], Unknown()], options)
        else:
            self.argv([values[0], *arguments], options)

    def do_command(self, places: list[str], term: Term, _title: str) -> None:
        """Deno.Command(program, {args}) and Deno.run({cmd})."""
        value, options = self.values(places[:1], term)[0][0], self.options(term)
        if isinstance(value, dict):
            self.do_listed(value.get("cmd", Unknown()), options)
        else:
            arguments = options.get("args", [])
            self.argv([value, *(arguments if isinstance(arguments, list) else [Unknown()])], options)

    def do_list(self, places: list[str], term: Term, _title: str) -> None:
        value = self.values(places, term)[0][0]
        options = self.options(term)
        self.do_listed(value.get("cmd", Unknown()) if isinstance(value, dict) else value, options)

    def do_listed(self, value: Any, options: dict[str, Any]) -> None:
        """A list that is a program and its arguments."""
        self.argv(value if isinstance(value, list) else [value], options)

    def do_program(self, places: list[str], term: Term, _title: str) -> None:
        """A path and the argv, whose first word is only a name in Go."""
        values = [value for value, _ in self.values(places, term)]
        arguments = values[1] if len(values) > 1 and isinstance(values[1], list) else [Unknown()]
        self.argv([values[0], *(arguments[1:] if self.code.language == "go" else arguments)])

    def do_script(self, places: list[str], term: Term, _title: str) -> None:
        self.argv(["node", self.values(places, term)[0][0]])

    def do_tagged(self, places: list[str], term: Term, title: str) -> None:
        """A template that is a shell text; as a plain call it is something else (jQuery's)."""
        if term.text == "tag":
            self.do_shell(places, term, title)

    def do_kill(self, places: list[str], term: Term, _title: str) -> None:
        number = self.values(places, term)[0][0]
        negative = any("-" in part.source for part in term.parts[1:])
        if negative or (isinstance(number, int) and number <= 1):
            self.draft.argv([known("kill"), known("--"), known("-1")])
        else:
            self.draft.add(Verb.CONFIGURE, Kind.PROCESS, "a process by its number")

    # -- the network

    def _target(self, value: Any) -> str:
        if isinstance(value, dict):
            host = value.get("hostname", value.get("host", value.get("url", value.get("baseURL"))))
            port = value.get("port")
            if isinstance(host, str):
                return f"{host}:{port}" if isinstance(port, (str, int)) and "://" not in host else host
            return "?"
        if isinstance(value, str):
            return value
        return value.prefix if isinstance(value, Unknown) and "://" in value.prefix[:10] and value.prefix else "?"

    def do_fetch(self, places: list[str], term: Term, _title: str) -> None:
        value = self.values(places[:1], term)[0][0]
        options = self.options(term)
        method = options.get("method", "GET")
        plain = isinstance(method, str) and method.upper() in ("GET", "HEAD", "OPTIONS")
        second = self.values(places[1:], term)[0][0] if len(places) > 1 and len(term.parts) > 2 else {}
        unknown = isinstance(second, Unknown) and len(term.parts) > 2 and term.parts[2].shape is not Shape.FUNCTION
        sends = not plain or bool({"body", "data", "json", "form"} & options.keys()) or unknown
        target = self._target(value)
        self.sends.append((Verb.SEND if sends else Verb.FETCH, target))
        if not sends:
            self.draft.flow.add(L.FROM_NETWORK)
        elif "://" in target:
            said = method.upper() if isinstance(method, str) and method.upper() in CHANGING else "POST"
            self.draft.include(read_request(said, target, "", self.draft.setting).effects)

    def do_maybe_fetch(self, places: list[str], term: Term, title: str) -> None:
        value = self.values(places, term)[0][0]
        if isinstance(value, str) and "://" in value:
            self.do_fetch(places, term, title)

    def do_request(self, places: list[str], term: Term, _title: str) -> None:
        method, target = (value for value, _ in self.values(places, term))
        plain = isinstance(method, str) and method.upper() in ("GET", "HEAD", "")
        self.sends.append((Verb.FETCH if plain else Verb.SEND, self._target(target)))

    def do_send(self, places: list[str], term: Term, _title: str) -> None:
        value = self.values(places[:1], term)[0][0]
        self.sends.append((Verb.SEND, self._target(value)))

    def do_lookup(self, places: list[str], term: Term, _title: str) -> None:
        """A name that is resolved reaches whoever owns its zone."""
        self.sends.append((Verb.FETCH, self._target(self.values(places, term)[0][0])))

    def do_connect(self, places: list[str], term: Term, _title: str) -> None:
        values = [value for value, _ in self.values(places, term)]
        options = self.options(term)
        host, port = values[0], values[1] if len(values) > 1 else None
        if options:
            host, port = options.get("host", options.get("hostname", Unknown())), options.get("port")
        elif isinstance(host, int):
            host, port = port, host
        self.draft.flow.add(L.FROM_UNKNOWN)
        self.sends.append(
            (Verb.SEND, f"{host}:{port}" if isinstance(host, str) and isinstance(port, int) else self._target(host))
        )

    def do_dial(self, places: list[str], term: Term, _title: str) -> None:
        self.draft.flow.add(L.FROM_UNKNOWN)
        self.sends.append((Verb.SEND, self._target(self.values(places, term)[0][0])))

    def do_socket(self, _places: list[str], term: Term, _title: str) -> None:
        """A socket whose address is the only argument, or the value after PeerAddr."""
        values = [self.code.scope.value(part) for part in term.parts[1:]]
        named = [values[at + 1] for at, value in enumerate(values[:-1]) if value in ("PeerAddr", "PeerHost")]
        if any(value == "Listen" for value in values):
            return
        self.draft.flow.add(L.FROM_UNKNOWN)
        self.sends.append((Verb.SEND, self._target((named or values or [Unknown()])[0])))

    def do_curl(self, places: list[str], term: Term, title: str) -> None:
        if len(term.parts) > 1:
            self.do_fetch(places, term, title)

    def do_send_option(self, _places: list[str], term: Term, _title: str) -> None:
        """curl_setopt: an option that gives the address, or a body, which makes it a send."""
        arguments = [part.source.upper() for part in term.parts[1:]]
        said = " ".join(arguments)
        if any(word in said for word in ("POST", "CUSTOMREQUEST", "UPLOAD", "INFILE")):
            self.sends = [(Verb.SEND, host) for _, host in self.sends] or [(Verb.SEND, "?")]
        if "CURLOPT_URL" in said and len(term.parts) > 3:
            verb = Verb.SEND if any(verb is Verb.SEND for verb, _ in self.sends) else Verb.FETCH
            self.sends.append((verb, self._target(self.code.scope.value(term.parts[3]))))

    # -- code and data

    def do_eval(self, places: list[str], term: Term, title: str) -> None:
        arguments = [part for part in term.parts[1:] if part.shape is not Shape.FUNCTION]
        if not arguments and len(term.parts) > 1:
            return  # a block, which is read where it stands
        value, part = self.values(places, term)[0]
        if not isinstance(value, str) or not self.code.again(value):
            self.code.unsure(f"{title}() runs what is not constant")
        elif part.shape is Shape.CALL:
            self.code.unsure(f"{title}() runs a text that is hidden in an encoding")

    def do_load(self, places: list[str], term: Term, title: str) -> None:
        """A module: of the language, of the project, or nobody's."""
        value = self.values(places, term)[0][0]
        module = (
            self.code.scope.name(term.parts[1]) if len(term.parts) > 1 and term.parts[1].shape is Shape.CALL else ""
        )
        if module and self.code.language == "perl":
            return
        if not isinstance(value, str):
            if not isinstance(value, (int, Number)):
                self.code.unsure("loads a module by a name that is not known")
            return
        plain = value.removeprefix("node:")
        if value.startswith(("http:", "https:", "data:", "//", "ftp:")):
            self.draft.add(
                Verb.EXECUTE, Kind.CODE, value, labels=(L.DOWNLOADED, L.UNREAD), env=Environment.MACHINE,
                undo=Reversibility.IRREVERSIBLE, note="loads code from elsewhere",
            )  # fmt: skip
        elif plain.endswith(".json"):
            self.draft.file(Verb.READ, known(plain))
        elif plain.startswith(("/", "~", ".")) or (self.code.language in ("php", "phpfile") or title in ("do", "load")):
            if self.draft.ours(self.draft.path(known(plain))):
                self.code.foreign.add(plain)
            else:
                self.code.unsure(f"loads {plain}, which is not of the workspace")
        else:
            self._package(plain)

    do_use = do_load

    def _package(self, module: str) -> None:
        sheet = self.code.sheet
        dotted = sheet.canonical(module.replace("::", "."))
        if not sheet.within(dotted, sheet.reach | sheet.quiet) and self.code.language in (
            "javascript",
            "typescript",
            "tsx",
        ):
            self.code.foreign.add(module)

    def do_dispatch(self, _places: list[str], term: Term, _title: str) -> None:
        """A call whose name is an argument."""
        key, *rest = [part for part in term.parts[1:] if part.shape is not Shape.FUNCTION] or [group()]
        value = self.code.scope.value(key)
        if not isinstance(value, str):
            self.code.unsure("calls a method by a name that is not known")
            return
        base = term.parts[0].parts[0] if term.parts[0].shape is Shape.MEMBER else None
        function = name(value) if base is None else member(base, text(value))
        if base is None or value != self.code.scope.value(term.parts[0].parts[1]):
            if not rest and value in self.code.sheet.calls and _title.endswith("method"):
                self.code.unsure(f"hands {value} on, to be called elsewhere")
            else:
                self.code.call(call(function, *rest))

    def do_dispatch_member(self, _places: list[str], _term: Term, _title: str) -> None:
        self.code.unsure("reaches the constructor of functions")

    def do_callback(self, places: list[str], term: Term, _title: str) -> None:
        """A function that is named by a text among the arguments."""
        at = int(places[0])
        arguments = list(term.parts[1:])
        if len(arguments) <= at or arguments[at].shape is Shape.FUNCTION:
            return
        value = self.code.scope.value(arguments[at])
        own = arguments[at].shape is Shape.NAME and arguments[at].text in self.code.scope.functions
        if isinstance(value, str):
            rest = arguments[:at] + arguments[at + 1 :]
            self.code.call(call(name(value.lower()), *rest))
        elif not own and not isinstance(value, Number):
            self.code.unsure("hands a function on that is not known")

    def do_self_delete(self, _places: list[str], term: Term, _title: str) -> None:
        base = term.parts[0].parts[0]
        value = self.code.scope.value(base)
        if isinstance(value, (str, Glob, Several)):
            self._files(Verb.DELETE, [(value, base)])

    def do_sql(self, places: list[str], term: Term, title: str) -> None:
        value = self.values(places, term)[0][0]
        if isinstance(value, str):
            if value.lstrip(" (").lower().startswith(_SQL):
                from interlock.effects.catalogue.readers.sql import read_text

                read_text(self.draft, value, "", own=False)
        elif self.code.foreign or title.startswith(("mysqli", "pg_", "$exec")):
            self.code.unsure("executes SQL that is not constant")

    def do_variable(self, places: list[str], term: Term, _title: str) -> None:
        self.code.variable(self.values(places, term)[0][0])

    def do_environment(self, _places: list[str], _term: Term, _title: str) -> None:
        self.code.environment()

    def do_phpinfo(self, _places: list[str], _term: Term, _title: str) -> None:
        self.code.environment()

    def do_opaque(self, _places: list[str], _term: Term, title: str) -> None:
        self.code.unsure(f"calls {title}, whose effects cannot be read")

    def do_opaque_told(self, options: list[str], term: Term, title: str) -> None:
        """A method that is grave with one of these options: `User.destroy({where: {}})`, `sync({force: true})`."""
        if not set(options).isdisjoint(self.options(term)):
            self.code.unsure(f"calls {title}, whose effects cannot be read")

    def do_quiet(self, _places: list[str], _term: Term, _title: str) -> None:
        """Nothing that matters."""
