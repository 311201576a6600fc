"""Put back what a job changed in its process, so that the next one finds it as in a fresh one.

What can be put back is put back; what cannot (a thread that goes on, an open file, a process left
behind, a module that was replaced) is a reason to replace the process. What lies inside modules (a
cache, a changed default) is not looked at: docs/warm.md says what a job may not rely on.
"""

from __future__ import annotations

import _thread
import atexit
import ctypes
import decimal
import gc
import importlib
import locale
import logging
import os
import random
import resource
import signal
import sys
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from controller.execution.process_facts import has_children, is_open, open_files

_LIBC = ctypes.CDLL(None)
_PR_SET_CHILD_SUBREAPER = 36
_handler_of: Callable[[int], Any] = importlib.import_module("_signal").getsignal
"""What `signal.getsignal` asks, without making members of an enumeration for sixty signals."""
_HOOKS = ("excepthook", "displayhook", "unraisablehook", "breakpointhook")
_CANNOT_BE_HANDLED = (signal.SIGKILL, signal.SIGSTOP)


class ProcessState:
    """The state of this process before its first job, and how to come back to it.

    Random numbers are not part of it: see `new_random_numbers`.

    Parameters
    ----------
    home
        Working directory between jobs.
    """

    def __init__(self, home: str = "/") -> None:
        self._home = home
        with suppress(AttributeError, OSError):
            # Processes that a job leaves behind become children of this one: it sees them.
            _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        os.chdir(home)
        self._umask = _umask()
        self._locale = locale.setlocale(locale.LC_ALL)
        self._limits = {kind: resource.getrlimit(kind) for kind in _limit_kinds()}
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        self._nice = os.nice(0)
        self._processors = _affinity()
        self._at_exit = _ExitFunctions()
        self._note()

    def adopt(self) -> None:
        """Take the present state for that before a job: what modules have set belongs to it.

        Called when a job has imported its function, before that runs. A module may configure
        logging or warnings when it is imported, and is imported once only.
        """
        if len(sys.modules) != len(self._modules):
            self._note()

    def keep_open(self, number: int) -> None:
        """Say that an open file is not a job's."""
        self._files.add(number)

    def _note(self) -> None:
        self._environ = dict(os.environ)
        self._path, self._argv = list(sys.path), list(sys.argv)
        self._meta_path, self._path_hooks = list(sys.meta_path), list(sys.path_hooks)
        self._hooks = {name: getattr(sys, name) for name in _HOOKS}
        self._thread_hook = threading.excepthook
        self._tracing = sys.gettrace(), sys.getprofile()
        self._recursion, self._switching = sys.getrecursionlimit(), sys.getswitchinterval()
        self._gc = gc.isenabled(), gc.get_threshold()
        self._signals = {
            number: _handler_of(number)
            for number in signal.valid_signals()
            if number not in _CANNOT_BE_HANDLED
        }
        self._logging = _Logging()
        self._filters, self._shower = list(warnings.filters), warnings.showwarning
        self._context = decimal.getcontext().copy()
        self._numpy = _numpy_settings()
        self._modules = dict(sys.modules)
        self._threads = _thread._count()
        self._files = open_files()
        self._at_exit.note()

    def restore(self) -> str | None:
        """Put everything back; standard streams must be closed or none of the job's by now.

        Returns
        -------
        str
            Why this process should not run another job; None when there is no reason.
        """
        doubts = [doubt for doubt in map(_tried, self._ways_back()) if doubt]
        doubts += filter(None, (self._leftover(),))
        return doubts[0] if doubts else None

    def _ways_back(self) -> Iterator[Callable[[], str | None]]:
        yield from (self._system, self._signals_back, self._interpreter, self._logging.restore)
        yield from (self._warnings, self._numbers, self._modules_back)

    def _system(self) -> str | None:
        os.chdir(self._home)
        os.umask(self._umask)
        if os.environ != self._environ:
            zone = os.environ.get("TZ") != self._environ.get("TZ")
            os.environ.clear()
            os.environ.update(self._environ)
            if zone:
                time.tzset()
        if locale.setlocale(locale.LC_ALL) != self._locale:
            locale.setlocale(locale.LC_ALL, self._locale)
        for kind, (soft, hard) in self._limits.items():
            now = resource.getrlimit(kind)
            if now[1] != hard:
                return "the job changed a limit of its process"
            if now[0] != soft:
                resource.setrlimit(kind, (soft, hard))
        known = self._processors
        if hasattr(os, "sched_setaffinity") and known is not None and _affinity() != known:
            os.sched_setaffinity(0, known)
        return "the job changed the priority of its process" if os.nice(0) != self._nice else None

    def _signals_back(self) -> str | None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.set_wakeup_fd(-1)
        for number, handler in self._signals.items():
            if _handler_of(number) is not handler:
                if handler is None:
                    return "the job changed a signal handler"
                signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        return None

    def _interpreter(self) -> str | None:
        sys.path[:], sys.argv[:] = self._path, self._argv
        if len(sys.modules) == len(self._modules):  # those of new modules belong to them
            sys.meta_path[:], sys.path_hooks[:] = self._meta_path, self._path_hooks
        importlib.invalidate_caches()
        for name, hook in self._hooks.items():
            setattr(sys, name, hook)
        threading.excepthook = self._thread_hook
        if sys.gettrace() is not self._tracing[0]:
            sys.settrace(self._tracing[0])
        if sys.getprofile() is not self._tracing[1]:
            sys.setprofile(self._tracing[1])
        if sys.getrecursionlimit() != self._recursion:
            sys.setrecursionlimit(self._recursion)
        sys.setswitchinterval(self._switching)
        enabled, thresholds = self._gc
        gc.set_threshold(*thresholds)
        (gc.enable if enabled else gc.disable)()
        return None

    def _warnings(self) -> str | None:
        # Also where nothing was changed: what was shown once is shown to the next job again.
        warnings.filters[:] = self._filters  # type: ignore[index]
        warnings._filters_mutated()  # type: ignore[attr-defined]
        warnings.showwarning = self._shower
        return None

    def _numbers(self) -> str | None:
        decimal.setcontext(self._context.copy())
        if self._numpy is not None:
            import numpy as np

            errors, printing = self._numpy
            np.seterr(**errors)
            if np.get_printoptions() != printing:
                np.set_printoptions(**printing)
        return None

    def _modules_back(self) -> str | None:
        now = sys.modules
        if now == self._modules:  # nearly always, and told ten times as fast
            return None
        for name, module in self._modules.items():
            if now.get(name) is not module:
                return f"the job replaced the module {name}"
        self._modules = dict(now)
        return None

    def unfinished(self) -> str | None:
        """Say what the end of an interpreter would wait for or call; None when there is nothing."""
        if _thread._count() > self._threads:
            return "a thread of the job is left"
        if self._at_exit.are_new():
            return "the job registered functions to be called at the end of its process"
        return None

    def _leftover(self) -> str | None:
        """Say what of a job is left over that cannot be taken back."""
        if has_children():
            return "a process of the job is left"
        more = open_files() - self._files
        if more:
            return f"the job left {len(more)} open files"
        if any(not is_open(number) for number in self._files):
            return "the job closed files that it had not opened"
        return None


