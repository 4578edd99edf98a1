import stat

from wa.engine import exclusions as module
from wa.engine.exclusions import Exclusions
from wa.model.identity import PaneKey


def loaded(path):
    found = Exclusions(path)
    found.load()
    return found


def test_survive_a_restart(tmp_path):
    """What was excluded is excluded in the next run, until the pane is closed; the file is private."""
    first = loaded(tmp_path / "e.json")
    first.add(PaneKey("m|s|1", 3), "title")
    first.add(PaneKey("m|s|1", 4), "cwd")
    first.drop(PaneKey("m|s|1", 4))
    first.drop(PaneKey("m|s|1", 5))

    again = loaded(tmp_path / "e.json")

    assert again.rule_of(PaneKey("m|s|1", 3)) == "title"
    assert again.rule_of(PaneKey("m|s|2", 3)) is None
    assert again.rule_of(PaneKey("m|s|1", 4)) is None
    assert stat.S_IMODE((tmp_path / "e.json").stat().st_mode) == 0o600


def test_a_damaged_file_is_said_and_survived(tmp_path, caplog):
    """Whatever stands in it."""
    for content in ("", "{}", "[]", '{"panes": [[1]]}', '{"panes": 3}', "\x00"):
        (tmp_path / "e.json").write_text(content)
        assert loaded(tmp_path / "e.json").rule_of(PaneKey("m", 1)) is None
    assert caplog.text.count("exclusions not read") == 6


def test_a_folder_that_cannot_be_written_keeps_them_in_memory(tmp_path, caplog):
    """This run keeps its promise all the same."""
    found = loaded(tmp_path / "missing" / "e.json")
    found.add(PaneKey("m", 1), "title")

    assert found.rule_of(PaneKey("m", 1)) == "title"
    assert "exclusions not saved" in caplog.text


def test_the_oldest_go_first(tmp_path, monkeypatch):
    """Muxes that never come back do not grow the file for ever."""
    monkeypatch.setattr(module, "MAX_KEPT", 3)
    found = loaded(tmp_path / "e.json")
    for pane_id in range(5):
        found.add(PaneKey("m", pane_id), "title")

    assert [found.rule_of(PaneKey("m", pane_id)) for pane_id in range(5)] == [None, None, "title", "title", "title"]
