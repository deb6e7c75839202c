"""Which weights learn how fast: parameter groups and the schedule of their rates."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn
from torch.optim import Optimizer


def parameter_groups(
    module: nn.Module,
    kind_of: Callable[[str], str],
    rates: Mapping[str, float],
    weight_decay: float,
) -> list[dict[str, Any]]:
    """Group trainable weights by kind and decay, for an optimizer.

    Only matrices of linear maps and convolutions decay, those of routers among them; prompts,
    norms, biases, embeddings and single numbers do not.

    Args:
        module: Its weights that require a gradient are grouped.
        kind_of: Gives the kind of a parameter by its name.
        rates: Peak learning rate of each kind.
        weight_decay: On what decays.

    Returns:
        Groups with ``name``, ``peak`` and what AdamW reads, in the order of their first weights.
    """
    matrices = {
        id(part.weight) for part in module.modules() if isinstance(part, nn.Linear | nn.Conv2d)
    }
    groups: dict[tuple[str, bool], list[nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            key = (kind_of(name), id(parameter) in matrices)
            groups.setdefault(key, []).append(parameter)
    return [
        {
            "params": parameters,
            "name": kind,
            "peak": rates[kind],
            "lr": rates[kind],
            "weight_decay": weight_decay if decays else 0.0,
        }
        for (kind, decays), parameters in groups.items()
    ]


def learning_rate_factor(step: int, steps: int, warmup: float) -> float:
    """Rise linearly for a share ``warmup`` of the steps, then fall by a cosine to a thousandth."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    fallen = (step - rising) / max(1, steps - rising)
    return 1e-3 + (1 - 1e-3) * 0.5 * (1 + math.cos(math.pi * min(1.0, fallen)))


def set_rates(optimizer: Optimizer, factor: float) -> None:
    """Set every group of :func:`parameter_groups` to a factor of its peak."""
    for group in optimizer.param_groups:
        group["lr"] = factor * group["peak"]


def rates_by_name(optimizer: Optimizer) -> dict[str, float]:
    """Tell the learning rate of each kind of weights."""
    return {group["name"]: group["lr"] for group in optimizer.param_groups}
