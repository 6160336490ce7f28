"""Single things that a prompt may ask for: a lighthouse with its beam, a ship under sail, birds."""

import numpy as np
from PIL import Image, ImageDraw

from pipelines.studio.picture.ground import air_share, haze_colours
from pipelines.studio.picture.light import Light, colour
from pipelines.studio.picture.noise import Plane, Rng, smoothstep
from pipelines.studio.picture.planting import mask_of
from pipelines.studio.picture.scene import Scene
from pipelines.studio.picture.terrain import Relief, Seen, height_of
from pipelines.studio.picture.view import Canvas, View

_LAMP_LIT = {"night", "dusk", "storm", "mist", "dawn", "aurora", "sunset"}
_OVERSAMPLED = 4


def lighthouse_on(  # noqa: PLR0917 - what it is painted into
    view: View, scene: Scene, light: Light, relief: Relief, seen: Seen, canvas: Canvas, rng: Rng
) -> Canvas:
    """A white tower with a red band on the headland, lit and lighting."""
    x, z, ground = _headland(view, relief)
    tall = max(0.95 * view.focal / z, view.height * 0.14)
    foot = view.horizon + (view.eye - ground + 0.03) * view.focal / z
    middle = view.width / 2 + x * view.focal / z
    v = (foot - view.rows) / tall  # 0 at the foot, 1 at the top
    u = (view.columns + view.width / 2 - middle) / tall
    half = 0.105 - 0.042 * v
    soft = 0.7 / tall
    tower = _inside(half, u, soft) * _between(-0.05, 0.80, v, soft)
    gallery = _inside(0.088, u, soft) * _between(0.79, 0.815, v, soft)
    lamp = _inside(0.05, u, soft) * _between(0.815, 0.90, v, soft)
    roof = _inside(np.clip((1.0 - v) * 0.62, 0, 0.066), u, soft) * _between(0.90, 1.0, v, soft)
    house = _inside(0.11, u - 0.19, soft) * _between(-0.05, 0.13, v, soft)
    gable = _inside(np.clip((0.235 - v) * 1.25, 0, 0.13), u - 0.19, soft) * _between(0.13, 0.235, v, soft)
    free = mask_of(seen, (slice(None), slice(None)), z)
    side = 1.0 if light.sun_at[0] > 0.5 else -1.0
    round_ = np.clip(0.62 + 0.5 * side * u / np.maximum(half, 0.02), 0.16, 1.15)
    bands = ((v > 0.26) & (v < 0.44)) | ((v > 0.60) & (v < 0.74))
    paint = np.where(bands[..., None], colour("b03028"), colour("f2eee4"))
    haze = haze_colours(view, light, canvas)
    share = np.float32(air_share(scene, z, ground + 0.4) * 0.75)
    lit = light.fill * 1.25
    for shape, tone, sunny in (
        (house, colour("e6e0d2"), np.full_like(u, 0.75)), (gable, colour("6e3a30"), np.full_like(u, 0.8)),
        (tower, paint, round_), (gallery, colour("3a3634"), round_), (lamp, colour("5a554c"), round_), (roof, colour("7c2a24"), round_),
    ):  # fmt: skip
        surface = tone * (lit + light.sun * np.asarray(sunny)[..., None] * 0.9)
        surface = surface + (haze - surface) * share
        mask = shape * free
        canvas += (surface - canvas) * mask[..., None]
        seen.cover((slice(None), slice(None)), mask)
    if scene.time in _LAMP_LIT:
        canvas += _lamp_light(view, scene, middle, foot - tall * 0.857, tall, rng)
    return canvas


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


