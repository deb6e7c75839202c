"""Contrastive pre-training: a view and its sentence find each other among those of a batch.

The loss is that of Radford et al., "Learning Transferable Visual Models From Natural Language
Supervision", 2021 (arXiv 2103.00020): cross-entropy over both directions, with a learned scale that
is never above 100.
"""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flexpad import config, encoders
from flexpad.encoders import Encoder
from flexpad.encoders.clip import Clip
from flexpad.engine import optimizer as groups
from flexpad.engine import precision, state
from flexpad.engine.average import Average
from flexpad.engine.diary import Diary
from flexpad.engine.state import Run
from flexpad.files import whole_file
from flexpad.log import logger, progress
from flexpad.pretrain import captions, corpus, pairs
from flexpad.pretrain.corpus import Corpus
from flexpad.pretrain.retrieval import retrieval
from flexpad.pretrain.settings import PretrainSettings
from flexpad.types import BadInput

LARGEST_SCALE = 100.0
SETTINGS, RETRIEVAL = "pretrain.yaml", "retrieval.json"
LOG_STEPS, MEASURE_STEPS = 50, 500
SAVE_MINUTES = 2.0


def pretrain(settings: PretrainSettings, out: Path, *, workers: int = 2) -> dict[str, float]:
    """Train a CLIP from random weights on a rendered corpus.

    Args:
        settings: What to train and how.
        out: Folder of the run; an interrupted one goes on where it was last saved. In the end it
            is an encoder that a recipe can name.
        workers: Processes that render.

    Returns:
        Retrieval on held-out views, see :func:`flexpad.pretrain.retrieval.retrieval`.

    Raises:
        BadInput: The folder holds a run of other settings or one that cannot go on, or the loss is
            not finite.
    """
    _claim(out, settings)
    if (out / RETRIEVAL).is_file():  # it was written last
        return dict(json.loads((out / RETRIEVAL).read_text(encoding="utf-8")))
    views = corpus.build(out / "corpus", settings.seed, settings.held_out + settings.views, workers)
    held_out, learned = views.split(settings.held_out)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(settings.seed)
    encoder = Encoder(Clip(settings.clip).to(device), captions.tokenizer())
    rates = {"clip": settings.learning_rate}
    weights = groups.parameter_groups(encoder.clip, lambda _: "clip", rates, settings.weight_decay)
    optimizer = torch.optim.AdamW(weights, betas=(0.9, 0.98))
    run = _go_on(Run(out, encoder.clip, optimizer, Average(encoder.clip, 0.0), rows=""))
    a_round = settings.views // settings.batch
    with (
        Diary(out, run.lines, run.step, writes=True, tensorboard=False) as diary,
        progress("pre-training", settings.steps, unit="steps") as tick,
    ):
        tick(run.step)
        for step in range(run.step, settings.steps):
            loss = _step(encoder, optimizer, settings, learned, step, device)
            run.step += 1
            tick(note=f"loss {loss:.3f}")
            if run.step % LOG_STEPS == 0:
                measured = {"loss": loss, "scale": encoder.clip.log_scale.exp().item()}
                if run.step % MEASURE_STEPS == 0:
                    measured |= retrieval(_evaluated(encoder), held_out)
                diary.write(run.step, step // a_round + 1, **measured)
            if run.due(SAVE_MINUTES, steps=0):
                run.save(diary.lines)
    found = retrieval(_evaluated(encoder), held_out)
    _finish(out, encoder, found)
    return found


def contrastive_loss(images: Tensor, sentences: Tensor, log_scale: Tensor) -> Tensor:
    """Cross-entropy of pairs among each other.

    Args:
        images: Features, (B, P); row k belongs to sentence k.
        sentences: Features, (B, P).
        log_scale: Logarithm of the factor on cosines.
    """
    image, text = (F.normalize(of.float(), dim=-1) for of in (images, sentences))
    match = log_scale.clamp(max=math.log(LARGEST_SCALE)).exp() * image @ text.T
    right = torch.arange(len(match), device=match.device)
    return (F.cross_entropy(match, right) + F.cross_entropy(match.T, right)) / 2


class PartOfPatches:
    """A hook that lets a vision tower see only some patches of each image.

    It halves the work of a step and loses little: Li et al., "Scaling Language-Image Pre-training
    via Masking", CVPR 2023. Features of patches that come out are not to be used.
    """

    def __init__(self, dropped: float, seed: int, step: int) -> None:
        self.dropped = dropped
        self.rng = np.random.default_rng((seed, 4, step))

    def start(self, patches: Tensor, tokens: Tensor) -> None:
        """Do nothing."""

    def before(self, layer: int, tokens: Tensor) -> Tensor:
        """Before the first block, keep the class token and a random choice of patches."""
        if layer:
            return tokens
        count = tokens.shape[1] - 1
        kept = max(1, round((1 - self.dropped) * count))
        order = self.rng.random((len(tokens), count)).argsort(axis=1)[:, :kept] + 1
        places = torch.from_numpy(order).to(tokens.device)[..., None]
        seen = tokens.gather(1, places.expand(-1, -1, tokens.shape[2]))
        return torch.cat([tokens[:, :1], seen], dim=1)

    def beside(self, layer: int, normed: Tensor) -> None:  # noqa: ARG002 - nothing stands there
        """Add nothing."""
        return


def _step(
    encoder: Encoder,
    optimizer: torch.optim.Optimizer,
    settings: PretrainSettings,
    learned: Corpus,
    step: int,
    device: torch.device,
) -> float:
    """Update the weights once."""
    clip = encoder.clip.train()
    factor = groups.learning_rate_factor(step, settings.steps, settings.warmup)
    groups.set_rates(optimizer, factor)
    rows = pairs.rows_of_step(len(learned.images), settings.batch, settings.seed, step)
    shown = pairs.draw_pairs(
        learned, rows, settings.image_size, encoder.tokenizer, settings.seed, step
    )
    words, ends = shown.words.to(device), shown.ends.to(device)
    hook = None
    if settings.dropped and step < (1 - settings.whole) * settings.steps:
        hook = PartOfPatches(settings.dropped, settings.seed, step)
    mixed = precision.resolve(settings.mixed_precision, device) == "bf16"
    with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
        image = clip.vision(shown.images.to(device), hook).image
        text = clip.text(clip.text.words(words), ends)
    loss = contrastive_loss(image, text, clip.log_scale)
    if not torch.isfinite(loss):
        raise BadInput(f"step {step}: the loss is {loss.item()}; lower learning_rate")
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(clip.parameters(), settings.clip_norm)
    optimizer.step()
    return loss.item()


def _evaluated(encoder: Encoder) -> Encoder:
    encoder.clip.eval()
    return encoder


def _claim(out: Path, settings: PretrainSettings) -> None:
    """Make the folder this run's, or see that it is."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / SETTINGS
    if not path.is_file():
        path.write_text(config.dump(settings), encoding="utf-8")
    elif config.load(PretrainSettings, path) != settings:
        raise BadInput(f"{path}: is of a run with other settings; choose another folder")


def _go_on(run: Run) -> Run:
    """Go back to what was saved last, if anything was."""
    try:
        run.restore()
    except (BadInput, KeyError) as error:  # damaged, or of an older version
        folder = run.folder / state.FOLDER
        raise BadInput(f"{folder}: cannot be read; delete it, and the run begins anew") from error
    if run.step:
        logger.info("goes on after step %d", run.step)
    return run


def _finish(out: Path, encoder: Encoder, found: dict[str, float]) -> None:
    """Write the weights as an encoder; drop what only an unfinished run needs."""
    encoders.save(out, encoder, half=True)
    with whole_file(out / RETRIEVAL) as partial:
        partial.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(out / state.FOLDER, ignore_errors=True)
