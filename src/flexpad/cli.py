"""The command line. Each command is one call of a public function; torch loads only when needed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import tyro
from rich.text import Text
from tyro.conf import Positional

from flexpad import __version__
from flexpad.log import console, errors
from flexpad.synth.config import SynthConfig
from flexpad.types import MODALITIES, BadInput, Decision, Modality, Outcome

EXIT = {Outcome.BONAFIDE: 0, Outcome.ATTACK: 1, Outcome.NO_RESPONSE: 2}

app = tyro.extras.SubcommandApp()
Out = Annotated[Path, tyro.conf.arg(aliases=["-o"])]
Image = Annotated[Path | None, tyro.conf.arg(metavar="FILE")]
Folder = Annotated[Positional[Path], tyro.conf.arg(metavar="FOLDER")]
ModelFolder = Annotated[Positional[Path], tyro.conf.arg(metavar="MODEL")]
ManifestFile = Annotated[Positional[Path], tyro.conf.arg(metavar="MANIFEST.csv")]
DevTable = Annotated[Positional[Path], tyro.conf.arg(metavar="DEV.csv")]
TestTable = Annotated[Positional[Path], tyro.conf.arg(metavar="TEST.csv")]
DataSet = Annotated[Positional[str], tyro.conf.arg(metavar="NAME")]


@app.command
def synth(
    out: Folder,
    config: Annotated[SynthConfig, tyro.conf.arg(name="")] = SynthConfig(),  # noqa: B008 - frozen
    workers: int = 2,
) -> None:
    """Render faces and attacks in RGB, depth and IR, in the layout of CASIA-SURF.

    Args:
        out: Folder to write; an interrupted rendering goes on.
        config: What to render.
        workers: Processes; the files do not depend on it.
    """
    from flexpad.synth.generate import generate

    done = generate(out, config, workers)
    console.print(f"rendered to {out}" if done else f"{out} is rendered already")


@app.command
def data(name: DataSet, root: Folder, out: Out, protocol: str | None = None) -> None:
    """Index a data set: from its folder to a manifest.

    Args:
        name: The data set, e.g. casia_surf.
        root: Where it lies.
        out: The manifest to write.
        protocol: Keep only the rows of a protocol such as surf@1, and check it.
    """
    from flexpad import readers
    from flexpad.data import manifest as manifests
    from flexpad.data import protocol as protocols

    manifest = readers.READERS[name](root)
    if protocol:
        manifest = protocols.apply(protocol, manifest)
    out.parent.mkdir(parents=True, exist_ok=True)
    manifests.write(manifest, out)
    console.print(f"{len(manifest)} rows in {out}")


@app.command
def train(manifest: ManifestFile, out: Out, recipe: str = "demo", overwrite: bool = False) -> None:
    """Train a method on all modalities; the epoch is chosen on dev.

    Args:
        manifest: Rows to train on.
        out: Folder of the run; an interrupted one goes on.
        recipe: A .yaml file, or the name of a built-in recipe.
        overwrite: Begin anew where another run stands.
    """
    from flexpad import recipes
    from flexpad.data import manifest as manifests
    from flexpad.train import train as run

    rows = manifests.read(manifest)
    best = run(rows, recipes.find(recipe), out, overwrite=overwrite)
    console.print(f"kept epoch {best.epoch + 1}: EER {best.error:.1%} on dev, mean over R, D and I")


@app.command
def score(model: ModelFolder, manifest: ManifestFile, split: str, out: Out) -> None:
    """Score a split with a trained model, in all seven conditions.

    Args:
        model: Folder of a finished run.
        manifest: Rows to score.
        split: train, dev or test.
        out: The score table to write; an interrupted one is continued.
    """
    from flexpad import checkpoint
    from flexpad.data import manifest as manifests
    from flexpad.score import score as run

    table = run(checkpoint.load(model), manifests.read(manifest), split, out)
    console.print(f"{table.rows.height} scores in {out}")


@app.command
def report(
    dev: DevTable,
    test: TestTable,
    out: Out,
    rule: str = "eer@dev",
    unit: str = "frame",
) -> None:
    """Measure test at thresholds chosen on dev. Any system's scores will do.

    Args:
        dev: Score table the thresholds come from.
        test: Score table that is measured.
        out: Folder for report.json, report.md, calibration.json and the figure.
        rule: Operating point: eer@dev, bpcer<=0.01@dev, apcer_max<=0.05@dev, fixed:0.5, ...
        unit: frame or video.
    """
    from flexpad import report as reports
    from flexpad import score_table

    figures = reports.report(score_table.read(dev), score_table.read(test), out, rule, unit)
    console.print(reports.render_table(figures))


@app.command
def check(
    model: ModelFolder,
    rgb: Image = None,
    depth: Image = None,
    ir: Image = None,
) -> int:
    """Judge one presentation. Exit code 0 bona fide, 1 attack, 2 no response or error.

    Args:
        model: Folder of a finished run with a calibration.json.
        rgb: Face crop in colour.
        depth: The same view in depth.
        ir: The same view in infrared.
    """
    from flexpad import checkpoint
    from flexpad.check import check as judge

    given = dict(zip(MODALITIES, (rgb, depth, ir), strict=True))
    paths: dict[Modality, Path] = {m: path for m, path in given.items() if path is not None}
    decision = judge(checkpoint.load(model), paths)
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


@app.command
def demo(out: Out = Path("runs/demo")) -> None:
    """Render, train, score and report on rendered faces, in minutes on two cores.

    Args:
        out: Folder for everything; what is rendered there is used again.
    """
    from flexpad.demo import demo as run

    run(out)


@app.command
def version() -> None:
    """Print the version."""
    console.print(__version__)


def main() -> None:
    """Run the command line; bad input is one line on stderr and exit code 2."""
    try:
        code = app.cli(prog="flexpad", description="Face PAD on any subset of RGB, depth and IR.")
    except BadInput as error:
        errors.print(Text(f"flexpad: {error}"), soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        errors.print("flexpad: stopped; the same command goes on where it stopped")
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)
