"""A skyline at the waterside: rows of towers in the haze, their windows lit when it is dark."""

import numpy as np

from pipelines.studio.picture.ground import haze_colours
from pipelines.studio.picture.light import Colour, Light, colour
from pipelines.studio.picture.noise import Plane, Rng
from pipelines.studio.picture.scene import Scene
from pipelines.studio.picture.terrain import Seen
from pipelines.studio.picture.view import Canvas, View

_DARK = {
    "night": 0.5,
    "dusk": 0.42,
    "aurora": 0.5,
    "storm": 0.22,
    "sunset": 0.16,
    "dawn": 0.12,
    "mist": 0.08,
    "day": 0.0,
}
_LAMPS = ("ffd08a", "ffc070", "ffe8c0", "cfe4ff", "ffb060")
_SIGNS = ("ff4fa0", "40d8ff", "ff7a3c", "9a6aff")
_ROWS = 4


def skyline_on(view: View, scene: Scene, light: Light, seen: Seen, canvas: Canvas, rng: Rng) -> Canvas:
    """Stand a city along the far shore, over the whole width."""
    haze = haze_colours(view, light, canvas)[0]
    shore = round(view.horizon + 5 * view.unit)
    seen.water[: shore - 1] = 0
    seen.water[shore:] = 1
    centre = float(rng.uniform(0.3, 0.7)) * view.width
    for row in range(_ROWS):
        near = (row + 1) / _ROWS
        x = -40.0 * view.unit
        while x < view.width:
            wide = float(rng.uniform(26, 66)) * view.unit * (0.55 + 0.55 * near)
            hill = np.exp(-np.square((x - centre) / (0.27 * view.width)))
            tall = (
                view.horizon
                * (0.07 + float(rng.gamma(2.0, 0.055)) * (0.45 + 1.25 * hill))
                * (1.3 - 0.42 * near)
            )
            tall = min(tall, view.horizon * 0.78)
            _tower(view, scene, light, canvas, haze, (x, wide, tall, shore), near, rng)
            x += wide * float(rng.uniform(0.75, 1.35))
    canvas[shore - max(2, round(3 * view.unit)) : shore] *= np.float32(0.4)
    return canvas


def _tower(  # noqa: PLR0913, PLR0917 - one building and what it stands in
    view: View,
    scene: Scene,
    light: Light,
    canvas: Canvas,
    haze: Canvas,
    at: tuple[float, float, float, int],
    near: float,
    rng: Rng,
) -> None:
    x, wide, tall, shore = at
    steps = int(rng.integers(1, 4)) if tall > 0.25 * view.horizon else 1
    tone = colour(("5a6068", "6e6a66", "4c5866", "7a7068")[int(rng.integers(4))])
    style = int(rng.integers(3))
    side = 1 if light.sun_at[0] > 0.5 else -1
    left, width, low = x, wide, float(shore)
    for step in range(steps):
        high = shore - tall * (step + 1) / steps if steps > 1 else shore - tall
        _block(
            view, scene, light, canvas, haze, (left, left + width, high, low), near, tone, style, side, rng
        )
        low = high
        left, width = left + width * 0.11, width * 0.78
    if tall > 0.4 * view.horizon and rng.random() < 0.6:  # a mast
        middle = round(x + wide / 2)
        top = max(0, round(shore - tall * 1.16))
        if 0 <= middle < view.width:
            body = _through_air(tone * light.fill * 0.7, haze[middle], near, scene)
            canvas[top : round(low), middle : middle + max(1, round(1.6 * view.unit))] = body
            if _DARK[scene.time] > 0.2:
                canvas[top : top + 2, middle : middle + 2] += colour("ff3a30", 1.6)


def _block(  # noqa: PLR0913, PLR0917 - one box of a building
    view: View,
    scene: Scene,
    light: Light,
    canvas: Canvas,
    haze: Canvas,
    box: tuple[float, float, float, float],
    near: float,
    tone: Colour,
    style: int,
    side: int,
    rng: Rng,
) -> None:
    x0, x1 = max(0, round(box[0])), min(view.width, round(box[1]))
    y0, y1 = max(0, round(box[2])), min(view.height, round(box[3]))
    if x1 - x0 < 2 or y1 - y0 < 2:
        return
    columns, rows = np.arange(x0, x1)[None, :], np.arange(y0, y1)[:, None]
    across = (columns - box[0]) / (box[1] - box[0])
    turned = (across > 0.62) if side > 0 else (across < 0.38)  # the face towards the light
    lit = np.where(turned, 0.8, 0.16)[..., None] * light.sun + light.fill * 1.15
    wall = np.broadcast_to(tone * lit, (y1 - y0, x1 - x0, 3)).copy()
    pane, seed = _windows(view, near, style, columns - round(box[0]), rows - round(box[2]))
    mirror = (light.middle + (light.horizon - light.middle) * 0.5) * np.where(turned, 0.95, 0.5)[..., None]
    wall += (mirror - wall) * (pane * (0.55 if style else 0.4))[..., None]
    surface = _through_air(wall.astype(np.float32), haze[x0:x1][None], near, scene)
    share = _DARK[scene.time] * float(rng.uniform(0.5, 1.3))
    if share:
        dice = rng.random((256,))
        on = dice[seed % 256] < share
        lamp = np.array([colour(code) for code in _LAMPS])[(seed // 7) % len(_LAMPS)]
        glow = lamp * (0.35 + 1.15 * dice[(seed + 91) % 256])[..., None] * (0.35 + 0.65 * near)
        surface = surface + glow * (pane * on)[..., None]
        if "neon" in scene.extras or (share > 0.3 and near > 0.7 and rng.random() < 0.10):
            sign = colour(_SIGNS[int(rng.integers(len(_SIGNS)))], 1.4)
            middle = (x1 - x0) // 2
            surface[(y1 - y0) // 6 : (y1 - y0) // 2, middle : middle + max(2, round(3 * view.unit))] = sign
    canvas[y0:y1, x0:x1] = surface


def _windows(
    view: View, near: float, style: int, columns: Plane, rows: Plane
) -> tuple[Plane, "np.ndarray[tuple[int, ...], np.dtype[np.int64]]"]:
    """Where panes are, and a number per pane."""
    high = max(3, round((4.0 + 3.2 * near) * view.unit))
    wide = max(2, round((3.0 + 2.2 * near) * view.unit)) if style != 1 else max(6, round(11 * view.unit))
    pane_y, pane_x = (rows % high) >= max(1, high // 3), (columns % wide) >= 1
    pane = (pane_y & pane_x & (rows > high // 2)).astype(np.float32)
    number = (rows // high) * 73 + (columns // wide) * 151 + (rows // high) * (columns // wide) * 13
    return pane, np.abs(number).astype(np.int64)


def _through_air(surface: Canvas, haze: Canvas, near: float, scene: Scene) -> Canvas:
    share = np.float32((1 - near) * (0.62 + 0.3 * scene.mist) + 0.04 + 0.22 * scene.mist**2)
    return (surface + (haze - surface) * share).astype(np.float32)
