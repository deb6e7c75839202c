"""Build the parametric head of the renderer from the package ``anny``.

The package itself never imports ``anny``: this tool writes one small asset and a file that says
where it comes from. It needs an environment of its own::

    python -m venv head-env && head-env/bin/pip install "anny==0.6.2"
    head-env/bin/python tools/build_head_model.py

The same version of ``anny`` and the same seed give the same asset up to rounding in torch.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import anny
import numpy as np
import torch
from anny.face_segmentation import get_face_segmentation_mask
from anny.paths import get_anny_root_dir
from PIL import Image

ASSETS = Path(__file__).parents[1] / "src" / "flexpad" / "synth" / "assets"

# Region number of a triangle -> labels of anny's own segmentation. What is kept of the label
# "body" (neck and shoulders) becomes region 6.
REGIONS = {
    "skin": ("head",),
    "eye_left": ("eye_front.L", "eye_back.L"),
    "eye_right": ("eye_front.R", "eye_back.R"),
    "eye_socket": ("eye_cavity.L", "eye_cavity.R"),
    "mouth": ("mouth_cavity",),
    "tongue": ("tongue",),
    "neck": ("body",),
}
# Soft vertex weights: painted masks that MPFB ships in texture space.
WEIGHT_MASKS = {"lips": "mpfb_lips.jpg", "eyelids": "mpfb_eyelids.jpg", "ears": "mpfb_ears.jpg"}
LOCAL_CHANGES = (
    "cheek",
    "chin-",
    "ear-",
    "eyebrows-",
    "eye-",
    "forehead-",
    "head-",
    "mouth-",
    "neck-",
    "nose-",
    "measure-neck-circ",
)
LOCAL_DEVIATION = 0.28  # of a local change, whose range is -1 to 1
LOCAL_ASYMMETRY = 0.25  # how far left and right go their own way, relative to the deviation
NECK_DROP = 0.19  # metres below the eyes down to which neck and shoulders are kept
NECK_HALF_WIDTH = 0.17  # metres; arms are not kept
PHENOTYPE_FEATURES = ("african", "asian", "caucasian", "age", "age2", "sex", "age_sex")


def main() -> None:
    """Sample heads, find their principal components, write the asset and its provenance."""
    options = _options()
    torch.manual_seed(options.seed)
    model = anny.Anny(phenotypes="all", local_changes="all", facial_actions="all")
    model = model.to(dtype=torch.float32)
    mesh = _cut_out_head(model)
    features, heads = _sample_heads(model, mesh, options.samples, options.seed)
    arrays, figures = _principal_components(features, heads, options.components)
    arrays["actions"] = _facial_actions(model, mesh)
    arrays |= {name: mesh[name] for name in ("triangles", "regions", "rims")}
    arrays |= {
        f"weight_{name}": _sample_mask(model, mesh, WEIGHT_MASKS[name]) for name in WEIGHT_MASKS
    }
    names = {
        "region_names": list(REGIONS),
        "action_names": list(model.facial_action_labels),
        "phenotype_features": list(PHENOTYPE_FEATURES),
    }
    path = options.out / "head.npz"
    _write_npz(path, arrays, names)
    _write_provenance(path, options, figures)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=2400, help="heads to sample")
    parser.add_argument("--components", type=int, default=100, help="identity components to keep")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ASSETS)
    return parser.parse_args()


def _vertices(model: anny.Anny, **kwargs: Mapping[str, float]) -> np.ndarray:
    """All vertices of one head in camera axes: x right, y up, z toward the camera, metres."""
    with torch.no_grad():
        vertices = model(**kwargs)["vertices"][0].numpy()
    return np.stack([vertices[:, 0], vertices[:, 2], -vertices[:, 1]], axis=1)


def _neutral(**changes: float) -> dict[str, float]:
    phenotype = {"african": 1 / 3, "asian": 1 / 3, "caucasian": 1 / 3}
    others = ("gender", "muscle", "weight", "height", "proportions", "cupsize", "firmness")
    return {**dict.fromkeys(others, 0.5), **phenotype, "age": 2 / 3, **changes}


def _cut_out_head(model: anny.Anny) -> dict[str, np.ndarray]:
    """Choose the triangles of the head, renumber their vertices, find the rims of the eyelids."""
    all_faces = np.asarray(model.faces)
    vertices = _vertices(model, phenotype_kwargs=_neutral())
    region = np.full(len(all_faces), 255, np.uint8)
    for number, labels in enumerate(REGIONS.values()):
        region[get_face_segmentation_mask(model, list(labels)).numpy()] = number
    eyes = np.unique(all_faces[(region == 1) | (region == 2)])
    centroid = vertices[all_faces].mean(axis=1) - vertices[eyes].mean(axis=0)
    near = (centroid[:, 1] > -NECK_DROP) & (np.abs(centroid[:, 0]) < NECK_HALF_WIDTH)
    keep = (region < 6) | ((region == 6) & near)
    used, triangles = np.unique(all_faces[keep], return_inverse=True)
    triangles = triangles.reshape(-1, 3).astype(np.uint16)
    regions = region[keep]
    return {
        "used": used,
        "triangles": triangles,
        "regions": regions,
        "rims": _lid_rims(triangles, regions, vertices[used]),
        "eyes": np.unique(triangles[(regions == 1) | (regions == 2)]),
        "kept": np.flatnonzero(keep),
    }


def _lid_rims(triangles: np.ndarray, regions: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """Mark where lid skin meets the socket, (N,) uint8: 1 upper rim, 2 lower rim, 0 elsewhere."""
    rims = np.zeros(len(vertices), np.uint8)
    skin = np.unique(triangles[regions == 0])
    socket = np.unique(triangles[regions == 3])
    rim = np.intersect1d(skin, socket)
    for side in (rim[vertices[rim, 0] < 0], rim[vertices[rim, 0] >= 0]):
        x, y = vertices[side, 0], vertices[side, 1]
        # The line between the corners of the eye parts the upper from the lower rim.
        inner, outer = np.argmin(x), np.argmax(x)
        line = y[inner] + (x - x[inner]) * (y[outer] - y[inner]) / (x[outer] - x[inner])
        rims[side] = np.where(y >= line, 1, 2)
    return rims


def _sample_heads(
    model: anny.Anny, mesh: Mapping[str, np.ndarray], samples: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Sample adult heads over all phenotypes and local changes.

    Returns:
        Phenotype features, (S, 7), and vertices around the middle of the eyes, (S, N, 3).
    """
    rng = np.random.default_rng(seed)
    local = [name for name in model.local_change_labels if any(k in name for k in LOCAL_CHANGES)]
    features, heads = [], []
    for _ in range(samples):
        mixture = rng.dirichlet([0.4, 0.4, 0.4])
        age = 2 / 3 + rng.uniform(-7 / 65, 55 / 65) / 3  # 18 to 80 years: young is 25, old is 90
        sex = float(np.clip(rng.integers(2) + rng.normal(0, 0.12), 0, 1))  # 1 = male
        phenotype = _neutral(
            african=mixture[0],
            asian=mixture[1],
            caucasian=mixture[2],
            age=age,
            gender=1 - sex,
            weight=rng.beta(2, 2),
            muscle=rng.beta(2, 2),
        )
        vertices = _vertices(
            model, phenotype_kwargs=phenotype, local_changes_kwargs=_local_changes(rng, local)
        )[mesh["used"]]
        heads.append((vertices - vertices[mesh["eyes"]].mean(axis=0)).astype(np.float32))
        decades = (years_of(age) - 40) / 20
        features.append([*mixture, decades, decades**2, sex - 0.5, decades * (sex - 0.5)])
    return np.array(features), np.stack(heads)


