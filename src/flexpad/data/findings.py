"""What is wrong with a data set: every problem of a kind counted, its first examples kept.

A reader goes on after a problem, so that one reading tells all there is to tell. What it cannot use
it drops and says so here; nothing is repaired or dropped in silence. A kind is an error where a
manifest would mean something else than its reader believes, and a warning where it is only less
than the data set promises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from flexpad.types import BadInput

EXAMPLES = 3  # as many are kept of each kind


class Severity(StrEnum):
    """Whether a data set can be used all the same."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem.

    Attributes:
        severity: Errors keep a manifest from being written.
        meaning: What was found, in the plural.
        advice: What to do, or what was done.
    """

    severity: Severity
    meaning: str
    advice: str


def _error(meaning: str, advice: str) -> Kind:
    return Kind(Severity.ERROR, meaning, advice)


def _warning(meaning: str, advice: str) -> Kind:
    return Kind(Severity.WARNING, meaning, advice)


KINDS = {
    # lists
    "malformed_line": _error("lines that cannot be understood", "correct the list"),
    "outside_path": _error(
        "paths that are absolute or lead out of the data set",
        "write them relative to the data set, with '/'",
    ),
    "label_against_path": _error(
        "labels that contradict their path",
        "lists of this data set differ in polarity; take the list that belongs to the layout",
    ),
    "split_against_path": _error("paths of another split than their list", "correct the list"),
    "line_against_line": _error("lines that stand twice with different labels", "keep one"),
    "repeated_line": _warning("lines that stand twice", "the second one was dropped"),
    "modality_against_folder": _error(
        "paths whose folder names no modality, or one that stands there already",
        "a modality is read from the folder, never from the column",
    ),
    "swapped_columns": _warning(
        "lines whose columns are not in the order of the layout",
        "each was read by its folder name; code that goes by columns swaps modalities here",
    ),
    "frame_mismatch": _error(
        "lines whose modalities are of different frames", "they were not taken together; correct"
    ),
    "foreign_line": _warning(
        "lines of another data set", "dropped; the reader of that data set takes them"
    ),
    "unlabelled_line": _warning(
        "lines of lists without labels", "dropped; a split is measured with its list with labels"
    ),
    "missing_list": _warning("lists that are not there", "their split has no rows"),
    "crlf": _warning("lists with CRLF line ends", "read as usual"),
    "byte_order_mark": _warning("lists with a byte-order mark", "read as usual"),
    "blank_line": _warning("lists with blank lines", "the blank lines were skipped"),
    "no_last_newline": _warning(
        "lists without a newline at their end", "the last line counts; 'wc -l' misses it"
    ),
    "leaked_list": _error(
        "lists whose splits share their bona fide presentations",
        "any score on them is leaked; move them away, the protocols are built from their rules",
    ),
    "list_against_rule": _warning(
        "lists that differ from the rule of their protocol", "the rule was followed; see the docs"
    ),
    # files
    "missing_item": _error(
        "listed frames or videos without any image", "unpack the data set completely"
    ),
    "missing_modality": _warning(
        "items that lack a modality", "it is absent there, which is not the same as black"
    ),
    "incomplete_item": _warning("items that lack a modality", "dropped, as was asked for"),
    "unpaired_frame": _warning(
        "frames that only some of a video's files have", "dropped; an item is of one moment"
    ),
    "no_face": _warning(
        "frames whose face box is empty or unknown", "dropped; the scaling goes by the face"
    ),
    "short_video": _warning("videos with fewer frames than were asked for", "all were taken"),
    "ignored_file": _warning("files that are no numbered images", "not read"),
    "unknown_folder": _warning("folders that the data set should not have", "not read"),
    "repeated_frame": _error("files that are the same frame of a video", "remove one of them"),
    "ignored_folder": _warning(
        "folders that are no part of the layout", "not read; is a name misspelled?"
    ),
    "ambiguous_species": _error(
        "species that are called like bona fide presentations",
        "bona fide presentations are called bonafide, everything else is an attack",
    ),
    # splits
    "subject_overlap": _error(
        "subjects that stand in several splits", "a score on such a split means nothing"
    ),
    "video_overlap": _error(
        "videos that stand in several splits", "a score on such a split means nothing"
    ),
    "file_overlap": _error(
        "files that stand in several splits", "a score on such a split means nothing"
    ),
    "same_content": _error(
        "images with the same bytes in several splits", "a score on such a split means nothing"
    ),
    "no_split": _warning(
        "videos of subjects that the published split leaves out", "dropped; no protocol uses them"
    ),
    "unknown_subject": _warning(
        "items whose subject the data set does not tell",
        "no interval by subject and no check for shared subjects is possible there",
    ),
    "unknown_species": _warning(
        "attacks whose species the data set does not tell", "no APCER per species there"
    ),
    "count_differs": _warning("counts that are not the published ones", "see the table"),
    # images
    "unreadable_image": _error("images that cannot be read", "unpack the data set again"),
    "encoding_against_image": _error(
        "depth or infrared images whose bits do not fit their encoding",
        "say what a value means, e.g. --depth-encoding mm:300-1500; see docs/encodings.md",
    ),
    "constant_image": _warning("images of one value throughout", "look at them"),
    "empty_depth": _warning("depth images without any return", "absent is not zero; look at them"),
    "grey_rgb": _warning("RGB images without colour", "is this infrared under a wrong name?"),
    "view_differs": _warning(
        "items whose modalities differ in aspect ratio", "they cannot be the same view"
    ),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """All problems of one kind.

    Attributes:
        kind: Key of :data:`KINDS`.
        severity: Error or warning.
        count: How many there are.
        examples: The first of them, naming file, line or row.
    """

    kind: str
    severity: Severity
    count: int
    examples: tuple[str, ...]

    def __str__(self) -> str:
        """In one line."""
        kind = KINDS[self.kind]
        return f"{self.examples[0]} ({self.count} {kind.meaning}; {kind.advice})"


class Findings:
    """Collects problems.

    Attributes:
        dropped: By reason, how many rows a reader left out.
    """

    def __init__(self, personal: str = "") -> None:
        """Start without any.

        Args:
            personal: What of a path tells of a person, as a regular expression; examples are kept
                without it.
        """
        self._personal = re.compile(personal) if personal else None
        self.dropped: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._examples: dict[str, list[str]] = {}

    def note(self, kind: str, example: str, *, count: int = 1, dropped: int = 0) -> None:
        """Note a problem.

        Args:
            kind: Key of :data:`KINDS`.
            example: One line that names the file, line or row.
            count: How many problems this example stands for.
            dropped: How many rows are left out because of it.

        Raises:
            KeyError: There is no such kind.
        """
        KINDS[kind]
        self._counts[kind] = self._counts.get(kind, 0) + count
        examples = self._examples.setdefault(kind, [])
        if len(examples) < EXAMPLES:
            examples.append(self._personal.sub("", example) if self._personal else example)
        if dropped:
            self.dropped[kind] = self.dropped.get(kind, 0) + dropped

    def __iter__(self) -> Iterator[Problem]:
        """Go through the problems, errors first, then in the order of :data:`KINDS`."""
        for severity in Severity:
            for name, kind in KINDS.items():
                if kind.severity is severity and name in self._counts:
                    examples = tuple(self._examples[name])
                    yield Problem(name, severity, self._counts[name], examples)

    def of(self, severity: Severity) -> list[Problem]:
        """The problems of one severity."""
        return [problem for problem in self if problem.severity is severity]

    def refuse_errors(self) -> None:
        """Stop if anything found is an error.

        Raises:
            BadInput: With the first error, in one line.
        """
        errors = self.of(Severity.ERROR)
        if errors:
            others = len(errors) - 1
            more = f" and {others} other kind{'s' if others > 1 else ''} of error" if others else ""
            raise BadInput(f"{errors[0]}{more}")
