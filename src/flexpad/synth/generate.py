"""Render a data set to disk in the layout of the author release of CASIA-SURF.

::

    <root>/CASIA_SURF/Data/{Training,Val,Testing}/{real_part,fake_part}/<subject>/<video>.rssdk/
        {color,depth,ir}/0001.jpg
    <root>/CASIA_SURF/protocol/CASIA_SURF@p1_{image,video}_{train,dev,test}.txt
    <root>/CASIA_SURF/RENDERED.json

The lists have the author release's polarity: 0 is bona fide, 1 is attack. ``RENDERED.json`` is
written last: where it stands, the set is complete. A recording is rendered into a temporary folder
and renamed, so a run that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

from flexpad import __version__
from flexpad.data import rendered
from flexpad.files import whole_file
from flexpad.log import progress
from flexpad.synth.config import SynthConfig
from flexpad.synth.instruments import BONAFIDE_VIDEO, SPECIES
from flexpad.synth.person import Person, draw_person
from flexpad.synth.recording import draw_recording, frame_numbers
from flexpad.types import SPLITS, BadInput

RENDERER = 1  # raise it whenever a pixel changes
SET = "CASIA_SURF"
FOLDERS = {"train": "Training", "dev": "Val", "test": "Testing"}
PARTS = {True: "real_part", False: "fake_part"}
STREAMS = ("color", "depth", "ir")
LABELS = {True: 0, False: 1}  # bona fide is 0 in the author release
COMPLETE, BEGUN = rendered.FILE_NAME, "RENDERING.json"
JPEG_QUALITY = 92
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Subject:
    """Who is rendered, and into which split."""

    number: int
    split: str

    @property
    def name(self) -> str:
        """As in a folder: CASIA-SURF's own are called CLKJ_AS0005 and so on."""
        return f"{rendered.SUBJECT_PREFIX}RS{self.number:04d}"


def items_per_subject(config: SynthConfig) -> int:
    """How many moments are rendered of one subject."""
    return config.bonafide_frames + len(SPECIES) * config.attack_frames


def generate(root: Path, config: SynthConfig, workers: int = 2) -> bool:
    """Render a data set, or what is missing of it.

    Args:
        root: Folder of the set; made if it is missing.
        config: What to render.
        workers: Processes; 1 renders in this one. The files do not depend on it.

    Returns:
        False if the set was already complete with the same settings, so nothing was rendered.

    Raises:
        BadInput: The folder holds something else, or a set with other settings; or the disk is
            full.
    """
    if workers < 1:
        raise BadInput(f"synth: workers is {workers}, it should be 1 or more")
    settings = _settings(config)
    if _claim(root, settings):
        return False
    subjects = list_subjects(config)
    try:
        attributes = _render_all(root, config, subjects, workers)
        _write_lists(root, config, subjects)
        people = {subject.name: attributes[subject.name] for subject in subjects}
        _write_json(root / SET / COMPLETE, {**settings, "subjects": people})
        (root / SET / BEGUN).unlink(missing_ok=True)
    except OSError as error:
        raise BadInput(
            f"{error.filename or root}: cannot be written ({error.strerror}); make room and run"
            " again, finished recordings are kept"
        ) from error
    return True


def list_subjects(config: SynthConfig) -> list[Subject]:
    """All subjects in order; their numbers run on over the splits, so none is in two."""
    splits = [split for split, n in zip(SPLITS, config.subjects, strict=True) for _ in range(n)]
    return [Subject(number, split) for number, split in enumerate(splits, start=1)]


def _settings(config: SynthConfig) -> dict[str, object]:
    settings = {**asdict(config), "subjects": list(config.subjects)}
    return {"renderer": RENDERER, "flexpad": __version__, "settings": settings}


def _claim(root: Path, settings: dict[str, object]) -> bool:
    """Make the folder ours, or say that it is complete; refuse anything else's."""
    if root.exists() and not root.is_dir():
        raise BadInput(f"{root}: is a file, not a folder to render into")
    for name in (COMPLETE, BEGUN):
        path = root / SET / name
        if path.exists():
            _require_same(path, settings)
            return name == COMPLETE
    if root.exists() and any(root.iterdir()):
        raise BadInput(f"{root}: is not empty and holds no rendered set; choose another folder")
    (root / SET).mkdir(parents=True, exist_ok=True)
    _write_json(root / SET / BEGUN, settings)
    return False


