"""What a rendered data set says about itself, so that it is never taken for real people.

A rendered set has the layout of a real one and beside it ``RENDERED.json`` with its ``name``, e.g.
``synth-1.0-surf-small``, and ``{"subjects": {"SYNT_RS0001": {"ethnicity": "african", ...}, ...}}``.
The names of its subjects begin with ``SYNT_``, so that a set whose rendering was interrupted shows
too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flexpad.data.manifest import sha256
from flexpad.types import BadInput

FILE_NAME = "RENDERED.json"
SUBJECT_PREFIX = "SYNT_"
LICENCE = "rendered faces: none needed"


@dataclass(frozen=True)
class Rendered:
    """The subjects of a rendered data set; false for a set of real people.

    Attributes:
        path: Where ``RENDERED.json`` is, or would be.
        groups: Subject -> attribute -> value, attributes that are one word or number each.
        header: What the manifest has to say about it.
    """

    path: Path
    groups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    header: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.groups)

    def groups_of(self, subject: str, where: str) -> Mapping[str, str]:
        """Look up the attributes of a subject, none for a real person.

        Args:
            subject: Its id.
            where: Named in the error: the file and line it stands in.

        Raises:
            BadInput: A subject is rendered and the set is not said to be, or the other way round.
        """
        if self and subject not in self.groups:
            raise BadInput(
                f"{where}: subject {subject!r} is not in {self.path}; keep rendered and real"
                " data apart"
            )
        if not self and subject.startswith(SUBJECT_PREFIX):
            raise BadInput(
                f"{where}: subject {subject!r} is rendered, but {self.path} is missing;"
                " the rendering was interrupted, run it again"
            )
        return self.groups.get(subject, {})


def read(folder: Path) -> Rendered:
    """Read ``RENDERED.json`` in the folder of a data set, where it is.

    Raises:
        BadInput: The file is there but cannot be understood.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return Rendered(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        groups = {name: _scalars(values) for name, values in content["subjects"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadInput(
            f"{path}: should hold the attributes of each of its 'subjects'; render again"
        ) from error
    if not groups:
        raise BadInput(f"{path}: names no subjects; render again")
    header = {
        "faces": "rendered; no person is shown",
        "rendered": f"{path.parent.name}/{path.name} sha256 {sha256(path)}",
    }
    if content.get("name"):
        header["rendered_name"] = str(content["name"])
    return Rendered(path, groups, header)


def _scalars(values: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: str(value) for name, value in values.items() if isinstance(value, str | int | float)
    }
