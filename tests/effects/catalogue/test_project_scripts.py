"""Files that hold commands and are then run: what stands in them is what the action does."""

from __future__ import annotations

import json

import pytest

from interlock.effects.catalogue import interpret
from interlock.effects.catalogue.examples import SETTING, Files, judge
from interlock.effects.invocation import Invocation, word


def notebook(*cells: str, language: str = "python") -> str:
    made = [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]
    return json.dumps({"cells": made, "metadata": {"language_info": {"name": language}}})


def run(line: str, files: dict[str, str]):
    return interpret(Invocation(tuple(map(word, line.split())), "/home/dev/app"), SETTING, Files(files))


CELLS = [
    (("!rm -rf /srv/data",), "inner rm -rf /srv/data"),
    (("out = !rm -rf /srv/data",), "inner rm -rf /srv/data"),
    (("if x:\n    !rm -rf /srv/data",), "inner rm -rf /srv/data"),
    (("%%bash\nrm -rf /srv/data",), "inner rm -rf /srv/data"),
    (("%%script bash\nrm -rf /srv/data",), "inner rm -rf /srv/data"),
    (("%cd /srv", "!rm -rf data"), "inner cd /srv\nrm -rf data"),
    (("%sx rm -rf /srv/data",), "inner rm -rf /srv/data"),
    (("%pip install evil",), "inner pip install evil"),
    (("%run wipe.py",), "inner python3 wipe.py"),
    (("import shutil", "shutil.rmtree('/srv/data')"), "delete directory /srv/data"),
    (("%%time\nimport os\nos.remove('/srv/x')",), "delete file /srv/x"),
    (("%time __import__('os').remove('/srv/x')",), "delete file /srv/x"),
    (("%matplotlib inline\nimport pandas as pd\npd.read_csv('a.csv').head()",), "harmless"),
    (("x = 7 % 2\ny = a != b",), "harmless"),
    (("%%html\n<b>hello</b>",), "harmless"),
]


@pytest.mark.parametrize(("cells", "expected"), CELLS)
@pytest.mark.parametrize(
    "line",
    ["jupyter execute a.ipynb", "jupyter nbconvert --to notebook --execute a.ipynb", "papermill a.ipynb b.ipynb"],
)
def test_the_cells_of_a_notebook_are_read_when_it_is_run(line, cells, expected):
    if line.startswith("papermill") and expected == "harmless":
        expected = "write file b.ipynb"
    assert judge(expected, run(line, {"a.ipynb": notebook(*cells)})) == ""


def test_a_notebook_that_is_only_converted_runs_nothing():
    found = run("jupyter nbconvert --to html a.ipynb", {"a.ipynb": notebook("!rm -rf /srv/data")})
    assert judge("harmless", found) == ""
    assert not found.inner


def test_a_notebook_of_another_kernel_is_read_in_its_language():
    ruby = notebook("File.delete('/srv/x')", language="ruby")
    assert judge("delete file /srv/x", run("jupyter execute a.ipynb", {"a.ipynb": ruby})) == ""
    shell = notebook("rm -rf /srv/data", language="bash")
    assert judge("inner rm -rf /srv/data", run("jupyter execute a.ipynb", {"a.ipynb": shell})) == ""


@pytest.mark.parametrize("name", ["/tmp/a.ipynb", "https://x.example/a.ipynb"])
def test_a_notebook_of_others_is_code_that_nobody_read(name):
    found = run(f"jupyter execute {name}", {})
    assert any(
        effect.verb.value in ("opaque", "execute") and effect.resource.kind.value == "code" for effect in found.effects
    )


def test_a_notebook_outside_of_the_workspace_is_read_strictly():
    strange = {"/tmp/a.ipynb": notebook("%mystery on")}
    assert judge("opaque code", run("jupyter execute /tmp/a.ipynb", strange)) == ""


@pytest.mark.parametrize("text", ["not json", "[]", '{"cells": [1]}', '{"cells": {}}', "[" * 5_000])
def test_what_is_no_notebook_stays_project_code(text):
    assert judge("execute process, project", run("jupyter execute a.ipynb", {"a.ipynb": text})) == ""


PYPROJECT = """
[tool.taskipy.tasks]
wipe = "rm -rf /srv/data"
pre_wipe = "echo before"
[tool.pdm.scripts]
clean = {shell = "rm -rf /srv/pdm"}
all = {composite = ["clean", "echo done"]}
words = {cmd = ["rm", "-rf", "/srv/words"]}
call = {call = "app.main:run"}
[tool.hatch.envs.default.scripts]
gone = "rm -rf /srv/hatch"
[tool.hatch.envs.docs.scripts]
pages = ["rm -rf /srv/pages", "mkdocs build"]
"""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("task wipe", "inner rm -rf /srv/data"),
        ("task wipe", "inner echo before"),
        ("pdm run clean", "inner rm -rf /srv/pdm"),
        ("pdm run all", "inner rm -rf /srv/pdm"),
        ("pdm run all", "inner echo done"),
        ("pdm run words", "inner rm -rf /srv/words"),
        ("pdm run call", "harmless"),
        ("hatch run gone", "inner rm -rf /srv/hatch"),
        ("hatch run docs:pages", "inner rm -rf /srv/pages"),
        ("pdm run pytest", "inner pytest"),
        ("task unheard", "harmless"),
        ("task deploy", "opaque code"),
    ],
)
def test_the_scripts_of_pyproject_are_read(line, expected):
    assert judge(expected, run(line, {"pyproject.toml": PYPROJECT})) == ""


