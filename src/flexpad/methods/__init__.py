"""One folder, one method: ``model.py`` with a ``build`` function, ``config.yaml``, README.md.

A new method is a new folder; nothing else has to know of it.
"""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor, nn

from flexpad import config
from flexpad.components.fusion import mean_of_logits
from flexpad.components.presence import unpack as unpack
from flexpad.components.terms import classification
from flexpad.encoders import Encoder
from flexpad.encoders.clip import Blocks, Clip, VisionTower
from flexpad.engine.draws import Draws
from flexpad.recipe import MethodRecipe
from flexpad.registry import did_you_mean
from flexpad.types import BadInput, Batch, Evidence

Options = TypeVar("Options")


class Method(nn.Module, ABC):
    """What training and scoring ask of a method.

    Attributes:
        clip: The encoder it was made around.
        trains: Whether it has anything to learn; without, a run is over before its first epoch.
        encodes_independently: Whether every modality is encoded alone, so that :meth:`fuse` can
            answer any subset from one pass.
        reaches_into_tower: Whether more is asked of the image tower than its features, so that it
            has to run in every epoch even where all of it is frozen.
        copies: Towers that were copied from the encoder's image tower and are frozen where it is.
        draws: Where random numbers of the present training step come from.
    """

    clip: Clip
    trains = True
    encodes_independently = False
    reaches_into_tower = True
    copies: tuple[VisionTower, ...] = ()
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

    def is_encoder(self, parameter: str) -> bool:
        """Say whether a parameter of this name learns at the rate for the encoder."""
        return parameter.startswith("clip.")

    def is_router(self, parameter: str) -> bool:  # noqa: ARG002 - most methods have no router
        """Say whether a parameter of this name learns at the rate for routers."""
        return False

    def recompute_blocks(self, recompute: bool) -> None:
        """Choose whether training keeps less and computes more, see :class:`Blocks`."""
        for module in self.modules():
            if isinstance(module, Blocks):
                module.recompute = recompute

    def compile_vision(self, compiled: bool) -> None:
        """Choose whether torch compiles every image tower, with what hooks into it."""
        for module in self.modules():
            if compiled and isinstance(module, VisionTower):
                module.compile()


class IndependentMethod(Method):
    """A method that judges every image alone, and a subset by the mean of its logits."""

    encodes_independently = True

    def fuse(self, evidence: Evidence, present: Tensor) -> Tensor:
        """Mean of the logits of a subset, (B, M) bool, at least one True per row."""
        return mean_of_logits(evidence.logits, present)

    def loss(self, batch: Batch, evidence: Evidence) -> dict[str, Tensor]:
        """Cross-entropy of every present image."""
        target = batch.target[batch.present.nonzero()[:, 0]]
        return {"image": classification(evidence.logits[batch.present], target)}


def read_options(cls: type[Options], name: str, given: Mapping[str, Any]) -> Options:
    """Make the options of a method from the ``config.yaml`` of its folder and what is given.

    Args:
        cls: The dataclass of its options.
        name: Of the method.
        given: What a recipe says otherwise.

    Raises:
        BadInput: An option is unknown or does not fit.
    """
    defaults = Path(__file__).parent / name / "config.yaml"
    return config.build_over(cls, defaults, given, f"options of {name}")


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
