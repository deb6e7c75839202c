"""A whole bench: tune, train and test, test the best on what is left out, and write it all down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from flexpad import config
from flexpad.bench import data, difference, results, subjects, table
from flexpad.bench.job import Order
from flexpad.bench.plan import (
    Job,
    Plan,
    Settings,
    columns_protocols,
    dataset_of,
    merged,
    recipe_of,
    runs,
    trials,
)
from flexpad.bench.schedule import Failure, Task, work
from flexpad.bench.subjects import Subjects
from flexpad.data.manifest import sha256
from flexpad.files import whole_file
from flexpad.registry import did_you_mean
from flexpad.types import BadInput

JOBS = "jobs"
RESULTS, TUNING, DIFFERENCES, TABLE = "results.csv", "tuning.csv", "differences.csv", "table.md"
PLAN = "bench.yaml"
TUNING_COLUMNS = ("method", "trial", "settings", "dev_error", "epoch", "seconds", "chosen")


@dataclass(frozen=True, slots=True)
class Part:
    """What of a bench is to be done now; what was done before stays.

    Attributes:
        systems: Their names; () = all.
        protocols: Theirs; () = all.
    """

    systems: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()

    def check(self, plan: Plan) -> None:
        """Refuse what the plan does not have.

        Raises:
            BadInput: It has no such system or protocol.
        """
        known = {"system": tuple(plan.all_systems), "protocol": plan.protocols}
        for what, names in (("system", self.systems), ("protocol", self.protocols)):
            for name in names:
                if name not in known[what]:
                    raise BadInput(
                        f"{what} {name!r} is not of this bench; {did_you_mean(name, known[what])}"
                    )

    def has(self, job: Job) -> bool:
        """Whether a job is of it."""
        return (not self.systems or job.system in self.systems) and (
            not self.protocols or job.protocol in self.protocols
        )

    def datasets(self, plan: Plan) -> set[str]:
        """Name the data sets its jobs need, so that no other has to be rendered or read."""
        every = [*trials(plan), *runs(plan, plan.protocols, tuple(plan.all_systems))]
        return {dataset_of(job.protocol) for job in every if self.has(job)}


@dataclass(frozen=True, slots=True)
class Done:
    """How a bench ended.

    Attributes:
        failures: Jobs that ended badly; the tables are made without them.
        missing: Jobs of the table that are not done, of the part that was asked for.
    """

    failures: tuple[Failure, ...]
    missing: int


class Bench:
    """A plan and the folder its jobs are done in."""

    def __init__(self, plan: Plan, out: Path, rendered: Path, workers: int, part: Part) -> None:
        part.check(plan)
        self.plan = plan
        self.part = part
        self.out = out
        self.workers = workers
        self.manifests = data.prepare(plan, part.datasets(plan), out, rendered, workers)
        self.sums = {name: sha256(path) for name, path in self.manifests.items()}
        with whole_file(out / PLAN) as partial:
            partial.write_text(config.dump(plan), encoding="utf-8")

    def folder(self, job: Job) -> Path:
        """Give the folder of a job."""
        return self.out / JOBS / job.name

    def task(self, job: Job, tuned: Settings) -> Task:
        """Tell a job what to do."""
        dataset = dataset_of(job.protocol)
        order = Order(
            system=job.system,
            recipe=recipe_of(self.plan, job, tuned),
            manifest=self.manifests[dataset].resolve(),
            manifest_sha256=self.sums[dataset],
            unit=self.plan.unit,
            tested=job.trial is None,
        )
        return Task(job.name, self.folder(job), order)

    def tried(self, job: Job) -> Settings:
        """Give what a trial differs in."""
        assert self.plan.tuning is not None
        assert job.trial is not None
        return self.plan.tuning.trials[job.system][job.trial]

    def trial(self, job: Job) -> Task:
        """Tell a trial what to do."""
        assert self.plan.tuning is not None
        return self.task(job, merged(self.plan.tuning.recipe, self.tried(job)))

    def tune(self) -> list[Failure]:
        """Do the trials."""
        tasks = [self.trial(job) for job in trials(self.plan) if self.part.has(job)]
        return work(tasks, self.workers, "tuning") if tasks else []

    def best_trials(self) -> dict[str, int]:
        """Choose, for each system, the trial with the lowest error on dev; the first of equals."""
        found: dict[str, tuple[float, int]] = {}
        for job in trials(self.plan):
            assert job.trial is not None
            result = results.read(self.folder(job) / results.RESULT)
            if result is not None:
                this = (result["dev_error"], job.trial)
                found[job.system] = min(found.get(job.system, this), this)
        return {system: trial for system, (_, trial) in found.items()}

    def run(self, protocols: Sequence[str], systems: Sequence[str], what: str) -> list[Failure]:
        """Train and test systems on protocols, with every seed."""
        best = self.best_trials()
        tasks = []
        for job in self.runs(protocols, systems):
            tuned: Settings = {}
            if self.plan.tuning and job.system in best:
                tuned = self.plan.tuning.trials[job.system][best[job.system]]
            tasks.append(self.task(job, tuned))
        return work(tasks, self.workers, what)

    def runs(self, protocols: Sequence[str], systems: Sequence[str]) -> list[Job]:
        """List the jobs of the part that was asked for."""
        every = runs(self.plan, tuple(protocols), tuple(systems))
        return [job for job in every if self.part.has(job)]

    def results(self, protocols: Sequence[str]) -> list[dict[str, Any]]:
        """Read what jobs on some protocols found, in their order; those not done are left out."""
        all_jobs = runs(self.plan, tuple(protocols), tuple(self.plan.all_systems))
        found = (results.read(self.folder(job) / results.RESULT) for job in all_jobs)
        return [result for result in found if result is not None]

    def best_systems(self, count: int) -> list[str]:
        """Name the systems with the lowest mean ACER over R, D and I of all columns, on dev.

        It is dev that decides which are tested on what is left out, so that no test row chooses.
        Systems that are not done in every column are not among them.
        """
        protocols = columns_protocols(self.plan)
        found = self.results(protocols)
        errors = {
            system: [result["dev_error"] for result in found if result["system"] == system]
            for system in self.plan.all_systems
            if self.is_whole(system, protocols)
        }
        return sorted(errors, key=lambda name: sum(errors[name]) / len(errors[name]))[:count]

    def write(self) -> list[Path]:
        """Write the CSV files and the tables of what is done so far."""
        found = self.results(self.plan.protocols)
        rows = [row for result in found for row in results.table_rows(result)]
        results.write_table(self.out / RESULTS, results.COLUMNS, rows)
        tried = self._tuning_rows()
        results.write_table(self.out / TUNING, TUNING_COLUMNS, tried)
        counted = self._subjects()
        subjects.write(self.out / subjects.SUBJECTS, counted)
        apart = difference.rows(self.plan, Subjects(counted))
        results.write_table(self.out / DIFFERENCES, difference.COLUMNS, apart)
        written = table.page(self.plan, rows, tried, apart)
        with whole_file(self.out / TABLE) as partial:
            partial.write_text(written, encoding="utf-8")
        names = (RESULTS, TUNING, subjects.SUBJECTS, DIFFERENCES, TABLE)
        return [self.out / name for name in names]

    def is_whole(self, system: str, protocols: Sequence[str]) -> bool:
        """Whether every job of a system on some protocols is done."""
        wanted = runs(self.plan, tuple(protocols), (system,))
        return all((self.folder(job) / results.RESULT).is_file() for job in wanted)

    def _subjects(self) -> pl.DataFrame:
        """Put together the errors by subject of all jobs that are done."""
        every = runs(self.plan, self.plan.protocols, tuple(self.plan.all_systems))
        done = [job for job in every if (self.folder(job) / results.RESULT).is_file()]
        return pl.concat(
            [
                subjects.SCHEMA.to_frame(),
                *(subjects.read(self.folder(job) / subjects.SUBJECTS) for job in done),
            ]
        )

    def _tuning_rows(self) -> list[dict[str, str]]:
        best = self.best_trials()
        rows = []
        for job in trials(self.plan):
            result = results.read(self.folder(job) / results.RESULT)
            if result is None:
                continue
            rows.append(
                {
                    "method": job.system,
                    "trial": str(job.trial),
                    "settings": table.told(self.tried(job)),
                    "dev_error": repr(result["dev_error"]),
                    "epoch": str(result["epoch"]),
                    "seconds": str(result["seconds"]),
                    "chosen": "yes" if best[job.system] == job.trial else "",
                }
            )
        return rows


def bench(
    plan: Plan,
    out: Path,
    rendered: Path,
    workers: int,
    part: Part = Part(),
) -> Done:
    """Do a bench, or what is left of it; a job that is done is never done again.

    Writes ``results.csv``, ``tuning.csv``, ``subjects.parquet``, ``differences.csv`` and
    ``table.md`` into ``out``, also when it is stopped or a job failed, from what is done by then.

    Args:
        plan: What is compared on what.
        out: Folder of all of it but what is rendered.
        rendered: Folder of that, by data set; several benches may share it.
        workers: Jobs at a time.
        part: What of it is to be done now.

    Raises:
        BadInput: Data cannot be read or rendered, or the plan has no such part.
    """
    this = Bench(plan, out, rendered, workers, part)
    failures: list[Failure] = []
    try:
        failures += this.tune()
        failures += this.run(columns_protocols(plan), list(plan.all_systems), plan.name)
        if plan.left_out:
            best = this.best_systems(plan.left_out.systems)
            failures += this.run(plan.left_out.protocols, best, "left out")
    finally:
        this.write()
    wanted = this.runs(columns_protocols(plan), tuple(plan.all_systems))
    missing = [job for job in wanted if not (this.folder(job) / results.RESULT).is_file()]
    return Done(tuple(failures), len(missing))
