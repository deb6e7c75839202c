"""The name of an encoder to the folder it is read from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from flexpad.encoders import builtin, hub
from flexpad.encoders.layouts import huggingface, open_clip, recognise
from flexpad.encoders.layouts.layout import Layout
from flexpad.registry import did_you_mean
from flexpad.types import BadInput

_REPOSITORY = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*/[\w.-]+)(@(?P<revision>[\w./-]+))?")


@dataclass(frozen=True, slots=True)
class Located:
    """A folder with the files of a CLIP.

    Attributes:
        folder: Where they are.
        layout: How they are laid out.
        revision: Commit on the hub, if they came from there.
    """

    folder: Path
    layout: Layout
    revision: str | None = None


def locate(name: str, *, weights: bool = True) -> Located:
    """Find what a name means: built in, a folder, or a repository on the hub, in this order.

    Args:
        name: See :class:`flexpad.recipe.EncoderRecipe`.
        weights: Whether weights are wanted, or only sizes and tokenizer.

    Raises:
        BadInput: It means nothing, or what it means cannot be had.
    """
    if name.startswith(builtin.PREFIX):
        folder = builtin.folder_of(name)
        return Located(folder, recognise(folder))
    if name.startswith(hub.PREFIX):
        return _fetch(name.removeprefix(hub.PREFIX), open_clip.LAYOUT, weights=weights)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return Located(folder, recognise(folder))
    if not _REPOSITORY.fullmatch(name):
        meant = did_you_mean(f"{builtin.PREFIX}{name}", builtin.names())
        raise BadInput(
            f"encoder {name!r} is neither a folder that is there, nor 'owner/name' on the hub,"
            f" nor built in; {meant}"
        )
    try:
        return _fetch(name, huggingface.LAYOUT, weights=weights)
    except BadInput as error:
        raise BadInput(f"encoder {name!r} is no folder here, and on the hub: {error}") from error


def _fetch(name: str, layout: Layout, *, weights: bool) -> Located:
    found = _REPOSITORY.fullmatch(name)
    if found is None:
        raise BadInput(f"encoder '{hub.PREFIX}{name}' should be '{hub.PREFIX}owner/name'")
    folder, commit = hub.fetch(
        found["name"], layout, revision=found["revision"] or "main", weights=weights
    )
    return Located(folder, layout, commit)
