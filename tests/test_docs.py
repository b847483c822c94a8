"""The documentation names what there is: files, headings, commands and options."""

import re
from pathlib import Path

import pytest
import typer.main

from napari_monuseg.cli import app

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = [
    REPOSITORY / name
    for name in (
        "README.md",
        "weights/README.md",
        "docs/guide.md",
        "docs/accuracy.md",
        "docs/experiments.md",
        "docs/speed.md",
    )
]


def anchors(page):
    """Give the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in kept}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    assert links

    for link in links:
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_the_guide_lists_the_commands_with_all_their_options():
    guide = (REPOSITORY / "docs" / "guide.md").read_text(encoding="utf-8")
    (synopsis,) = re.findall(r"^```\n(napari-monuseg .*?)^```", guide, re.M | re.S)
    told = {
        command: set(re.findall(r"--[a-z0-9-]+", rest))
        for command, rest in re.findall(
            r"^napari-monuseg (\w+)(.*?)(?=^napari-monuseg|\Z)", synopsis, re.M | re.S
        )
    }

    commands = typer.main.get_command(app).commands
    there = {
        name: {
            option
            for parameter in command.params
            for option in parameter.opts
            if option.startswith("--") and option != "--help"
        }
        for name, command in commands.items()
    }
    assert told == there
