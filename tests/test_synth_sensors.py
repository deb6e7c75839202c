"""Lights and sensors: the laws that what they deliver has to follow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from flexpad.synth.alignment import aligned_face
from flexpad.synth.arrays import Floats
from flexpad.synth.depth import DepthSensor, draw_depth_sensor, measure
from flexpad.synth.head import head_model
from flexpad.synth.lights import INDOORS, OUTDOORS, colour_of, draw_illumination
from flexpad.synth.noise import smoothstep
from flexpad.synth.render import Camera, rotation
from flexpad.synth.room import draw_room
from flexpad.synth.sensors import draw_sensors, face_window, record, samples_for
from flexpad.synth.view import View, frame_face

SIZE = 64
PIXEL = 0.5 / SIZE  # side as a tangent
CAMERA = Camera(-0.25, 0.25, 0.5, samples_for(SIZE))


@pytest.fixture
def sensor() -> DepthSensor:
    """A structured-light sensor that makes no other error than the one under test."""
    drawn = draw_depth_sensor(np.random.default_rng(0))
    return replace(
        drawn, baseline=0.0, axial=0.0, ripple=0.0, holes=0.0, flying=0.0, reach=4.0, fills=0.0
    )


def flat_view(depth: float = 0.5, grey: float = 0.2) -> View:
    """A grey board that fills the picture."""
    view = View.empty(samples_for(SIZE) ** 2)
    view.rgb[:], view.nir[:], view.depth[:] = grey, grey, depth
    view.solid[:], view.face[:], view.echo[:] = 1, 1, 1
    return view


def test_warm_light_is_redder_and_brighter_in_infrared_than_leds() -> None:
    warm, cool = colour_of(2700.0), colour_of(7500.0)
    assert warm[0] > 1 > warm[2]
    assert cool[0] < 1 < cool[2]
    lights = [draw_illumination(np.random.default_rng(n)) for n in range(400)]
    level = {kind: [x.infrared_key for x in lights if x.kind == kind] for kind in INDOORS}
    assert max(level["lamp"]) < 0.06
    assert max(level["side"]) > 0.1  # halogen


def test_the_sun_outshines_every_room_in_infrared() -> None:
    rooms = [draw_illumination(np.random.default_rng(n)) for n in range(200)]
    skies = [draw_illumination(np.random.default_rng(n), outdoors=True) for n in range(200)]
    assert {light.kind for light in rooms} == set(INDOORS)
    assert {light.kind for light in skies} == set(OUTDOORS)
    assert all(light.outdoors for light in skies)
    assert not any(light.outdoors for light in rooms)
    sunny = [light.infrared_key + light.infrared_sky for light in skies]
    indoor = [light.infrared_key + light.infrared_sky for light in rooms]
    assert np.median(sunny) > 10 * np.median(indoor)
    for light in rooms + skies:
        assert np.isclose((light.key**2).sum(), 1, atol=1e-5)


def test_a_backlight_comes_from_behind_and_lights_the_room() -> None:
    lights = [draw_illumination(np.random.default_rng(n)) for n in range(300)]
    behind = [light for light in lights if light.kind == "backlight"]
    assert behind
    assert all(light.key[2] < 0 for light in behind)
    assert min(light.backdrop for light in behind) > max(
        light.backdrop for light in lights if light.kind != "backlight"
    )


def test_depth_noise_grows_with_the_square_of_the_distance(sensor: DepthSensor) -> None:
    noisy = replace(sensor, axial=0.002)
    spread = []
    for distance in (0.4, 0.8):
        z = np.full((SIZE, SIZE), distance, np.float32)
        echo = np.ones_like(z)
        measured = measure(z, echo, PIXEL, 0.0, noisy, np.random.default_rng(0))
        spread.append(measured[measured > 0].std())
    assert spread[1] / spread[0] == pytest.approx(4, rel=0.15)


def test_depth_is_whole_millimetres(sensor: DepthSensor) -> None:
    z = np.linspace(0.4, 0.6, SIZE * SIZE, dtype=np.float32).reshape(SIZE, SIZE)
    measured = measure(z, np.ones_like(z), PIXEL, 0.0, sensor, np.random.default_rng(0))
    assert np.allclose(measured * 1000, np.round(measured * 1000), atol=1e-3)
    board = record(
        flat_view(0.5), SIZE, draw_sensors(np.random.default_rng(1)),
        draw_illumination(np.random.default_rng(1)), np.random.default_rng(1), CAMERA,
    )  # fmt: skip
    assert board.millimetres.dtype == np.uint16
    found = board.millimetres[board.millimetres > 0]
    assert abs(np.median(found) - 500) <= 3


@pytest.mark.parametrize("side", [-1, 1])
def test_a_projector_beside_the_camera_throws_a_shadow(sensor: DepthSensor, side: int) -> None:
    """Its width is the difference of the disparities, on the side away from the projector."""
    beside = replace(sensor, baseline=side * 0.05)
    z = np.full((SIZE, SIZE), 0.8, np.float32)
    z[:, 24:40] = 0.4
    measured = measure(z, np.ones_like(z), PIXEL, 0.0, beside, np.random.default_rng(0))
    missing = measured[SIZE // 2] == 0
    expected = 0.05 * (1 / 0.4 - 1 / 0.8) / PIXEL
    shadow, lit = missing[:24], missing[40:]
    if side < 0:
        shadow, lit = lit, shadow
    assert shadow.sum() == pytest.approx(expected, abs=1.5)
    assert lit.sum() <= 1
    whole = measure(z, np.ones_like(z), PIXEL, 0.0, sensor, np.random.default_rng(0))
    assert (whole[SIZE // 2] == 0).sum() <= 1


def test_dark_things_and_sunlight_cost_returns(sensor: DepthSensor) -> None:
    z = np.full((SIZE, SIZE), 0.5, np.float32)

    def missing(echo: float, sunlight: float) -> float:
        share = np.full_like(z, echo)
        return float(
            (measure(z, share, PIXEL, sunlight, sensor, np.random.default_rng(0)) == 0).mean()
        )

    assert missing(1.0, 0.0) < 0.01
    assert missing(0.03, 0.0) > 0.9
    assert missing(0.2, 3.0) > missing(0.2, 0.0) + 0.1
    assert missing(1.0, 3.0) < 0.05


def test_edges_have_flying_pixels_between_the_surfaces(sensor: DepthSensor) -> None:
    z = np.full((SIZE, SIZE), 0.55, np.float32)
    z[:, 32:] = 0.45
    flying = replace(sensor, flying=0.9)
    measured = measure(z, np.ones_like(z), PIXEL, 0.0, flying, np.random.default_rng(0))
    between = (measured > 0.47) & (measured < 0.53)
    assert between[:, 30:34].sum() > 20
    assert between[:, :28].sum() == between[:, 36:].sum() == 0


def test_what_is_out_of_reach_is_missing(sensor: DepthSensor) -> None:
    z = np.full((SIZE, SIZE), np.inf, np.float32)
    z[:, :32] = 5.0
    assert not measure(z, np.ones_like(z), PIXEL, 0.0, sensor, np.random.default_rng(0)).any()


def test_the_window_of_depth_is_centred_on_the_face() -> None:
    distance = np.full((8, 8), 2.0, np.float32)
    distance[2:6, 2:6] = 0.5
    face = distance < 1
    grey = face_window(distance, face)
    assert np.allclose(grey[face], 0.5, atol=0.01)
    assert not grey[~face].any()
    assert not face_window(np.zeros((8, 8), np.float32), face).any()


def test_five_samples_make_four_pixels_without_losing_light() -> None:
    view = flat_view()
    view.rgb[:] = np.random.default_rng(0).random((len(view.rgb), 1))
    sensors = replace(
        draw_sensors(np.random.default_rng(2)), focus=0.01, shake=0.0, grain=0.0, quality=96
    )
    light = draw_illumination(np.random.default_rng(2))
    for size in (SIZE, SIZE - 1, SIZE - 3):
        assert samples_for(size) == samples_for(SIZE)
        shot = record(view, size, sensors, light, np.random.default_rng(2), CAMERA)
        assert shot.colour.shape == (size, size, 3)


def test_exposure_evens_out_bright_and_dark_faces_in_part() -> None:
    sensors = draw_sensors(np.random.default_rng(3))
    light = draw_illumination(np.random.default_rng(3))
    dark, bright = (
        record(flat_view(grey=g), SIZE, sensors, light, np.random.default_rng(0)).colour.mean()
        for g in (0.08, 0.32)
    )
    assert dark < bright < 2.0 * dark  # four times the light


def test_motion_blur_runs_along_one_way() -> None:
    view = flat_view()
    column = np.arange(samples_for(SIZE) ** 2) % samples_for(SIZE)
    view.rgb *= (0.5 + 0.5 * smoothstep(38, 42, column.astype(np.float32)))[:, None]
    still = replace(draw_sensors(np.random.default_rng(4)), shake=0.0, grain=0.0, focus=0.3)
    light = draw_illumination(np.random.default_rng(4))
    edges = []
    for shake in (0.0, 6.0):
        shot = record(view, SIZE, replace(still, shake=shake), light, np.random.default_rng(5))
        row = shot.colour[20:44].astype(float).mean(axis=(0, 2))
        edges.append(np.abs(np.diff(row[8:-8])).max())
    assert edges[1] < 0.8 * edges[0]


def test_the_background_is_kept_only_if_asked_for() -> None:
    view = flat_view()
    half = np.arange(len(view.depth)) % samples_for(SIZE) >= samples_for(SIZE) // 2
    view.face[half] = view.solid[half] = view.echo[half] = 0
    view.depth[half] = np.inf
    face = np.ones((SIZE, SIZE), np.float32)
    face[:, SIZE // 2 :] = 0
    sensors = draw_sensors(np.random.default_rng(6))
    sensors = replace(sensors, depth=replace(sensors.depth, reach=8.0))
    light = draw_illumination(np.random.default_rng(6))
    masked, whole = (
        record(view, SIZE, sensors, light, np.random.default_rng(0), CAMERA, face, keep)
        for keep in (False, True)
    )
    right = np.s_[:, SIZE // 2 + 4 :]
    for picture in (masked.colour, masked.infrared, masked.depth, masked.millimetres):
        assert not picture[right].any()
    assert whole.colour[right].any()
    assert np.median(whole.millimetres[right]) > 600
    left = np.s_[4:-4, 4 : SIZE // 2 - 8]
    difference = whole.colour[left].astype(int) - masked.colour[left]
    assert np.abs(difference).max() <= 4  # JPEG spreads the border a little


def test_rooms_lie_behind_faces_and_skies_have_no_depth() -> None:
    light = draw_illumination(np.random.default_rng(7), outdoors=True)
    for seed in range(10):
        room = draw_room(np.random.default_rng(seed), outdoors=bool(seed % 2))
        rgb, nir, distance = room.picture(CAMERA, light)
        assert rgb.shape == (CAMERA.samples**2, 3)
        assert rgb.min() >= 0
        assert nir.min() >= 0
        assert distance.min() > 0.5
        above = room.horizon is not None and room.horizon < CAMERA.top - 0.07
        if above or room.horizon is None or room.horizon > CAMERA.top:
            assert np.isinf(distance).any() == above


def contour(yaw: float) -> Floats:
    """The contour of the mean face half a metre away, turned."""
    model = head_model()
    turned = model.mean[model.anchors] @ rotation(yaw, 0.0, 0.0).T
    return (turned - [0, 0, 0.5]).astype(np.float32)


@pytest.mark.parametrize("yaw", [-0.9, -0.4, 0.0, 0.4, 0.9])
def test_a_cut_out_face_has_eyes_nose_and_chin_but_neither_ears_nor_neck(yaw: float) -> None:
    camera = frame_face(contour(yaw), SIZE, 1.2, (0.0, 0.0))
    face = aligned_face(contour(yaw), camera, SIZE, 0.0, np.random.default_rng(0))

    def shows(*place: float) -> bool:
        x, y, z = rotation(yaw, 0.0, 0.0) @ np.array(place) - [0, 0, 0.5]
        column, row = (x / -z - camera.left, camera.top - y / -z)
        column, row = (int(SIZE * share / camera.side) for share in (column, row))
        return 0 <= row < SIZE and 0 <= column < SIZE and bool(face[row, column])

    assert shows(0, -0.044, 0.046)  # tip of the nose
    assert shows(0, -0.112, 0.018)  # chin
    assert shows(0, 0.06, 0.018)  # forehead
    assert not shows(0, 0.10, 0.0)  # hair
    assert not shows(0, -0.15, -0.02)  # neck
    assert not shows(np.sign(yaw or 1) * -0.085, -0.02, -0.09)  # the ear that is turned to us


def test_an_alignment_errs_little_and_not_always_alike() -> None:
    camera = frame_face(contour(0.2), SIZE, 1.2, (0.0, 0.0))
    exact = aligned_face(contour(0.2), camera, SIZE, 0.0, np.random.default_rng(0))
    masks = [
        aligned_face(contour(0.2), camera, SIZE, 1.0, np.random.default_rng(seed))
        for seed in range(20)
    ]
    overlaps = [float((exact * m).sum() / np.maximum(exact, m).sum()) for m in masks]
    assert min(overlaps) > 0.75
    assert np.std(overlaps) > 0.005


def test_small_holes_are_filled_and_wide_ones_are_not(sensor: DepthSensor) -> None:
    sensor = replace(sensor, fills=6.0)
    z = np.full((128, 128), 0.5, np.float32)
    echo = np.ones_like(z)
    echo[20:24, 20:100] = 0.0  # four pixels high
    echo[60:80, 20:100] = 0.0  # twenty
    rng = np.random.default_rng(0)
    filled = measure(z, echo, 0.004, 0.0, sensor, rng)
    assert np.abs(filled[20:24, 20:100] - 0.5).max() < 0.01
    assert (filled[62:78, 22:98] == 0).mean() > 0.95
    bare = measure(z, echo, 0.004, 0.0, replace(sensor, fills=0.0), rng)
    assert (bare[21:23, 22:98] == 0).mean() > 0.95
