"""What reaches the camera before any sensor: a person seen by rays, composed into a view."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from flexpad.synth.arrays import Booleans, Floats
from flexpad.synth.hair import Hair
from flexpad.synth.head import REGION, head_model
from flexpad.synth.lights import Illumination
from flexpad.synth.looks import hair_material, head_material
from flexpad.synth.motion import Moment
from flexpad.synth.noise import smoothstep
from flexpad.synth.person import Person
from flexpad.synth.render import Camera, Part, Scene, Seen, facing_camera
from flexpad.synth.shading import Material, shade
from flexpad.synth.teeth import mouth_open

EYE_ECHO = 0.14  # inferred
PASSED = 0.85  # share of the light at 850 nm that passes a lens both ways
COLLAR = -0.150  # canonical height at which a face parser lets go of the neck, metres


@dataclass
class View:
    """Light and distance per sample of a square of the picture; H samples a side.

    Attributes:
        rgb: Radiance, (H * H, 3).
        nir: Radiance at 850 nm, (H * H,).
        depth: Metres along the axis of the camera, (H * H,); infinite where nothing is.
        solid: How much of a sample anything covers, (H * H,) in [0, 1]; the rest is the room.
        face: How much of a sample a perfect face parser calls face, (H * H,) in [0, 1].
        echo: Share of its own light a depth sensor can use, (H * H,).
    """

    rgb: Floats
    nir: Floats
    depth: Floats
    solid: Floats
    face: Floats
    echo: Floats

    @classmethod
    def empty(cls, count: int) -> View:
        """Nothing but darkness."""
        return cls(
            rgb=np.zeros((count, 3), np.float32),
            nir=np.zeros(count, np.float32),
            depth=np.full(count, np.inf, np.float32),
            solid=np.zeros(count, np.float32),
            face=np.zeros(count, np.float32),
            echo=np.zeros(count, np.float32),
        )

    def spread(self, where: Booleans) -> View:
        """The same among more rays, of which it had some (R,); nothing is where it had none."""
        whole = View.empty(len(where))
        for name in ("rgb", "nir", "depth", "solid", "face", "echo"):
            getattr(whole, name)[where] = getattr(self, name)
        return whole

    def lay(
        self,
        seen: Seen,
        light: tuple[Floats, Floats],
        face: Floats,
        echo: Floats,
        opacity: Floats | None = None,
    ) -> None:
        """Lay points over what is there.

        Args:
            seen: The points, n of them.
            light: Their radiance in RGB, (n, 3), and at 850 nm, (n,).
            face: How much of them a face parser calls face, (n,).
            echo: Their depth echo, (n,).
            opacity: (n,) in [0, 1], or None if nothing shines through.
        """
        ray, rgb, nir = seen.ray, *light
        before, here = self.depth[ray], -seen.position[:, 2]
        if opacity is None:
            self.rgb[ray], self.nir[ray], self.depth[ray] = rgb, nir, here
            self.solid[ray], self.face[ray], self.echo[ray] = 1, face, echo
            return
        self.rgb[ray] += opacity[:, None] * (rgb - self.rgb[ray])
        self.nir[ray] += opacity * (nir - self.nir[ray])
        self.face[ray] += opacity * (face - self.face[ray])
        self.solid[ray] += opacity * (1 - self.solid[ray])
        # Where something is behind, half covered is half way; where nothing is, all or nothing.
        behind = np.isfinite(before)
        mixed = np.where(behind, before, 0) * (1 - opacity) + here * opacity
        self.depth[ray] = np.where(behind, mixed, np.where(opacity > 0.4, here, np.inf))
        self.echo[ray] += opacity * (echo - self.echo[ray])


def person_anchors(person: Person, moment: Moment) -> Floats:
    """Outermost points of a person's face in camera axes, (n, 3) metres."""
    model = head_model()
    points = model.express(person.shape, moment.actions, model.anchors)
    anchors: Floats = points @ moment.turn.T + moment.place
    return anchors


