"""A paper mask folded from a print: the victim's face in flat facets with creases and eye holes.

Paper cannot take a face's double curvature, so such a mask is a polyhedron: corners lie on the
victim's face, a little off where hands folded them, and everything between is flat. The print is
seen facet by facet; along creases the ink cracks and bare paper shows. It is tied over the wearer's
face, whose eyes move behind the holes and whose hair, ears and neck show around it. What it
reflects in RGB and at 850 nm is what prints reflect (``media``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property, partial

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay, KDTree

from flexpad.synth.arrays import Booleans, Floats, Indices
from flexpad.synth.head import REGION, head_model
from flexpad.synth.lights import Illumination
from flexpad.synth.media import Ink, draw_ink
from flexpad.synth.motion import Moment
from flexpad.synth.noise import smoothstep
from flexpad.synth.person import Person, draw_accomplice
from flexpad.synth.photo import FRONTAL, Photo, find_shooting
from flexpad.synth.render import Part, Scene, Seen, unit
from flexpad.synth.shading import shade
from flexpad.synth.shell import eye_distance, see_worn
from flexpad.synth.view import View

BEND = 0.0022  # metres to either side of a crease over which paper bends
RIM = 12  # corners around an eye hole
# Canonical corners, millimetres right and up of the point between the eyes; the face is symmetric.
MIDLINE = (62, 42, 18, -2, -24, -44, -53, -64, -74, -86, -97, -106, -118)
OUTLINE = ((28, 58), (53, 44), (67, 20), (74, -10), (70, -40), (62, -70), (45, -98), (23, -114))
MIDDLE = np.array([0.0, -0.028])  # of the pattern, metres
NOSE = ((8, -12), (8, -27), (17, -46), (11, -54))
FOLDS = (
    (24, 40), (46, 32), (13, 18), (30, 23), (47, 16), (35, -24), (54, -16), (50, -46), (29, -50),
    (41, -72), (26, -74), (14, -65), (14, -84), (21, -98),
)  # fmt: skip


@dataclass(frozen=True)
class PaperMask:
    """A folded mask and who wears it.

    Attributes:
        wearer: Whose eyes, hair, ears and neck are seen.
        photo: What was printed.
        ink: How.
        facets: Corners of every facet in the axes of the wearer's head, (F, 3, 3) metres.
        places: Where they are in the photo, (F, 3, 2) sides from its centre.
        crease: How far the ink has cracked along the edges, 0 to 1.
        edges: Chin, brow and temples of the mask, (4, 3) metres.
        phase: Moves all noise, (3,).
        pose_share: 1, it moves with the head.
        outdoors: It is worn wherever anything is shown.
    """

    wearer: Person
    photo: Photo
    ink: Ink
    facets: Floats
    places: Floats
    crease: float
    edges: Floats
    phase: Floats
    pose_share: float = 1.0
    outdoors: bool = False

    def anchors(self, moment: Moment) -> Floats:
        """Outermost points of the mask's face, (4, 3)."""
        anchors: Floats = self.edges @ moment.turn.T + moment.place
        return anchors

    def see(self, moment: Moment, light: Illumination, rays: Floats) -> View:
        """Render the mask on the wearer, whose eyes move and whose face is hidden."""
        actions = {k: v for k, v in moment.actions.items() if k.startswith("eye")}
        wearing = replace(moment, actions=actions)
        part = self._part(moment)
        lay = partial(self._lay, moment.turn)
        return see_worn(self.wearer, covered(), part, lay, wearing, light, rays)

    @cached_property
    def _flat(self) -> tuple[Floats, Floats]:
        """Normals of facets, (F, 3), and heights of their corners over the edges across, (F, 3)."""
        a, b, c = np.moveaxis(self.facets, 1, 0)
        across = np.cross(b - a, c - a)
        twice = np.sqrt((across**2).sum(axis=1))
        lengths = [np.sqrt(((p - q) ** 2).sum(axis=1)) for p, q in ((b, c), (c, a), (a, b))]
        return unit(across), twice[:, None] / np.stack(lengths, axis=1)

    @cached_property
    def _beyond(self) -> Floats:
        """Normal of the facet beyond the edge across from each corner, (F, 3, 3), or its own."""
        flat, _ = self._flat
        corners = np.round(self.facets.reshape(-1, 3) * 1e5).astype(np.int64)
        number = np.unique(corners, axis=0, return_inverse=True)[1].reshape(-1, 3)
        beyond = np.repeat(flat[:, None], 3, axis=1)
        first: dict[tuple[int, int], tuple[int, int]] = {}
        for facet, ends in enumerate(number):
            for across in range(3):
                one, other = ends[across - 2], ends[across - 1]
                edge = (min(one, other), max(one, other))
                if edge not in first:
                    first[edge] = facet, across
                    continue
                there, opposite = first[edge]
                beyond[facet, across], beyond[there, opposite] = flat[there], flat[facet]
        return beyond

    def _part(self, moment: Moment) -> Part:
        """Facets with a normal each; paint: place in the photo, heights over the three edges."""
        flat, heights = self._flat
        over = heights[:, None, :] * np.eye(3, dtype=np.float32)
        normal = np.repeat((flat @ moment.turn.T)[:, None], 3, axis=1)
        count = len(self.facets)
        attributes = np.concatenate([normal, self.places, over], axis=2).reshape(3 * count, -1)
        vertices = self.facets.reshape(-1, 3) @ moment.turn.T + moment.place
        return Part(
            "mask",
            vertices.astype(np.float32),
            np.arange(3 * count, dtype=np.int32).reshape(-1, 3),
            attributes.astype(np.float32),
            np.arange(count, dtype=np.uint8),
        )

    def _bent(self, seen: Seen, turn: Floats) -> Seen:
        """Points whose normals turn over a crease to those of the facet beyond it."""
        flat, _ = self._flat
        share = np.float32(0.5) * smoothstep(BEND, 0.0, seen.paint[:, 2:5])
        bend = np.einsum("ni,nij->nj", share, (self._beyond - flat[:, None])[seen.region])
        return replace(seen, normal=unit(seen.normal + bend @ turn.T))

    def _lay(self, turn: Floats, view: View, seen: Seen, light: Illumination, scene: Scene) -> None:
        seen = self._bent(seen, turn)
        place, over = seen.paint[:, :2], seen.paint[:, 2:5].min(axis=1)
        picture, _ = self.photo.look_up(place)
        cracked = self.crease * smoothstep(0.0009, 0.0002, over)
        picture = picture + cracked[:, None] * (0.85 - picture)
        flat = place * np.float32(self.photo.size)
        grain = np.concatenate([flat, np.zeros((len(flat), 1), np.float32)], axis=1) + self.phase
        material, echo = self.ink.material(picture, grain)
        lit = shade(seen, material, light, scene)
        view.lay(seen, lit, np.ones(len(flat), np.float32), echo)


