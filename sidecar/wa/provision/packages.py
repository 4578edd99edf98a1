"""Which command installs what, by distribution. wa only names it: to run it is for who owns the machine."""

from __future__ import annotations

from typing import Literal

WEZTERM_PAGE = "https://wezterm.org/install/linux.html"

_WEZTERM: dict[str, str] = {
    "debian": f"add WezTerm's apt repository ({WEZTERM_PAGE}), then: sudo apt install wezterm",
    "fedora": "sudo dnf copr enable wezfurlong/wezterm-nightly && sudo dnf install wezterm",
    "rhel": "sudo dnf copr enable wezfurlong/wezterm-nightly && sudo dnf install wezterm",
    "suse": "sudo zypper install wezterm",
    "arch": "sudo pacman -S wezterm",
    "alpine": "sudo apk add wezterm",
    "nixos": "add pkgs.wezterm to environment.systemPackages",
    "macos": "brew install --cask wezterm",
}
"""WezTerm's install pages, 2026-11."""

_PYTHON: dict[str, str] = {
    "debian": "sudo apt install python3 python3-venv",
    "debian 11": "Debian 11 has Python 3.9: install 3.11 or newer with `uv python install 3.12`, or upgrade to Debian 12",
    "ubuntu 22.04": "sudo apt install python3.11 python3.11-venv",
    "ubuntu 20.04": "Ubuntu 20.04 has Python 3.8: sudo add-apt-repository ppa:deadsnakes/ppa && sudo apt install python3.11",
    "fedora": "sudo dnf install python3",
    "rhel": "sudo dnf install python3.11",
    "suse": "sudo zypper install python311",
    "arch": "sudo pacman -S python",
    "alpine": "sudo apk add python3",
    "nixos": "add pkgs.python312 to environment.systemPackages",
    "macos": "brew install python@3.12",
}
"""Packages of the distributions, 2026-11: the oldest release named has no Python 3.11 of its own, or under another name."""

_FAMILIES = {
    "ubuntu": "debian",
    "centos": "rhel",
    "rocky": "rhel",
    "almalinux": "rhel",
    "amzn": "rhel",
    "ol": "rhel",
    "opensuse-leap": "suse",
    "opensuse-tumbleweed": "suse",
    "opensuse": "suse",
    "sles": "suse",
    "manjaro": "arch",
    "endeavouros": "arch",
}


def install(what: Literal["wezterm", "python"], distribution: str, release: str = "", like: str = "") -> str | None:
    """The command, or words, for that system as /etc/os-release names it; None where it is not known."""
    table = _WEZTERM if what == "wezterm" else _PYTHON
    for name in (f"{distribution} {release}", distribution, *like.split()):
        if name in table:
            return table[name]
        if _FAMILIES.get(name, "") in table:
            return table[_FAMILIES[name]]
    return None
