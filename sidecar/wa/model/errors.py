"""What can go wrong, split by who must act.

WaError
├── UsageError        the words on the command line are off            exit 2
├── ConfigError       config.toml must be mended                       exit 2
├── NotFound          no such pane, mux, rule …                        exit 3
├── WezTermError      the terminal cannot be reached or refuses        exit 4 (unreachable) or 1
│   ├── TerminalUnreachable
│   ├── ProtocolUnsupported     unknown codec or a layout that does not decode: use the CLI
│   └── TerminalRefused         it answered, with an error
├── SidecarError      no sidecar, or it went away                      exit 4
├── StoreError        the database                                     exit 1
├── Refused           policy or safety said no                         exit 5
└── TimedOut          a wait ended without its condition               exit 6
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class WaError(Exception):
    """Base of all errors that wa reports on purpose.

    `code` is public surface (JSON `error.code`); `next_step` tells the reader what to do; `exit_status` is the
    process's exit code. Both may be overridden per raise.
    """

    code: ClassVar[str] = "failed"
    exit_status: ClassVar[int] = 1
    next_step: str = "Run `wa doctor`."

    def __init__(self, message: str, *, next_step: str | None = None, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        if next_step is not None:
            self.next_step = next_step
        self.details: dict[str, Any] = dict(details or {})


class UsageError(WaError):
    code = "usage"
    exit_status = 2
    next_step = "Run `wa help`."


class ConfigError(WaError):
    code = "config"
    exit_status = 2
    next_step = "Mend the file named above; `wa config path` prints where it is."


class NotFound(WaError):
    code = "not_found"
    exit_status = 3
    next_step = "Run `wa panes` to see what exists."


class WezTermError(WaError):
    code = "wezterm"


class TerminalUnreachable(WezTermError):
    code = "wezterm.unreachable"
    exit_status = 4
    next_step = "Start WezTerm, or run `wa doctor` to see which socket was tried."


class ProtocolUnsupported(WezTermError):
    """The server speaks a codec, or a layout under a known codec, that wa has not been proven against."""

    code = "wezterm.protocol"
    next_step = "wa goes on through `wezterm cli`; report the version that `wa doctor` prints."


class TerminalRefused(WezTermError):
    """The server answered with an error, `no such pane 7` for example."""

    code = "wezterm.refused"


class SidecarError(WaError):
    code = "sidecar.unreachable"
    exit_status = 4
    next_step = "Start it with `wa watch` (or `wa watch --detach`)."


class SidecarRunning(WaError):
    """Another sidecar of this user holds the lock."""

    code = "sidecar.running"
    next_step = "Use the one that runs, or end it with `wa stop`."


class StoreError(WaError):
    code = "store"
    next_step = "Run `wa doctor` to see the state of the database."


class Refused(WaError):
    code = "refused"
    exit_status = 5
    next_step = "Look at the pane, then decide."


class TimedOut(WaError):
    code = "timed_out"
    exit_status = 6
