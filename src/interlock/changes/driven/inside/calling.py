"""One call of one version: how it ends, within a moment."""

from __future__ import annotations

import inspect
import opcode
import signal
import types
from typing import Any

from .unknown import told
from .world import World

_MOMENT = 0.15  # CPU-seconds of one call
_WAITING = 0.5  # seconds of one that waits for what nobody does
_RAISE = opcode.opmap["RAISE_VARARGS"]


class Late(BaseException):
    """A call took too long."""


class _Alarm:
    """Ends a call that takes too long. `armed`: a call runs; an alarm that comes after its end ends nothing."""

    armed = False

    def rings(self, _number: int, _frame: object) -> None:
        if self.armed:
            raise Late


ALARM = _Alarm()


def called(world: World, function: Any, *args: Any, **words: Any) -> tuple[str, Any]:
    """How a call ends, and what it gives or raises."""
    # Both again, for code that catches the first.
    signal.setitimer(signal.ITIMER_VIRTUAL, _MOMENT, _MOMENT)
    signal.setitimer(signal.ITIMER_REAL, _WAITING, _WAITING)
    try:
        ALARM.armed = True
        return "gives", _whole(function(*args, **words))
    except Late:
        return "late", None
    except (MemoryError, RecursionError):
        return "large", None
    except (SystemExit, KeyboardInterrupt, GeneratorExit) as error:
        return "raises", type(error).__name__
    except Exception as error:  # noqa: BLE001 - what it raises is its answer
        if isinstance(error, TypeError):
            told(str(error))
        return ("stumbles" if _stumbled(error, world) else "raises"), type(error).__name__
    finally:
        ALARM.armed = False
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _whole(found: Any) -> Any:
    """What a generator yields, what a coroutine returns."""
    if inspect.iscoroutine(found):
        try:
            for _ in range(100):
                found.send(None)
        except StopIteration as end:
            return end.value
        found.close()
        return None
    if isinstance(found, types.GeneratorType):
        return [one for _, one in zip(range(50), found, strict=False)]
    return found


def _looked_up(key: Any, world: World) -> bool:
    """Whether a key that is missing may have been refused: it is a name that nothing was asked to have, or the version
    has a table with such keys."""
    if isinstance(key, str):
        return key not in world.words
    tables = [one for one in vars(world.module).values() if isinstance(one, dict)]
    return any(type(name) is type(key) for table in tables for name in table)


def _stumbled(error: Exception, world: World) -> bool:
    """Whether nobody refused: no `raise` of the version said so, and the error is that of a value of another kind, of
    a part that was not given, or of a file that is not there."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    own = at is not None and at.tb_frame.f_code.co_filename == world.module.__file__
    if own and at is not None and at.tb_frame.f_code.co_code[at.tb_lasti] == _RAISE:
        return False
    if isinstance(error, IndexError) or (isinstance(error, ValueError) and "embedded null" in str(error)):
        return True  # nobody looked how long it is, or handed on what no system takes
    if isinstance(error, LookupError):
        return not own or (bool(error.args) and not _looked_up(error.args[0], world))
    if isinstance(error, OSError):
        return not isinstance(error, PermissionError | FileExistsError)
    return isinstance(error, AttributeError | TypeError | NameError | ArithmeticError)
