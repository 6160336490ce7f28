"""Single things that a prompt may ask for: a lighthouse with its beam, a ship under sail, birds."""

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw

from pipelines.studio.picture.ground import air_share, haze_colours
from pipelines.studio.picture.light import colour
from pipelines.studio.picture.noise import Plane, Rng, smoothstep
from pipelines.studio.picture.planting import unhidden
from pipelines.studio.picture.stage import Stage
from pipelines.studio.picture.terrain import Relief, Seen, height_of
from pipelines.studio.picture.view import Canvas, View

_LAMP_LIT = {"night", "dusk", "storm", "mist", "dawn", "aurora", "sunset"}
_OVERSAMPLED = 4


def lighthouse_on(stage: Stage, seen: Seen, canvas: Canvas) -> Canvas:
    """A white tower with red bands on the headland, lit and lighting."""
    view, light = stage.view, stage.light
    if "lighthouse" not in stage.scene.extras:
        return canvas
    x, z, ground = _headland(view, seen.relief)
    tall = max(0.95 * view.focal / z, view.height * 0.14)
    foot = view.horizon + (view.eye - ground + 0.03) * view.focal / z
    middle = view.width / 2 + x * view.focal / z
    v = (foot - view.rows) / tall  # 0 at the foot, 1 at the top
    u = (view.columns + view.width / 2 - middle) / tall
    everywhere = (slice(None), slice(None))
    free = unhidden(seen, everywhere, z)
    haze = haze_colours(stage, canvas)
    share = np.float32(air_share(stage.scene, z, ground + 0.4) * 0.75)
    for shape, tone, sunny in _lighthouse(u, v, 0.7 / tall, stage.sunward):
        surface = tone * (light.fill * 1.25 + light.sun * sunny[..., None] * 0.9)
        surface = surface + (haze - surface) * share
        mask = shape * free
        canvas += (surface - canvas) * mask[..., None]
        seen.cover(everywhere, mask)
    if stage.scene.time in _LAMP_LIT:
        canvas += _lamp_light(stage, u, v - 0.857, float(stage.rng.uniform(-0.16, 0.10)))
    return canvas


def _lighthouse(u: Plane, v: Plane, soft: float, sunward: float) -> Iterator[tuple[Plane, Canvas, Plane]]:
    """Its parts, back to front: where they are, their colour, and how the sun lights them."""
    half = 0.105 - 0.042 * v
    rounded = np.clip(0.62 + 0.5 * sunward * u / np.maximum(half, 0.02), 0.16, 1.15)
    flat = np.full_like(rounded, 0.78)
    bands = ((v > 0.26) & (v < 0.44)) | ((v > 0.60) & (v < 0.74))
    paint = np.where(bands[..., None], colour("b03028"), colour("f2eee4"))
    house, gable = u - 0.19, np.clip((0.235 - v) * 1.25, 0, 0.13)
    yield _inside(0.11, house, soft) * _between(-0.05, 0.13, v, soft), colour("e6e0d2"), flat
    yield _inside(gable, house, soft) * _between(0.13, 0.235, v, soft), colour("6e3a30"), flat
    yield _inside(half, u, soft) * _between(-0.05, 0.80, v, soft), paint, rounded
    yield _inside(0.088, u, soft) * _between(0.79, 0.815, v, soft), colour("3a3634"), rounded
    yield _inside(0.05, u, soft) * _between(0.815, 0.90, v, soft), colour("5a554c"), rounded
    roof = np.clip((1.0 - v) * 0.62, 0, 0.066)
    yield _inside(roof, u, soft) * _between(0.90, 1.0, v, soft), colour("7c2a24"), rounded


def _headland(view: View, relief: Relief) -> tuple[float, float, float]:
    """The place on the land in front that is high, seaward and well inside the picture."""
    best, found = -1.0, (0.0, 7.0, 0.3)
    for z in np.linspace(5.2, 9.5, 14):
        x = np.linspace(-0.34, 0.34, 60) * view.width / view.focal * z
        ground, _ = height_of(relief, x, np.full_like(x, z))
        value = np.where(
            ground > 0.25,
            np.minimum(ground, 1.0) + 1.6 * (0.34 - np.abs(x * view.focal / z / view.width)),
            -1,
        )
        place = int(np.argmax(value))
        if value[place] > best:
            best, found = float(value[place]), (float(x[place]), float(z), float(ground[place]))
    return found


