"""What all layouts of CASIA-SURF share: a video's folder tells its subject and its species.

::

    .../{real_part,fake_part}/.../CLKJ_AS0005/{real.rssdk,04_en_b.rssdk}/{color,depth,ir}/0015.jpg

Species codes: Zhang et al., "CASIA-SURF: A Large-Scale Multi-Modal Benchmark for Face
Anti-Spoofing", TBIOM 2020.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from flexpad.data import columns, lists
from flexpad.data.frames import VideoFolders, frame_number, modality_folders
from flexpad.data.manifest import Row
from flexpad.data.reading import Source
from flexpad.types import ATTACK, BONAFIDE

COLUMNS = {folder: modality for modality, folder in modality_folders().items()}
ENCODING = "8bit:casia_surf"  # JPEG by an undisclosed scaling
SYNTH_ENCODING = "8bit:synth"


@dataclass(frozen=True)
class Form:
    """How a layout writes a path.

    Attributes:
        path: Matches the path of an RGB image, or of its folder; has the groups ``video`` (up to
            the species), ``split``, ``part``, ``subject``, ``species`` and ``file``.
        shape: The same in words, for messages.
        splits: What ``split`` says for train, dev and test.
        columns: Whether a line names one image per modality; otherwise only the RGB one.
    """

    path: re.Pattern[str]
    shape: str
    splits: Mapping[str, str]
    columns: bool


@dataclass(frozen=True, slots=True)
class Video:
    """A video, and which of its frames a list names.

    Attributes:
        split: train, dev or test.
        subject: The subject's folder, e.g. ``CLKJ_AS0005``.
        species: The species' folder without ``.rssdk``, "" for bona fide.
        folder: Its folder as the list writes it, which holds color, depth and ir.
        where: List and first line, for messages.
        frames: The file name of each frame; empty where the list names the whole video.
    """

    split: str
    subject: str
    species: str
    folder: str
    where: str
    frames: dict[int, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What the path says: ``bonafide`` or ``attack``."""
        return ATTACK if self.species else BONAFIDE

    @property
    def video_id(self) -> str:
        """Subject and species; without the split, so that a video in two splits shows."""
        return f"{self.subject}/{self.species or BONAFIDE}"


def parse(listing: lists.ListFile, split: str, form: Form, source: Source) -> list[Video]:
    """Understand a list, video by video; lines that cannot be used are noted and left out.

    Args:
        listing: The list of one split.
        split: train, dev or test.
        form: How its layout writes a path.
        source: Where to note what is wrong.

    Returns:
        The videos in the order of their first lines.
    """
    videos: dict[str, Video] = {}
    told = []
    for line in listing.lines:
        parsed = _parse_line(listing, line, split, form, source)
        told.append(parsed[0].label if parsed else "")
        if parsed:
            video = videos.setdefault(parsed[0].folder, parsed[0])
            _add(video, parsed[1], listing.where(line), source, first=video is parsed[0])
    lists.check_labels(listing, told, source.findings)
    return list(videos.values())


def rows(
    videos: Iterable[Video],
    folders: VideoFolders,
    dataset: str,
    groups: Mapping[str, Mapping[str, str]],
) -> Iterator[Row]:
    """Make the rows of the listed frames, or those of all frames of a listed video.

    Args:
        videos: As :func:`parse` gives them.
        folders: Looks below the root.
        dataset: Its name in the manifest.
        groups: Attributes by subject, of rendered faces.
    """
    encoding = SYNTH_ENCODING if groups else ENCODING
    for video in videos:
        for frame, paths in folders.frames(video.folder, video.frames or None, video.where):
            yield Row(
                sample_id=f"{video.split}/{video.video_id}/{frame:04d}",
                dataset=dataset,
                split=video.split,
                subject_id=video.subject,
                video_id=video.video_id,
                frame=frame,
                label=video.label,
                pai_species=video.species,
                groups=groups.get(video.subject, {}),
                depth_encoding=encoding if "depth" in paths else "",
                ir_encoding=encoding if "ir" in paths else "",
                **paths,
            )


def _parse_line(
    listing: lists.ListFile, line: lists.Line, split: str, form: Form, source: Source
) -> tuple[Video, str] | None:
    """Read a line as a video and the file name of one of its frames, "" for the whole video."""
    path, where = line.paths[0], listing.where(line)
    if form.columns:
        paths = columns.by_folder(line, COLUMNS, listing, source.findings)
        if paths is None:
            return None
        path = paths["rgb"]
    match = form.path.fullmatch(path)
    if match is None or (match["file"] and frame_number(match["file"]) is None):
        example = f"{where}: {path!r} should be {form.shape}"
        source.findings.note("malformed_line", example, dropped=1)
        return None
    if match["split"] != form.splits[split]:
        example = (
            f"{where}: {path!r} stands in the {split} list, but its folder is {match['split']}"
        )
        source.findings.note("split_against_path", example, dropped=1)
        return None
    species = match["species"]
    if (match["part"] == "real_part") != (species == "real"):
        example = f"{where}: {path!r} is in {match['part']}, but its species is {species!r}"
        source.findings.note("malformed_line", example, dropped=1)
        return None
    species = "" if species == "real" else species
    video = Video(split, match["subject"], species, match["video"], where)
    return video, match["file"] or ""


def _add(video: Video, file: str, where: str, source: Source, *, first: bool) -> None:
    """Add a frame to a video; what names it a second time is noted and left out."""
    frame = frame_number(file)
    if frame is None or not (first or video.frames):
        if not first:
            example = f"{where}: {video.folder} should be listed whole or by frames, not both"
            source.findings.note("malformed_line", example, dropped=1)
    elif frame in video.frames:
        example = f"{where}: {file} is frame {frame} of {video.folder}, and so is"
        source.findings.note("repeated_line", f"{example} {video.frames[frame]}", dropped=1)
    else:
        video.frames[frame] = file
