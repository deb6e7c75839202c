"""Commands that need a model: training, scoring, judging, and the demo that does all of it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from rich.text import Text

from flexpad.cli.arguments import Image, ManifestFile, ModelFolder, Out
from flexpad.log import console, errors, launched, leads
from flexpad.types import MODALITIES, Decision, Modality, Outcome

EXIT = {Outcome.BONAFIDE: 0, Outcome.ATTACK: 1, Outcome.NO_RESPONSE: 2}


def train(
    manifest: ManifestFile,
    out: Out,
    recipe: str = "demo",
    resume: bool = False,
    overwrite: bool = False,
    workers: int = 0,
) -> int:
    """Train a method on all modalities; the epoch is chosen on dev.

    Args:
        manifest: Rows to train on.
        out: Folder of the run.
        recipe: A .yaml file, or the name of a built-in recipe.
        resume: Go on where an unfinished run stands, with what it was begun with.
        overwrite: Begin anew where another run stands.
        workers: Processes that read images; the result does not depend on it.
    """
    from flexpad import recipes
    from flexpad.data import manifest as manifests
    from flexpad.engine.stopping import Stopped
    from flexpad.train import train as run

    rows, chosen = manifests.read(manifest), recipes.find(recipe)
    try:
        best = run(rows, chosen, out, resume=resume, overwrite=overwrite, workers=workers)
    except Stopped as stopped:
        if leads():
            words = [word for word in sys.argv[1:] if word not in ("--overwrite", "--resume")]
            program = "… -m flexpad" if launched() else "flexpad"  # … is the launcher
            again = f"{program} {shlex.join(words)} --resume"
            errors.print(
                Text(f"flexpad: {stopped} and saved; go on with\n  {again}"), soft_wrap=True
            )
        return 130
    if leads():
        console.print(f"kept epoch {best.epoch}: EER {best.error:.1%} on dev, mean over R, D and I")
    return 0


def score(
    model: ModelFolder, manifest: ManifestFile, split: str, out: Out, workers: int = 0
) -> None:
    """Score a split with a trained model, in all seven conditions.

    Args:
        model: Folder of a finished run.
        manifest: Rows to score.
        split: train, dev or test.
        out: The score table to write; an interrupted one is continued.
        workers: Processes that read images; the scores do not depend on it.
    """
    from flexpad import checkpoint
    from flexpad.data import manifest as manifests
    from flexpad.score import score as run

    table = run(checkpoint.load(model), manifests.read(manifest), split, out, workers=workers)
    if leads():
        console.print(f"{table.rows.height} scores in {out}")


def check(
    model: ModelFolder,
    rgb: Image = None,
    depth: Image = None,
    ir: Image = None,
    depth_encoding: str = "",
    ir_encoding: str = "",
) -> int:
    """Judge one presentation. Exit code 0 bona fide, 1 attack, 2 no response or error.

    Args:
        model: Folder of a finished run with a calibration.json.
        rgb: Face crop in colour.
        depth: The same view in depth.
        ir: The same view in infrared.
        depth_encoding: What its values mean, e.g. mm:300-1500; needed for more than 8 bits.
        ir_encoding: Likewise, e.g. limits:0-4095.
    """
    from flexpad import checkpoint
    from flexpad.check import check as judge

    given = dict(zip(MODALITIES, (rgb, depth, ir), strict=True))
    paths: dict[Modality, Path] = {m: path for m, path in given.items() if path is not None}
    encodings = {Modality.DEPTH: depth_encoding, Modality.IR: ir_encoding}
    decision = judge(checkpoint.load(model), paths, encodings)
    _print_decision(decision)
    return EXIT[decision.outcome]


def _print_decision(decision: Decision) -> None:
    colour = {Outcome.BONAFIDE: "green", Outcome.ATTACK: "red"}.get(decision.outcome, "yellow")
    console.print(Text(decision.outcome.value, style=f"bold {colour}"), Text(decision.reason))
    if decision.score is not None and decision.threshold is not None:
        console.print(
            f"score {decision.score:.4f}, threshold {decision.threshold:.4f}"
            f" ({decision.operating_point}), seen {decision.condition}"
        )
    if decision.probability is not None:
        console.print(
            f"{decision.probability:.1%} probable bona fide, were every second presentation an"
            " attack"
        )


def demo(out: Out = Path("runs/demo")) -> None:
    """Render, train, score and report on rendered faces, in minutes on two cores.

    Args:
        out: Folder for everything; what is rendered there is used again.
    """
    from flexpad.demo import demo as run

    run(out)
