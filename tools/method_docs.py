"""Fill the tables in the pages of the methods from what was counted and measured.

python -m tools.method_docs
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.page import fill
from tools.markdown import table

from flexpad import methods
from flexpad.bench import plan as plans
from flexpad.bench import table as bench_table
from flexpad.types import CONDITIONS

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"

Row = Mapping[str, str]


def sizes(method: str, results: Path = RESULTS) -> str | None:
    """How large a method is on each encoder; None before it was counted."""
    rows = _rows(results / "method_sizes.csv", method)
    if not rows:
        return None
    head = ("encoder", "trained", "stored", "GMAC, RGB", "GMAC, R+D+I", "text, once")
    cells = [
        [
            _encoder(row),
            f"{int(row['trained']):,}",
            f"{int(row['stored']):,}",
            _gmac(row["gmac_rgb"]),
            _gmac(row["gmac_all"]),
            _gmac(row["gmac_text"]),
        ]
        for row in rows
    ]
    note = (
        "Parameters that are trained, and those stored for an answer (without the text tower, whose"
        " features are kept);\nbillions of multiply-adds for one item in evaluation. From"
        " `benchmarks/method_sizes.py`."
    )
    return f"{table(head, cells, 'lrrrrr')}\n\n{note}"


def measured(method: str, results: Path = RESULTS) -> str | None:
    """What a method reached in table 1 on rendered faces; None before it was measured."""
    path = results / "table1_synth.csv"
    rows = _rows(path, method)
    if not rows:
        return None
    plan = plans.read(ROOT / "configs" / "bench" / "table1_synth.yaml")
    values = bench_table.Values(plan, rows)
    cells = [
        [
            column,
            *(
                bench_table.percent(
                    values.mean(method, of, condition, bench_table.ACER),
                    values.spread(method, of, condition, bench_table.ACER),
                )
                for condition in CONDITIONS
            ),
        ]
        for column, of in values.columns.items()
    ]
    note = (
        "ACER in per cent with APCER over all attacks in one pool, on rendered faces and"
        " clip-nano, mean of three seeds;\nbehind ± the standard deviation over sub-protocols, or"
        " over seeds. See [table 1](../../../../docs/table1.md)."
    )
    head = ["rendered", *CONDITIONS]
    return f"{table(head, cells, 'l' + 'r' * len(CONDITIONS))}\n\n{note}"


# Name of a mark to what makes its content for a method, or None while there is nothing to show.
TABLES: Mapping[str, Callable[[str], str | None]] = {"sizes": sizes, "results": measured}


def page(method: str) -> Path:
    """Give the page of a method."""
    return ROOT / "src" / "flexpad" / "methods" / method / "README.md"


def _rows(path: Path, method: str) -> list[Row]:
    """Read what a table of results has of a method; nothing if there is no table."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["method"] == method]


def _encoder(row: Row) -> str:
    """Say on what a method was counted, what of it is trained, and with which options."""
    trained = {"none": "frozen", "all": "trained"}[row["trainable"]]
    options = json.loads(row["options"])
    said = [f"`{key}: {json.dumps(value)}`" for key, value in options.items()]
    return ", ".join([row["encoder"], trained, *said])


def _gmac(cell: str) -> str:
    """Three figures; a dash for nothing."""
    number = float(cell)
    return f"{number:.3g}" if number else "-"


def main() -> None:
    """Fill every table of every page."""
    for method in methods.names():
        for mark, make in TABLES.items():
            content = make(method)
            if content is None:
                print(f"{method}: no {mark} yet, its page is left as it is", file=sys.stderr)
            else:
                fill(page(method), mark, content)


if __name__ == "__main__":
    main()
