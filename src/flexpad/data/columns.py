"""Lines that name one image per modality: which column is which is told by names, never by place.

Published code goes by the place and swaps depth and infrared where a list is fed to it whose order
differs. Here a path says itself what it is, by its folder or by the end of its file name::

    CLKJ_AS0137/real.rssdk/color/31.jpg  CLKJ_AS0137/real.rssdk/depth/31.jpg  ...
    Val/0000/000000-color.jpg            Val/0000/000000-depth.jpg            ...
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flexpad.data.findings import Findings
from flexpad.data.frames import frame_number
from flexpad.data.lists import Line, ListFile


@dataclass(frozen=True, slots=True)
class Named:
    """What a path says of itself.

    Attributes:
        modality: Column of the manifest, e.g. ``rgb``.
        video: The folder that holds the folders of the modalities, or else the images.
        frame: Its number; None for a file that is no numbered image.
    """

    modality: str
    video: str
    frame: int | None


def own_lines(listing: ListFile, path: re.Pattern[str], findings: Findings) -> ListFile:
    """Keep the lines of one data set, of a list that mixes several.

    Args:
        listing: The list.
        path: What the first path of its own lines begins with.
        findings: Gets ``foreign_line`` for every other line.
    """
    own = []
    for line in listing.lines:
        if path.match(line.paths[0]):
            own.append(line)
        else:
            example = f"{listing.where(line)}: {line.paths[0]!r}"
            findings.note("foreign_line", example, dropped=1)
    return replace(listing, lines=tuple(own))


def by_folder(
    line: Line, names: Mapping[str, str], listing: ListFile, findings: Findings
) -> dict[str, str] | None:
    """Tell the paths of a line apart by the modality each names.

    Args:
        line: One line, a path per modality.
        names: What the folder of each modality is called, and the modality (a column of the
            manifest), in the order the columns should have: ``{"color": "rgb", ...}``.
        listing: The list it stands in, for messages.
        findings: Gets ``modality_against_folder``, ``frame_mismatch``, ``malformed_line`` and
            ``swapped_columns``.

    Returns:
        Each modality's path in the order of ``names``; None if the line cannot be used, which is
        noted.
    """
    where = listing.where(line)
    told = [named(path, names) for path in line.paths]
    problem = _problem(line.paths, told, names)
    if problem:
        kind, words = problem
        findings.note(kind, f"{where}: {words}", dropped=1)
        return None
    found = {one.modality: path for one, path in zip(told, line.paths, strict=True) if one}
    ordered = {modality: found[modality] for modality in names.values() if modality in found}
    if list(ordered) != list(found):
        order = f"{', '.join(found)} instead of {', '.join(ordered)}"
        findings.note("swapped_columns", f"{where}: {order}")
    return ordered


def named(path: str, names: Mapping[str, str]) -> Named | None:
    """Read what a path says of itself; None if it names no modality.

    Args:
        path: With ``/``.
        names: As of :func:`by_folder`.

    >>> named("a/real/color/0015.jpg", {"color": "rgb"})
    Named(modality='rgb', video='a/real', frame=15)
    >>> named("Val/0000/000007-color.jpg", {"color": "rgb"})
    Named(modality='rgb', video='Val/0000', frame=7)
    """
    above, _, file = path.rpartition("/")
    video, _, folder = above.rpartition("/")
    if folder in names:
        return Named(names[folder], video, frame_number(file))
    stem, suffix = os.path.splitext(file)  # noqa: PTH122 - a Path per file is slow
    number, dash, name = stem.rpartition("-")
    if dash and name in names:
        return Named(names[name], above, frame_number(number + suffix))
    return None


def _problem(
    paths: Sequence[str], told: Sequence[Named | None], names: Mapping[str, str]
) -> tuple[str, str] | None:
    """Say why a line cannot be used: the kind of finding, and the words."""
    seen = set()
    for path, one in zip(paths, told, strict=True):
        if one is None or one.modality in seen:
            wrong = "names no modality" if one is None else f"is a second {one.modality} image"
            known = ", ".join(names)
            return "modality_against_folder", f"{path!r} {wrong}; there should be one of {known}"
        if one.frame is None:
            return "malformed_line", f"{path!r} should be a numbered image such as 0015.jpg"
        seen.add(one.modality)
    if len({(one.video, one.frame) for one in told if one}) > 1:
        return "frame_mismatch", f"{' and '.join(map(repr, paths))} are not of one frame"
    return None
