import msgpack

from wa.engine.hub import Hub, Kind, Subscription


def test_a_change_nobody_wants_is_not_even_made():
    """No subscriber, another kind, another pane: no work at all."""
    hub, got = Hub(), []
    hub.add(Subscription([Kind.ROWS], None, got.append))
    hub.add(Subscription([Kind.SCREEN], ["p2"], got.append))

    def never():
        raise AssertionError

    hub.publish(Kind.SCREEN, "p1", never)
    hub.publish(Kind.GAP, "p2", never)

    assert got == []


def test_a_change_is_made_and_packed_once_for_all():
    """Every subscriber gets the very same bytes, before publish returns."""
    hub, got, made = Hub(), [], []
    for panes in (None, ["p1", "p2"], ["p2"]):
        hub.add(Subscription([Kind.SCREEN, Kind.ROWS], panes, got.append))

    hub.publish(Kind.SCREEN, "p1", lambda: made.append(1) or {"kind": "screen"})

    assert made == [1]
    assert len(got) == 2
    assert got[0] is got[1]
    assert msgpack.unpackb(got[0]) == {"kind": "screen"}


def test_a_subscriber_that_leaves_in_mid_round_harms_nobody():
    """One that is cut off while it is handed something takes nobody's turn."""
    hub, got = Hub(), []
    leaving = Subscription([Kind.PANE], None, lambda _: hub.remove(leaving))
    hub.add(leaving)
    hub.add(Subscription([Kind.PANE], None, got.append))

    hub.publish(Kind.PANE, "p1", dict)
    hub.publish(Kind.PANE, "p1", dict)

    assert len(got) == 2
    assert len(hub) == 1


def test_who_is_in_no_hurry_keeps_nobody_from_resting():
    """Told like all others; and whoever watches the hub hears of a change of mind."""
    hub, got, told = Hub(), [], []
    patient = Subscription([Kind.PANE], None, got.append)
    patient.is_hurried = False
    hub.add(patient)
    assert not hub.wanted
    hub.publish(Kind.PANE, "p1", dict)
    assert len(got) == 1

    hub.watchers.add(lambda: told.append(hub.wanted))
    patient.is_hurried = True
    hub.heed()
    assert told == [True]
