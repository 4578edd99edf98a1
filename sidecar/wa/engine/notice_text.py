"""The words of a notice: what a pane printed is a stranger's, so it is cleaned and cut; and the command line that leads to the pane."""

from __future__ import annotations

import re
import shlex

from wa.engine.pane import WatchedPane
from wa.store.run_records import clean_text

MAX_TITLE, MAX_BODY = 120, 600
_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]"
    r"|[\U000e0000-\U000e007f]|[\ud800-\udfff]"
)


def plain(text: str, limit: int) -> str:
    """One line without secrets, and without anything that steers a terminal or turns the order of characters."""
    # Once before, where line ends still tell words apart; once after: what nobody sees must not take a secret apart.
    text = " ".join(clean_text(text).split())
    text = clean_text(_CONTROL.sub("", text))
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def way_to(pane: WatchedPane) -> str:
    """Typed by a person it shows the pane; a terminal that runs elsewhere is reached over ssh."""
    go = f"wezterm cli --no-auto-start activate-pane --pane-id {pane.pane_id}"
    if pane.mux.host:
        return f"ssh {shlex.quote(pane.mux.host)} {go}"
    return f"WEZTERM_UNIX_SOCKET={shlex.quote(pane.mux.socket)} {go}"


def called(pane: WatchedPane) -> str:
    """`p3, demo`: how a person knows the pane."""
    folder = (pane.agent.project or pane.cwd or "").rstrip("/").rpartition("/")[2]
    name = plain(folder or pane.title, 40)
    return f"{pane.uid}, {name}" if name else pane.uid
