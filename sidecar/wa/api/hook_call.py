"""`wa hook AGENT EVENT`, as agents call it: told to the sidecar or left in its spool, then out of the way.

Whatever happens it says nothing and leaves with 0: agents take any other exit, and any word, for a verdict. An agent waits while
this runs, so it imports next to nothing, and finds wa's paths by itself (a test holds them equal to `wa.config.paths`).
"""

from __future__ import annotations

import os

from wa import emit
from wa.protocol.hooks import reduced

NOTIFY, STATUS_LINE, BEHIND = "notify", "StatusLine", "--"
STATUS_LINE_S = 10
"""So long the user's own status line may take."""
MAX_SOCKET_PATH_BYTES = 107
HELP = "wa hook AGENT EVENT: what agents call by the lines of `wa hooks install`; it reads JSON on standard input and prints nothing.\n"


def run(words: list[str]) -> int:
    """*words* follow `wa hook`. The exit status; where the user's own command is called too, it does not come back."""
    if not words or words[0].startswith("-"):
        os.write(1, HELP.encode())
        return 0
    agent, event, rest = words[0], words[1] if len(words) > 1 else "", words[2:]
    own = rest[1:] if rest[:1] == [BEHIND] else []
    data = b""
    try:
        if event == NOTIFY:
            # Codex puts the JSON behind all other arguments.
            text, own = (rest[-1] if rest else "", own or [])
            payload = emit.read_json(text)
        else:
            data = _stdin()
            payload = emit.read_json(data.decode("utf-8", "replace")) if data else None
    except (ValueError, RecursionError):
        payload = None
    try:
        kept = reduced(payload)
        name = event or _named(payload)
        if name:
            socket, spool = places(dict(os.environ))
            emit.from_hook(agent, name, kept, socket, spool)
    except Exception:  # noqa: S110 - see above
        pass
    if event == STATUS_LINE and own:
        _status_line(own[0], data)
    elif event == NOTIFY and len(own) > 1:
        _exec(own[0], own)
    return 0


def _named(payload: object) -> str:
    """The event by the agent's own word, where the line does not say it."""
    name = payload.get("hook_event_name") if isinstance(payload, dict) else None
    return name if isinstance(name, str) else ""


def _stdin() -> bytes:
    """All that comes within half a second. A terminal is not waited for."""
    from select import select
    from time import monotonic

    data, deadline = b"", monotonic() + emit.STDIN_S
    try:
        if os.isatty(0):
            return b""
        while len(data) <= emit.MAX_INPUT_BYTES and select([0], [], [], max(0.0, deadline - monotonic()))[0]:
            more = os.read(0, 1 << 20)
            if not more:
                break
            data += more
    except OSError:
        pass
    return data


def _status_line(command: str, data: bytes) -> None:
    """Becomes the user's own command, with the agent's words on its standard input."""
    import signal

    try:
        handle = _kept(data)
        os.dup2(handle, 0)
        signal.alarm(STATUS_LINE_S)  # It outlives the exec, and ends what takes too long.
    except OSError:
        return
    _exec("/bin/sh", ["sh", "-c", command])


def _kept(data: bytes) -> int:
    """A file without a name that holds *data*, at its beginning."""
    if hasattr(os, "memfd_create"):
        handle = os.memfd_create("wa")
    else:
        from tempfile import TemporaryFile

        handle = os.dup(TemporaryFile().fileno())  # noqa: SIM115 - the number lives on
    at = 0
    while at < len(data):
        at += os.write(handle, data[at:])
    os.lseek(handle, 0, os.SEEK_SET)
    return handle


def _exec(program: str, words: list[str]) -> None:
    try:
        os.execvp(program, words)  # noqa: S606 - the user's own command, as the agent would have called it
    except (OSError, ValueError):
        return


def places(env: dict[str, str]) -> tuple[str, str]:
    """The sidecar's socket and the spool, as `wa.config.paths.Paths` finds them."""
    if home := env.get("WA_HOME"):
        root = _plain(os.path.expanduser(home))  # noqa: PTH111 - pathlib takes longer than all the rest
        runtime, state = f"{root}/run", f"{root}/state"
    else:
        user = env.get("HOME") or os.path.expanduser("~")  # noqa: PTH111
        named, given = env.get("XDG_STATE_HOME", ""), env.get("XDG_RUNTIME_DIR", "")
        state = f"{_plain(named if named.startswith('/') else f'{user}/.local/state')}/wa"
        runtime = f"{_plain(given)}/wa" if given.startswith("/") else f"{state}/run"
    return _short(f"{runtime}/sidecar.sock"), f"{state}/spool"


def _plain(path: str) -> str:
    """As pathlib writes it: one slash between parts, none at the end, `..` left alone."""
    whole = path if path.startswith("/") else f"{os.getcwd()}/{path}"  # noqa: PTH109
    return "".join(f"/{part}" for part in whole.split("/") if part not in ("", "."))


def _short(path: str) -> str:
    from sys import platform

    raw = os.fsencode(path)
    if len(raw) <= (MAX_SOCKET_PATH_BYTES - 4 if platform == "darwin" else MAX_SOCKET_PATH_BYTES):
        return path
    from hashlib import sha256

    return f"/tmp/wa-{os.getuid()}-{sha256(raw).hexdigest()[:16]}/sidecar.sock"  # noqa: S108 - as Paths has it
