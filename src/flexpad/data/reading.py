"""What a reader is: a data set, the layouts it has on disk, and a function for each.

A reader knows one data set and turns a folder into rows. What all readers share stands here: which
layout a folder has, what to do with items that lack a modality, and the header of the manifest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import polars as pl

from flexpad.data import encoding
from flexpad.data.findings import Findings, Severity
from flexpad.data.manifest import Manifest, Row, Rows, validate
from flexpad.data.sampling import FrameSampling
from flexpad.types import MODALITIES, BadInput, Modality


@dataclass(frozen=True, slots=True)
class Published:
    """How many of something a data set's authors say there are; None where they do not say.

    Attributes:
        split: train, dev or test.
        what: ``bonafide``, a PAI species, ``attack`` for all species, or ``all``.
        videos: Recordings.
        frames: Items, that is frames of one moment.
        subjects: People.
    """

    split: str
    what: str
    videos: int | None = None
    frames: int | None = None
    subjects: int | None = None


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How a data set is to be read.

    Attributes:
        layout: Which layout, where a folder holds several; None to find out.
        frames: Which frames of a video.
        incomplete: What becomes of items that lack a modality: ``keep`` them with the modality
            absent, or ``drop`` them, counted.
        lists_only: Read the lists and look for no image; the rows can be counted, not opened.
        depth_encoding: What depth values mean where the data set does not say, see
            :mod:`flexpad.data.encoding`.
        ir_encoding: Likewise for infrared.
    """

    layout: str | None = None
    frames: FrameSampling = field(default_factory=FrameSampling)
    incomplete: Literal["keep", "drop"] = "keep"
    lists_only: bool = False
    depth_encoding: str = ""
    ir_encoding: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """What a reader is given.

    Attributes:
        root: The folder that paths of rows are relative to, as the layout found it.
        options: How to read.
        findings: Where to note every problem.
        header: Where to note where rows come from; ``licence`` replaces that of the data set.
    """

    root: Path
    options: ReadOptions
    findings: Findings
    header: dict[str, str]


@dataclass(frozen=True, slots=True)
class Layout:
    """One way a data set lies on disk.

    Attributes:
        name: Short, for ``--layout``.
        summary: Who has it and how it is told: one sentence.
        find: Takes the folder a user names, gives the folder that the paths of rows are relative
            to, or None if this layout is not there.
        read: Makes the rows; notes what is wrong instead of raising, so that all is told.
        published: The counts of the whole set in this layout.
    """

    name: str
    summary: str
    find: Callable[[Path], Path | None]
    read: Callable[[Source], Iterable[Row]]
    published: tuple[Published, ...] = ()


