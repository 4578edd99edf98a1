"""What the program in the foreground has started."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wa.engine.foreground import Foreground


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_wrapper_stands_before_what_it_wraps(tmp_path: Path) -> None:
    """A script that starts another program: both are named, the script first."""
    script = tmp_path / "cod"
    script.write_text("#!/bin/sh\nsleep 60 & wait\n")
    script.chmod(0o755)
    master, slave = pty.openpty()
    name = os.ttyname(slave)
    process = subprocess.Popen(
        ["setsid", "--ctty", str(script)], stdin=slave, stdout=slave, stderr=slave, close_fds=True
    )
    try:
        deadline = time.monotonic() + 20
        names: list[str] = []
        while names[-1:] != ["sleep"] and time.monotonic() < deadline:
            names = [one.name for one in Foreground().family(name)]
        assert names == ["sh", "sleep"]
    finally:
        process.kill()
        process.wait()
        os.close(master)
        os.close(slave)
        subprocess.run(["pkill", "-f", str(script)], check=False)
