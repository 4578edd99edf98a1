"""The user's files: read, refused with their lines, read again."""

import os

import pytest

from engine.flow_world import flow
from wa.engine.run_catalogue import Catalogue, FileTroubleError, read_workflow

SECRET = "sk-ant-api03-" + "Zx9" * 30 + "AA"
GOOD = "[trigger]\nmanual = true\n[[step]]\nend = 'x'\n"


def shipped(settings=None):
    def play(context):
        yield

    return flow(
        "built_in",
        play,
        "turn.done",
        settings=settings or {"prompt": "hello", "wait_s": 3.0, "labels": ("a",), "n": 1, "on": True},
    )


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "workflows"
    made.mkdir()
    return made


def test_files_are_workflows_beside_the_shipped_ones(folder):
    """By their own name or the file's."""
    (folder / "one.toml").write_text(GOOD)
    (folder / "two.toml").write_text(f"name = 'other'\n{GOOD}")
    (folder / "three.txt").write_text("no")

    assert list(Catalogue([shipped()], folder).workflows) == ["built_in", "one", "other"]


def test_a_file_named_after_a_shipped_one_holds_its_settings(folder):
    """What it does not name keeps its default."""
    (folder / "built_in.toml").write_text("[settings]\nprompt = 'go'\nwait_s = 9\nlabels = ['b', 'c']\n")
    found = Catalogue([shipped()], folder).workflows["built_in"]

    assert found.settings == {"prompt": "go", "wait_s": 9, "labels": ["b", "c"], "n": 1, "on": True}
    assert found.origin.endswith("built_in.toml")
    assert found.events == {"turn.done"}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[settings]\nprompt = 3\n", 2, "must be text"),
        ("[settings]\n\nnone = 3\n", 3, "has no setting `none`"),
        ("[settings]\non = 1\n", 2, "true or false"),
        ("[settings]\nn = true\n", 2, "whole number"),
        ("[settings]\nlabels = [1]\n", 2, "a list"),
        (f"[settings]\nprompt = '{SECRET}'\n", 2, "secret"),
        ("[trigger]\nmanual = true\n", 1, "shipped with wa"),
        ("settings = 1\n", 1, "a table"),
    ],
)
def test_settings_that_are_off_are_refused(folder, text, line, words):
    """With the line, and nothing of them is in force."""
    (folder / "built_in.toml").write_text(text)
    catalogue = Catalogue([shipped()], folder)

    assert catalogue.workflows["built_in"].settings["prompt"] == "hello"
    assert any(trouble.line == line and words in trouble.reason for trouble in catalogue.troubles), catalogue.troubles


def test_a_broken_file_leaves_the_last_good_one_in_force(folder):
    """Until it is mended, or gone."""
    path = folder / "one.toml"
    path.write_text(GOOD)
    catalogue = Catalogue([], folder)
    version = catalogue.workflows["one"].version
    path.write_text("[trigger\n")
    os.utime(path, ns=(1, 1))

    assert catalogue.reload()
    assert catalogue.workflows["one"].version == version
    assert [trouble.line for trouble in catalogue.troubles] == [1]
    path.write_text(f"about = 'anew'\n{GOOD}")
    assert catalogue.reload()
    assert (catalogue.workflows["one"].about, catalogue.troubles) == ("anew", ())
    assert not catalogue.reload()
    path.unlink()
    assert catalogue.reload()
    assert catalogue.workflows == {}


def test_two_of_one_name_are_a_trouble(folder):
    """The first file's holds."""
    (folder / "a.toml").write_text(f"name = 'same'\n{GOOD}")
    (folder / "b.toml").write_text(f"name = 'same'\n{GOOD}")
    catalogue = Catalogue([], folder)

    assert catalogue.workflows["same"].origin.endswith("a.toml")
    assert [trouble.path.name for trouble in catalogue.troubles] == ["b.toml"]


@pytest.mark.parametrize("data", [b"\xff\xfe", b"a = " + b"[" * 5000, b"\x00", b"x = 1"])
def test_whatever_stands_in_a_file_is_a_trouble_at_most(folder, data):
    """No file ends the sidecar."""
    (folder / "x.toml").write_bytes(data)

    assert len(Catalogue([], folder).troubles) >= 1


def test_a_file_with_a_secret_is_refused(folder):
    """Its journal would not keep what it says, so a replay would send something else."""
    path = folder / "x.toml"
    path.write_text(f"[trigger]\nmanual = true\n[[step]]\nsend = 'use {SECRET}'\n")

    with pytest.raises(FileTroubleError, match="secret"):
        read_workflow(path, {})


def test_a_folder_that_is_not_there_is_no_trouble(tmp_path):
    """Most people have none."""
    assert Catalogue([shipped()], tmp_path / "none").troubles == ()
