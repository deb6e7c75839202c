"""A run's folder before it begins: whether it goes on, begins, or must not."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import yaml

from flexpad import checkpoint, config
from flexpad.data.manifest import Manifest
from flexpad.engine import curves, diary, state
from flexpad.recipe import Recipe
from flexpad.types import BadInput

WRITTEN = (
    diary.LINES,
    diary.TABLE,
    curves.CURVES,
    curves.EXPERTS,
    checkpoint.WEIGHTS,
    checkpoint.CALIBRATION,
)


def prepare(run: Path, recipe: Recipe, rows: Manifest, *, resume: bool, overwrite: bool) -> None:
    """Make sure that a run may begin in a folder, or go on in it.

    With neither switch the folder must hold no run. With both a run of the same recipe and rows
    goes on, and any other makes room.

    Args:
        run: The folder; it need not exist.
        recipe: Of the run that is to begin or go on.
        rows: What it is to be trained on.
        resume: Go on where an unfinished run stands.
        overwrite: Begin anew where another run stands.

    Raises:
        BadInput: It holds a run that must not be lost, or one that cannot go on like this.
    """
    unfinished = state.is_there(run)
    changed = _differences(run, recipe, rows) if unfinished and resume else []
    if unfinished and resume and not changed:
        return
    if not overwrite:
        _refuse(run, changed, unfinished=unfinished, resume=resume)
    shutil.rmtree(run / state.FOLDER, ignore_errors=True)
    shutil.rmtree(run / diary.BOARD, ignore_errors=True)
    for name in WRITTEN:
        (run / name).unlink(missing_ok=True)


def _refuse(run: Path, changed: list[str], *, unfinished: bool, resume: bool) -> None:
    if changed:
        raise BadInput(
            f"{run}: the run there was begun otherwise: {'; '.join(changed)}; give what it was"
            " begun with, or --overwrite to begin anew"
        )
    if unfinished and not resume:
        raise BadInput(
            f"{run}: holds an unfinished run; pass --resume to go on with it, or --overwrite to"
            " begin anew"
        )
    if (run / checkpoint.WEIGHTS).is_file():
        raise BadInput(
            f"{run}: holds a finished run; choose another folder, or pass --overwrite to lose it"
        )


def fingerprint(rows: Manifest) -> str:
    """Give the SHA-256 of all that a manifest says of rows."""
    return hashlib.sha256(rows.rows.table.write_csv().encode()).hexdigest()


def _differences(run: Path, recipe: Recipe, rows: Manifest) -> list[str]:
    """Say, key by key, how an unfinished run was begun otherwise."""
    there = _settings(config.load(Recipe, run / checkpoint.RECIPE))
    here = _settings(recipe)
    found = [
        f"{key} is {there.get(key, 'not given')!r} there and {here.get(key, 'not given')!r} here"
        for key in dict.fromkeys([*there, *here])
        if there.get(key, ...) != here.get(key, ...)
    ]
    if state.load(run)["rows"] != fingerprint(rows):
        found.append("the rows of the manifest have changed")
    return found


def _settings(recipe: Recipe) -> dict[str, Any]:
    """Name every setting by its way from the top, as ``train.epochs``."""
    return {
        name.replace("/", "."): value
        for name, value in diary.flat(yaml.safe_load(config.dump(recipe)))
    }
