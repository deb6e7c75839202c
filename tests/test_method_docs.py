"""The pages of the methods show what was counted, and counting again gives the same."""

import csv
import importlib
import re
from pathlib import Path

import pytest
from tools import method_docs

from flexpad import methods

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
NANO = "clip-nano"


def counted():
    """The rows of the table by encoder and method."""
    path = method_docs.RESULTS / "method_sizes.csv"
    with path.open(newline="", encoding="utf-8") as file:
        return {(row["encoder"], row["method"]): row for row in csv.DictReader(file)}


def test_what_was_counted_is_there():
    assert {(NANO, "fmm_rpl"), ("ViT-B/16", "fmm_rpl")} <= counted().keys()
    assert counted()["ViT-B/16", "clip_adapter"]["trained"] == "13648"


@pytest.mark.parametrize("name", methods.names())
@pytest.mark.parametrize("mark", method_docs.TABLES)
def test_page_shows_what_was_found(name, mark):
    content = method_docs.TABLES[mark](name)
    if content is None:
        pytest.skip(f"no {mark} of {name} yet")
    shown = re.findall(
        rf"<!-- {mark} -->\n(.*?)\n<!-- /{mark} -->",
        method_docs.page(name).read_text(encoding="utf-8"),
        re.DOTALL,
    )
    assert shown == [content]


@pytest.mark.parametrize("name", methods.names())
def test_counting_again_gives_the_same(name, monkeypatch):
    if (NANO, name) not in counted():
        pytest.skip(f"{name} was not counted yet")
    monkeypatch.syspath_prepend(BENCHMARKS)
    again = importlib.import_module("method_sizes").row(NANO, name)
    assert {**again, "commit": ""} == {**counted()[NANO, name], "commit": ""}


def test_rows_of_other_methods_stay(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(BENCHMARKS)
    sizes, path = importlib.import_module("method_sizes"), tmp_path / "sizes.csv"
    plain = dict.fromkeys(sizes.COLUMNS, "0")
    sizes.write(path, [{**plain, "encoder": NANO, "method": m} for m in ("b", "a")])
    sizes.write(path, [{**plain, "encoder": NANO, "method": "b", "trained": "7"}])
    with path.open(newline="", encoding="utf-8") as file:
        found = [(row["method"], row["trained"]) for row in csv.DictReader(file)]
    assert found == [("a", "0"), ("b", "7")]
