"""Write a whole analysis, or nothing."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from flexpad import __version__, table_file
from flexpad.analyse import projection
from flexpad.analyse.examples import Example, described, examples
from flexpad.analyse.experts import expert_usage
from flexpad.analyse.features import Answers, answers
from flexpad.analyse.figures import projections
from flexpad.analyse.figures.experts import draw_experts
from flexpad.analyse.figures.patches import draw_patches
from flexpad.analyse.markdown import render_markdown
from flexpad.analyse.runs import SCHEMA
from flexpad.analyse.separability import modality_probe, separability
from flexpad.checkpoint import Model
from flexpad.data import protocols
from flexpad.data.manifest import Manifest, sha256
from flexpad.report.figures import style
from flexpad.score import source_commit
from flexpad.types import MODALITIES, SPLITS

Json = dict[str, Any]

NAME = "analysis"
FIGURES = "figures"
FIGURE_NAMES = ("lda", "pca", "experts", "patches")
FEATURES = "features.npz"


def analyse(
    model: Model, manifest: Manifest, out: Path, workers: int = 0, *, features: bool = False
) -> Json:
    """Measure and draw what a trained model's features say of a manifest.

    Writes analysis.json, analysis.md, points.csv and the figures into ``out``; other files there
    stay. They appear when all are finished, analysis.json last.

    Args:
        model: In evaluation mode; the protocol of its recipe is applied to the manifest.
        manifest: As read from a file, with train, dev and test.
        out: Folder, made if it is missing.
        workers: Processes that read images; the result does not depend on it.
        features: Whether to write features.npz too, with the features of all splits.

    Returns:
        The content of analysis.json.

    Raises:
        BadInput: A split or a class is missing, or an image cannot be used; nothing is written.
    """
    rows = protocols.apply(model.recipe.protocol, manifest)
    seen = {split: answers(model, rows.split(split), split, workers) for split in SPLITS}
    content = _about(model, manifest, rows, seen["test"])
    of = {split: found.features for split, found in seen.items()}
    content["separability"] = separability(of)
    content["modality_probe"] = modality_probe(of)
    points, content["projection"] = projection.project(of["train"], seen["test"])
    chosen = examples(model, seen["test"])
    content |= _or_reason("experts", expert_usage(seen["test"]), "the method has no experts")
    told = described(chosen) if chosen else None
    content |= _or_reason("patches", told, "the method gives no patch evidence")
    _write(content, points, chosen, seen if features else {}, out)
    return content


def _about(model: Model, manifest: Manifest, rows: Manifest, test: Answers) -> Json:
    recipe = model.recipe
    parts = (
        "Rendered faces" if rows.is_rendered else "",
        recipe.method.name,
        f"{recipe.protocol} test",
    )
    return {
        "schema": SCHEMA,
        "title": " · ".join(filter(None, parts)),
        "rendered": rows.is_rendered,
        "method": recipe.method.name,
        "protocol": recipe.protocol,
        "encoder": recipe.encoder.name,
        "seed": recipe.seed,
        "weights_sha256": model.sha256,
        "manifest_sha256": sha256(Path(manifest.name)),
        "flexpad": __version__,
        "commit": source_commit(),
        "feature_width": test.features.values.shape[1],
        "test": {
            "n_items": len(test.rows),
            "n_images": len(test.features),
            "n_subjects": test.rows.rows.table["subject_id"].n_unique(),
        },
    }


def _or_reason(name: str, value: Json | None, reason: str) -> Json:
    return {name: value} if value is not None else {name: None, f"{name}_reason": reason}


def _write(
    content: Json,
    points: pl.DataFrame,
    chosen: list[Example],
    seen: Mapping[str, Answers],
    out: Path,
) -> None:
    """Finish everything in a folder of its own, then move it to its place."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{NAME}-", dir=out) as folder:
        draft = Path(folder)
        drawn = _draw(content, points, chosen, draft)
        where = {name: f"{FIGURES}/{name}.png" for name in drawn}
        header = {"schema": SCHEMA, "title": content["title"]}
        filled = points.with_columns(pl.col("lda", "score").fill_nan(None))
        table_file.write(draft / projection.POINTS, header, filled)
        if seen:
            _save_features(seen, draft / FEATURES)
        (draft / f"{NAME}.md").write_text(render_markdown(content, where), encoding="utf-8")
        (draft / f"{NAME}.json").write_text(text, encoding="utf-8")
        _move(draft, out)


def _draw(content: Json, points: pl.DataFrame, chosen: list[Example], draft: Path) -> list[str]:
    """Draw what there is to draw, and name it."""
    (draft / FIGURES).mkdir()
    drawn: dict[str, Figure] = {}
    with style.house_style():
        if content["projection"]["lda_gap"] is not None:
            drawn["lda"] = projections.lda(points, content)
        drawn["pca"] = projections.pca(points, content)
        if content["experts"]:
            drawn["experts"] = draw_experts(content)
        if chosen:
            drawn["patches"] = draw_patches(chosen, content)
        for name, figure in drawn.items():
            style.save(figure, draft / FIGURES / name)
    return list(drawn)


def _save_features(seen: Mapping[str, Answers], path: Path) -> None:
    """All features with what is known of their images, one line an image."""
    columns: dict[str, list[Any]] = {}
    for split, found in seen.items():
        rows = list(found.rows)
        of_images = [rows[item] for item in found.item]
        for name, values in (
            ("features", found.features.values),
            ("split", np.full(len(of_images), split)),
            ("modality", np.array([str(MODALITIES[m]) for m in found.features.modality])),
            ("sample_id", np.array([row.sample_id for row in of_images])),
            ("subject_id", np.array([row.subject_id for row in of_images])),
            ("label", np.array([row.label for row in of_images])),
            ("pai_species", found.features.species),
            ("score", found.scores[found.item]),
        ):
            columns.setdefault(name, []).append(values)
    arrays: dict[str, Any] = {name: np.concatenate(parts) for name, parts in columns.items()}
    np.savez_compressed(path, **arrays)


def _move(draft: Path, out: Path) -> None:
    """Move the figures, drop those of an older analysis, then the rest with the JSON last."""
    (out / FIGURES).mkdir(exist_ok=True)
    for name in FIGURE_NAMES:
        for ending in (".png", ".svg"):
            file = draft / FIGURES / f"{name}{ending}"
            if file.exists():
                file.replace(out / FIGURES / file.name)
            else:
                (out / FIGURES / file.name).unlink(missing_ok=True)
    files = [file for file in draft.iterdir() if file.is_file()]
    for file in sorted(files, key=lambda f: f.name == f"{NAME}.json"):
        file.replace(out / file.name)
