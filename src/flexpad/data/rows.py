"""Many rows of a manifest, kept by column, and what has to hold for each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, overload

import polars as pl

from flexpad.data.row import COLUMNS, GROUP_PREFIX, OPTIONAL, PATHS, Row, is_line
from flexpad.types import ATTACK, BONAFIDE, MODALITIES, SPLITS, BadInput

NOT_A_LINE = "a cell holds a line break or what is not UTF-8 text"


class Rows(Sequence[Row]):
    """The rows of a manifest, kept by column: a million of them are read in a second.

    Attributes:
        table: :data:`COLUMNS`, then ``group_*`` in the order of their names; ``frame`` is int64,
            all else text without nulls.
    """

    def __init__(self, table: pl.DataFrame) -> None:
        groups = sorted(name for name in table.columns if name not in COLUMNS)
        absent = [pl.lit("").alias(name) for name in OPTIONAL if name not in table.columns]
        self.table = table.with_columns(absent).select(*COLUMNS, *groups)

    @classmethod
    def of(cls, rows: Iterable[Row], name: str = "manifest") -> Rows:
        """Put rows into columns; a group that a row does not have is "".

        Args:
            rows: In their order.
            name: What to call them in messages.

        Raises:
            BadInput: A cell is no UTF-8 text.
        """
        cells_of = attrgetter(*COLUMNS)
        listed: list[tuple[Any, ...]] = []
        groups: list[Mapping[str, str]] = []
        for row in rows:
            if not _is_text(row):  # a file name of another encoding
                raise BadInput(f"{name}: row {row.sample_id!r}: {NOT_A_LINE}")
            listed.append(cells_of(row))
            groups.append(row.groups)
        schema = {name: pl.Int64 if name == "frame" else pl.String for name in COLUMNS}
        table = pl.DataFrame(listed, schema, orient="row")
        names = dict.fromkeys(name for of_row in groups for name in of_row)
        return cls(
            table.with_columns(
                pl.Series(
                    GROUP_PREFIX + name, [of_row.get(name, "") for of_row in groups], pl.String
                )
                for name in names
            )
        )

    def where(self, condition: pl.Expr) -> Rows:
        """Only the rows a condition on the columns holds for."""
        return Rows(self.table.filter(condition))

    def __len__(self) -> int:
        return self.table.height

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Rows: ...
    def __getitem__(self, index: int | slice) -> Row | Rows:
        if isinstance(index, slice):
            return Rows(self.table[index])
        return self._row(self.table.row(index))

    def __iter__(self) -> Iterator[Row]:
        return map(self._row, self.table.iter_rows())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Rows):
            return self.table.equals(other.table)
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def _row(self, cells: tuple[Any, ...]) -> Row:
        width = len(COLUMNS)
        names = (name.removeprefix(GROUP_PREFIX) for name in self.table.columns[width:])
        groups = dict(zip(names, cells[width:], strict=True))
        return Row(*(*cells[:width], groups))


def complaint(table: pl.DataFrame) -> tuple[int, str] | None:
    """Say which row breaks a rule first, and what is wrong with it.

    Args:
        table: :data:`COLUMNS` and ``group_*`` columns; ``frame`` is a number, all else text.

    Returns:
        The place of the row, from 0, and the words; None if nothing is wrong.
    """
    text = [name for name in table.columns if name != "frame"]
    rules = {NOT_A_LINE: pl.any_horizontal(map(_breaks, text))}
    rules |= _RULES
    flags = table.lazy().select(b.alias(str(i)) for i, b in enumerate(rules.values())).collect()
    broken = [
        (int(flag.arg_max() or 0), words)
        for flag, words in zip(flags, rules, strict=True)
        if flag.any()
    ]
    if broken:
        place, words = min(broken, key=lambda found: found[0])
        return place, words.format(**table.row(place, named=True))
    return (0, "a group has no name") if GROUP_PREFIX in table.columns else None


def _is_text(row: Row) -> bool:
    """Whether its file names, the one thing a reader does not choose, are UTF-8."""
    paths = row.rgb + row.depth + row.ir + row.thermal
    return paths.isascii() or is_line(paths)


def _breaks(column: str) -> pl.Expr:
    return pl.col(column).str.contains(r"[\n\r\x00]")


def _escapes(column: str) -> pl.Expr:
    """As :func:`escapes`."""
    return pl.col(column).str.contains(r"^[/~]|^.:/|\\|(^|/)\.\.(/|$)")


def _no_box() -> pl.Expr:
    numbers = pl.col("box").str.extract_all(r"\S+")
    x0, y0, x1, y1 = (
        numbers.list.get(i, null_on_oob=True).cast(float, strict=False) for i in range(4)
    )
    finite = pl.all_horizontal(n.is_finite().fill_null(value=False) for n in (x0, y0, x1, y1))
    fits = (numbers.list.len() == 4) & finite & (x0 < x1) & (y0 < y1)
    return (pl.col("box") != "") & ~fits.fill_null(value=False)


# What must not hold for any row, after what to say where it does.
_RULES: dict[str, pl.Expr] = {
    "sample_id, dataset, subject_id and video_id have to be given": pl.any_horizontal(
        pl.col("sample_id", "dataset", "subject_id", "video_id") == ""
    ),
    f"label {{label!r}} should be {BONAFIDE} or {ATTACK}": ~pl.col("label").is_in(
        [BONAFIDE, ATTACK]
    ),
    f"split {{split!r}} should be one of {', '.join(SPLITS)}": ~pl.col("split").is_in(SPLITS),
    "pai_species has to be given for an attack and to be empty for a bona fide": (
        (pl.col("pai_species") != "") != (pl.col("label") == ATTACK)
    ),
    "frame {frame} should not be negative": pl.col("frame") < 0,
    "has no modality at all": pl.all_horizontal(pl.col(m.value) == "" for m in MODALITIES),
    "a path should lie inside the root and be written with '/'": pl.any_horizontal(
        map(_escapes, PATHS)
    ),
    "box {box!r:.60} should be four numbers 'x0 y0 x1 y1' with x0 < x1 and y0 < y1": _no_box(),
}
