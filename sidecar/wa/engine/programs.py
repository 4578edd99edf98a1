"""A program of the user's: words and never a shell, JSON on its standard input, bounded in time and in what it may say."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from wa.model.command import Execute, Executed

log = logging.getLogger(__name__)

MAX_OUTPUT_BYTES = 64 * 1024
MAX_DEPTH = 32
GOODBYE_S = 2.0
"""Between being asked to end and being killed."""


async def execute(command: Execute, env: Mapping[str, str]) -> Executed:
    """Never raises for what the program does. It and its children are ended when the time is over."""
    words = list(command.argv)
    if not words:
        return Executed(None, "there is no program to start")
    words[0] = at_home(words[0])
    home = Path.home()
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, **env},
            cwd=home if home.is_dir() else "/",
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return Executed(None, f"{words[0]} cannot be started: {getattr(error, 'strerror', None) or error}")
    given = json.dumps(command.given, ensure_ascii=False).encode("utf-8", "replace")
    try:
        async with asyncio.timeout(command.within_s):
            output, _ = await asyncio.gather(_output(process), _give(process, given))
            status = await process.wait()
    except TimeoutError:
        log.info("program ended for its time", extra={"program": words[0], "within_s": command.within_s})
        return Executed(None, f"{words[0]} did not end within {command.within_s:g} s")
    finally:
        await _end(process)
    return Executed(status, _read(output))


def at_home(word: str) -> str:
    """`~/bin/check` below the home; no other word is touched."""
    return str(Path.home() / word[2:]) if word.startswith("~/") else word


async def _give(process: asyncio.subprocess.Process, given: bytes) -> None:
    assert process.stdin is not None
    # One that does not read its input may end before it was written.
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(given)
        await process.stdin.drain()
    process.stdin.close()
    with suppress(BrokenPipeError, ConnectionResetError):
        await process.stdin.wait_closed()


async def _output(process: asyncio.subprocess.Process) -> bytes:
    """What it prints, the rest beyond the bound read and dropped."""
    assert process.stdout is not None
    kept = b""
    while data := await process.stdout.read(16 * 1024):
        kept = (kept + data)[:MAX_OUTPUT_BYTES]
    return kept


async def _end(process: asyncio.subprocess.Process) -> None:
    """Whatever of its session still runs when its time is over, or nobody waits any more."""
    if process.returncode is not None:
        return
    _signal(process.pid, signal.SIGTERM)
    with suppress(TimeoutError):
        async with asyncio.timeout(GOODBYE_S):
            await process.wait()
    # Its children may have stayed.
    _signal(process.pid, signal.SIGKILL)
    with suppress(TimeoutError):
        async with asyncio.timeout(GOODBYE_S):
            await process.communicate()


def _signal(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _read(output: bytes) -> Any:
    text = output.decode("utf-8", "replace")
    try:
        value = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return text.strip()
    return value if _is_shallow(value, MAX_DEPTH) else text.strip()


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _is_shallow(value: Any, left: int) -> bool:
    if left == 0:
        return False
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return all(_is_shallow(one, left - 1) for one in inner)
