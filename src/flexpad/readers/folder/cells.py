"""One row of a user's CSV: what its cells say, and what is wrong with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from flexpad.data.manifest import GROUP_PREFIX, Row
from flexpad.data.presence import Presence
from flexpad.data.reading import Source
from flexpad.data.rendered import Rendered
from flexpad.data.row import PATHS, escapes
from flexpad.readers.folder.names import (
    DATASET,
    SYNTH_DATASET,
    UNKNOWN,
    image_name,
    is_called_bonafide,
    label_of,
)
from flexpad.types import ATTACK, BONAFIDE, MODALITIES, SPLITS

Problem = tuple[str, str]  # kind of finding, and what to say of the row
FRAME_DIGITS = 18


class Cells:
    """Turns cells into rows, and remembers what was seen."""

    def __init__(self, source: Source, faces: Rendered, *, within: bool) -> None:
        """Start with the first row.

        Args:
            source: Where images are, and where to note what is wrong.
            faces: Rendered subjects, if they are.
            within: Whether videos are named within their subject and species.
        """
        self._source = source
        self._faces = faces
        self._within = within
        self._presence = Presence(source.root)
        self._seen: dict[tuple[str, ...], tuple[str, str]] = {}
        self._items: Counter[tuple[str, str]] = Counter()

    def row(self, cells: Mapping[str, str], where: str) -> Row | None:
        """Make a row; None if the cells cannot be used, which is noted.

        Args:
            cells: By column of a manifest.
            where: File and row, for messages.

        Raises:
            BadInput: A subject is rendered and the set is not said to be, or the other way round.
        """
        findings = self._source.findings
        paths = {column: cells[column] for column in PATHS if cells.get(column)}
        problem = (
            _problem_of(cells) or _problem_of_paths(paths) or self._repeats(cells, paths, where)
        )
        there = {} if problem else self._there(paths)
        if not problem and not any(modality.value in there for modality in MODALITIES):
            problem = "missing_item", "has no image of rgb, depth or ir"
        if problem:
            findings.note(problem[0], f"{where}: {problem[1]}", dropped=1)
            return None
        told = label_of(paths.values())
        if told and told != cells["label"]:
            words = f"the label is {cells['label']}, but a folder of {paths} is called {told}"
            findings.note("label_against_path", f"{where}: {words}")
        return self._row(cells, there, where)

    def _row(self, cells: Mapping[str, str], paths: dict[str, str], where: str) -> Row:
        species = cells.get("pai_species", "")
        if cells["label"] == ATTACK and not species:
            species = UNKNOWN
            self._source.findings.note("unknown_species", where)
        split, subject, video = (cells[name] for name in ("split", "subject_id", "video_id"))
        if self._within:
            video = f"{subject}/{species or BONAFIDE}/{video}"
        frame = int(cells.get("frame", self._items[split, video]))
        self._items[split, video] += 1
        named = {c: cells[c] for c in ("box", "depth_encoding", "ir_encoding") if c in cells}
        groups = {
            name.removeprefix(GROUP_PREFIX): cells[name]
            for name in cells
            if name.startswith(GROUP_PREFIX)
        }
        return Row(
            sample_id=cells.get("sample_id") or f"{split}/{video}/{frame:04d}",
            dataset=cells.get("dataset") or (SYNTH_DATASET if self._faces else DATASET),
            split=split,
            subject_id=subject,
            video_id=video,
            frame=frame,
            label=cells["label"],
            pai_species=species,
            groups={**self._faces.groups_of(subject, where), **groups},
            **paths,
            **named,
        )

    def _there(self, paths: dict[str, str]) -> dict[str, str]:
        """Those of the paths that are there; with lists only, all."""
        if self._source.options.lists_only:
            return paths
        return {column: path for column, path in paths.items() if self._presence.has(path)}

    def _repeats(
        self, cells: Mapping[str, str], paths: Mapping[str, str], where: str
    ) -> Problem | None:
        first, label = self._seen.setdefault(tuple(paths.values()), (where, cells["label"]))
        if first == where or not paths:
            return None
        kind = "repeated_line" if label == cells["label"] else "line_against_line"
        return kind, f"has the images of {first}"


def _problem_of(cells: Mapping[str, str]) -> Problem | None:
    """Say why cells other than the paths cannot be used."""
    species = cells.get("pai_species", "")
    if cells["split"] not in SPLITS:
        return "malformed_line", f"split {cells['split']!r} should be one of {', '.join(SPLITS)}"
    if cells["label"] not in (BONAFIDE, ATTACK):
        return "malformed_line", f"label {cells['label']!r} should be {BONAFIDE} or {ATTACK}"
    if not cells["subject_id"] or not cells["video_id"]:
        return "malformed_line", "subject and video have to be given"
    if cells["label"] == BONAFIDE and species:
        return "malformed_line", f"is bona fide, but has the species {species!r}"
    if is_called_bonafide(species):
        return "ambiguous_species", f"is an attack of the species {species!r}"
    frame = cells.get("frame", "0")
    if not (frame.isascii() and frame.isdigit() and len(frame) <= FRAME_DIGITS):
        return "malformed_line", f"frame {frame!r} should be a whole number"
    return None


def _problem_of_paths(paths: Mapping[str, str]) -> Problem | None:
    """Say why paths cannot be used, or not together."""
    frames: set[int] = set()
    for column, path in paths.items():
        if escapes(path):
            return "outside_path", repr(path)
        told = image_name(path.rpartition("/")[2])
        if told and told[1] != column:
            return "modality_against_folder", f"{path!r} stands in the column {column}"
        frames.update({told[0]} if told else ())
    if len(frames) > 1:
        return "frame_mismatch", f"{' and '.join(map(repr, paths.values()))} are not of one frame"
    return None
