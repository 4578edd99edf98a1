"""Three programs that behave like busy agents: each draws in one of the three ways that wa must capture.

They stand alone (nothing of wa is imported) and run in panes of the embedded multiplexer as `python FILE SECONDS`. Each
step is one row `step NAME-0001 @1795250549123456 …`: a unique name and the program's own clock in microseconds, from
which latency is measured. After SECONDS they print `NAME finished: N steps` and wait, as an agent waits for its prompt.
"""

from __future__ import annotations

import re
from pathlib import Path

PROGRAMS = ("inline", "reprint", "fullscreen")
STEP = re.compile(r"step ([a-z]+)-(\d{4}) @(\d{16})")
FINISHED = re.compile(r"([a-z]+) finished: (\d+) steps")


def program_path(name: str) -> Path:
    return Path(__file__).with_name(f"{name}.py")
