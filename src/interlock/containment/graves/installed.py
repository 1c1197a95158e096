"""What an installer writes where tools are run from, told from what somebody else put there.

`npm install` and `pip install` fill `node_modules/.bin` and `.venv/bin`. What they write has a form that can do one
thing only: hand over to a package that was installed. Any other program in these directories is held.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from interlock.containment.graves.gitconfig import within

_WORDS = r"[A-Za-z_][\w.]*"
# The entry point of an installed Python package: interpreter of the environment, one import, one call.
_ENTRY = re.compile(
    rf"""(?:\#!(?P<shebang>/[^\n]+)\n|\#!/bin/sh\n'''exec'\ (?P<quoted>"?/[^\n"]+"?)\ "\$0"\ "\$@"\n'\ '''\n)
    (?:\#\ -\*-\ coding:[^\n]*\n)?
    (?:import\ re\n)?import\ sys\n(?:import\ re\n)?\n?
    from\ {_WORDS}\ import\ {_WORDS}\n+
    if\ __name__\ ==\ ["']__main__["']:\n
    (?P<name>(?:\ {{4,8}}(?:sys\.argv\[0\]\ =|(?:el)?if\ sys\.argv\[0\]\.endswith)[^\n;]*\n)*)
    \ \ \ \ sys\.exit\({_WORDS}\(\)\)\n*""",
    re.VERBOSE,
)
# How such a script cuts the ending off its own name.
_OWN_NAME = re.compile(
    r"""sys\.argv\[0\](?:\ =\ (?:re\.sub\(r["'][^"'\n]*["'],\ ["']["'],\ sys\.argv\[0\]\)|sys\.argv\[0\]
    (?:\.removesuffix\(["'][\w.-]*["']\)|\[:-\d+\]))|\.endswith\(["'][\w.-]*["']\):)""",
    re.VERBOSE,
)

# What the lines of an activation script may begin with, and the variables that they may set.
_WORD = re.compile(
    r"(?:el)?if \[ .*\] ?; ?then$|\[ .*\]$|then$|else$|fi$|esac$|;;$|[{}]$|unset (?:-[fv] )?\w+(?: \w+)*$"
    r"|export \w+(?: \w+)*$|hash -r(?: 2> ?/dev/null)?(?: \|\| true)?$|return(?: \d+)?$|deactivate nondestructive$"
    r"|(?:deactivate|pydoc) ?\(\) ?\{$|case [^;]* in$|[\w*|\"~.-]+\)$|exit \d+$|:$|true$"
)
_SET = re.compile(
    r"(?:export )?(VIRTUAL_ENV\w*|PATH|PS1|PYTHONHOME|_OLD_VIRTUAL_\w+|SCRIPT_PATH|PKG_CONFIG_PATH|TCL_\w+|TK_\w+)=(.*)"
)
_COMMAND = re.compile(r"\$\(|`|;(?! ?then$|;$)|[<>&|](?!&)")
# What these scripts ask for the prompt and on Windows.
_HARMLESS = re.compile(
    r'\$\((?:(?:cygpath(?: -u)?|basename|dirname)(?: ["\'$\w{}/.:@=-]*)+|uname)\)'
    r"|\|\| true$|\] (?:&&|\|\|) \[|2> ?/dev/null|^[\w*|\"~.-]+\)$|^case .* in$"
)
_PATH = re.compile(
    r"""["']?(?:\$_OLD_VIRTUAL_PATH|\$\{_OLD_VIRTUAL_PATH(?::-)?\}
    |["']?\$\{?VIRTUAL_ENV\}?["']?/["']?(?:bin|Scripts)["']?:["']?\$\{?PATH\}?)["']?""",
    re.VERBOSE,
)

_SHIM = re.compile(
    r"""\#.*|esac|fi|else|then|;;|exit\ \$(?:ret|\?)|ret=\$\?
    |basedir=\$\(dirname\ "\$\(echo\ "\$0"\ \|\ sed\ -e\ 's,\\\\,/,g'\)"\)|case\ `uname`\ in
    |[*|\w]+\)(?:\ *basedir=`cygpath\ -w\ "\$basedir"`\ *;;)?|basedir=`cygpath\ -w\ "\$basedir"`
    |if\ \[\ -[xz]\ "\$(?:basedir|NODE_PATH)(?:/node)?"\ \](?:;\ then)?
    |if\ command\ -v\ cygpath\ >\ /dev/null\ 2>&1;\ then|export\ NODE_PATH="[^"`$]*(?::\$NODE_PATH)?"
    |(?:exec\ )?(?:"\$basedir/node"|node|"\$basedir/\.\./[^"$`]+")\ +(?:"\$basedir/\.\./[^"$`]+"\ +)?"\$@"
    """,
    re.VERBOSE,
)
_TARGET = re.compile(r'"\$basedir/(\.\./[^"$`]+)"')

_PACKAGE = re.compile(r"(?:^|/)(?:node_modules|site-packages|dist-packages)/((?:@[^/]+/)?[^/]+)/")
_MODULE = re.compile(r"(?:^|/)(?:site|dist)-packages/[^/]+\.(?:py|so|pyd)$")
_OWN_CACHE = re.compile(r"(?:^|/)(?:\.[^/]*|__pycache__)(?:/|$)|\.pyc$")


def python_entry(text: str, bin_directory: str) -> bool:
    """Whether this is the entry point of an installed package, run by the interpreter of its own directory."""
    found = _ENTRY.fullmatch(text)
    if not found:
        return False
    for line in found["name"].splitlines():
        if not _OWN_NAME.fullmatch(re.sub(r"^(?:el)?if ", "", line.strip())):
            return False
    interpreter = (found["shebang"] or found["quoted"]).strip('"')
    return re.fullmatch(rf"{re.escape(bin_directory)}/(?:python|pypy)[0-9.]*", interpreter) is not None


def activation(text: str, name: str) -> bool:
    """Whether a script only sets and unsets the variables of a virtual environment."""
    known = _templates(name)
    if not known and name != "activate":
        return False
    for line in text.splitlines():
        bare = line.strip()
        if any(pattern.fullmatch(_canonical(bare)) for pattern in known) or (name == "activate" and _quiet(bare)):
            continue
        if bare and not bare.startswith("#"):
            return False
    return True


# What stands in the gaps of `venv`'s scripts. The prompt has parentheses, which some shells run unless they are quoted.
_GAPS = {
    "__VENV_DIR__": r"[\w./@+ -]*",
    "__VENV_NAME__": r"[\w.@+ -]*",
    "__VENV_BIN_NAME__": r"\w+",
    "__VENV_PYTHON__": r"[\w./@+ -]*",
    "__VENV_PROMPT__": r"\(?[\w.@+ -]*\)? ?",
}


def _canonical(line: str) -> str:
    """The line without its quotes, which differ from version to version; kept where they keep text from running."""
    line = line.replace("'", '"').replace('""', "")
    return line if "(" in line or "__VENV_PROMPT__" in line else line.replace('"', "")


@cache
def _templates(name: str) -> tuple[re.Pattern[str], ...]:
    """The lines that this Python's own `venv` writes."""
    try:
        scripts = resources.files("venv").joinpath("scripts")
        places = [scripts.joinpath(part, name) for part in ("common", "posix")]
        text = "\n".join(place.read_text("utf-8") for place in places if place.is_file())
    except (ModuleNotFoundError, OSError):  # some distributions ship `venv` apart
        return ()
    lines = {_canonical(line.strip()) for line in text.splitlines()}
    gap = re.compile("|".join(_GAPS))
    return tuple(re.compile(gap.sub(lambda found: _GAPS[found[0]], re.escape(line))) for line in sorted(lines))


def _quiet(line: str) -> bool:
    if not line or line.startswith("#"):
        return True
    if _COMMAND.search(_HARMLESS.sub("", line)) or re.search(r"\b(?:eval|exec|source)\b", line):
        return False
    assignment = _SET.match(line)
    if assignment and assignment[1] == "PATH":
        return _PATH.fullmatch(assignment[2].strip()) is not None
    return assignment is not None or _WORD.match(line) is not None


def node_shim(text: str, path: str) -> bool:
    """Whether this is the script that a package manager puts in `.bin`: it hands over to a file of a package."""
    first, *lines = [line.strip() for line in text.splitlines() if line.strip()] or [""]
    if first != "#!/bin/sh" or not all(_SHIM.fullmatch(line) for line in lines):
        return False
    targets = _TARGET.findall(text)
    return bool(targets) and all(_package_file(path, target) for target in targets)


def node_link(path: str, target: str) -> bool:
    """Whether a link in `node_modules/.bin` leads to a file of a package beside it."""
    return path.split("/")[-3:-1] == ["node_modules", ".bin"] and _package_file(path, target)


def _package_file(path: str, target: str) -> bool:
    # `../eslint/bin/eslint.js`, and `../../packages/x/cli.js` of a workspace's own package.
    return within(path.rpartition("/")[0], target) and re.match(r"(?:\.\./)+[@\w.][\w@.+-]*/", target) is not None


def recorded(record: str, directory: str) -> set[str]:
    """What a wheel's RECORD in `directory` (`….dist-info`) lists outside of its own place: paths of the workspace."""
    site = directory.rpartition("/")[0].split("/")
    found = set()
    for line in record.splitlines():
        name = line.split(",", 1)[0]
        ups = name.count("../")
        if ups and ups <= len(site) and name.startswith("../" * ups):
            found.add("/".join([*site[: len(site) - ups], name[3 * ups :]]))
    return found


def package(path: str) -> str | None:
    """The directory of the innermost installed package that a path lies in; None outside and in caches of tools."""
    if "node_modules/" not in path and "-packages/" not in path:
        return None
    last = None
    for found in _PACKAGE.finditer(path):
        last = found
    if last is None or _OWN_CACHE.search(path[last.start(1) :]):
        return None
    return path[: last.end(1)]


def module(path: str) -> str | None:
    """The path itself, where it is a module that lies among installed packages without being in one."""
    return path if _MODULE.search(path) else None
