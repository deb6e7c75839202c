"""Jobs on a few processes, the next one as soon as one is free."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from flexpad.bench import job as jobs
from flexpad.bench import results
from flexpad.bench.job import Order
from flexpad.engine.stopping import stop_requests
from flexpad.log import progress

LOG = "log.txt"
WAIT = 0.5  # seconds between two looks at the processes
# Training asks for the same large pieces of memory in every step; glibc would give each back to the
# system and ask for it again. docs/speed.md has figures.
MALLOC = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**34)}


@dataclass(frozen=True, slots=True)
class Task:
    """A job that may have to be done.

    Attributes:
        name: Shown to whoever waits.
        folder: Of the job.
        order: What it is told.
    """

    name: str
    folder: Path
    order: Order


class Running(NamedTuple):
    """A task and the process that does it."""

    task: Task
    process: subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True)
class Failure:
    """A job that ended badly.

    Attributes:
        name: Of the task.
        reason: The last line it wrote.
        log: All it wrote.
    """

    name: str
    reason: str
    log: Path


def work(tasks: Sequence[Task], workers: int, what: str) -> list[Failure]:
    """Do what is not done yet of some tasks, and wait for it.

    A task that fails does not keep others from being done. On Ctrl-C or SIGTERM every running job
    writes its state and ends.

    Args:
        tasks: In the order they are begun in.
        workers: How many at a time; each gets its share of the cores.
        what: They are, for the progress bar.

    Returns:
        Those that failed.
    """
    waiting = [task for task in tasks if not jobs.is_done(task.folder, task.order)]
    running: list[Running] = []
    failures: list[Failure] = []
    clock = Clock(tasks)
    with progress(what, len(tasks), "jobs") as tick, stop_requests() as request:
        tick(len(tasks) - len(waiting))
        try:
            while waiting or running:
                if request.made:
                    raise KeyboardInterrupt
                while waiting and len(running) < workers:
                    task = waiting.pop(0)
                    running.append(Running(task, start(task, workers)))
                    tick(0, note=clock.note(waiting, running, workers))
                time.sleep(WAIT)
                for ended in [one for one in running if one.process.poll() is not None]:
                    running.remove(ended)
                    if ended.process.returncode:
                        failures.append(_failure(ended.task))
                    clock.take_in(ended.task)
                    tick(1, note=clock.note(waiting, running, workers))
        finally:
            stop(running)
    return failures


def start(task: Task, workers: int) -> subprocess.Popen[bytes]:
    """Start the process of a task; what it writes goes to the job's folder."""
    order = jobs.write_order(task.folder, task.order)
    threads = str(max(1, (os.cpu_count() or 1) // workers))
    environment = {**os.environ, **MALLOC, "OMP_NUM_THREADS": threads}
    with (task.folder / LOG).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "flexpad.bench", str(order)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,  # Ctrl-C reaches this process alone, which passes it on once
        )


def stop(running: Sequence[Running]) -> None:
    """Ask jobs to write their state and end, and wait for them."""
    for one in running:
        one.process.terminate()
    for one in running:
        one.process.wait()


class Clock:
    """Says how long the rest may take, from what jobs of the same system took."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._seconds: dict[str, list[float]] = {}
        for task in tasks:
            self.take_in(task)

    def take_in(self, task: Task) -> None:
        """Learn from a job that is done."""
        found = results.read(task.folder / results.RESULT)
        if found is not None:
            self._seconds.setdefault(task.order.system, []).append(found["seconds"])

    def left(self, waiting: Sequence[Task], running: int, workers: int) -> float | None:
        """Estimate the seconds that are left; None as long as nothing is known.

        Running jobs are taken to be half done.
        """
        known = [seconds for of_system in self._seconds.values() for seconds in of_system]
        if not known:
            return None
        mean = sum(known) / len(known)
        of_system = {name: sum(took) / len(took) for name, took in self._seconds.items()}
        ahead = sum(of_system.get(task.order.system, mean) for task in waiting)
        return (ahead + 0.5 * running * mean) / workers

    def note(self, waiting: Sequence[Task], running: Sequence[Running], workers: int) -> str:
        """Say what runs, and how long the rest may take; nothing at the end."""
        if not waiting and not running:
            return ""
        left = self.left(waiting, len(running), workers)
        names = ", ".join(one.task.name for one in running)
        return f"{_duration(left)} left; {names}" if left is not None else names


def _duration(seconds: float) -> str:
    """Write seconds for people.

    >>> _duration(7500.0), _duration(59.0)
    ('about 2 h 5 min', 'about 1 min')
    """
    minutes = max(1, round(seconds / 60))
    hours, rest = divmod(minutes, 60)
    return f"about {hours} h {rest} min" if hours else f"about {minutes} min"


def _failure(task: Task) -> Failure:
    log = task.folder / LOG
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return Failure(task.name, lines[-1].strip() if lines else "it wrote nothing", log)
