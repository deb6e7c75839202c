"""How the speed benches measure: in turns, against this machine's own peak, memory apart."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
import transformers

from flexpad.bench.results import processor
from flexpad.engine.precision import multiplies_bfloat16
from flexpad.score import source_commit

Name = TypeVar("Name", bound=Hashable)
PRECISIONS = ("fp32", "bf16")
# Rows, inner length and columns of the products of which the fastest is the peak.
PRODUCTS = ((1576, 768, 3072), (1576, 3072, 768), (2048, 2048, 2048))
PRODUCTS_CUDA = ((8192, 4096, 4096), (8192, 8192, 8192))


def autocast(precision: str, device: torch.device) -> AbstractContextManager[None]:
    """Give the context in which a precision is measured."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def worth_measuring(device: torch.device) -> list[str]:
    """List the precisions a device has units for; without them bf16 only costs time."""
    return [name for name in PRECISIONS if name == "fp32" or multiplies_bfloat16(device)]


def seconds(call: Callable[[], object], device: torch.device) -> float:
    """Time one call, with all it sets off."""
    _finish(device)
    start = time.perf_counter()
    call()
    _finish(device)
    return time.perf_counter() - start


def in_turns(
    calls: Mapping[Name, Callable[[], object]],
    rounds: int,
    limit: float,
    device: torch.device,
) -> dict[Name, list[float]]:
    """Time every call in every round, each round beginning with another one.

    Two figures of a round were taken under the same conditions, so that their ratio holds on a
    machine whose speed drifts. The first of more than two rounds only warms up.

    Args:
        calls: What is timed, by name.
        rounds: How many are told.
        limit: Seconds after which no round begins, apart from the second.
        device: Where they compute.
    """
    names = list(calls)
    found: dict[Name, list[float]] = {name: [] for name in names}
    start = time.perf_counter()
    for turn in range(rounds + 1):
        if turn > 1 and time.perf_counter() - start > limit:
            break
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            found[name].append(seconds(calls[name], device))
    return {name: times[1:] if len(times) > 2 else times for name, times in found.items()}


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Give the median over rounds of the ratio of two times."""
    return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))


@torch.no_grad()
def peak(precision: str, device: torch.device, rounds: int = 5) -> float:
    """Measure the most floating-point operations a second that a matrix product reaches.

    On a CPU each product is tried as a linear map, which torch gives to its BLAS in fp32, and as
    the same convolution of one pixel, which it gives to oneDNN.
    """
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    best = 0.0
    for rows, inner, columns in PRODUCTS_CUDA if device.type == "cuda" else PRODUCTS:
        left = torch.randn(rows, inner, dtype=dtype, device=device)
        right = torch.randn(columns, inner, dtype=dtype, device=device)
        ways = [lambda a=left, b=right: F.linear(a, b)]
        if device.type == "cpu":
            maps, kernel = left.T[None, :, :, None], right[:, :, None, None]
            ways.append(lambda a=maps, b=kernel: F.conv2d(a, b))
        for way in ways:
            way()
            fastest = min(seconds(way, device) for _ in range(rounds))
            best = max(best, 2 * rows * inner * columns / fastest)
    if device.type == "cuda":
        del left, right, ways, way
        torch.cuda.reset_peak_memory_stats(device)
    return best


def peak_memory(device: torch.device) -> float:
    """Give the most memory this process has had, MB: of the device, or resident on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    status = Path("/proc/self/status")
    if status.is_file():  # what rusage says of a child begins with the peak of its parent
        lines = status.read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def alone(script: str, *arguments: str) -> dict[str, Any]:
    """Run a bench in a process of its own, whose last line is its answer in JSON."""
    command = [sys.executable, script, *arguments]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return answer


def conditions(device: torch.device) -> dict[str, object]:
    """Describe what a row was measured on and with."""
    tuned = sorted(name for name in os.environ if name.startswith("MALLOC_"))
    hardware = torch.cuda.get_device_name(device) if device.type == "cuda" else processor()
    return {
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 1),
        "malloc": "tuned" if tuned else "default",
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "commit": source_commit(),
        "hardware": hardware,
    }


def show(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """Print some columns of rows."""
    cells = [list(columns), *([str(row[column]) for column in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)))
    print(flush=True)


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
