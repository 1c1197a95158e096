"""Inline text of Node, Ruby, Perl, PHP and other languages: plainly harmless, plainly constant, or opaque.

These are not parsers. A text is let through only if it holds none of the words by which its language reaches outside.
"""

from __future__ import annotations

import re

from interlock.effects.catalogue import programs
from interlock.effects.catalogue.draft import Draft
from interlock.effects.catalogue.grammar import known
from interlock.effects.catalogue.readers.system import secret_name
from interlock.effects.catalogue.readers.wrappers import interactive
from interlock.effects.invocation import Word
from interlock.model import labels as L  # noqa: N812 - the vocabulary is used on every line
from interlock.model.effect import Verb

_NODE_VARIABLE = re.compile(r"""\bprocess\.env(?:\.(\w+)|\[\s*["'](\w+)["']\s*\])""")
_VARIABLE = re.compile(r"""\bENV(?:\.fetch)?[\[({]\s*["']?(\w+)["']?|\bgetenv\(\s*["'](\w+)["']""")
_QUOTED = r"""(?:'([^'\\]*)'|"([^"\\]*)"|`([^`\\$]*)`)"""
_NODE_OUT = re.compile(
    r"""\b(child_process|fs|net|http2?|https|tls|dgram|dns|vm|worker_threads|cluster|repl|inspector|module|v8|wasi)\b
    |\b(fetch|XMLHttpRequest|WebSocket|import|exec|execSync|spawn|spawnSync|fork|binding|dlopen)\s*\(
    |\b(constructor|eval|Function|Reflect|globalThis|global|Deno|Bun|require)\b|\bimport\s
    |\bprocess\s*\.\s*(kill|binding|dlopen|mainModule|abort|chdir|set\w+)|\bprocess\s*\[|\[[^\]]*['"`]\s*\+""",
    re.VERBOSE,
)
_REQUIRE = re.compile(rf"\brequire\s*\(\s*{_QUOTED}\s*\)")
_NODE_QUIET = frozenset(
    {
        "path",
        "os",
        "util",
        "url",
        "crypto",
        "assert",
        "events",
        "querystring",
        "string_decoder",
        "zlib",
        "stream",
        "timers",
        "buffer",
        "perf_hooks",
        "process",
        "semver",
        "punycode",
        "readline",
    }
)
_FS_DELETE = re.compile(rf"\.\s*(?:rm|rmdir|unlink|rmSync|rmdirSync|unlinkSync)\s*\(\s*{_QUOTED}\s*([,)])")
_FS_WRITE = re.compile(
    rf"\.\s*(?:writeFile|appendFile|mkdir|createWriteStream|truncate|chmod)(?:Sync)?\s*\(\s*{_QUOTED}\s*[,)]"
)
_FS_READ = re.compile(
    rf"\.\s*(?:readFile|readdir|exists|stat|lstat|access|createReadStream|realpath)(?:Sync)?\s*\(\s*{_QUOTED}\s*[,)]"
)
_FS_ANY = re.compile(
    r"\bfs\s*(?:\.\s*promises\s*)?\.\s*(\w+)|require\(['\"](?:node:)?fs(?:/promises)?['\"]\)\s*\.\s*(\w+)"
)
_EXEC_TEXT = re.compile(rf"\bexec(?:Sync)?\s*\(\s*{_QUOTED}\s*[,)]")
_EXEC_ANY = re.compile(r"\b(exec|execSync|spawn|spawnSync|execFile|execFileSync|fork)\s*\(")
_SPAWN = re.compile(rf"\b(?:spawn|execFile)(?:Sync)?\s*\(\s*{_QUOTED}\s*(?:,\s*\[([^\]]*)\])?")

# Words by which the other languages reach outside. A text with none of them computes and prints.
_OUT = re.compile(
    r"""`|%x|<\(|>>|\|\s*['"]|\$\w+\s*\(|&\s*[${]|"[^"]*(?:[@$#]\{|\{\$)
    |\b(system|exec|spawn|popen|proc_open|passthru|shell_exec|pcntl_exec|fork|eval|instance_eval|class_eval|qx|binding
    |assert|include|require|require_once|include_once|require_relative|load|do|open|fopen|file_put_contents|unlink|rmdir
    |rmtree|remove_tree|rename|mkdir|chmod|chown|kill|syscall|socket|Socket|TCPSocket|UDPSocket|Net|IO|File|FileUtils|Dir
    |Pathname|Process|Kernel|send|__send__|public_send|method|const_get|Open3|PTY|curl_\w+|fsockopen|mail|LWP|HTTP|URI|os|io
    |java|Runtime|ProcessBuilder|Sys|file|download|url|sqlite|mysqli?|PDO|pg_\w+|Redis|unserialize|create_function
    |call_user_func\w*|preg_replace_callback|use|no|sysopen|truncate|link|symlink|utime|writeLines|write|shell|run|run!|cmd|Cmd
    |Code|Port|process|dofile|loadfile|loadstring|opendir|glob|IPC|file_get_contents|readfile|highlight_file|show_source
    |scandir|copy|dl|ini_set|fgets|fread|array_map|usort|rm|cp|mv|touch|System|execute|sysread|ARGV|ARGF|Marshal|YAML|PStore
    |DBI|import|Desktop|DriveInfo|readLines|readRDS|read|ccall|dlopen|library|attach|Invoke\w*)\b""",
    re.VERBOSE,
)
_PERL_QUIET = re.compile(
    r"\b(?:use|no)\s+(?:strict|warnings|utf8|feature|POSIX|List::Util|Data::Dumper|JSON::PP|Time::\w+|v5[\d.]*)\b[^;]*;?|\bdo\s*\{"
)
_PERL_SUBST = re.compile(r"^\s*(?:s|y|tr|m)?([/|#!,{]).*", re.DOTALL)
_MOST_TEXT = 50_000


