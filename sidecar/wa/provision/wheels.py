"""A wheelhouse: wa and all that it needs, as wheels for another machine's platform and Python, which needs no network.

For a machine like this one they are put together again from what is installed here, so that it gets the very code
that runs here; for another one pip downloads what it needs, once.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import os
import platform
import re
import shutil
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import wa
from wa.assets import asset_root
from wa.model.errors import WaError
from wa.wezterm.processes import run

DISTRIBUTION = "wezterm-automata"
DOWNLOAD_S = 300.0
_SKIPPED = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})
_ASSETS = ("lua", "shell_integration", "setup")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MANYLINUX_2 = (17, 24, 26, 27, 28, 31, 34, 35, 39, 40)
"""Minor versions of glibc that wheels are built for (PyPI, 2026-11)."""


class NoWheelsError(WaError):
    """wa cannot be put together for that machine."""

    code = "setup.wheels"
    next_step = "Run it again where https://pypi.org can be reached, or pass --no-wa."


@dataclass(frozen=True, slots=True)
class PythonThere:
    """A Python of another machine."""

    version: tuple[int, int]
    is_mac: bool
    machine: str
    """As `uname -m` says."""
    libc: str
    """`glibc2.36`, `musl`, or the version of macOS."""

    @property
    def tag(self) -> str:
        return f"cp{self.version[0]}{self.version[1]}"

    @property
    def title(self) -> str:
        """In words."""
        system = f"macOS {self.libc}" if self.is_mac else f"Linux with {self.libc}"
        return f"Python {self.version[0]}.{self.version[1]} on {system}, {self.machine}"

    def platforms(self) -> list[str]:
        """The tags of wheels that run there, best first (PEP 600, PEP 656, macOS's own)."""
        if self.is_mac:
            newest = int(self.libc.split(".")[0] or 11)
            return [
                f"macosx_{major}_0_{kind}" for major in range(newest, 10, -1) for kind in (self.machine, "universal2")
            ]
        if self.libc.startswith("glibc"):
            minor = int(self.libc.removeprefix("glibc2.").split(".")[0])
            tags = [f"manylinux_2_{one}_{self.machine}" for one in reversed(_MANYLINUX_2) if one <= minor]
            return [*tags, f"manylinux2014_{self.machine}"]
        if self.libc == "musl":
            return [f"musllinux_1_{minor}_{self.machine}" for minor in (2, 1)]
        raise NoWheelsError(f"there are no wheels for {self.title}")

    def markers(self) -> dict[str, str]:
        """The environment that requirements are read in (PEP 508), as far as packages of wa's ask."""
        dotted = f"{self.version[0]}.{self.version[1]}"
        return {
            "python_version": dotted,
            "python_full_version": f"{dotted}.0",
            "os_name": "posix",
            "sys_platform": "darwin" if self.is_mac else "linux",
            "platform_system": "Darwin" if self.is_mac else "Linux",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "implementation_name": "cpython",
            "implementation_version": f"{dotted}.0",
            "platform_release": "",
            "platform_version": "",
            "extra": "",
        }


@dataclass(frozen=True, slots=True)
class Wheelhouse:
    wheels: Mapping[str, bytes]
    """By file name; pip is among them, for a Python that has none."""
    digest: str
    """Of what is in them: the same where the same would be installed."""
    version: str
    """wa's."""

    @property
    def size(self) -> int:
        return sum(map(len, self.wheels.values()))

    def requirements(self) -> bytes:
        """What pip is to install, each by its hash."""
        lines = []
        for name, data in sorted(self.wheels.items()):
            project, version = name.split("-")[:2]
            if project != "pip":
                lines.append(f"{project}=={version} --hash=sha256:{hashlib.sha256(data).hexdigest()}\n")
        return "".join(lines).encode("ascii")


def installed_here() -> PythonThere:
    is_mac = sys.platform == "darwin"
    libc = platform.mac_ver()[0] if is_mac else "".join(platform.libc_ver()) or "musl"
    return PythonThere((sys.version_info[0], sys.version_info[1]), is_mac, platform.machine(), libc)


async def wheelhouse(there: PythonThere, cache: Path) -> Wheelhouse:
    """wa, its requirements and pip, for *there*. *cache*: wa's own below XDG_CACHE_HOME. Raises NoWheelsError."""
    own_name, own = await asyncio.to_thread(_wa_wheel)
    wheels = {own_name: own}
    like_here = await asyncio.to_thread(_from_here, there)
    if like_here is not None:
        wheels |= like_here
    else:
        wheels |= await _downloaded(there, own, cache)
    digest = hashlib.sha256()
    for name, data in sorted(wheels.items()):
        digest.update(f"{name} {hashlib.sha256(data).hexdigest()}\n".encode())
    return Wheelhouse(wheels, digest.hexdigest()[:12], metadata.version(DISTRIBUTION))


def cache_folder(env: Mapping[str, str] | None = None) -> Path:
    env = os.environ if env is None else env
    if home := env.get("WA_HOME"):
        return Path(home).expanduser().absolute() / "cache" / "wheels"
    value = env.get("XDG_CACHE_HOME", "")
    base = Path(value) if value.startswith("/") else Path(env.get("HOME") or Path.home()) / ".cache"
    return base / "wa" / "wheels"


# ---- put together from what is installed -----------------------------------------------------------------------------


def _wa_wheel() -> tuple[str, bytes]:
    distribution = metadata.distribution(DISTRIBUTION)
    package = Path(wa.__file__).parent
    if any(str(file) == "wa/__init__.py" for file in distribution.files or ()):
        return _remade(distribution)
    # A checkout that is installed in place: its files stand elsewhere than its metadata.
    files = {f"wa/{name}": data for name, data in _below(package)}
    for folder in _ASSETS:
        files |= {f"wa/_assets/{folder}/{name}": data for name, data in _below(asset_root() / folder)}
    return _wheel(distribution, files, ["py3-none-any"], _needs())


def _needs() -> list[str]:
    """What wa requires. A checkout's own file says it: what its installation knows of it grows old."""
    try:
        project = tomllib.loads((Path(wa.__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
        if project["name"] == DISTRIBUTION:
            return [str(one) for one in project["dependencies"]]
    except (OSError, ValueError, KeyError):
        pass
    return metadata.requires(DISTRIBUTION) or []


def _below(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in (".pyc", ".orig"):
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def _from_here(there: PythonThere) -> dict[str, bytes] | None:
    """The wheels of wa's requirements, from this very environment, or None where they would not run there."""
    here = installed_here()
    if (there.version, there.is_mac, there.machine) != (here.version, here.is_mac, here.machine):
        return None
    wheels = {}
    try:
        for distribution in [*_required(_needs()), metadata.distribution("pip")]:
            name, data = _remade(distribution)
            platforms = name.removesuffix(".whl").split("-")[-1].split(".")
            if platforms != ["any"] and not set(platforms) & set(there.platforms()):
                return None
            wheels[name] = data
    except (OSError, metadata.PackageNotFoundError, NoWheelsError):
        return None
    return wheels


def _required(needs: Sequence[str]) -> list[metadata.Distribution]:
    """All that *needs* means in this environment, without extras. Raises PackageNotFoundError."""
    found: dict[str, metadata.Distribution] = {}
    waiting = list(needs)
    while waiting:
        requirement = waiting.pop()
        words, _, marker = requirement.partition(";")
        if "extra" in marker or (named := re.match(r"[A-Za-z0-9._-]+", words)) is None:
            continue
        name = re.sub(r"[-_.]+", "-", named[0]).lower()
        if name in found:
            continue
        try:
            found[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            if marker:
                continue  # for another Python or system: this one runs without it
            raise
        waiting += found[name].requires or ()
    return list(found.values())


def _remade(distribution: metadata.Distribution) -> tuple[str, bytes]:
    """The wheel that *distribution* was installed from, put together from its RECORD. Raises OSError, NoWheelsError."""
    files = {}
    for file in distribution.files or ():
        name = file.as_posix()
        if name.startswith(("..", "/")) or "__pycache__" in file.parts or name.endswith(".pyc"):
            continue
        if ".dist-info" not in file.parts[0]:
            files[name] = Path(str(file.locate())).read_bytes()
    if not files:
        raise NoWheelsError(f"{distribution.name} is not installed from a wheel")
    said = distribution.read_text("WHEEL") or ""
    return _wheel(distribution, files, re.findall(r"^Tag: (\S+)$", said, re.MULTILINE))


def _wheel(
    distribution: metadata.Distribution,
    files: Mapping[str, bytes],
    tags: Sequence[str],
    needs: Sequence[str] | None = None,
) -> tuple[str, bytes]:
    """The same bytes for the same files. *needs* take the place of its own requirements."""
    parts = [tag.split("-") for tag in tags]
    if not parts:
        raise NoWheelsError(f"{distribution.name} is not installed from a wheel")
    project = re.sub(r"[-_.]+", "_", distribution.name).lower()
    compressed = "-".join(".".join(dict.fromkeys(part[at] for part in parts)) for at in range(3))
    info = f"{project}-{distribution.version}.dist-info"
    held = dict(files)
    for file in distribution.files or ():
        place = file.parts
        if len(place) > 1 and place[0].endswith(".dist-info") and place[1] not in _SKIPPED:
            held["/".join((info, *place[1:]))] = Path(str(file.locate())).read_bytes()
    if needs is not None:
        said = held[f"{info}/METADATA"].decode("utf-8")
        head, blank, text = said.partition("\n\n")
        kept = [line for line in head.splitlines() if not line.startswith(("Requires-Dist:", "Provides-Extra:"))]
        head = "\n".join([*kept, *(f"Requires-Dist: {one}" for one in needs)])
        held[f"{info}/METADATA"] = (head + blank + text).encode("utf-8")
    is_pure = all(part[2] == "any" for part in parts)
    wheel = ["Wheel-Version: 1.0", "Generator: wa", f"Root-Is-Purelib: {str(is_pure).lower()}"]
    held[f"{info}/WHEEL"] = "".join(f"{line}\n" for line in [*wheel, *(f"Tag: {tag}" for tag in tags)]).encode()
    out = io.BytesIO()
    record = []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(held.items()):
            _put(archive, name, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record.append(f"{_csv(name)},sha256={digest},{len(data)}\n")
        _put(archive, f"{info}/RECORD", "".join([*record, f"{info}/RECORD,,\n"]).encode())
    return f"{project}-{distribution.version}-{compressed}.whl", out.getvalue()


def _put(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.external_attr = 0o100644 << 16
    archive.writestr(entry, data, zipfile.ZIP_DEFLATED, 6)


def _csv(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if "," in name or '"' in name else name


# ---- downloaded ------------------------------------------------------------------------------------------------------

_MISSING = """
import glob, json, sys, zipfile, email
try:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name
except ImportError:
    from pip._vendor.packaging.requirements import Requirement
    from pip._vendor.packaging.utils import canonicalize_name
folder, own, markers = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
wheels = {}
for path in [own, *glob.glob(folder + "/*.whl")]:
    archive = zipfile.ZipFile(path)
    name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
    meta = email.message_from_bytes(archive.read(name))
    wheels[canonicalize_name(meta["Name"])] = meta.get_all("Requires-Dist") or []
missing = set()
for needed in wheels.values():
    for line in needed:
        one = Requirement(line)
        if canonicalize_name(one.name) not in wheels and (one.marker is None or one.marker.evaluate(markers)):
            missing.add(one.name + str(one.specifier))
print(json.dumps(sorted(missing)))
"""
"""pip reads a requirement's conditions for the Python that it runs in; this reads them for the other one."""


async def _downloaded(there: PythonThere, own: bytes, cache: Path) -> dict[str, bytes]:
    requires = "\n".join(sorted(_needs()))
    key = hashlib.sha256(requires.encode()).hexdigest()[:12]
    place = cache / f"{there.tag}-{there.platforms()[0]}-{key}"
    if not place.is_dir():
        await asyncio.to_thread(_forget_older, cache, place)
        fresh = cache / f".{place.name}-{os.getpid()}"
        try:
            await _download(there, own, fresh)
            fresh.rename(place)
        except OSError as error:
            raise NoWheelsError(f"the wheels cannot be kept: {error}", next_step=f"Look at {cache}.") from error
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return {path.name: path.read_bytes() for path in sorted(place.glob("*.whl"))}


async def _download(there: PythonThere, own: bytes, place: Path) -> None:
    pip = _pip()
    own_path = _laid_out(place, own)
    options = ["--only-binary=:all:", "--no-deps", "--quiet", "--disable-pip-version-check", "--dest", str(place)]
    for tag in there.platforms():
        options += ["--platform", tag]
    options += ["--python-version", f"{there.version[0]}.{there.version[1]}", "--implementation", "cp"]
    for abi in (there.tag, "abi3", "none"):
        options += ["--abi", abi]
    wanted = ["pip"]
    while wanted:
        await _run_pip([*pip, "download", *options, *wanted], there)
        again = await _missing(pip, [str(place), str(own_path), json.dumps(there.markers())])
        if again == wanted:
            raise NoWheelsError(f"no wheels for {there.title}: {', '.join(wanted)} came and do not fit")
        wanted = again
    own_path.unlink()


def _forget_older(cache: Path, place: Path) -> None:
    """Wheels of another wa for the same Python."""
    head = place.name.rpartition("-")[0]
    for folder in cache.glob(f"{head}-*"):
        shutil.rmtree(folder, ignore_errors=True)


def _pip() -> list[str]:
    try:
        metadata.distribution("pip")
    except metadata.PackageNotFoundError:
        pass
    else:
        return [sys.executable, "-m", "pip"]
    try:
        import ensurepip

        bundled = sorted((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"))
    except ImportError:
        bundled = []
    if bundled:
        return [sys.executable, f"{bundled[-1]}/pip"]
    raise NoWheelsError(
        "there is no pip here to download wheels with", next_step="Install pip for this Python, or pass --no-wa."
    )


async def _run_pip(argv: Sequence[str], there: PythonThere) -> None:
    try:
        done = await run(argv, timeout_s=DOWNLOAD_S)
    except TimeoutError:
        raise NoWheelsError(f"its wheels did not come within {DOWNLOAD_S:.0f} s") from None
    if done.status != 0:
        lines = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.startswith("ERROR")]
        why = lines[-1].removeprefix("ERROR: ") if lines else f"pip ended with status {done.status}"
        raise NoWheelsError(f"no wheels for {there.title}: {why}")


def _laid_out(place: Path, own: bytes) -> Path:
    place.mkdir(parents=True)
    path = place / "own"
    path.write_bytes(own)
    return path


async def _missing(pip: Sequence[str], words: Sequence[str]) -> list[str]:
    env = dict(os.environ)
    if pip[1] != "-m":
        env["PYTHONPATH"] = str(Path(pip[1]).parent)
    done = await run([pip[0], "-c", _MISSING, *words], timeout_s=60.0, env=env)
    if done.status != 0:
        raise NoWheelsError(f"the wheels cannot be read: {done.stderr.decode('utf-8', 'replace')[-200:]}")
    return list(map(str, json.loads(done.stdout)))
