"""The client compiles without a warning, ships in the wheel, and the wheel says which machines it is for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from native.conftest import ROOT, SHARED, SOURCES, hatch_build

STRICT = [
    "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion", "-Wformat=2", "-Wvla",
    "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wpointer-arith", "-Wwrite-strings", "-Wundef",
]  # fmt: skip


@pytest.mark.parametrize("compiler", ["cc", "musl-gcc", "clang"])
def test_no_compiler_has_anything_to_say(compiler: str, tmp_path: Path) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler} here")
    command = [
        compiler,
        *STRICT,
        "-o",
        str(tmp_path / "hook"),
        str(ROOT / "native/interlock_hook.c"),
        *map(str, SHARED),
    ]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hook", "run"])
def test_it_compiles_for_the_other_architecture_without_a_word(name: str, tmp_path: Path) -> None:
    """System call numbers and the filter's architecture differ there; where an emulator is, the product also runs."""
    compiler = shutil.which("aarch64-linux-gnu-gcc")
    if compiler is None:
        pytest.skip("no aarch64-linux-gnu-gcc here")
    sources = [ROOT / "native/interlock_hook.c", *SHARED] if name == "hook" else SOURCES
    command = [compiler, *STRICT, "-static", "-o", str(tmp_path / name), *map(str, sources)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert (tmp_path / name).read_bytes()[18:20] == b"\xb7\x00"  # the ELF header's machine
    emulator = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
    if emulator is not None:
        called = subprocess.run(
            [emulator, str(tmp_path / name)], capture_output=True, stdin=subprocess.DEVNULL, check=False
        )
        assert called.returncode == {"hook": 2, "run": 125}[name]
        assert b"Interlock" in called.stderr


def test_both_clients_know_the_same_events_and_limits() -> None:
    c = (ROOT / "native/interlock_hook.c").read_text()
    python = (ROOT / "src/interlock/gates/hooks/client.py").read_text()
    in_c = re.search(r"names\[\] = \{(.*?)\}", c, re.DOTALL)
    in_python = re.search(r"ONLY_TELL = frozenset\(\s*\{(.*?)\}", python, re.DOTALL)
    assert in_c is not None
    assert in_python is not None
    words = re.compile(r'"([A-Za-z]+)"')
    assert sorted(words.findall(in_c[1])) == sorted(words.findall(in_python[1]))
    inherited_c = re.search(r"kept\[\] = \{(.*?)\}", c, re.DOTALL)
    inherited_python = re.search(r"INHERITED = \((.*?)\n\)", python, re.DOTALL)
    assert inherited_c is not None
    assert inherited_python is not None
    names = re.compile(r'"([A-Z_]+)"')
    assert names.findall(inherited_c[1]) == names.findall(inherited_python[1])


def test_the_clients_and_the_gates_agree_on_which_events_only_tell() -> None:
    from interlock.gates.hooks import claude, client, codex
    from interlock.gates.install import handlers

    for module in (claude, codex):
        assert module.TELLING_OTHERS <= client.ONLY_TELL
        stoppable = {"tool.before", "prompt", "config.change", "permission"}
        for name, moment in module.MOMENTS.items():
            assert (name in client.ONLY_TELL) == (moment.value not in stoppable)
    for agent in ("claude", "codex"):
        assert not set(handlers.asking(agent)) & client.ONLY_TELL
        assert set(handlers.telling(agent)) <= client.ONLY_TELL


def test_the_fallback_takes_nothing_from_the_environment(tmp_path: Path) -> None:
    """`python -I -S`: a module planted beside it, in PYTHONPATH or in the user's site must not be imported."""
    script = tmp_path / "interlock-hook"
    hatch_build.write_python_client(ROOT / "src/interlock/gates/hooks/client.py", script)
    script.chmod(0o755)
    for name in ("socket.py", "json.py", "sitecustomize.py", "usercustomize.py"):
        (tmp_path / name).write_text("open('/proc/self/cwd/planted', 'w')\nraise SystemExit(0)\n")
    environ = {"PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": str(tmp_path / "json.py"), "HOME": str(tmp_path)}
    ran = subprocess.run(
        [str(script), "claude"], input=b"{}", cwd=tmp_path, env=environ, capture_output=True, check=False
    )
    assert ran.returncode == 2
    assert not (tmp_path / "planted").exists()


def test_where_the_launcher_does_not_compile_it_is_absent(tmp_path: Path) -> None:
    """As on another system: no launcher, and no failure of the installation."""
    sources = tmp_path / "run"
    sources.mkdir()
    (sources / "main.c").write_text("#error another system\n")
    (tmp_path / "wire.c").write_text("")
    assert not hatch_build.compile_launcher(sources, tmp_path / "interlock-run")


def build(target: Path, environ: dict[str, str]) -> Path:
    code = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    subprocess.run(
        [sys.executable, "-c", code, str(target)], cwd=ROOT, env=os.environ | environ, check=True, capture_output=True
    )
    (wheel,) = target.glob("*.whl")
    return wheel


@pytest.mark.slow
def test_a_wheel_with_a_binary_is_for_this_platform(tmp_path: Path, programs: Callable[[str], Path | None]) -> None:
    if programs("c") is None:
        pytest.skip("no C compiler here")
    wheel = build(tmp_path, {})
    assert re.search(r"-py3-none-linux_\w+\.whl$", wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".data/scripts/interlock-hook")]
        assert archive.read(name)[:4] == b"\x7fELF"
        assert archive.getinfo(name).external_attr >> 16 & 0o111
        (launcher,) = [name for name in archive.namelist() if name.endswith(".data/scripts/interlock-run")]
        assert archive.read(launcher)[:4] == b"\x7fELF"
        assert archive.getinfo(launcher).external_attr >> 16 & 0o111


@pytest.mark.slow
def test_a_wheel_without_a_compiler_is_for_all(tmp_path: Path) -> None:
    wheel = build(tmp_path, {"INTERLOCK_HOOK": "python"})
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert not [name for name in archive.namelist() if name.endswith("interlock-run")]
        (name,) = [name for name in archive.namelist() if name.endswith(".data/scripts/interlock-hook")]
        archive.extract(name, tmp_path)
    script = tmp_path / name
    script.chmod(0o755)
    ran = subprocess.run([str(script)], input=b"{}", env={}, capture_output=True, check=False)
    assert ran.returncode == 2
    assert b"called in a wrong way" in ran.stderr
