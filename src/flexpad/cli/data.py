"""Commands that make data: rendering, and indexing what lies on disk."""

from __future__ import annotations

from typing import Annotated

import tyro

from flexpad.cli.arguments import DataSet, Folder, Out
from flexpad.log import console
from flexpad.synth.config import SynthConfig


def synth(
    out: Folder,
    config: Annotated[SynthConfig, tyro.conf.arg(name="")] = SynthConfig(),  # noqa: B008 - frozen
    workers: int = 2,
) -> None:
    """Render faces and attacks in RGB, depth and IR, in the layout of CASIA-SURF.

    Args:
        out: Folder to write; an interrupted rendering goes on.
        config: What to render.
        workers: Processes; the files do not depend on it.
    """
    from flexpad.synth.generate import generate

    done = generate(out, config, workers)
    console.print(f"rendered to {out}" if done else f"{out} is rendered already")


def data(name: DataSet, root: Folder, out: Out, protocol: str | None = None) -> None:
    """Index a data set: from its folder to a manifest.

    Args:
        name: The data set, e.g. casia_surf.
        root: Where it lies.
        out: The manifest to write.
        protocol: Keep only the rows of a protocol such as surf@1, and check it.
    """
    from flexpad import readers
    from flexpad.data import manifest as manifests
    from flexpad.data import protocol as protocols

    manifest = readers.READERS[name](root)
    if protocol:
        manifest = protocols.apply(protocol, manifest)
    out.parent.mkdir(parents=True, exist_ok=True)
    manifests.write(manifest, out)
    console.print(f"{len(manifest)} rows in {out}")
