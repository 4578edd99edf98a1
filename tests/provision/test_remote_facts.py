from __future__ import annotations

import base64
from pathlib import PurePosixPath

from hypothesis import given
from hypothesis import strategies as st

from wa.provision.remote_facts import facts_of, said

LINES = [
    "system\tLinux",
    "arch\taarch64",
    "home\t/home/me",
    "data\t/home/me/.local/share/wa",
    "wezterm_version\twezterm 20240203-110809-5046fc22",
    "free_kb\t2048",
    "lingering\tno",
    "manager\tsystemd",
    "enabled wezterm-mux-server.service\tenabled",
    "active wezterm-mux-server.service\tfailed",
    "python\t/usr/bin/python3\t3.10.12\tcpython\tlinux-aarch64\tglibc2.35\t0\tvenv,ensurepip",
    "python\t/opt/p y/python3.12\t3.12.4\tcpython\tlinux-aarch64\tglibc2.35\t0\tvenv",
    "python\t/usr/bin/python3.13\t3.13.1\tcpython\tlinux-aarch64\tglibc2.35\t1\tvenv,ensurepip",
    "python\t/usr/bin/pypy3.11\t3.11.9\tpypy\tlinux-aarch64\tglibc2.35\t0\tvenv",
    "plan\t20261121-120000-0a1b begun setup remote",
    "plan\t20261121-130000-0a1b finished setup remote",
    "plan\t20261121-140000-0a1b begun setup local",
    "file\t~/.wezterm.lua\theld\t600\t" + base64.b64encode(b"\xff\n").decode(),
    "file\t~/.local/bin/wa\tabsent",
]


def test_facts_are_read() -> None:
    """Only a Python that wa runs on counts: new enough, CPython, with its lock; ensurepip is not needed."""
    facts = facts_of(LINES)

    assert [(one.path, one.there.version, one.there.machine) for one in facts.pythons] == [
        ("/opt/p y/python3.12", (3, 12), "aarch64")
    ]
    assert facts.wezterm_version == "20240203-110809-5046fc22"
    assert facts.free_bytes == 2 << 20
    assert facts.unit("mux") == "failed"
    assert facts.is_enabled("mux")
    assert facts.lingering is False
    assert facts.interrupted == ["20261121-120000-0a1b"]
    assert facts.files["~/.wezterm.lua"].content == b"\xff\n"
    assert facts.files["~/.wezterm.lua"].mode == 0o600
    assert facts.title == "Linux aarch64"
    assert PurePosixPath(facts.paths.data) == facts.data


def test_folders_elsewhere_are_followed() -> None:
    """Where its start-up files set WA_HOME or XDG_DATA_HOME."""
    assert str(facts_of(["home\t/h", "data\t/w/data"]).paths.config) == "/w/config"
    moved = facts_of(["home\t/h", "data\t/big/wa"]).paths
    assert (str(moved.data), str(moved.config)) == ("/big/wa", "/h/.config/wa")


def test_noise_is_told_apart() -> None:
    """What start-up files print stands before the marks; an output without an end is not whole."""
    heard = said(b"Welcome\n<wa-begin>\na\tb\n<wa-end>\n")
    assert (heard.lines, heard.noise, heard.is_whole) == (["a\tb"], "Welcome", True)
    assert said(b"<wa-begin>\na\tb\n").is_whole is False
    assert said(b"no shell for you\n").noise == "no shell for you"


@given(st.lists(st.text(st.characters(exclude_characters="\n"))))
def test_nonsense_is_passed_over(lines: list[str]) -> None:
    """No host's answer breaks the reading of it."""
    facts = facts_of([*lines, "file\tx\theld\t999\t!!", "python\tx", "python\ta\tb\tc\td\te\tf"])
    facts.unit("mux"), facts.unit("sidecar"), facts.paths, facts.free_bytes, facts.title, facts.manager
