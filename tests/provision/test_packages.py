from __future__ import annotations

import pytest

from wa.provision.packages import install


@pytest.mark.parametrize(
    ("system", "python"),
    [
        (("debian", "12"), "apt install python3 python3-venv"),
        (("ubuntu", "22.04", "debian"), "apt install python3.11 python3.11-venv"),
        (("linuxmint", "21", "ubuntu debian"), "apt install python3"),
        (("rocky", "9.3", "rhel centos fedora"), "dnf install python3.11"),
        (("amzn", "2023", "fedora"), "dnf install python3.11"),
        (("opensuse-leap", "15.6", "suse opensuse"), "zypper install python311"),
        (("alpine", "3.20"), "apk add python3"),
        (("arch", ""), "pacman -S python"),
        (("macos", "14.5"), "brew install python"),
    ],
)
def test_each_distribution_has_its_own_words(system: tuple[str, ...], python: str) -> None:
    """For Python, and for WezTerm; nothing is piped into a shell."""
    assert python in (install("python", *system) or "")
    wezterm = install("wezterm", *system) or ""
    assert "wezterm" in wezterm
    assert "| sh" not in wezterm
    assert "curl" not in wezterm


def test_one_that_is_not_known_has_none() -> None:
    """Then the thing itself is named."""
    assert install("python", "templeos") is None
