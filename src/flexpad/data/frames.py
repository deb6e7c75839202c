"""Videos kept as folders of numbered images, one folder per modality.

::

    <video>/color/0015.jpg   <video>/depth/0015.jpg   <video>/ir/0015.jpg

A folder is listed once, however many of its frames are asked for: a data set of 100,000 frames has
only some thousand folders.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache

from flexpad.data.reading import Source
from flexpad.types import BadInput, Modality

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp"}

Paths = dict[str, str]


@lru_cache(maxsize=4096)  # a data set has many frames and few names for them
def frame_number(name: str) -> int | None:
    """Read a file name as a frame number; None for what is no numbered image.

    >>> [frame_number(name) for name in ("0015.jpg", "7.PNG", "15_resized.jpg", "15.txt")]
    [15, 7, None, None]
    """
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - a Path per file is slow
    if suffix.lower() in IMAGE_SUFFIXES and stem.isascii() and stem.isdigit():
        return int(stem)
    return None


class VideoFolders:
    """Which frames the videos of a data set have on disk, and which of them are used."""

    def __init__(self, source: Source, names: Mapping[str, str]) -> None:
        """Look below the root of ``source``.

        Args:
            source: Where to look, which frames to take, where to note what is wrong.
            names: What the folder of each modality (a column of the manifest) is called.
        """
        self._source = source
        self._root = str(source.root)
        self._names = names
        self._videos: dict[str, dict[str, dict[int, str]]] = {}

    def frames(
        self, video: str, listed: Mapping[int, str] | None, where: str
    ) -> Iterator[tuple[int, Paths]]:
        """Give the frames of a video that are used, with the paths each has.

        A frame that no modality has is noted as ``missing_item`` and left out.

        Args:
            video: Its folder, relative to the root.
            listed: The file name of each frame the list names; None if it names the whole video.
            where: List and line, for messages.

        Returns:
            Frame numbers in rising order, each with its path by modality; absent ones are missing
            in it. With lists only, the paths are those the list implies; of a whole video there is
            one, its folders.
        """
        if self._source.options.lists_only:
            yield from self._implied(video, listed)
            return
        found = self.video(video)
        sampling = self._source.options.frames
        present = {frame for paths in found.values() for frame in paths}
        whole = listed is None or sampling.mode == "all"
        for frame in [] if whole else sorted(set(listed or ()) - present):
            example = f"{where}: {video} has no frame {frame} in any of its folders"
            self._source.findings.note("missing_item", example, dropped=1)
        if not present:
            if whole:
                folders = ", ".join(self._names.values())
                example = f"{where}: {video} has no frame in {folders}"
                self._source.findings.note("missing_item", example, dropped=1)
            return
        pool = present if whole else present & set(listed or ())
        yield from used(found, pool, f"{where}: {video}", self._source)

    def video(self, folder: str) -> Mapping[str, Mapping[int, str]]:
        """Say where each frame of each modality of a video is.

        Args:
            folder: The video, relative to the root.

        Returns:
            Per modality, the path of each frame relative to the root; empty where there is no such
            folder.

        Raises:
            BadInput: A folder cannot be read.
        """
        if folder not in self._videos:
            self._videos[folder] = {
                modality: self._frames(f"{folder}/{name}") for modality, name in self._names.items()
            }
        return self._videos[folder]

    def _implied(self, video: str, listed: Mapping[int, str] | None) -> Iterator[tuple[int, Paths]]:
        if listed is None:
            yield 0, {modality: f"{video}/{name}" for modality, name in self._names.items()}
            return
        for frame in self._source.options.frames.choose(list(listed)):
            yield (
                frame,
                {m: f"{video}/{name}/{listed[frame]}" for m, name in self._names.items()},
            )

    def _frames(self, folder: str) -> dict[int, str]:
        try:
            names = sorted(os.listdir(f"{self._root}/{folder}"))  # noqa: PTH208 - as above
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise BadInput(f"{self._root}/{folder}: cannot be read ({error.strerror})") from error
        frames: dict[int, str] = {}
        for name in names:
            frame = frame_number(name)
            path = f"{folder}/{name}"
            if frame is None:
                self._source.findings.note("ignored_file", path)
            elif frames.setdefault(frame, path) != path:
                example = f"{path}: is frame {frame}, and so is {frames[frame]}"
                self._source.findings.note("repeated_frame", example)
        return frames


def used(
    found: Mapping[str, Mapping[int, str]], pool: Collection[int], name: str, source: Source
) -> Iterator[tuple[int, Paths]]:
    """Choose among the frames of one video.

    Args:
        found: Per modality, the path of each frame.
        pool: The frames to choose from.
        name: The video, for messages.
        source: Says which frames to take; gets ``short_video``.

    Returns:
        Frame numbers in rising order, each with the paths it has.
    """
    sampling, frames = source.options.frames, set(pool)
    if sampling.mode == "even":  # the same number in every modality the video has
        frames = frames.intersection(*(set(paths) for paths in found.values() if paths))
        if len(frames) < (sampling.n_frames or 0):
            example = f"{name} has {len(frames)} frames in all its modalities"
            source.findings.note("short_video", example)
    for frame in sampling.choose(list(frames)):
        yield frame, {m: found[m][frame] for m in found if frame in found[m]}


def modality_folders(rgb: str = "color") -> dict[str, str]:
    """The folder names of the CASIA sets; what holds RGB is ``color`` or ``profile``."""
    return {Modality.RGB.value: rgb, Modality.DEPTH.value: "depth", Modality.IR.value: "ir"}
