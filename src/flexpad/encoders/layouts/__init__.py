"""How others, and we, write a CLIP into a folder: one module a layout."""

from __future__ import annotations

from pathlib import Path

from flexpad.encoders.layouts import huggingface, native, open_clip
from flexpad.encoders.layouts.layout import Layout
from flexpad.types import BadInput

LAYOUTS = (native.LAYOUT, open_clip.LAYOUT, huggingface.LAYOUT)


def recognise(folder: Path) -> Layout:
    """Tell the layout of a folder by its files.

    Some repositories hold a CLIP twice. Whichever has its usual file of weights is taken; if both
    have, that of open_clip, since ``config.json`` may then be timm's.

    Raises:
        BadInput: It is none of them.
    """
    described = [layout for layout in LAYOUTS if (folder / layout.configuration).is_file()]
    if not described:
        names = ", ".join(f"{layout.configuration} ({layout.name})" for layout in LAYOUTS)
        raise BadInput(f"{folder}: holds no CLIP; it should have one of {names}")
    whole = [layout for layout in described if _has_weights(folder, layout.weights[0])]
    return (whole or described)[0]


def _has_weights(folder: Path, name: str) -> bool:
    return (folder / name).is_file() or (folder / f"{name}.index.json").is_file()
