"""WMCA as pre-processed by its authors: a pair of HDF5 files for each recording.

``preprocessed-face-station_RGB`` has the face in colour, (3, 128, 128), and
``preprocessed-face-station_CDIT`` in grey, depth, infrared and thermal, (4, 128, 128), both uint8,
in groups ``Frame_0`` to ``Frame_49`` with a dataset ``array``. A group may be missing in either;
a frame counts where both have it. Layout: the readme of the release, and public loaders of it.
Nobody renders warmth: the thermal plane of a rendered set is black and counts as absent.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from flexpad.data import containers, rendered
from flexpad.data.manifest import Row
from flexpad.data.protocols.wmca import PUBLISHED
from flexpad.data.reading import Layout, Source
from flexpad.readers.wmca import lists, stations
from flexpad.readers.wmca.videos import Listed, row
from flexpad.types import BadInput

CHANNELS = {"depth": 1, "ir": 2, "thermal": 3}


def find(root: Path) -> Path | None:
    """Find the folders of either kind of file."""
    return root if {stations.RGB, stations.CDIT} & set(stations.find(root)) else None


def read(source: Source) -> Iterator[Row]:
    """Make the rows of all frames that both files of a recording have."""
    faces = rendered.read(source.root)
    source.header.update({"licence": rendered.LICENCE, **faces.header} if faces else {})
    found = stations.find(source.root)
    files = {
        kind: stations.recordings(source.root, found[kind], source.findings)
        for kind in (stations.RGB, stations.CDIT)
        if kind in found and not source.options.lists_only
    }
    for listed in lists.read(source):
        name = listed.video.name
        pair = {kind: paths[name] for kind, paths in files.items() if name in paths}
        if source.options.lists_only:
            pair = dict.fromkeys((stations.RGB, stations.CDIT), f"{name}{stations.SUFFIX}")
        for frame in _frames(listed, pair, source):
            paths = _paths(pair, frame)
            if faces:
                paths.pop("thermal", None)
            yield row(listed, frame, paths, faces)


def _frames(listed: Listed, pair: dict[str, str], source: Source) -> list[int]:
    """Choose among the frames that all files of a recording have."""
    if source.options.lists_only:
        return [0]
    name, where = listed.video.name, listed.where
    try:
        frames = [set(containers.frame_groups(source.root / path)) for path in pair.values()]
    except BadInput as error:
        source.findings.note("unreadable_image", str(error), dropped=1)
        return []
    paired = set.intersection(*frames) if frames else set()
    unpaired = set.union(*frames) - paired if frames else set()
    if unpaired:
        example = f"{where}: {name} has frame {min(unpaired)} in one of its two files only"
        source.findings.note("unpaired_frame", example, count=len(unpaired), dropped=len(unpaired))
    if not paired:
        example = f"{where}: {name} has no frame in {' or '.join(pair) or 'any folder'}"
        source.findings.note("missing_item", example, dropped=1)
    return source.options.frames.choose_of(list(paired), f"{where}: {name}", source.findings)


def _paths(pair: dict[str, str], frame: int) -> dict[str, str]:
    paths = {}
    if stations.RGB in pair:
        paths["rgb"] = f"{pair[stations.RGB]}::Frame_{frame}"
    if stations.CDIT in pair:
        inside = f"{pair[stations.CDIT]}::Frame_{frame}"
        paths |= {modality: f"{inside}[{channel}]" for modality, channel in CHANNELS.items()}
    return paths


LAYOUT = Layout(
    "hdf5",
    "pre-processed HDF5 pairs, preprocessed-face-station_RGB and preprocessed-face-station_CDIT",
    find,
    read,
    PUBLISHED,
)
