"""How far a finished run of FMM-RPL moves when it is told the modality, rightly or wrongly.

    python benchmarks/label_told.py RUN MANIFEST [--unit video] [--out FILE]

The run is scored with the modality withheld, as always, and then with the right and with a wrong
one told. Thresholds are the ``eer@dev`` of the run with the modality withheld, since that is how it
is deployed. Score tables go to RUN/label-told, and what is there is used again if it is of the same
weights and manifest. With ``--out``, rows of the same protocol and seed are replaced in a file such
as benchmarks/results/label_told.csv.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rows import put

from flexpad import calibrate, checkpoint, metrics, score_table
from flexpad.checkpoint import Model
from flexpad.data import manifest as manifests
from flexpad.data.manifest import Manifest, sha256
from flexpad.log import console
from flexpad.methods.fmm_rpl.model import TOLD, FmmRpl
from flexpad.score import score, source_commit
from flexpad.score_table import ScoreTable

RATES = ("apcer_pooled", "apcer_max", "bpcer", "acer_pooled", "acer_max")
SAME = ("protocol", "seed", "unit")  # what rows of a file are replaced by
COLUMNS = ("protocol", "condition", "told", *RATES, "moved", "n", "seed", "unit", "commit")
Rows = list[dict[str, Any]]


def main() -> None:
    """Score, print and, if asked to, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--unit", default="frame", choices=score_table.UNITS)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    rows = measure(checkpoint.load(given.run), manifests.read(given.manifest), given.unit)
    console.print(
        "ACER over pooled attacks, ACER of the worst species, change of the first; percent"
    )
    for row in rows:
        told = (f"{row[key]:>9}" for key in ("condition", "told"))
        rates = (percent(row[key]) for key in ("acer_pooled", "acer_max", "moved"))
        console.print(*told, *rates)
    if given.out:
        put(given.out, COLUMNS, rows, SAME)


def measure(model: Model, manifest: Manifest, unit: str = "frame") -> Rows:
    """Give a row for each condition and thing told; ``moved`` is in ACER over pooled attacks.

    Raises:
        SystemExit: The run is not of FMM-RPL, or its routers read no label.
    """
    method = model.method
    if not isinstance(method, FmmRpl) or not method.experts.learns_routing:
        raise SystemExit(
            f"{model.folder}: only FMM-RPL with learned routers can be told a modality"
        )
    dev = scored(model, manifest, "dev", "withheld")
    thresholds = calibrate.choose(dev, "eer@dev", unit).thresholds
    rows: Rows = []
    withheld: dict[str, float | None] = {}
    for told in TOLD:
        test = score_table.per_unit(scored(model, manifest, "test", told), unit)
        for condition, items in metrics.by_condition(test).items():
            at = metrics.rates(items, thresholds[condition].value)
            row = {
                "apcer_pooled": at.apcer_pooled.rate,
                "apcer_max": at.apcer_max.rate,
                "bpcer": at.bpcer.rate,
                "acer_pooled": at.acer_pooled.value,
                "acer_max": at.acer_max.value,
            }
            acer, before = row["acer_pooled"], withheld.setdefault(condition, row["acer_pooled"])
            rows.append(
                {
                    "protocol": model.recipe.protocol,
                    "condition": condition,
                    "told": told,
                    **row,
                    "moved": None if acer is None or before is None else acer - before,
                    "n": len(items.bonafide) + len(items.pooled),
                    "seed": model.recipe.seed,
                    "unit": unit,
                    "commit": source_commit(),
                }
            )
    return rows


def percent(rate: float | None) -> str:
    """Write a fraction in percent, seven wide."""
    return "      -" if rate is None else f"{100 * rate:7.2f}"


def scored(model: Model, manifest: Manifest, split: str, told: str) -> ScoreTable:
    """Score a split with something told of the modalities, or read what was scored so."""
    path = model.folder / "label-told" / f"scores-{split}-{told}.csv"
    if path.is_file():
        found = score_table.read(path)
        of = (found.header.get("weights_sha256"), found.header.get("manifest_sha256"))
        if of == (model.sha256, sha256(Path(manifest.name))):
            return found
    assert isinstance(model.method, FmmRpl)
    model.method.tell_modality(told)
    try:
        return score(model, manifest, split, path)
    finally:
        model.method.tell_modality("withheld")


if __name__ == "__main__":
    main()
