"""Is this the data set it should be? Reads it, holds it against what was published, and tells all.

An audit ends in a manifest, unless anything it found is an error.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flexpad import readers
from flexpad.audit import images
from flexpad.audit.counts import UNITS, Count, count, note_differences
from flexpad.data import protocols
from flexpad.data.findings import KINDS, Severity
from flexpad.data.manifest import Manifest
from flexpad.data.reading import Reading, ReadOptions, usable
from flexpad.types import BadInput

SCHEMA = "flexpad.audit/1"


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes:
        data_set: Title of the data set.
        reading: Layout, findings and rows, those of the protocol if there is one.
        counts: Per split and species.
        protocol: The protocol that was applied; None for the whole set.
        looked: How many images were opened and which sizes they have; empty with lists only.
    """

    data_set: str
    reading: Reading
    counts: tuple[Count, ...]
    protocol: str | None
    looked: dict[str, Any] = field(default_factory=dict)

    def manifest(self, *, strict: bool = False) -> Manifest:
        """The manifest, if it may be used.

        Args:
            strict: Take warnings for errors.

        Raises:
            BadInput: It may not; says why in one line.
        """
        problems = self.reading.findings.of(Severity.WARNING)
        manifest = usable(self.reading)
        if strict and problems:
            raise BadInput(f"{problems[0]} (--strict takes warnings for errors)")
        return manifest

    def fails(self, *, strict: bool = False) -> bool:
        """Whether anything found is an error, or a warning with ``strict``."""
        found = self.reading.findings
        return bool(found.of(Severity.ERROR) or (strict and found.of(Severity.WARNING)))

    def as_json(self) -> dict[str, Any]:
        """The content of ``--json``, schema ``flexpad.audit/1``."""
        return {
            "schema": SCHEMA,
            "data_set": self.data_set,
            "layout": self.reading.layout.name,
            "protocol": self.protocol,
            "lists_only": self.reading.lists_only,
            "rows": len(self.reading.manifest),
            "counts": [_count_as_json(entry) for entry in self.counts],
            "problems": [
                {
                    "kind": problem.kind,
                    "severity": problem.severity.value,
                    "count": problem.count,
                    "meaning": KINDS[problem.kind].meaning,
                    "advice": KINDS[problem.kind].advice,
                    "examples": list(problem.examples),
                }
                for problem in self.reading.findings
            ],
            "dropped": dict(self.reading.findings.dropped),
            "images": self.looked,
            "header": dict(self.reading.manifest.header),
        }


def audit(
    name: str,
    root: Path,
    options: ReadOptions | None = None,
    protocol: str | None = None,
    *,
    deep: bool = False,
) -> Audit:
    """Read a data set, hold it against what was published and look at its images.

    Args:
        name: The data set, e.g. ``casia_surf``.
        root: Its folder.
        options: How to read.
        protocol: Keep only the rows of a protocol such as ``surf@1``.
        deep: Open every image, and compare their content between splits.

    Raises:
        BadInput: The data set, layout or protocol is unknown, a list cannot be read at all, or
            there is no row.
    """
    options = options or ReadOptions()
    data_set = readers.READERS[name]
    reading = data_set.read(root, options)
    if not reading.manifest.rows:
        reading.findings.refuse_errors()
        raise BadInput(f"{root}: no row came of it")
    if protocol:
        reading = replace(reading, manifest=protocols.choose(protocol, reading.manifest))
    protocols.note_overlaps(reading.manifest, reading.findings)
    counts = _counted(reading, options, protocol)
    looked: dict[str, Any] = {}
    if not options.lists_only:
        looked = images.look(reading.manifest, reading.findings, deep=deep)
    return Audit(data_set.title, reading, counts, protocol, looked)


def _counted(reading: Reading, options: ReadOptions, protocol: str | None) -> tuple[Count, ...]:
    """Count, and note what differs from the published counts of real faces."""
    published = protocols.PROTOCOLS[protocol].published if protocol else reading.layout.published
    if reading.manifest.is_rendered:
        published = ()
    whole_videos = options.lists_only and bool((reading.manifest.rows.table["frame"] == 0).all())
    counts = count(reading.manifest, published, frames=not whole_videos)
    every_frame = options.frames.mode == "list" and not whole_videos
    note_differences(counts, reading.findings, frames=every_frame)
    return tuple(counts)


def _count_as_json(entry: Count) -> dict[str, Any]:
    found = {unit: getattr(entry, unit) for unit in UNITS}
    said = {unit: getattr(entry.published, unit, None) for unit in UNITS}
    return {"split": entry.split, "what": entry.what, **found, "published": said}
