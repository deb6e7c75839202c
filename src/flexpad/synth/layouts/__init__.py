"""How a rendered set lies on disk: one file, one layout.

A take is written to temporary names and renamed when it is whole; the lists come last, and after
them ``RENDERED.json``, without which no reader takes the set for anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from flexpad.synth.layouts import cefa, native, surf, wmca
from flexpad.synth.plan import Family, People, Subject, Take
from flexpad.synth.sensors import Shot


class Layout(Protocol):
    """One layout."""

    @property
    def reader(self) -> str:
        """The data set that reads it."""

    @property
    def base(self) -> str:
        """The folder of ``RENDERED.json``, relative to the root of the set; "" for the root."""

    @property
    def pixels(self) -> int | None:
        """The one size its pictures can have; None if any."""

    def places(self, subject: Subject, take: Take) -> tuple[str, ...]:
        """Folders or files that are there once a take is written, relative to the root."""

    def write_take(self, root: Path, subject: Subject, take: Take, shots: Sequence[Shot]) -> None:
        """Write a take, whole or not at all."""

    def write_lists(
        self, root: Path, family: Family, subjects: Sequence[Subject], people: People
    ) -> None:
        """Write what names the takes, when all of them are there."""


LAYOUTS: Mapping[str, Layout] = {
    "native": native.LAYOUT,
    "surf": surf.LAYOUT,
    "cefa": cefa.LAYOUT,
    "wmca": wmca.LAYOUT,
}
