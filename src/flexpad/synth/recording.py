"""One recording: a presentation before one set of cameras, in one light, over some seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from flexpad.synth.alignment import aligned_face
from flexpad.synth.arrays import Booleans, Floats
from flexpad.synth.instruments import Presentation, draw_presentation
from flexpad.synth.lights import Illumination, draw_illumination
from flexpad.synth.motion import FRAMES_PER_SECOND, Motion, draw_motion
from flexpad.synth.person import Person
from flexpad.synth.sensors import Sensors, Shot, draw_sensors, record, samples_for
from flexpad.synth.view import frame_face

ZOOM, ZOOM_AROUND = (1.08, 1.28), (1.30, 1.52)  # the latter where the surroundings are kept
BLURRED = 0.055  # sides of a picture that lenses, sensors and shaking hands reach at most
FRAME_STEP = 10  # one frame in ten is kept, as in CASIA-SURF


@dataclass(frozen=True)
class Recording:
    """Everything that stays the same over a recording.

    Attributes:
        presentation: What is in front of the cameras.
        motion: How it moves.
        light: Of the place.
        sensors: The cameras and the place behind.
        zoom: Side of the crop over the larger side of the face.
        shift: Of the crop, in sides of the face, right and up.
        background: Whether what is around the face is kept; otherwise it is black.
    """

    presentation: Presentation
    motion: Motion
    light: Illumination
    sensors: Sensors
    zoom: float
    shift: tuple[float, float]
    background: bool = False

    def shoot(self, frame: int, size: int, rng: np.random.Generator) -> Shot:
        """Take the pictures of one frame.

        Args:
            frame: Its number, from 1.
            size: Side of the pictures in pixels.
            rng: For the noise of this frame and the jitter of its crop.
        """
        moment = self.motion.at((frame - 1) / FRAMES_PER_SECOND)
        anchors = self.presentation.anchors(moment)
        right, up = np.array(self.shift) + rng.normal(0, 0.008, 2)
        zoom = self.zoom * float(np.exp(rng.normal(0, 0.01)))
        camera = frame_face(anchors, samples_for(size), zoom, (float(right), float(up)))
        face = aligned_face(anchors, camera, size, self.sensors.sloppiness, rng)
        rays = camera.rays()
        if self.background:
            view = self.presentation.see(moment, self.light, rays)
        else:  # what is cut away is not worth looking at
            near = _near(face)
            view = self.presentation.see(moment, self.light, rays[near]).spread(near)
        return record(view, size, self.sensors, self.light, rng, camera, face, self.background)


def _near(face: Floats) -> Booleans:
    """Samples of a view that the pixels of a face (size, size) are made of, with blur, (R,)."""
    size = len(face)
    reach = 2 * round(BLURRED * size) + 1
    around = ndimage.maximum_filter(face > 0, reach)
    nearest = np.arange(samples_for(size)) * size // samples_for(size)
    near: Booleans = around[nearest][:, nearest].reshape(-1)
    return near


def draw_recording(
    rng: np.random.Generator,
    species: str,
    person: Person,
    outdoors: bool = False,
    background: bool = False,
) -> Recording:
    """Draw a recording of a person, or of an instrument of a species that shows the person.

    Args:
        rng: Source of everything.
        species: Of the instrument, "" for the person.
        person: Whose face is shown.
        outdoors: Whether it is made in the open air; some instruments are shown nowhere else.
        background: Whether what is around the face is kept; otherwise it is black.
    """
    presentation = draw_presentation(rng, species, person)
    outdoors = outdoors or presentation.outdoors
    return Recording(
        presentation=presentation,
        motion=draw_motion(rng, presentation.pose_share),
        light=draw_illumination(rng, outdoors),
        sensors=draw_sensors(rng, outdoors),
        zoom=float(rng.uniform(*(ZOOM_AROUND if background else ZOOM))),
        shift=(float(rng.normal(0, 0.02)), float(rng.normal(0.03, 0.02))),
        background=background,
    )


def frame_numbers(count: int) -> tuple[int, ...]:
    """Numbers of the frames that are kept of a recording: 1, 11, 21, ..."""
    return tuple(1 + FRAME_STEP * k for k in range(count))
