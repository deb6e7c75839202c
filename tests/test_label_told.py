"""The measurement of what a told modality changes, on a run of noise."""

import csv
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from flexpad import checkpoint, score_table
from flexpad.data import manifest as manifests
from flexpad.methods.fmm_rpl.model import build
from flexpad.recipe import MethodRecipe
from tests import noise, tiny

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def label_told():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import label_told
    finally:
        sys.path.pop(0)
    return label_told


def make_run(folder: Path, table: float = 2.0, **options) -> None:
    """Write a run of random weights whose label table is as large as said."""
    encoder = tiny.encoder()
    options = {**tiny.OPTIONS, **options}
    method = build(encoder, options)
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        if method.experts.descriptor is not None:
            method.experts.descriptor.label.weight.normal_(0, 1).mul_(table)
    recipe = replace(noise.RECIPE, seed=3, method=MethodRecipe(options=options))
    checkpoint.save_recipe(folder, recipe, encoder)
    checkpoint.save_weights(folder / checkpoint.WEIGHTS, method, recipe)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return noise.write(tmp_path_factory.mktemp("noise"))


def test_rows_of_all_that_is_told(label_told, manifest, tmp_path, monkeypatch):
    make_run(tmp_path / "run")
    out = tmp_path / "told.csv"
    given = ["label_told.py", str(tmp_path / "run"), str(manifest), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", given)
    label_told.main()
    rows = list(csv.DictReader(out.open(encoding="utf-8")))
    assert [row["told"] for row in rows] == ["withheld"] * 7 + ["right"] * 7 + ["wrong"] * 7
    assert {row["condition"] for row in rows[:7]} == {"R", "D", "I", "RD", "RI", "DI", "RDI"}
    assert all(float(row["moved"]) == 0 for row in rows[:7])
    for row, before in zip(rows, rows[:7] * 3, strict=True):
        moved = float(row["acer_pooled"]) - float(before["acer_pooled"])
        assert float(row["moved"]) == pytest.approx(moved)
    scores = [
        score_table.read(tmp_path / "run" / "label-told" / f"scores-test-{told}.csv").scores
        for told in ("withheld", "right", "wrong")
    ]
    assert np.nanmax(abs(scores[0] - scores[1])) > 1e-6
    assert np.nanmax(abs(scores[1] - scores[2])) > 1e-6
    # Tables of the same weights are used again, and rows of the same run replaced.
    monkeypatch.setattr(label_told, "score", None)
    label_told.main()
    assert list(csv.DictReader(out.open(encoding="utf-8"))) == rows


def test_a_table_that_says_nothing_moves_nothing(label_told, manifest, tmp_path):
    make_run(tmp_path / "run", table=0.0)
    model = checkpoint.load(tmp_path / "run")
    rows = label_told.measure(model, manifests.read(manifest), "video")
    assert len(rows) == 21
    assert all(row["moved"] == 0 for row in rows)
    assert model.method.told == "withheld"


def test_routers_that_read_no_label_are_refused(label_told, manifest, tmp_path):
    make_run(tmp_path / "run", router="uniform")
    model = checkpoint.load(tmp_path / "run")
    with pytest.raises(SystemExit, match="only FMM-RPL with learned routers can be told"):
        label_told.measure(model, manifests.read(manifest))