def node(draft: Draft) -> None:
    """node: -e and -p texts, scripts, standard input."""
    for value in (*draft.values("preload"),):
        if (value.text or "").startswith(("/", "~", "..", "data:", "http:", "https:")) or value.text is None:
            draft.run_unread(value.source, "loads a module before it starts", value.taint)
        else:
            draft.project(f"{draft.command} with {value.text}")
    codes = draft.values("code")
    operands = [*draft.values("script"), *draft.values("argument")]
    for value in codes:
        node_text(draft, value)
    if draft.has("check"):
        for value in operands[:1]:
            draft.file(Verb.READ, value)
    elif draft.has("run"):
        draft.argv([known("npm"), known("run"), *draft.values("run")])
    elif draft.has("test") or draft.has("watch"):
        draft.project(f"{draft.command} --test")
    elif not codes and operands and operands[0].text != "-":
        run_script(draft, operands[0])
    elif not codes:
        _stdin(draft, node_text)


def deno_eval(draft: Draft) -> None:
    """deno eval."""
    for value in draft.values("code"):
        node_text(draft, value)


def _environment(draft: Draft, text: str, single: re.Pattern[str], *, whole: str) -> None:
    """One variable by its name carries what its name says; the environment in any other way is the whole of it."""
    for found in single.finditer(text):
        if secret_name(next(name for name in found.groups() if name)):
            draft.flow.add(L.FROM_SECRET)
    if whole in single.sub("", text):
        draft.flow.add(L.FROM_ENVIRONMENT)


def node_text(draft: Draft, value: Word) -> None:
    """JavaScript text, by the words that it holds."""
    text = value.text
    if text is None or len(text) > _MOST_TEXT:
        draft.run_unread(value.source[:200], "the JavaScript text is not known", value.taint)
        return
    _environment(draft, text, _NODE_VARIABLE, whole="process.env")
    rest = _REQUIRE.sub(lambda m: _required(draft, m), text)
    if not _NODE_OUT.search(rest):
        return
    if not _constant_node(draft, text):
        draft.opaque("JavaScript that reaches outside and is not constant", text)


def _text(match: re.Match[str], first: int = 1) -> str:
    return next((g for g in match.groups()[first - 1 : first + 2] if g is not None), "")


def _required(draft: Draft, match: re.Match[str]) -> str:
    name = _text(match).removeprefix("node:")
    if name in _NODE_QUIET:
        return " "
    if name.endswith(".json"):
        draft.file(Verb.READ, known(name))
        return " "
    if name.split("/")[0] in (
        "fs",
        "child_process",
        "net",
        "http",
        "https",
        "http2",
        "tls",
        "dgram",
        "dns",
        "vm",
        "cluster",
        "repl",
        "module",
        "worker_threads",
        "inspector",
        "v8",
    ):
        return f" {name.split('/')[0]} "
    if name.startswith(("/", "~", "..")) and not draft.ours(draft.path(known(name))):
        draft.run_unread(name, "loads a module from outside of the workspace")
        return " "
    draft.project(f"{draft.command} with {name}", note="loads a package that is not read")
    return " "


def _constant_node(draft: Draft, text: str) -> bool:
    """Whether everything outward in the text is a call with a constant, which is then an effect."""
    rest = text
    effects = 0
    for pattern, verb in ((_FS_DELETE, Verb.DELETE), (_FS_WRITE, Verb.WRITE), (_FS_READ, Verb.READ)):
        for match in pattern.finditer(rest):
            deep = verb is Verb.DELETE and "recursive" in text
            draft.file(verb, known(_text(match)), everything=deep, directory=True if deep else None)
            effects += 1
        rest = pattern.sub(" ok(", rest)
    for match in _EXEC_TEXT.finditer(rest):
        draft.shell(_text(match))
        effects += 1
    rest = _EXEC_TEXT.sub(" ok(", rest)
    for match in _SPAWN.finditer(rest):
        arguments = match.group(4)
        parts = re.findall(r"""'([^'\\]*)'|"([^"\\]*)\"""", arguments or "")
        if arguments and re.sub(r"""'[^'\\]*'|"[^"\\]*"|[\s,]""", "", arguments):
            return False
        draft.argv([known(_text(match)), *(known(a or b) for a, b in parts)])
        effects += 1
    rest = _SPAWN.sub(" ok(", rest)
    rest = re.sub(
        rf"(?:(?:const|let|var)\s+(?:\w+|\{{[\w\s,:]*\}})\s*=\s*)?require\s*\(\s*{_QUOTED}\s*\)\s*", " ", rest
    )
    rest = re.sub(r"\b(?:fs|cp|child_process)\s*(?:\.\s*promises)?\s*(?=ok\(|\.?\s*ok\()", " ", rest)
    rest = re.sub(r"\b(?:fs|cp|child_process)\b\s*(?:\.\s*promises)?\s*\.?\s*ok\(", " ok(", rest)
    return effects > 0 and not _NODE_OUT.search(rest) and not _EXEC_ANY.search(rest) and not re.search(r"\bfs\b", rest)


