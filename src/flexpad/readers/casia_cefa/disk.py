"""Videos as they lie on disk, for releases that come without lists."""

from __future__ import annotations

import os
from collections.abc import Iterator

from flexpad.data.reading import Source
from flexpad.readers.casia_cefa.videos import MASK_FOLDERS, RACES, Listed, at
from flexpad.types import BadInput


def videos(source: Source, faces: str, masks: str) -> Iterator[Listed]:
    """Find every video below two folders.

    Args:
        source: Root, where to note what is none, and a header that says there were no lists.
        faces: Folder of ``AF``, ``CA`` and ``EA``, relative to the root.
        masks: Folder of ``3D-Mask`` and ``Silicone-Mask``.

    Raises:
        BadInput: Only lists may be looked at, or a folder cannot be read.
    """
    if source.options.lists_only:
        raise BadInput(f"{source.root}: has no lists, so there is nothing to read with lists only")
    source.header["lists"] = "none; every video on disk"
    for kind in (*(f"{faces}/{race}" for race in RACES), *(f"{masks}/{m}" for m in MASK_FOLDERS)):
        for subject in _folders(source, kind):
            for folder in _folders(source, subject):
                yield from listed(source, folder, folder)


def listed(source: Source, folder: str, where: str) -> Iterator[Listed]:
    """Give a video, or note why it is none or not used.

    Args:
        source: Where to note it.
        folder: The video, relative to the root.
        where: What names it, for messages.
    """
    video = at(folder)
    if video is None:
        source.findings.note("unknown_folder", folder, dropped=1)
    elif not video.split:
        source.findings.note("no_split", f"{where}: subject {video.subject}", dropped=1)
    else:
        yield Listed(video, folder, where)


def _folders(source: Source, folder: str) -> list[str]:
    """The folders in a folder, relative to the root; none where there is no such folder."""
    try:
        with os.scandir(source.root / folder) as entries:
            return sorted(f"{folder}/{entry.name}" for entry in entries if entry.is_dir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BadInput(f"{source.root / folder}: cannot be read ({error.strerror})") from error
