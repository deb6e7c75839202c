"""Score tables of simple fusions of R, D and I, to hold a learned fusion against.

    python benchmarks/simple_fusion.py runs/demo runs/fusion
    flexpad compare runs/fusion/{learned,mean,lowest}-test.csv \
        --dev runs/fusion/{learned,mean,lowest}-dev.csv -o runs/fusion

``learned`` is the run's own score in the conditions of two and three modalities; ``mean`` and
``lowest`` are made of the run's scores in R, D and I alone. An item without one of these scores has
no score in the fusion either.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import polars as pl

from flexpad import score_table
from flexpad.score_table import ScoreTable
from flexpad.types import FUSED


def fused(table: ScoreTable, rule: str) -> ScoreTable:
    """The scores of the single modalities put together by a rule: ``mean`` or ``lowest``."""
    singles = table.rows.filter(pl.col("condition").str.len_chars() == 1)
    scores = singles.pivot("condition", index="sample_id", values="score")
    parts = []
    for condition in FUSED:
        columns = [pl.col(letter) for letter in condition]
        mean = pl.sum_horizontal(columns, ignore_nulls=False) / len(columns)
        one = mean if rule == "mean" else pl.min_horizontal(columns)
        heard = ~pl.any_horizontal([column.is_null() for column in columns])
        made = scores.select("sample_id", pl.when(heard).then(one).alias("fused"))
        rows = table.rows.filter(pl.col("condition") == condition)
        joined = rows.join(made, on="sample_id", how="left", maintain_order="left")
        parts.append(joined.with_columns(score="fused").drop("fused"))
    header = {**table.header, "method": f"{rule} of singles", "conditions": " ".join(FUSED)}
    return replace(table, rows=pl.concat(parts), header=header, file_sha256="")


def main() -> None:
    """Write the tables of every fusion, dev and test."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder with scores-dev.csv and scores-test.csv")
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for split in ("dev", "test"):
        table = score_table.read(given.run / f"scores-{split}.csv")
        several = table.rows.filter(pl.col("condition").is_in(FUSED))
        learned = replace(table, rows=several, file_sha256="")
        score_table.write(learned, given.out / f"learned-{split}.csv")
        for rule in ("mean", "lowest"):
            score_table.write(fused(table, rule), given.out / f"{rule}-{split}.csv")


if __name__ == "__main__":
    main()
