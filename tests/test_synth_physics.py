"""What the sensors see has to follow from optics and geometry."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexpad.synth.head import head_model
from flexpad.synth.instruments import SPECIES, draw_presentation
from flexpad.synth.lights import Illumination, draw_illumination
from flexpad.synth.mask import RigidMask
from flexpad.synth.motion import Moment, draw_motion
from flexpad.synth.noise import noise, smooth_noise, smoothstep
from flexpad.synth.person import Person, draw_person
from flexpad.synth.photo import SHARE
from flexpad.synth.recording import draw_recording, frame_numbers
from flexpad.synth.render import Camera, Part, Scene, rotation
from flexpad.synth.sensors import WINDOW_DEVIATIONS, draw_sensors, record, samples_for, tone
from flexpad.synth.shell import face_shell
from flexpad.synth.skin import FILTERS, skin_reflectance
from flexpad.synth.view import View, frame_face

SIZE = 48
FACING = Moment(0.0, rotation(0, 0, 0), np.array([0, 0, -0.5], np.float32), {})


@pytest.fixture(scope="module")
def person() -> Person:
    return draw_person(np.random.default_rng(21))


@pytest.fixture(scope="module")
def light() -> Illumination:
    return draw_illumination(np.random.default_rng(3))


@pytest.fixture(scope="module")
def views(person: Person, light: Illumination) -> dict[str, View]:
    """What reaches the cameras from each presentation, held straight half a metre away."""
    return {species: see(person, light, species) for species in ("", *SPECIES)}


def see(person: Person, light: Illumination, species: str, seed: int = 8) -> View:
    presentation = draw_presentation(np.random.default_rng(seed), species, person)
    camera = frame_face(presentation.anchors(FACING), SIZE, 1.45, (0.0, 0.02))
    return presentation.see(FACING, light, camera.rays())


def points_of(view: View, middle: float = 0.6) -> np.ndarray:
    """Columns, rows and depth of the middle of a view, as far as it is face, (n, 3)."""
    side = int(np.sqrt(len(view.depth)))
    row, column = np.divmod(np.arange(side * side), side)
    near = np.maximum(abs(row / side - 0.5), abs(column / side - 0.5)) < middle / 2
    keep = near & np.isfinite(view.depth) & (view.face > 0.5)
    return np.stack([column[keep], row[keep], view.depth[keep]], axis=1)


def rest_of_plane(points: np.ndarray) -> float:
    """Root mean square distance of depths from their plane, metres."""
    design = np.column_stack([points[:, :2], np.ones(len(points))])
    solution, *_ = np.linalg.lstsq(design, points[:, 2], rcond=None)
    return float(np.sqrt(((points[:, 2] - design @ solution) ** 2).mean()))


def test_flat_things_are_flat_and_faces_are_not(views: dict[str, View]) -> None:
    rest = {species: rest_of_plane(points_of(view)) for species, view in views.items()}
    assert rest["flat_print"] < 0.0025
    for kind in ("phone", "tablet", "laptop"):
        assert rest[f"replay_{kind}"] < 0.004
    for species in ("", "rigid_mask", "silicone_mask", "paper_mask", "mannequin_head"):
        assert rest[species] > 0.004
    assert rest["cloth_print_outdoor"] > rest["flat_print"]
    assert rest["bent_cut_e"] > 2 * rest["replay_tablet"]


def test_a_bent_print_is_a_cylinder_without_a_nose(views: dict[str, View]) -> None:
    def profile(view: View) -> float:
        """How much the middle column's depth leaves its line: a nose, or nothing."""
        points = points_of(view, 0.5)
        middle = points[np.abs(points[:, 0] - SIZE / 2) < 2]
        design = np.column_stack([middle[:, 1], np.ones(len(middle))])
        solution, *_ = np.linalg.lstsq(design, middle[:, 2], rcond=None)
        return float(np.abs(middle[:, 2] - design @ solution).max())

    assert profile(views["bent_print"]) < 0.5 * profile(views[""])


def test_a_screen_is_dark_in_infrared(person: Person, light: Illumination) -> None:
    unlit = replace(light, infrared_key=0.0, infrared_sky=0.0)
    face, screen = see(person, unlit, ""), see(person, unlit, "replay_tablet")
    level = {name: np.median(v.nir[v.face > 0.5]) for name, v in (("", face), ("s", screen))}
    assert level["s"] < 0.35 * level[""]


def test_prints_keep_the_brightness_of_paper_in_infrared(
    person: Person, light: Illumination
) -> None:
    face = see(person, light, "")
    faded = [see(person, light, "flat_print", seed) for seed in range(8)]
    ratios = [np.median(v.nir[v.face > 0.5]) / np.median(face.nir[face.face > 0.5]) for v in faded]
    assert max(ratios) > 1.1  # paper is brighter than skin where no carbon is
    assert min(ratios) < max(ratios) - 0.2  # and printers differ


