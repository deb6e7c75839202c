"""What a protocol is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flexpad.data.manifest import Manifest
from flexpad.data.reading import Published

UNKNOWN = "unknown"  # the species of an attack that a release does not tell


@dataclass(frozen=True)
class Protocol:
    """One way to use one or more data sets.

    Attributes:
        summary: What it measures, in one sentence.
        datasets: The data sets it may be applied to.
        choose: Takes a manifest of those, returns the rows with the splits they are used for.
        published: What its authors say there is in it; holds for real faces.
    """

    summary: str
    datasets: tuple[str, ...]
    choose: Callable[[Manifest], Manifest]
    published: tuple[Published, ...] = ()
