"""A plugin of pytest that runs inside the room: what became of each test, and which of the watched lines it ran.

It is read as a file and never imported by Interlock: nothing but pytest and the standard library is there. It says
one JSON object at the end, after a mark; a run without that line has said nothing.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

_ASKED: dict[str, Any] = json.loads(os.environ.pop("INTERLOCK_PROBE", "{}"))
_WATCHED: frozenset[str] = frozenset(_ASKED.get("watch", ()))
_ran: dict[str, dict[int, set[str]]] = {path: {} for path in _WATCHED}
_tests: dict[str, str] = {}
_errors: list[str] = []
_now = [""]  # the test at work; "" while modules are imported
_OUTPUT = os.dup(1)  # before pytest takes it away
_MOST = 40  # tests that are remembered of one line


def _line(path: str, number: int) -> None:
    tests = _ran[path].setdefault(number, set())
    if len(tests) < _MOST:
        tests.add(_now[0])


def _trace(frame: Any, event: str, _: Any) -> Any:
    if frame.f_code.co_filename not in _WATCHED:
        return None
    if event == "line":
        _line(frame.f_code.co_filename, frame.f_lineno)
    return _trace


def _monitored(code: Any, number: int) -> Any:
    monitoring: Any = vars(sys)["monitoring"]
    if code.co_filename in _WATCHED:
        _line(code.co_filename, number)
    return monitoring.DISABLE


def _start() -> None:
    monitoring = vars(sys).get("monitoring")
    if monitoring is None:
        threading.settrace(_trace)
        sys.settrace(_trace)
    else:
        monitoring.use_tool_id(monitoring.COVERAGE_ID, "interlock")
        monitoring.register_callback(monitoring.COVERAGE_ID, monitoring.events.LINE, _monitored)
        monitoring.set_events(monitoring.COVERAGE_ID, monitoring.events.LINE)


def _next(name: str) -> None:
    """Another test: lines that were seen in the last one count anew."""
    _now[0] = name
    monitoring = vars(sys).get("monitoring")
    if monitoring is not None and _WATCHED:
        monitoring.restart_events()


if _WATCHED:
    _start()


def pytest_runtest_logstart(nodeid: str) -> None:
    """A test begins."""
    _next(nodeid)
    if _WATCHED and "monitoring" not in vars(sys):
        sys.settrace(_trace)  # a test that set its own left none


def pytest_runtest_logreport(report: Any) -> None:
    """One phase of a test is over; the worst of them counts, and a test that only passed its call has passed."""
    if report.failed:
        _tests[report.nodeid] = "failed"
    elif report.skipped:
        _tests.setdefault(report.nodeid, "skipped")
    elif report.when == "call":
        _tests.setdefault(report.nodeid, "passed")


def pytest_collectreport(report: Any) -> None:
    """A file whose tests cannot be collected."""
    if report.failed:
        _errors.append(report.nodeid)


def pytest_sessionfinish(exitstatus: int) -> None:
    """Say what was seen, on a line of the standard output that pytest was started with."""
    _now[0] = ""
    seen = {
        "status": int(exitstatus),
        "tests": _tests,
        "errors": _errors,
        "lines": {path: {str(n): sorted(t) for n, t in lines.items()} for path, lines in _ran.items()},
    }
    left = f"\n{_ASKED.get('mark')} {json.dumps(seen)}\n".encode()
    while left:
        left = left[os.write(_OUTPUT, left) :]
