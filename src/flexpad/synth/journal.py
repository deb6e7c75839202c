"""What of a set is done: a small file for each subject, while the set is being rendered.

A take stands here before it appears under its own name, and it counts as done only where both are
there; so a run that was stopped at any moment goes on without doing anything twice that was whole.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from flexpad.files import whole_file
from flexpad.synth.plan import Attributes

FOLDER = "RENDERING"


@dataclass
class Entry:
    """What is known of a subject.

    Attributes:
        attributes: For ``RENDERED.json``.
        takes: Checksum of the pictures of each take, by its name.
    """

    attributes: Attributes = field(default_factory=dict)
    takes: dict[str, str] = field(default_factory=dict)


def read(base: Path, subject: str) -> Entry:
    """Read what is known of a subject; nothing if nothing was written."""
    try:
        return Entry(**json.loads(_path(base, subject).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return Entry()


def write(base: Path, subject: str, entry: Entry) -> None:
    """Write what is known of a subject."""
    path = _path(base, subject)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as partial:
        partial.write_text(json.dumps(asdict(entry)), encoding="utf-8")


def _path(base: Path, subject: str) -> Path:
    return base / FOLDER / f"{subject}.json"
