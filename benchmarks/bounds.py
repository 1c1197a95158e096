"""One megabyte of the worst that an agent could send, through every reader: time and memory of one reading.

    python benchmarks/bounds.py [--json]

The readers count their steps and give up as `opaque`; this shows that the bounds hold. The floor, measured in the same
run, is splitting the same text at its blanks. Most texts are a megabyte long; those of program text are as long as is
slowest, for what is longer is refused at once. Target: at most 50 ms and 50 MB for one reading of any text.
"""

from __future__ import annotations

import base64
import gc
import json
import random
import sys
import time
import tracemalloc
from typing import Any

from interlock.effects.catalogue import packaged
from interlock.effects.read import read_action
from interlock.model.action import Action, Principal
from interlock.model.world import Nowhere, Setting

SIZE = 1_000_000
SETTING = Setting(cwd="/home/dev/app", home="/home/dev", user="dev", workspace="/home/dev/app")
PRINCIPAL = Principal(agent="bench", session="")


def filled(piece: str, size: int = SIZE) -> str:
    """`piece` again and again, `size` characters long."""
    return (piece * (size // len(piece) + 1))[:size]


def bash(command: str) -> tuple[str, dict[str, Any]]:
    """A Bash call."""
    return "Bash", {"command": command}


def heredoc(program: str, line: str) -> tuple[str, dict[str, Any]]:
    """A program that reads a long here-document."""
    return bash(f"{program} <<'EOF'\n{filled(line)}\nEOF\n")


def quoted(program: str, piece: str) -> tuple[str, dict[str, Any]]:
    """A program with a long text as its argument."""
    return bash(f"{program} '{filled(piece)}'")


def cases() -> dict[str, tuple[str, dict[str, Any]]]:
    """Name to tool call; the same on every machine."""
    dice = random.Random(1)
    noise = "".join(chr(dice.randrange(32, 127)) for _ in range(SIZE))
    return programs() | {
        "commands": bash(filled("ls -la foo; ")),
        "and chain": bash(filled("ls && ")),
        "pipe": bash(filled("ls | ")),
        "functions": bash(filled("f(){ ls; }; f; ")),
        "variables": bash(filled("a=$a$b; ")),
        "doubling": bash("a=xxxxxxxx; " + "a=$a$a; " * 60 + "echo $a"),
        "words": bash("echo " + filled("word ")),
        "one word": bash("echo " + filled("a")),
        "double quotes": bash('echo "' + filled("a $x b ") + '"'),
        "10,000 substitutions deep": bash("$(" * 10_000 + "ls" + ")" * 10_000),
        "subshells": bash("(" * (SIZE // 2)),
        "backquotes": bash("`" * SIZE),
        "brace bomb": bash("echo {1..999999}{1..999999}"),
        "open braces": bash("echo " + "{" * SIZE),
        "stars": bash("rm " + "*" * SIZE),
        "ifs": bash(filled("if true; then ")),
        "cases": bash(filled("case x in a) ls;; esac; ")),
        "redirections": bash("ls " + filled("> a ")),
        "noise": bash(noise),
        "NULs": bash("\0" * SIZE),
        "here-document": heredoc("cat > f", "some text line here\n"),
        "python": heredoc("python3 -", "x = os.path.join('a', b[1])\n"),
        "javascript": heredoc("node -", "const x = fs.readFileSync('a');\n"),
        "ruby": quoted("ruby -e", "puts 1;"),
        "perl": quoted("perl -e", "print 1;"),
        "php": quoted("php -r", "echo 1;"),
        "sql": quoted("psql -c", "select 1; "),
        "sql, one statement": bash('psql -c "select ' + filled("1,") + '1"'),
        "sed": quoted("sed -e", "s/a/b/;"),
        "awk": quoted("awk", "{print $1} "),
        "jq": quoted("jq", ".a|"),
        "mongo": quoted("mongosh --eval", "db.a.find();"),
        "powershell": ("PowerShell", {"command": filled("Get-ChildItem -Path x; ")}),
        "base64 into bash": bash("echo " + base64.b64encode(noise[:700_000].encode()).decode() + " | base64 -d | bash"),
        "find": bash("find . " + filled("-name a -o ")),
        "wrappers": bash(filled("sudo ") + "ls"),
        "addresses": bash("curl " + filled("http://a.b/c ")),
        "write": ("Write", {"file_path": "/home/dev/app/x.py", "content": filled("some content ")}),
        "mcp text": ("mcp__x__y", {"text": filled("select 1; ")}),
        "mcp values": ("mcp__x__y", {"a": ["x y"] * 200_000}),
        "address": ("WebFetch", {"url": "https://a.b/" + filled("a"), "prompt": "x"}),
        "credentials": bash("echo " + filled("AKIAIOSFODNN7EXAMPLE ")),
    }


PROGRAMS = {
    "python3 -": ("", "a=b\n", "a.b()\n", "f(f(a))\n", "os.system('ls')\n", "lambda:a\n", "1\n", "x=x+'a'\n"),
    "node -": ("", "a = b;\n", "x.f(a);", "a.b.c.d;\n", "f(f(a));\n", "x=>x;\n", "process.env.A;\n", "[a,b]=[1,2];\n"),
    "ruby": ("", "a.b c\n", "[a,b]=1\n", "a {|x| x}\n", "system 'ls'\n", "1\n"),
    "perl": ("", "f a;\n", "$ENV{A};\n", "$a->b;\n", "@{[a]};\n", "system 'ls';\n", "my ($a,$b)=@c;\n"),
    "php": ("<?php ", "exec('ls');\n", "unlink('a');\n", "$a->b();\n", "[$a,$b]=$c;\n", "1;\n"),
}
SIZES = (3_000, 8_000, 20_000, 60_000)


def doubled(program: str, first: str, step: str, last: str) -> tuple[str, dict[str, Any]]:
    """A program that makes its value twice as large on each of thirty lines."""
    lines = (step.format(old=number, new=number + 1) for number in range(30))
    return bash(f"{program} <<'EOF'\n{first}\n" + "\n".join(lines) + "\n" + last.format(old=30) + "\nEOF\n")


def programs() -> dict[str, tuple[str, dict[str, Any]]]:
    """Program text that is dense, that folds without end, and that runs again and again."""
    out = {
        f"{program.split()[0]} {size}: {piece.strip()}": bash(
            f"{program} <<'EOF'\n{start}{piece * (size // len(piece))}\nEOF\n"
        )
        for program, (start, *pieces) in PROGRAMS.items()
        for piece in pieces
        for size in SIZES
    }
    out["python, doubled lists"] = doubled(
        "python3 -", "import os\na0=['x']", "a{new}=[a{old},a{old}]", "os.system(a{old})"
    )
    out["python, doubled text"] = doubled("python3 -", "import os\na0='x'", "a{new}=a{old}+a{old}", "os.remove(a{old})")
    out["node, doubled lists"] = doubled("node -", "const a0=['x']", "const a{new}=[...a{old},...a{old}]", "f(a{old})")
    out["python, called often"] = bash("f(){ python3 -c '" + "a=b\n" * 200 + "'; }; " + "f;" * 200)
    return out


def timed(action: Action) -> float:
    """Seconds of processor time of one reading."""
    begun = time.process_time()
    read_action(action, SETTING, Nowhere())
    return time.process_time() - begun


def measured(tool: str, given: dict[str, Any]) -> dict[str, float]:
    """Milliseconds and megabytes of one reading, and the milliseconds of the floor."""
    action = Action(tool=tool, input=given, cwd=SETTING.cwd, principal=PRINCIPAL)
    spent = min(timed(action) for _ in range(3))
    tracemalloc.start()
    read_action(action, SETTING, Nowhere())
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    text = " ".join(value for value in given.values() if isinstance(value, str))
    begun = time.process_time()
    text.split()
    floor = time.process_time() - begun
    return {"ms": round(spent * 1e3, 1), "mb": round(most / 1e6, 1), "floor_ms": round(floor * 1e3, 2)}


def main() -> None:
    """Measure and print, the slowest first."""
    assert packaged().families  # the daemon compiles them before it serves
    gc.collect()
    gc.freeze()  # as the daemon does once it serves
    found = {}
    for name, (tool, given) in cases().items():
        short = {key: value[:60] if isinstance(value, str) else value[:3] for key, value in given.items()}
        measured(tool, short)  # imports
        found[name] = measured(tool, given)
    if "--json" in sys.argv:
        print(json.dumps(found))
        return
    print(f"{'input':34} {'time':>9} {'memory':>9}   over the floor")
    for name, row in sorted(found.items(), key=lambda item: -item[1]["ms"]):
        over = f"{row['ms'] / row['floor_ms']:.0f} x" if row["floor_ms"] >= 0.05 else "-"
        print(f"{name:34} {row['ms']:6.1f} ms {row['mb']:6.1f} MB   {over}")
    worst, largest = max(row["ms"] for row in found.values()), max(row["mb"] for row in found.values())
    print(f"worst: {worst} ms, {largest} MB (targets: 50 ms, 50 MB)")


if __name__ == "__main__":
    main()
