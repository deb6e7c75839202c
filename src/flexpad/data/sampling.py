"""Which frames of a video are used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from flexpad.data.findings import Findings
from flexpad.types import BadInput


@dataclass(frozen=True, slots=True)
class FrameSampling:
    """How frames are chosen; always in the order of their numbers, never of their names.

    Attributes:
        mode: ``list``: the frames the lists name, all of them where a list names whole videos.
            ``all``: every frame on disk of the listed videos. ``even``: ``n_frames`` of those
            ``list`` would take, evenly spread from the first to the last.
        n_frames: How many frames of a video; for ``even`` only.

    Raises:
        BadInput: The number is missing, not positive, or given for another mode.
    """

    mode: Literal["list", "all", "even"] = "list"
    n_frames: int | None = None

    def __post_init__(self) -> None:
        if (self.mode == "even") != (self.n_frames is not None):
            raise BadInput("n_frames goes with frames 'even', and 'even' needs n_frames")
        if self.n_frames is not None and self.n_frames < 1:
            raise BadInput(f"n_frames should be at least 1, not {self.n_frames}")

    def __str__(self) -> str:
        """As it stands in a manifest's header."""
        return self.mode if self.n_frames is None else f"even, {self.n_frames} a video"

    def choose(self, frames: Sequence[int]) -> list[int]:
        """Choose among the frames of one video.

        Args:
            frames: Their numbers, in any order.

        Returns:
            The chosen numbers in rising order; all where there are not enough.

        >>> FrameSampling("even", 3).choose([10, 2, 4, 6, 8])
        [2, 6, 10]
        """
        ordered = sorted(frames)
        if self.n_frames is None or len(ordered) <= self.n_frames:
            return ordered
        places = np.linspace(0, len(ordered) - 1, self.n_frames).round().astype(int)
        return [ordered[place] for place in places.tolist()]

    def choose_of(self, frames: Sequence[int], video: str, findings: Findings) -> list[int]:
        """Choose, and note a video that has fewer frames than were asked for.

        Args:
            frames: Their numbers, in any order.
            video: What to call the video, and where it is listed.
            findings: Where to note it.
        """
        if frames and len(frames) < (self.n_frames or 0):
            findings.note("short_video", f"{video} has {len(frames)} frames in all its modalities")
        return self.choose(frames)
