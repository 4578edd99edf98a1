from wa.engine.mirrors import DirectMux, find_mirrors
from wa.model.identity import Client, Pane

GUI = 4242


def pane(pane_id, *, tty="/dev/pts/1", title="zsh", cwd="file://far/home", cols=80):
    return Pane(pane_id, 1, 1, "default", title, cwd, cols, 24, True, False, tty, "", "", 0, (0, 0))


def client(pid):
    return Client("here", "me", pid, None, None, 1.0, 1.0)


def test_a_copy_of_a_pane_that_is_read_at_its_mux_is_a_mirror():
    """Same title, folder and size, no tty, and the mux knows the GUI as its client."""
    far = DirectMux([pane(0), pane(1, title="vim")], [client(GUI)])

    assert find_mirrors([pane(7, tty=None), pane(8, tty=None, title="vim"), pane(9)], GUI, [far]) == {7, 8}


def test_a_gui_that_is_not_attached_has_no_mirrors():
    """A plain ssh pane that looks like one of the host's own panes keeps being read."""
    far = DirectMux([pane(0)], [client(99)])

    assert find_mirrors([pane(7, tty=None)], GUI, [far]) == set()
    assert find_mirrors([pane(7, tty=None)], None, [far]) == set()


def test_there_are_no_more_mirrors_than_originals():
    """Two alike and one original: one of them is read through the GUI."""
    far = DirectMux([pane(0)], [client(GUI)])

    assert find_mirrors([pane(7, tty=None), pane(8, tty=None)], GUI, [far]) == {7}


def test_a_pane_with_a_tty_is_never_a_mirror():
    """However alike it looks."""
    far = DirectMux([pane(0)], [client(GUI)])

    assert find_mirrors([pane(7)], GUI, [far]) == set()