def test_the_masks_eyes_lie_behind_it(person: Person) -> None:
    """Rays into the eyes reach the wearer, rays beside them the shell in front."""
    mask = draw_presentation(np.random.default_rng(4), "rigid_mask", person)
    assert isinstance(mask, RigidMask)
    outer, wearer = mask.outer, mask.wearer
    inside = np.setdiff1d(face_shell().used, face_shell().rim)
    stands_off = outer[inside, 2] - wearer.shape[inside, 2]
    assert np.median(stands_off) > 0.001
    assert 0.001 < mask.thickness < 0.004
    around = np.abs(head_model().mean[face_shell().rim.reshape(-1)] - [0.0312, 0, 0.012])
    rim = np.unique(face_shell().rim.reshape(-1)[(around < [0.02, 0.012, 0.02]).all(axis=1)])
    assert len(rim) > 8  # the border of a hole
    assert (outer[rim, 2] - wearer.shape[rim, 2]).mean() > 0.001


def test_a_mask_does_not_smile(person: Person) -> None:
    mask = draw_presentation(np.random.default_rng(4), "rigid_mask", person)
    face = draw_presentation(np.random.default_rng(4), "", person)
    smiling = replace(FACING, actions={"jawOpen": 0.8})
    assert np.array_equal(mask.anchors(FACING), mask.anchors(smiling))
    assert not np.array_equal(face.anchors(FACING), face.anchors(smiling))


@pytest.mark.parametrize("species", ["", *SPECIES])
def test_depth_grows_with_distance(person: Person, light: Illumination, species: str) -> None:
    presentation = draw_presentation(np.random.default_rng(8), species, person)
    medians = []
    for distance in (0.4, 0.5, 0.65):
        moment = replace(FACING, place=np.array([0, 0, -distance], np.float32))
        camera = frame_face(presentation.anchors(moment), 24, 1.4, (0.0, 0.0))
        view = presentation.see(moment, light, camera.rays())
        medians.append(float(np.median(view.depth[view.face > 0.5])))
        assert abs(medians[-1] - distance) < 0.05
    assert medians == sorted(medians)


def test_nearer_is_brighter_in_a_depth_picture() -> None:
    """The window is six times the median deviation, two centimetres for a slope of eight."""
    side = samples_for(64)
    view = View.empty(side * side)
    rows = np.repeat(np.linspace(0.46, 0.54, side, dtype=np.float32), side)
    view.depth[:], view.face[:], view.solid[:], view.echo[:] = rows, 1, 1, 1
    rng = np.random.default_rng(0)
    sensors = draw_sensors(rng)
    sensors = replace(sensors, depth=replace(sensors.depth, ripple=0.0))
    light = draw_illumination(rng)
    depth = record(view, 64, sensors, light, rng).depth
    bright, dark = np.median(depth[4]), np.median(depth[59])
    whole = 2 * WINDOW_DEVIATIONS * 0.02
    assert bright - dark == pytest.approx(255 * 0.08 * 55 / 64 / whole, abs=4)


def test_infrared_falls_off_with_the_square_of_the_distance(
    person: Person, light: Illumination
) -> None:
    unlit = replace(light, infrared_key=0.0, infrared_sky=0.0)
    face = draw_presentation(np.random.default_rng(8), "", person)
    levels = []
    for distance in (0.4, 0.8):
        moment = replace(FACING, place=np.array([0, 0, -distance], np.float32))
        camera = frame_face(face.anchors(moment), 24, 1.4, (0.0, 0.0))
        view = face.see(moment, unlit, camera.rays())
        levels.append(float(np.median(view.nir[view.face > 0.5])))
    assert levels[0] / levels[1] == pytest.approx(4, rel=0.25)


@settings(max_examples=60)
@given(melanin=st.floats(0.01, 0.39), blood=st.floats(0.002, 0.05), more=st.floats(1.02, 1.5))
def test_pigment_and_blood_darken_skin(melanin: float, blood: float, more: float) -> None:
    def reflectance(m: float, b: float) -> np.ndarray:
        return skin_reflectance(np.array([m], np.float32), np.array([b], np.float32))[0]

    base = reflectance(melanin, blood)
    assert ((base > 0) & (base < 1)).all()
    assert base[0] > base[1] > base[2]  # skin is redder than it is green or blue
    assert (reflectance(melanin * more, blood) < base).all()
    assert (reflectance(melanin, blood * more)[:3] < base[:3]).all()


@pytest.mark.parametrize(
    ("patch", "melanin"),
    [((0.595, 0.276, 0.213), (0.01, 0.06)), ((0.179, 0.084, 0.062), (0.2, 0.4))],
)
def test_skin_matches_the_patches_of_a_colour_chart(
    patch: tuple[float, float, float], melanin: tuple[float, float]
) -> None:
    """Light and dark skin of the ColorChecker at 650, 550 and 450 nm.

    Mean of 30 charts, BabelColor, seen through the same colour filters.
    """
    pigment, blood = np.meshgrid(np.geomspace(*melanin, 40), np.geomspace(0.002, 0.03, 40))
    reflected = skin_reflectance(
        pigment.reshape(-1).astype(np.float32), blood.reshape(-1).astype(np.float32)
    )
    wanted = FILTERS @ np.array(patch)
    assert np.abs(reflected[:, :3] - wanted).max(axis=1).min() < 0.04


