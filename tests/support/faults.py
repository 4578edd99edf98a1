"""Death, or a full disk, at the k-th call that changes a file system."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

CHANGES = (
    "open", "write", "pwrite", "fsync", "ftruncate", "replace", "rename", "unlink", "rmdir", "mkdir", "link",
    "utime", "chmod", "fchmod", "fchown", "setxattr",
)  # fmt: skip
BLOCK = 4096
FILLS = frozenset({"open", "write", "pwrite", "fsync", "mkdir"})
"""Those that a full disk refuses; what only removes, renames or links goes on."""


@contextmanager
def watched(meet: Callable[[str, Callable[..., Any], tuple[Any, ...]], None]) -> Iterator[None]:
    """*meet* is told of each such call before it is made."""
    real = {name: getattr(os, name) for name in CHANGES}

    def standing_in(name: str) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            if name != "open" or args[1] & (os.O_CREAT | os.O_TRUNC):
                meet(name, real[name], args)
            return real[name](*args, **named)

        return call

    for name in CHANGES:
        setattr(os, name, standing_in(name))
    try:
        yield
    finally:
        for name, function in real.items():
            setattr(os, name, function)


def calls_of(work: Callable[[], None]) -> list[str]:
    """The names of the calls that *work* makes, in order."""
    seen = list[str]()
    with watched(lambda name, _real, _args: seen.append(name)):
        work()
    return seen


def die_at(number: int, work: Callable[[], None], *, in_the_middle: bool = False) -> bool:
    """*work* in a process of its own that is killed before its call *number*, from 1; True where it was.

    *in_the_middle*: of a write, when half of it is made.
    """
    child = os.fork()
    if child == 0:
        left = number

        def meet(name: str, real: Callable[..., Any], args: tuple[Any, ...]) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                if in_the_middle and name == "write":
                    real(args[0], bytes(args[1])[: len(args[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)

        status = 1
        try:
            with watched(meet):
                work()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the work failed by itself"
    return os.WIFSIGNALED(status)


@contextmanager
def full_disk(after: int, *, stays: bool) -> Iterator[None]:
    """The calls that need room fail from number *after* on, from 1: once, or from then on."""
    left = after

    def meet(name: str, real: Callable[..., Any], args: tuple[Any, ...]) -> None:
        nonlocal left
        if name not in FILLS:
            return
        left -= 1
        if left == 0 or (stays and left < 0):
            if (name == "write" and _fits(args)) or (name == "fsync" and os.fstat(args[0]).st_nlink > 1):
                return
            if name == "write":
                # Some of it may fit.
                real(args[0], bytes(args[1])[: len(args[1]) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with watched(meet):
        yield


def _fits(args: tuple[Any, ...]) -> bool:
    """In the blocks that a file has, there is its room already; a new one has none."""
    at, size = os.lseek(args[0], 0, os.SEEK_CUR), os.fstat(args[0]).st_size
    return at + len(args[1]) <= -(-size // BLOCK) * BLOCK
