"""WMCA in the layouts it is released and passed on in: one file, one layout."""

from __future__ import annotations

from flexpad.data.reading import DataSet
from flexpad.readers.wmca.jpeg import LAYOUT as JPEG
from flexpad.readers.wmca.preprocessed import LAYOUT as PREPROCESSED
from flexpad.readers.wmca.raw import LAYOUT as RAW

DATA_SET = DataSet(
    name="wmca",
    title="WMCA",
    licence=(
        "WMCA licence of Idiap: non-commercial research by its signatories; only faces of the"
        " illustration lists may be shown"
    ),
    version=1,
    layouts=(PREPROCESSED, JPEG, RAW),
)
