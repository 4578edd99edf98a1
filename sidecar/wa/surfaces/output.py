"""Where answers go: one envelope for programs, text for people."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TextIO

from wa.model.errors import WaError
from wa.protocol.envelope import failed, to_json


class Style(StrEnum):
    """SGR parameters."""

    DIM = "2"
    BOLD = "1"
    GOOD = "32"
    WARN = "33"
    BAD = "31"
    MARK = "36"


@dataclass(frozen=True, slots=True)
class Terminal:
    """What may be printed: `columns` None means a file or a pipe, where nothing is cut."""

    columns: int | None
    colour: bool

    @classmethod
    def of(cls, stream: TextIO, env: Mapping[str, str] | None = None) -> Terminal:
        """Colour needs a terminal that has it, and no `NO_COLOR` (https://no-color.org: any value but an empty one)."""
        env = os.environ if env is None else env
        try:
            interactive = stream.isatty()
        except ValueError:
            interactive = False
        if not interactive:
            return cls(None, False)
        columns = max(20, shutil.get_terminal_size((80, 24)).columns)
        return cls(columns, not env.get("NO_COLOR") and env.get("TERM") not in (None, "", "dumb"))

    def styled(self, text: str, style: Style | None) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if style and self.colour and text.strip() else text


def stdout() -> Terminal:
    return Terminal.of(sys.stdout)


def say(*lines: str) -> None:
    """Lines of text on standard output, whatever its encoding can hold."""
    _write(sys.stdout, "".join(f"{line}\n" for line in lines))


def warn(line: str) -> None:
    """One line on standard error."""
    _write(sys.stderr, f"{line}\n")


def say_json(value: object) -> None:
    """One object on one line, UTF-8 whatever the locale says, flushed."""
    data = (to_json(value) + "\n").encode()
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        sys.stdout.write(data.decode())
    else:
        sys.stdout.flush()
        buffer.write(data)
    sys.stdout.flush()


def complain(error: WaError, *, as_json: bool) -> int:
    """Prints an error where its reader looks for it; the exit status."""
    if as_json:
        say_json(failed(error))
    else:
        from wa.surfaces.text import harmless

        terminal = Terminal.of(sys.stderr)
        lines = [f"{terminal.styled('wa:', Style.BAD)} {harmless(error.message)}"]
        lines += [f"    {harmless(str(line))}" for line in error.details.get("candidates", ())]
        if error.next_step:
            lines.append(f"{terminal.styled('next:', Style.MARK)} {harmless(error.next_step)}")
        warn("\n".join(lines))
    return error.exit_status


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "replace").decode(encoding))
    stream.flush()
