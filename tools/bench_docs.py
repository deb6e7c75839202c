"""Fill docs/table1.md from the rows of the benches.

python -m tools.bench_docs

The rows are those `flexpad bench` writes, kept in benchmarks/results by benchmarks/take_in.py as
NAME.csv, NAME_tuning.csv and NAME_differences.csv. A table whose rows are not there yet is left as
it is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.page import fill

from flexpad.bench import plan as plans
from flexpad.bench import results, table
from flexpad.bench.plan import Plan
from flexpad.bench.table import Rows, Values

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "table1.md"
RESULTS = ROOT / "benchmarks" / "results"
CONFIGS = ROOT / "configs" / "bench"
TABLE1, ABLATIONS, SPECIFIED = "table1_synth", "ablations", "ablations_specified"

Found = tuple[Plan, Values, Rows, Rows]


def rows_of(name: str) -> Found | None:
    """Read the plan, rates, trials and differences of a bench; None before there are any."""
    path = RESULTS / f"{name}.csv"
    if not path.is_file():
        return None
    plan = plans.read(CONFIGS / f"{name}.yaml")
    tried, apart = (
        results.read_table(part) if (part := RESULTS / f"{name}_{kind}.csv").is_file() else []
        for kind in ("tuning", "differences")
    )
    return plan, Values(plan, results.read_table(path)), tried, apart


def of_columns(found: Found) -> str:
    """Every column of the table in the paper's form, each under its name."""
    _, values, _, _ = found
    return "\n\n".join(f"**{name}**\n\n{table.single(values, name)}" for name in values.columns)


def of_arms(found: Found) -> str:
    """Every arm of an ablation against its base."""
    _, values, _, apart = found
    return table.arms(values, apart)


# Name of a mark to the bench its table is from and what makes it.
TABLES: Mapping[str, tuple[str, Callable[[Found], str]]] = {
    "summary": (TABLE1, lambda found: table.summary(found[1])),
    "worst": (TABLE1, lambda found: table.summary(found[1], table.WORST)),
    "single": (TABLE1, of_columns),
    "fused": (TABLE1, lambda found: table.fused(found[1])),
    "added": (TABLE1, lambda found: table.fused(found[1], table.ACER + results.ADDED)),
    "common": (TABLE1, lambda found: table.common_threshold(found[1])),
    "on dev": (TABLE1, lambda found: table.on_dev(found[1])),
    "unseen": (TABLE1, lambda found: table.left_out(found[1])),
    "unseen differences": (
        TABLE1,
        lambda found: table.left_out_differences(found[0], found[3]),
    ),
    "differences": (TABLE1, lambda found: table.differences(found[0], found[3])),
    "tuning": (TABLE1, lambda found: table.tuning(found[2])),
    "ablations": (ABLATIONS, of_arms),
    "ablations as specified": (SPECIFIED, of_arms),
}


def main() -> None:
    """Fill every table there are rows for."""
    benches = {name: rows_of(name) for name in (TABLE1, ABLATIONS, SPECIFIED)}
    for mark, (name, make) in TABLES.items():
        found = benches[name]
        if found is None:
            print(f"{mark}: no rows of {name} yet, left as it is", file=sys.stderr)
        else:
            fill(PAGE, mark, make(found))


if __name__ == "__main__":
    main()
