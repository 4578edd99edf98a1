"""The packs that wa ships and those of the user, read, joined, and read again when a file changes.

A file of the user's with a known `name` adds to that agent: rules and titles of a known id take the place of the shipped ones, others
join them; any other key takes the place of the shipped value. A file that is broken is refused, and what was last good stays.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from wa.agents.hooks import hooks_of
from wa.agents.profile import profile_of
from wa.detect.pack import Pack, PackError, compile_pack
from wa.detect.reading import Detector
from wa.model.errors import ConfigError
from wa.model.hook import AgentHooks
from wa.model.profile import Profile

SHIPPED = Path(__file__).parent
_BY_ID = ("rule", "title")
_TABLES = frozenset({"send", "interrupt", "exit", "resume", "option", "limits", "hooks"})


class Trouble(NamedTuple):
    """A file that was refused."""

    path: Path
    line: int | None
    reason: str

    def __str__(self) -> str:
        return f"{self.path}{f':{self.line}' if self.line else ''}: {self.reason}"


class Agents:
    """The packs in force. `reload` looks whether a file changed since the last time, which costs a stat for each."""

    def __init__(self, user_dir: Path | None) -> None:
        self._user_dir = user_dir
        self._stamps: dict[Path, tuple[int, int]] = {}
        self._good: dict[Path, Mapping[str, Any]] = {}
        self._names: dict[str, str] = {}
        self.troubles: tuple[Trouble, ...] = ()
        self.detectors: dict[str, Detector] = {}
        self.profiles: dict[str, Profile] = {}
        self.hooks: dict[str, AgentHooks] = {}
        shipped = {path: tomllib.loads(path.read_text("utf-8")) for path in sorted(SHIPPED.glob("*.toml"))}
        self._shipped = {str(data["name"]): data for data in shipped.values()}
        self._build(self._shipped)
        self.reload()

    def name_of(self, word: str) -> str | None:
        """The agent that people mean by *word*: its name or one of its aliases."""
        return self._names.get(word.strip().lower())

    @property
    def packs(self) -> list[Pack]:
        return [detector.pack for detector in self.detectors.values()]

    def reload(self) -> bool:
        """Whether something is in force now that was not before."""
        paths = sorted(self._user_dir.glob("*.toml")) if self._user_dir is not None and self._user_dir.is_dir() else []
        stamps = {path: stamp for path in paths if (stamp := _stamp(path)) is not None}
        if stamps == self._stamps:
            return False
        troubles = []
        for path in [known for known in self._good if known not in stamps]:
            del self._good[path]
        for path in stamps:
            try:
                self._good[path], _ = self.tried(path)
            except FileTrouble as trouble:
                troubles.append(trouble.trouble)
        self._stamps, self.troubles = stamps, tuple(troubles)
        self._build(self._joined(self._good))
        return True

    def tried(self, path: Path) -> tuple[Mapping[str, Any], Pack]:
        """What stands in a file of the user's, and the pack that it would make with all others. Raises FileTrouble."""
        data = read_file(path)
        try:
            joined = self._joined({**self._good, path: data})[data["name"]]
            pack = compile_pack(joined)
            profile_of(joined)
            hooks_of(joined)
        except PackError as error:
            raise FileTrouble(Trouble(path, line_of(path, error), str(error))) from None
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # A text where a table belongs, and the like.
            raise FileTrouble(Trouble(path, None, f"is not in the form of an agent's file: {error}")) from None
        return data, pack

    def _joined(self, good: Mapping[Path, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
        joined: dict[str, Mapping[str, Any]] = dict(self._shipped)
        for path in sorted(good):
            name = str(good[path].get("name", ""))
            joined[name] = join(joined[name], good[path]) if name in joined else good[path]
        return joined

    def _build(self, joined: Mapping[str, Mapping[str, Any]]) -> None:
        self.detectors = {name: Detector(compile_pack(data)) for name, data in joined.items()}
        self.profiles = {name: profile_of(data) for name, data in joined.items()}
        self.hooks = {name: found for name, data in joined.items() if (found := hooks_of(data)) is not None}
        self._names = {}
        for pack in self.packs:
            for word in (pack.name, pack.name.replace("_", "-"), *pack.aliases):
                self._names.setdefault(word, pack.name)


class FileTrouble(Exception):
    def __init__(self, trouble: Trouble) -> None:
        super().__init__(str(trouble))
        self.trouble = trouble


def read_file(path: Path) -> Mapping[str, Any]:
    """Raises FileTrouble with the line."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise FileTrouble(Trouble(path, None, f"cannot be read: {error.strerror}")) from None
    except UnicodeDecodeError as error:
        raise FileTrouble(Trouble(path, None, f"is no UTF-8: {error.reason} at byte {error.start}")) from None
    except tomllib.TOMLDecodeError as error:
        raise FileTrouble(Trouble(path, _line_in(str(error)), str(error))) from None
    if not isinstance(data.get("name"), str) or not data["name"]:
        raise FileTrouble(Trouble(path, 1, 'the name of the agent is missing: name = "codex"'))
    return data


def join(base: Mapping[str, Any], more: Mapping[str, Any]) -> Mapping[str, Any]:
    joined = {**base, **more}
    for key in _BY_ID:
        mine: dict[Any, Any] = {}
        for entry in more.get(key, ()):
            if entry.get("id") in mine:
                raise PackError(f"{key} {entry.get('id')}", "there are two of this id in one file")
            mine[entry.get("id")] = entry
        joined[key] = [mine.pop(entry.get("id"), entry) for entry in base.get(key, ())] + list(mine.values())
    return joined


def line_of(path: Path, error: PackError) -> int | None:
    """Where in the file the part stands that an error speaks of."""
    words = error.where.rstrip(":").split()
    if words and words[0] in _TABLES:
        wanted = int(words[1]) if len(words) > 1 and words[1].isdigit() else 1
        heads = [
            number
            for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
            if line.strip().startswith((f"[{words[0]}]", f"[[{words[0]}]]"))
        ]
        return heads[wanted - 1] if wanted <= len(heads) else None
    if len(words) > 1 and words[0] == "rule":
        name = words[1].rstrip(":")
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
            if name in line and line.lstrip().startswith("id"):
                return number
    return None


def load(user_dir: Path | None) -> Agents:
    """For a command: a broken file of the user's is an error here, not a notice. Raises ConfigError."""
    agents = Agents(user_dir)
    if agents.troubles:
        raise ConfigError(
            f"{agents.troubles[0]}",
            next_step=f"Mend the file, or move it out of {user_dir}.",
            details={"troubles": [str(t) for t in agents.troubles]},
        )
    return agents


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        known = path.stat()
    except OSError:
        return None
    return known.st_mtime_ns, known.st_size


def _line_in(message: str) -> int | None:
    """`… (at line 3, column 7)` is how tomllib says it."""
    _, _, rest = message.partition("line ")
    digits: Sequence[str] = rest.split(",")[0].split()
    return int(digits[0]) if digits and digits[0].isdigit() else None
