"""One folder, one method: ``model.py`` with a ``build`` function, ``config.yaml``, README.md.

A new method is a new folder; nothing else has to know of it.
"""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from importlib import import_module

from torch import Tensor, nn

from flexpad.encoders import Encoder
from flexpad.encoders.clip import Clip
from flexpad.engine.draws import Draws
from flexpad.recipe import MethodRecipe
from flexpad.registry import did_you_mean
from flexpad.types import BadInput, Batch, Evidence


class Method(nn.Module, ABC):
    """What training and scoring ask of a method.

    Attributes:
        clip: The encoder it was made around.
        trains: Whether it has anything to learn; without, a run is over before its first epoch.
        encodes_independently: Whether every modality is encoded alone, so that :meth:`fuse` can
            answer any subset from one pass.
        reaches_into_tower: Whether more is asked of the image tower than its features, so that it
            has to run in every epoch even where all of it is frozen.
        draws: Where random numbers of the present training step come from.
    """

    clip: Clip
    trains = True
    encodes_independently = False
    reaches_into_tower = True
    draws = Draws()

    @abstractmethod
    def forward(self, batch: Batch) -> Evidence:
        """Judge a batch by what is present in it, and by nothing else."""

    @abstractmethod
    def loss(self, batch: Batch, evidence: Evidence) -> dict[str, Tensor]:
        """Name and weigh the terms whose sum is trained.

        They are functions of what is given: what is drawn is drawn in :meth:`forward`.

        Args:
            batch: Who is present and what is what; ``images`` and ``ids`` may be empty, since the
                evidence may come from several processes.
            evidence: Of :meth:`forward`.
        """

    def fuse(self, evidence: Evidence, present: Tensor) -> Tensor:
        """Answer for a subset of what was encoded.

        Args:
            evidence: Of a pass that saw at least these modalities.
            present: (B, M) bool, at least one True per row.

        Returns:
            Score logits, (B,).
        """
        raise NotImplementedError

    def before_step(self, done: float, draws: Draws) -> None:  # noqa: ARG002 - some want to know
        """Prepare for a training batch.

        Args:
            done: Share of all steps that is done.
            draws: Random numbers for :meth:`forward`.
        """
        self.draws = draws

    def is_router(self, parameter: str) -> bool:  # noqa: ARG002 - most methods have no router
        """Say whether a parameter of this name learns at the rate for routers."""
        return False


def unpack(packed: Tensor, present: Tensor, absent: float) -> Tensor:
    """Put what was computed of present images back to its place.

    Args:
        packed: (n, ...), in row-major order of ``present``.
        present: (B, M) bool with n True.
        absent: What stands elsewhere.

    Returns:
        (B, M, ...).
    """
    unpacked = packed.new_full((*present.shape, *packed.shape[1:]), absent)
    unpacked[present] = packed
    return unpacked


def names() -> list[str]:
    """List the methods that have a folder."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)


def build(recipe: MethodRecipe, encoder: Encoder) -> Method:
    """Make a method around an encoder.

    Raises:
        BadInput: The method or an option of it is unknown, or a value does not fit.
    """
    if recipe.name not in names():
        raise BadInput(f"method {recipe.name!r} is unknown; {did_you_mean(recipe.name, names())}")
    module = import_module(f"{__name__}.{recipe.name}.model")
    method: Method = module.build(encoder, recipe.options)
    return method
