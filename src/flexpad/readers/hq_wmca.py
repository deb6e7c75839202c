"""HQ-WMCA as it was recorded: one HDF5 file for each recording, with all its streams.

::

    <day>/<site>_<session>_<client>_<presenter>_<type>_<subtype>_<instrument>-<hash>.h5
        BASLER_BGR (60, 3, 1920, 1200), BASLER_LEFT_NIR_850nm (20, 1, ...), ...
    PROTOCOL-grand_test.csv, PROTOCOL-grand_test-curated.csv
        path, label (0 bona fide), type, split

Names and shapes of the Basler streams: bob.pad.face; types and lists: public loaders of the set.
Infrared is the left camera at 850 nm, the wavelength of the other sets; its frames, and those of
slower streams, are spread evenly over those of the colour camera. # inferred

No source gives the names of the depth and thermal streams, or the unit of raw values. Depth is
taken from the one dataset with DEPTH in its name, thermal from the one with THERMAL, and values of
more than 8 bits are scaled by their deviation from the median of the whole image, since there is no
face box. # inferred
The cameras are not registered to each other, and the pre-processed release, whose channels no
source describes, is not read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from flexpad.data import containers, lists, split_lists
from flexpad.data.lists import Line, ListFile
from flexpad.data.manifest import Row
from flexpad.data.protocols.hq_wmca import SPECIES
from flexpad.data.reading import DataSet, Layout, Source
from flexpad.types import ATTACK, BONAFIDE, BadInput

if TYPE_CHECKING:
    import h5py

WHOLE, CURATED = "PROTOCOL-grand_test.csv", "PROTOCOL-grand_test-curated.csv"
NAME = re.compile(r"(\d+)_(\d+)_(\d+)_(\d+)_(\d\d)_(\d+)_(\d+)-\w+")
BONAFIDE_TYPE = "00"
STREAMS = {
    "rgb": re.compile("BASLER_BGR"),
    "depth": re.compile(".*DEPTH.*", re.IGNORECASE),
    "ir": re.compile("BASLER_LEFT_NIR_850nm", re.IGNORECASE),
    "thermal": re.compile(".*THERMAL.*", re.IGNORECASE),
}
EIGHT_BIT = "8bit:hq_wmca"
RAW = {"depth": "mad:6", "ir": "mad:3"}  # n of bob.pad.face 2.2.3

Streams = Mapping[str, "h5py.Dataset"]


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of a list.

    Attributes:
        name: Of the recording.
        parts: What it says: site, session, client, presenter, type, subtype, instrument.
        split: train, dev or test.
        where: List and line.
    """

    name: str
    parts: tuple[str, ...]
    split: str
    where: str

    @property
    def species(self) -> str:
        """Its PAI species, "" for bona fide."""
        return SPECIES.get(self.parts[4], "")

    @property
    def label(self) -> str:
        """What the name says: ``bonafide`` or ``attack``."""
        return ATTACK if self.species else BONAFIDE


def find(root: Path) -> Path | None:
    """Find a protocol list, in the folder or in one of its."""
    return root if any(_list(root, name) for name in (WHOLE, CURATED)) else None


def read(source: Source) -> Iterator[Row]:
    """Make the rows of the listed recordings, of as many frames as the colour camera has."""
    listed, curated = _listed(source)
    files = {} if source.options.lists_only else _files(source.root)
    for item in listed:
        told = "" if curated is None else "yes" if item.name in curated else "no"
        for frame, columns in _frames(item, files, source):
            site, session, client, presenter, *kind = item.parts
            yield Row(
                sample_id=f"{item.split}/{item.name}/{frame:04d}",
                dataset="hq_wmca",
                split=item.split,
                subject_id=f"{site}_{client}",
                video_id=item.name,
                frame=frame,
                label=item.label,
                pai_species=item.species,
                groups={
                    "site": site,
                    "session": session,
                    "presenter": presenter,
                    "instrument": "_".join(kind),
                    "curated": told,
                },
                **columns,
            )


def _list(root: Path, name: str) -> Path | None:
    return next(iter(sorted([*root.glob(name), *root.glob(f"*/{name}")])), None)


