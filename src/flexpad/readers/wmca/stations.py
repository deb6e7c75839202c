"""Folders of WMCA recordings, one HDF5 file each, by the day they were made.

::

    preprocessed-face-station_RGB/[WMCA/][face-station/]12.02.18/100_03_015_2_10.hdf5
    preprocessed-face-station_CDIT/...
    face-station/12.02.18/100_03_015_2_10.hdf5          as recorded

How many folders stand between depends on how the parts were unpacked, and what kind of files they
are is told by ``RGB`` or ``CDIT`` in one of their names.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from flexpad.data.findings import Findings

DAY = re.compile(r"\d\d\.\d\d\.\d\d")
SUFFIX = ".hdf5"
DEPTH = 3  # how many folders may stand between the root and the days
MANY = 100  # a folder of so many is no station and leads to none
RGB, CDIT, RAW = "RGB", "CDIT", "raw"
_KIND = re.compile(rf"(?:^|[_\W])({RGB}|{CDIT})(?:[_\W]|$)")


def find(root: Path) -> dict[str, str]:
    """Find the stations below a folder, or that folder itself.

    Returns:
        For each kind of file, the folder of its days relative to the root; the first where there
        are several.
    """
    stations: dict[str, str] = {}
    for folder, below, _ in os.walk(root):
        inside = Path(folder).relative_to(root)
        if any(DAY.fullmatch(name) for name in below):
            kinds = _KIND.findall("/".join(inside.parts)) or _KIND.findall(root.name)
            stations.setdefault(kinds[-1] if kinds else RAW, inside.as_posix())
            below.clear()
        elif len(inside.parts) >= DEPTH or len(below) > MANY:
            below.clear()
        below.sort()
    return stations


def recordings(root: Path, station: str, findings: Findings) -> dict[str, str]:
    """List the recordings of a station.

    Returns:
        The path of each, relative to the root, by its name.
    """
    found: dict[str, str] = {}
    for file in sorted((root / station).glob("*/*")):
        path = file.relative_to(root).as_posix()
        if DAY.fullmatch(file.parent.name):
            name = file.name.removesuffix(SUFFIX)
            if name == file.name:
                findings.note("ignored_file", path)
            elif found.setdefault(name, path) != path:
                example = f"{path}: is the recording {name}, and so is {found[name]}"
                findings.note("repeated_frame", example)
    return found
