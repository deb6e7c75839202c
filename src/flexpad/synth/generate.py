"""Render a data set to disk: a family, in a size, in a layout.

``RENDERED.json`` is written last: where it stands, the set is complete. A take is rendered under a
temporary name and renamed, so a run that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from flexpad import __version__
from flexpad.data import rendered
from flexpad.files import whole_file
from flexpad.log import progress
from flexpad.synth import journal
from flexpad.synth.config import VERSION, SynthConfig
from flexpad.synth.eyewear import draw_glasses
from flexpad.synth.families import FAMILIES, subjects_of
from flexpad.synth.layouts import LAYOUTS
from flexpad.synth.person import Person, draw_person, draw_phenotype
from flexpad.synth.plan import Attributes, Subject, Take, generator
from flexpad.synth.recording import draw_recording, frame_numbers
from flexpad.synth.sensors import Shot
from flexpad.synth.workers import share_out
from flexpad.types import BadInput

COMPLETE, BEGUN = rendered.FILE_NAME, "RENDERING.json"


def generate(root: Path, config: SynthConfig, workers: int = 2) -> bool:
    """Render a data set, or what is missing of it.

    Args:
        root: Folder of the set; made if it is missing.
        config: What to render.
        workers: Processes; 1 renders in this one. The files do not depend on it.

    Returns:
        False if the set was already complete with the same settings, so nothing was rendered.

    Raises:
        BadInput: The folder holds something else, or a set with other settings; the layout has
            another size of pictures; or the disk is full.
    """
    if workers < 1:
        raise BadInput(f"synth: workers is {workers}, it should be 1 or more")
    layout = LAYOUTS[config.layout_name]
    if layout.pixels not in (None, config.pixels):
        raise BadInput(
            f"synth: pixels is {config.pixels}, but pictures of the layout {config.layout_name}"
            f" have {layout.pixels}; take the layout native for other sizes"
        )
    base = root / layout.base
    settings = _settings(config)
    try:
        if _claim(root, base, settings):
            return False
        subjects = subjects_of(config)
        entries = _render_all(root, config, subjects, workers)
        people = {subject.name: entries[subject.name].attributes for subject in subjects}
        layout.write_lists(root, FAMILIES[config.family], subjects, people)
        digests = {s.name: digest_of(s, entries[s.name].takes) for s in subjects}
        _write_json(base / COMPLETE, {**settings, "subjects": people, "checksums": digests})
        (base / BEGUN).unlink()
        shutil.rmtree(base / journal.FOLDER)
    except OSError as error:
        reason = error.strerror or str(error).splitlines()[0]
        raise BadInput(
            f"{error.filename or root}: cannot be written ({reason}); make room and run again,"
            " finished recordings are kept"
        ) from error
    return True


def _settings(config: SynthConfig) -> dict[str, object]:
    settings = {**asdict(config), "layout": config.layout_name}
    settings["part"] = list(config.part) if config.part else None
    return {
        "name": config.name,
        "version": VERSION,
        "flexpad": __version__,
        "settings": settings,
    }


def _claim(root: Path, base: Path, settings: dict[str, object]) -> bool:
    """Make the folder ours, or say that it is complete; refuse anything else's."""
    if root.exists() and not root.is_dir():
        raise BadInput(f"{root}: is a file, not a folder to render into")
    for name in (COMPLETE, BEGUN):
        path = base / name
        if path.exists():
            _require_same(path, settings)
            return name == COMPLETE
    if root.exists() and any(root.iterdir()):
        raise BadInput(
            f"{root}: is not empty and holds no rendered set of this layout; choose another folder"
        )
    base.mkdir(parents=True, exist_ok=True)
    _write_json(base / BEGUN, settings)
    return False


