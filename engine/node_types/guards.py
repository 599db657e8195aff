"""Global state that a node must leave as it found it: default dtype, random numbers, working directory.

State is read before a node's function is called and put back afterwards; what had changed is reported. An ``async``
node shares its thread with others, so its changes are put back at each ``await`` and made again when it goes on.

Reading and comparing takes some ten microseconds, which is much beside ``a + b``. Functions that cannot reach global
state, because they name nothing outside themselves, are not watched.
"""

from __future__ import annotations

import builtins
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from types import CodeType
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_NO_REACH = frozenset(
    item.__name__
    for item in (
        abs,
        all,
        any,
        bool,
        bytes,
        dict,
        divmod,
        enumerate,
        float,
        frozenset,
        int,
        len,
        list,
        max,
        min,
        range,
        repr,
        reversed,
        round,
        set,
        sorted,
        str,
        sum,
        tuple,
        zip,
        ArithmeticError,
        IndexError,
        KeyError,
        TypeError,
        ValueError,
        ZeroDivisionError,
    )
)
"""Builtins that lead nowhere."""


class Guard(ABC):
    """One piece of global state. Module-level instances are found by discovery.

    Attributes:
        per_thread: whether each thread has a state of its own.
    """

    per_thread = False

    @abstractmethod
    def read(self) -> Any:
        """The state as it is now."""

    @abstractmethod
    def put_back(self, state: Any) -> list[str]:
        """Make it as it was when ``state`` was read; names of what had changed."""


States = list[tuple[Guard, Any]]
Report = Callable[[list[str], list[str]], None]
"""Told what had changed, and which other nodes may have done it because they ran at the same time."""


class Guards:
    """Watches the nodes of one executor.

    While several watched nodes run at once, nobody can say which of them changes what the process shares, and putting
    it back for one would take it from another. So that is done when the last of them has ended.
    """

    def __init__(self, guards: Sequence[Guard]) -> None:
        self._of_thread = [guard for guard in guards if guard.per_thread]
        self._of_process = [guard for guard in guards if not guard.per_thread]
        self._lock = threading.Lock()
        self._running = 0
        self._before: States = []
        self._together: dict[str, None] = {}

    def __bool__(self) -> bool:
        return bool(self._of_thread or self._of_process)

    def begin(self) -> States:
        """A node is about to run on this thread; hand the result to :meth:`end`."""
        with self._lock:
            if self._running == 0:
                self._before = [(guard, guard.read()) for guard in self._of_process]
                self._together.clear()
            self._running += 1
        return [(guard, guard.read()) for guard in self._of_thread]

    def end(self, own: States, node: str) -> tuple[list[str], list[str]]:
        """The node (a name for messages) has run: what had changed, and who else may have done it."""
        changed = put_back(own)
        with self._lock:
            self._running -= 1
            self._together[node] = None
            if self._running:
                return changed, []
            shared = put_back(self._before)
            others = [name for name in self._together if name != node]
        return changed + shared, others if shared else []

    @contextmanager
    def watch(self, node: str, report: Report) -> Iterator[None]:
        """Watch what is called inside the block."""
        own = self.begin()
        try:
            yield
        finally:
            changed, others = self.end(own, node)
            if changed:
                report(changed, others)

    def states(self) -> States:
        """Everything as it is now, for :func:`put_back`."""
        return [(guard, guard.read()) for guard in (*self._of_thread, *self._of_process)]


def put_back(states: States) -> list[str]:
    """Make everything as it was; names of what had changed."""
    return [name for guard, state in states for name in guard.put_back(state)]


class Guarded(Generic[T]):
    """Awaits a coroutine whose changes of global state nobody else sees. What it leaves changed at its end is told."""

    def __init__(self, coroutine: Coroutine[Any, Any, T], guards: Guards, node: str, report: Report) -> None:
        self._coroutine = coroutine
        self._guards = guards
        self._node = node
        self._report = report

    def __await__(self) -> Generator[Any, Any, T]:
        inner: Any = self._coroutine.__await__()
        go_on, word = inner.send, None
        changes: States = []  # what the coroutine had changed at its last await
        while True:
            own = self._guards.begin()
            put_back(changes)
            ended = True
            try:
                awaited = go_on(word)
                ended = False
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            finally:
                changes = [] if ended else self._guards.states()
                changed, others = self._guards.end(own, self._node)
                if changed and (ended or others):
                    self._report(changed, others)
            if not changed:
                changes = []
            try:
                go_on, word = inner.send, (yield awaited)
            except BaseException as error:  # a cancellation, or whatever else the loop throws in
                go_on, word = inner.throw, error


@lru_cache(maxsize=4096)
def reaches_global_state(function: Callable[..., Any]) -> bool:
    """Whether a function names anything outside itself: a module, another function, an attribute."""
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType) or getattr(function, "__closure__", None):
        return True
    world = getattr(function, "__globals__", {})
    stack = [code]
    while stack:
        current = stack.pop()
        for name in current.co_names:
            if name not in _NO_REACH or world.get(name, getattr(builtins, name)) is not getattr(builtins, name):
                return True
        stack += [constant for constant in current.co_consts if isinstance(constant, CodeType)]
    return False
