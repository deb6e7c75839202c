"""The one training loop. It reads from top to bottom, and nothing stands behind it."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from accelerate.utils import set_seed
from torch.utils.data import DataLoader

from flexpad import checkpoint, encoders, methods, run_folder
from flexpad.data import encoding, protocols
from flexpad.data.balance import BalancedBatches, Parts
from flexpad.data.loader import Items, batches, collate, to_device
from flexpad.data.manifest import Manifest
from flexpad.engine import optimizer, precision, processes, state
from flexpad.engine.average import Average
from flexpad.engine.curves import draw_curves
from flexpad.engine.diary import Diary, Means, Sums, require_board
from flexpad.engine.draws import Draws, seed_step
from flexpad.engine.state import Best, Run
from flexpad.engine.stopping import Stopped, stop_requests
from flexpad.log import progress
from flexpad.methods import Method
from flexpad.objective import LOSS, Objective
from flexpad.recipe import Recipe, TrainRecipe
from flexpad.selection import OnDev, evaluate
from flexpad.types import BadInput

NORM = "gradient_norm"


def train(
    manifest: Manifest,
    recipe: Recipe,
    out: Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    workers: int = 0,
) -> Best:
    """Train a method on all modalities and keep the epoch that is best on dev.

    Best is the lowest equal error rate, mean over R, D and I; test rows are never touched. A method
    that does not train is judged on dev and kept as it is. Started by ``accelerate launch``,
    several processes train one model.

    Args:
        manifest: Rows of a data set; the recipe's protocol is applied to them.
        recipe: What to train and how.
        out: Folder of the run.
        resume: Go on where an unfinished run stands; it ends as if it had never been stopped.
        overwrite: Begin anew where another run stands.
        workers: Processes that read images; what is trained does not depend on it.

    Raises:
        BadInput: Rows, images or recipe cannot be used, ``out`` holds a run that must not be lost
            or was begun otherwise, or the loss is no number.
        Stopped: Ctrl-C or SIGTERM came, and the state is written.
    """
    accelerator = Accelerator(
        cpu=processes.on_cpu(),
        mixed_precision="no",  # only the method itself is cast, see Objective
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )
    device, leads = accelerator.device, accelerator.is_main_process
    recipe = precision.decide(recipe, device)
    settings = recipe.train
    with accelerator.main_process_first():  # so that what is wrong is said once
        rows = protocols.apply(recipe.protocol, manifest)
        encoding.check_mixture(rows.split("train"), allowed=settings.mix_encodings)
        order = BalancedBatches(rows.split("train"), settings, recipe.seed)
        parts = Parts(order, settings.accumulate, *processes.place())
        set_seed(recipe.seed)
        encoder = encoders.build(recipe.encoder)
        method = methods.build(recipe.method, encoder)
        size = encoder.clip.config.image_size
        items = Items(rows.split("train"), size, recipe.augment, seed=recipe.seed)
        dev = Items(rows.split("dev"), size, recipe.augment)
        if leads:
            require_board(settings.tensorboard)
            run_folder.prepare(out, recipe, rows, resume=resume, overwrite=overwrite)
            checkpoint.save_recipe(out, recipe, encoder)

    method.recompute_blocks(settings.checkpoint_activations)
    method.compile_vision(settings.compile)
    processes.share_batch_statistics(method, device)
    objective = Objective(method, settings, device)
    asked = (objective.autocast, device, workers, settings.dev_conditions)
    if not method.trains:
        on_dev = evaluate(method.to(device).eval(), dev, *asked)
        keep_untrained(method, recipe, on_dev, out, leads=leads)
        accelerator.wait_for_everyone()
        return Best(0, on_dev.error, on_dev.loss)
    adam = torch.optim.AdamW(parameter_groups(method, settings))
    model, adam = accelerator.prepare(objective, adam)
    with accelerator.main_process_first():  # so that features are computed once
        shown = objective.shown(items, out / state.FOLDER)
    loader = DataLoader(shown, batch_sampler=parts, collate_fn=collate, num_workers=workers)
    average = Average(method, settings.ema)
    run = Run(out, method, adam, average, run_folder.fingerprint(rows), writes=leads)
    run.restore()
    per_epoch = len(order)
    steps = settings.epochs * per_epoch

    with (
        Diary(out, run.lines, run.step, writes=leads, tensorboard=settings.tensorboard) as diary,
        progress("training", steps, "steps", shown=leads) as tick,
        stop_requests() as stop,
    ):
        tick(run.step)
        for epoch in range(run.epochs, settings.epochs):
            shown.epoch = order.epoch = epoch
            parts.first = run.step - epoch * per_epoch
            stream = batches(loader)
            method.train()
            for step in range(run.step, (epoch + 1) * per_epoch):
                seed_step(recipe.seed, step, accelerator.process_index)
                factor = optimizer.learning_rate_factor(step, steps, settings.warmup)
                optimizer.set_rates(adam, factor)
                means = Means()
                for part, place in enumerate(parts.places, start=1):
                    method.before_step(step / steps, Draws(recipe.seed, step, place))
                    batch = to_device(next(stream), device)
                    last = part == settings.accumulate  # gradients of processes meet once a step
                    with nullcontext() if last else accelerator.no_sync(model):
                        add_gradient(model(batch), means, settings.accumulate)
                norm = accelerator.clip_grad_norm_(model.parameters(), settings.clip_norm)
                means.add({NORM: (norm, torch.ones_like(norm))})
                loss = require_finite(means, epoch, step, leads=leads)
                adam.step()
                adam.zero_grad()
                average.update()
                run.take_in(means)
                tick(note=f"epoch {epoch + 1}/{settings.epochs}, loss {loss:.3f}")
                write_line(diary, run, settings.log_steps)
                rest(run, diary, settings, steps, asked=processes.any_of(stop.made, device))
            write_line(diary, run)
            with average.in_place():
                on_dev = evaluate(method.eval(), dev, *asked)
                if run.judge(on_dev.error, on_dev.loss) and leads:
                    checkpoint.save_weights(run.best_weights, method, recipe)
            diary.write(run.step, run.epochs, dev=asdict(on_dev))
            diary.tabulate()
            run.save(diary.lines)
    if leads:
        draw_curves(out)
        run.finish(out / checkpoint.WEIGHTS)
    accelerator.wait_for_everyone()
    return run.best


def keep_untrained(
    method: Method, recipe: Recipe, on_dev: OnDev, out: Path, *, leads: bool
) -> None:
    """Write a method that has nothing to learn, as what no epoch came before."""
    if not leads:
        return
    with Diary(out, 0, 0, writes=True, tensorboard=recipe.train.tensorboard) as diary:
        diary.write(0, 0, dev=asdict(on_dev))
    draw_curves(out)
    checkpoint.save_weights(out / checkpoint.WEIGHTS, method, recipe)


def add_gradient(sums: Sums, means: Means, parts: int) -> None:
    """Add the gradient of one of so many equal parts of a batch, and what is to be known of it."""
    losses = [total for name, (total, _) in sums.items() if name.startswith(LOSS)]
    (torch.stack(losses).sum() / parts).backward()
    means.add(sums)


def require_finite(means: Means, epoch: int, step: int, *, leads: bool) -> float:
    """Refuse a step that is no number; the only time in a step that the device is waited for.

    Returns:
        The loss.

    Raises:
        BadInput: A term of the loss or the norm of the gradient is infinite or NaN.
    """
    watched = {n: of for n, of in means.sums.items() if n.startswith(LOSS) or n == NORM}
    values = torch.stack([total / count for total, count in watched.values()]).tolist()
    for name, value in zip(watched, values, strict=True):
        if math.isfinite(value):
            continue
        if not leads:  # all processes see the same, and one says it
            raise SystemExit(2)
        term = name.removeprefix(LOSS)
        what = "the gradient" if name == NORM else f"the term {term!r} of the loss"
        raise BadInput(
            f"epoch {epoch + 1}, step {step + 1}: {what} is {value}; try a lower learning_rate, a"
            " longer warmup or mixed_precision no; what was saved before is as it was"
        )
    return float(sum(values[:-1]))  # the norm comes last


def parameter_groups(method: Method, settings: TrainRecipe) -> list[dict[str, Any]]:
    """Group a method's trainable weights: encoder, routers and the rest have rates of their own."""

    def kind_of(name: str) -> str:
        if method.is_encoder(name):
            return "encoder"
        return "router" if method.is_router(name) else "method"

    factors = {"method": 1.0, "encoder": settings.encoder_rate, "router": settings.router_rate}
    rates = {kind: factor * settings.learning_rate for kind, factor in factors.items()}
    return optimizer.parameter_groups(method, kind_of, rates, settings.weight_decay)


def write_line(diary: Diary, run: Run, every: int = 1) -> None:
    """Write the means since the last line, after so many steps and if there was one."""
    means = run.means.take() if run.step % every == 0 else {}
    if means:
        rates = optimizer.rates_by_name(run.optimizer)
        diary.write(run.step, run.epochs + 1, **means, learning_rate=rates)


def rest(run: Run, diary: Diary, settings: TrainRecipe, steps: int, *, asked: bool) -> None:
    """After a step, write the state if it is time, and stop if that is asked for."""
    if asked or run.due(settings.checkpoint_minutes, settings.checkpoint_steps):
        run.save(diary.lines)
    if asked:
        raise Stopped(run.step, steps)
