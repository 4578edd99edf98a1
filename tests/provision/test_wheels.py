from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import subprocess
import sys
import zipfile
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from wa.provision import wheels
from wa.provision.wheels import NoWheelsError, PythonThere, Wheelhouse, cache_folder, installed_here, wheelhouse

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Wheelhouse:
    return asyncio.run(wheelhouse(installed_here(), tmp_path_factory.mktemp("cache")))


def test_for_a_machine_like_this_nothing_is_downloaded(
    house: Wheelhouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is installed here is put together again, pip among it; the same bytes each time."""
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")

    again = asyncio.run(wheelhouse(installed_here(), tmp_path))

    assert again == house
    assert {name.split("-")[0] for name in house.wheels} >= {"wezterm_automata", "aiohttp", "regex", "pip"}
    assert not {name.split("-")[0] for name in house.wheels} & {"pytest", "mypy"}
    assert list(tmp_path.iterdir()) == []


def test_what_a_checkout_needs_stands_in_its_own_file(
    house: Wheelhouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its installation knows of that grows old: a wheel with that left out would install, and not run."""
    monkeypatch.setattr(wheels.metadata, "requires", lambda _: ["typer>=0.15"])

    assert asyncio.run(wheelhouse(installed_here(), tmp_path)) == house
    own = zipfile.ZipFile(io.BytesIO(next(data for name, data in house.wheels.items() if "automata" in name)))
    said = own.read(next(name for name in own.namelist() if name.endswith("/METADATA"))).decode()
    assert "Requires-Dist: ahocorasick-rs" in said
    assert "extra ==" not in said


def test_the_wheels_install_where_there_is_no_network(house: Wheelhouse, tmp_path: Path) -> None:
    """By their hashes, into an environment without pip, and wa runs from there with all of its files."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name, data in house.wheels.items():
        (folder / name).write_bytes(data)
    (folder / "requirements.txt").write_bytes(house.requirements())
    place = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    (pip,) = folder.glob("pip-*.whl")
    argv = [place / "bin/python", "-I", f"{pip}/pip", "install", "--quiet", "--no-index", "--no-deps"]
    argv += ["--require-hashes", "--find-links", str(folder), "-r", str(folder / "requirements.txt")]

    subprocess.run(argv, check=True, timeout=300, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)})

    code = "import wa.surfaces.app, wa.engine.sidecar; from wa.assets import asset_root; print(asset_root())"
    said = subprocess.run([place / "bin/python", "-I", "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip().endswith("wa/_assets")
    assert (Path(said.stdout.strip()) / "setup/bootstrap.sh").read_bytes() == (ROOT / "setup/bootstrap.sh").read_bytes()


def test_every_record_is_true(house: Wheelhouse) -> None:
    """Each file of each wheel is in its RECORD with its hash and size."""
    for data in house.wheels.values():
        archive = zipfile.ZipFile(io.BytesIO(data))
        (record,) = (name for name in archive.namelist() if name.endswith(".dist-info/RECORD"))
        known = {row[0]: row[1:] for row in csv.reader(archive.read(record).decode().splitlines())}
        assert set(known) == set(archive.namelist())
        for name in set(known) - {record}:
            content = archive.read(name)
            digest = urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            assert known[name] == [f"sha256={digest}", str(len(content))]


def test_wa_is_whole_and_alone(house: Wheelhouse) -> None:
    """All that the built wheel ships, as tests/test_packaging.py holds it, and no cache."""
    (data,) = (data for name, data in house.wheels.items() if name.startswith("wezterm_automata-"))
    names = set(zipfile.ZipFile(io.BytesIO(data)).namelist())

    assert {"wa/__init__.py", "wa/py.typed", "wa/_assets/lua/wa_plugin/init.lua"} <= names
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".orig"))]
    assert any(name.endswith("entry_points.txt") for name in names)


@pytest.mark.parametrize(
    ("there", "tags"),
    [
        (PythonThere((3, 11), False, "x86_64", "glibc2.28"), ["manylinux_2_28_x86_64", "manylinux_2_27_x86_64"]),
        (PythonThere((3, 12), False, "aarch64", "glibc2.17"), ["manylinux_2_17_aarch64", "manylinux2014_aarch64"]),
        (PythonThere((3, 12), False, "x86_64", "musl"), ["musllinux_1_2_x86_64", "musllinux_1_1_x86_64"]),
        (PythonThere((3, 13), True, "arm64", "12.6"), ["macosx_12_0_arm64", "macosx_12_0_universal2"]),
    ],
)
def test_tags_are_those_that_run_there(there: PythonThere, tags: list[str]) -> None:
    """None newer than its C library or its macOS."""
    assert there.platforms()[:2] == tags


def test_a_library_that_nobody_builds_for_is_told() -> None:
    """With what it is."""
    with pytest.raises(NoWheelsError, match=r"Python 3\.11 on Linux with unknown, riscv64"):
        PythonThere((3, 11), False, "riscv64", "unknown").platforms()


def test_without_a_network_another_platform_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told within the time-out, with the next step; nothing half-downloaded stays."""
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")
    monkeypatch.setenv("PIP_RETRIES", "0")
    there = PythonThere((3, 12), False, "s390x", "glibc2.36")

    with pytest.raises(NoWheelsError, match=r"no wheels for Python 3\.12") as raised:
        asyncio.run(wheelhouse(there, tmp_path / "cache"))

    assert "--no-wa" in raised.value.next_step
    assert [path.name for path in (tmp_path / "cache").glob("*")] == []


def test_requirements_are_read_for_the_other_python(tmp_path: Path) -> None:
    """pip reads their conditions for the Python it runs in; what the other one needs besides is asked for."""
    for name, needs in {
        "one": ["two>=1; python_version < '3.12'", "three; sys_platform == 'darwin'", "four; extra == 'x'"],
        "two": [],
    }.items():
        with zipfile.ZipFile(tmp_path / f"{name}-1.0-py3-none-any.whl", "w") as archive:
            lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0", *(f"Requires-Dist: {n}" for n in needs)]
            archive.writestr(f"{name}-1.0.dist-info/METADATA", "\n".join(lines) + "\n")
    (tmp_path / "own").write_bytes((tmp_path / "one-1.0-py3-none-any.whl").read_bytes())
    (tmp_path / "two-1.0-py3-none-any.whl").rename(tmp_path / "two.kept")

    def missing(there: PythonThere) -> list[str]:
        import json

        words = [str(tmp_path), str(tmp_path / "own"), json.dumps(there.markers())]
        return asyncio.run(wheels._missing(wheels._pip(), words))

    assert missing(PythonThere((3, 11), False, "x86_64", "glibc2.36")) == ["two>=1"]
    assert missing(PythonThere((3, 13), True, "arm64", "14.0")) == ["three"]


def test_the_cache_has_its_place() -> None:
    """Below XDG_CACHE_HOME, or WA_HOME."""
    assert cache_folder({"HOME": "/h"}) == Path("/h/.cache/wa/wheels")
    assert cache_folder({"HOME": "/h", "XDG_CACHE_HOME": "/c"}) == Path("/c/wa/wheels")
    assert cache_folder({"HOME": "/h", "WA_HOME": "/w"}) == Path("/w/cache/wheels")