def _lamp_light(stage: Stage, u: Plane, v: Plane, turn: float) -> Canvas:
    far = np.hypot(u, v) + 1e-4
    glow = 2.6 * np.exp(-far / 0.035) + 0.5 * np.exp(-far / 0.16) + 0.12 * np.exp(-far / 0.6)
    angle = np.arctan2(-v, u)
    beams = np.zeros_like(far)
    for centre, strength in ((np.pi + turn, 1.0), (turn * -0.6, 0.8)):
        off = np.abs(np.angle(np.exp(1j * (angle - centre))).astype(np.float32))
        beams += strength * np.exp(-np.square(off / 0.042)) + 0.4 * strength * np.exp(-np.square(off / 0.11))
    beams *= np.exp(-far / 2.6) * smoothstep(0.0, 0.12, far)
    power = {"night": 0.75, "aurora": 0.7, "storm": 0.6, "dusk": 0.55, "mist": 0.5}.get(
        stage.scene.time, 0.22
    )
    return ((glow * (0.4 + power) + beams * power)[..., None] * colour("ffe9b8")).astype(np.float32)


def _inside(half: Plane | float, u: Plane, soft: float) -> Plane:
    return np.clip((half - np.abs(u)) / soft + 0.5, 0, 1).astype(np.float32)


def _between(low: float, high: float, v: Plane, soft: float) -> Plane:
    return np.asarray(
        np.clip((v - low) / soft + 0.5, 0, 1) * np.clip((high - v) / soft + 0.5, 0, 1), np.float32
    )


_HULL = [
    (-0.62, 0.16),
    (-0.50, 0.0),
    (0.40, 0.0),
    (0.60, 0.20),
    (0.86, 0.30),
    (0.60, 0.22),
    (0.30, 0.15),
    (-0.35, 0.15),
    (-0.60, 0.24),
]
_MASTS = [(-0.34, 0.86), (0.02, 1.0), (0.34, 0.88)]


def ship_on(stage: Stage, seen: Seen, canvas: Canvas) -> Canvas:
    """A three-master under sail, some way out."""
    view, light, rng = stage.view, stage.light, stage.rng
    if "ship" not in stage.scene.extras or stage.scene.subject not in {"sea", "lake"}:
        return canvas
    z = float(rng.uniform(4.2, 6.5))
    tall = 0.92 * view.focal / z
    foot = view.horizon + view.eye * view.focal / z
    middle, side = _open_water(view, seen, foot, tall, rng)
    hull, sails = _ship_masks(round(tall), side)
    rows, columns = hull.shape
    top, left = round(foot) - rows, round(middle - columns / 2)
    y0, x0, x1 = max(top, 0), max(left, 0), min(left + columns, view.width)
    part, cut = (slice(y0, round(foot)), slice(x0, x1)), (slice(y0 - top, rows), slice(x0 - left, x1 - left))
    free = unhidden(seen, part, z) if seen.water[part].any() else np.zeros((1, 1), np.float32)
    free = np.maximum(free, seen.water[part])
    haze = haze_colours(stage, canvas)[:, x0:x1]
    share = np.float32(air_share(stage.scene, z, 0.4) * 0.8)
    for mask, tone, lit in (
        (sails, colour("e8dcc4"), light.fill * 0.8 + light.sun * 0.42),
        (hull, colour("3a2a20"), light.fill * 1.0 + light.sun * 0.35),
    ):
        surface = tone * lit
        surface = surface + (haze - surface) * share
        shown = mask[cut] * free
        canvas[part] += (surface - canvas[part]) * shown[..., None]
        seen.cover(part, shown)
    return canvas