def years_of(age: float) -> float:
    """Turn anny's age, where 2/3 is MakeHuman's "young" (25) and 1 is "old" (90), into years."""
    return 25 + (age - 2 / 3) * 3 * 65


def _local_changes(rng: np.random.Generator, names: list[str]) -> dict[str, float]:
    """Draw local changes; what exists for left and right is nearly, not exactly, the same."""
    shared = {name.removeprefix("l-").removeprefix("r-") for name in names}
    centre = {name: rng.normal(0, LOCAL_DEVIATION) for name in sorted(shared)}
    changes = {}
    for name in names:
        key = name.removeprefix("l-").removeprefix("r-")
        own = rng.normal(0, LOCAL_DEVIATION * LOCAL_ASYMMETRY) if name != key else 0.0
        changes[name] = float(np.clip(centre[key] + own, -1, 1))
    return changes


def _principal_components(
    features: np.ndarray, heads: np.ndarray, count: int
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Reduce heads to a mean and components, and regress the coefficients on the phenotype."""
    flat = heads.reshape(len(heads), -1).astype(np.float64)
    mean = flat.mean(axis=0)
    _, values, directions = np.linalg.svd(flat - mean, full_matrices=False)
    deviations = values[:count] / np.sqrt(len(heads) - 1)
    components = directions[:count]
    coefficients = (flat - mean) @ components.T / deviations
    regressor, *_ = np.linalg.lstsq(features, coefficients, rcond=None)
    residual = coefficients - features @ regressor
    spread = np.linalg.cholesky(np.cov(residual.T) + 1e-6 * np.eye(count))
    shape = (-1, heads.shape[1], 3)
    left = flat - mean - (coefficients * deviations) @ components
    figures = {
        "variance_kept": float((values[:count] ** 2).sum() / (values**2).sum()),
        "rms_left_mm": float(
            1e3 * np.sqrt((left.reshape(len(left), *shape[1:]) ** 2).sum(axis=-1).mean())
        ),
        "variance_explained_by_phenotype": float(
            1 - ((residual * deviations) ** 2).sum() / ((coefficients * deviations) ** 2).sum()
        ),
    }
    arrays = {
        "mean": mean.reshape(shape[1:]).astype(np.float16),
        "components": components.reshape(shape).astype(np.float16),
        "deviations": deviations.astype(np.float16),
        "phenotype_regressor": regressor.astype(np.float16),
        "residual_cholesky": spread.astype(np.float16),
    }
    return arrays, figures


def _facial_actions(model: anny.Anny, mesh: Mapping[str, np.ndarray]) -> np.ndarray:
    """Displacement of every vertex by each facial action at full strength, (A, N, 3) metres."""
    phenotype = _neutral()
    neutral = _vertices(model, phenotype_kwargs=phenotype)
    moved = [
        _vertices(model, phenotype_kwargs=phenotype, facial_actions={name: 1.0}) - neutral
        for name in model.facial_action_labels
    ]
    actions = np.stack(moved)[:, mesh["used"]]
    actions[np.abs(actions) < 2e-5] = 0  # a fiftieth of a millimetre: zeros compress
    return actions.astype(np.float16)


def _sample_mask(model: anny.Anny, mesh: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """Look up a mask of MPFB at the texture coordinates of the vertices, (N,) in [0, 1]."""
    image = Image.open(get_anny_root_dir() / "data" / "mpfb2" / "textures" / name).convert("L")
    pixels = np.asarray(image, np.float32) / 255
    coordinates = model.texture_coordinates.numpy()
    corners = np.asarray(model.face_texture_coordinate_indices)[mesh["kept"]]
    texture = np.zeros((len(mesh["used"]), 2))
    texture[mesh["triangles"].reshape(-1)] = coordinates[corners.reshape(-1)]
    height, width = pixels.shape
    column = np.clip(np.round(texture[:, 0] * width), 0, width - 1).astype(int)
    row = np.clip(np.round((1 - texture[:, 1]) * height), 0, height - 1).astype(int)
    return np.where(pixels[row, column] > 0.05, pixels[row, column], 0).astype(np.float16)


def _write_npz(
    path: Path, arrays: Mapping[str, np.ndarray], names: Mapping[str, list[str]]
) -> None:
    """Write a compressed npz whose bytes depend on its content only, not on the clock."""
    entries = {**arrays, **{name: np.array(values) for name, values in names.items()}}
    partial = path.with_name(path.name + ".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(entries):
            buffer = io.BytesIO()
            np.save(buffer, entries[name], allow_pickle=False)
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy"),
                buffer.getvalue(),
                compress_type=zipfile.ZIP_DEFLATED,
            )
    partial.replace(path)


def _write_provenance(
    path: Path, options: argparse.Namespace, figures: Mapping[str, float]
) -> None:
    provenance = {
        "asset": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "bytes": path.stat().st_size,
        "package": "anny",
        "version": version("anny"),
        "licence_of_the_code": "Apache-2.0 (NAVER Corp.)",
        "licence_of_the_data": "CC0-1.0 (MakeHuman and MPFB2 assets that anny ships)",
        "source": "https://github.com/naver/anny, https://arxiv.org/abs/2511.03589",
        "command": "python tools/build_head_model.py"
        f" --samples {options.samples} --components {options.components} --seed {options.seed}",
        "samples": options.samples,
        "components": options.components,
        **{name: round(value, 4) for name, value in figures.items()},
    }
    text = json.dumps(provenance, indent=2) + "\n"
    path.with_name("head.provenance.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
