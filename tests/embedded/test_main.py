"""`python -m wa.embedded`."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from support.embedded import clean_env, running_embedded_mux


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_cleanly(number: signal.Signals) -> None:
    """Status 0, nothing on stderr, no socket left."""
    with running_embedded_mux() as mux:
        mux.process.send_signal(number)

        assert mux.process.wait(10) == 0
        assert not mux.socket.exists()


def test_a_second_one_at_the_same_socket_is_refused() -> None:
    """The first one keeps its socket; the second says who has it, with status 1."""
    with running_embedded_mux() as mux:
        argv = [sys.executable, "-m", "wa.embedded", "--socket", str(mux.socket)]
        done = subprocess.run(argv, env=dict(mux.env), capture_output=True, text=True, timeout=30)

        assert done.returncode == 1
        assert "another multiplexer listens on" in done.stderr
        assert mux.run("list")


@pytest.mark.parametrize(
    "words", [[], ["--socket"], ["--socket", "/x", "--rows", "0"], ["--socket", "/x", "--cols", "99999"]]
)
def test_wrong_words_have_status_2(words: list[str], tmp_path) -> None:  # type: ignore[no-untyped-def]
    """What cannot be is refused before anything is served."""
    argv = [sys.executable, "-m", "wa.embedded", *words]
    done = subprocess.run(argv, env=clean_env(tmp_path, tmp_path / "s"), capture_output=True, text=True, timeout=30)

    assert done.returncode == 2
    assert "usage:" in done.stderr


def test_the_first_pane_is_what_was_asked_for() -> None:
    """Size and program of the first pane; --no-pane for none."""
    with running_embedded_mux(["cat"], cols=100, rows=30) as mux:
        assert "100x30" in mux.run("list")
    with running_embedded_mux(first_pane=False) as mux:
        assert len(mux.run("list").splitlines()) == 1


def test_a_shell_is_a_login_shell_of_the_user() -> None:
    """Without a program the pane has $SHELL, which thinks that it was logged into."""
    with running_embedded_mux([]) as mux:
        mux.run("send-text", "--pane-id", "0", "--no-paste", "echo shell=$0 pane=$WEZTERM_PANE\r")
        for _ in range(200):
            text = mux.run("get-text", "--pane-id", "0")
            if "shell=-sh pane=0" in text:
                return
        pytest.fail(text)
