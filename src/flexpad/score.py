"""Items to a score table, every condition from one pass; can be interrupted and goes on."""

from __future__ import annotations

import csv
import io
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

import torch
from accelerate import PartialState
from torch.utils.data import DataLoader

from flexpad import __version__, score_table
from flexpad.checkpoint import Model
from flexpad.data import protocols
from flexpad.data.loader import Items, batches, collate, to_device
from flexpad.data.manifest import Manifest, Row, sha256
from flexpad.engine import processes
from flexpad.infer import BATCH, answer
from flexpad.log import Ticker, progress
from flexpad.score_parts import Parts
from flexpad.score_table import COLUMNS, GROUP_PREFIX, ScoreTable
from flexpad.types import CONDITIONS, Batch


def score(
    model: Model,
    manifest: Manifest,
    split: str,
    out: Path,
    conditions: Sequence[str] = CONDITIONS,
    workers: int = 0,
) -> ScoreTable:
    """Score the rows of a split in fp32 and write the table.

    The header of the table carries that of the manifest too: its list files with their sha256 and
    its licence. Started by ``accelerate launch``, each of several processes scores a share of the
    rows. They are written as they come to ``<out>.part0`` and so on; an interrupted call with the
    same model and manifest goes on from there, on any number of processes. ``out`` appears when
    everything is scored.

    Args:
        model: What judges.
        manifest: As read from a file; the protocol of the model's recipe is applied to them.
        split: train, dev or test.
        out: The table to write.
        conditions: Which subsets of modalities the model is shown, one after another.
        workers: Processes that read images; the scores do not depend on it.

    Raises:
        BadInput: A row or image cannot be used.
    """
    rows = protocols.apply(model.recipe.protocol, manifest).split(split)
    header = {
        "method": model.recipe.method.name,
        "weights_sha256": model.sha256,
        "manifest_sha256": sha256(Path(manifest.name)),
        **{f"manifest_{key}": value for key, value in manifest.header.items()},
        "conditions": " ".join(conditions),
        "precision": "fp32",
        "provider": f"torch {torch.__version__}",
        "flexpad": __version__,
        "commit": source_commit(),
    }
    groups = [name for name in rows.rows.table.columns if name.startswith(GROUP_PREFIX)]
    samples = rows.rows.table["sample_id"].to_list()
    batches_of = [samples[first : first + BATCH] for first in range(0, len(samples), BATCH)]
    parts = Parts(out, _top(header, groups), len(conditions), batches_of)
    launched = PartialState(cpu=processes.on_cpu())
    out.parent.mkdir(parents=True, exist_ok=True)
    done = parts.finished()
    launched.wait_for_everyone()  # nobody writes before everybody has read
    if launched.is_main_process:
        parts.begin(done)
    launched.wait_for_everyone()
    missing = [number for number, batch in enumerate(batches_of) if batch[0] not in done]
    mine = missing[launched.process_index :: launched.num_processes]
    with (
        parts.of_process(launched.process_index).open("a", encoding="utf-8", newline="") as file,
        progress(
            f"scoring {split}",
            len(done) + sum(len(batches_of[number]) for number in mine),
            shown=launched.is_main_process,
        ) as tick,
    ):
        if not file.tell():
            file.write(parts.top)
        tick(len(done))
        _score_rows(model, launched.device, rows, mine, conditions, groups, file, tick, workers)
    launched.wait_for_everyone()
    if launched.is_main_process:
        parts.merge()
    launched.wait_for_everyone()
    return score_table.read(out)


def source_commit() -> str:
    """Name the commit this code runs from, or ``none`` outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:  # there is no git
        return "none"
    return found.stdout.strip() or "none"


def _score_rows(
    model: Model,
    device: torch.device,
    rows: Manifest,
    mine: Sequence[int],
    conditions: Sequence[str],
    groups: Sequence[str],
    file: TextIO,
    tick: Ticker,
    workers: int,
) -> None:
    """Score those batches of the rows that are this process's, by their numbers."""
    method = model.method.to(device)
    items = Items(rows, model.image_size, model.recipe.augment)
    places = [list(range(number * BATCH, min((number + 1) * BATCH, len(rows)))) for number in mine]
    loader = DataLoader(items, batch_sampler=places, collate_fn=collate, num_workers=workers)
    by_id = {row.sample_id: row for row in rows}
    lines = csv.writer(file, lineterminator="\n")
    for batch in batches(loader):
        answers = answer(method, to_device(batch, device), conditions)
        scores = {name: logits.sigmoid().tolist() for name, logits in answers.items()}
        lines.writerows(_lines(batch, by_id, scores, groups, model.recipe.protocol))
        file.flush()
        tick(len(batch.ids))


def _lines(
    batch: Batch,
    by_id: dict[str, Row],
    scores: dict[str, list[float]],
    groups: Sequence[str],
    protocol_name: str,
) -> Iterable[list[str]]:
    """One line a row and condition; all conditions of a row stand together."""
    for place, sample_id in enumerate(batch.ids):
        row = by_id[sample_id]
        attributes = [row.groups.get(name.removeprefix(GROUP_PREFIX), "") for name in groups]
        for condition, values in scores.items():
            value = values[place]
            yield [
                row.sample_id,
                row.video_id,
                row.subject_id,
                row.dataset,
                protocol_name,
                row.split,
                condition,
                row.label,
                row.pai_species,
                "" if value != value else repr(value),  # NaN is a non-response
                *attributes,
            ]


def _top(header: dict[str, str], groups: Sequence[str]) -> str:
    """Write the comments and the names of the columns."""
    top = io.StringIO()
    top.writelines(f"# {key}: {value}\n" for key, value in header.items())
    csv.writer(top, lineterminator="\n").writerow([*COLUMNS, *groups])
    return top.getvalue()
