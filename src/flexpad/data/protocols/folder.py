"""A user's own data: the splits are the user's."""

from __future__ import annotations

from flexpad.data.manifest import Manifest
from flexpad.data.protocols.protocol import Protocol


def _as_they_stand(manifest: Manifest) -> Manifest:
    return manifest


PROTOCOLS = {
    "folder@1": Protocol(
        "your own data, in the splits you gave them",
        ("folder", "synth_folder"),
        _as_they_stand,
    )
}