def run_script(draft: Draft, value: Word) -> None:
    """A script in a language that is not read: project code in the workspace, else a stranger."""
    if value.text in ("artisan", "./artisan", "bin/rails", "bin/console") and value.text != "bin/console":
        name = "rails" if value.text == "bin/rails" else "artisan"
        at = draft.inv.words.index(value)
        draft.argv([known(name), *draft.inv.words[at + 1 :]])
        return
    path = draft.path(value)
    if path is None:
        programs.script_elsewhere(draft, value)
    else:
        programs.script(draft, path, (), interpreter=draft.command)


def other_code(draft: Draft) -> None:
    """Ruby, Perl, PHP and kin."""
    codes = draft.values("code")
    files = draft.values("file")
    in_place = draft.has("in-place")
    _loaded(draft)
    for value in codes:
        other_text(draft, value)
    if draft.has("serve"):
        draft.project(f"{draft.command} -S")
    elif codes:
        for value in files:
            draft.file(Verb.WRITE if in_place else Verb.READ, value)
    elif draft.has("check"):
        for value in [*draft.values("script"), *files][:1]:
            draft.file(Verb.READ, value)
    elif draft.values("script") or draft.values("scriptfile"):
        run_script(draft, (draft.values("script") or draft.values("scriptfile"))[0])
    elif not draft.has("asked"):
        _stdin(draft, other_text)


def _loaded(draft: Draft) -> None:
    """Options by which Perl and PHP load code from elsewhere before the text runs."""
    for value in draft.values("library-folder"):
        if not draft.ours(draft.path(value)):
            draft.run_unread(value.source or "?", "loads modules from outside of the workspace", value.taint)
    if draft.has("debugger"):
        draft.opaque(f"{draft.command} loads a debugger, which runs first")
    for value in draft.values("setting"):
        if value.text is None or re.search(r"prepend_file|append_file|extension|include_path|sendmail", value.text):
            draft.opaque("a setting that loads other code", value.source or "?")


def other_text(draft: Draft, value: Word) -> None:
    """A text in a language that is judged by its words only."""
    text = value.text
    if text is None or len(text) > _MOST_TEXT:
        draft.run_unread(value.source[:200], f"the {draft.command} text is not known", value.taint)
        return
    plain = text
    if draft.command.startswith("perl"):
        plain = _PERL_QUIET.sub(" ", text)
        if re.search(r"[/|#!,}]\w*e\w*\s*(?:;|$|\})", plain) and re.search(r"\bs\s*[/|#!,{]", plain):
            draft.opaque("a Perl substitution executes its result (s///e)", text)
            return
        plain = _without_substitutions(plain)
    plain = re.sub(r"""'[^'\\`]*'|"(?:(?![@$#]\{|\{\$)[^"\\`])*\"""", "''", plain)
    if _OUT.search(plain):
        draft.opaque(f"{draft.command} text that may reach outside", text)
    _environment(draft, text, _VARIABLE, whole="ENV")
    if "getenv()" in text:
        draft.flow.add(L.FROM_ENVIRONMENT)


def _without_substitutions(text: str) -> str:
    out = re.sub(r"\b(?:s|y|tr)([/|#!,])(?:\\.|(?!\1).)*\1(?:\\.|(?!\1).)*\1[gimsxro]*", " ", text, flags=re.DOTALL)
    out = re.sub(r"\b(?:s|tr|y)\{[^{}]*\}\s*\{[^{}]*\}[gimsxro]*", " ", out)
    return re.sub(r"\bm?/(?:\\.|[^/])*/[gimsxo]*", " ", out)


def _stdin(draft: Draft, read: object) -> None:
    stdin = draft.inv.stdin
    if stdin.text is not None and callable(read):
        read(draft, known(stdin.text))
    elif stdin.path is not None:
        run_script(draft, stdin.path)
    elif stdin.present:
        draft.run_unread(draft.command, f"{draft.command} runs what it reads", stdin.taint)
    elif not draft.has("asked"):
        interactive(draft)
