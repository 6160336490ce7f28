"""Water: what is above it, mirrored and broken by waves, the sun's road, foam at the shore."""

import numpy as np
import numpy.typing as npt

from pipelines.studio.picture.ground import haze_colours
from pipelines.studio.picture.light import Light, colour
from pipelines.studio.picture.noise import Plane, Rng, sample, smoothstep, tile
from pipelines.studio.picture.scene import Scene
from pipelines.studio.picture.terrain import Seen
from pipelines.studio.picture.view import Canvas, View, mix


def water_on(view: View, scene: Scene, light: Light, seen: Seen, canvas: Canvas, rng: Rng) -> Canvas:
    """The picture with its water filled in; `canvas` already has all that is mirrored."""
    if not seen.water.any():
        return canvas
    first = int(np.argmax(seen.water.any(axis=1)))
    part = slice(first, view.height)
    water = seen.water[part]
    distance = view.eye * view.focal / np.maximum(view.rows[part] - view.horizon, 0.6)
    across = view.columns / view.focal * distance
    choppy = 1.0 if scene.subject in {"sea"} else 0.22
    choppy *= 1.7 if scene.time == "storm" else 1.0
    swell, slope = _waves(across, distance, choppy, rng)
    mirrored = _mirror(view, seen, canvas, part, swell, slope, distance, choppy)
    grazing = np.clip(0.9 - 0.62 * (view.rows[part] - view.horizon) / (view.height - view.horizon), 0.1, 1)
    grazing = np.clip(grazing + slope * 0.28 * choppy, 0.06, 1)
    body = _body(scene, light) * (1 + 0.35 * np.clip(swell, -1, 1.5) * choppy)[..., None]
    wet = mix(body.astype(np.float32), mirrored * np.float32(0.93), grazing.astype(np.float32))
    wet += _sun_road(view, light, part, slope, distance, choppy)
    if choppy > 0.9:
        wet = mix(
            wet,
            (light.fill + light.sun * 0.5) * np.float32(0.75),
            _foam(seen, part, swell, distance, choppy, rng),
        )
    haze = haze_colours(view, light, canvas)
    far = 1 - np.exp(-np.clip(distance - 6, 0, None) * (0.006 + 0.03 * scene.mist))
    wet = mix(wet, np.broadcast_to(haze, wet.shape), np.broadcast_to(far, water.shape).astype(np.float32))
    canvas[part] = mix(canvas[part], wet, water)
    return canvas


def _waves(across: Plane, distance: Plane, choppy: float, rng: Rng) -> tuple[Plane, Plane]:
    """Height of the surface and its slope towards the eye, both about -1 to 1, fading where waves are too small to see."""
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


def _mirror(  # noqa: PLR0913, PLR0917 - one mirror, all that bends it
    view: View,
    seen: Seen,
    canvas: Canvas,
    part: slice,
    swell: Plane,
    slope: Plane,
    distance: Plane,
    choppy: float,
) -> Canvas:
    rows = np.where(seen.water > 0, np.float32(view.horizon - 1), view.rows)
    rows[: int(view.horizon)] = view.rows[: int(view.horizon)]
    shore = np.maximum.accumulate(rows, axis=0)[part]
    near = np.clip(4.0 / distance, 0.05, 1.4)
    bend = (slope * 22 + swell * 9 - np.abs(slope) * 10 * choppy / near) * (0.25 + choppy) * view.unit * near
    x = view.columns + view.width / 2 + slope * 7 * view.unit * (0.3 + choppy) * near
    x = np.clip(x, 0, view.width - 1).astype(np.int32)
    y = _row(view, 2 * shore - view.rows[part] + bend)
    # what stands is mirrored at its foot; the sky behind it is far, and mirrored at the horizon
    stands = seen.land.ravel().take(y * view.width + x) > 0.5
    y = np.where(stands, y, _row(view, 2 * view.horizon - view.rows[part] + bend))
    flat = canvas.reshape(-1, 3)
    below = np.minimum(y + max(1, round(1.5 * view.unit)), view.height - 1)
    return (flat.take(y * view.width + x, axis=0) + flat.take(below * view.width + x, axis=0)) * np.float32(0.5)


def _row(view: View, at: Plane) -> npt.NDArray[np.int32]:
    return np.clip(at, 0, view.height - 1).astype(np.int32)


def _body(scene: Scene, light: Light) -> Canvas:
    deep = colour("0f4a5c") if scene.subject == "sea" else colour("1a4440")
    if scene.time == "storm":
        deep = colour("24423f")
    return (deep * (light.fill * 1.1 + light.sun * 0.32))[None, None, :]


def _sun_road(view: View, light: Light, part: slice, slope: Plane, distance: Plane, choppy: float) -> Canvas:
    if not 0 <= light.sun_at[1] < 0.95:
        return np.zeros((1, 1, 3), np.float32)
    off = (view.columns + view.width / 2 - light.sun_at[0] * view.width) / (view.unit * 1024)
    down = (view.rows[part] - view.horizon) / (view.height - view.horizon)
    wide = 0.02 + (0.10 + 0.12 * down) * (0.35 + 0.65 * choppy) + 0.03
    road = np.exp(-np.square(off / wide))
    glint = smoothstep(0.12, 0.75, slope + 0.35 * np.clip(1 - distance * 0.02, 0, 1) * (road - 0.4))
    far = np.exp(-down / 0.5)
    power = 1.5 if not light.stars else 0.5
    return ((road * (0.12 + glint * 1.1) * (0.35 + 0.65 * far) * power)[..., None] * light.glow).astype(
        np.float32
    )


def _foam(
    seen: Seen, part: slice, swell: Plane, distance: Plane, choppy: float, rng: Rng
) -> Plane:
    shallow = smoothstep(-0.22, -0.02, seen.height[part])
    lace = rng.random(swell.shape, np.float32)
    crests = smoothstep(1.05 - 0.3 * choppy, 1.5, swell + 0.4 * lace) * np.clip(
        2.4 - distance * 0.12, 0.15, 1
    )
    surf = shallow * smoothstep(0.1, 0.7, swell + lace * 0.6 + shallow * 0.5)
    return np.clip(0.55 * crests * (choppy > 0.9) + 0.8 * surf, 0, 0.9).astype(np.float32)
