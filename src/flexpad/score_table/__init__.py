"""The score table: one row per item and condition. The border between models and measuring.

Anybody's scores may come in through it. A score is higher for more bona fide; an empty cell or NaN
is a non-response. Lines before the column names start with ``#`` and carry ``key: value``.
"""

from flexpad.score_table.file import read, write
from flexpad.score_table.table import COLUMNS, GROUP_PREFIX, ScoreTable
from flexpad.score_table.unit import FRAMES_TO_VIDEO, UNITS, per_unit

__all__ = [
    "COLUMNS",
    "FRAMES_TO_VIDEO",
    "GROUP_PREFIX",
    "UNITS",
    "ScoreTable",
    "per_unit",
    "read",
    "write",
]