def person_parts(person: Person, moment: Moment) -> tuple[Part, ...]:
    """Put a person in front of the camera: the head, then what is seen of all else."""
    model = head_model()
    vertices = model.express(person.shape, moment.actions)
    normals = model.normals(vertices)
    if person.beard.any():
        vertices = vertices + person.beard[:, None] * normals
    attributes = np.concatenate([normals @ moment.turn.T, person.paint], axis=1)
    moved = (vertices @ moment.turn.T + moment.place).astype(np.float32)
    speaks = mouth_open(moment.actions)
    kept = model.visible if speaks else model.visible_closed
    kept = kept[facing_camera(moved, model.triangles[kept])]
    hidden = person.clothes.covered
    if person.hair is not None:
        hidden = hidden | person.hair.buried
    kept = kept[~hidden[model.triangles[kept]].all(axis=1)]
    parts = [Part("head", moved, model.triangles[kept], attributes, model.regions[kept])]
    if speaks:
        parts.append(person.teeth.part(moment))
    if person.hair is not None:
        parts.append(_hair_part(person.hair, moment))
    if person.glasses is not None:
        parts.append(person.glasses.part(moment))
    return (*parts, person.clothes.part(moment))


def _hair_part(hair: Hair, moment: Moment) -> Part:
    vertices = (hair.vertices @ moment.turn.T + moment.place).astype(np.float32)
    height = hair.vertices[:, 1:2]
    attributes = np.concatenate([hair.normals @ moment.turn.T, hair.paint, height], axis=1)
    triangles = hair.triangles
    if hair.is_cap:
        triangles = triangles[facing_camera(vertices, triangles)]
    return Part("hair", vertices, triangles, attributes.astype(np.float32))


def see_person(person: Person, moment: Moment, light: Illumination, rays: Floats) -> View:
    """Render a person.

    Args:
        person: Who.
        moment: Where, and with which expression.
        light: The light of the place.
        rays: Directions from the camera, (R, 3).

    Returns:
        A view of R samples.
    """
    view = View.empty(len(rays))
    scene = Scene(person_parts(person, moment))
    lay_person(view, person, scene.cast(np.zeros_like(rays), rays), light, scene, rays)
    lay_lenses(view, person, moment, light, rays)
    return view


def lay_person(
    view: View,
    person: Person,
    seen: Mapping[str, Seen],
    light: Illumination,
    scene: Scene,
    rays: Floats,
    lay_mask: Callable[[View, Seen, Illumination, Scene], None] | None = None,
) -> None:
    """Lay a head over a view and hair, through which the head shines, over the head.

    Args:
        view: What is laid on.
        person: Who.
        seen: The points of the person's parts.
        light: The light of the place.
        scene: Everything that throws shadows.
        rays: All directions from the camera, (R, 3).
        lay_mask: Lays the part ``mask`` where hair hangs in front of it.
    """
    hair = seen.get("hair")
    strands = None if hair is None or person.hair is None else hair_material(person.hair, hair)
    if hair is not None and strands is not None:
        behind = _behind(scene, hair.pick(strands[1] < 0.97), rays)
        _lay_solid(view, person, behind, light, scene)
        if "hair" in behind and person.hair is not None:  # a second layer, below it no third
            material, opacity, streaks = hair_material(person.hair, behind["hair"])
            dense = (material, np.maximum(opacity, 0.9), streaks)
            _lay_hair(view, behind["hair"], dense, light, scene)
        if lay_mask is not None and "mask" in behind:
            lay_mask(view, behind["mask"], light, scene)
    _lay_solid(view, person, seen, light, scene)
    if hair is not None and strands is not None:
        _lay_hair(view, hair, strands, light, scene)


def _behind(scene: Scene, hair: Seen, rays: Floats) -> dict[str, Seen]:
    """What is behind the hair, with rays numbered as in the full list."""
    directions = rays[hair.ray]
    origins = hair.position + 0.0004 * directions
    found = scene.cast(origins, directions)
    return {
        name: Seen(hair.ray[s.ray], s.position, s.normal, s.paint, s.region)
        for name, s in found.items()
    }


