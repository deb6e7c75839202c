"""The speed benches run, and docs/speed.md says what they measured."""

import csv
import importlib
import re
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tools import speed_docs

from tests import tiny

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
CPU = torch.device("cpu")


@pytest.fixture
def bench(monkeypatch):
    """Import a bench, with a tiny tower in the place of clip-nano and products of no size."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    towers = importlib.import_module("towers").TOWERS
    linear = replace(tiny.CONFIG, context_length=16)
    monkeypatch.setitem(towers, "linear", linear)
    monkeypatch.setitem(towers, "clip-nano", replace(linear, stem="convolutions"))
    monkeypatch.setattr(importlib.import_module("timing"), "PRODUCTS", ((8, 8, 8),))
    return importlib.import_module


def test_encoding_is_measured_in_every_way(bench, tmp_path):
    encode, rows_of_results = bench("encode"), bench("rows")
    with torch.no_grad():
        rows = encode.measure("linear", 2, Namespace(rounds=2, seconds=9.0), CPU)
        assert encode.memory("linear", 2, "fp32", "FMM-RPL", CPU)["peak_mb"] > 50
    ways = {(row["precision"], row["system"]): row for row in rows}
    theirs, bare = ways["fp32", "transformers"], ways["fp32", "bare"]
    assert (theirs["of_transformers"], bare["over_bare"]) == (1, "")
    # Ours projects every patch, theirs the class token alone.
    projected = 2 * tiny.CONFIG.grid**2 * tiny.CONFIG.vision.width * tiny.CONFIG.joint_width
    assert bare["gflop_an_image"] - theirs["gflop_an_image"] == pytest.approx(
        projected / 1e9, abs=1e-3
    )
    out = tmp_path / "encode.csv"
    for _ in range(2):  # the second time in the place of the first
        rows_of_results.put(out, list(rows[0]), rows, encode.KEY)
    with out.open() as file:
        assert [row["system"] for row in csv.DictReader(file)] == [row["system"] for row in rows]
    assert "| transformers |" in speed_docs.encoding(tmp_path)


@pytest.mark.parametrize("system", ["FMM-RPL, all", "FMM-RPL, kept", "linear probe, kept"])
def test_a_training_step_is_measured(system, bench):
    train = bench("train")
    answer = train.measure(train.Case("clip-nano", system, "fp32", items=2), 0.0, CPU)
    assert len(answer["seconds"]) == 1
    method = train.build(train.Case("clip-nano", system, "fp32"), CPU)
    everything = sum(weight.numel() for weight in method.parameters())
    assert (answer["trained_weights"] == everything) == system.endswith("all")


@torch.no_grad()
def test_both_ways_that_are_compared_give_the_same(bench):
    for what, pair in bench("kernels").pairs(width=32, heads=2, grid=4).items():
        assert torch.allclose(pair["ours"](), pair["plain"](), atol=1e-4), what


@pytest.mark.parametrize("name", speed_docs.MEASURED)
def test_the_page_says_what_was_measured(name):
    page = speed_docs.PAGE.read_text(encoding="utf-8")
    found = re.search(rf"<!-- {name} -->\n(.*?)\n?<!-- /{name} -->", page, re.DOTALL)
    assert found is not None
    content = speed_docs.MEASURED[name]()
    assert content in (None, found[1]), "run python -m tools.speed_docs"
