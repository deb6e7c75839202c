"""Rendered people: hair, beards, glasses, teeth, clothes and the relief of their skin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from flexpad.synth import person as channels
from flexpad.synth.eyewear import draw_glasses, eye_places
from flexpad.synth.footprint import footprint, left_of
from flexpad.synth.hair import CENTRE, COILED, COLUMNS, CUTS, ROWS, WORN, cover_of, grow_hair
from flexpad.synth.head import Phenotype, head_model
from flexpad.synth.instruments import draw_presentation
from flexpad.synth.lights import Illumination, draw_illumination
from flexpad.synth.motion import Moment
from flexpad.synth.person import Person, draw_accomplice, draw_person
from flexpad.synth.relief import relief
from flexpad.synth.render import Camera, Scene, rotation
from flexpad.synth.view import View, frame_face, person_parts, see_person

SIZE = 72
FACING = Moment(0.0, rotation(0, 0, 0), np.array([0, 0, -0.5], np.float32), {})


@pytest.fixture(scope="module")
def light() -> Illumination:
    return draw_illumination(np.random.default_rng(3))


@pytest.fixture(scope="module")
def person() -> Person:
    """Somebody without hair, beard and glasses."""
    drawn = draw_person(np.random.default_rng(21), Phenotype((0.2, 0.3, 0.5), 30.0, 0.0))
    return replace(drawn, hair=None, glasses=None)


def camera_on(person: Person, moment: Moment = FACING, zoom: float = 1.5) -> Camera:
    placed = person.shape[head_model().anchors] @ moment.turn.T + moment.place
    return frame_face(placed, SIZE, zoom, (0.0, 0.02))


def see(person: Person, light: Illumination, moment: Moment = FACING, zoom: float = 1.5) -> View:
    return see_person(person, moment, light, camera_on(person, moment, zoom).rays())


def with_hair(person: Person, name: str) -> Person:
    hair = grow_hair(person.shape, CUTS[name], person.hair_colour, np.random.default_rng(1))
    paint = person.paint.copy()
    paint[:, channels.SCALP] = cover_of(hair, person.shape)
    return replace(person, hair=hair, paint=paint)


def test_every_cut_that_is_worn_exists() -> None:
    for shares in WORN.values():
        assert sum(shares.values()) == pytest.approx(1)
        assert set(shares) - {"bald"} <= set(CUTS)
    assert set(COILED.values()) <= set(CUTS)


@pytest.mark.parametrize("name", CUTS)
def test_hair_covers_the_skull_and_leaves_the_face_free(
    person: Person, light: Illumination, name: str
) -> None:
    bare, haired = see(person, light), see(with_hair(person, name), light)
    row, column = np.divmod(np.arange(SIZE * SIZE), SIZE)
    middle = (np.abs(column - SIZE / 2) < 8) & (row > SIZE * 0.42) & (row < SIZE * 0.75)
    assert np.abs(haired.depth[middle] - bare.depth[middle]).max() < 0.003
    assert (haired.solid > 0.5).sum() >= 0.99 * (bare.solid > 0.5).sum()
    # No holes: wherever the bald head was seen something is seen.
    assert haired.solid[bare.solid > 0.5].mean() > 0.99


def test_long_hair_falls_beside_the_face(person: Person, light: Illumination) -> None:
    row, column = np.divmod(np.arange(SIZE * SIZE), SIZE)
    beside = (row > 0.60 * SIZE) & (row < 0.70 * SIZE) & (np.abs(column - SIZE / 2) < 0.36 * SIZE)
    area = {
        name: see(with_hair(person, name), light).face[beside].sum() for name in ("short", "long")
    }
    assert area["long"] > 1.25 * area["short"]


def test_a_bald_crown_shows_skin(person: Person) -> None:
    crown = head_model().mean[:, 1] > 0.11
    full, wreath = (with_hair(person, name) for name in ("short", "wreath"))
    assert full.paint[crown, channels.SCALP].mean() > 0.9
    assert wreath.paint[crown, channels.SCALP].mean() < 0.1


def test_beards_grow_on_some_men_and_stand_off_the_skin() -> None:
    men = [
        draw_person(np.random.default_rng(n), Phenotype((0.2, 0.3, 0.5), 40.0, 1.0), False)
        for n in range(24)
    ]
    women = [
        draw_person(np.random.default_rng(n), Phenotype((0.2, 0.3, 0.5), 40.0, 0.0), False)
        for n in range(6)
    ]
    bearded = [man for man in men if man.beard.any()]
    assert 0 < len(bearded) < len(men)
    assert not any(woman.beard.any() for woman in women)
    chin = np.argmin(((head_model().mean - [0, -0.118, 0.015]) ** 2).sum(axis=1))
    brow = head_model().mean[:, 1] > 0
    for man in bearded:
        assert man.beard.max() < 0.031
        assert not man.beard[brow].any()
        plain = person_parts(replace(man, beard=np.zeros_like(man.beard)), FACING)[0]
        grown = person_parts(man, FACING)[0]
        moved = np.sqrt(((grown.vertices - plain.vertices) ** 2).sum(axis=1))
        assert moved[chin] == pytest.approx(man.beard[chin], abs=1e-5)


def test_lenses_glare_in_infrared_and_cost_depth_returns(
    person: Person, light: Illumination
) -> None:
    glasses = draw_glasses(np.random.default_rng(2), person.shape)
    upright = replace(glasses, tilt=(0.0, 0.0))
    bare, worn = see(person, light), see(replace(person, glasses=upright), light)
    ray, reach, normal = upright.find_lenses(FACING, camera_on(person).rays())
    assert len(ray) > 60
    assert (reach < bare.depth[ray]).mean() > 0.97  # in front of the face
    assert (normal[:, 2] > 0.9).all()
    assert worn.nir[ray].max() > bare.nir[ray].max() + 0.5
    assert np.median(worn.echo[ray]) < 0.8 * np.median(bare.echo[ray])
    elsewhere = np.setdiff1d(np.arange(SIZE * SIZE), ray)
    changed = np.abs(worn.nir - bare.nir)[elsewhere] > 0.02
    assert changed.mean() < 0.12  # the frame and its shadow


def test_glasses_sit_on_both_eyes(person: Person) -> None:
    glasses = draw_glasses(np.random.default_rng(5), person.shape)
    eyes = eye_places(person.shape)
    assert np.abs(glasses.middles[:, :2] - eyes[:, :2]).max() < 0.004
    assert (glasses.middles[:, 2] > eyes[:, 2] + 0.01).all()
    assert len(glasses.frame.triangles) == len(glasses.frame.regions) > 300


def test_whoever_hides_under_a_mask_takes_glasses_off() -> None:
    for number in range(12):
        rng = np.random.default_rng(number)
        hidden = draw_accomplice(rng, draw_person(rng, hair_shows=False), hair_shows=False)
        assert hidden.glasses is None
        assert not hidden.beard.any()
    owner = draw_person(np.random.default_rng(1), hair_shows=False)
    owner = replace(owner, glasses=draw_glasses(np.random.default_rng(1), owner.shape))
    attack = draw_presentation(np.random.default_rng(1), "funny_eye_glasses", owner)
    assert attack.person.glasses is None  # type: ignore[attr-defined]


def test_teeth_show_only_between_parted_lips(person: Person) -> None:
    speaking = replace(FACING, actions={"jawOpen": 0.45, "mouthUpperUpLeft": 0.5})
    parts = {part.name: part for part in person_parts(person, speaking)}
    assert "teeth" in parts
    assert "teeth" not in {part.name for part in person_parts(person, FACING)}
    rays = camera_on(person).rays()
    seen = Scene(tuple(parts.values())).cast(np.zeros_like(rays), rays)
    assert 3 < len(seen["teeth"].ray) < 200
    x, y, _ = seen["teeth"].position.T
    assert np.abs(x).max() < 0.025
    assert y.min() > -0.11
    assert y.max() < -0.055


def test_the_lower_teeth_follow_the_jaw(person: Person) -> None:
    rest, opened = (
        person.teeth.part(replace(FACING, actions={"jawOpen": jaw})).vertices for jaw in (0.0, 0.6)
    )
    half = len(rest) // 2
    assert np.array_equal(rest[:half], opened[:half])
    assert (opened[half:, 1] < rest[half:, 1] - 0.005).all()


def test_clothes_are_below_the_face_and_no_face(person: Person, light: Illumination) -> None:
    rays = camera_on(person, zoom=2.2).rays()
    seen = Scene(person_parts(person, FACING)).cast(np.zeros_like(rays), rays)
    cloth = seen["clothes"]
    chin = person.shape[head_model().anchors[0], 1]
    assert len(cloth.ray) > 100
    front = np.abs(cloth.position[:, 0]) < 0.03
    assert cloth.position[front, 1].max() < chin
    view = see(person, light, zoom=2.2)
    assert not view.face[cloth.ray].any()
    assert (view.solid[cloth.ray] == 1).all()


@pytest.mark.parametrize("cut", ["long", "wavy", "bob", "pageboy"])
def test_nobody_looks_under_long_hair(person: Person, light: Illumination, cut: str) -> None:
    """Between the strands beside a cheek and the cheek, depth falls off as on a solid."""
    view = see(with_hair(person, cut), light)
    height = 0.5 * camera_on(person).rays()[:, 1].reshape(SIZE, SIZE)[:, 0]
    trenches = []
    for row in view.depth.reshape(SIZE, SIZE)[(height > -0.03) & (height < 0.02)]:
        covered = np.flatnonzero(np.isfinite(row))
        row = row[covered[0] : covered[-1] + 1]
        left, right = np.minimum.accumulate(row), np.minimum.accumulate(row[::-1])[::-1]
        trenches.append((row - np.maximum(left, right)).max())
    assert np.median(trenches) < 0.030


@pytest.mark.parametrize("cut", ["afro", "curly"])
def test_hair_bends_down_to_the_skin(person: Person, cut: str) -> None:
    hair = with_hair(person, cut).hair
    assert hair is not None
    rows = hair.vertices[: COLUMNS * ROWS].reshape(COLUMNS, ROWS, 3) - CENTRE
    out = np.linalg.norm(rows, axis=-1)
    forehead = COLUMNS // 2
    assert out[forehead, -4] - out[forehead, -1] > 0.3 * CUTS[cut].edge


def test_bumps_fade_as_steps_come_near_them() -> None:
    left = [left_of(0.003, step) for step in (0.0, 0.0002, 0.001, 0.002, 0.01)]
    assert left[0] == 1
    assert left[1] > 0.99
    assert left == sorted(left, reverse=True)
    assert left[-1] < 0.01


def test_the_footprint_is_the_distance_between_neighbouring_rays(person: Person) -> None:
    camera = camera_on(person)
    rays = camera.rays()
    seen = Scene(person_parts(person, FACING)).cast(np.zeros_like(rays), rays)["head"]
    expected = camera.side / SIZE * -np.median(seen.position[:, 2])
    assert footprint(seen) == pytest.approx(expected, rel=0.05)
    assert footprint(seen.pick(np.array([0]))) == 0.0


def test_wrinkles_deepen_with_age_and_only_on_the_face() -> None:
    place = head_model().mean
    phase = np.array([0.2, 0.5, 0.7], np.float32)
    young, old = (relief(place, phase, 0.8, age) for age in (0.0, 1.0))
    extra = np.abs(old - young).max(axis=1)
    assert extra.max() > 0.1
    assert not extra[place[:, 2] < -0.06].any()
    forehead = (np.abs(place[:, 0]) < 0.02) & (np.abs(place[:, 1] - 0.05) < 0.008)
    assert extra[forehead & (place[:, 2] > 0)].max() > 0.08
    assert np.abs(young).std() < 0.2


def test_people_of_all_kinds_are_drawn_and_the_same_seed_is_the_same_person() -> None:
    people = [draw_person(np.random.default_rng([9, n]), hair_shows=False) for n in range(40)]
    assert len({person.tone for person in people}) == 4
    assert {person.phenotype.ethnicity for person in people} == {"african", "asian", "caucasian"}
    assert 0.05 < np.mean([person.glasses is not None for person in people]) < 0.6
    again = draw_person(np.random.default_rng([9, 0]), hair_shows=False)
    assert np.array_equal(again.shape, people[0].shape)
    assert np.array_equal(again.paint, people[0].paint)
    assert np.array_equal(again.clothes.vertices, people[0].clothes.vertices)
