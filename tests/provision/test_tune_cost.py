"""When long scrollback is worth a warning."""

from __future__ import annotations

import pytest

from wa.provision.tune_cost import cost_finding, percent


@pytest.mark.parametrize(
    ("rows", "clients"),
    [([], 3), ([24] * 200, 5), ([50_000] * 20, 2), ([1_000_000], 2)],
    ids=["no panes", "no history", "a tuned fleet", "one long pane"],
)
def test_what_is_cheap_is_not_told(rows: list[int], clients: int) -> None:
    """Rows above the screens cost less than half of the thread."""
    assert cost_finding("local", rows, clients=clients) is None


def test_twenty_long_panes_are_told() -> None:
    """With the share that was measured, the panes that count, and the command."""
    found = cost_finding("lab", [1_000_000] * 20 + [24] * 5, clients=1, host="lab.example")

    assert found is not None
    assert found["level"] == "warning"
    assert "20 panes with up to 1,000,000 rows" in found["what"]
    assert "325 % of the one thread" in found["what"]
    assert "300 % for rows above" in found["what"]
    assert found["fix"] == ["wa", "tune", "--profile", "swarm", "--host", "lab.example"]
    assert not found["safe"]


def test_every_client_costs_the_same_again() -> None:
    """Each is served by the same thread, with a comparison of its own."""
    total, above = percent([200_000] * 10, 1)

    assert percent([200_000] * 10, 3) == (pytest.approx(3 * total), pytest.approx(3 * above))
