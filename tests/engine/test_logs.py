import logging
import stat

import pytest

from wa.config.settings import LogSettings
from wa.engine.logs import log_to, stop_logging


@pytest.fixture
def logging_to(tmp_path):
    handlers = []

    def start(**changes):
        settings = LogSettings(**{"level": "info", "size_mb": 1, "files": 2, **changes})
        handlers.append(log_to(tmp_path / "wa.log", settings))
        return tmp_path / "wa.log"

    yield start
    for handler in handlers:
        stop_logging(handler)


def test_an_entry_is_a_line_with_its_fields(logging_to):
    """Instant, level, source, words, then keys and values; what is not plain stands in quotes."""
    path = logging_to()
    logging.getLogger("wa.engine.test").info("mux connected", extra={"mux": "local", "reason": "a b\nc"})
    logging.getLogger("wa.engine.test").debug("not this")

    (line,) = path.read_text().splitlines()

    assert line[24:] == r" info wa.engine.test mux connected  mux=local reason='a b\nc'"


def test_secrets_do_not_reach_the_file(logging_to):
    """Neither in words nor in fields nor in tracebacks."""
    path, key = logging_to(level="debug"), "sk-ant-api03-" + "Zq7xV2mK9pL4wR8t" * 5
    log = logging.getLogger("wa.engine.test")
    log.info("saw %s", key)
    log.info("saw", extra={"text": f"export ANTHROPIC_API_KEY={key}"})
    try:
        raise ValueError(f"bad key {key}")
    except ValueError:
        log.exception("failed")

    assert key not in path.read_text()
    assert "Traceback" in path.read_text()


def test_files_are_private_and_bounded(logging_to, tmp_path):
    """0600, also the rotated ones; as many as set, no larger than set; an old open file is tightened."""
    (tmp_path / "wa.log").write_text("old\n")
    (tmp_path / "wa.log").chmod(0o644)
    logging_to()
    for n in range(400):
        logging.getLogger("wa.engine.test").info("x" * 10_000, extra={"n": n})

    files = sorted(tmp_path.iterdir())

    assert [file.name for file in files] == ["wa.log", "wa.log.1", "wa.log.2"]
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    assert all(file.stat().st_size <= 1024 * 1024 for file in files)


def test_a_log_that_cannot_be_written_stops_nobody(logging_to, monkeypatch, capsys):
    """A full disk costs the line."""
    path = logging_to()
    handler = logging.getLogger("wa").handlers[-1]

    def full(text):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(handler.stream, "write", full, raising=False)
    logging.getLogger("wa.engine.test").info("lost")
    monkeypatch.undo()
    logging.getLogger("wa.engine.test").info("kept")

    assert "kept" in path.read_text()
    assert capsys.readouterr().err == ""