def _open_water(view: View, seen: Seen, foot: float, tall: float, rng: Rng) -> tuple[float, float]:
    """Where a ship has room: its middle column, and 1.0 or -1.0 for where it sails to."""
    row = min(round(foot), view.height - 1)
    places = np.linspace(0.2, 0.8, 13) + float(rng.uniform(-0.02, 0.02))
    room = []
    for place in places:
        left, right = (int(np.clip(place * view.width + way * 0.8 * tall, 0, view.width)) for way in (-1, 1))
        room.append(
            float(seen.water[row, left:right].mean()) + float(rng.uniform(0, 0.08)) - 0.2 * abs(place - 0.5)
        )
    best = float(places[int(np.argmax(room))])
    return best * view.width, 1.0 if best < 0.5 else -1.0


def _ship_masks(tall: int, side: float) -> tuple[Plane, Plane]:
    scale = tall * _OVERSAMPLED
    size = (round(1.9 * scale), scale)
    hull, sails = Image.new("L", size), Image.new("L", size)
    on_hull, on_sails = ImageDraw.Draw(hull), ImageDraw.Draw(sails)

    def at(x: float, y: float) -> tuple[float, float]:
        return (0.95 + side * x) * scale, (1 - y) * scale

    on_hull.polygon([at(x, y) for x, y in _HULL], fill=255)
    for x, top in _MASTS:
        on_hull.line([at(x, 0.1), at(x, top)], fill=255, width=max(1, scale // 90))
        low = 0.27
        for level in range(3):
            high = low + (top - 0.30) / 3.05
            wide, narrow = 0.155 - 0.024 * level, 0.135 - 0.026 * level
            bulge = 0.05
            right = x + wide + bulge * 0.6
            billow = (x + narrow + bulge, (low + high) / 2), (x - wide + 0.03, (low + high) / 2)
            outline = [(x - wide, low), (x + bulge, low + 0.018), (right, low), billow[0]]
            outline += [(x + narrow, high), (x - narrow, high), billow[1]]
            on_sails.polygon([at(*point) for point in outline], fill=255)
            low = high + 0.014
    on_sails.polygon([at(0.42, 0.66), at(0.50, 0.28), at(0.82, 0.31)], fill=255)
    on_hull.line([at(0.34, 0.86), at(0.86, 0.30)], fill=150, width=max(1, scale // 260))
    on_hull.line([at(-0.34, 0.84), at(-0.60, 0.24)], fill=150, width=max(1, scale // 260))
    small = (max(2, round(1.9 * tall)), tall)
    return _reduced(hull, small), _reduced(sails, small)


def _reduced(drawing: Image.Image, size: tuple[int, int]) -> Plane:
    """A drawing in grey as shares of 0 to 1, averaged down to a size (width, height)."""
    return np.asarray(np.asarray(drawing.resize(size, Image.Resampling.BOX)) / 255, np.float32)


def birds_over(stage: Stage, seen: Seen, canvas: Canvas) -> Canvas:
    """A loose flock, far off."""
    del seen  # they are in the sky
    view, rng = stage.view, stage.rng
    if "birds" not in stage.scene.extras:
        return canvas
    layer = Image.new("L", (view.width * 2, view.height * 2))
    draw = ImageDraw.Draw(layer)
    x, y = float(rng.uniform(0.25, 0.7)) * view.width, view.horizon * float(rng.uniform(0.35, 0.65))
    for _ in range(int(rng.integers(7, 15))):
        left = 2 * (x + float(rng.normal(0, 0.09)) * view.width)
        top = 2 * (y + float(rng.normal(0, 0.05)) * view.height)
        span = 2 * view.unit * float(rng.uniform(7, 15))
        dip, lift = span * float(rng.uniform(0.10, 0.28)), span * float(rng.uniform(0.15, 0.42))
        for way in (-1, 1):
            points = [
                (left, top),
                (left + way * span * 0.45, top - lift),
                (left + way * span, top - lift + dip),
            ]
            draw.line(points, fill=255, width=max(2, round(span / 9)), joint="curve")
    mask = np.asarray(layer.resize((view.width, view.height), Image.Resampling.BOX), np.float32) / 255
    return (canvas + (stage.light.cloud * np.float32(0.25) - canvas) * (mask * 0.85)[..., None]).astype(
        np.float32
    )
