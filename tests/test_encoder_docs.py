"""What docs/encoders.md says of encoders is so."""

import csv
import re
from pathlib import Path

from flexpad.encoders.layouts import LAYOUTS, huggingface
from flexpad.encoders.weights import refuse_pickle

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "encoders.md").read_text(encoding="utf-8")
RESULTS = ROOT / "benchmarks" / "results" / "parity.csv"


def test_the_parity_table_is_what_was_measured_and_within_what_is_promised():
    rows = list(csv.DictReader(RESULTS.open(encoding="utf-8")))
    table = re.search(r"<!-- parity -->\n(.*?)<!-- /parity", PAGE, re.S)[1].splitlines()[2:]
    columns = ("layout", "shape", "activation", "image_size", "image", "text", "peer")
    assert table == [f"| {' | '.join(row[column] for column in columns)} |" for row in rows]
    assert {row["layout"] for row in rows} == {layout.name for layout in LAYOUTS}
    for shape in ("ViT-B/32", "ViT-B/16", "ViT-L/14"):
        assert {row["layout"] for row in rows if row["shape"] == shape} == {
            layout.name for layout in LAYOUTS
        }
    assert all(float(row[tower]) <= 1e-5 for row in rows for tower in ("image", "text"))


def test_the_line_that_converts_a_pickle_is_the_one_of_the_message():
    command = re.search(r"^python -c .+$", PAGE, re.M)[0]
    layout = huggingface.LAYOUT
    assert command in refuse_pickle(layout.pickles[0], layout.weights[0])


def test_every_file_of_a_layout_is_named():
    for layout in LAYOUTS:
        for name in (layout.configuration, *layout.weights, *layout.pickles):
            assert f"`{name}`" in PAGE
