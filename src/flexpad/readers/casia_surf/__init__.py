"""CASIA-SURF in the layouts it has been released and passed on in: one file, one layout."""

from __future__ import annotations

from flexpad.data.reading import DataSet
from flexpad.readers.casia_surf.author import LAYOUT as AUTHOR
from flexpad.readers.casia_surf.challenge import LAYOUT as CHALLENGE
from flexpad.readers.casia_surf.crop import LAYOUT as CROP

DATA_SET = DataSet(
    name="casia_surf",
    title="CASIA-SURF",
    licence="CASIA-SURF academic agreement: for research by its signatories, not to be passed on",
    version=3,
    layouts=(AUTHOR, CHALLENGE, CROP),
)
