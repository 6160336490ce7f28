"""The sky: gradient, sun or moon, clouds in perspective, stars, northern lights."""

import numpy as np

from pipelines.studio.picture.light import Light, colour
from pipelines.studio.picture.noise import Plane, Rng, fbm, resized, sample, smoothstep, tile
from pipelines.studio.picture.stage import Stage
from pipelines.studio.picture.view import Canvas, View, mix

_OVERCAST = 0.5  # cover from which clouds are dense
_CLOUD_DECK = 0.09  # lifts the vanishing line of the clouds a little under the horizon


def sky_over(stage: Stage) -> Canvas:
    """The whole picture as sky; below the horizon it goes on in the horizon's colour."""
    view, light = stage.view, stage.light
    elevation = np.clip((view.horizon - view.rows) / view.horizon, 0.0, 1.0)
    canvas = _gradient(view, light, elevation)
    distance = sun_distance(view, light)
    canvas += _glow(light, distance, elevation)
    if light.stars:
        canvas += _stars(stage) * smoothstep(0.02, 0.35, elevation)[..., None]
    if stage.scene.time == "aurora":
        canvas += _aurora(view, stage.rng)
    if light.disc:
        canvas = _disc(stage, canvas)
    return _clouds(stage, canvas, distance)


def sun_distance(view: View, light: Light) -> Plane:
    """Of every pixel, how far it is from the sun, in widths of a square picture of this area."""
    side = view.unit * 1024
    x = light.sun_at[0] * view.width
    y = view.horizon * (1 - light.sun_at[1])
    across, down = (view.columns + view.width / 2 - x) / side, (view.rows - y) / side
    return np.asarray(np.sqrt(np.square(across) + np.square(down)), np.float32)


def _gradient(view: View, light: Light, elevation: Plane) -> Canvas:
    low = smoothstep(0.0, 0.42, elevation)[..., None]
    high = smoothstep(0.25, 1.05, elevation)[..., None]
    column = light.horizon + (light.middle - light.horizon) * np.sqrt(low)
    column = column + (light.zenith - column) * high
    return np.broadcast_to(column, (view.height, view.width, 3)).astype(np.float32)


def _glow(light: Light, distance: Plane, elevation: Plane) -> Canvas:
    near_horizon = 1.0 - 0.65 * elevation
    strength = 0.55 * np.exp(-distance / 0.035) + 0.42 * np.exp(-distance / 0.13)
    strength += 0.26 * np.exp(-distance / 0.36) * near_horizon
    power = 0.3 + 0.7 * min(1.0, light.disc * 45) if light.disc else 0.35
    if light.stars:
        power *= 0.4
    return np.asarray((strength * np.float32(power))[..., None] * light.glow, np.float32)


def _disc(stage: Stage, canvas: Canvas) -> Canvas:
    view, light = stage.view, stage.light
    distance = sun_distance(view, light)
    softness = 0.0012 if light.stars else 0.004
    inside = smoothstep(light.disc + softness, light.disc - softness, distance)
    if not light.stars:
        return mix(canvas, light.glow * np.float32(1.1 if stage.scene.time == "mist" else 3.4), inside)
    seas = fbm(stage.rng, (view.height, view.width), (16, 16), 4)  # the moon's grey plains
    limb = np.sqrt(np.clip(1 - np.square(distance / light.disc), 0, 1))
    face = (0.95 + 0.35 * limb) * (1 - 0.34 * smoothstep(0.0, 0.5, seas))
    return mix(canvas, face[..., None] * colour("f4f1e4", 1.5), inside)


def _clouds(stage: Stage, canvas: Canvas, distance: Plane) -> Canvas:
    view, light = stage.view, stage.light
    last = min(int(view.horizon) + 2, view.height)
    rise = _rise(view, view.rows[:last])
    there, relief = _cloud_deck(view, light, last, stage.rng)
    near = np.exp(-distance[:last] / 0.3)
    gloom = (
        0.34 + 0.5 * smoothstep(0.3, 0.0, rise - _CLOUD_DECK)
        if stage.scene.time == "storm"
        else np.float32(1.0)
    )
    lit = relief * (0.85 + 1.1 * near) * gloom
    bright = (0.62 * light.sun + 0.38 * light.glow) * (0.22 if light.stars else 0.98) + light.fill * 0.3
    tone = light.cloud + (bright - light.cloud) * lit[..., None]
    silver = there * (1 - there) * 4 * np.exp(-distance[:last] / 0.14)
    tone = tone + (silver * np.float32(0.25 if light.stars else 0.9))[..., None] * light.glow
    haze = np.exp(-(rise - _CLOUD_DECK) / 0.10)[..., None]
    tone = tone + (canvas[:last] - tone) * (haze * 0.85)
    canvas[:last] = mix(canvas[:last], tone, there * np.float32(0.93 if light.cover > _OVERCAST else 0.86))
    return canvas


def _rise(view: View, rows: Plane) -> Plane:
    """How high a row looks, as a number that the distance of the clouds there is one by."""
    rise: Plane = np.clip((view.horizon - rows) / (view.unit * 1024), 0, None) * 1.6 + _CLOUD_DECK
    return rise


