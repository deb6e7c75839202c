"""Videos kept as folders of numbered images, one folder per modality.

::

    <video>/color/0015.jpg   <video>/depth/0015.jpg   <video>/ir/0015.jpg

A folder is listed once, however many of its frames are asked for: a data set of 100,000 frames has
only some thousand folders.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from flexpad.types import BadInput, Modality

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp"}


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
    """Which frames the videos of a data set have on disk.

    Attributes:
        ignored: How many files were met that are no numbered images.
    """

    def __init__(self, root: Path, names: Mapping[Modality, str]) -> None:
        """Look below ``root``; ``names`` says what the folder of each modality is called."""
        self.ignored = 0
        self._root = str(root)
        self._names = names
        self._videos: dict[str, dict[Modality, dict[int, str]]] = {}

    def video(self, folder: str) -> Mapping[Modality, Mapping[int, str]]:
        """Say where each frame of each modality of a video is.

        Args:
            folder: The video, relative to the root.

        Returns:
            Per modality, the path of each frame relative to the root; empty where there is no such
            folder.

        Raises:
            BadInput: A folder cannot be read, or two of its files are the same frame.
        """
        if folder not in self._videos:
            self._videos[folder] = {
                modality: self._frames(f"{folder}/{name}") for modality, name in self._names.items()
            }
        return self._videos[folder]

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
            if frame is None:
                self.ignored += 1
                continue
            path = f"{folder}/{name}"
            if frames.setdefault(frame, path) != path:
                raise BadInput(
                    f"{self._root}/{path}: is frame {frame}, and so is {frames[frame]};"
                    " remove one of them"
                )
        return frames
