"""From foreign files to one score table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flexpad import __version__, metrics, score_table
from flexpad.foreign.columns import read_bob, read_csv
from flexpad.foreign.declaration import Declaration, check, one_each
from flexpad.foreign.rows import ForeignScores
from flexpad.foreign.submission import read_submission
from flexpad.registry import did_you_mean
from flexpad.score_table import ScoreTable
from flexpad.types import BadInput

FORMATS = ("bob", "csv", "challenge")


@dataclass(frozen=True, slots=True)
class Imported:
    """A table made from foreign scores.

    Attributes:
        table: As it was written.
        non_responses: How many of its rows have no score.
        warnings: What its user has to know, each a sentence.
    """

    table: ScoreTable
    non_responses: int
    warnings: tuple[str, ...]


def import_scores(kind: str, files: Sequence[Path], out: Path, declared: Declaration) -> Imported:
    """Read foreign scores and write them as a score table.

    Scores that are higher for attacks are negated: that keeps their order and every tie exactly,
    which ``1 - score`` does not. Nothing else is done to them, whatever the AUC says.

    Args:
        kind: One of :data:`FORMATS`.
        files: What to read; conditions, protocols and lists are declared once or once per file.
        out: The score table to write.
        declared: What the files do not say.

    Raises:
        BadInput: Something cannot be read or was not declared; nothing is written.
    """
    if kind not in FORMATS:
        raise BadInput(f"format {kind!r} is unknown; {did_you_mean(kind, FORMATS)}")
    if not files:
        raise BadInput("no file is given")
    check(declared)
    higher_is = declared.higher_is or ("bonafide" if kind == "bob" else None)
    if higher_is is None:
        raise BadInput(
            f"{files[0]}: does not say what a high score means; give --higher-is bonafide or"
            " --higher-is attack"
        )
    parts = _read(kind, files, declared)
    rows = [
        _rows(part, declared, condition, protocol, negate=higher_is == "attack")
        for part, condition, protocol in zip(
            parts,
            one_each(declared.condition, len(files), "--condition"),
            one_each(declared.protocol, len(files), "--protocol"),
            strict=True,
        )
    ]
    _refuse_repeats(rows, parts)
    table = ScoreTable(pl.concat(rows), _header(kind, declared, higher_is, parts), str(out))
    out.parent.mkdir(parents=True, exist_ok=True)
    score_table.write(table, out)
    return Imported(table, table.rows["score"].null_count(), tuple(_warnings(table)))


def _read(kind: str, files: Sequence[Path], declared: Declaration) -> list[ForeignScores]:
    """Read every file in its format."""
    if kind == "challenge":
        if declared.group:
            raise BadInput("a submission has no columns; groups come with --from csv or bob")
        names = one_each([str(name) for name in declared.listing], len(files), "--listing")
        parts = one_each(declared.lines, len(files), "--lines")
        return [
            read_submission(path, Path(name) if name else None, part, declared)
            for path, name, part in zip(files, names, parts, strict=True)
        ]
    reader: Callable[[Path, Declaration], ForeignScores] = {"bob": read_bob, "csv": read_csv}[kind]
    return [reader(path, declared) for path in files]


def _rows(
    part: ForeignScores, declared: Declaration, condition: str, protocol: str, *, negate: bool
) -> pl.DataFrame:
    """The rows of one file as a score table has them."""
    nameless = (part.rows["sample_id"] == "").arg_true()
    if len(nameless):
        raise BadInput(f"{part.path}, line {part.lines[nameless[0]]}: the item has no name")
    score = _numbers(part)
    video = pl.col("sample_id") if declared.unit == "video" else pl.lit("")
    rows = part.rows.with_columns(
        video_id=pl.when(pl.col("video_id") == "").then(video).otherwise(pl.col("video_id")),
        dataset=pl.lit(declared.dataset),
        protocol=pl.lit(protocol),
        split=pl.lit(declared.split),
        condition=pl.lit(condition),
        score=_negated(score) if negate else score,
    )
    groups = [name for name in rows.columns if name not in score_table.COLUMNS]
    return rows.select(*score_table.COLUMNS, *groups)


def _numbers(part: ForeignScores) -> pl.Series:
    """Text to float64; empty and NaN become null, other text and infinities are refused."""
    text = part.rows["score"]
    scores = text.cast(pl.Float64, strict=False)
    wrong = (
        (scores.is_null() & (text != "")) | scores.is_infinite().fill_null(value=False)
    ).arg_true()
    if len(wrong):
        place = int(wrong[0])
        raise BadInput(
            f"{part.path}, line {part.lines[place]}: score {text[place]!r} is not a finite number;"
            " a non-response is empty or NaN"
        )
    return scores.fill_nan(None)


def _negated(scores: pl.Series) -> pl.Series:
    """The scores the other way round; a zero keeps no sign, which would be written."""
    return (-scores).set(scores == 0, 0.0)


def _refuse_repeats(tables: Sequence[pl.DataFrame], parts: Sequence[ForeignScores]) -> None:
    """Refuse an item with two scores in one condition of one protocol."""
    seen: dict[tuple[str, str, str], str] = {}
    for rows, part in zip(tables, parts, strict=True):
        keys = rows.select("protocol", "condition", "sample_id").iter_rows()
        for key, line in zip(keys, part.lines, strict=True):
            where = f"{part.path}, line {line}"
            first = seen.setdefault(key, where)
            if first is not where:
                raise BadInput(
                    f"{where}: {key[2]!r} has a second score in condition {key[1]}, the first is in"
                    f" {first}; name items by more columns with --sample, or keep one"
                )


def _header(
    kind: str, declared: Declaration, higher_is: str, parts: Sequence[ForeignScores]
) -> dict[str, str]:
    """Where the scores come from and what was declared about them."""
    header = {"method": declared.method} if declared.method else {}
    header |= {"flexpad": __version__, "imported_from": kind, "higher_is": higher_is}
    if higher_is == "attack":
        header["scores"] = "negated, so that higher is more bona fide"
    if declared.bonafide_value:
        header["bonafide_value"] = " ".join(declared.bonafide_value)
    if declared.unit != "frame":
        header["unit"] = declared.unit
    for place, part in enumerate(parts, start=1):
        for key, value in part.sources.items():
            header[key if len(parts) == 1 else f"{key}_{place}"] = value
    return header


def _warnings(table: ScoreTable) -> list[str]:
    """Inverted scores, and classes that are not there."""
    found = []
    cells = table.rows.partition_by("protocol", "condition", maintain_order=True)
    areas: Mapping[str, float | None] = {
        " ".join(filter(None, rows.select("protocol", "condition").row(0))): metrics.auc(
            metrics.of_table(ScoreTable(rows))
        ).value
        for rows in cells
    }
    inverted = [name for name, area in areas.items() if area is not None and area < 0.5]
    if inverted:
        worst = min(area for area in areas.values() if area is not None)
        found.append(
            f"AUC is {worst:.3f}, below 0.5, in {', '.join(inverted)}: check what a high score"
            " means and which label is bona fide. Nothing was flipped."
        )
    lacking = [name for name, area in areas.items() if area is None]
    if lacking:
        found.append(f"Bona fide or attack is not there in {', '.join(lacking)}: no AUC.")
    return found
