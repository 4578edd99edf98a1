"""`wa plugin` and `wa shell`, as a person runs them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.sidecar import SOURCES


def wa(home: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    around = {"HOME": str(home), "WA_HOME": str(home / "wa"), "PATH": os.defpath, "PYTHONPATH": str(SOURCES), **env}
    command = [sys.executable, "-m", "wa", *words]
    return subprocess.run(command, env=around, capture_output=True, text=True, timeout=60, check=False)


def test_the_plugin_is_written_where_wezterm_looks(tmp_path: Path) -> None:
    """Beside wezterm.lua, which is not touched; a second time nothing is."""
    config = tmp_path / "xdg" / "wezterm"
    config.mkdir(parents=True)
    (config / "wezterm.lua").write_text("return {}")

    first = json.loads(wa(tmp_path, "plugin", "--json", XDG_CONFIG_HOME=str(tmp_path / "xdg")).stdout)["data"]
    again = json.loads(wa(tmp_path, "plugin", "--json", XDG_CONFIG_HOME=str(tmp_path / "xdg")).stdout)["data"]

    assert first["folder"] == str(config / "wa_plugin")
    assert {"init.lua", "settings.lua"} <= set(first["written"])
    assert again["written"] == []
    assert "apply_to_config" in first["snippet"]
    assert (config / "wezterm.lua").read_text() == "return {}"


def test_a_folder_may_be_named(tmp_path: Path) -> None:
    """And one that cannot be written is an error, told as one."""
    (tmp_path / "file").write_text("")

    assert "files written" in wa(tmp_path, "plugin", str(tmp_path / "here")).stdout
    assert (tmp_path / "here" / "wa_plugin" / "init.lua").is_file()
    assert wa(tmp_path, "plugin", str(tmp_path / "file")).returncode == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_line_reads_the_script_and_is_silent_without_it(tmp_path: Path, shell: str) -> None:
    """It may stand in a start-up file for ever, whatever becomes of wa."""
    if (program := shutil.which(shell)) is None:
        pytest.skip(f"{shell} is not installed")
    line = wa(tmp_path, "shell", shell).stdout.strip()
    script = json.loads(wa(tmp_path, "shell", shell, "--json").stdout)["data"]["path"]

    for text in (line, line.replace(script, "/nowhere/wa.x")):
        done = subprocess.run([program, "-c", text + "\ntrue"], capture_output=True, text=True, timeout=30, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_shell_without_a_script_is_named(tmp_path: Path) -> None:
    """With those that have one."""
    done = wa(tmp_path, "shell", "tcsh")

    assert done.returncode == 3
    assert "bash, zsh, fish" in done.stderr
