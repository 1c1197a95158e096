"""Reading an agent's own record: what is new, once, and never waiting."""

from __future__ import annotations

import json
import os
from pathlib import Path

from interlock.gates.hooks.record import TranscriptReader


def line(call: str) -> str:
    block = {"type": "tool_use", "id": call, "name": "Bash", "input": {}}
    return json.dumps({"type": "assistant", "message": {"content": [block]}}) + "\n"


def test_each_call_is_given_once(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    file.write_text(line("old"))
    reader = TranscriptReader()
    reader.begin(str(file))
    assert reader.new_calls("claude", str(file)) == []
    with file.open("a") as end:
        end.write(line("new") + line("half")[:20])
    assert reader.new_calls("claude", str(file)) == [("new", "Bash")]
    with file.open("a") as end:
        end.write(line("half")[20:])
    assert reader.new_calls("claude", str(file)) == [("half", "Bash")]
    assert reader.new_calls("claude", str(file)) == []


def test_a_record_that_was_cut_is_read_again(tmp_path: Path) -> None:
    """Story: an agent emptied its transcript and wrote on; the comparison stood beyond the end and saw nothing more."""
    file = tmp_path / "t.jsonl"
    file.write_text(line("a") * 50)
    reader = TranscriptReader()
    reader.begin(str(file))
    file.write_text(line("unseen"))
    assert reader.new_calls("claude", str(file)) == [("unseen", "Bash")]


def test_a_fifo_does_not_stop_the_reader(tmp_path: Path) -> None:
    fifo = tmp_path / "t.jsonl"
    os.mkfifo(fifo)
    reader = TranscriptReader()
    reader.begin(str(fifo))
    assert reader.new_calls("claude", str(fifo)) == []


def test_a_huge_record_is_read_in_steps(tmp_path: Path) -> None:
    file = tmp_path / "t.jsonl"
    file.touch()
    reader = TranscriptReader()
    reader.begin(str(file))
    with file.open("w") as end:
        end.write(" " * (9 << 20) + "\n" + line("late"))
    found = [call for _ in range(3) for call in reader.new_calls("claude", str(file))]
    assert found == [("late", "Bash")]


def test_only_so_many_records_are_remembered(tmp_path: Path) -> None:
    reader = TranscriptReader()
    for number in range(250):
        reader.begin(str(tmp_path / str(number)))
    assert len(reader._offsets) <= 200