def _lamp_light(view: View, scene: Scene, x: float, y: float, tall: float, rng: Rng) -> Canvas:
    u, v = (view.columns + view.width / 2 - x) / tall, (view.rows - y) / tall
    far = np.sqrt(np.square(u) + np.square(v)) + 1e-4
    glow = 2.6 * np.exp(-far / 0.035) + 0.5 * np.exp(-far / 0.16) + 0.12 * np.exp(-far / 0.6)
    angle = np.arctan2(v, u)
    beams = np.zeros_like(far)
    turn = float(rng.uniform(-0.16, 0.10))
    for centre, strength in ((np.pi + turn, 1.0), (turn * -0.6, 0.8)):
        off = np.abs(np.angle(np.exp(1j * (angle - centre))).astype(np.float32))
        beams += strength * np.exp(-np.square(off / 0.042)) + 0.4 * strength * np.exp(-np.square(off / 0.11))
    beams *= np.exp(-far / 2.6) * smoothstep(0.0, 0.12, far)
    power = {"night": 0.75, "aurora": 0.7, "storm": 0.6, "dusk": 0.55, "mist": 0.5}.get(scene.time, 0.22)
    return ((glow * (0.4 + power) + beams * power)[..., None] * colour("ffe9b8")).astype(np.float32)


def _inside(half: Plane | float, u: Plane, soft: float) -> Plane:
    return np.clip((half - np.abs(u)) / soft + 0.5, 0, 1).astype(np.float32)


def _between(low: float, high: float, v: Plane, soft: float) -> Plane:
    return (np.clip((v - low) / soft + 0.5, 0, 1) * np.clip((high - v) / soft + 0.5, 0, 1)).astype(np.float32)


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


def ship_on(
    view: View, scene: Scene, light: Light, seen: Seen, canvas: Canvas, rng: Rng
) -> Canvas:
    """A three-master under sail, some way out."""
    z = float(rng.uniform(4.2, 6.5))
    tall = 0.92 * view.focal / z
    foot = view.horizon + view.eye * view.focal / z
    middle, side = _open_water(view, seen, foot, tall, rng)
    hull, sails = _ship_masks(round(tall), side)
    rows, columns = hull.shape
    top, left = round(foot) - rows, round(middle - columns / 2)
    y0, x0, x1 = max(top, 0), max(left, 0), min(left + columns, view.width)
    part, cut = (slice(y0, round(foot)), slice(x0, x1)), (slice(y0 - top, rows), slice(x0 - left, x1 - left))
    free = mask_of(seen, part, z) if seen.water[part].any() else np.zeros((1, 1), np.float32)
    free = np.maximum(free, seen.water[part])
    haze = haze_colours(view, light, canvas)[:, x0:x1]
    share = np.float32(air_share(scene, z, 0.4) * 0.8)
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
        room.append(float(seen.water[row, left:right].mean()) + float(rng.uniform(0, 0.08)) - 0.2 * abs(place - 0.5))
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
            on_sails.polygon(
                [at(x - wide, low), at(x + bulge, low + 0.018), at(x + wide + bulge * 0.6, low),
                 at(x + narrow + bulge, (low + high) / 2), at(x + narrow, high), at(x - narrow, high), at(x - wide + 0.03, (low + high) / 2)],
                fill=255,
            )  # fmt: skip
            low = high + 0.014
    on_sails.polygon([at(0.42, 0.66), at(0.50, 0.28), at(0.82, 0.31)], fill=255)
    on_hull.line([at(0.34, 0.86), at(0.86, 0.30)], fill=150, width=max(1, scale // 260))
    on_hull.line([at(-0.34, 0.84), at(-0.60, 0.24)], fill=150, width=max(1, scale // 260))
    small = (max(2, round(1.9 * tall)), tall)
    planes = (np.asarray(one.resize(small, Image.Resampling.BOX), np.float32) / 255 for one in (hull, sails))
    first, second = planes
    return first, second


def birds_over(view: View, light: Light, canvas: Canvas, rng: Rng) -> Canvas:
    """A loose flock, far off."""
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
    return (canvas + (light.cloud * np.float32(0.25) - canvas) * (mask * 0.85)[..., None]).astype(np.float32)
