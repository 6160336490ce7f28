"""A skyline at the waterside: rows of towers in the haze, their windows lit when it is dark."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.studio.picture.ground import haze_colours
from pipelines.studio.picture.light import Colour, colour
from pipelines.studio.picture.noise import Plane
from pipelines.studio.picture.scene import Scene
from pipelines.studio.picture.stage import Stage
from pipelines.studio.picture.terrain import Seen
from pipelines.studio.picture.view import Canvas, View

# share of windows with a lamp on, at most
_LIT = {
    "night": 0.27,
    "dusk": 0.27,
    "aurora": 0.27,
    "storm": 0.22,
    "sunset": 0.16,
    "dawn": 0.12,
    "mist": 0.08,
    "day": 0.0,
}
_LAMPS = ("ffd08a", "ffc070", "ffe8c0", "cfe4ff", "ffb060")
_WALLS = ("5a6068", "6e6a66", "4c5866", "7a7068")
_SIGNS = ("ff4fa0", "40d8ff", "ff7a3c", "9a6aff")
_ROWS = 4


@dataclass(frozen=True, slots=True)
class _Facade:
    """What a building is made of.

    Attributes:
        tone: colour of its walls.
        style: 0 small windows, 1 broad ones, 2 much glass.
        near: 0 in the last row to 1 in the first.
    """

    tone: Colour
    style: int
    near: float


def skyline_on(stage: Stage, seen: Seen, canvas: Canvas) -> Canvas:
    """Stand a city along the far shore, over the whole width."""
    view, rng = stage.view, stage.rng
    if stage.scene.subject != "city":
        return canvas
    haze = haze_colours(stage, canvas)[0]
    shore = round(view.horizon + 5 * view.unit)
    seen.water[: shore - 1] = 0
    seen.water[shore:] = 1
    centre = float(rng.uniform(0.3, 0.7)) * view.width
    for row in range(_ROWS):
        near = (row + 1) / _ROWS
        x = -40.0 * view.unit
        while x < view.width:
            wide = float(rng.uniform(26, 66)) * view.unit * (0.55 + 0.55 * near)
            hill = float(np.exp(-np.square((x - centre) / (0.27 * view.width))))
            share = (0.07 + float(rng.gamma(2.0, 0.055)) * (0.45 + 1.25 * hill)) * (1.3 - 0.42 * near)
            _tower(stage, canvas, haze, (x, wide, view.horizon * min(share, 0.78), shore), near)
            x += wide * float(rng.uniform(0.75, 1.35))
    canvas[shore - max(2, round(3 * view.unit)) : shore] *= np.float32(0.4)
    return canvas


def _tower(
    stage: Stage, canvas: Canvas, haze: Canvas, at: tuple[float, float, float, int], near: float
) -> None:
    """A building of one to three boxes; `at` is its left edge, width, height and lowest row."""
    view, rng = stage.view, stage.rng
    x, wide, tall, shore = at
    steps = int(rng.integers(1, 4)) if tall > 0.25 * view.horizon else 1
    facade = _Facade(colour(_WALLS[int(rng.integers(len(_WALLS)))]), int(rng.integers(3)), near)
    left, width, low = x, wide, float(shore)
    for step in range(steps):
        high = shore - tall * (step + 1) / steps
        _box(stage, canvas, haze, (left, left + width, high, low), facade)
        low = high
        left, width = left + width * 0.11, width * 0.78
    middle = round(x + wide / 2)
    if tall > 0.4 * view.horizon and rng.random() < 0.6 and 0 <= middle < view.width:  # a mast
        top = max(0, round(shore - tall * 1.16))
        body = _through_air(facade.tone * stage.light.fill * 0.7, haze[middle], near, stage.scene)
        canvas[top : round(low), middle : middle + max(1, round(1.6 * view.unit))] = body
        if _LIT[stage.scene.time] > 0.2:
            canvas[top : top + 2, middle : middle + 2] += colour("ff3a30", 1.6)


def _box(
    stage: Stage, canvas: Canvas, haze: Canvas, box: tuple[float, float, float, float], facade: _Facade
) -> None:
    """One box of a building; `box` is left, right, top and low edge."""
    view, light = stage.view, stage.light
    x0, x1 = max(0, round(box[0])), min(view.width, round(box[1]))
    y0, y1 = max(0, round(box[2])), min(view.height, round(box[3]))
    if x1 - x0 < 2 or y1 - y0 < 2:
        return
    columns, rows = np.arange(x0, x1)[None, :], np.arange(y0, y1)[:, None]
    across = (columns - box[0]) / (box[1] - box[0])
    turned = ((across - 0.5) * stage.sunward > 0.12)[..., None]  # the face towards the light
    wall = facade.tone * (np.where(turned, 0.8, 0.16) * light.sun + light.fill * 1.15)
    pane, number = _windows(view, facade, columns - round(box[0]), rows - round(box[2]))
    mirrored = (light.middle + light.horizon) * np.where(turned, 0.48, 0.25)
    glass = (0.55 if facade.style else 0.4) * (0.25 if light.stars else 1.0)
    surface = wall + (mirrored - wall) * (pane * glass)[..., None]
    surface = _through_air(surface, haze[x0:x1][None], facade.near, stage.scene)
    canvas[y0:y1, x0:x1] = _lamps_in(stage, surface, pane, number, facade.near)


def _lamps_in(
    stage: Stage, surface: Canvas, pane: Plane, number: npt.NDArray[np.int64], near: float
) -> Canvas:
    """The wall with some of its windows lit, and now and then a sign."""
    rng = stage.rng
    share = _LIT[stage.scene.time] * float(rng.uniform(0.5, 1.3))
    if not share:
        return surface
    dice = rng.random(256)
    on = dice[number % 256] < share
    lamp = np.array([colour(code) for code in _LAMPS])[(number // 7) % len(_LAMPS)]
    glow = lamp * (0.35 + 1.15 * dice[(number + 91) % 256])[..., None] * (0.35 + 0.65 * near)
    lit = surface + glow * (pane * on)[..., None]
    if near > 0.4 and rng.random() < (0.5 if "neon" in stage.scene.extras else 0.06):
        rows, columns = pane.shape
        wide = max(2, round(3 * stage.view.unit))
        sign = colour(_SIGNS[int(rng.integers(len(_SIGNS)))], 1.4)
        lit[rows // 6 : rows // 2, columns // 2 : columns // 2 + wide] = sign
    return np.asarray(lit, np.float32)


def _windows(
    view: View, facade: _Facade, columns: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]
) -> tuple[Plane, npt.NDArray[np.int64]]:
    """Where panes are, and a number per pane."""
    high = max(3, round((4.0 + 3.2 * facade.near) * view.unit))
    wide = (
        max(6, round(11 * view.unit))
        if facade.style == 1
        else max(2, round((3.0 + 2.2 * facade.near) * view.unit))
    )
    pane = (rows % high >= max(1, high // 3)) & (columns % wide >= 1) & (rows > high // 2)
    number = (rows // high) * 73 + (columns // wide) * 151 + (rows // high) * (columns // wide) * 13
    return pane.astype(np.float32), np.abs(number)


def _through_air(surface: Canvas, haze: Canvas, near: float, scene: Scene) -> Canvas:
    share = np.float32((1 - near) * (0.62 + 0.3 * scene.mist) + 0.04 + 0.22 * scene.mist**2)
    return (surface + (haze - surface) * share).astype(np.float32)
