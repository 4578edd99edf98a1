"""Tells the sidecar what happened, from outside of it: one frame, written by hand. docs/protocol/events-in.md is its page.

It runs alone, as `python -I -S emit.py …`, in a few milliseconds, and so imports nothing of wa and nothing that is slow to
load. The private C modules spare the start of `json`, `socket` and `struct` (re and enum, mostly); where they differ, the
public ones do.
"""

import os
import sys
import time

TRY_S = 0.040
"""How long the socket may take, all in all."""
LOCK_S = 0.100
"""How long another writer may hold the spool."""
MAX_SPOOL_BYTES = 4 * 1024 * 1024
MAX_FRAME_BYTES = 256 * 1024
MAX_INPUT_BYTES = 16 * 1024 * 1024
STDIN_S = 0.5
"""An agent that never closes our stdin must not be kept waiting."""
MAX_ANCESTORS = 16
MAX_DEPTH = 32

TOLD, REFUSED, NO_SIDECAR = 0, 2, 3


def pack_value(value: object, depth: int = 0) -> bytes:
    """One msgpack value, of what JSON holds, or bytes. Raises TypeError, ValueError or OverflowError for anything else."""
    if depth > MAX_DEPTH:
        raise ValueError("nested too deep")
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return _whole(value)
    if isinstance(value, list | tuple):
        parts = [pack_value(one, depth + 1) for one in value]
        return _head(len(parts), 0x90, 16, b"", b"\xdc", b"\xdd") + b"".join(parts)
    if isinstance(value, dict):
        parts = [_text(key) + pack_value(one, depth + 1) for key, one in value.items()]
        return _head(len(parts), 0x80, 16, b"", b"\xde", b"\xdf") + b"".join(parts)
    if isinstance(value, float):
        from struct import pack as pack_struct

        return b"\xcb" + pack_struct(">d", value)
    if isinstance(value, bytes):
        return _head(len(value), None, 0, b"\xc4", b"\xc5", b"\xc6") + value
    raise TypeError(f"cannot pack {type(value).__name__}")


def _text(value: str) -> bytes:
    if not isinstance(value, str):
        raise TypeError("keys are text")
    data = value.encode("utf-8", "surrogatepass")
    return _head(len(data), 0xA0, 32, b"\xd9", b"\xda", b"\xdb") + data


def _head(size: int, fixed: int | None, below: int, one: bytes, two: bytes, four: bytes) -> bytes:
    if fixed is not None and size < below:
        return bytes((fixed | size,))
    if one and size < 0x100:
        return one + size.to_bytes(1, "big")
    if size < 0x10000:
        return two + size.to_bytes(2, "big")
    return four + size.to_bytes(4, "big")


def _whole(value: int) -> bytes:
    if -32 <= value < 128:
        return value.to_bytes(1, "big", signed=value < 0)
    if value >= 0:
        for mark, size in ((0xCC, 1), (0xCD, 2), (0xCE, 4), (0xCF, 8)):
            if value < 1 << 8 * size:
                return bytes((mark,)) + value.to_bytes(size, "big")
    else:
        for mark, size in ((0xD0, 1), (0xD1, 2), (0xD2, 4), (0xD3, 8)):
            if value >= -(1 << 8 * size - 1):
                return bytes((mark,)) + value.to_bytes(size, "big", signed=True)
    raise OverflowError("a number of more than 64 bits")


def pack(message: dict[str, object]) -> bytes:
    """A whole frame, as `wa.protocol.sidecar_wire.pack` makes it. Raises ValueError past 256 KiB, and as `pack_value`."""
    body = pack_value(message)
    if len(body) > MAX_FRAME_BYTES:
        raise ValueError(f"a frame of {len(body)} bytes")
    return len(body).to_bytes(4, "big") + body


def deliver(frames: bytes, socket: str, spool: str) -> int:
    """Hand *frames* to the sidecar at *socket*, else append them to *spool*: 0 told, 3 spooled (or the spool is full), 2 neither.

    Told means that the sidecar read to the end and hung up. One that is too busy for that within 40 ms may have got
    them and finds them in the spool once more; their keys make one event of the two.
    """
    if _told(frames, socket):
        return TOLD
    try:
        _spool(frames, spool)
    except OSError:
        return REFUSED
    return NO_SIDECAR


