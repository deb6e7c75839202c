"""CASIA-SURF CeFA in the layouts it has been released and passed on in: one file, one layout."""

from __future__ import annotations

from flexpad.data.reading import DataSet
from flexpad.readers.casia_cefa import author, challenge, research
from flexpad.readers.casia_cefa.videos import PERSONAL

DATA_SET = DataSet(
    name="casia_cefa",
    title="CASIA-SURF CeFA",
    licence="CASIA-SURF CeFA agreement: for research by its signatories, not to be passed on",
    version=1,
    layouts=(author.LAYOUT, research.LAYOUT, challenge.LAYOUT),
    personal=PERSONAL,
)
