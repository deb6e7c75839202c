"""Several processes that train one model: who reads what, and how their answers come together."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed, nn

from flexpad.log import logger
from flexpad.types import Batch, Evidence

BY_ITEM = ("logits", "fused", "patches", "embeddings")


def on_cpu() -> bool:
    """Whether to work on the CPU: there is nothing else, or a GPU without the float64 of scores."""
    found = torch.accelerator.current_accelerator()
    return found is None or found.type == "mps"


def count() -> int:
    """How many processes work together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def place() -> tuple[int, int]:
    """Which process this is, from 0, and of how many."""
    return (distributed.get_rank() if distributed.is_initialized() else 0), count()


def share(total: int) -> list[int]:
    """List which of ``total`` rows this process takes; every row has exactly one process."""
    return list(range(place()[0], total, count()))


def gather(batch: Batch, evidence: Evidence) -> tuple[Batch, Evidence]:
    """Put together what all processes say of their parts of a batch, in the order of the parts.

    Every process then takes the gradient of the same loss of the whole. What flows back to its own
    part is that times the number of processes, so that the mean over processes, which is applied to
    every weight, is the gradient of that loss, whether a weight made evidence or only weighs it.

    Args:
        batch: Of this process; all have the same number of items, but not of present images.
        evidence: What the method says of it.

    Returns:
        The whole batch without images and ids, which no loss sees, and its evidence. In a single
        process that is what was given.
    """
    shown = Batch(batch.images[:0], batch.present, batch.target, ())
    if count() == 1:
        return shown, evidence
    tensors = {("present", ""): batch.present, ("target", ""): batch.target}
    tensors |= {("field", name): getattr(evidence, name) for name in BY_ITEM}
    tensors |= {("parts", name): part for name, part in evidence.parts.items()}
    tensors |= {("gates", name): _spread(g, batch.present) for name, g in evidence.gates.items()}
    whole = _gather_rows(tensors)
    present = whole["present", ""]
    named = {
        kind: {n: t for (k, n), t in whole.items() if k == kind} for kind in ("parts", "gates")
    }
    return (
        Batch(batch.images[:0], present, whole["target", ""], ()),
        Evidence(
            **{name: whole["field", name] for name in BY_ITEM},
            parts=named["parts"],
            gates={name: gate[present] for name, gate in named["gates"].items()},
        ),
    )


def _gather_rows(tensors: dict[tuple[str, str], Tensor]) -> dict[tuple[str, str], Tensor]:
    """Gather tensors (B, ...) of any type at once, as columns of one matrix."""
    columns = [
        tensor.flatten(1) if tensor.dim() > 1 else tensor[:, None] for tensor in tensors.values()
    ]
    matrix = torch.cat([column.float() for column in columns], dim=1)
    rows: Tensor = _Gather.apply(matrix)  # type: ignore[no-untyped-call]
    pieces = rows.split([column.shape[1] for column in columns], dim=1)
    return {
        key: piece.reshape(len(rows), *tensor.shape[1:]).to(tensor.dtype)
        for (key, tensor), piece in zip(tensors.items(), pieces, strict=True)
    }


class _Gather(torch.autograd.Function):
    """Rows of all processes, in their order."""

    @staticmethod
    def forward(_: Any, rows: Tensor) -> Tensor:  # noqa: ANN401 - a context of autograd
        parts = [torch.empty_like(rows) for _ in range(count())]
        distributed.all_gather(parts, rows)
        return torch.cat(parts)

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:  # noqa: ANN401
        own: Tensor = gradient.chunk(count())[distributed.get_rank()]
        return count() * own


def _spread(packed: Tensor, present: Tensor) -> Tensor:
    """Put (n, E) of present images to (B, M, E), 0 elsewhere."""
    spread = packed.new_zeros(*present.shape, *packed.shape[1:])
    spread[present] = packed
    return spread


def any_of(flag: bool, device: torch.device) -> bool:
    """Whether any process says so; all learn the same."""
    if count() == 1:
        return flag
    told = torch.tensor(float(flag), device=device)
    distributed.all_reduce(told, distributed.ReduceOp.MAX)
    return bool(told)


def share_batch_statistics(module: nn.Module, device: torch.device) -> None:
    """Let batch norms that are trained see the images of all processes, where that can be done.

    Torch cannot on a CPU; there each process normalises by its own images, and says so. A batch
    norm without weights, which is there to standardise, is trained wherever it is.
    """
    trained = any(
        isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d)
        and (not part.affine or part.weight.requires_grad)
        for part in module.modules()
    )
    if count() == 1 or not trained:
        return
    if device.type == "cuda":
        nn.SyncBatchNorm.convert_sync_batchnorm(module)
    elif distributed.get_rank() == 0:
        logger.warning(
            "batch norm on a CPU sees the images of one process, not of all %d; the result is not"
            " that of a single process",
            count(),
        )
