from pathlib import Path

import pytest

from wa.model.errors import UsageError
from wa.wezterm.discovery import Discovery, discover, parse_socket_option, runtime_dir
from wa.wezterm.peers import Outcome
from wa.wezterm.targets import SocketTarget
from wezterm.listener import listening
from wezterm.waiting import run


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "wezterm").mkdir()
    return tmp_path


def look(home: Path, *explicit: SocketTarget) -> Discovery:
    return run(discover(explicit, env={"XDG_RUNTIME_DIR": str(home), "PATH": ""}, timeout_s=0.2))


def test_every_live_socket_of_the_runtime_folder_is_found(home: Path) -> None:
    """The server is `local`, GUIs are named by pid in order of it, and links and strangers are passed over."""
    folder = home / "wezterm"
    (folder / "x11-:0-org.wezfurlong.wezterm").symlink_to("gui-sock-12")
    (folder / "wezterm-log-7.txt").touch()
    with listening(folder / "sock"), listening(folder / "gui-sock-120"), listening(folder / "gui-sock-12"):
        found = look(home)

    assert [(c.name, c.outcome) for c in found.candidates] == [
        ("local", Outcome.LIVE),
        ("gui-12", Outcome.LIVE),
        ("gui-120", Outcome.LIVE),
    ]
    assert found.targets[0] == SocketTarget("local", str(folder / "sock"))


def test_stale_sockets_are_reported_and_not_used(home: Path) -> None:
    """What a dead GUI left behind is told with its reason, and is no target."""
    with listening(home / "wezterm" / "gui-sock-7"):
        pass

    found = look(home)

    [candidate] = found.candidates
    assert candidate.outcome is Outcome.STALE
    assert "left behind" in candidate.detail
    assert found.targets == ()


def test_nothing_there_is_an_empty_report(tmp_path: Path) -> None:
    """No runtime folder, no sockets, no command: not an error, and nothing gets started."""
    found = look(tmp_path)

    assert (found.candidates, found.executable) == ((), None)
    assert list(tmp_path.iterdir()) == []


def test_a_server_with_two_names_is_watched_once(home: Path) -> None:
    """The name given by hand wins over the folder's, by path and by link."""
    path = home / "wezterm" / "sock"
    link = home / "link"
    link.symlink_to(path)
    with listening(path):
        found = look(home, SocketTarget("work", str(link)), SocketTarget("again", str(path)))

    assert [target.name for target in found.targets] == ["work"]
    assert [c.same_as for c in found.candidates] == [None, "work", "work"]


def test_a_socket_named_by_hand_that_is_missing_is_reported(home: Path) -> None:
    """Asked for by name, it stands in the report even though there is nothing."""
    found = look(home, SocketTarget("work", str(home / "none")))

    [candidate] = found.candidates
    assert (candidate.name, candidate.outcome, candidate.explicit) == ("work", Outcome.MISSING, True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/run/a.sock", SocketTarget("a", "/run/a.sock")),
        ("work=/run/a.sock", SocketTarget("work", "/run/a.sock")),
        ("/run/a=b.sock", SocketTarget("a-b", "/run/a=b.sock")),
        ("w=/run/a=b.sock", SocketTarget("w", "/run/a=b.sock")),
        ("/run/.sock", SocketTarget("sock", "/run/.sock")),
        ("/run/日本", SocketTarget("socket", "/run/日本")),
    ],
)
def test_reads_the_socket_option(value: str, expected: SocketTarget) -> None:
    """NAME=PATH or PATH; an equals sign in a path is no name."""
    assert parse_socket_option(value) == expected


@pytest.mark.parametrize("value", ["", "work=", "w w=/run/a", "-x=/run/a", "w\n=/run/a"])
def test_refuses_names_that_could_not_be_typed_again(value: str) -> None:
    """A name goes into `MUX/ID`, so it has no blanks, slashes or leading dash."""
    with pytest.raises(UsageError):
        parse_socket_option(value)


def test_relative_paths_are_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The sidecar may run elsewhere than the command that named the socket."""
    monkeypatch.chdir(tmp_path)

    assert parse_socket_option("a.sock").path == str(Path.cwd() / "a.sock")


def test_the_runtime_folder_is_wezterms() -> None:
    """Below XDG_RUNTIME_DIR where there is one, else below the home's data folder."""
    assert runtime_dir({"XDG_RUNTIME_DIR": "/run/user/7", "HOME": "/h"}) == Path("/run/user/7/wezterm")
    assert runtime_dir({"HOME": "/h"}) == Path("/h/.local/share/wezterm")
    assert runtime_dir({"XDG_RUNTIME_DIR": "relative", "HOME": "/h"}) == Path("/h/.local/share/wezterm")


def open_files() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


def test_probing_leaves_nothing_open(home: Path) -> None:
    """Each knock is hung up again."""
    with listening(home / "wezterm" / "sock"):
        before = open_files()
        for _ in range(5):
            look(home)
        assert open_files() == before
