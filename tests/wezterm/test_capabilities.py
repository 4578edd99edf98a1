import pytest

from wa.protocol.mux import SUPPORTED_CODECS
from wa.wezterm import capabilities


def test_every_supported_codec_has_its_builds_named() -> None:
    """The table of releases covers what the protocol supports, and nothing else."""
    assert set(capabilities.RELEASES) == set(SUPPORTED_CODECS)


@pytest.mark.parametrize(("codec", "expected"), [(41, False), (42, True), (45, True), (46, False), (99, False)])
def test_codecs_outside_the_list_are_not_spoken(codec: int, expected: bool) -> None:
    """A newer number is no promise of the same layout."""
    assert capabilities.supported(codec) is expected


@pytest.mark.parametrize(("codec", "expected"), [(42, True), (43, True), (44, False), (45, False)])
def test_the_lost_update_is_reckoned_with_up_to_codec_43(codec: int, expected: bool) -> None:
    """The mending commit falls into the time of codec 43, so all of its builds are treated with care."""
    assert capabilities.may_miss_updates(codec) is expected