def _cloud_deck(view: View, light: Light, last: int, rng: Rng) -> tuple[Plane, Plane]:
    """How much of every pixel above row `last` is cloud, and how light that is."""
    patterns = (tile(rng, 512, 0.72, 2.0), tile(rng, 256, 0.5, 3.0))
    rise = _rise(view, view.rows[:last:2])
    columns = view.columns[:, ::2]
    across = columns / (view.unit * 1024) * 0.34 / rise + np.float32(rng.random())
    along = 0.375 / rise + np.zeros_like(columns) + np.float32(rng.random())
    towards = np.float32(np.sign(light.sun_at[0] - 0.5) * 0.022)
    thick = _thickness(patterns, across, along)
    behind = _thickness(patterns, across + towards, along + np.float32(0.022))
    edge = 1.75 - 2.7 * light.cover
    there = smoothstep(edge, edge + 1.25, thick)
    relief = np.clip(0.52 + (thick - behind) * 0.62 - 0.26 * np.clip(thick - edge - 0.8, 0, 2), 0.0, 1.0)
    size = (last, view.width)
    return np.clip(resized(there, size), 0, 1), np.clip(resized(relief.astype(np.float32), size), 0, 1)


def _thickness(patterns: tuple[Plane, Plane], across: Plane, along: Plane) -> Plane:
    coarse, fine = patterns
    billow = sample(fine, across * 2.3, along * 2.3)
    body = sample(coarse, across + billow * 0.006, along + billow * 0.006)
    return np.asarray(
        body + 0.22 * billow - 0.16 * np.abs(sample(fine, across * 6.1, along * 6.1)), np.float32
    )


def _stars(stage: Stage) -> Canvas:
    view, scene, rng = stage.view, stage.scene, stage.rng
    canvas = np.zeros((view.height, view.width, 3), np.float32)
    many = "stars" in scene.extras or scene.time == "aurora"
    count = int((2600 if many else 1100) * view.unit**2 * stage.light.stars)
    x, y = rng.integers(1, view.width - 1, count), rng.integers(1, max(3, int(view.horizon)), count)
    size = rng.pareto(2.1, count).astype(np.float32) * 0.1 + 0.04
    warmth = rng.uniform(-1, 1, (count, 1)).astype(np.float32)
    tone = np.clip(np.array([[1, 0.98, 0.97]]) + warmth * np.array([[0.12, 0.0, -0.14]]), 0, None)
    light_of_star = (np.minimum(size, 2.4)[:, None] * tone).astype(np.float32)
    np.add.at(canvas, (y, x), light_of_star)
    for step_y, step_x in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        spill = light_of_star * np.clip(size[:, None] - 0.25, 0, 0.6) * 0.6
        np.add.at(canvas, (y + step_y, x + step_x), spill)
    return canvas + _milky_way(view, rng) if many and scene.time != "aurora" else canvas


def _milky_way(view: View, rng: Rng) -> Canvas:
    side = view.unit * 1024
    lean = float(rng.choice([-1, 1])) * float(rng.uniform(0.5, 0.9))
    u = view.columns / side
    v = (view.rows - view.horizon * 0.42) / side
    off = (u * np.sin(lean) + v * np.cos(lean)) + 0.04 * fbm(rng, (view.height, view.width), (3, 3), 3)
    cloud = fbm(rng, (view.height, view.width), (7, 7), 6, 0.6)
    dust = smoothstep(-0.1, 0.55, fbm(rng, (view.height, view.width), (6, 6), 6, 0.62))
    lane = np.exp(-np.square((off - 0.012) / 0.035)) * dust
    band = np.exp(-np.square(off / 0.15)) * (0.55 + 0.55 * cloud) + 0.5 * np.exp(-np.square(off / 0.06))
    band = np.clip(band * (1 - 0.8 * lane), 0, None)
    grain = rng.random((view.height, view.width), np.float32) ** 24
    core = np.exp(-np.square(off / 0.05))[..., None]
    tone = colour("5a6fa8", 0.55) + (colour("c8a4a0", 0.62) - colour("5a6fa8", 0.55)) * core
    return np.asarray(band[..., None] * tone * 0.62 + (band * grain)[..., None] * 0.5, np.float32)


def _aurora(view: View, rng: Rng) -> Canvas:
    canvas = np.zeros((view.height, view.width, 3), np.float32)
    u = view.columns / (view.unit * 1024)
    wide = view.width / (view.unit * 1024)
    for fold in range(int(rng.integers(2, 5))):
        wave = np.zeros_like(u)
        for bend in range(1, 5):
            turn, start = float(rng.uniform(2.2, 4.5)), float(rng.uniform(0, 7))
            wave += float(rng.uniform(0.5, 1)) / bend * np.sin(u * (bend * turn / wide) + start)
        foot = view.horizon * (float(rng.uniform(0.5, 0.86)) - 0.10 * fold) + wave * view.horizon * 0.13
        rays = sum(
            _wave_1d(rng, view.width, cells) * share for cells, share in ((5, 0.62), (22, 0.26), (80, 0.16))
        )
        reach = view.horizon * (0.26 + 0.22 * np.clip(rays, -0.6, 1.4))
        height = (foot - view.rows) / np.maximum(reach, 1)
        curtain = np.exp(-np.clip(height, 0, None) * 2.3) * smoothstep(-0.16, 0.10, height)
        curtain = curtain * np.clip(0.34 + 0.9 * rays, 0.0, None) * (0.85 if fold == 0 else 0.42)
        low, high = colour("3dffa0", 0.95), colour("8a4dff", 0.75)
        tone = low + (high - low) * smoothstep(0.25, 1.6, height)[..., None]
        canvas += curtain[..., None] * tone
    return canvas * 0.85


def _wave_1d(rng: Rng, width: int, cells: int) -> Plane:
    return fbm(rng, (4, width), (1, cells), 2)[1:2]
