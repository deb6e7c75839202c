"""The command that trains and tests systems side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.table import Table
from rich.text import Text
from tyro.conf import Positional

from flexpad.log import console, errors
from flexpad.types import BadInput

if TYPE_CHECKING:  # it loads torch
    from flexpad.bench.plan import Plan

Config = Annotated[Positional[Path], tyro.conf.arg(metavar="CONFIG.yaml")]


def bench(
    config: Config,
    out: Path | None = None,
    rendered: Path = Path("runs/bench/rendered"),
    workers: int = 2,
    root: tuple[str, ...] = (),
    systems: tuple[str, ...] = (),
    protocols: tuple[str, ...] = (),
    dry_run: bool = False,
) -> int:
    """Train and test systems under one budget; a job that is done is never done again.

    Args:
        config: What is compared on what, see configs/bench.
        out: Folder of the jobs and tables; by default runs/bench/NAME.
        rendered: Folder of what is rendered; benches of the same data sets share it.
        workers: Jobs at a time; each gets its share of the cores.
        root: Where data sets lie that are read, as surf=/data/CASIA-SURF; else as the file says.
        systems: Only these now; what was done of others stays in the tables.
        protocols: Likewise.
        dry_run: Read the data and make every method once, and say what would be done.
    """
    from flexpad.bench import data, plan

    found = data.with_roots(plan.read(config), _roots(root))
    if dry_run:
        _say(found)
        return 0
    folder = out or Path("runs/bench") / found.name
    return _run(found, folder, rendered, workers, (systems, protocols))


def _run(
    plan: Plan,
    out: Path,
    rendered: Path,
    workers: int,
    part: tuple[tuple[str, ...], tuple[str, ...]],
) -> int:
    from flexpad.bench.run import Part
    from flexpad.bench.run import bench as run

    if workers < 1:
        raise BadInput(f"--workers is {workers}; it should be 1 or more")
    try:
        done = run(plan, out, rendered, workers, Part(*part))
    except KeyboardInterrupt:
        errors.print("flexpad: stopped and saved; the same command goes on where it stopped")
        return 130
    for failure in done.failures:
        line = f"{failure.name}: {failure.reason} (see {failure.log})"
        errors.print(Text(f"flexpad: {line}", style="yellow"), soft_wrap=True)
    console.print(f"Everything is in {out}; start with {out / 'table.md'}")
    if done.missing:
        errors.print(f"flexpad: {done.missing} jobs of the table are missing")
    return 1 if done.missing or done.failures else 0


def _say(plan: Plan) -> None:
    from flexpad.bench.inspect import inspect

    checked = inspect(plan)
    table = Table("protocol", "train", "dev", "test", title=f"{plan.name}: rows of what is read")
    for protocol, counts in checked.rows.items():
        table.add_row(protocol, *map(str, counts))
    if checked.rows:
        console.print(table)
    console.print(
        f"{len(plan.all_systems)} systems; {checked.trials} trials, {checked.runs} runs,"
        f" {checked.left_out} with an unseen species. Everything fits; nothing was begun."
    )


def _roots(given: tuple[str, ...]) -> dict[str, Path]:
    found = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise BadInput(f"--root {text!r} should look like surf=/data/CASIA-SURF")
        found[name] = Path(path)
    return found
