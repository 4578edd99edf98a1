"""Secrets of every kind through the Writer, in every place it takes text, and then every byte of every file."""

import random

import pytest

from store.secrets_made_up import ONE_LINERS, PEM_BODY, SEVERAL_LINES
from store.world import MUX, Log, everything_in, new_log, opened, pane, run, screen
from wa.model.log import Segment
from wa.model.screen import Row
from wa.store.records import Capture, PaneUpdate
from wa.store.writer import Writer


def traces(secret: str) -> list[bytes]:
    """Pieces of a secret that would give it away; of a short one all of it."""
    whole = secret.encode()
    return [whole] if len(whole) < 24 else [whole[at : at + 16] for at in range(8, len(whole) - 16, 5)]


def assert_nothing_of(secrets: list[str], found: bytes) -> None:
    for secret in secrets:
        for trace in traces(secret):
            assert trace not in found, (secret, trace)


PLANTED = [(planted.text, planted.longest) for planted in ONE_LINERS]
SECRETS = [secret for _, secret in PLANTED if len(secret) >= 6] + list(PEM_BODY)


def test_nothing_of_a_secret_reaches_any_file(tmp_path):
    """As rows, on screens, in titles, directories and workspaces; whole, wrapped, and over captures."""

    async def test():
        async with opened(tmp_path / "wa" / "wa.db") as (writer, _):
            log = await new_log(writer)
            for text, _ in PLANTED:
                await log.add(text, "and an ordinary line", screen=screen("top", text, "bottom", title=text))
            for _, lines, _ in SEVERAL_LINES:
                await log.add(*lines, "ordinary")
                for line in lines:
                    await log.add(line)
                await log.add("ordinary")
            for number, (text, _) in enumerate(PLANTED, 1):
                about = pane(number, title=text, cwd=text)._replace(workspace=text)
                uid = await writer.pane_uid(MUX, about, 1)
                await writer.update_panes([PaneUpdate(uid, 2, title=f"{text} ", cwd=text, workspace=text)])
            running = everything_in(tmp_path)
        return running + everything_in(tmp_path)

    found = run(test)

    assert b"and an ordinary line" in found
    assert b"[redacted:anthropic_key]" in found
    assert_nothing_of(SECRETS, found)


@pytest.mark.parametrize("width", [11, 24, 60])
def test_nor_row_by_row(tmp_path, width):
    """Soft-wrapped and captured a row at a time, each with its commit: not even a state on the way is written."""

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, _):
            log = await new_log(writer)
            for text, secret in PLANTED:
                if len(secret) < 24:
                    continue
                pieces = [text[at : at + width] for at in range(0, len(text), width)]
                for at, piece in enumerate(pieces):
                    row = Row(0, piece, at < len(pieces) - 1)
                    await writer.capture([Capture(log.uid, (Segment(log.next_row, (row,), 1),))])
                    log.next_row += 1
            return everything_in(tmp_path)

    assert_nothing_of([secret for _, secret in PLANTED if len(secret) >= 24], run(test))


def test_nor_when_the_writer_is_started_anew_in_the_middle(tmp_path):
    """What was printed of an open line is then known redacted only."""
    chance = random.Random(4)

    async def test():
        path = tmp_path / "wa.db"
        writer = await Writer.open(path)
        log = await new_log(writer)
        for text, secret in PLANTED:
            if len(secret) < 40 or text.startswith("{"):
                continue
            start = text.index(secret)
            cut = start + chance.randint(16, len(secret) - 20)
            await log.add(text[:cut] + "\\")
            await writer.close()
            writer = log.writer = await Writer.open(path)
            await log.add(text[cut:])
        for _, lines, _ in SEVERAL_LINES:
            for line in lines:
                await log.add(line)
                await writer.close()
                writer = log.writer = await Writer.open(path)
            await log.add("ordinary")
        await writer.close()
        return everything_in(tmp_path)

    found = run(test)

    several = [secret for _, _, secrets in SEVERAL_LINES for secret in secrets if len(secret) >= 10]
    assert_nothing_of([secret for _, secret in PLANTED if len(secret) >= 40] + several, found)


def test_the_screen_goes_on_where_the_log_ends(tmp_path):
    """A secret whose first row has scrolled into the log is taken out of the screen's first row too."""
    key = "sk-ant-api03-q7Zp4Kx9Lm2Vt6Rw1Ys8Bn3Cd5Fg0HjQaWsEdRfTgYhUj7k8l9o0p1z2x3c4v5b6n7m8"

    async def test():
        async with opened(tmp_path / "wa.db") as (writer, reader):
            log: Log = await new_log(writer)
            await log.add(f"export KEY={key[:50]}\\", screen=screen(key[50:], "$ "))
            return [row.text for row in (await reader.screens())[0].screen.rows], everything_in(tmp_path)

    shown, found = run(test)

    assert shown == ["", "$ "]
    assert_nothing_of([key], found)
