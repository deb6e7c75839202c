"""Manifests of the data sets of a bench: rendered where they are missing, or read from a folder."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl

from flexpad import readers
from flexpad.bench.plan import Plan, Source
from flexpad.data import manifest as manifests
from flexpad.data.manifest import Manifest
from flexpad.data.sampling import FrameSampling
from flexpad.registry import did_you_mean
from flexpad.synth.generate import generate
from flexpad.synth.layouts import LAYOUTS
from flexpad.types import BadInput

FOLDER = "data"


def prepare(
    plan: Plan, names: Collection[str], out: Path, rendered: Path, workers: int
) -> dict[str, Path]:
    """Write the manifests of some data sets.

    Args:
        plan: Of the bench.
        names: Of those that are needed.
        out: Its folder.
        rendered: What is rendered; what is there with the same settings is used again.
        workers: Processes that render.

    Returns:
        The manifest of each data set, by its name.

    Raises:
        BadInput: A data set cannot be read, or something else is where it is to be rendered.
    """
    found = {}
    for name, source in plan.data.items():
        if name not in names:
            continue
        path = out / FOLDER / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        if source.render:
            generate(rendered / name, source.render, workers)
        manifests.write(fewer_frames(_read(source, rendered / name), plan.frames), path)
        found[name] = path
    return found


def with_roots(plan: Plan, roots: Mapping[str, Path]) -> Plan:
    """Read data sets from other folders than the plan says.

    Raises:
        BadInput: The plan has no data set of a name, or it is rendered.
    """
    for name in roots:
        if name not in plan.data or plan.data[name].render:
            read_ones = [known for known, source in plan.data.items() if source.reader]
            raise BadInput(
                f"root {name!r}: no data set that is read; {did_you_mean(name, read_ones)}"
            )
    moved = {name: replace(plan.data[name], root=root) for name, root in roots.items()}
    return replace(plan, data={**plan.data, **moved})


def read(source: Source) -> Manifest:
    """Read a data set that lies in a folder."""
    assert source.reader is not None
    assert source.root is not None
    return readers.read(source.reader, source.root)


def fewer_frames(manifest: Manifest, frames: int | None) -> Manifest:
    """Keep so many evenly spread frames of every dev and test video, and all of train.

    Args:
        manifest: All rows.
        frames: None keeps all.
    """
    if frames is None:
        return manifest
    sampling = FrameSampling("even", frames)
    key = ["dataset", "split", "video_id"]
    numbers = manifest.rows.table.filter(pl.col("split") != "train").group_by(key).agg("frame")
    chosen = numbers.with_columns(
        pl.col("frame").map_elements(
            lambda of_video: sampling.choose(of_video.to_list()), return_dtype=pl.List(pl.Int64)
        )
    ).explode("frame")
    kept = manifest.rows.table.join(chosen, on=[*key, "frame"], how="semi")["sample_id"]
    fewer = manifest.where((pl.col("split") == "train") | pl.col("sample_id").is_in(kept.to_list()))
    said = f"{sampling}; of dev and test"
    return replace(fewer, header={**fewer.header, "bench_frames": said})


def _read(source: Source, rendered: Path) -> Manifest:
    if source.render:
        return readers.read(LAYOUTS[source.render.layout_name].reader, rendered)
    return read(source)
