"""The wheel holds what runs, the files for other programs, and nothing else."""

from __future__ import annotations

import email
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INSIDE = {
    "sidecar/wa": "wa",
    "lua": "wa/_assets/lua",
    "shell_integration": "wa/_assets/shell_integration",
    "setup": "wa/_assets/setup",
}
"""Folders of the checkout and where the wheel has them."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("build", reason="needs the dev extra")
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("*.whl")
    return built


def on_disk() -> set[str]:
    """Every file that should ship, as the wheel names it."""
    found = set()
    for folder, inside in INSIDE.items():
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                found.add(f"{inside}/{path.relative_to(ROOT / folder).as_posix()}")
    return found


def test_the_wheel_ships_exactly_the_package_and_the_three_folders(wheel: Path) -> None:
    """Each file of the package and of lua/, shell_integration/ and setup/ is inside, and no other."""
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}

    assert on_disk() == names


def test_the_wheel_installs_the_command(wheel: Path) -> None:
    """The distribution is `wezterm-automata`, pure Python, and its one command is `wa`."""
    archive = zipfile.ZipFile(wheel)
    entry = next(name for name in archive.namelist() if name.endswith("entry_points.txt"))
    metadata = email.message_from_bytes(archive.read(next(n for n in archive.namelist() if n.endswith("METADATA"))))

    assert archive.read(entry).decode().strip() == "[console_scripts]\nwa = wa.surfaces.cli:main"
    assert (metadata["Name"], metadata["Requires-Python"]) == ("wezterm-automata", ">=3.11")
    assert wheel.name.endswith("-py3-none-any.whl")


def test_the_unpacked_wheel_runs_and_finds_its_files(wheel: Path, tmp_path: Path) -> None:
    """Away from the checkout the command starts, and the assets come from inside the package."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "WA_HOME": str(tmp_path / "home")}
    ask = "import wa.assets, wa.surfaces.cli; print(wa.assets.asset_root()); wa.surfaces.cli.main(['--version'])"
    done = subprocess.run([sys.executable, "-c", ask], env=env, cwd="/", capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert [str(tmp_path / "site" / "wa" / "_assets"), "wa 0.1.0"] == done.stdout.splitlines()


def test_a_checkout_finds_its_files() -> None:
    """An editable install reads the checkout itself: no stale copies."""
    ask = "import wa.assets; print(wa.assets.asset_root())"
    env = {**os.environ, "PYTHONPATH": str(ROOT / "sidecar")}
    done = subprocess.run([sys.executable, "-c", ask], env=env, cwd="/", capture_output=True, text=True, timeout=60)

    assert str(ROOT) == done.stdout.strip()


def test_nothing_is_called_setup_in_python() -> None:
    """setup/ holds files for other machines: Python code below it would shadow and break installations."""
    assert list((ROOT / "setup").rglob("*.py")) == []
    assert not (ROOT / "setup.py").exists()
