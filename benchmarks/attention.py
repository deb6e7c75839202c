"""Why bf16 attention on a CPU is written as plain products: both ways, forward and backward.

``forward`` is that of evaluation, with gradients off.

python benchmarks/attention.py
"""

import statistics
import time
from collections.abc import Callable

import torch
from rich.table import Table
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from flexpad.encoders.clip import attend_plainly
from flexpad.log import console

SHAPES = {"small, 60 images": (60, 3, 53, 64), "ViT-B/16, 24 images": (24, 12, 201, 64)}
RUNS = 15


def fused(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Torch's kernel."""
    return scaled_dot_product_attention(q, k, v)


def plain(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Two products, which is what flexpad does on a CPU in bf16."""
    return attend_plainly(q, k, v, causal=False)


def milliseconds(
    way: Callable[[Tensor, Tensor, Tensor], Tensor], shape: tuple[int, ...], dtype: torch.dtype
) -> tuple[float, float]:
    """Median time of a forward pass in evaluation, and of a backward pass."""
    q, k, v = (torch.randn(shape, dtype=dtype, requires_grad=True) for _ in range(3))
    forward, backward = [], []
    for _ in range(RUNS):
        start = time.perf_counter()
        with torch.no_grad():
            way(q, k, v)
        forward.append(time.perf_counter() - start)
        mixed = way(q, k, v)
        middle = time.perf_counter()
        mixed.sum().backward()
        backward.append(time.perf_counter() - middle)
    return 1e3 * statistics.median(forward), 1e3 * statistics.median(backward)


def main() -> None:
    """Print a row a shape, precision and way."""
    table = Table("shape", "precision", "way", "forward ms", "backward ms")
    for name, shape in SHAPES.items():
        for dtype in (torch.bfloat16, torch.float32):
            for way in (fused, plain):
                forward, backward = milliseconds(way, shape, dtype)
                precision = str(dtype).removeprefix("torch.")
                row = (f"{forward:.1f}", f"{backward:.1f}")
                table.add_row(name, precision, way.__name__, *row)
    console.print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    console.print(table)


if __name__ == "__main__":
    main()
