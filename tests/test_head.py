"""The parametric head: its asset, its steering, its expressions."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files

import numpy as np
import pytest

from flexpad.synth.head import REGION, HeadModel, NormalAverager, Phenotype, head_model
from flexpad.types import BadInput

ASSETS = files("flexpad.synth") / "assets"


@pytest.fixture(scope="module")
def model() -> HeadModel:
    return head_model()


def mean_shape(model: HeadModel, phenotype: Phenotype) -> np.ndarray:
    return model.shape(phenotype.features @ model.regressor)


def width_at(model: HeadModel, shape: np.ndarray, canonical: tuple[float, float, float]) -> float:
    """Distance between a point of the face and its mirror image."""
    left = np.argmin(((model.mean - np.array(canonical)) ** 2).sum(axis=1))
    right = np.argmin(((model.mean - np.array(canonical) * [-1, 1, 1]) ** 2).sum(axis=1))
    return float(np.sqrt(((shape[left] - shape[right]) ** 2).sum()))


def test_asset_is_the_one_its_provenance_describes() -> None:
    content = (ASSETS / "head.npz").read_bytes()
    provenance = json.loads((ASSETS / "head.provenance.json").read_text(encoding="utf-8"))
    assert hashlib.sha256(content).hexdigest() == provenance["sha256"]
    assert len(content) == provenance["bytes"] < 4_000_000
    assert provenance["variance_kept"] > 0.98
    assert provenance["rms_left_mm"] < 1.0
    assert "CC0" in provenance["licence_of_the_data"]
    assert "Apache-2.0" in provenance["licence_of_the_code"]
    assert provenance["command"].startswith("python tools/build_head_model.py")


def test_asset_has_the_parts_it_promises(model: HeadModel) -> None:
    vertices, components = len(model.mean), len(model.components)
    assert components >= 60
    assert model.components.shape == (components, vertices, 3)
    assert model.deviations.shape == (components,)
    assert (np.diff(model.deviations) <= 0).all()
    assert model.actions.shape == (52, vertices, 3)
    assert len(set(model.action_names)) == 52
    assert model.triangles.max() == vertices - 1
    assert set(np.unique(model.regions)) == set(REGION.values())


def test_components_are_orthonormal(model: HeadModel) -> None:
    flat = model.components.reshape(len(model.components), -1)
    assert np.abs(flat @ flat.T - np.eye(len(flat))).max() < 5e-3  # float16


def test_eyes_are_the_origin_and_the_nose_points_to_the_camera(model: HeadModel) -> None:
    eyes = np.isin(model.vertex_region, (REGION["eye_left"], REGION["eye_right"]))
    assert np.abs(model.mean[eyes].mean(axis=0)).max() < 1e-3
    nose = model.mean[np.argmax(model.mean[:, 2])]
    assert abs(nose[0]) < 2e-3
    assert -0.06 < nose[1] < -0.02
    lips = model.mean[model.lips > 0.5]
    assert lips[:, 1].max() < nose[1]


def test_ethnicity_moves_the_mean(model: HeadModel) -> None:
    african, asian, caucasian = (
        mean_shape(model, Phenotype(mixture, 35.0, 0.5))
        for mixture in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    )
    wing = (0.017, -0.045, 0.02)
    assert width_at(model, african, wing) > width_at(model, caucasian, wing) + 0.001
    bridge = np.argmin(((model.mean - [0, -0.005, 0.03]) ** 2).sum(axis=1))
    assert asian[bridge, 2] < caucasian[bridge, 2] - 0.001


def test_men_have_larger_jaws(model: HeadModel) -> None:
    third = (1 / 3, 1 / 3, 1 / 3)
    jaw = (0.055, -0.09, -0.02)
    man = width_at(model, mean_shape(model, Phenotype(third, 35, 1.0)), jaw)
    woman = width_at(model, mean_shape(model, Phenotype(third, 35, 0.0)), jaw)
    assert man > woman + 0.002


def test_age_moves_the_mean(model: HeadModel) -> None:
    third = (1 / 3, 1 / 3, 1 / 3)
    young, middle, old = (
        mean_shape(model, Phenotype(third, age, 0.5)) for age in (20.0, 45.0, 75.0)
    )
    assert np.abs(old - young).max() > np.abs(middle - young).max() > 0.001


def test_samples_scatter_as_the_heads_they_were_made_from(model: HeadModel) -> None:
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(400):
        mixture = rng.dirichlet([0.4, 0.4, 0.4])
        mixture = tuple(float(share) for share in mixture / mixture.sum())
        phenotype = Phenotype(mixture, float(rng.uniform(18, 80)), float(rng.integers(2)))
        drawn.append(model.sample(rng, phenotype))
    coefficients = np.stack(drawn)
    assert np.abs(coefficients.mean(axis=0)).max() < 0.35
    assert np.abs(coefficients.std(axis=0) - 1).mean() < 0.1


def test_every_action_moves_the_face(model: HeadModel) -> None:
    reach = np.sqrt((model.actions**2).sum(axis=2)).max(axis=1)
    assert (reach > 0.002).all()  # metres
    assert (reach < 0.05).all()


def test_the_jaw_opens_downward_and_only_below(model: HeadModel) -> None:
    moved = model.express(model.mean, {"jawOpen": 1.0}) - model.mean
    chin = np.argmin(((model.mean - [0, -0.115, 0.02]) ** 2).sum(axis=1))
    forehead = model.mean[:, 1] > 0.03
    assert moved[chin, 1] < -0.01
    assert np.abs(moved[forehead]).max() < 1e-3


def test_expression_is_linear_and_leaves_its_input(model: HeadModel) -> None:
    before = model.mean.copy()
    half = model.express(model.mean, {"mouthSmileLeft": 0.5}) - model.mean
    full = model.express(model.mean, {"mouthSmileLeft": 1.0}) - model.mean
    assert np.allclose(2 * half, full, atol=1e-6)
    assert np.array_equal(model.mean, before)


def test_normals_of_a_flat_square_point_out_of_it() -> None:
    square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    triangles = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    assert np.allclose(NormalAverager(triangles, 4)(square), [0, 0, 1])


@pytest.mark.parametrize(
    ("mixture", "age", "message"),
    [((0.5, 0.5, 0.5), 30.0, "sum to 1"), ((1.0, 0.0, 0.0), 7.0, "18 and 80")],
)
def test_impossible_phenotypes_are_refused(
    mixture: tuple[float, float, float], age: float, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        Phenotype(mixture, age, 1.0)


def test_an_unknown_action_is_refused(model: HeadModel) -> None:
    with pytest.raises(BadInput, match="wiggleEars"):
        model.express(model.mean, {"wiggleEars": 1.0})
