"""Prints on paper and cloth that show a face, whole or with somebody looking through holes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from flexpad.synth.arrays import Floats, Indices
from flexpad.synth.cut import (
    Hole,
    Mesh,
    Peeper,
    dimming,
    draw_holes,
    draw_peeper,
    mesh_sheet,
    through_holes,
)
from flexpad.synth.hand import Hand, draw_hand
from flexpad.synth.lights import Illumination
from flexpad.synth.media import Medium, draw_cloth, draw_ink
from flexpad.synth.motion import Moment
from flexpad.synth.person import Person
from flexpad.synth.photo import FRONTAL, SHARE, Photo, find_shooting
from flexpad.synth.render import Part, Scene, Seen
from flexpad.synth.shading import shade
from flexpad.synth.surface import Surface, drape_cloth, roll_paper, surface_normals
from flexpad.synth.view import View, lay_head

PAPER_POINTS, CLOTH_POINTS = (22, 22), (48, 48)
# A photo that is to be cut and looked through is taken almost straight on, so less of the pose is
# in the photo and more in the hand; together they stay the same.  # inferred
CUT_SHARE = FRONTAL
LOW, CORNERS = (-0.95, -0.25), (0.70, 0.95)  # where paper and cloth are held
BODY = 0.10  # metres from the eyes of who looks through holes back to the shoulders  # inferred
SHADED = np.float32(0.15)  # share of the light of the place that reaches them behind a print
NOSE_TIP = np.array([[0.0, -0.044, 0.047]], np.float32)


@dataclass(frozen=True)
class Print:
    """A print in somebody's hands.

    Attributes:
        photo: What it shows.
        half: Half width and half height, metres.
        surface: The shape it takes.
        mesh: It, flat, with its holes.
        medium: How the picture becomes reflectance.
        thickness: Metres, of which the rims of holes show something.
        phase: Moves all noise, (3,).
        hand: Who holds it.
        holes: Cut into it.
        peeper: Who looks through its holes, or None.
        photo_share: Share of the spread of poses that is in the photo.
        outdoors: Whether it is shown outdoors only; otherwise wherever anything is shown.
    """

    photo: Photo
    half: tuple[float, float]
    surface: Surface
    mesh: Mesh
    medium: Medium
    thickness: float
    phase: Floats
    hand: Hand
    holes: tuple[Hole, ...] = ()
    peeper: Peeper | None = None
    photo_share: float = SHARE
    outdoors: bool = False

    @property
    def pose_share(self) -> float:
        """Share of the pose of a recording that is left for the hand; the photo has the rest."""
        return float(np.sqrt(1 - self.photo_share**2))

    def anchors(self, moment: Moment) -> Floats:
        """Outermost points of the shown face, (n, 3)."""
        flat = self.photo.anchors * np.float32(self.photo.size)
        return _to_camera(self.surface.lift(flat, moment.seconds), moment)

    def see(self, moment: Moment, light: Illumination, rays: Floats) -> View:
        """Render the print, the fingers that hold it and, through its holes, who is behind."""
        scene = self._scene(moment.seconds).at(moment.turn, moment.place)
        seen = scene.cast(np.zeros_like(rays), rays)
        view = View.empty(len(rays))
        if self.peeper is not None:
            eye = -moment.place @ moment.turn
            inside = np.flatnonzero(through_holes(self._rims, eye, rays @ moment.turn))
            scene = Scene((self.peeper.part(moment),), scene)
            found = scene.cast(np.zeros_like(rays[inside]), rays[inside]).get("head")
            if found is not None:
                self._look_through(
                    view, replace(found, ray=inside[found.ray]), moment, light, scene
                )
                # A nose may stick out of its hole.
                seen = {k: s.pick(-s.position[:, 2] < view.depth[s.ray]) for k, s in seen.items()}
            self._look_past(view, inside, moment, light, rays)
            view.face[inside] = 1.0  # a parser knows where a face's eyes are
        if "sheet" in seen:
            self._lay(view, seen["sheet"], light, scene)
        if "hand" in seen:
            self.hand.lay(view, seen["hand"], light, scene)
        return view

    @cached_property
    def _rims(self) -> tuple[Floats, ...]:
        return tuple(self.surface.lift(hole.contour, 0.0) for hole in self.holes)

    def _scene(self, seconds: float) -> Scene:
        """The print and who holds it at a moment, in the axes of the print."""
        return Scene((self._part(seconds), self.hand.part)) if self.surface.moves else self._still

    @cached_property
    def _still(self) -> Scene:
        return Scene((self._part(0.0), self.hand.part))

    @property
    def _triangles(self) -> NDArray[np.int32]:
        """The mesh and, around its holes, walls that lead back by its thickness."""
        mesh, count = self.mesh, len(self.mesh.flat)
        if not len(mesh.rim):
            return mesh.triangles
        a, b = mesh.rim.T
        number = np.full(count, -1)
        rim = np.unique(mesh.rim)
        number[rim] = count + np.arange(len(rim))
        wall = np.concatenate(
            [np.stack([a, b, number[a]], 1), np.stack([b, number[b], number[a]], 1)]
        )
        return np.concatenate([mesh.triangles, wall]).astype(np.int32)

    def _part(self, seconds: float) -> Part:
        """The print in its own axes at a moment.

        Paint is the place on the flat sheet and whether it is the bare paper of a cut.
        """
        mesh = self.mesh
        normals = surface_normals(self.surface, mesh.flat, seconds)
        points = self.surface.lift(mesh.flat, seconds)
        points = points + mesh.curl[:, None] * normals
        bare = np.zeros(len(mesh.flat), np.float32)
        flat = mesh.flat
        if len(mesh.rim):
            rim = np.unique(mesh.rim)
            back = points[rim] - np.float32(self.thickness) * normals[rim]
            points, normals = (
                np.concatenate([points, back]),
                np.concatenate([normals, normals[rim]]),
            )
            flat = np.concatenate([flat, flat[rim]])
            bare = np.concatenate([bare, np.ones(len(rim), np.float32)])
        attributes = np.concatenate([normals, flat, bare[:, None]], axis=1).astype(np.float32)
        return Part("sheet", points.astype(np.float32), self._triangles, attributes)

    def _lay(self, view: View, seen: Seen, light: Illumination, scene: Scene) -> None:
        flat, bare = seen.paint[:, :2], seen.paint[:, 2:]
        picture, face = self.photo.look_up(flat / np.float32(self.photo.size))
        if self.holes:
            picture = picture + bare * (1 - picture)
        place = np.concatenate([flat, np.zeros_like(bare)], axis=1) + self.phase
        material, echo = self.medium.material(picture, place)
        rgb, nir = shade(seen, material, light, scene)
        behind = np.clip(-(seen.normal @ light.key), 0, 1) * np.float32(self.medium.through)
        if behind.any():
            rgb = rgb + behind[:, None] * picture * light.key_colour
            nir = nir + behind * np.float32(light.infrared_key) * material.nir
        view.lay(seen, (rgb, nir), face, echo)

    def _look_through(
        self, view: View, seen: Seen, moment: Moment, light: Illumination, scene: Scene
    ) -> None:
        """Lay the live parts that show through the holes, darker the deeper they are."""
        assert self.peeper is not None
        lay_head(view, self.peeper.person, seen, light, scene)
        local = (seen.position - moment.place) @ moment.turn
        paper = self.surface.lift(local[:, :2].astype(np.float32), moment.seconds)[:, 2]
        dim = dimming((paper - local[:, 2]).astype(np.float32))
        view.rgb[seen.ray] *= dim[:, None]

    def _look_past(
        self, view: View, inside: Indices, moment: Moment, light: Illumination, rays: Floats
    ) -> None:
        """Lay the shaded clothes of who is behind where one looks past the head through a hole."""
        assert self.peeper is not None
        past = inside[np.isinf(view.depth[inside])]
        if not len(past):
            return
        eye, axis = -moment.place @ moment.turn, moment.turn[:, 2]
        reach = (self.peeper.place[2] - BODY - eye[2]) / (rays[past] @ axis)
        cloth = self.peeper.person.clothes.cloth
        view.rgb[past] = SHADED * cloth[:3] * (light.sky + light.ground)
        view.nir[past] = cloth[3] * (
            light.flash / reach**2 + SHADED * (light.infrared_sky + light.infrared_key)
        )
        view.depth[past], view.solid[past] = reach, 1
        view.echo[past] = np.clip(cloth[3] / 0.4, 0.2, 1)


def _to_camera(points: Floats, moment: Moment) -> Floats:
    placed: Floats = points @ moment.turn.T + moment.place
    return placed.astype(np.float32)


def _draw_photo(rng: np.random.Generator, person: Person, share: float) -> Photo:
    """Pick a photo of somebody and how large it is printed: about life size."""
    photo = find_shooting(rng, person, share).photo(0.0)
    return replace(photo, scale=float(rng.uniform(0.88, 1.06)))


def _draw_half(rng: np.random.Generator, photo: Photo) -> tuple[float, float]:
    """Draw how a photo is trimmed: a sheet's edge comes close to the face now and then."""
    across, along = rng.uniform(0.80, 1.0, 2) * photo.size / 2
    return float(across), float(along)


