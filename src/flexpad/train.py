"""The one training loop. It reads from top to bottom, and nothing stands behind it."""

from __future__ import annotations

import json
import math
import shutil
from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from flexpad import checkpoint, config, encoders, history, methods, metrics
from flexpad.data import encoding, protocols
from flexpad.data.balance import BalancedBatches
from flexpad.data.loader import Items, batches, collate, to_device
from flexpad.data.manifest import Manifest
from flexpad.infer import answer
from flexpad.log import logger, progress
from flexpad.methods import Method
from flexpad.recipe import Recipe, TrainRecipe
from flexpad.types import CONDITIONS, BadInput

SINGLE = ("R", "D", "I")  # the epoch is chosen by these, as the paper's table is made of them
STATE = "state"


@dataclass(frozen=True, slots=True)
class Best:
    """The epoch that is kept: lowest dev error, then lowest dev loss."""

    epoch: int = -1
    error: float = math.inf
    loss: float = math.inf

    def beaten_by(self, error: float, loss: float) -> bool:
        """Whether another epoch is better."""
        return (error, loss) < (self.error, self.loss)


@dataclass(frozen=True, slots=True)
class OnDev:
    """What an epoch reaches on dev.

    Attributes:
        error: Equal error rate, mean over R, D and I.
        loss: Cross-entropy, mean over the same.
        eer: Equal error rate of every condition.
    """

    error: float
    loss: float
    eer: dict[str, float]


def train(
    manifest: Manifest, recipe: Recipe, out: Path, *, overwrite: bool = False, workers: int = 0
) -> Best:
    """Train a method on all modalities and keep the epoch that is best on dev.

    Best is the lowest equal error rate, mean over R, D and I; test rows are never touched. Every
    epoch is written down, and a run that was interrupted goes on after its last whole epoch.

    Args:
        manifest: Rows of a data set; the recipe's protocol is applied to them.
        recipe: What to train and how.
        out: Folder of the run.
        overwrite: Begin anew where a finished run or another recipe's state stands.
        workers: Processes that read images; what is trained does not depend on it.

    Raises:
        BadInput: Rows, images or recipe cannot be used, or ``out`` holds another run.
    """
    rows = protocols.apply(recipe.protocol, manifest)
    encoding.check_mixture(rows.split("train"), allowed=recipe.train.mix_encodings)
    resumes = _prepare_folder(out, recipe, overwrite=overwrite)
    settings = recipe.train
    set_seed(recipe.seed)
    encoder = encoders.build(recipe.encoder)
    method = methods.build(recipe.method, encoder)
    checkpoint.save_recipe(out, recipe, encoder)
    accelerator = Accelerator(mixed_precision=settings.mixed_precision)

    size = encoder.clip.config.image_size
    items = Items(rows.split("train"), size, recipe.augment, seed=recipe.seed)
    sampler = BalancedBatches(rows.split("train"), settings, recipe.seed)
    loader = DataLoader(items, batch_sampler=sampler, collate_fn=collate, num_workers=workers)
    dev = Items(rows.split("dev"), size, recipe.augment)
    dev_loader = DataLoader(
        dev, batch_size=4 * settings.pairs, collate_fn=collate, num_workers=workers
    )

    averaged = _averaged(method, settings.ema)
    judged: Method = averaged.module if averaged else method  # type: ignore[assignment]
    optimizer = torch.optim.AdamW(parameter_groups(method, settings), lr=settings.learning_rate)
    steps = settings.epochs * len(sampler)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: learning_rate_factor(step, steps, settings.warmup)
    )
    model, optimizer, schedule = accelerator.prepare(method, optimizer, schedule)
    if averaged:
        averaged.to(accelerator.device)
        accelerator.register_for_checkpointing(averaged)

    best, first = _resume(accelerator, out) if resumes else (Best(), 0)
    with progress("training", steps, unit="steps") as tick:
        tick(first * len(sampler))
        for epoch in range(first, settings.epochs):
            items.epoch = sampler.epoch = epoch
            log = history.EpochLog()
            method.train()
            for step, batch in enumerate(batches(loader)):
                method.schedule((epoch * len(sampler) + step) / steps)
                batch = to_device(batch, accelerator.device)
                evidence = model(batch)
                terms = method.loss(batch, evidence)
                loss = torch.stack(list(terms.values())).sum()
                if not torch.isfinite(loss):
                    raise BadInput(f"epoch {epoch}: the loss is {loss.item()}; lower learning_rate")
                accelerator.backward(loss)
                accelerator.clip_grad_norm_(model.parameters(), settings.clip_norm)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
                if averaged:
                    averaged.update_parameters(method)
                log.add(batch, evidence, terms)
                tick(note=f"epoch {epoch + 1}/{settings.epochs}, loss {loss.item():.3f}")
            judged.eval()
            on_dev = evaluate(judged, dev_loader, dev.manifest, accelerator)
            if best.beaten_by(on_dev.error, on_dev.loss):
                best = Best(epoch, on_dev.error, on_dev.loss)
                checkpoint.save_weights(out, judged, recipe)
            history.append(out, epoch, log, {"dev": asdict(on_dev)})
            _save_state(accelerator, out, best, epoch)
    shutil.rmtree(out / STATE)
    logger.info("kept epoch %d, dev EER %.2f %%", best.epoch + 1, 100 * best.error)
    return best


