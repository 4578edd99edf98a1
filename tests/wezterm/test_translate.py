import pytest

from wa.model.errors import UsageError
from wa.model.observation import Alert, TabTitled, TopologyChanged
from wa.protocol import mux
from wa.wezterm import translate
from wa.wezterm.terminal import SpawnRequest


@pytest.mark.parametrize(
    ("alert", "expected"),
    [
        (mux.Bell(), ("bell", "", "")),
        (mux.Toast("title", "body"), ("toast", "title", "body")),
        (mux.Toast(None, "body"), ("toast", "", "body")),
        (mux.CwdChanged(), ("cwd", "", "")),
        (mux.IconTitle("⠋ codex"), ("icon_title", "", "⠋ codex")),
        (mux.PaneTitle("✳ Claude Code"), ("window_title", "", "✳ Claude Code")),
        (mux.TabTitle(None), ("tab_title", "", "")),
        (mux.PaletteChanged(), ("palette", "", "")),
        (mux.UserVar("WA_EXIT", "1"), ("user_var", "WA_EXIT", "1")),
        (mux.OutputSinceFocusLost(), ("output_since_focus_lost", "", "")),
        (mux.Progress("percent", 40), ("progress", "percent", "40")),
        (mux.Progress("none"), ("progress", "none", "0")),
    ],
)
def test_every_alert_has_its_kind(alert: mux.Alert, expected: tuple[str, str, str]) -> None:
    """What a program announces keeps its words."""
    assert translate.observation(mux.NotifyAlert(3, alert), 7) == Alert(3, 7, *expected)


@pytest.mark.parametrize(
    "pdu",
    [
        mux.TabAddedToWindow(1, 2),
        mux.WindowTitleChanged(1, "t"),
        mux.WindowWorkspaceChanged(1, "w"),
        mux.RenameWorkspace("a", "b"),
        mux.PaneFocused(1),
    ],
)
def test_what_moves_panes_or_titles_asks_for_a_new_list(pdu: mux.Pdu) -> None:
    """None of these says enough by itself."""
    assert translate.observation(pdu, 7) == TopologyChanged(7)


def test_a_title_of_a_tab_is_told_as_it_is() -> None:
    """Badges go by the order of titles; a list would come too late."""
    assert translate.observation(mux.TabTitleChanged(1, "t"), 7) == TabTitled(1, 7, "t")


def test_what_wa_does_not_need_says_nothing() -> None:
    """Replies and palettes that come as pushes are passed over."""
    assert translate.observation(mux.Pong(), 7) is None


def test_text_that_cannot_be_encoded_is_refused() -> None:
    """A lone surrogate is no text; it must not become another character on the way."""
    with pytest.raises(UsageError):
        translate.check_text("a\ud800b")


def test_undecodable_words_of_the_system_go_back_unchanged() -> None:
    """A path that came from the file system with surrogate escapes names the same file again."""
    spawned = translate.spawn_pdu(SpawnRequest(argv=["ls", b"caf\xe9".decode("utf-8", "surrogateescape")]))

    assert spawned.command is not None
    assert spawned.command.args == (b"ls", b"caf\xe9")