def draw_print(rng: np.random.Generator, person: Person, bent: bool) -> Print:
    """A photo print, held as flat as hands hold paper or bent around a face."""
    photo = _draw_photo(rng, person, SHARE)
    half, surface = _draw_half(rng, photo), roll_paper(rng, bent)
    return Print(
        photo=photo,
        half=half,
        surface=surface,
        mesh=mesh_sheet(half, PAPER_POINTS, []),
        medium=draw_ink(rng),
        thickness=0.0,
        phase=rng.uniform(0, 1, 3).astype(np.float32),
        hand=draw_hand(rng, person, half, False, LOW, surface),
    )


def draw_cut_print(rng: np.random.Generator, person: Person, parts: str, bent: bool) -> Print:
    """A photo print with parts cut out (``e``, ``en`` or ``enm``) and somebody else behind it."""
    photo = _draw_photo(rng, person, CUT_SHARE)
    half = _draw_half(rng, photo)
    holes = draw_holes(rng, photo, parts)
    mesh, surface = mesh_sheet(half, PAPER_POINTS, holes), roll_paper(rng, bent)
    if "n" not in parts:
        nose = photo.where(NOSE_TIP)[0] * photo.size
        pressed = (float(nose[0]), float(nose[1]), rng.uniform(0, 0.024), rng.uniform(0.03, 0.07))
        surface = replace(surface, pressed=pressed)
    peeper = draw_peeper(rng, person, holes, mesh, surface)
    return Print(
        photo=photo,
        half=half,
        surface=surface,
        mesh=mesh,
        medium=draw_ink(rng),
        thickness=float(rng.choice([0.0002, 0.0004, 0.0010])),
        phase=rng.uniform(0, 1, 3).astype(np.float32),
        hand=draw_hand(rng, person, half, False, LOW, surface),
        holes=tuple(holes),
        peeper=peeper,
        photo_share=CUT_SHARE,
    )


def draw_cloth_print(rng: np.random.Generator, person: Person, outdoors: bool) -> Print:
    """A photo printed on cloth, held by its upper corners; outdoors it moves in the wind."""
    photo = _draw_photo(rng, person, SHARE).bled(float(rng.uniform(0.0006, 0.0020)))
    half = _draw_half(rng, photo)
    surface = drape_cloth(rng, half, windy=outdoors)
    return Print(
        photo=photo,
        half=half,
        surface=surface,
        mesh=mesh_sheet(half, CLOTH_POINTS, []),
        medium=draw_cloth(rng),
        thickness=0.0,
        phase=rng.uniform(0, 1, 3).astype(np.float32),
        hand=draw_hand(rng, person, half, False, CORNERS, surface),
        outdoors=outdoors,
    )
