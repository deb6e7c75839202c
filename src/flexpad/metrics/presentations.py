"""The scores of one condition, taken apart by class and species and sorted once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from flexpad.score_table import ScoreTable
from flexpad.types import BONAFIDE, BadInput

Floats = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

NO_BONAFIDE = "no bona fide presentation was answered"
NO_ATTACK = "no attack presentation was answered"
SILENT_SPECIES = "a PAI species has no answered attack"


@dataclass(frozen=True, slots=True)
class Presentations:
    """The scores of one condition, sorted once so that every rate is a binary search.

    Attributes:
        bonafide: Answered bona fide scores in rising order, (S_bonafide,).
        attacks: Answered attack scores per PAI species, each in rising order, (S_species,).
        pooled: The answered scores of all attacks in rising order, (S_attack,).
        silent_bonafide: How many bona fide presentations got no response.
        silent_attacks: How many attack presentations of each species got no response.
    """

    bonafide: Floats
    attacks: Mapping[str, Floats]
    pooled: Floats
    silent_bonafide: int
    silent_attacks: Mapping[str, int]

    @property
    def undefined(self) -> str | None:
        """Why a figure that needs both classes does not exist here; None if it does."""
        if not len(self.bonafide):
            return NO_BONAFIDE
        return None if len(self.pooled) else NO_ATTACK


def presentations(
    scores: npt.ArrayLike, is_bonafide: npt.ArrayLike, species: npt.ArrayLike
) -> Presentations:
    """Sort scores into what every rate here is computed from.

    Args:
        scores: (S,) float, NaN for a non-response.
        is_bonafide: (S,) bool.
        species: (S,) PAI species of the attacks; whatever stands at a bona fide is not read.

    Raises:
        ValueError: The lengths differ or a score is infinite.
    """
    score = np.asarray(scores, dtype=np.float64)
    bonafide = np.asarray(is_bonafide, dtype=np.bool_)
    kinds = np.asarray(species)
    if not score.ndim == bonafide.ndim == kinds.ndim == 1:
        raise ValueError("scores, is_bonafide and species have to have one axis, (S,)")
    if not len(score) == len(bonafide) == len(kinds):
        raise ValueError("scores, is_bonafide and species have to be of one length")
    _refuse_infinite(score)
    kind = kinds[~bonafide].astype(str)
    attack = score[~bonafide]
    return _sorted(score[bonafide], {str(name): attack[kind == name] for name in np.unique(kind)})


def of_table(table: ScoreTable) -> Presentations:
    """Sort the scores of a table that holds one condition, (S,) rows.

    Raises:
        BadInput: The table holds several conditions, which would mix what the model was shown.
        ValueError: A score is infinite.
    """
    check_one_condition(table)
    return _of_rows(table.rows.lazy())


def by_condition(table: ScoreTable) -> dict[str, Presentations]:
    """Sort the scores of every condition of a table.

    Returns:
        By condition, in the order of :data:`flexpad.types.CONDITIONS`.

    Raises:
        ValueError: A score is infinite.
    """
    _refuse_infinite(table.scores)
    rows = table.rows.lazy()
    return {
        condition: _of_rows(rows.filter(pl.col("condition") == condition))
        for condition in table.conditions
    }


def check_one_condition(table: ScoreTable) -> None:
    """Refuse what would mix what the model was shown, and scores that are infinite.

    Raises:
        BadInput: The table holds several conditions.
        ValueError: A score is infinite.
    """
    if len(table.conditions) > 1:
        raise BadInput(
            f"{table.name}: holds the conditions {', '.join(table.conditions)}; measure one by one"
        )
    _refuse_infinite(table.scores)


def _of_rows(rows: pl.LazyFrame) -> Presentations:
    scores = pl.col("score").fill_null(np.nan)
    pools = rows.group_by("label", "pai_species").agg(scores).collect(engine="streaming")
    by_species = {}
    bonafide = np.empty(0)
    for label, species, pool in zip(*pools.get_columns(), strict=True):
        if label == BONAFIDE:
            bonafide = pool.to_numpy()
        else:
            by_species[species] = pool.to_numpy()
    return _sorted(bonafide, by_species)


def _sorted(bonafide: Floats, by_species: Mapping[str, Floats]) -> Presentations:
    answered = _answered(bonafide)
    attacks = {name: _answered(by_species[name]) for name in sorted(by_species)}
    return Presentations(
        bonafide=answered,
        attacks=attacks,
        pooled=np.sort(np.concatenate([*attacks.values(), np.empty(0)]), kind="stable"),  # merges
        silent_bonafide=len(bonafide) - len(answered),
        silent_attacks={name: len(by_species[name]) - len(attacks[name]) for name in attacks},
    )


def _refuse_infinite(scores: Floats) -> None:
    if np.isinf(scores).any():
        raise ValueError("a score is infinite; a non-response is NaN")


def _answered(scores: Floats) -> Floats:
    """The scores that are not NaN, in rising order."""
    return np.sort(scores[~np.isnan(scores)])