def _lay_solid(
    view: View, person: Person, seen: Mapping[str, Seen], light: Illumination, scene: Scene
) -> None:
    """Lay everything that nothing shines through: head, teeth, clothes, the frame of glasses."""
    lay_head(view, person, seen.get("head"), light, scene)
    if "teeth" in seen:
        teeth = seen["teeth"]
        lit = shade(teeth, person.teeth.material(teeth), light, scene)
        count = np.ones(len(teeth.ray), np.float32)
        view.lay(teeth, lit, count, np.float32(0.5) * count)
    if "clothes" in seen:
        cloth, material = person.clothes.material(seen["clothes"])
        lit = shade(cloth, material, light, scene)
        echo = np.clip(material.nir / 0.4, 0.2, 1)
        view.lay(cloth, lit, np.zeros_like(echo), echo)
    if "glasses" in seen and person.glasses is not None:
        material, echo = person.glasses.material(seen["glasses"])
        lit = shade(seen["glasses"], material, light, scene)
        view.lay(seen["glasses"], lit, np.ones_like(echo), echo)


def lay_lenses(
    view: View, person: Person, moment: Moment, light: Illumination, rays: Floats
) -> None:
    """Lay the lenses of glasses, if a person wears any, over everything behind them."""
    glasses = person.glasses
    if glasses is None:
        return
    ray, reach, normal = glasses.find_lenses(moment, rays)
    front = reach < view.depth[ray]
    ray, reach, normal = ray[front], reach[front], normal[front]
    rgb, nir, dazzled = glasses.glare(reach[:, None] * rays[ray], normal, light)
    view.rgb[ray] = (1 - glasses.mirrored) * view.rgb[ray] + rgb
    view.nir[ray] = PASSED * view.nir[ray] + nir
    view.echo[ray] *= glasses.echo * (1 - dazzled)


def lay_head(
    view: View, person: Person, seen: Seen | None, light: Illumination, scene: Scene
) -> None:
    """Shade the points of a head and lay them over a view."""
    if seen is None:
        return
    seen, material = head_material(person, seen)
    lit = shade(seen, material, light, scene)
    height = seen.paint[:, 1]
    face = ((seen.region != REGION["neck"]) | (height > COLLAR)).astype(np.float32)
    face *= height > COLLAR - 0.3 * np.maximum(-seen.paint[:, 2] - 0.06, 0)
    echo = np.clip(material.nir / 0.4, 0.2, 1)
    # A wet eye mirrors the projector's light away, so depth is often missing there.
    echo[(seen.region == REGION["eye_left"]) | (seen.region == REGION["eye_right"])] = EYE_ECHO
    view.lay(seen, lit, face, echo)


def _lay_hair(
    view: View,
    seen: Seen,
    strands: tuple[Material, Floats, Floats],
    light: Illumination,
    scene: Scene,
) -> None:
    """Shade the points of hair and lay them over a view."""
    material, opacity, streaks = strands
    lit = shade(seen, material, light, scene)
    face = smoothstep(COLLAR - 0.004, COLLAR, seen.paint[:, 6])
    # Strands scatter a depth sensor's light to all sides, and dark ones swallow it.
    echo = np.clip(0.6 * material.nir / 0.4 * np.clip(streaks, 0.3, 1.5), 0.05, 1)
    view.lay(seen, lit, face, echo.astype(np.float32), opacity)


def frame_face(anchors: Floats, samples: int, zoom: float, shift: tuple[float, float]) -> Camera:
    """Aim at a face as a face detector crops it.

    Args:
        anchors: Outermost points of the face, (n, 3) metres in camera axes.
        samples: Samples along a side.
        zoom: Side of the crop over the larger side of the face.
        shift: Of the centre, in sides of the face, right and up.
    """
    x, y = anchors[:, 0] / -anchors[:, 2], anchors[:, 1] / -anchors[:, 2]
    face = max(float(np.ptp(x)), float(np.ptp(y)))
    side = face * zoom
    centre = (x.min() + x.max()) / 2 + shift[0] * face, (y.min() + y.max()) / 2 + shift[1] * face
    return Camera(float(centre[0]) - side / 2, float(centre[1]) + side / 2, side, samples)