def _require_same(path: Path, settings: dict[str, object]) -> None:
    try:
        there = json.loads(path.read_text(encoding="utf-8"))
        there = {"renderer": there["renderer"], **there["settings"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path}: cannot be read; delete the folder and render again") from error
    wanted = settings["settings"]
    assert isinstance(wanted, dict)
    for key, value in {"renderer": settings["renderer"], **wanted}.items():
        if there.get(key) != value:
            raise BadInput(
                f"{path}: was rendered with {key} = {there.get(key)}, not {value};"
                " use the same setting or another folder"
            )


def _render_all(
    root: Path, config: SynthConfig, subjects: list[Subject], workers: int
) -> dict[str, dict[str, object]]:
    """Render every subject, in this process or in several; attributes by subject."""
    attributes = {}
    with progress("rendering", total=len(subjects) * items_per_subject(config)) as tick:
        if workers == 1:
            for subject in subjects:
                attributes[subject.name] = render_subject(root, config, subject)
                tick(items_per_subject(config))
            return attributes
        with _pool(workers) as pool:
            jobs = {pool.submit(render_subject, root, config, s): s for s in subjects}
            try:
                for job in as_completed(jobs):
                    attributes[jobs[job].name] = job.result()
                    tick(items_per_subject(config))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    return attributes


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Fresh processes whose linear algebra keeps to one thread each."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield pool
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def render_subject(root: Path, config: SynthConfig, subject: Subject) -> dict[str, object]:
    """Render the recordings of one subject that are not there yet.

    Returns:
        The subject's attributes for ``RENDERED.json``.
    """
    person = draw_person(np.random.default_rng([config.seed, subject.number, 0]))
    for number, species in enumerate(("", *SPECIES), start=1):
        folder = root / video_folder(subject, species)
        if not folder.exists():
            rng = np.random.default_rng([config.seed, subject.number, number])
            frames = config.attack_frames if species else config.bonafide_frames
            render_video(folder, rng, species, person, frames, config.size)
    return {
        "ethnicity": person.phenotype.ethnicity,
        "sex": "male" if person.phenotype.male > 0.5 else "female",
        "age": round(person.phenotype.age),
        "skin_tone": person.tone,
    }


def video_folder(subject: Subject, species: str) -> Path:
    """Where a recording is, relative to the root; species "" is bona fide."""
    part = PARTS[species == ""]
    video = f"{species or BONAFIDE_VIDEO}.rssdk"
    return Path(SET, "Data", FOLDERS[subject.split], part, subject.name, video)


def render_video(
    folder: Path, rng: np.random.Generator, species: str, person: Person, frames: int, size: int
) -> None:
    """Render one recording into a temporary folder and rename it when it is whole.

    Args:
        folder: Where it goes; must not be there.
        rng: Everything random of this recording.
        species: Of the instrument, "" for bona fide.
        person: Whose face is shown.
        frames: How many frames.
        size: Side of the pictures in pixels.
    """
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    for stream in STREAMS:
        (partial / stream).mkdir(parents=True)
    recording = draw_recording(rng, species, person)
    for frame, own in zip(frame_numbers(frames), rng.spawn(frames), strict=True):
        shot = recording.shoot(frame, size, own)
        for stream, pixels in zip(STREAMS, (shot.colour, shot.depth, shot.infrared), strict=True):
            path = partial / stream / f"{frame:04d}.jpg"
            Image.fromarray(pixels).save(path, quality=JPEG_QUALITY)
    partial.rename(folder)


def _write_lists(root: Path, config: SynthConfig, subjects: list[Subject]) -> None:
    folder = root / SET / "protocol"
    folder.mkdir(exist_ok=True)
    for split in SPLITS:
        images, videos = [], []
        for species in ("", *SPECIES):
            label = LABELS[species == ""]
            frames = config.attack_frames if species else config.bonafide_frames
            for subject in (s for s in subjects if s.split == split):
                color = (video_folder(subject, species) / "color").as_posix()
                videos.append(f"{color} {label}")
                images += [f"{color}/{n:04d}.jpg {label}" for n in frame_numbers(frames)]
        for kind, lines in (("image", images), ("video", videos)):
            _write_whole(folder / f"{SET}@p1_{kind}_{split}.txt", "\n".join(lines) + "\n")


def _write_json(path: Path, content: object) -> None:
    _write_whole(path, json.dumps(content, indent=1) + "\n")


def _write_whole(path: Path, text: str) -> None:
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8")