def _listed(source: Source) -> tuple[list[Listed], set[str] | None]:
    """Read the lists: the recordings, and which of them are curated, None if that is not known."""
    whole, curated = (_list(source.root, name) for name in (WHOLE, CURATED))
    parsed = {}
    for path in filter(None, (whole, curated)):
        listing = split_lists.read(path, source.findings)
        source.header[f"list_{path.stem}"] = listing.source(source.root)
        parsed[path] = _parse(listing, source)
    names = None if curated is None else {item.name for item in parsed[curated]}
    return parsed[whole or curated or source.root], names


def _parse(listing: ListFile, source: Source) -> list[Listed]:
    """Understand the names in a list."""
    items = [_item(listing, line, source) for line in listing.lines]
    told = [
        item.label if item and line.label else ""
        for item, line in zip(items, listing.lines, strict=True)
    ]
    lists.check_labels(listing, told, source.findings)
    return [item for item in items if item]


def _item(listing: ListFile, line: Line, source: Source) -> Listed | None:
    name = re.sub(r"\.(h5|hdf5)$", "", line.paths[0].rsplit("/", 1)[-1])
    match = NAME.fullmatch(name)
    if match is None or match[5] not in (BONAFIDE_TYPE, *SPECIES):
        example = (
            f"{listing.where(line)}: {name!r} should be <site>_<session>_<client>_<presenter>"
            "_<type>_<subtype>_<instrument>-<hash>, of a type from 00 to 10"
        )
        source.findings.note("malformed_line", example, dropped=1)
        return None
    return Listed(name, match.groups(), line.split, listing.where(line))


def _files(root: Path) -> dict[str, str]:
    """Find all recordings by their name."""
    return {
        Path(file).stem: Path(folder, file).relative_to(root).as_posix()
        for folder, _, files in os.walk(root)
        for file in sorted(files)
        if file.endswith(containers.HDF5_SUFFIXES)
    }


def _frames(
    item: Listed, files: Mapping[str, str], source: Source
) -> Iterator[tuple[int, dict[str, str]]]:
    """Give the chosen frames of a recording, each with its images and their encodings."""
    if source.options.lists_only:
        yield 0, {"rgb": f"{item.name}.h5::BASLER_BGR[0]"}
        return
    path = files.get(item.name)
    if path is None:
        example = f"{item.where}: there is no recording {item.name}"
        source.findings.note("missing_item", example, dropped=1)
        return
    try:
        streams = _streams(containers.datasets(source.root / path))
    except BadInput as error:
        source.findings.note("unreadable_image", str(error), dropped=1)
        return
    lengths = {modality: len(stream) for modality, stream in streams.items()}
    count = lengths.get("rgb", max(lengths.values(), default=0))
    if not count or not min(lengths.values()):
        example = f"{item.where}: {item.name} has no stream that can be used"
        source.findings.note("missing_item", example, dropped=1)
        return
    known = _encodings(streams)
    for frame in source.options.frames.choose_of(range(count), item.where, source.findings):
        images = {
            modality: f"{path}::{_name(streams[modality])}[{frame * length // count}]"
            for modality, length in lengths.items()
        }
        if "rgb" in images:
            images["rgb"] += "[::-1]"  # BGR to RGB
        yield frame, {**images, **known}


def _streams(stored: Mapping[str, h5py.Dataset]) -> Streams:
    """Tell the streams by their names; one of several that could be meant is not guessed."""
    found = {
        modality: [name for name, of in stored.items() if pattern.fullmatch(name) and of.ndim > 2]
        for modality, pattern in STREAMS.items()
    }
    return {modality: stored[names[0]] for modality, names in found.items() if len(names) == 1}


def _name(stream: h5py.Dataset) -> str:
    return str(stream.name).lstrip("/")


def _encodings(streams: Streams) -> dict[str, str]:
    return {
        f"{modality}_encoding": EIGHT_BIT if streams[modality].dtype == np.uint8 else raw
        for modality, raw in RAW.items()
        if modality in streams
    }


DATA_SET = DataSet(
    name="hq_wmca",
    title="HQ-WMCA",
    licence="HQ-WMCA licence of Idiap: non-commercial research by its signatories",
    version=1,
    layouts=(
        Layout(
            "raw",
            f"recordings <day>/<name>.h5 with BASLER_BGR, and {WHOLE} or {CURATED}",
            find,
            read,
        ),
    ),
)
