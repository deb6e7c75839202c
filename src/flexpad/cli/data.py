"""Commands that make data: rendering, and indexing what lies on disk."""

from __future__ import annotations

from json import dumps
from typing import Annotated, Literal

import tyro

from flexpad.cli.arguments import (
    DataSet,
    Folder,
    ManifestFile,
    ManifestFiles,
    MaybeFolder,
    MaybeOut,
    Out,
)
from flexpad.log import console, errors
from flexpad.synth.config import SynthConfig
from flexpad.types import BadInput


def synth(
    out: Folder,
    config: Annotated[SynthConfig, tyro.conf.arg(name="")] = SynthConfig(),  # noqa: B008 - frozen
    workers: int = 2,
) -> None:
    """Render faces and attacks in RGB, depth and IR, modelled on CASIA-SURF, CeFA or WMCA.

    Args:
        out: Folder to write; an interrupted rendering goes on.
        config: What to render.
        workers: Processes; the files do not depend on it.
    """
    from flexpad.synth import freeze
    from flexpad.synth.generate import generate
    from flexpad.synth.layouts import LAYOUTS

    done = generate(out, config, workers)
    reader = LAYOUTS[config.layout_name].reader
    told = f"rendered to {out}" if done else f"{out} is rendered already"
    console.print(f"{told}; index it with: flexpad data {reader} {out} -o manifest.csv")
    console.print(freeze.verdict(out, config))


def synth_audit(
    manifest: ManifestFile,
    protocols: tuple[str, ...] = (),
    out: MaybeOut = None,
    json: bool = False,
) -> None:
    """Ask what tells attacks without looking at faces: brightness, outline, noise, file size, ...

    Args:
        manifest: Rows with train, dev and test.
        protocols: E.g. synth-surf@1; without any, the rows as they stand.
        out: Write the figures there as JSON.
        json: Print them as JSON.
    """
    from flexpad.audit import shortcuts
    from flexpad.audit.shortcuts_terminal import render
    from flexpad.data import manifest as manifests
    from flexpad.files import whole_file

    found = shortcuts.audit_shortcuts(manifests.read(manifest), protocols)
    content = {"schema": shortcuts.SCHEMA, "shortcuts": [one.as_json() for one in found]}
    if json:
        print(dumps(content, indent=2))
    else:
        console.print(render(found))
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(out) as partial:
            partial.write_text(dumps(content, indent=2) + "\n", encoding="utf-8")


def data(
    name: DataSet,
    root: Folder,
    out: MaybeOut = None,
    protocol: str | None = None,
    layout: str | None = None,
    frames: Literal["list", "all", "even"] = "list",
    n_frames: int | None = None,
    incomplete: Literal["keep", "drop"] = "keep",
    depth_encoding: str = "",
    ir_encoding: str = "",
    lists_only: bool = False,
    deep: bool = False,
    strict: bool = False,
    json: bool = False,
) -> int:
    """Audit a data set and index it: from its folder to a manifest.

    Exit code 0, also with warnings; 2 with errors, and then nothing is written.

    Args:
        name: The data set, e.g. casia_surf.
        root: Where it lies.
        out: The manifest to write, .csv or .parquet; without it the data set is only audited.
        protocol: Keep only the rows of a protocol such as surf@1.
        layout: Which layout, where the folder holds several.
        frames: Those the lists name, all on disk, or n-frames evenly spread over each video.
        n_frames: How many frames of a video, with --frames even.
        incomplete: Keep items that lack a modality, or drop them.
        depth_encoding: What depth values mean where the data set does not say, e.g. mm:300-1500.
        ir_encoding: Likewise for infrared, e.g. limits:0-4095.
        lists_only: Look at the lists only; no image needs to be there, and nothing is written.
        deep: Open every image, not a sample, and compare their content between splits.
        strict: Take warnings for errors.
        json: Print the audit as JSON.
    """
    from flexpad.audit import audit
    from flexpad.audit.terminal import render
    from flexpad.data import manifest as manifests
    from flexpad.data.reading import ReadOptions
    from flexpad.data.sampling import FrameSampling

    if lists_only and out:
        raise BadInput("--lists-only looks for no image, so there is no manifest to write to --out")
    sampling = FrameSampling(frames, n_frames)
    options = ReadOptions(layout, sampling, incomplete, lists_only, depth_encoding, ir_encoding)
    found = audit(name, root, options, protocol, deep=deep)
    if json:
        print(dumps(found.as_json(), indent=2))
    else:
        console.print(render(found))
    if found.fails(strict=strict):
        if out:
            errors.print(f"flexpad: {out} was not written", soft_wrap=True)
        return 2
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        manifests.write(found.manifest(), out)
        (errors if json else console).print(
            f"{len(found.reading.manifest):,} rows in {out}", soft_wrap=True
        )
    return 0


def pack(
    manifest: ManifestFile, out: MaybeFolder = None, shard_mb: int = 256, verify: bool = False
) -> None:
    """Pack images into tar files, which are read from front to back; every command takes a pack.

    Args:
        manifest: What to pack; with --verify, the manifest of a pack.
        out: Folder to write; an interrupted packing goes on.
        shard_mb: Size of a tar file in megabytes.
        verify: Only hold a pack against its checksums.
    """
    from flexpad.data import manifest as manifests
    from flexpad.data import packing, shards

    if verify:
        whole = shards.verify(manifest)
        console.print(f"{len(whole):,} shards are as they were written")
        return
    if out is None:
        raise BadInput("give the folder to write the pack to, after the manifest")
    packed, written = packing.pack(manifests.read(manifest), out, shard_mb)
    size = sum(shard.bytes for shard in written) / packing.MEGABYTE
    console.print(f"{len(packed):,} rows, {len(written):,} shards, {size:,.0f} MB: {packed.name}")


def template(folder: Folder, kind: Literal["tree", "csv"] = "tree") -> None:
    """Write an example folder for data of your own, to be filled and read with 'data folder'.

    Args:
        folder: Folder to write; has to be new or empty.
        kind: Images in folders that say what they are, or a CSV that says it.
    """
    from flexpad.readers.folder.template import README, write_template

    write_template(folder, kind)
    console.print(f"what to put where is told in {folder / README}")


def join(manifests: ManifestFiles, out: Out, protocol: str | None = None) -> None:
    """Put manifests of several data sets together, to train on some and test on others.

    Args:
        manifests: One of each data set, made without --protocol.
        out: The manifest to write, .csv or .parquet.
        protocol: Keep only the rows of a protocol such as mmdg@cps-w, and check it.
    """
    from flexpad.data import join as joining
    from flexpad.data import manifest as files
    from flexpad.data import protocols

    whole = joining.join([files.read(path) for path in manifests])
    if protocol:
        whole = protocols.apply(protocol, whole)
    out.parent.mkdir(parents=True, exist_ok=True)
    files.write(whole, out)
    console.print(f"{len(whole):,} rows of {', '.join(whole.datasets)} in {out}")
