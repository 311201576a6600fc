"""Jobs that leave their process in another state, or do not leave it at all."""

from __future__ import annotations

import _thread
import ctypes
import ctypes.util
import decimal
import locale
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
from jobflow import job


@job
def observe():
    """Tell what a job may depend on; the random number tells sequences apart."""
    old = os.umask(0)
    os.umask(old)
    return {
        "cwd is the run directory": Path("jfremote_in.json").exists(),
        "umask": old,
        "careless": os.environ.get("CARELESS"),
        "locale": locale.setlocale(locale.LC_ALL),
        "path": [p for p in sys.path if "careless" in p],
        "handler": str(signal.getsignal(signal.SIGUSR1)),
        "timer": signal.getitimer(signal.ITIMER_REAL)[0],
        "mask": [int(n) for n in signal.pthread_sigmask(signal.SIG_BLOCK, ())],
        "root level": logging.getLogger("careless").getEffectiveLevel(),
        "handlers": len(logging.getLogger("careless").handlers),
        "warnings": len(warnings.filters),
        "precision": decimal.getcontext().prec,
        "numpy errors": np.geterr()["divide"],
        "recursion": sys.getrecursionlimit(),
        "threads": _thread._count(),
        "standard output": sys.stdout.name,
        "stdin": sys.stdin.read(),
        "modules": "careless" in sys.modules,
    }


@job
def numbers():
    return random.random(), float(np.random.rand()), os.getpid()


@job
def change_everything():
    os.chdir("/tmp")
    os.umask(0)
    os.environ["CARELESS"] = "yes"
    locale.setlocale(locale.LC_ALL, "C")
    sys.path.insert(0, "/careless")
    sys.argv.append("careless")
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 1000)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
    logging.getLogger().setLevel(logging.DEBUG)
    logging.getLogger("careless").addHandler(logging.StreamHandler())
    warnings.simplefilter("error")
    random.seed(1)
    np.random.seed(1)
    decimal.getcontext().prec = 3
    np.seterr(all="raise")
    sys.setrecursionlimit(5000)
    sys.stdout = sys.stderr


@job
def close_streams():
    for number in (0, 1, 2):
        os.close(number)


@job
def close_all_files():
    os.closerange(3, 4096)


@job
def leave_file_open():
    os.open(os.devnull, os.O_RDONLY)


@job
def leave_thread(daemon):
    threading.Thread(target=time.sleep, args=(1000,), daemon=daemon).start()


@job
def leave_process():
    return subprocess.Popen(["sleep", "30"]).pid


@job
def leave_daemon():
    told, tell = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(tell, str(os.getpid()).encode())
            os.execvp("sleep", ["sleep", "30"])
        os._exit(0)
    os.close(tell)
    with os.fdopen(told) as stream:
        return int(stream.read(10))


@job
def use_threads_of_libraries():
    """Those of BLAS, and of OpenMP where its library is there: they stay as long as the process."""
    ones = np.ones((300, 300))
    told = [float((ones @ ones)[0, 0])]
    if (path := ctypes.util.find_library("gomp")) is not None:
        openmp = ctypes.CDLL(path)
        part = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: told.append(1.0))
        openmp.GOMP_parallel(part, None, 2, 0)
    return told


@job
def fork_and_return():
    return os.fork() == 0 or "parent"


@job
def use_standard_input():
    try:
        os.write(0, b"x")
    except OSError as error:
        return [error.strerror, sys.stdin.read()]


@job
def print_much():
    for _ in range(1000):
        print("x" * 100_000)
    ctypes.CDLL(None).puts(b"from a library")


@job
def leave(how):
    {
        "exit": lambda: sys.exit(3),
        "_exit": lambda: os._exit(3),
        "abort": os.abort,
        "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    }[how]()


@job
def eat_memory():
    return len(bytearray(8 << 30))


@job
def ignore_termination():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path("ready").touch()
    subprocess.run(["sleep", "60"], check=False)


@job
def wait_for(name):
    Path("ready").touch()
    while not Path(name).exists():
        time.sleep(0.01)
    return os.getpid()


@job
def replace_module():
    sys.modules["decimal"] = "careless"