@cache
def covered() -> Booleans:
    """Which vertices of a wearer's head the mask hides, (N,)."""
    model = head_model()
    right = np.array([(0, MIDLINE[0]), *OUTLINE, (0, MIDLINE[-1])]) / 1000
    border = np.concatenate([right, right[1:-1] * [-1, 1]]) - MIDDLE
    x, y = (model.mean[:, :2] - MIDDLE).T
    bearings = np.arctan2(border[:, 1], border[:, 0])
    radius = np.interp(np.arctan2(y, x), bearings, np.hypot(*border.T), period=2 * np.pi)
    inside = (np.hypot(x, y) < 0.88 * radius) & (model.mean[:, 2] > -0.07)
    skin = model.vertex_region == REGION["skin"]
    hidden: Booleans = skin & inside & (eye_distance(model.mean) > 2.2)
    return hidden


@cache
def _front() -> tuple[KDTree, Indices]:
    """The vertices that face forward, to look up by their canonical place seen from the front."""
    model = head_model()
    normals = model.normals(model.mean)
    facing = (normals[:, 2] > 0.1) & (model.vertex_region == REGION["skin"])
    numbers = np.flatnonzero(facing & (model.mean[:, 2] > -0.09))
    return KDTree(model.mean[numbers, :2]), numbers


