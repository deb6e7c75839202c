"""The command that looks into a trained model's features."""

from __future__ import annotations

from pathlib import Path

from flexpad.cli.arguments import MaybeOut, ModelFolder
from flexpad.log import console


def analyse(
    run: ModelFolder,
    manifest: Path,
    out: MaybeOut = None,
    features: bool = False,
    workers: int = 0,
) -> None:
    """Measure and draw what a trained model's features say: classes, cameras, experts, patches.

    Args:
        run: Folder of a finished run.
        manifest: Rows with train, dev and test; the protocol of the run is applied to them.
        out: Folder for analysis.json, analysis.md, points.csv and the figures; by default
            analysis in the folder of the run.
        features: Write features.npz too, with the features of all images.
        workers: Processes that read images; the result does not depend on it.
    """
    from flexpad import analyse as analyses
    from flexpad import checkpoint
    from flexpad.data import manifest as manifests

    folder = out or run / "analysis"
    content = analyses.analyse(
        checkpoint.load(run), manifests.read(manifest), folder, workers, features=features
    )
    console.print(analyses.render_table(content))
    probe = content["modality_probe"]
    if probe["balanced_accuracy"] is not None:
        console.print(
            f"the modality of a bona fide image is named rightly in"
            f" {probe['balanced_accuracy']:.1%}, by chance in {probe['chance']:.1%}"
        )
    console.print(f"[dim]Everything is in {folder}; start with {folder / 'analysis.md'}[/dim]")
