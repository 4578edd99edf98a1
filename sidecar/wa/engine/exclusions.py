"""Which panes have been excluded, over restarts of the sidecar: what scrolled through them then must never be read."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from wa.config.paths import write_private
from wa.model.identity import PaneKey

log = logging.getLogger(__name__)

MAX_KEPT = 4096
"""Closed panes are forgotten with their mux; this bounds what stays of muxes that never came back."""


class Exclusions:
    """A small file, replaced whole. Where it cannot be written the log says so, and the panes stay out in this run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rules: dict[PaneKey, str] = {}

    def load(self) -> None:
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            self._rules = {PaneKey(str(mux), int(pane_id)): str(rule) for mux, pane_id, rule in kept["panes"]}
        except FileNotFoundError:
            self._rules = {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("exclusions not read", extra={"path": str(self._path), "reason": str(error)})

    def rule_of(self, key: PaneKey) -> str | None:
        return self._rules.get(key)

    def add(self, key: PaneKey, rule: str) -> None:
        self._rules[key] = rule
        while len(self._rules) > MAX_KEPT:
            del self._rules[next(iter(self._rules))]
        self._save()

    def drop(self, key: PaneKey) -> None:
        """The pane is closed: its scrollback is gone."""
        if self._rules.pop(key, None) is not None:
            self._save()

    def _save(self) -> None:
        content = json.dumps({"panes": [[key.mux, key.pane_id, rule] for key, rule in self._rules.items()]})
        try:
            write_private(self._path, content)
        except OSError as error:
            log.error("exclusions not saved", extra={"path": str(self._path), "reason": str(error)})
