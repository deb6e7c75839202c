"""A user's own data: as a folder tree, or as any folder with a CSV that says what is in it."""

from __future__ import annotations

from flexpad.data.reading import DataSet
from flexpad.readers.folder.names import DATASET
from flexpad.readers.folder.table import LAYOUT as CSV
from flexpad.readers.folder.tree import LAYOUT as TREE

DATA_SET = DataSet(
    name=DATASET,
    title="own data",
    licence="not stated; the data are their owner's",
    version=1,
    layouts=(TREE, CSV),
)
