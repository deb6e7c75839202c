"""The parametric head: who somebody is and what the face does, as vertices in metres.

Axes are the camera's: x right in the image, y up, z toward the camera; the origin is between the
eyes. Letters: N vertices, T triangles, K identity components, A facial actions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import ConvexHull

from flexpad.synth.arrays import Floats, Indices
from flexpad.synth.render import rotation
from flexpad.types import BadInput

ETHNICITIES = ("african", "asian", "caucasian")
REGION = {
    "skin": 0,
    "eye_left": 1,
    "eye_right": 2,
    "eye_socket": 3,
    "mouth": 4,
    "tongue": 5,
    "neck": 6,
}
# What belongs to a face, in canonical coordinates: from chin to forehead, whose upper edge is an
# arch (its height falls by so much times the square of what is aside), in front of the ears.
FACE_HEIGHT, ARCH, FACE_BACK = (-0.122, 0.074), 6.5, -0.042
VIEWS = [(yaw, pitch) for yaw in np.linspace(-1.2, 1.2, 9) for pitch in (-0.5, 0.0, 0.5)]  # radians


@dataclass(frozen=True, slots=True)
class Phenotype:
    """What an evaluation may break rates down by.

    Attributes:
        mixture: Shares of african, asian and caucasian descent; they add up to 1.
        age: In years, 18 to 80.
        male: 1 = male, 0 = female.
    """

    mixture: tuple[float, float, float]
    age: float
    male: float

    def __post_init__(self) -> None:
        if abs(sum(self.mixture) - 1) > 1e-3 or min(self.mixture) < 0:
            raise BadInput(
                f"phenotype: mixture {self.mixture} should be three shares that sum to 1"
            )
        if not 18 <= self.age <= 80:
            raise BadInput(f"phenotype: age {self.age} should be between 18 and 80 years")

    @property
    def ethnicity(self) -> str:
        """The largest share of the mixture."""
        return ETHNICITIES[int(np.argmax(self.mixture))]

    @property
    def features(self) -> Floats:
        """What the regressor was fitted on, (7,); see ``tools/build_head_model.py``."""
        decades, sex = (self.age - 40) / 20, self.male - 0.5
        values = [*self.mixture, decades, decades**2, sex, decades * sex]
        return np.array(values, np.float32)


@dataclass(frozen=True)
class HeadModel:
    """The asset ``head.npz``.

    Attributes:
        mean: The mean head, (N, 3). Also the canonical coordinates of every vertex.
        components: Identity components, orthonormal, (K, N, 3).
        deviations: Standard deviation along each component, (K,) metres.
        regressor: From phenotype features to coefficients in deviations, (7, K).
        spread: Cholesky factor of what the phenotype does not explain, (K, K).
        actions: Displacement by each facial action at full strength, (A, N, 3).
        action_names: Their ARKit names, A of them.
        triangles: Vertex numbers, (T, 3).
        regions: Region of each triangle, (T,), numbered as in ``REGION``.
        rims: Edge of the eyelids per vertex, (N,): 1 upper, 2 lower, 0 elsewhere.
        lips: Soft mask per vertex, (N,) in [0, 1].
        eyelids: Likewise.
        ears: Likewise.
    """

    mean: Floats
    components: Floats
    deviations: Floats
    regressor: Floats
    spread: Floats
    actions: Floats
    action_names: tuple[str, ...]
    triangles: NDArray[np.int32]
    regions: NDArray[np.uint8]
    rims: NDArray[np.uint8]
    lips: Floats
    eyelids: Floats
    ears: Floats

    @cached_property
    def action_number(self) -> Mapping[str, int]:
        """Where each action stands."""
        return {name: number for number, name in enumerate(self.action_names)}

    @cached_property
    def visible(self) -> NDArray[np.int32]:
        """Triangles that a camera in front can see, without the depths of sockets and eyes."""
        depth = self.mean[self.triangles, 2].max(axis=1)
        deep = (self.regions == REGION["eye_socket"]) & (depth < 0.001)
        back_of_eye = np.isin(self.regions, (1, 2)) & (depth < 0.003)
        return np.flatnonzero(~(deep | back_of_eye)).astype(np.int32)

    @cached_property
    def visible_closed(self) -> NDArray[np.int32]:
        """Of these, the ones that are left when the lips are closed.

        The lips of some people do not quite meet, so the inside of the mouth stays.
        """
        seen: NDArray[np.int32] = self.visible[self.regions[self.visible] != REGION["tongue"]]
        return seen

    @cached_property
    def vertex_region(self) -> NDArray[np.uint8]:
        """Region of each vertex, (N,); where regions meet, the one with the lower number."""
        region = np.full(len(self.mean), 255, np.uint8)
        for number in sorted(REGION.values(), reverse=True):
            region[self.triangles[self.regions == number].reshape(-1)] = number
        return region

    @cached_property
    def anchors(self) -> Indices:
        """Vertices that are on the contour of the face from some side, (n,)."""
        low, high = FACE_HEIGHT
        x, y, z = self.mean.T
        high = high - ARCH * x**2
        face = (self.vertex_region == REGION["skin"]) & (y > low) & (y < high) & (z > FACE_BACK)
        numbers = np.flatnonzero(face)
        seen = [self.mean[numbers] @ rotation(yaw, pitch, 0.0).T for yaw, pitch in VIEWS]
        outer = [ConvexHull(points[:, :2]).vertices for points in seen]
        return numbers[np.unique(np.concatenate(outer))]

    @cached_property
    def normals(self) -> NormalAverager:
        """Turns vertices of this head into vertex normals."""
        return NormalAverager(self.triangles, len(self.mean))

    def sample(self, rng: np.random.Generator, phenotype: Phenotype) -> Floats:
        """Draw the coefficients of somebody with this phenotype, (K,) in standard deviations."""
        own = self.spread @ rng.standard_normal(len(self.deviations)).astype(np.float32)
        return phenotype.features @ self.regressor + own

    def shape(self, coefficients: Floats) -> Floats:
        """Vertices of a neutral face with these coefficients (K,), (N, 3)."""
        # einsum, not BLAS: the sum must not depend on how many threads there are
        moved = np.einsum("k,kvx->vx", coefficients * self.deviations, self.components)
        shape: Floats = self.mean + moved
        return shape

    def express(
        self, shape: Floats, actions: Mapping[str, float], only: Indices | None = None
    ) -> Floats:
        """Move a neutral face by facial actions.

        Args:
            shape: The face, (N, 3).
            actions: Their strengths from 0 to 1.
            only: Vertices that are wanted, (n,), or None for all.

        Returns:
            The moved vertices, (n, 3).

        Raises:
            BadInput: An action has no such name.
        """
        wanted = slice(None) if only is None else only
        moved = shape[wanted].copy()
        for name, strength in actions.items():
            if name not in self.action_number:
                raise BadInput(f"facial action {name!r} is unknown")
            moved += np.float32(strength) * self.actions[self.action_number[name]][wanted]
        return moved


@cache
def head_model() -> HeadModel:
    """Load the asset, once per process."""
    path = files("flexpad.synth") / "assets" / "head.npz"
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as asset:
        arrays = {name: asset[name] for name in asset.files}
    wide = {
        name: value.astype(np.float32)
        for name, value in arrays.items()
        if value.dtype == np.float16
    }
    return HeadModel(
        mean=wide["mean"],
        components=wide["components"],
        deviations=wide["deviations"],
        regressor=wide["phenotype_regressor"],
        spread=wide["residual_cholesky"],
        actions=wide["actions"],
        action_names=tuple(str(name) for name in arrays["action_names"]),
        triangles=arrays["triangles"].astype(np.int32),
        regions=arrays["regions"],
        rims=arrays["rims"],
        lips=wide["weight_lips"],
        eyelids=wide["weight_eyelids"],
        ears=wide["weight_ears"],
    )


class NormalAverager:
    """Turns vertices into smooth vertex normals; the bookkeeping is done once per topology."""

    def __init__(self, triangles: NDArray[np.int32], vertices: int) -> None:
        self._triangles = triangles
        rows = triangles.reshape(-1)
        columns = np.repeat(np.arange(len(triangles)), 3)
        ones = np.ones(len(rows), np.float32)
        self._gather = sparse.csr_array((ones, (rows, columns)), shape=(vertices, len(triangles)))

    def __call__(self, vertices: Floats) -> Floats:
        """Normals weighted by area, (N, 3), from vertices (N, 3)."""
        a, b, c = (vertices[self._triangles[:, corner]] for corner in range(3))
        (ux, uy, uz), (vx, vy, vz) = (b - a).T, (c - a).T
        cross = np.stack([uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx], axis=1)
        normals: Floats = self._gather @ cross
        length = np.sqrt((normals**2).sum(axis=1, keepdims=True))
        return np.asarray(normals / np.maximum(length, 1e-12), np.float32)
