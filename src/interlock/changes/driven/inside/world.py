"""One version of a module, loaded where clock, chance and what is not installed are ours.

Two versions can only be compared where both see the same time and draw the same numbers. What a module imports and is
not here becomes a `Stub`, which takes every call and writes it down. Each version has its own copy of all that it
imports, which is what imports find as long as it runs.
"""

from __future__ import annotations

import copy
import datetime
import importlib.abc
import importlib.machinery
import importlib.util
import os
import random
import re
import sys
import time
import types
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, ClassVar

_START = 1_750_000_000.0  # seconds since 1970; any time will do that is the same for both
_STATE = (dict, list, set)
_INSTALLED = re.compile(r"[/\\](?:site|dist)-packages[/\\]")


class Notes:
    """What the running version did to the world: calls of stubs, and bytes of chance that it drew."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.drawn = 0
        self.clock = _START
        self.chance = random.Random(0)  # noqa: S311 - the same for both versions

    def clear(self, seed: int) -> None:
        """A new walk begins."""
        self.calls.clear()
        self.drawn, self.clock = 0, _START
        self.chance.seed(seed)
        random.seed(seed)


NOTES = Notes()


class _StubError(Exception):
    def __init__(self, *args: Any, **_: Any) -> None:
        super().__init__(*args)


class _StubBase:
    """What a class is made of whose bases are not here."""

    __slots__ = ()

    def __init__(self, *_: Any, **fields: Any) -> None:
        for name, value in fields.items():
            with suppress(AttributeError):
                setattr(self, name, value)

    def __init_subclass__(cls, **_: Any) -> None:
        super().__init_subclass__()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Stub(name)


class Stub:
    """Something that is not here. It takes every call, gives another one, and is empty."""

    def __init__(self, name: str) -> None:
        self.__dict__["_name"] = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name.endswith(("Error", "Exception", "Exit", "Timeout", "Expired", "NotFound", "Denied", "Exists")):
            return type(name, (_StubError,), {})
        return Stub(f"{self._name}.{name}")

    def __setattr__(self, name: str, value: Any) -> None:
        NOTES.calls.append((f"{self._name}.{name} =", value))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs and isinstance(args[0], types.FunctionType | type):
            return args[0]  # as a decorator
        NOTES.calls.append((self._name, (args, kwargs)))
        return Stub(f"{self._name}()")

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        # Two bases that are not here are one: a class may not have the same base twice.
        first = next(base for base in bases if isinstance(base, Stub))
        return (_StubBase,) if self is first else ()

    def __getitem__(self, key: Any) -> Any:
        return Stub(f"{self._name}[{key!r}]"[:80])

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return True

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __repr__(self) -> str:
        return f"<{self._name}>"

    def __setitem__(self, key: Any, value: Any) -> None:
        NOTES.calls.append((f"{self._name}[] =", (key, value)))

    def __instancecheck__(self, _value: Any) -> bool:
        return False

    __subclasscheck__ = __instancecheck__

    def __or__(self, _other: Any) -> Any:
        return self

    __ror__ = __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __and__ = __or__

    def __lt__(self, _other: Any) -> bool:
        return False

    __gt__ = __lt__

    def __ge__(self, _other: Any) -> bool:
        return True

    __le__ = __ge__


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds what nobody else finds."""

    def find_spec(self, name: str, _path: Sequence[str] | None, _target: Any = None) -> Any:
        # An installed package asks for what it can do without: a stub would be taken for it.
        if name.partition(".")[0] in sys.stdlib_module_names or _INSTALLED.search(_asks()):
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: Any) -> Any:
        return _StubModule(spec.name)

    def exec_module(self, _module: Any) -> None:
        return None


def _asks() -> str:
    """The file of the code whose import is looked for."""
    frame = sys._getframe(2)
    while frame.f_back is not None and (frame.f_globals.get("__name__") or "").startswith("importlib"):
        frame = frame.f_back
    return frame.f_code.co_filename


class _StubModule(types.ModuleType):
    __version__ = "1.0"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(Stub(self.__name__), name)


def _urandom(count: int) -> bytes:
    NOTES.drawn += count
    return NOTES.chance.randbytes(count)


def _now() -> float:
    return NOTES.clock


def _slept(seconds: float) -> None:
    NOTES.clock += max(0.0, float(seconds))


class _Datetime(datetime.datetime):
    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return cls.fromtimestamp(NOTES.clock, tz or datetime.UTC).replace(tzinfo=tz)

    @classmethod
    def utcnow(cls) -> Any:
        return cls.now()


class _Date(datetime.date):
    @classmethod
    def today(cls) -> Any:
        return cls.fromtimestamp(NOTES.clock)


def settle() -> None:
    """Put our clock, our chance and our finder in place. The process is ours, and ends after the walks."""
    os.urandom = _urandom
    random._urandom = _urandom  # type: ignore[attr-defined]
    for name in ("time", "monotonic", "perf_counter"):
        setattr(time, name, _now)
    for name in ("time_ns", "monotonic_ns", "perf_counter_ns"):
        setattr(time, name, lambda: int(NOTES.clock * 1e9))
    time.sleep = _slept  # type: ignore[assignment]
    datetime.datetime, datetime.date = _Datetime, _Date  # type: ignore[misc]
    sys.meta_path.append(_Finder())
    _OURS.update(sys.modules)


