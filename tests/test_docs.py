"""What the documentation shows of the command line is what it prints."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from flexpad import cli

DOCS = Path(__file__).resolve().parents[1] / "docs"
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
