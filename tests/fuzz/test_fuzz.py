"""A coverage-guided run of the fuzzer over every reader, from the corpus and a fixed seed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from corpus.scoring import load

RUNS = 60_000


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this Python")
def test_no_bytes_break_a_reader(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    texts = [case.input["command"] for cases in load().values() for case in cases[::12] if case.tool == "Bash"]
    for number, text in enumerate(texts):
        (seeds / str(number)).write_bytes(b"\x00" + text.encode()[:2_000])
    for door in range(100, 230):
        (seeds / f"door{door}").write_bytes(bytes([door]) + b"import os; os.system('x'); a=b+1 # $x \"y\" {z}\n")
    done = subprocess.run(
        [
            sys.executable, str(Path(__file__).with_name("target.py")), f"-runs={RUNS}", "-seed=20261128",
            "-max_len=1024", "-timeout=20", f"-artifact_prefix={tmp_path}/", str(seeds),
        ],
        capture_output=True,
        timeout=600,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")[-3_000:]
    assert f"Done {RUNS} runs" in done.stderr.decode("utf-8", "replace")
