"""What the shell tests stand on: a setting, a small catalogue of their own, and short questions to a reading."""

from __future__ import annotations

from collections.abc import Mapping

from interlock.effects.invocation import InnerArgv, InnerText, Interpretation, Invocation, Word, word
from interlock.effects.shell import read_shell
from interlock.model.action import Reading
from interlock.model.effect import Effect, Environment, Kind, Resource, Verb, opaque
from interlock.model.world import Setting, World

SETTING = Setting(cwd="/w", home="/home/u", user="u", workspace="/w", variables=(("LANG", "C"), ("EDITOR", "vi")))


class Files:
    """A world of a few files: path to text; directories follow from the paths."""

    def __init__(self, files: Mapping[str, str] | None = None) -> None:
        self.files = dict(files or {})

    def kind(self, path: str) -> str | None:
        if path in self.files:
            return "file"
        prefix = path.rstrip("/") + "/"
        return "directory" if any(name.startswith(prefix) for name in self.files) else None

    def resolve(self, path: str) -> str:
        return path

    def text(self, path: str, limit: int = 262_144) -> str | None:
        return self.files.get(path)

    def names(self, directory: str, limit: int = 4_096) -> tuple[str, ...] | None:
        prefix = directory.rstrip("/") + "/"
        names = {name[len(prefix) :].split("/")[0] for name in self.files if name.startswith(prefix)}
        return tuple(sorted(names)) if names else None

    def branch(self, directory: str) -> str | None:
        return None

    def trail(self, path: str) -> tuple[str, ...]:
        return ()


class Catalogue:
    """A catalogue of a dozen programs that remembers every invocation."""

    def __init__(self) -> None:
        self.asked: list[Invocation] = []

    def __call__(self, inv: Invocation, setting: Setting, world: World) -> Interpretation:
        self.asked.append(inv)
        name = (inv.words[0].text or "").rpartition("/")[2]
        words = inv.words[1:]
        method = getattr(self, f"do_{name}", None)
        return method(inv, words, world) if method else Interpretation()

    def do_bash(self, inv: Invocation, words: tuple[Word, ...], world: World) -> Interpretation:
        if words and words[0].text == "-c" and len(words) > 1:
            if words[1].text is None:
                return Interpretation((opaque("bash -c", "unknown text", via="bash", span=inv.span),))
            return Interpretation(inner=(InnerText(words[1].text, "bash", arguments=words[2:]),))
        if words and words[0].text is not None and (text := world.text(path_of(inv, words[0].text))) is not None:
            return Interpretation(inner=(InnerText(text, "bash", origin=words[0].text, arguments=words),))
        if words and words[0].text is not None and not words[0].text.startswith("-"):
            code = Resource(Kind.CODE, path_of(inv, words[0].text))
            return Interpretation((Effect(Verb.EXECUTE, code, span=inv.span),))
        if (not words or words[0].text == "-s") and inv.stdin.text is not None:
            return Interpretation(inner=(InnerText(inv.stdin.text, "bash", arguments=(word("bash"), *words[1:])),))
        return Interpretation((opaque("bash", "unread", via="bash", span=inv.span),))

    do_sh = do_bash

    def do_sudo(self, inv: Invocation, words: tuple[Word, ...], world: World) -> Interpretation:
        return Interpretation(inner=(InnerArgv(words, "sudo", privileged=True),))

    def do_env(self, inv: Invocation, words: tuple[Word, ...], world: World) -> Interpretation:
        at = 0
        while at < len(words) and words[at].text is not None and "=" in (words[at].text or ""):
            at += 1
        pairs = tuple((w.text.partition("=")[0], word(w.text.partition("=")[2])) for w in words[:at] if w.text)
        return Interpretation(inner=(InnerArgv(words[at:], "env", assignments=pairs),))

    def do_ssh(self, inv: Invocation, words: tuple[Word, ...], world: World) -> Interpretation:
        text = " ".join(w.text or "?" for w in words[1:])
        return Interpretation(inner=(InnerText(text, "ssh", remote=words[0].text or "?"),))

    def do_cat(self, inv: Invocation, words: tuple[Word, ...], world: World) -> Interpretation:
        if not words:
            return Interpretation(output=inv.stdin.text, output_taint=inv.stdin.taint)
        effects = tuple(self.reads(w) for w in words)
        secret = any("secret" in effect.resource.labels for effect in effects)
        return Interpretation(effects, output_taint=("secret",) if secret else ("file",))

    def reads(self, w: Word) -> Effect:
        name = w.text or w.source
        labels = ("secret",) if ".ssh" in name or ".env" in name else ()
        return Effect(Verb.READ, Resource(Kind.FILE, name if name.startswith("/") else f"/w/{name}", labels))

    def do_curl(self, inv: Invocation, words: tuple[Word, ...], world: World) -> Interpretation:
        named = [w.text for w in words if w.text is not None and "@" in w.text and not w.text.endswith("@-")]
        effects = [self.reads(word(text.partition("@")[2])) for text in named]
        host = Effect(Verb.SEND, Resource(Kind.HOST, "host"), Environment.UNKNOWN, span=inv.span)
        return Interpretation((*effects, host), output_taint=("network",))

    def do_git(self, inv: Invocation, words: tuple[Word, ...], world: World) -> Interpretation:
        made = Resource(Kind.DIRECTORY, f"{inv.cwd}/cloned")
        return Interpretation((Effect(Verb.CREATE, made, taint=("network",)),))

    def do_base64(self, inv: Invocation, words: tuple[Word, ...], world: World) -> Interpretation:
        import base64

        if inv.stdin.text is not None and words and words[0].text in ("-d", "--decode"):
            return Interpretation(output=base64.b64decode(inv.stdin.text).decode())
        return Interpretation()

    def do_rm(self, inv: Invocation, words: tuple[Word, ...], world: World) -> Interpretation:
        names = [w for w in words if not (w.text or "").startswith("-")]
        return Interpretation(tuple(Effect(Verb.DELETE, Resource(Kind.FILE, w.text or "?")) for w in names))


def path_of(inv: Invocation, name: str) -> str:
    return name if name.startswith("/") or inv.cwd is None else f"{inv.cwd}/{name.removeprefix('./')}"


def read(text: str, files: Mapping[str, str] | None = None, *, cwd: str | None = "/w") -> Reading:
    return read_shell(text, SETTING, Files(files), Catalogue(), cwd=cwd)


def invocations(text: str, files: Mapping[str, str] | None = None, *, cwd: str | None = "/w") -> list[Invocation]:
    catalogue = Catalogue()
    read_shell(text, SETTING, Files(files), catalogue, cwd=cwd)
    return catalogue.asked


def argvs(text: str, files: Mapping[str, str] | None = None) -> list[list[str]]:
    """The commands seen, as lists; unknown words are "?"."""
    return [list(command) for command in read(text, files).commands]


def opaques(reading: Reading) -> list[Effect]:
    return [effect for effect in reading.effects if effect.verb is Verb.OPAQUE]


def only(reading: Reading, verb: Verb) -> Effect:
    found = [effect for effect in reading.effects if effect.verb is verb]
    assert len(found) == 1, found
    return found[0]