def draw_paper_mask(rng: np.random.Generator, victim: Person) -> PaperMask:
    """Print somebody's face, fold it and tie it over somebody else's."""
    wearer = draw_accomplice(rng, victim)
    photo = find_shooting(rng, victim, FRONTAL).photo(0.0)
    flat, triangles = _pattern(rng)
    tree, numbers = _front()
    near = numbers[tree.query(flat)[1]]
    canonical = head_model().mean[near]
    beside = np.concatenate([flat - canonical[:, :2], np.zeros((len(flat), 1))], axis=1)
    folded = victim.shape[near] + beside + rng.normal(0, rng.uniform(0.0004, 0.0016), beside.shape)
    folded = folded * np.float32(rng.uniform(0.99, 1.07))
    into = wearer.shape[near, 2] - folded[:, 2]
    folded[:, 2] += np.quantile(into, rng.uniform(0.7, 0.95)) + rng.uniform(0.001, 0.006)
    places = photo.where((canonical + beside).astype(np.float32))
    anchors = KDTree(flat).query(head_model().mean[head_model().anchors, :2])[1]
    return PaperMask(
        wearer=wearer,
        photo=photo,
        ink=draw_ink(rng),
        facets=folded[triangles].astype(np.float32),
        places=places[triangles].astype(np.float32),
        crease=float(max(0.0, rng.uniform(-0.35, 0.20))),
        edges=folded[anchors].astype(np.float32),
        phase=rng.uniform(0, 1, 3).astype(np.float32),
    )


def _pattern(rng: np.random.Generator) -> tuple[Floats, NDArray[np.int32]]:
    """Draw where the creases run: canonical corners (P, 2) in metres and facets (F, 3)."""
    kept = [fold for fold in FOLDS if rng.random() > 0.25]
    half = np.array([*OUTLINE, *NOSE, *kept], np.float64)
    corners = np.concatenate(
        [[(0.0, y) for y in MIDLINE], half, half * [-1, 1]]
    ) / 1000  # fmt: skip
    corners += rng.normal(0, 0.0008, corners.shape)
    turns = np.linspace(0, 2 * np.pi, RIM, endpoint=False) + rng.uniform(0, 0.5)
    hole = np.stack([np.cos(turns), np.sin(turns)], axis=1) * [0.0165, 0.0078]
    hole *= rng.uniform(0.9, 1.15)
    eyes = [hole * [side, 1] + [side * 0.0312, -0.001] for side in (-1, 1)]
    near = np.min([np.hypot(*((corners - eye.mean(axis=0)) / [0.021, 0.012]).T) for eye in eyes], 0)
    flat = np.concatenate([corners[near > 1], *eyes])
    triangles = Delaunay(flat).simplices
    # Within a hole all three corners are on one rim; long slivers at the border are cut off.
    first = len(flat) - 2 * RIM
    rim = np.where(np.arange(len(flat)) < first, -1, (np.arange(len(flat)) - first) // RIM)
    inside = (rim[triangles] >= 0).all(axis=1) & (np.ptp(rim[triangles], axis=1) == 0)
    triangles = triangles[~inside]
    a, b, c = (flat[triangles[:, corner]] for corner in range(3))
    turned = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0] < 0
    triangles[turned] = triangles[turned][:, ::-1]
    longest = np.max([np.hypot(*(p - q).T) for p, q in ((a, b), (b, c), (c, a))], axis=0)
    return flat.astype(np.float32), triangles[longest < 0.06].astype(np.int32)
