"""The command that makes the built-in backbone."""

from __future__ import annotations

from flexpad.cli.arguments import Out
from flexpad.log import console


def pretrain(out: Out, settings: str = "clip-nano", workers: int = 2) -> None:
    """Pre-train a small CLIP on rendered views of people and places, from random weights.

    What comes out is an encoder: a recipe names its folder. It is hours on a CPU, minutes on a GPU.

    Args:
        out: Folder of the run; an interrupted one goes on.
        settings: clip-nano, or a .yaml file.
        workers: Processes that render; the result does not depend on it.
    """
    from flexpad.pretrain import settings as known
    from flexpad.pretrain.train import pretrain as run

    found = run(known.find(settings), out, workers=workers)
    for name, share in found.items():
        kind, _, gallery = name.partition("@")
        console.print(f"{kind.replace('_', ' ')}: right one first of {gallery}, {share:.1%}")
