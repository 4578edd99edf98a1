"""What is set, and where."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from wa.config.paths import Paths
from wa.config.settings import Settings, settings_table
from wa.decide.rules import Rule
from wa.protocol.results import ConfigResult


async def config_path(paths: Paths) -> ConfigResult:
    return ConfigResult(path=str(paths.config_file), exists=paths.config_file.exists(), settings=None)


async def show_config(paths: Paths) -> ConfigResult:
    """Every setting with its value in force. Raises ConfigError, with file and line, where the file is off."""
    settings = Settings.load(paths.config_file)
    shown: dict[str, Any] = {setting.key: _plain(settings.value(setting.key)) for setting in settings_table()}
    shown["policy.rule"] = [_rule(rule) for rule in settings.policy.rules]
    shown["mux"] = [{key: _plain(value) for key, value in asdict(entry).items() if value} for entry in settings.mux]
    return ConfigResult(path=str(paths.config_file), exists=paths.config_file.exists(), settings=shown)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _rule(rule: Rule) -> dict[str, Any]:
    """As it would be written, without what says nothing."""
    return {**rule.says(), "decision": rule.decision.value, **({"reason": rule.reason} if rule.reason else {})}
