"""Water: what is above it, mirrored and broken by waves, the sun's road, foam at the shore."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.studio.picture.ground import haze_colours
from pipelines.studio.picture.light import Light, colour
from pipelines.studio.picture.noise import Plane, Rng, sample, smoothstep, tile
from pipelines.studio.picture.scene import Scene
from pipelines.studio.picture.stage import Stage
from pipelines.studio.picture.terrain import Seen
from pipelines.studio.picture.view import Canvas, View, mix


@dataclass(frozen=True, slots=True)
class _Surface:
    """The water's part of a picture, from its first row to the lowest.

    Attributes:
        part: its rows.
        distance: of every row, world units.
        choppy: strength of the waves, 1.0 at sea.
        swell: height of the waves, about -1 to 1.
        slope: how they lean towards the eye, about -1 to 1.
    """

    part: slice
    distance: Plane
    choppy: float
    swell: Plane
    slope: Plane


def water_on(stage: Stage, seen: Seen, canvas: Canvas) -> Canvas:
    """The picture with its water filled in; `canvas` already has all that is mirrored."""
    if not seen.water.any():
        return canvas
    view, light = stage.view, stage.light
    surface = _surface(stage, seen)
    part, distance, swell = surface.part, surface.distance, surface.swell
    grazing = 0.9 - 0.62 * (view.rows[part] - view.horizon) / (view.height - view.horizon)
    grazing = np.clip(np.clip(grazing, 0.1, 1) + surface.slope * 0.28 * surface.choppy, 0.06, 1)
    body = _body(stage.scene, light) * (1 + 0.35 * np.clip(swell, -1, 1.5) * surface.choppy)[..., None]
    wet = mix(body, _mirror(view, seen, canvas, surface) * np.float32(0.93), grazing)
    wet += _sun_road(stage, seen, surface)
    if stage.scene.subject == "sea":
        white = (light.fill + light.sun * 0.5) * np.float32(0.75)
        wet = mix(wet, white, _foam(stage, seen, surface))
    far = 1 - np.exp(-np.clip(distance - 6, 0, None) * (0.006 + 0.03 * stage.scene.mist))
    wet = mix(wet, haze_colours(stage, canvas), np.broadcast_to(far, swell.shape))
    canvas[part] = mix(canvas[part], wet, seen.water[part])
    return canvas


def _surface(stage: Stage, seen: Seen) -> _Surface:
    view = stage.view
    part = slice(int(np.argmax(seen.water.any(axis=1))), view.height)
    distance = view.eye * view.focal / np.maximum(view.rows[part] - view.horizon, 0.6)
    choppy = (1.0 if stage.scene.subject == "sea" else 0.22) * (1.7 if stage.scene.time == "storm" else 1.0)
    swell, slope = _waves(view.columns / view.focal * distance, distance, choppy, stage.rng)
    return _Surface(part, distance, choppy, swell, slope)


def _waves(across: Plane, distance: Plane, choppy: float, rng: Rng) -> tuple[Plane, Plane]:
    """Height of the surface and slope towards the eye, about -1 to 1; both fade where waves are too small."""
    pattern = tile(rng, 512, 0.45, 5.0)
    swell = sample(pattern, across * 0.05, distance * 0.16)
    long = sample(pattern, across * 0.16 + 0.3, distance * 0.5)
    short = sample(pattern, across * 0.55, distance * 1.5 + 0.5)
    tiny = sample(pattern, across * 1.7 + 0.1, distance * 4.1)
    seen_long = np.clip(2.2 - distance * 0.05, 0.12, 1)
    seen_short = np.clip(1.8 - distance * 0.16, 0, 1)
    seen_tiny = np.clip(1.5 - distance * 0.5, 0, 1)
    height = 0.5 * swell * choppy + 0.4 * long * seen_long
    slope = 0.34 * long * seen_long + 0.4 * short * seen_short + 0.35 * tiny * seen_tiny
    return height.astype(np.float32), np.clip(slope, -1.6, 1.6).astype(np.float32)


def _mirror(view: View, seen: Seen, canvas: Canvas, surface: _Surface) -> Canvas:
    part, slope, choppy = surface.part, surface.slope, surface.choppy
    rows = np.where(seen.water > 0, np.float32(view.horizon - 1), view.rows)
    rows[: int(view.horizon)] = view.rows[: int(view.horizon)]
    shore = np.maximum.accumulate(rows, axis=0)[part]
    near = np.clip(4.0 / surface.distance, 0.05, 1.4)
    bend = (slope * 22 + surface.swell * 9) * (0.25 + choppy) * near - np.abs(slope) * 10 * choppy
    bend *= view.unit
    x = view.columns + view.width / 2 + slope * 7 * view.unit * (0.3 + choppy) * near
    x = np.clip(x, 0, view.width - 1).astype(np.int32)
    y = _row(view, 2 * shore - view.rows[part] + bend)
    # what stands is mirrored at its foot; the sky behind it is far, and mirrored at the horizon
    stands = seen.land.ravel().take(y * view.width + x) > 0.5
    y = np.where(stands, y, _row(view, 2 * view.horizon - view.rows[part] + bend))
    below = np.minimum(y + max(1, round(1.5 * view.unit)), view.height - 1)
    pixels = canvas.reshape(-1, 3)
    both = pixels.take(y * view.width + x, axis=0) + pixels.take(below * view.width + x, axis=0)
    return np.asarray(both * np.float32(0.5), np.float32)


def _row(view: View, at: Plane) -> npt.NDArray[np.int32]:
    return np.clip(at, 0, view.height - 1).astype(np.int32)


def _body(scene: Scene, light: Light) -> Canvas:
    deep = colour("0f4a5c") if scene.subject == "sea" else colour("1a4440")
    if scene.time == "storm":
        deep = colour("24423f")
    return (deep * (light.fill * 1.1 + light.sun * 0.32))[None, None, :]


def _sun_road(stage: Stage, seen: Seen, surface: _Surface) -> Canvas:
    view, light, choppy = stage.view, stage.light, surface.choppy
    column = min(max(round(light.sun_at[0] * view.width), 0), view.width - 1)
    sun_row = view.horizon * (1 - light.sun_at[1])
    out_of_view = not 0 <= light.sun_at[1] < 0.95
    if out_of_view or sun_row > float(seen.skyline[0, column]):  # or behind the land
        return np.zeros((1, 1, 3), np.float32)
    off = (view.columns + view.width / 2 - light.sun_at[0] * view.width) / (view.unit * 1024)
    down = (view.rows[surface.part] - view.horizon) / (view.height - view.horizon)
    wide = 0.02 + (0.10 + 0.12 * down) * (0.35 + 0.65 * choppy) + 0.03
    road = np.exp(-np.square(off / wide))
    near = np.clip(1 - surface.distance * 0.02, 0, 1)
    glint = smoothstep(0.12, 0.75, surface.slope + 0.35 * near * (road - 0.4))
    power = (0.5 if light.stars else 1.5) * (0.35 + 0.65 * np.exp(-down / 0.5))
    return np.asarray((road * (0.12 + glint * 1.1) * power)[..., None] * light.glow, np.float32)


def _foam(stage: Stage, seen: Seen, surface: _Surface) -> Plane:
    swell, choppy = surface.swell, surface.choppy
    shallow = smoothstep(-0.22, -0.02, seen.height[surface.part])
    lace = stage.rng.random(swell.shape, np.float32)
    crests = smoothstep(1.05 - 0.3 * choppy, 1.5, swell + 0.4 * lace)
    crests *= np.clip(2.4 - surface.distance * 0.12, 0.15, 1)
    surf = shallow * smoothstep(0.1, 0.7, swell + lace * 0.6 + shallow * 0.5)
    foam: Plane = np.clip(0.55 * crests + 0.8 * surf, 0, 0.9)
    return foam
