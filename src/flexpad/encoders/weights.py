"""Files of weights to the tensors of our towers. Safetensors only, never a pickle."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from flexpad.encoders.clip import Clip, ClipConfig
from flexpad.encoders.layouts.layout import Layout, Place, read_json
from flexpad.encoders.positions import interpolate
from flexpad.types import BadInput

INDEX = ".index.json"  # behind the name of weights that stand in several files


def find_weights(folder: Path, layout: Layout) -> list[Path]:
    """List the files of weights in a folder: one, or those an index names.

    Raises:
        BadInput: There is none, or only a pickle; or one that the index names is missing.
    """
    for name in layout.weights:
        if (folder / name).is_file():
            return [folder / name]
        if (folder / f"{name}{INDEX}").is_file():
            return [_part(folder, part) for part in parts(folder / f"{name}{INDEX}")]
    for pickle in layout.pickles:
        if (folder / pickle).is_file():
            raise BadInput(refuse_pickle(folder / pickle, layout.weights[0]))
    raise BadInput(f"{folder / layout.weights[0]}: is missing; the weights belong there")


def parts(index: Path) -> list[str]:
    """Read which files of weights an index names.

    Raises:
        BadInput: It is damaged, or names files in other folders.
    """
    held = read_json(index).get("weight_map")
    names = sorted(set(held.values())) if isinstance(held, dict) else []
    if not names or any(Path(str(name)).name != name for name in names):
        raise BadInput(f"{index}: should name the files of weights under 'weight_map'")
    return names


def _part(folder: Path, name: str) -> Path:
    if not (folder / name).is_file():
        raise BadInput(f"{folder / name}: is missing, though the index names it")
    return folder / name


def refuse_pickle(pickle: Path | str, safe: str) -> str:
    """Say why a pickle is not read, and how to make another file of it."""
    name = str(pickle).rpartition(": ")[2].rpartition("/")[2]
    convert = (
        "import torch, safetensors.torch as s;"
        f" held = torch.load('{name}', map_location='cpu', weights_only=True);"
        f" s.save_file(dict((k, v.clone()) for k, v in held.items()), '{safe}')"
    )
    return (
        f"{pickle}: is a pickle, which could run any program when it is read; flexpad reads"
        f' safetensors only. In the folder it is in, this converts it: python -c "{convert}"'
    )


@dataclass(frozen=True, slots=True)
class _Held:
    """What files hold: for every tensor its file, and the open file."""

    paths: Mapping[str, Path]
    files: Mapping[Path, Any]

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(self.files[self.paths[name]].get_slice(name).get_shape())

    def tensor(self, name: str) -> Tensor:
        value: Tensor = self.files[self.paths[name]].get_tensor(name)
        return value


def load_clip(
    files: list[Path], layout: Layout, own: ClipConfig, wanted: ClipConfig | None = None
) -> Clip:
    """Make a CLIP of weights in files, in float32.

    Args:
        files: All of them.
        layout: What their tensors are called.
        own: Sizes the weights were trained with.
        wanted: The same with another image size; position embeddings are interpolated to it.

    Raises:
        BadInput: A file is damaged or cut short; or a tensor is missing, has another shape than
            the configuration says, or is one the towers have no place for.
    """
    with torch.device("meta"):  # sizes alone, no numbers are drawn that would be thrown away
        expected = {name: tuple(value.shape) for name, value in Clip(own).state_dict().items()}
        clip = Clip(wanted or own)
    with ExitStack() as stack:
        held = _open(files, stack)
        try:
            places = {name: layout.place(name, held.paths) for name in expected}
        except BadInput as error:
            raise BadInput(f"{files[0]}: {error}") from error
        for name, place in places.items():
            _check_shape(held, place, expected[name], files[0], layout)
        _check_nothing_left(held, places, layout)
        state = {name: _read(held, place, expected[name]) for name, place in places.items()}
    state["vision.positions"] = interpolate(
        state["vision.positions"], clip.config.grid, antialias=layout.antialias
    )
    clip.load_state_dict(state, assign=True)
    return clip


def _open(files: list[Path], stack: ExitStack) -> _Held:
    paths, opened = {}, {}
    for path in files:
        try:
            opened[path] = stack.enter_context(safe_open(path, framework="pt"))
        except (SafetensorError, OSError) as error:
            reason = str(error).splitlines()[0]
            raise BadInput(f"{path}: is damaged or cut short ({reason}); fetch it again") from error
        paths.update(dict.fromkeys(opened[path].keys(), path))
    return _Held(paths, opened)


def _check_shape(
    held: _Held, place: Place, ours: tuple[int, ...], file: Path, layout: Layout
) -> None:
    wanted = place.shape_of_part(ours)
    for part in place.parts:
        if part not in held.paths:
            raise BadInput(f"{file}: tensor {part!r} is missing, by {layout.configuration}")
        found = held.shape(part)
        if found != wanted and (ours or found != (1,)):  # one number may stand in a list of one
            raise BadInput(
                f"{held.paths[part]}: tensor {part!r} has shape {list(found)}, but by"
                f" {layout.configuration} it should be {list(wanted)}"
            )


def _check_nothing_left(held: _Held, places: Mapping[str, Place], layout: Layout) -> None:
    used = {part for place in places.values() for part in place.parts} | layout.unused
    for name, path in held.paths.items():
        if name not in used:
            raise BadInput(
                f"{path}: holds tensor {name!r}, which a CLIP as {layout.configuration} describes"
                " it does not have"
            )


def _read(held: _Held, place: Place, ours: tuple[int, ...]) -> Tensor:
    """Copy a tensor out of its file, so that nothing depends on the file any more."""
    read = [held.tensor(part) for part in place.parts]
    value = torch.cat(read) if len(read) > 1 else read[0]
    value = value.T if place.transposed else value.reshape(ours)
    dtype = torch.float32 if value.is_floating_point() else value.dtype
    return value.to(dtype, copy=True, memory_format=torch.contiguous_format)
