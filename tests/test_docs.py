"""What the documentation shows of the command line is what it prints."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.page import fill

from flexpad import cli

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md"), *(ROOT / "src").rglob("*.md")])
MARK = re.compile(r"^<!-- (/?)(.+) -->$", re.MULTILINE)
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def steps(page):
    """The commands of a page with the output shown below each."""
    for block in BLOCK.findall(page.read_text(encoding="utf-8")):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            yield split_command(part)


def split_command(part):
    """A command, which may hold a document up to END, and its output."""
    first, _, rest = part.partition("\n")
    if "<<'END'" not in first:
        return first, rest
    document, _, output = rest.partition("END\n")
    return f"{first}\n{document}END\n", output


@pytest.mark.parametrize("name", ["foreign-scores.md"])
def test_commands_print_what_is_shown(name, tmp_path, monkeypatch, capsys):
    """Ours run in this process, the others in a shell, all in one folder."""
    monkeypatch.chdir(tmp_path)
    ours = 0
    for command, shown in steps(DOCS / name):
        if command.startswith("flexpad "):
            monkeypatch.setattr(sys, "argv", shlex.split(command))
            with pytest.raises(SystemExit):
                cli.main()
            told = capsys.readouterr()
            printed, ours = told.out + told.err, ours + 1
        else:
            run = ["bash", "-c", command]
            printed = subprocess.run(run, capture_output=True, text=True, check=True).stdout
        assert [line.rstrip() for line in printed.splitlines()] == shown.splitlines(), command
    assert ours


def test_what_is_between_marks_is_replaced(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- one -->\nold\n<!-- /one -->\nb\n<!-- two -->\n<!-- /two -->\n")
    fill(page, "one", r"new \1")
    fill(page, "two", "more")
    assert page.read_text() == (
        "a\n<!-- one -->\nnew \\1\n<!-- /one -->\nb\n<!-- two -->\nmore\n<!-- /two -->\n"
    )
    with pytest.raises(SystemExit, match="has no lines <!-- three --> and <!-- /three -->"):
        fill(page, "three", "nothing")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_place_that_is_marked_has_an_end(page):
    found = MARK.findall(page.read_text(encoding="utf-8"))
    begun = [name for end, name in found if not end]
    assert found == [part for name in begun for part in (("", name), ("/", name))]
    assert len(set(begun)) == len(begun)