def test_scripts_that_name_one_another_come_to_an_end():
    text = '[tool.poe.tasks]\na = ["b", "a"]\nb = ["a", "b"]\n'
    assert judge("harmless", run("poe a", {"pyproject.toml": text})) == ""


def test_a_broken_manifest_leaves_the_name_to_decide():
    assert judge("opaque code", run("poe deploy", {"pyproject.toml": "[tool"})) == ""
    assert judge("opaque code", run("deno task deploy", {"deno.json": "{"})) == ""


@pytest.mark.parametrize("shebang", ["#!/usr/bin/env bash", "#!/bin/sh", "#! /usr/bin/env -S bash"])
def test_a_recipe_of_just_that_begins_as_a_shell_script_is_read(shebang):
    text = f"wipe:\n    {shebang}\n    rm -rf /srv/data\n"
    assert judge("inner #!", run("just wipe", {"justfile": text})) == ""


def test_a_package_of_go_that_is_run_is_read_file_by_file():
    text = 'package main\n\nimport "os"\n\nfunc main() {\n\tos.RemoveAll("/srv/data")\n}\n'
    for line, name in [("go run .", "main.go"), ("go run ./cmd/wipe", "cmd/wipe/main.go")]:
        found = run(line, {name: text, "x_test.go": text.replace("data", "tests")})
        assert judge("delete directory /srv/data", found) == "", line
        assert judge("never delete directory /srv/tests", found) == ""


def test_setup_py_can_publish():
    assert judge("publish package", run("python setup.py sdist upload", {})) == ""
    assert judge("never publish package", run("python setup.py sdist", {})) == ""


TASKFILE = """
version: '3'
vars:
  NOW: {sh: date}
  SECRET:
    sh: vault kv get secret/app
tasks:
  first: echo hi
  block:
    cmds:
      - |
        cd /srv
        rm -rf data
  later:
    cmds:
      - defer: rm -rf /srv/later
      - defer: {task: first}
  guarded:
    status:
      - test -f x
    preconditions:
      - sh: rm -rf /srv/guard
        msg: "gone"
    cmds: [echo x]
  inner:
    dir: sub
    cmd: make all
  nowhere:
    dir: "{{.WHERE}}"
    cmd: rm -rf data
  two:
    - task: given
      vars: {WHERE: /srv/a}
    - task: given
      vars: {WHERE: /srv/b}
  given: rm -rf {{.WHERE}}
  short:
    aliases: [s]
    cmd: rm -rf /srv/alias
  rest: echo {{.CLI_ARGS}}
  loop:
    deps: [loop]
    cmd: echo loop
"""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("task block", "inner cd /srv\nrm -rf data"),
        ("task later", "inner rm -rf /srv/later"),
        ("task later", "inner echo hi"),
        ("task guarded", "inner rm -rf /srv/guard"),
        ("task inner", "inner make all"),
        ("task nowhere", 'inner cd "${INTERLOCK_TASK}"\nrm -rf data'),
        ("task two", "inner rm -rf /srv/a"),
        ("task two", "inner rm -rf /srv/b"),
        ("task given", "inner rm -rf ${INTERLOCK_TASK}"),
        ("task given WHERE=/srv/c", "inner rm -rf /srv/c"),
        ("task rest -- deploy", "never opaque code"),
        ("task s", "inner rm -rf /srv/alias"),
        ("task rest -- hello", "inner echo hello"),
        ("task loop", "inner echo loop"),
        ("task first", "inner vault kv get secret/app"),
        ("task docs:deploy", "opaque code"),
        ("task docs:build", "harmless"),
    ],
)
def test_the_tasks_of_a_taskfile_are_read(line, expected):
    assert judge(expected, run(line, {"Taskfile.yml": TASKFILE})) == ""


@pytest.mark.parametrize(
    "text",
    [
        "tasks: &a\n  deploy: ls",
        "tasks:\n\tdeploy: ls",
        "tasks:\n  deploy: ls\n  deploy: rm x",
        "tasks:\n  deploy: !t ls",
        "tasks:\n  deploy: ls\n    -la",
        "tasks: {deploy: {cmd: ls}}",
        "tasks:\n  <<: x\n  deploy: ls",
        "---\ntasks:\n  deploy: ls\n---\na: b",
        "tasks:\n   deploy: ls\n  b: c",
        "? a\n: b",
        "[" * 5_000,
        "a:\n" + "".join(" " * n + "a:\n" for n in range(1, 200)),
    ],
)
def test_a_taskfile_beyond_plain_yaml_leaves_the_name_to_decide(text):
    assert judge("opaque code", run("task deploy", {"Taskfile.yml": text})) == ""
    assert judge("harmless", run("task build", {"Taskfile.yml": text})) == ""


def test_what_a_project_script_runs_for_each_of_several_constants_is_read():
    """Story: `for d in ("a", "/srv/data"): os.system(f"rm -rf {d}")` in a script of the project said nothing."""
    script = 'import os\nfor d in ("build", "/srv/data"):\n    os.system(f"rm -rf {d}")\n'
    assert judge("inner rm -rf /srv/data", run("python3 clean.py", {"clean.py": script})) == ""
