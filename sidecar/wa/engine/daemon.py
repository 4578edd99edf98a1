"""A sidecar that goes on when its terminal closes: `python -m wa.engine.daemon`, in a session of its own.

It imports no command line, which saves its memory. It reports over a pipe, one line of JSON: it serves, or why not.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import traceback
from dataclasses import dataclass
from typing import Any

from wa.config.paths import Paths
from wa.config.settings import Settings
from wa.engine.sidecar import Sidecar, with_log_level
from wa.model.errors import SidecarError, WaError
from wa.protocol.results import WatchResult
from wa.protocol.sidecar_wire import error_fields, error_from
from wa.wezterm.targets import SocketTarget, SshTarget, Target

READY_WITHIN_S = 30.0
READY_FD = "WA_READY_FD"
DROPPED_VARIABLES = ("WEZTERM_PANE", "WEZTERM_UNIX_SOCKET")
"""They speak of the pane that `wa watch` was typed in, which may be gone tomorrow."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What `wa watch` was asked for beside the settings."""

    targets: tuple[Target, ...] = ()
    log_level: str | None = None


async def start_detached(paths: Paths, wish: Wish) -> WatchResult:
    """Returns when the new sidecar serves its socket. Raises what kept it from starting."""
    read_end, write_end = os.pipe()
    words = tempfile.TemporaryFile()  # noqa: SIM115 - closed below, when the child has its own
    try:
        environment = {name: value for name, value in os.environ.items() if name not in DROPPED_VARIABLES}
        starter = subprocess.Popen(  # noqa: ASYNC220 - asyncio's own would kill the child when this loop ends
            [sys.executable, "-m", "wa.engine.daemon", json.dumps(_packed(wish))],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=words,
            cwd="/",
            env={**environment, READY_FD: str(write_end)},
            pass_fds=(write_end,),
        )
        os.close(write_end)
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                said = await _read_to_end(read_end)
                await asyncio.to_thread(starter.wait)
        except TimeoutError:
            starter.kill()
            step = f"See the end of {paths.log_file}."
            raise SidecarError(f"the sidecar did not serve within {READY_WITHIN_S:g} s", next_step=step) from None
        words.seek(0)
        return _understood(said, words.read().decode("utf-8", "replace"))
    finally:
        os.close(read_end)
        words.close()


def _understood(said: bytes, words: str) -> WatchResult:
    try:
        answer: dict[str, Any] = json.loads(said)
    except ValueError:
        last = (words.strip().splitlines() or ["it said nothing"])[-1]
        raise SidecarError(f"the sidecar ended before it served: {last}", details={"stderr": words[-4000:]}) from None
    if "error" in answer:
        raise error_from(answer["error"])
    result: WatchResult = answer["ready"]
    return result


async def _read_to_end(descriptor: int) -> bytes:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[bytes] = loop.create_future()
    parts: list[bytes] = []
    os.set_blocking(descriptor, False)

    def readable() -> None:
        part = os.read(descriptor, 65536)
        parts.append(part)
        if not part and not done.done():
            done.set_result(b"".join(parts))

    loop.add_reader(descriptor, readable)
    try:
        return await done
    finally:
        loop.remove_reader(descriptor)


def _packed(wish: Wish) -> dict[str, Any]:
    return {
        "log_level": wish.log_level,
        "sockets": [[t.name, t.path, t.through_proxy] for t in wish.targets if isinstance(t, SocketTarget)],
        "ssh": [[t.host, t.name, t.wezterm, t.ssh] for t in wish.targets if isinstance(t, SshTarget)],
    }


def _unpacked(packed: dict[str, Any]) -> Wish:
    targets: list[Target] = [SocketTarget(*fields) for fields in packed["sockets"]]
    for host, name, wezterm, ssh in packed["ssh"]:
        targets.append(SshTarget(host, name, tuple(wezterm), tuple(ssh)))
    return Wish(tuple(targets), packed["log_level"])


def main() -> None:
    wish = _unpacked(json.loads(sys.argv[1]))
    if os.fork():
        # The starter waits for this process, and nobody will ever wait for the other.
        os._exit(0)
    os.setsid()
    os.umask(0o077)
    report = int(os.environ.pop(READY_FD))
    os.set_inheritable(report, False)

    def say(answer: dict[str, Any]) -> None:
        nonlocal report
        if report >= 0:
            os.write(report, json.dumps(answer).encode())
            os.close(report)
            report = -1

    def ready(result: WatchResult) -> None:
        say({"ready": result})
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        os.close(nowhere)

    try:
        paths = Paths.from_env()
        settings = with_log_level(Settings.load(paths.config_file), wish.log_level)
        asyncio.run(Sidecar(paths, settings, targets=wish.targets, detached=True).run(ready))
    except WaError as error:
        say({"error": error_fields(error)})
        sys.exit(error.exit_status)
    except Exception as error:
        traceback.print_exc()
        say({"error": error_fields(SidecarError(f"the sidecar failed: {type(error).__name__}: {error}"))})
        sys.exit(1)


if __name__ == "__main__":
    main()
