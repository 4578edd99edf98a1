"""Docs cannot lie: what the code offers is documented, and what is generated is up to date."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wa.api import shapes
from wa.api.catalogue import error_codes, settings
from wa.model.log import GapReason
from wa.surfaces.app import COMMANDS, GROUPS, click_tree
from wa.surfaces.logs import REASONS
from wa.surfaces.reference import pages

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
TOPICS = ROOT / "docs" / "topics"
AGAIN = "run: python -m wa.surfaces.reference"


@pytest.mark.parametrize("name", sorted(pages()))
def test_generated_pages_are_up_to_date(name: str) -> None:
    """docs/reference/ says what the code says."""
    assert (REFERENCE / name).read_text(encoding="utf-8") == pages()[name], AGAIN


def test_no_stray_page_stands_in_the_reference() -> None:
    """Everything there is generated."""
    assert {path.name for path in REFERENCE.iterdir()} == set(pages())


@pytest.mark.parametrize("name", sorted(shapes.all_schemas()))
def test_shipped_schemas_are_up_to_date(name: str) -> None:
    """The JSON Schemas in the package are those of the result types."""
    assert shapes.load(name) == shapes.all_schemas()[name], AGAIN


def test_no_stray_schema_is_shipped() -> None:
    """A schema nobody answers with would be a promise."""
    assert {path.stem for path in shapes.schema_folder().iterdir()} == set(shapes.all_schemas())


def test_every_command_and_option_is_in_the_reference() -> None:
    """By name, with a sentence."""
    page = (REFERENCE / "commands.md").read_text(encoding="utf-8")
    for name, command in click_tree().commands.items():
        assert f"\n## wa {name}\n" in page
        for below in [command, *getattr(command, "commands", {}).values()]:
            assert below.help
            for param in below.params:
                assert param.help or "--help" in param.opts, f"{name} {param.opts}"
                assert all(
                    f"`{option}" in page or f", {option}" in page for option in param.opts if option != param.name
                )


def test_every_setting_and_error_code_is_in_the_reference() -> None:
    """Settings by key, errors by code with exit status and next step."""
    set_page = (REFERENCE / "settings.md").read_text(encoding="utf-8")
    error_page = (REFERENCE / "errors.md").read_text(encoding="utf-8")

    assert all(f"`{one.key}`" in set_page for one in settings())
    codes = error_codes()
    assert {"usage", "not_found", "sidecar.unreachable", "wezterm.unreachable", "store", "refused"} <= {
        one.code for one in codes
    }
    assert all(f"| `{one.code}` | {one.exit_status} |" in error_page for one in codes)
    assert all(one.meaning and one.next_step for one in codes)


def test_every_command_is_explained_in_its_topic() -> None:
    """The topic and the quickstart name only commands and options that exist, and leave no command out."""
    text = (TOPICS / "commands.md").read_text(encoding="utf-8") + (ROOT / "docs" / "quickstart.md").read_text(
        encoding="utf-8"
    )
    named = set(re.findall(r"(?:`|\$ |\()wa ([a-z]+)\b", text))

    assert named - {*COMMANDS, *GROUPS} == set()
    assert all(f"`{name}`" in text or f"wa {name}" in text or f"## {name}" in text for name in [*COMMANDS, *GROUPS])
    options = {opt for command in walk() for param in command.params for opt in param.opts}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) <= options | {"--help", "--version", "--json"}


def test_every_reason_of_a_gap_has_words() -> None:
    """For people in `wa logs`, and in the topic."""
    text = (TOPICS / "commands.md").read_text(encoding="utf-8")

    assert set(REASONS) == {reason.value for reason in GapReason}
    assert all(f"`{reason}`" in text for reason in REASONS)


def test_links_between_pages_lead_somewhere() -> None:
    """Every relative link of docs/ and the README points at a file, and at a heading where it names one."""
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?://|#)([^)\s]+)\)", page.read_text(encoding="utf-8")):
            path, _, anchor = target.partition("#")
            found = (page.parent / path).resolve()
            assert found.exists(), f"{page.relative_to(ROOT)}: {target}"
            if anchor:
                headings = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
                assert anchor in {re.sub(r"[^\w\- ]", "", one).lower().replace(" ", "-") for one in headings}, target


def walk() -> list:
    tree = click_tree()
    groups = [one for one in tree.commands.values() if hasattr(one, "commands")]
    below = [found for one in tree.commands.values() for found in getattr(one, "commands", {"": one}).values()]
    return [tree, *groups, *below]