def test_people_differ_less_in_infrared() -> None:
    fair, dark = skin_reflectance(
        np.array([0.015, 0.30], np.float32), np.array([0.007, 0.007], np.float32)
    )
    assert fair[0] / dark[0] > 1.8 * fair[3] / dark[3]


def test_poses_have_one_distribution_for_every_presentation(person: Person) -> None:
    """The photo's share of the pose and the hand's add up to what a head has."""
    heads = draw_presentation(np.random.default_rng(0), "", person).pose_share
    sheet = draw_presentation(np.random.default_rng(0), "flat_print", person).pose_share
    assert sheet**2 + SHARE**2 == pytest.approx(heads**2)
    yaws = [draw_motion(np.random.default_rng(n), sheet).pose[0] for n in range(300)]
    full = [draw_motion(np.random.default_rng(n)).pose[0] for n in range(300)]
    assert np.std(yaws) / np.std(full) == pytest.approx(sheet, rel=1e-6)


def test_frames_of_a_recording_move_smoothly(person: Person) -> None:
    recording = draw_recording(np.random.default_rng(2), "", person)
    assert frame_numbers(3) == (1, 11, 21)
    steps = [recording.motion.at(seconds).turn for seconds in (0.0, 1 / 30, 2 / 30)]
    for one, next_one in pairwise(steps):
        assert 0 < np.abs(next_one - one).max() < 0.03


@pytest.mark.parametrize("species", ["", *SPECIES])
def test_an_item_is_three_pictures_of_the_same_face(person: Person, species: str) -> None:
    recording = draw_recording(np.random.default_rng(5), species, person)
    shot = recording.shoot(1, SIZE, np.random.default_rng(6))
    colour, depth, infrared = shot.colour, shot.depth, shot.infrared
    assert colour.shape == (SIZE, SIZE, 3)
    assert depth.shape == infrared.shape == (SIZE, SIZE)
    assert colour.dtype == depth.dtype == infrared.dtype == np.uint8
    lit = colour.max(axis=2) > 0
    assert 0.15 < lit.mean() < 0.95
    assert ((infrared > 0) & ~lit).mean() < 0.02
    assert ((depth > 0) & ~lit).mean() < 0.02


def test_other_noise_changes_pixels_little(person: Person) -> None:
    recording = draw_recording(np.random.default_rng(5), "", person)
    one, two = (recording.shoot(1, SIZE, np.random.default_rng(n)).colour for n in (1, 2))
    difference = np.abs(one.astype(int) - two.astype(int))
    assert 0 < np.median(difference[one > 20]) < 20


def test_rays_hit_what_is_nearest() -> None:
    def square(name: str, z: float, colour: float) -> Part:
        corners = np.array([[-1, -1, z], [1, -1, z], [1, 1, z], [-1, 1, z]], np.float32)
        attributes = np.tile(np.array([0, 0, 1, colour], np.float32), (4, 1))
        return Part(name, corners, np.array([[0, 1, 2], [0, 2, 3]], np.int32), attributes)

    scene = Scene((square("far", -2, 0.2), square("near", -1, 0.7)))
    rays = Camera(-0.1, 0.1, 0.2, 4).rays()
    seen = scene.cast(np.zeros_like(rays), rays)
    assert set(seen) == {"near"}
    assert np.allclose(seen["near"].position[:, 2], -1, atol=1e-6)
    assert np.allclose(seen["near"].paint[:, 0], 0.7, atol=1e-6)
    behind = np.array([[0, 0, -1.5]], np.float32)
    toward = np.array([0, 0, 1], np.float32)
    assert scene.blocked(behind, toward).all()
    assert not scene.blocked(behind, toward, reach=0.3).any()
    assert not scene.blocked(np.array([[0, 0, -0.5]], np.float32), toward).any()


def test_noise_is_standardised_and_repeats() -> None:
    points = np.random.default_rng(0).uniform(0, 1, (20_000, 3)).astype(np.float32)
    for field in (noise(points, 0.02), smooth_noise(points, 0.02)):
        assert abs(field.mean()) < 0.05
        assert 0.6 < field.std() < 1.1
    assert np.array_equal(noise(points, 0.02), noise(points, 0.02))
    assert not np.array_equal(noise(points, 0.02), noise(points, 0.02, 1))
    nudged = points + np.float32(1e-5)
    assert np.abs(smooth_noise(nudged, 0.02) - smooth_noise(points, 0.02)).max() < 0.02


@given(st.floats(-2, 2), st.floats(-2, 2))
def test_smoothstep_and_tone_never_fall(first: float, second: float) -> None:
    low, high = sorted((first, second))
    pair = np.array([low, high], np.float32)
    for curve in (smoothstep(-0.5, 0.8, pair), tone(pair)):
        assert curve[0] <= curve[1] + 1e-6
        assert 0 <= curve.min() <= curve.max() <= 1
