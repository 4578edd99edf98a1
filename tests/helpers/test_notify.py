"""Where addresses and tokens come from, and that they get into no words."""

from __future__ import annotations

from pathlib import Path

import pytest

from wa.helpers.notify import Destination, NotifyError

URL = "https://hooks.example.com/services/T000/B000/s3cr3t-path"


def _file(folder: Path, text: str, mode: int = 0o600) -> str:
    path = folder / "secret"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_an_address_is_read_from_a_private_file(tmp_path: Path) -> None:
    """A line end after it is none of it."""
    assert Destination(url_file=_file(tmp_path, f"{URL}\n")).url("webhook") == URL


def test_an_address_is_read_from_the_environment() -> None:
    """Of the sidecar."""
    assert Destination(url_env="HOOK").url("webhook", {"HOOK": URL}) == URL


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    """With the command that mends it."""
    with pytest.raises(NotifyError) as caught:
        Destination(url_file=_file(tmp_path, URL, mode)).url("webhook")

    assert "chmod 600" in caught.value.next_step
    assert "s3cr3t" not in str(caught.value) + caught.value.next_step


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s3cr3t",
        "ftp://s3cr3t.example.com/",
        "https://user:s3cr3t@example.com/",
        "https:///s3cr3t",
        "https://s3cr3t.example.com:99999/",
        "https://a.example.com/s3cr3t\nhttps://b.example.com/",
        "https://a.example.com/s3cr3t x",
        "file:///etc/s3cr3t",
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(tmp_path: Path, text: str) -> None:
    """Half of a secret is one still."""
    with pytest.raises(NotifyError) as caught:
        Destination(url_file=_file(tmp_path, text)).url("webhook")

    assert "s3cr3t" not in str(caught.value) + caught.value.next_step


def test_nothing_set_says_what_to_set() -> None:
    """By its key."""
    with pytest.raises(NotifyError) as caught:
        Destination().url("ntfy")

    assert "notify.ntfy.url_file" in caught.value.next_step


def test_a_variable_that_the_sidecar_lacks_is_named() -> None:
    """It was started without it."""
    with pytest.raises(NotifyError, match="HOOK"):
        Destination(url_env="HOOK").url("webhook", {})


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://a.example.com/", True),
        ("http://127.0.0.1:1/", True),
        ("http://localhost/", True),
        ("http://10.0.0.1/", False),
    ],
)
def test_a_token_travels_encrypted_or_not_at_all(url: str, fine: bool) -> None:
    """This machine itself aside."""
    destination = Destination(token_env="TOKEN")
    if fine:
        assert destination.token("ntfy", url, {"TOKEN": "tk_1"}) == "tk_1"
    else:
        with pytest.raises(NotifyError, match="unencrypted"):
            destination.token("ntfy", url, {"TOKEN": "tk_1"})


def test_a_token_cannot_smuggle_a_header() -> None:
    """One printable word."""
    with pytest.raises(NotifyError) as caught:
        Destination(token_env="TOKEN").token("ntfy", "https://a.example.com", {"TOKEN": "a\r\nX-Evil: s3cr3t"})

    assert "s3cr3t" not in str(caught.value)