def _told(frames: bytes, path: str) -> bool:
    import _socket as sockets  # CPython's own part of `socket`, which loads enum and selectors

    deadline = time.monotonic() + TRY_S
    try:
        link = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
    except OSError:
        return False
    try:
        link.settimeout(TRY_S)
        link.connect(path)
        link.settimeout(max(0.001, deadline - time.monotonic()))
        link.sendall(frames)
        link.shutdown(sockets.SHUT_WR)
        while (left := deadline - time.monotonic()) > 0:
            link.settimeout(left)
            if not link.recv(65536):
                return True
    except OSError:
        pass
    finally:
        link.close()
    return False


def _spool(frames: bytes, path: str) -> None:
    """Append *frames* whole, unless the spool is full. Raises OSError."""
    from fcntl import LOCK_EX, LOCK_NB, flock

    folder = os.path.dirname(path)  # noqa: PTH120 - pathlib costs more than all else here
    if folder:
        os.makedirs(folder, 0o700, exist_ok=True)  # noqa: PTH103
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    deadline = time.monotonic() + LOCK_S
    while True:
        handle = os.open(path, flags, 0o600)
        try:
            try:
                flock(handle, LOCK_EX | LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.002)
                continue
            here = os.fstat(handle)
            try:
                there = os.stat(path, follow_symlinks=False)  # noqa: PTH116
            except FileNotFoundError:
                continue
            if (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino):
                continue  # The sidecar took that one away; what is written to it now nobody may read.
            if here.st_size + len(frames) <= MAX_SPOOL_BYTES:
                _append(handle, frames, here.st_size)
            return
        finally:
            os.close(handle)


def _append(handle: int, frames: bytes, size: int) -> None:
    """All of *frames*, or nothing: half a frame would make what follows unreadable."""
    at = 0
    try:
        while at < len(frames):
            at += os.write(handle, frames[at:])
    except OSError:
        os.ftruncate(handle, size)
        raise


def read_json(text: str) -> object:
    """What *text* says. Raises ValueError or RecursionError."""
    try:
        from _json import make_scanner

        scan = make_scanner(_Scanning)  # type: ignore[arg-type]
    except (ImportError, AttributeError, TypeError):
        import json

        return json.loads(text)
    text = text.strip(" \t\r\n")
    try:
        value, end = scan(text, 0)
    except (StopIteration, SystemError) as error:  # the latter where json.decoder, not loaded, holds the right class
        raise ValueError("no JSON") from error
    if end != len(text):
        raise ValueError("more than one JSON value")
    return value


class _Scanning:
    """What the C scanner asks of the decoder that it serves."""

    strict = False
    object_hook = object_pairs_hook = array_hook = None
    parse_float = float
    parse_int = int
    memo: dict[str, str] = {}  # noqa: RUF012 - the attribute is the scanner's

    @staticmethod
    def parse_constant(name: str) -> float:
        raise ValueError(name)


def from_file(path: str, socket: str, spool: str) -> int:
    """The plugin's events, a JSON map a line in the file at *path*, which is removed. Lines that are no event are passed over."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        data = b""
        while len(data) <= MAX_INPUT_BYTES and (more := os.read(handle, 1 << 20)):
            data += more
    finally:
        os.close(handle)
    frames = [frame for line in data[:MAX_INPUT_BYTES].split(b"\n") if line and (frame := _plugin_frame(line))]
    status = deliver(b"".join(frames), socket, spool) if frames else REFUSED
    os.unlink(path)  # noqa: PTH108
    return status


def _plugin_frame(line: bytes) -> bytes | None:
    try:
        event = read_json(line.decode("utf-8"))
        if not isinstance(event, dict):
            return None
        return pack({**event, "v": 1, "kind": "event", "source": "lua"})
    except (ValueError, TypeError, OverflowError, RecursionError):
        return None


def from_hook(agent: str, event: str, payload: object, socket: str, spool: str) -> int:
    """One event of an agent's hook."""
    tty, pids = ancestry()
    now = time.time_ns()
    message = {
        "v": 1,
        "kind": "event",
        "source": "hook",
        "at_ms": now // 1_000_000,
        "key": f"{os.getpid()}-{now}",
        "name": event[:128],
        "agent": agent[:64],
        "tty": tty,
        "pids": pids,
        "payload": payload if isinstance(payload, dict) else {},
    }
    try:
        frame = pack(message)
    except (ValueError, TypeError, OverflowError, RecursionError):
        frame = pack({**message, "payload": slim(message["payload"])})
    return deliver(frame, socket, spool)


