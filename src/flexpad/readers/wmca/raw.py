"""WMCA as it was recorded: one HDF5 file for each recording, with all its streams.

``/intelsr300_bgr`` is uint8, ``/intelsr300_depth`` and ``/intelsr300_ir`` uint16, from one
RealSense SR300, and ``/seek_ir`` uint16 from a thermal camera. Raw values are encoded by the limits
at which bob.db.batl 1.0.0 shows them; ``mad``, which made the pre-processed release, needs the
face, and a recording does not say where it is.

The streams are not registered to each other: the way from depth to colour is in attributes whose
form no source describes, so that it is not done here.

# inferred: frames of the SR300 with the same number belong together, and the thermal stream, which
# is slower, is spread evenly over them. The time stamps would tell better; how they are stored is
# not described either.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from flexpad.data import containers
from flexpad.data.manifest import Row
from flexpad.data.protocols.wmca import PUBLISHED
from flexpad.data.reading import Layout, Source
from flexpad.data.rendered import Rendered
from flexpad.readers.wmca import lists, stations
from flexpad.readers.wmca.videos import Listed, row
from flexpad.types import BadInput

STREAMS = {
    "rgb": "intelsr300_bgr",
    "depth": "intelsr300_depth",
    "ir": "intelsr300_ir",
    "thermal": "seek_ir",
}
DEPTH_ENCODING, IR_ENCODING = "limits:2000-4000", "limits:4900-37500"

Shapes = dict[str, tuple[int, ...]]


def find(root: Path) -> Path | None:
    """Find folders of days that are called neither RGB nor CDIT."""
    return root if stations.RAW in stations.find(root) else None


def read(source: Source) -> Iterator[Row]:
    """Make the rows of all frames that every stream of the SR300 has."""
    faces = Rendered(source.root)  # nobody renders recordings
    files: dict[str, str] = {}
    if not source.options.lists_only:
        station = stations.find(source.root)[stations.RAW]
        files = stations.recordings(source.root, station, source.findings)
    for listed in lists.read(source):
        name = listed.video.name
        if source.options.lists_only:
            paths = {m: f"{name}{stations.SUFFIX}::{stream}[0]" for m, stream in STREAMS.items()}
            yield row(listed, 0, paths, faces, DEPTH_ENCODING, IR_ENCODING)
        elif name not in files:
            example = f"{listed.where}: there is no recording {name}"
            source.findings.note("missing_item", example, dropped=1)
        else:
            yield from _rows(listed, files[name], faces, source)


def _rows(listed: Listed, file: str, faces: Rendered, source: Source) -> Iterator[Row]:
    try:
        stored = containers.datasets(source.root / file)
    except BadInput as error:
        source.findings.note("unreadable_image", str(error), dropped=1)
        return
    streams = {
        modality: stored[name].shape
        for modality, name in STREAMS.items()
        if name in stored and stored[name].ndim > 2 and stored[name].size
    }
    for frame in _frames(listed, streams, source):
        paths = {m: f"{file}::{_frame_of(m, frame, streams)}" for m in streams}
        yield row(listed, frame, paths, faces, DEPTH_ENCODING, IR_ENCODING)


def _frames(listed: Listed, streams: Shapes, source: Source) -> list[int]:
    """Choose among the frames that all streams of the SR300 have."""
    counts = [shape[0] for modality, shape in streams.items() if modality != "thermal"]
    where = f"{listed.where}: {listed.video.name}"
    if not counts:
        example = f"{where} has no frame in {', '.join(STREAMS.values())}"
        source.findings.note("missing_item", example, dropped=1)
        return []
    lost = max(counts) - min(counts)
    if lost:
        example = f"{where} has streams of {min(counts)} to {max(counts)} frames"
        source.findings.note("unpaired_frame", example, count=lost, dropped=lost)
    return source.options.frames.choose_of(list(range(min(counts))), where, source.findings)


def _frame_of(modality: str, frame: int, streams: Shapes) -> str:
    """Say where in a recording the image of a modality is that belongs to a frame."""
    shape = streams[modality]
    if modality == "thermal":
        frames = min(of[0] for m, of in streams.items() if m != "thermal")
        frame = frame * shape[0] // frames
    reverse = ""
    if modality == "rgb":  # stored as BGR, with the channels first or last
        reverse = "[::-1]" if shape[1] == 3 else "[:][:][::-1]"
    return f"{STREAMS[modality]}[{frame}]{reverse}"


LAYOUT = Layout(
    "raw",
    "recordings in the BATL format, face-station/<day>/<recording>.hdf5 with /intelsr300_bgr",
    find,
    read,
    PUBLISHED,
)
