"""What a person sees while waiting: one console, one logger, one kind of progress bar."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

# A pipe has no width of its own; 100 columns hold the widest table.
console = Console(width=None if sys.stdout.isatty() else 100)
errors = Console(stderr=True, width=None if sys.stderr.isatty() else 100)

logger = logging.getLogger("flexpad")
logger.addHandler(logging.NullHandler())  # a library never configures logging


def launched() -> bool:
    """Whether a launcher of several processes started this one."""
    return "RANK" in os.environ


def leads() -> bool:
    """Whether this is the process that speaks, of the several that a launcher may have started."""
    return os.environ.get("RANK", "0") == "0"


class _Warnings(logging.Handler):
    """Prints what the library warns of as one line."""

    def emit(self, record: logging.LogRecord) -> None:
        errors.print(Text(f"flexpad: {record.getMessage()}", style="yellow"), soft_wrap=True)


def show_warnings() -> None:
    """Show warnings of the library on stderr, as the command line does."""
    if not any(isinstance(handler, _Warnings) for handler in logger.handlers):
        logger.addHandler(_Warnings(logging.WARNING))


class _RateColumn(ProgressColumn):
    """Units done per second, e.g. ``31.4 items/s``."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        unit = task.fields.get("unit", "items")
        return Text(f"{speed:6.1f} {unit}/s" if speed else f"   …   {unit}/s", style="cyan")


class Ticker:
    """Moves one bar; made by :func:`progress`."""

    def __init__(self, bars: Progress, task: TaskID) -> None:
        self._bars = bars
        self._task = task

    def __call__(self, advance: float = 1, note: str | None = None) -> None:
        """Move on by ``advance`` units, and show a short note behind the bar."""
        self._bars.update(self._task, advance=advance)
        if note is not None:
            self._bars.update(self._task, note=note)


@contextmanager
def progress(what: str, total: int, unit: str = "items", *, shown: bool = True) -> Iterator[Ticker]:
    """Show a bar with count, rate and remaining time while the body runs, if ``shown``.

    It goes to stderr, so that what a command prints can be piped. On something that is no terminal
    (a log file, CI) only the finished bar is printed.
    """
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", style="dim"),
    )
    with Progress(*columns, console=errors, disable=not shown) as bars:
        yield Ticker(bars, bars.add_task(what, total=total, unit=unit, note=""))
