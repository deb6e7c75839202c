"""A rigid face mask of resin or printed plastic, worn.

It shows the victim's face without life: the shape is stiff, fine geometry is smoothed by casting,
the shell has thickness and an edge that stands off the wearer's head, and the wearer's own eyes
move behind holes, a step back in depth. Its size seldom fits the wearer.

Optics: paints and resins are chosen to look like skin in RGB; at 850 nm their reflectance lies
anywhere from that of dark skin to near white, since nothing tunes it, and pigments that make up
brows and lips may vanish there.  # inferred
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from flexpad.synth import person as channels
from flexpad.synth.arrays import Floats, Indices
from flexpad.synth.head import REGION, NormalAverager, head_model
from flexpad.synth.looks import paint_brows
from flexpad.synth.motion import Moment
from flexpad.synth.noise import noise, smoothstep
from flexpad.synth.person import Person, draw_accomplice
from flexpad.synth.render import Part, Scene, Seen
from flexpad.synth.shading import Illumination, Material, shade
from flexpad.synth.view import View, lay_person, person_parts

EYE_HOLE = (0.0160, 0.0070)  # canonical half width and height around the middle of an eye, metres
CLEARANCE = 0.0020  # metres between the shell and the wearer where they are closest


@dataclass(frozen=True, slots=True)
class Shell:
    """Which part of the head's surface a mask covers.

    Attributes:
        triangles: Of the outer surface, vertex numbers of the head, (T, 3).
        used: Vertices of the outer surface, (V,).
        bare: Triangles of the wearer's head that are not hidden under it, (B,).
        rim: Edges of the border, pairs of vertices, (E, 2).
    """

    triangles: NDArray[np.int32]
    used: Indices
    bare: Indices
    rim: NDArray[np.int32]


@cache
def face_shell() -> Shell:
    """Cut the face out of the head, with holes at the eyes."""
    model = head_model()
    middle = model.mean[model.triangles].mean(axis=1)
    side, y = np.abs(middle[:, 0]), middle[:, 1]
    out = _outline(middle)
    eye = ((side - 0.0312) / EYE_HOLE[0]) ** 2 + ((y + 0.001) / EYE_HOLE[1]) ** 2
    keep = (out < 1) & (eye > 1) & (model.regions == REGION["skin"])
    triangles = model.triangles[keep]
    edges = np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    unique, count = np.unique(edges, axis=0, return_counts=True)
    # Near the holes and the border the wearer goes on under the shell, so that no gap opens.
    hidden = keep & (out < 0.85) & (eye > 2.0)
    bare = np.setdiff1d(model.visible_closed, np.flatnonzero(hidden))
    return Shell(triangles, np.unique(triangles), bare, unique[count == 1].astype(np.int32))


@cache
def _smoother() -> sparse.csr_array:
    """One step of averaging each vertex with its neighbours, (N, N)."""
    model = head_model()
    a, b, c = model.triangles.T
    rows = np.concatenate([a, b, b, c, c, a])
    columns = np.concatenate([b, a, c, b, a, c])
    ones = np.ones(len(rows), np.float32)
    size = len(model.mean)
    links = sparse.csr_array((ones, (rows, columns)), shape=(size, size))
    links.data[:] = 1
    degree = np.maximum(links.sum(axis=1), 1)
    return sparse.csr_array(sparse.diags_array((1 / degree).astype(np.float32)) @ links)


@dataclass(frozen=True)
class RigidMask:
    """A mask and who wears it.

    Attributes:
        wearer: Whose head, hair and eyes are seen around and through it.
        victim: Whose face it shows.
        outer: Vertices of its outer surface in the axes of the wearer's head, (N, 3).
        thickness: Of the shell, metres.
        rgb: Reflectance per vertex, (N, 3).
        nir: Likewise at 850 nm, (N,).
        gloss: Strength of its highlights.
        sharpness: Their exponent.
        brows: How strongly brows are painted on, in RGB and at 850 nm.
        phase: Moves all noise, (3,).
        pose_share: 1, it moves with the head.
    """

    wearer: Person
    victim: Person
    outer: Floats
    thickness: float
    rgb: Floats
    nir: Floats
    gloss: float
    sharpness: float
    brows: tuple[float, float]
    phase: Floats
    pose_share: float = 1.0

    def anchors(self, moment: Moment) -> Floats:
        """Outermost points of the mask's face, (n, 3)."""
        points = self.outer[head_model().anchors]
        anchors: Floats = points @ moment.turn.T + moment.place
        return anchors

    def see(self, moment: Moment, light: Illumination, rays: Floats) -> View:
        """Render the mask on the wearer, whose eyes move and whose face is hidden."""
        actions = {k: v for k, v in moment.actions.items() if k.startswith("eye")}
        wearing = replace(moment, actions=actions)
        head, *hair = person_parts(self.wearer, wearing)
        scene = Scene((_uncovered(head), *hair, self._part(moment)))
        view = View.empty(len(rays))
        seen = scene.cast(np.zeros_like(rays), rays)
        shell = seen.pop("mask", None)
        lay_person(view, self.wearer, seen, light, scene, rays, self._lay)
        if shell is not None:
            self._lay(view, shell, light, scene)
        return view

    def _part(self, moment: Moment) -> Part:
        """Outer surface and rim; the rim leads back to the inner surface by the thickness."""
        shell = face_shell()
        count = len(self.outer)
        normals = _shell_normals()(self.outer)
        inner = self.outer - self.thickness * normals
        a, b = shell.rim.T
        rim = np.concatenate(
            [np.stack([a, b, a + count], 1), np.stack([b, b + count, a + count], 1)]
        )
        triangles = np.concatenate([shell.triangles, rim]).astype(np.int32)
        both = np.concatenate([self.outer, inner])
        vertices = (both @ moment.turn.T + moment.place).astype(np.float32)
        place = head_model().mean
        paint = np.concatenate([place, self.rgb, self.nir[:, None]], axis=1)
        facing = normals @ moment.turn.T
        outward = np.concatenate([facing, facing], axis=0)
        attributes = np.concatenate([outward, np.concatenate([paint, 0.6 * paint])], axis=1)
        attributes[count:, 3:6] = place
        return Part("mask", vertices, triangles, attributes.astype(np.float32))

    def _lay(self, view: View, seen: Seen, light: Illumination, scene: Scene) -> None:
        material = self._material(seen)
        lit = shade(seen, material, light, scene)
        face = np.ones(len(seen.ray), np.float32)
        view.lay(seen, lit, face, np.clip(material.nir / 0.4, 0.2, 1))

    def _material(self, seen: Seen) -> Material:
        here = seen.paint[:, :3] + self.phase
        rgb, nir = seen.paint[:, 3:6].copy(), seen.paint[:, 6].copy()
        cover = paint_brows(self.victim, seen.paint[:, :3])
        rgb += (cover * self.brows[0])[:, None] * (self.victim.hair_colour[:3] - rgb)
        nir += cover * self.brows[1] * (0.25 - nir)
        brushed = 1 + 0.02 * noise(here, (0.004, 0.012, 0.004))
        count = len(nir)
        return Material(
            rgb=(rgb * brushed[:, None]).astype(np.float32),
            nir=nir.astype(np.float32),
            gloss=np.full(count, self.gloss, np.float32),
            sharpness=np.full(count, self.sharpness, np.float32),
            scatter=np.full(3, 0.08, np.float32),
            ambient=np.clip(
                self.victim.paint[:, channels.SHADE].mean() * np.ones(count), 0, 1
            ).astype(np.float32),
        )