def _averaged(method: Method, decay: float) -> AveragedModel | None:
    """Make the average of a method's weights over the steps, None where none is asked for."""
    if not decay:
        return None
    return AveragedModel(method, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)


def parameter_groups(method: Method, settings: TrainRecipe) -> list[dict[str, Any]]:
    """Group trainable weights by rate and decay.

    Only matrices decay; prompts, norms, biases, embeddings and single numbers do not.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = defaultdict(list)
    matrices = {
        id(module.weight)
        for module in method.modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    }
    for name, parameter in method.named_parameters():
        if not parameter.requires_grad:
            continue
        factor = settings.router_rate if method.is_router(name) else 1.0
        factor = settings.encoder_rate if name.startswith("clip.") else factor
        decay = settings.weight_decay if id(parameter) in matrices else 0.0
        groups[factor * settings.learning_rate, decay].append(parameter)
    return [
        {"params": parameters, "lr": rate, "weight_decay": decay}
        for (rate, decay), parameters in groups.items()
    ]


def learning_rate_factor(step: int, steps: int, warmup: float) -> float:
    """Rise linearly for a share ``warmup`` of the steps, then fall by a cosine to a thousandth."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    fallen = (step - rising) / max(1, steps - rising)
    return 1e-3 + (1 - 1e-3) * 0.5 * (1 + math.cos(math.pi * min(1.0, fallen)))


@torch.no_grad()
def evaluate(
    method: Method,
    loader: DataLoader[Any],
    dev: Manifest,
    accelerator: Accelerator,
) -> OnDev:
    """Measure a method on dev."""
    answers: dict[str, list[Tensor]] = defaultdict(list)
    for batch in batches(loader):
        with accelerator.autocast():
            found = answer(method, to_device(batch, accelerator.device), CONDITIONS)
        for condition, logits in found.items():
            answers[condition].append(logits.cpu())
    bonafide = np.array([row.is_bonafide for row in dev])
    species = np.array([row.pai_species for row in dev])
    errors, losses = {}, {}
    for condition, parts in answers.items():
        logits = torch.cat(parts)
        items = metrics.presentations(logits.numpy(), bonafide, species)
        rate = metrics.eer(items).rate
        errors[condition] = math.inf if rate is None else rate
        target = torch.from_numpy(bonafide).double()
        losses[condition] = float(
            nn.functional.binary_cross_entropy_with_logits(logits, target).nan_to_num(math.inf)
        )
    error, loss = (
        float(np.mean([of[condition] for condition in SINGLE])) for of in (errors, losses)
    )
    return OnDev(error, loss, errors)


def _prepare_folder(out: Path, recipe: Recipe, *, overwrite: bool) -> bool:
    """Say whether an interrupted run goes on in ``out``; make room for a new one."""
    unfinished = (out / STATE / "best.json").is_file()
    if (out / checkpoint.RECIPE).is_file() and not overwrite:
        if config.load(Recipe, out / checkpoint.RECIPE) != recipe:
            raise BadInput(f"{out}: holds a run of another recipe; choose another folder")
        if not unfinished and (out / checkpoint.WEIGHTS).is_file():
            raise BadInput(f"{out}: holds a finished run; choose another folder or overwrite it")
    if unfinished and not overwrite:
        return True
    shutil.rmtree(out / STATE, ignore_errors=True)
    for stale in (history.FILE_NAME, checkpoint.WEIGHTS, checkpoint.CALIBRATION):
        (out / stale).unlink(missing_ok=True)
    return False


def _save_state(accelerator: Accelerator, out: Path, best: Best, epoch: int) -> None:
    """Write what is needed to go on after this epoch; the marker comes last."""
    marker = out / STATE / "best.json"
    marker.unlink(missing_ok=True)
    accelerator.save_state(str(out / STATE))
    marker.write_text(json.dumps({"next_epoch": epoch + 1, "best": asdict(best)}), encoding="utf-8")


def _resume(accelerator: Accelerator, out: Path) -> tuple[Best, int]:
    saved = json.loads((out / STATE / "best.json").read_text(encoding="utf-8"))
    accelerator.load_state(str(out / STATE))
    return replace(Best(), **saved["best"]), int(saved["next_epoch"])
