"""bootstrap.sh on another machine, through one ssh connection: it looks, makes a plan, takes it back."""

from __future__ import annotations

import io
import shlex
import shutil
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

from wa.assets import asset_root
from wa.model.errors import TerminalUnreachable, TimedOut, WaError
from wa.provision.journal import Outcome, folder_files
from wa.provision.plan import ChangeState, Plan, PlanState
from wa.provision.remote_facts import ASKED, RemoteFacts, Said, facts_of, said
from wa.wezterm.processes import run
from wa.wezterm.ssh import SshSession, explain, open_session, readable
from wa.wezterm.targets import SshTarget

LOOK_S = 60.0
APPLY_S = 900.0
PERSIST_S = 120
"""How long a shared connection waits for its next command, should wa end without closing it."""


class Made(NamedTuple):
    """How a plan came out."""

    state: PlanState | None
    """None: it was not begun."""
    outcomes: Mapping[int, Outcome]
    trouble: str | None


class LostError(WaError):
    """The connection ended while the machine worked; it goes on to the end of its plan by itself, or was cut off."""

    code = "setup.lost"


@dataclass(frozen=True, slots=True)
class RemoteMachine:
    session: SshSession
    look_s: float = LOOK_S
    apply_s: float = APPLY_S
    folder: Path | None = None
    """Of its connection's socket; goes with it."""

    @classmethod
    async def reach(cls, target: SshTarget, look_s: float = LOOK_S, apply_s: float = APPLY_S) -> RemoteMachine:
        """Not by a folder of wa's own: whoever only looks leaves nothing behind. Raises TerminalUnreachable."""
        folder = Path(tempfile.mkdtemp(prefix="wa-"))
        try:
            return cls(await open_session(target, folder, persist_s=PERSIST_S), look_s, apply_s, folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    @property
    def host(self) -> str:
        return self.session.target.host

    async def look(self) -> RemoteFacts:
        """Raises TerminalUnreachable, TimedOut, WaError."""
        status, heard, stderr = await self._call(["look", *ASKED], within_s=self.look_s)
        if not heard.lines:
            raise self._silent(status, heard, stderr)
        if not heard.is_whole:
            raise LostError(
                f"ssh {self.host}: the connection was lost", next_step=f"Try `ssh {self.host} true` by hand."
            )
        return facts_of(heard.lines, heard.noise)

    async def apply(self, plan: Plan, plan_id: str, more: Mapping[str, bytes]) -> Made:
        """*more*: files that the plan's programs need, beside it. Raises as `look`; then nothing is known of it."""
        made_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        files = {**folder_files(plan, plan_id, made_at), "bootstrap.sh": script(), **more}
        status, heard, stderr = await self._call(["apply", plan_id], packed(plan_id, files), within_s=self.apply_s)
        return self._made(status, heard, stderr)

    async def undo(self, plan_id: str) -> Made:
        status, heard, stderr = await self._call(["undo", plan_id], within_s=self.apply_s)
        return self._made(status, heard, stderr)

    async def leave(self) -> None:
        """End the shared connection, where it is wa's own."""
        try:
            if self.session.owns_control:
                with suppress(OSError, TimeoutError):
                    await run(self.session.control_argv("exit"), timeout_s=5.0)
        finally:
            if self.folder is not None:
                shutil.rmtree(self.folder, ignore_errors=True)

    def _made(self, status: int, heard: Said, stderr: bytes) -> Made:
        if not heard.lines and not heard.is_whole:
            raise self._silent(status, heard, stderr)
        outcomes: dict[int, Outcome] = {}
        state: PlanState | None = None
        trouble: str | None = None
        for line in heard.lines:
            word, _, rest = line.partition(" ")
            if word == "state":
                state = PlanState(rest)
            elif word == "trouble":
                trouble = rest
            elif word.isdigit():
                how, _, why = rest.partition(" ")
                outcomes[int(word)] = Outcome(ChangeState(how), why or None)
                if how in ("failed", "conflict") and trouble is None and status != 0:
                    trouble = why
        if not heard.is_whole:
            raise LostError(
                f"ssh {self.host}: the connection was lost in the middle",
                next_step=f"Run it again: it says what was done on {self.host}, and goes on from there.",
            )
        return Made(state, outcomes, trouble)

    def _silent(self, status: int, heard: Said, stderr: bytes) -> WaError:
        if status in (0, 1) and heard.noise and not stderr:
            return TerminalUnreachable(
                f"ssh {self.host}: its shell runs no commands; it printed {readable(heard.noise.encode())[:80]!r}",
                next_step=f"See what `ssh {self.host} echo ok` prints.",
            )
        if status == 1 and stderr:
            return WaError(f"{self.host}: {readable(stderr)[-200:]}", next_step=f"Try `ssh {self.host}` by hand.")
        return explain(self.host, status, stderr)

    async def _call(self, words: Sequence[str], stdin: bytes = b"", *, within_s: float) -> tuple[int, Said, bytes]:
        # The program goes ahead of the archive, and is read byte by byte: what is left is the archive. All words go
        # with it, so that the line which the user's own shell reads is always the same.
        head = f"set -- {shlex.join(words)}\n".encode("utf-8", "surrogateescape") + script()
        command = f"sh -c 's=$(dd bs=1 count={len(head)} 2>/dev/null); eval \"$s\"'"
        try:
            done = await run(self.session.argv(command), timeout_s=within_s, stdin=head + stdin)
        except TimeoutError:
            raise TimedOut(
                f"ssh {self.host}: no answer within {within_s:.0f} s",
                next_step=f"See where `ssh {self.host} true` hangs: its start-up files, or its disk.",
            ) from None
        except OSError as error:
            raise TerminalUnreachable(
                f"cannot run {self.session.target.ssh[0]}: {error}", next_step="Install OpenSSH's client."
            ) from error
        return done.status, said(done.stdout), done.stderr


@cache
def script() -> bytes:
    return (asset_root() / "setup" / "bootstrap.sh").read_bytes()


def packed(plan_id: str, files: Mapping[str, bytes]) -> bytes:
    """A tar archive of the plan's folder. Its last member says that it came whole."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in [*files.items(), ("complete", b"")]:
            entry = tarfile.TarInfo(f"{plan_id}/{name}")
            entry.size, entry.mode = len(data), 0o600
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()
