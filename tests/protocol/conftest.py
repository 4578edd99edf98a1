"""Properties are about values, not about how busy the machine is."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("wa", deadline=None)
settings.load_profile("wa")