class _ExitFunctions:
    """Functions that jobs, not modules, want called at the end of the process."""

    def __init__(self) -> None:
        weakref.finalize(self, int)  # from now on finalizers register no function of their own
        self._of_modules = 0
        self._register = atexit.register
        atexit.register = self._counting  # type: ignore[assignment]
        self.note()

    def note(self) -> None:
        """Take those of now for those of modules."""
        self._of_modules = 0
        self._known = atexit._ncallbacks(), len(weakref.finalize._registry)  # type: ignore[attr-defined]

    def are_new(self) -> bool:
        """Whether there are more."""
        functions, finalizers = self._known
        registry = weakref.finalize._registry  # type: ignore[attr-defined]
        more = sum(1 for info in list(registry.values())[finalizers:] if info.atexit)
        return atexit._ncallbacks() != functions + self._of_modules or more > 0

    def _counting(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        frame = sys._getframe(1)
        while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
            frame = frame.f_back  # type: ignore[assignment]
        self._of_modules += frame is not None
        return self._register(function, *args, **kwargs)


class _Logging:
    """What is configured of logging."""

    def __init__(self) -> None:
        self._disabled = logging.root.manager.disable
        self._class = logging.getLoggerClass()
        self._factory = logging.getLogRecordFactory()
        self._known = {name: _logger_state(found) for name, found in _loggers()}

    def restore(self) -> str | None:
        """Put it back; handlers of the job are not closed: their files are those of the job."""
        logging.disable(self._disabled)
        logging.setLoggerClass(self._class)
        logging.setLogRecordFactory(self._factory)
        logging.captureWarnings(capture=False)
        for name, found in _loggers():
            if name not in self._known:  # of a module imported meanwhile, or of the job
                handlers = [h for h in found.handlers if isinstance(h, logging.NullHandler)]
                self._known[name] = (found.level, handlers, *_logger_state(found)[2:])
            level, handlers, filters, propagate, disabled = self._known[name]
            if found.level != level:
                found.setLevel(level)
            if found.handlers != handlers:
                found.handlers[:] = handlers
            if found.filters != filters:
                found.filters[:] = filters
            found.propagate, found.disabled = propagate, disabled
        return None


def _logger_state(found: logging.Logger) -> tuple[int, list[Any], list[Any], bool, bool]:
    handlers, filters = list(found.handlers), list(found.filters)
    return found.level, handlers, filters, found.propagate, found.disabled


def _loggers() -> Iterator[tuple[str, logging.Logger]]:
    yield "", logging.root
    for name, found in list(logging.root.manager.loggerDict.items()):
        if isinstance(found, logging.Logger):
            yield name, found


def new_random_numbers() -> None:
    """Begin new sequences of random numbers, as a fresh interpreter does."""
    random.seed()
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "seed"):
        torch.seed()


def end_threads_and_exit_functions(grace: float) -> None:
    """Do what an interpreter does at its end; threads that go on are left after some seconds."""
    deadline = time.monotonic() + grace
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.current_thread():
            thread.join(max(0.0, deadline - time.monotonic()))
    with suppress(BaseException):
        atexit._run_exitfuncs()


def _tried(way: Callable[[], str | None]) -> str | None:
    try:
        return way()
    except Exception as error:  # noqa: BLE001 (what cannot be put back is a doubt)
        return f"its state cannot be put back: {error}"


def _umask() -> int:
    value = os.umask(0o077)
    os.umask(value)
    return value


def _affinity() -> set[int] | None:
    return set(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def _limit_kinds() -> list[int]:
    return sorted({getattr(resource, n) for n in dir(resource) if n.startswith("RLIMIT_")})


def _numpy_settings() -> tuple[dict[str, Any], dict[str, Any]] | None:
    if "numpy" not in sys.modules:
        return None
    import numpy as np

    return dict(np.geterr()), dict(np.get_printoptions())
