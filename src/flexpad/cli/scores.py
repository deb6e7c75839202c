"""Commands about scores that other systems made: ``flexpad scores import``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.text import Text
from tyro.conf import Positional, UseAppendAction
from tyro.extras import SubcommandApp

from flexpad.cli.arguments import Out
from flexpad.foreign.declaration import Declaration
from flexpad.log import console

Files = Annotated[Positional[tuple[Path, ...]], tyro.conf.arg(metavar="FILE")]
Format = Annotated[Literal["bob", "csv", "challenge"], tyro.conf.arg(name="from")]
Declared = Annotated[UseAppendAction[Declaration], tyro.conf.arg(name="")]

scores = SubcommandApp()


@scores.command(name="import")
def import_scores(files: Files, kind: Format, out: Out, declared: Declared) -> None:
    """Turn foreign scores into a score table: bob.pad files, any CSV, challenge submissions.

    Args:
        files: What to read; several become one table, e.g. one file per condition.
        kind: bob: a score file of bob.pad. csv: any named columns. challenge: one score a line,
            beside a list.
        out: The score table to write.
        declared: What the files do not say.
    """
    from flexpad.foreign.importing import import_scores as run

    done = run(kind, files, out, declared)
    silent = f", {done.non_responses} without a response" if done.non_responses else ""
    console.print(f"{done.table.rows.height} scores in {out}{silent}")
    for warning in done.warnings:
        console.print(Text(f"! {warning}", style="yellow"))