def slim(payload: object) -> dict[str, object]:
    """The flat fields of *payload*, texts cut at 2,000 characters: the rest does not fit into a frame."""
    found: dict[str, object] = {}
    for key, value in payload.items() if isinstance(payload, dict) else ():
        if isinstance(value, str):
            found[key[:128]] = value[:2000]
        elif value is None or isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 1 << 63):
            found[key[:128]] = value
        if len(found) == 24:  # 24 texts of 2,000 characters fit, whatever their alphabet
            break
    return found


def ancestry() -> tuple[str | None, list[int]]:
    """The terminal of this process or of the nearest ancestor that has one, and its ancestors, nearest first."""
    pids: list[int] = []
    tty: str | None = None
    pid = os.getpid()
    while len(pids) <= MAX_ANCESTORS:
        try:
            with open(f"/proc/{pid}/stat", "rb") as stat:  # noqa: PTH123
                # The second field is the program's name, in brackets that it may hold itself.
                fields = stat.read().rpartition(b")")[2].split()
            parent, device = int(fields[1]), int(fields[4])
        except (OSError, ValueError, IndexError):
            break
        tty = tty or _terminal(device)
        if parent <= 0 or len(pids) == MAX_ANCESTORS:
            break
        pids.append(parent)
        pid = parent
    if not pids:  # No /proc: macOS.
        pids = [os.getppid()]
        for number in (0, 1, 2):
            try:
                tty = tty or os.ttyname(number)
            except OSError:
                continue
    return tty, pids


def _terminal(device: int) -> str | None:
    """Linux, Documentation/admin-guide/devices.txt: majors 136 to 143 are pseudo terminals, 4 are consoles."""
    major, minor = (device >> 8) & 0xFFF, (device & 0xFF) | ((device >> 12) & 0xFFF00)
    if 136 <= major <= 143:
        return f"/dev/pts/{(major - 136) * 256 + minor}"
    if major == 4 and 0 < minor < 64:
        return f"/dev/tty{minor}"
    return None


def stdin_json() -> object:
    """What an agent writes to a hook; None where that is no JSON, too long, or does not end within half a second."""
    from select import select

    data = b""
    deadline = time.monotonic() + STDIN_S
    try:
        while len(data) <= MAX_INPUT_BYTES:
            ready, _, _ = select([0], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                break
            more = os.read(0, 1 << 20)
            if not more:
                break
            data += more
        return read_json(data.decode("utf-8", "replace"))
    except (OSError, ValueError, RecursionError):
        return None


def main(argv: list[str]) -> int:
    """`--socket PATH --spool PATH` and `--file FILE`, `--folder FOLDER` (makes it, 0700) or `--hook AGENT EVENT`."""
    asked = argv[:1] + argv[2:3]
    if len(argv) < 6 or asked != ["--socket", "--spool"]:
        return REFUSED
    socket, spool, what, rest = argv[1], argv[3], argv[4], argv[5:]
    if what == "--hook" and len(rest) == 2:
        try:  # noqa: SIM105 - contextlib costs a millisecond
            from_hook(rest[0], rest[1], stdin_json(), socket, spool)
        except Exception:  # noqa: S110 - agents take any other exit, and any word, for a verdict
            pass
        return TOLD
    try:
        if what == "--file" and len(rest) == 1:
            return from_file(rest[0], socket, spool)
        if what == "--folder" and len(rest) == 1:
            os.makedirs(rest[0], 0o700, exist_ok=True)  # noqa: PTH103
            return TOLD
    except OSError:
        pass
    return REFUSED


if __name__ == "__main__":
    status = main(sys.argv[1:])
    # Nothing is buffered and nothing is left to be closed: the interpreter's farewell costs a millisecond.
    os._exit(TOLD if "--hook" in sys.argv else status)
