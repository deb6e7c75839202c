"""Turn the report of a run into rows of results, and the rows into the table of the README.

python benchmarks/collect.py runs/demo benchmarks/results/demo.csv [--readme README.md]

A row is one rate of one condition: protocol, method, condition, rate, value, low, high, n, seed,
commit and hardware. Rows of the same protocol, method and seed are replaced.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from page import fill
from rows import put

from flexpad import checkpoint
from flexpad.bench.results import COLUMNS, processor
from flexpad.config import load
from flexpad.recipe import Recipe
from flexpad.score import source_commit

KEY = ("protocol", "method", "seed")
RATES = ("bpcer", "apcer_max", "apcer_pooled", "acer_max", "acer_pooled", "eer", "auc")


def rows_of(run: Path) -> list[dict[str, str]]:
    """Read the rows of a run."""
    report = json.loads((run / "report.json").read_text())
    recipe = load(Recipe, run / checkpoint.RECIPE)
    rows = []
    for condition, rates in report["conditions"].items():
        for rate in RATES:
            low, high = rates["intervals"].get(rate) or ("", "")
            n = {"bpcer": rates["n_bonafide"], "apcer_pooled": rates["n_attack"]}.get(rate, "")
            rows.append(
                {
                    "protocol": recipe.protocol,
                    "method": recipe.method.name,
                    "condition": condition,
                    "rate": rate,
                    "value": repr(rates[rate]),
                    "low": str(low),
                    "high": str(high),
                    "n": str(n),
                    "seed": str(recipe.seed),
                    "commit": source_commit(),
                    "hardware": processor(),
                }
            )
    return rows


def markdown(rows: list[dict[str, str]], seed: str) -> str:
    """Make the README's table from rows of one seed."""
    cells = {(row["condition"], row["rate"]): row for row in rows if row["seed"] == seed}

    def show(condition: str, rate: str) -> str:
        row = cells[condition, rate]
        value = f"{100 * float(row['value']):.1f}"
        if not row["low"]:
            return value
        return f"{value} [{100 * float(row['low']):.1f}–{100 * float(row['high']):.1f}]"  # noqa: RUF001

    shown = ("bpcer", "apcer_max", "apcer_pooled", "acer_max", "acer_pooled")
    names = ("BPCER", "APCER max", "APCER pooled", "ACER max", "ACER pooled")
    lines = [f"| rendered faces, % | {' | '.join(names)} |", "|:--" + "|--:" * len(names) + "|"]
    lines += [
        f"| **{condition}** | {' | '.join(show(condition, rate) for rate in shown)} |"
        for condition in dict.fromkeys(condition for condition, _ in cells)
    ]
    return "\n".join(lines)


def main() -> None:
    """Collect a run and, if asked, write the README's table anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--readme", type=Path)
    given = parser.parse_args()
    rows = rows_of(given.run)
    kept = put(given.results, COLUMNS, rows, KEY, lambda row: [row[name] for name in KEY])
    table = markdown(kept, rows[0]["seed"])
    print(table)
    if given.readme:
        fill(given.readme, "demo", table)


if __name__ == "__main__":
    main()
