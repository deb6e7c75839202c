"""What a protocol is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

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


def with_rendered(protocols: Mapping[str, Protocol], dataset: str) -> dict[str, Protocol]:
    """Protocols of a real data set, and the same for the rendered set that is modelled on it.

    Args:
        protocols: By name, e.g. ``cefa@4.1``.
        dataset: The rendered set, e.g. ``synth_cefa``.

    Returns:
        Those, and each again as ``synth-<name>``; what is published does not hold there.
    """
    return dict(protocols) | {
        f"synth-{name}": replace(
            protocol, summary=f"rendered: {protocol.summary}", datasets=(dataset,), published=()
        )
        for name, protocol in protocols.items()
    }