def _uncovered(head: Part) -> Part:
    """A wearer's head without what the mask hides."""
    model, bare = head_model(), face_shell().bare
    return replace(head, triangles=model.triangles[bare], regions=model.regions[bare])


@cache
def _shell_normals() -> NormalAverager:
    return NormalAverager(face_shell().triangles, len(head_model().mean))


def draw_rigid_mask(rng: np.random.Generator, victim: Person) -> RigidMask:
    """Cast a mask of somebody's face, paint it and put it on somebody else."""
    wearer = draw_accomplice(rng, victim)
    paint = victim.paint
    rgb = paint[:, channels.RGB]
    average = rgb.mean(axis=0)
    detail = rng.uniform(0.5, 1.0)
    tint = np.exp(rng.normal(0, 0.05, 3)) * np.exp(rng.normal(0, 0.12))
    painted = (average + detail * (rgb - average)) * tint
    base = rng.uniform(0.28, 0.88)
    contrast = rng.uniform(0.0, 0.5)
    grey = rgb.mean(axis=1) / rgb.mean()
    return RigidMask(
        wearer=wearer,
        victim=victim,
        outer=_fit(rng, _cast_shape(rng, victim), wearer),
        thickness=float(rng.uniform(0.0012, 0.0035)),
        rgb=np.clip(painted, 0.01, 0.9).astype(np.float32),
        nir=(base * (1 + contrast * (grey - 1))).astype(np.float32),
        gloss=float(rng.uniform(0.3, 1.5)),
        sharpness=float(np.exp(rng.uniform(np.log(8), np.log(90)))),
        brows=(float(rng.uniform(0.6, 1.0)), float(rng.uniform(0.0, 0.9))),
        phase=rng.uniform(0, 1, 3).astype(np.float32),
    )


def _cast_shape(rng: np.random.Generator, victim: Person) -> Floats:
    """The victim's face with a frozen, faint expression and softened detail, (N, 3)."""
    model = head_model()
    smile = float(rng.uniform(0, 0.25))
    vertices = model.express(victim.shape, {"mouthSmileLeft": smile, "mouthSmileRight": smile})
    for _ in range(int(rng.integers(1, 5))):
        vertices = vertices + np.float32(0.5) * (_smoother() @ vertices - vertices)
    return vertices


def _fit(rng: np.random.Generator, shape: Floats, wearer: Person) -> Floats:
    """Scale a mask, push it forward over the wearer's face and bend its border home, (N, 3)."""
    used = face_shell().used
    scaled = shape * np.float32(rng.uniform(0.98, 1.06))
    scaled = scaled + np.array([rng.normal(0, 0.0015), rng.normal(0, 0.002), 0], np.float32)
    into = wearer.shape[used, 2] - scaled[used, 2]
    forward = float(np.quantile(into, 0.60)) + CLEARANCE + rng.uniform(0, 0.003)
    moved = scaled + np.array([0, 0, forward], np.float32)
    # Where the wearer's face is larger the shell was cast over it.
    moved[:, 2] = np.maximum(moved[:, 2], wearer.shape[:, 2] + np.float32(CLEARANCE))
    moved = moved + np.float32(0.6) * (_smoother() @ moved - moved)
    gap = np.float32(rng.uniform(0.001, 0.008))
    home = wearer.shape + gap * head_model().normals(wearer.shape)
    near = smoothstep(0.72, 1.0, _outline(head_model().mean))[:, None]
    fitted = moved + near * (home - moved)
    return np.asarray(fitted, np.float32)


def _outline(places: Floats) -> Floats:
    """How far out canonical places (n, 3) are, 1 at the border of a mask, (n,)."""
    x, y, z = places.T
    oval = np.sqrt((x / 0.079) ** 2 + ((y + 0.026) / 0.104) ** 2)
    return np.asarray(np.maximum(oval, 1 - (z + 0.062) / 0.15), np.float32)