_OURS: set[str] = set()  # modules that were there before any version
_SHARED: dict[str, types.ModuleType] = {}  # those that both versions have one copy of


class World:
    """One version of a module: `module`, and the state that its names hold, as it was when it was loaded."""

    _standing: ClassVar[World | None] = None

    def __init__(self, root: str, path: str, scratch: str, paths: Sequence[str]) -> None:
        self.scratch = scratch
        self.words: frozenset[str] = frozenset()  # texts that its code names
        os.makedirs(scratch, exist_ok=True)
        self._root, self._paths = root, [*_paths(root, path, paths), *(one for one in _PATHS if one)]
        self._modules: dict[str, types.ModuleType] = {}
        self._stand()
        importlib.invalidate_caches()
        self.module = _loaded(root, path, paths)
        self._state = {
            name: copy.deepcopy(value)
            for name, value in named(self.module)
            if isinstance(value, _STATE) and not name.startswith("__")
        }

    def _stand(self) -> None:
        """From here on imports find this version, also those within its functions."""
        if World._standing is self:
            return
        if World._standing is not None:
            World._standing._leave()
        World._standing = self
        sys.modules.update(_SHARED)
        sys.modules.update(self._modules)
        sys.path[:] = self._paths

    def _leave(self) -> None:
        known = len(self._modules)
        self._modules = {name: sys.modules.pop(name) for name in set(sys.modules) - _OURS}
        if len(self._modules) > known and any(map(_compiled, self._modules.values())):
            # Most of what is written in C loads once in a process, and knows the classes of what it was loaded with.
            for name, module in self._modules.items():
                if not self._mine(module):
                    _SHARED.setdefault(name, module)

    def _mine(self, module: types.ModuleType) -> bool:
        """Whether it is a file or a folder of this version, or made up for it."""
        try:
            places = [getattr(module, "__file__", None) or "", *(getattr(module, "__path__", None) or ())]
        except Exception:  # noqa: BLE001 - the path of a package whose parent is not there
            return True
        return isinstance(module, _StubModule) or any(place.startswith(self._root + os.sep) for place in places)

    def begin(self, seed: int) -> None:
        """A new walk: the state of its names is what it was, and its folder is empty."""
        self._stand()
        NOTES.clear(seed)
        for name, was in self._state.items():
            value = vars(self.module).get(name)
            if type(value) is type(was) and value != was:
                value.clear()
                (value.extend if isinstance(value, list) else value.update)(copy.deepcopy(was))
        for _, value in named(self.module):
            forget = getattr(value, "cache_clear", None)
            if callable(forget) and not isinstance(value, Stub):
                forget()
        os.chdir(self.scratch)


def named(module: types.ModuleType) -> Iterator[tuple[str, Any]]:
    """What a module holds, without what stands for something that is not there yet (a request, an application's
    settings): that answers a look with an error."""
    for name, value in list(vars(module).items()):
        try:
            _ = isinstance(value, type), getattr(value, "__wrapped__", None), getattr(value, "cache_clear", None)
        except Exception:  # noqa: BLE001, S112 - whatever a package raises for it
            continue
        yield name, value


def _compiled(module: types.ModuleType) -> bool:
    """Whether it is written in C, and installed."""
    file = getattr(module, "__file__", None) or ""
    return file.endswith(tuple(importlib.machinery.EXTENSION_SUFFIXES)) and bool(_INSTALLED.search(file))


_PATHS = tuple(sys.path)


def _paths(root: str, path: str, paths: Sequence[str]) -> Iterator[str]:
    """Where imports are looked for first: the folder that the module's package stands in, and those of the tests."""
    folder = os.path.dirname(os.path.join(root, path))
    while os.path.exists(os.path.join(folder, "__init__.py")) and len(folder) > len(root):
        folder = os.path.dirname(folder)
    yield from dict.fromkeys((folder, *(os.path.normpath(os.path.join(root, one)) for one in (*paths, "src", "."))))


def _loaded(root: str, path: str, paths: Sequence[str]) -> types.ModuleType:
    whole = os.path.join(root, path)
    parts, folder = [os.path.basename(path).removesuffix(".py")], os.path.dirname(whole)
    while os.path.exists(os.path.join(folder, "__init__.py")) and len(folder) > len(root):
        parts.insert(0, os.path.basename(folder))
        folder = os.path.dirname(folder)
    name = ".".join(parts)
    if len(parts) > 1:
        return importlib.import_module(name)  # its package imports it in the order that it is used to
    name = _spaced(path, paths) or name  # `from . import` wants a package
    spec = importlib.util.spec_from_file_location(name, whole)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _spaced(path: str, paths: Sequence[str]) -> str:
    """The dotted name of a module in a folder without `__init__.py` below one that tests import from; or ""."""
    homes = sorted((one for one in paths if one != "." and path.startswith(one + "/")), key=len)
    parts = path[len(homes[-1]) + 1 :].removesuffix(".py").split("/") if homes else []
    return ".".join(parts) if len(parts) > 1 and all(map(str.isidentifier, parts)) else ""
