"""Fill the tables of docs/speed.md from what encode.py, train.py and kernels.py measured.

python -m tools.speed_docs
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from benchmarks.page import fill
from tools.markdown import percent, table

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "speed.md"
RESULTS = ROOT / "benchmarks" / "results"

Row = Mapping[str, str]
Column = tuple[str, str, Callable[[Row], str]]  # name, side, and the cell of a row


def encoding(results: Path = RESULTS) -> str | None:
    """How fast images are encoded, a table for each machine; None before it was measured."""
    columns: Sequence[Column] = (
        ("tower", "l", lambda row: row["tower"]),
        ("precision", "l", lambda row: row["precision"]),
        ("batch", "r", lambda row: row["batch"]),
        ("", "l", lambda row: row["system"]),
        ("GFLOP an image", "r", lambda row: row["gflop_an_image"]),
        ("images/s", "r", _rate),
        ("of peak", "r", lambda row: _share(row["of_peak"])),
        ("over bare", "r", lambda row: _signed(row["over_bare"])),
        ("x transformers fp32", "r", lambda row: row["of_transformers"]),
        ("peak MB", "r", lambda row: row["peak_mb"]),
    )
    return _tables(results / "encode.csv", columns)


def training(results: Path = RESULTS) -> str | None:
    """How fast training steps are, a table for each machine; None before it was measured."""
    columns: Sequence[Column] = (
        ("tower", "l", lambda row: row["tower"]),
        ("", "l", lambda row: row["system"]),
        ("precision", "l", lambda row: row["precision"]),
        ("images a step", "r", lambda row: row["images"]),
        ("step, s", "r", lambda row: row["step_s"]),
        ("images/s", "r", _rate),
        ("of peak", "r", lambda row: _share(row["of_peak"])),
        ("peak MB", "r", lambda row: row["peak_mb"]),
        ("x training", "r", lambda row: row["of_training"]),
    )
    return _tables(results / "train.csv", columns)


def kernels(results: Path = RESULTS) -> str | None:
    """How parts that are written in their own way compare; None before it was measured."""
    columns: Sequence[Column] = (
        ("ours / plain", "l", lambda row: row["what"]),
        ("size", "l", lambda row: row["size"]),
        ("ours, ms", "r", lambda row: row["ours_ms"]),
        ("plain, ms", "r", lambda row: row["plain_ms"]),
        ("time of plain", "r", lambda row: row["of_plain"]),
    )
    return _tables(results / "kernels.csv", columns)


def _tables(path: Path, columns: Sequence[Column]) -> str | None:
    if not path.is_file():
        return None
    with path.open(newline="", encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=_machine)
    parts = []
    for _, of_machine in groupby(rows, key=_machine):
        shown = list(of_machine)
        head, sides = [name for name, _, _ in columns], "".join(side for _, side, _ in columns)
        cells = [[cell(row) for _, _, cell in columns] for row in shown]
        parts.append(f"{_caption(shown)}\n\n{table(head, cells, sides)}")
    return "\n\n".join(parts)


def _machine(row: Row) -> tuple[str, str, str]:
    return row.get("device", "cpu"), row["hardware"], row["malloc"]


def _caption(rows: Sequence[Row]) -> str:
    """Say on what rows were measured, and how fast its matrix products are."""
    first = rows[0]
    peaks: dict[str, float] = {}
    for row in rows:
        if row.get("peak_gflops"):
            precision = row["precision"]
            peaks[precision] = max(peaks.get(precision, 0.0), float(row["peak_gflops"]))
    said = ", ".join(f"{peak:,.0f} GFLOP/s in {precision}" for precision, peak in peaks.items())
    allocator = ", allocator tuned" if first["malloc"] == "tuned" else ""
    reach = f"; matrix products reach {said}" if said else ""
    with_what = f"{first['threads']} threads, torch {first['torch']}{allocator}"
    return f"**{first['hardware']}**, {with_what}{reach}."


def _rate(row: Row) -> str:
    """A rate with the slowest and the fastest round."""
    if row["slowest"] == row["fastest"]:
        return row["images_per_s"]
    return f"{row['images_per_s']} ({row['slowest']}–{row['fastest']})"  # noqa: RUF001


def _share(cell: str) -> str:
    return percent(float(cell)) if cell else ""


def _signed(cell: str) -> str:
    return f"{100 * float(cell):+.0f} %" if cell else ""


MEASURED: Mapping[str, Callable[[], str | None]] = {
    "encoding": encoding,
    "training": training,
    "kernels": kernels,
}


def main() -> None:
    """Fill every table."""
    for mark, make in MEASURED.items():
        content = make()
        if content is None:
            print(f"{mark}: not measured yet, {PAGE.name} is left as it is", file=sys.stderr)
        else:
            fill(PAGE, mark, content)


if __name__ == "__main__":
    main()
