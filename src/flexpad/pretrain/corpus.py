"""The pre-training corpus: rendered views with what is in them, on disk in parts.

A view is found by its number. Its random numbers come from a name no benchmark family has, so that
nobody in it is in a benchmark, and a small corpus is the beginning of a larger one.
"""

from __future__ import annotations

import functools
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flexpad import config
from flexpad.files import whole_file, whole_folder
from flexpad.log import progress
from flexpad.pretrain.scene import Scene, describe, describe_face
from flexpad.synth.alignment import aligned_face
from flexpad.synth.instruments import BonaFide
from flexpad.synth.lights import draw_illumination
from flexpad.synth.motion import FRAMES_PER_SECOND, draw_motion
from flexpad.synth.person import Person, draw_person
from flexpad.synth.plan import generator
from flexpad.synth.render import Camera
from flexpad.synth.sensors import draw_sensors, record, samples_for
from flexpad.synth.view import View, frame_face
from flexpad.synth.workers import share_out
from flexpad.types import BadInput

NAME = "pretrain"  # of the random numbers; benchmark families are surf, cefa and wmca
PIXELS = 128
VIEWS = 4  # of everybody, each at another time in another place
EMPTY = 0.12  # share of views without anybody
OUTDOORS, CUT_AWAY = 0.25, 0.35  # shares of views
ZOOM, CLOSE = (1.08, 1.9), (1.08, 1.3)  # side of the view over the side of the face
PART = 256  # views of a file
SECONDS = 8.0  # of a recording, one moment of which is shown

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Views in memory.

    Attributes:
        images: (n, PIXELS, PIXELS, 3).
        scenes: What is in each of them, n.
        people: Who is in each of them, (n,) int64; -1 for nobody.
    """

    images: Pixels
    scenes: tuple[Scene, ...]
    people: NDArray[np.int64]

    def split(self, first: int) -> tuple[Corpus, Corpus]:
        """Part the first so many views from the others."""
        return (
            Corpus(self.images[:first], self.scenes[:first], self.people[:first]),
            Corpus(self.images[first:], self.scenes[first:], self.people[first:]),
        )


def person_of(seed: int, number: int) -> Person:
    """Draw somebody of the corpus."""
    return draw_person(generator(seed, NAME, f"person {number}"))


def render(seed: int, number: int, person: Person | None) -> tuple[Pixels, Scene]:
    """Render a view of somebody, or of an empty place.

    Args:
        seed: Of the corpus.
        number: Of the view.
        person: Who is shown.

    Returns:
        The view, (PIXELS, PIXELS, 3), and what is in it.
    """
    rng = generator(seed, NAME, f"view {number}")
    outdoors = bool(rng.random() < OUTDOORS)
    light, sensors = draw_illumination(rng, outdoors), draw_sensors(rng, outdoors)
    if person is None:
        camera = _look_around(rng)
        in_focus = replace(sensors.room, defocus=float(rng.uniform(0.5, 5.0)))
        sensors = replace(sensors, room=in_focus)
        view = View.empty(samples_for(PIXELS) ** 2)
        everywhere = np.ones((PIXELS, PIXELS), np.float32)
        shot = record(view, PIXELS, sensors, light, rng, camera, everywhere, background=True)
        return shot.colour, describe(None, light, sensors.room, sensors, background=True)
    motion = draw_motion(rng)
    frame = round(float(rng.uniform(0, SECONDS)) * FRAMES_PER_SECOND)
    moment = motion.at(frame / FRAMES_PER_SECOND)
    presentation = BonaFide(person)
    anchors = presentation.anchors(moment)
    background = bool(rng.random() >= CUT_AWAY)
    zoom = _draw_zoom(rng, cut_out=not background)
    shift = (float(rng.normal(0, 0.03)), float(rng.normal(0.03, 0.03)))
    camera = frame_face(anchors, samples_for(PIXELS), zoom, shift)
    face = aligned_face(anchors, camera, PIXELS, sensors.sloppiness, rng)
    view = presentation.see(moment, light, camera.rays())
    shot = record(view, PIXELS, sensors, light, rng, camera, face, background)
    told = describe_face(person, motion, moment, 1 / zoom)
    return shot.colour, describe(told, light, sensors.room, sensors, background=background)


def _draw_zoom(rng: np.random.Generator, *, cut_out: bool) -> float:
    """Draw the side of the view over the side of the face; who is cut out is shown close."""
    if cut_out:
        return float(rng.uniform(*CLOSE))
    return float(np.exp(rng.uniform(*np.log(ZOOM))))


def _look_around(rng: np.random.Generator) -> Camera:
    """A camera that looks somewhere, as wide as a face crop or wider."""
    side = float(np.exp(rng.uniform(np.log(0.4), np.log(1.2))))
    left, top = rng.uniform(-0.5, 0.5, 2)
    return Camera(float(left) - side / 2, float(top) + side / 2, side, samples_for(PIXELS))


def build(folder: Path, seed: int, size: int, workers: int = 2) -> Corpus:
    """Render a corpus, or what is missing of it, and read it.

    Args:
        folder: Of its parts; what is there is used again.
        seed: Of all its random numbers.
        size: How many views; rounded up to whole parts.
        workers: Processes; the corpus does not depend on it.

    Raises:
        BadInput: The folder holds a corpus of another seed, or a part cannot be read.
    """
    _claim(folder, seed)
    parts = [folder / f"part_{number:04d}" for number in range(-(-size // PART))]
    missing = [number for number, part in enumerate(parts) if not part.is_dir()]
    if missing:
        with progress("rendering", total=len(missing) * PART, unit="views") as tick:
            work = functools.partial(render_part, folder, seed)
            for _ in share_out(work, missing, workers):
                tick(PART)
    return read(parts)


def _claim(folder: Path, seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    marker = folder / "corpus.json"
    said = {"seed": seed, "pixels": PIXELS, "views": VIEWS}
    if not marker.is_file():
        with whole_file(marker) as partial:
            partial.write_text(json.dumps(said) + "\n", encoding="utf-8")
    elif json.loads(marker.read_text(encoding="utf-8")) != said:
        raise BadInput(f"{marker}: is of another corpus than {said}; choose another folder")


def render_part(folder: Path, seed: int, number: int) -> None:
    """Render the views of one part; it appears whole or not at all."""
    images, told = [], []
    person: Person | None = None
    who = -1
    for view in range(number * PART, (number + 1) * PART):
        empty = generator(seed, NAME, f"view {view}", "is empty").random() < EMPTY
        if not empty and view // VIEWS != who:
            who = view // VIEWS
            person = person_of(seed, who)
        image, scene = render(seed, view, None if empty else person)
        images.append(image)
        told.append({"person": -1 if empty else who, "scene": asdict(scene)})
    with whole_folder(folder / f"part_{number:04d}") as partial:
        np.save(partial / "images.npy", np.stack(images))
        lines = "".join(json.dumps(line) + "\n" for line in told)
        (partial / "scenes.jsonl").write_text(lines, encoding="utf-8")


def read(parts: list[Path]) -> Corpus:
    """Read rendered parts.

    Raises:
        BadInput: One is damaged.
    """
    images, lines = [], []
    for part in parts:
        try:
            images.append(np.load(part / "images.npy"))
            lines += (part / "scenes.jsonl").read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise BadInput(f"{part}: cannot be read ({error}); delete it and run again") from error
    told = [json.loads(line) for line in lines]
    return Corpus(
        np.concatenate(images),
        tuple(config.build(Scene, one["scene"], "scene") for one in told),
        np.array([one["person"] for one in told], np.int64),
    )
