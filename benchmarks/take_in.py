"""Put what a bench has done beside what is kept of it in ``benchmarks/results``.

    python benchmarks/take_in.py runs/bench/table1_synth

A bench may be done in pieces, on several machines or on one that forgets. Rows of the same
protocol, method and seed take the place of older ones; differences are drawn anew from the errors
by subject of all that is kept.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rows import put

from flexpad.bench import difference, plan, results, run, subjects
from flexpad.bench.plan import Plan
from flexpad.bench.subjects import Subjects
from flexpad.config import load

RESULTS = Path(__file__).parent / "results"


def take_in(out: Path, kept: Path) -> None:
    """Put the tables of a bench into the folder of what is kept, by its name.

    Args:
        out: Folder of the bench.
        kept: With ``NAME.csv``, ``NAME_tuning.csv``, ``NAME_subjects.parquet`` and
            ``NAME_differences.csv``, each of which need not be there yet.
    """
    done = load(Plan, out / run.PLAN)

    systems = list(done.all_systems)

    def place(row: dict[str, str]) -> tuple[int, int, int]:
        return (
            done.protocols.index(row["protocol"]),
            int(row["seed"]),
            systems.index(row["method"]),
        )

    new = results.read_table(out / run.RESULTS)
    put(kept / f"{done.name}.csv", results.COLUMNS, new, subjects.JOB, order=place)
    tried = results.read_table(out / run.TUNING)
    if tried:
        order = [(job.system, str(job.trial)) for job in plan.trials(done)]
        put(
            kept / f"{done.name}_tuning.csv",
            run.TUNING_COLUMNS,
            tried,
            ("method", "trial"),
            order=lambda row: order.index((row["method"], row["trial"])),
        )
    path = kept / f"{done.name}_subjects.parquet"
    counted = subjects.put(subjects.read(path), subjects.read(out / subjects.SUBJECTS))
    subjects.write(path, counted)
    apart = difference.rows(done, Subjects(counted))
    results.write_table(kept / f"{done.name}_differences.csv", difference.COLUMNS, apart)


def main() -> None:
    """Take in the bench that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder of the bench")
    take_in(parser.parse_args().out, RESULTS)


if __name__ == "__main__":
    main()