def _require_same(path: Path, settings: dict[str, object]) -> None:
    try:
        there = json.loads(path.read_text(encoding="utf-8"))
        there = {"version": there.get("version"), **there["settings"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{path}: cannot be read; delete the folder and render again") from error
    wanted = settings["settings"]
    assert isinstance(wanted, dict)
    for key, value in {"version": settings["version"], **wanted}.items():
        if there.get(key) != value:
            raise BadInput(
                f"{path}: was rendered with {key} = {there.get(key)}, not {value};"
                " use the same setting or another folder"
            )


def _render_all(
    root: Path, config: SynthConfig, subjects: Sequence[Subject], workers: int
) -> dict[str, journal.Entry]:
    """Render every subject, in this process or in several; what is known of each."""
    entries = {}
    render = functools.partial(render_subject, root, config)
    with progress("rendering", total=sum(subject.items for subject in subjects)) as tick:
        for subject, entry in share_out(render, subjects, workers):
            entries[subject.name] = entry
            tick(subject.items)
    return entries


def render_subject(root: Path, config: SynthConfig, subject: Subject) -> journal.Entry:
    """Render the takes of one subject that are not done yet.

    Returns:
        What is known of the subject when all of them are.
    """
    layout = LAYOUTS[config.layout_name]
    base = root / layout.base
    entry = journal.read(base, subject.name)
    missing = [
        take
        for take in subject.takes
        if take.name not in entry.takes
        or not all((root / place).exists() for place in layout.places(subject, take))
    ]
    if missing:
        person = person_of(config, subject)
        entry.attributes = _attributes(subject, person)
    for take in missing:
        shots = shoot(config, subject, take, person)
        entry.takes[take.name] = checksum(shots)
        journal.write(base, subject.name, entry)
        layout.write_take(root, subject, take, shots)
    return entry


def person_of(config: SynthConfig, subject: Subject) -> Person:
    """Draw a subject."""
    rng = generator(config.seed, config.family, subject.name)
    phenotype = draw_phenotype(rng)
    if subject.descent:
        first, second, third = rng.dirichlet(subject.descent)
        phenotype = replace(phenotype, mixture=(float(first), float(second), float(third)))
    person = draw_person(rng, phenotype)
    if subject.glasses is None or subject.glasses == (person.glasses is not None):
        return person
    return replace(person, glasses=draw_glasses(rng, person.shape) if subject.glasses else None)


def shoot(config: SynthConfig, subject: Subject, take: Take, person: Person) -> list[Shot]:
    """Render the frames of a take."""
    rng = generator(config.seed, config.family, subject.name, take.name)
    background = FAMILIES[config.family].background
    recording = draw_recording(rng, take.species, person, take.outdoors, background)
    count = len(take.frames)
    return [
        recording.shoot(frame, config.pixels, own)
        for frame, own in zip(frame_numbers(count), rng.spawn(count), strict=True)
    ]


def checksum(shots: Sequence[Shot]) -> str:
    """SHA-256 of the pixels of a take, before they are encoded in any way."""
    digest = hashlib.sha256()
    for shot in shots:
        for plane in (shot.colour, shot.depth, shot.infrared, shot.millimetres):
            digest.update(plane.astype(plane.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def digest_of(subject: Subject, takes: dict[str, str]) -> str:
    """The checksum of a subject, of those of its takes; 16 hexadecimal digits."""
    lines = "".join(f"{take.name} {takes[take.name]}\n" for take in subject.takes)
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def _attributes(subject: Subject, person: Person) -> Attributes:
    """What ``RENDERED.json`` says of a subject."""
    phenotype = person.phenotype
    ethnicity = phenotype.ethnicity if subject.ethnicity is None else subject.ethnicity
    return {
        **({"ethnicity": ethnicity} if ethnicity else {}),
        "sex": "male" if phenotype.male > 0.5 else "female",
        "age": round(phenotype.age),
        "skin_tone": person.tone,
    }


def _write_json(path: Path, content: object) -> None:
    with whole_file(path) as partial:
        partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
