"""What a miniature tree is: a writer, and which of its twins make no sense for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

# Twin of a good tree -> the kind of problem an audit has to find in it; None where reading is
# refused at once. A tree is written with the name of a twin as a switch: write(folder, crlf=True).
TWINS: dict[str, tuple[str, ...] | None] = {
    "flipped_labels": ("label_against_path",),
    "swapped_columns": ("swapped_columns",),
    "crlf": ("crlf",),
    "byte_order_mark": ("byte_order_mark",),
    "blank_lines": ("blank_line",),
    "missing_modality": ("missing_modality",),
    "missing_frame": ("missing_item",),
    "frame_mismatch": ("frame_mismatch",),
    "duplicate_across_splits": (  # any of them; the last where subjects are of one split by name
        "subject_overlap",
        "video_overlap",
        "file_overlap",
        "split_against_path",
    ),
    "absolute_path": ("outside_path",),
    "parent_path": ("outside_path",),
    "truncated_image": ("unreadable_image",),
    "empty_list": None,
    "two_layouts": None,
}
HARMLESS = ("swapped_columns", "crlf", "byte_order_mark", "blank_lines")  # the rows stay the same


@dataclass(frozen=True)
class Tree:
    """A miniature data set in one layout.

    Attributes:
        write: ``write(folder, **{twin: True})`` writes it below a folder that does not exist yet
            and returns the folder a user would name.
        not_applicable: Twin -> why this layout cannot have it, e.g. it has no lists.
        protocol: A protocol that the good tree obeys; None if it has none.
        modalities: What the good tree has in every row.
    """

    write: Callable[..., Path]
    not_applicable: Mapping[str, str] = field(default_factory=dict)
    protocol: str | None = None
    modalities: str = "rgb depth ir"