@dataclass(frozen=True)
class Reading:
    """What came of reading.

    Attributes:
        manifest: The rows that can be used; may be empty.
        layout: The layout that was found.
        findings: All problems; with an error among them the manifest must not be used.
        lists_only: Whether no image was looked for.
    """

    manifest: Manifest
    layout: Layout
    findings: Findings
    lists_only: bool


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set a reader knows.

    Attributes:
        name: E.g. ``casia_surf``.
        title: As its authors write it.
        licence: One line for the header of a manifest.
        version: Of the reader; raised when the same folder gives other rows.
        layouts: The layouts it has been seen in.
        personal: What of its paths tells of a person and is kept out of messages, as a regular
            expression; "" = nothing.
    """

    name: str
    title: str
    licence: str
    version: int
    layouts: tuple[Layout, ...]
    personal: str = ""

    def read(self, root: Path, options: ReadOptions | None = None) -> Reading:
        """Read a folder and note every problem.

        Args:
            root: The folder of the data set.
            options: How to read.

        Raises:
            BadInput: The folder has none of the layouts, or several and none was named; or an
                encoding is none, or given for what the data set tells itself.
        """
        options = options or ReadOptions()
        layout, base = self.detect(root, options.layout)
        findings = Findings(self.personal)
        source = Source(base, options, findings, {})
        rows = Rows.of(_complete(layout.read(source), source), str(root))
        for modality in encoding.ENCODED:
            rows = _encoded(rows, modality, options, str(root))
        header = {
            "reader": f"{self.name} {self.version}",
            "layout": layout.name,
            "licence": self.licence,
            "frames": str(options.frames),
            **source.header,
            **_absences(rows),
        }
        return Reading(
            Manifest(base, rows, header, str(root)), layout, findings, options.lists_only
        )

    def detect(self, root: Path, layout: str | None = None) -> tuple[Layout, Path]:
        """Find out which layout a folder has.

        Returns:
            The layout, and the folder that its rows' paths are relative to.

        Raises:
            BadInput: It has none, or several and none was named.
        """
        names = [known.name for known in self.layouts]
        if layout is not None and layout not in names:
            raise BadInput(f"layout {layout!r} is unknown; {self.name} has {', '.join(names)}")
        if not root.is_dir():
            raise BadInput(f"{root}: is no folder")
        root = root.resolve()
        wanted = [known for known in self.layouts if layout in (None, known.name)]
        found = [(known, base) for known in wanted if (base := known.find(root)) is not None]
        if not found:
            known = "; ".join(f"{known.name}: {known.summary}" for known in wanted)
            raise BadInput(f"{root}: has no layout of {self.name} ({known})")
        if len(found) > 1:
            several = " and ".join(known.name for known, _ in found)
            raise BadInput(f"{root}: has the layouts {several}; choose one with --layout")
        return found[0]


def usable(reading: Reading) -> Manifest:
    """Take the manifest of a reading without errors, its warnings counted in its header.

    Raises:
        BadInput: The reading has errors, or no rows, or looked for no images.
    """
    if reading.lists_only:
        raise BadInput(f"{reading.manifest.name}: only its lists were read; there is no image")
    reading.findings.refuse_errors()
    manifest = reading.manifest
    warnings = ", ".join(f"{p.kind} {p.count}" for p in reading.findings.of(Severity.WARNING))
    dropped = ", ".join(f"{kind} {count}" for kind, count in reading.findings.dropped.items())
    header = {**manifest.header, "warnings": warnings or "none", "dropped": dropped or "none"}
    whole = Manifest(manifest.root, manifest.rows, header, manifest.name)
    validate(whole)
    return whole


def _complete(rows: Iterable[Row], source: Source) -> Iterator[Row]:
    """Note the rows that lack a modality, and drop them if that was asked for."""
    drop = source.options.incomplete == "drop"
    for row in rows:
        if row.rgb and row.depth and row.ir:
            yield row
            continue
        lacking = ", ".join(m.value for m in MODALITIES if not row.path(m))
        example = f"{row.sample_id}: lacks {lacking}"
        if drop:
            source.findings.note("incomplete_item", example, dropped=1)
        else:
            source.findings.note("missing_modality", example)
            yield row


def _encoded(rows: Rows, modality: Modality, options: ReadOptions, name: str) -> Rows:
    """Give the encoding that was named to the images whose encoding is not known."""
    column = f"{modality.value}_encoding"
    said = str(getattr(options, column))
    if not said:
        return rows
    encoding.parse(said)
    untold = (pl.col(modality.value) != "") & (pl.col(column) == "")
    if rows.where(untold).table.is_empty():
        option = column.replace("_", "-")
        raise BadInput(f"{name}: no {modality.value} image is without an encoding; drop --{option}")
    filled = pl.when(untold).then(pl.lit(said)).otherwise(pl.col(column)).alias(column)
    return Rows(rows.table.with_columns(filled))


def _absences(rows: Rows) -> Mapping[str, str]:
    """Count the rows that lack each modality."""
    absent = Counter({m.value: int((rows.table[m.value] == "").sum()) for m in MODALITIES})
    return {f"absent_{modality}": str(absent[modality]) for modality in absent}
