"""Trees in the land: where they grow, and how they stand before and behind its hills."""

from dataclasses import dataclass

import numpy as np

from pipelines.studio.picture.ground import air_share, haze_colours
from pipelines.studio.picture.light import Colour, colour
from pipelines.studio.picture.noise import Plane, Rng
from pipelines.studio.picture.sprites import Sprite, broadleaf, conifer
from pipelines.studio.picture.stage import Stage
from pipelines.studio.picture.terrain import Seen, height_of
from pipelines.studio.picture.view import Canvas


@dataclass(frozen=True, slots=True)
class Grove:
    """How a subject is wooded: how many trees, how high, from which depth (world units), how clumped."""

    count: int
    low: float
    high: float
    nearest: float
    clumps: float
    leafy: float


_GROVES = {
    "mountains": Grove(900, 0.13, 0.46, 2.3, 1.0, 0.0),
    "lake": Grove(1000, 0.18, 0.6, 2.0, 0.7, 0.0),
    "meadow": Grove(110, 0.3, 0.75, 3.2, 1.0, 0.85),
    "forest": Grove(560, 0.7, 2.0, 1.8, 0.1, 0.0),
    "sea": Grove(60, 0.12, 0.22, 4.0, 0.8, 0.0),
}
_JUNGLE = Grove(260, 0.2, 0.42, 6.0, 0.2, 1.0)  # on an island


def plant(stage: Stage, seen: Seen, canvas: Canvas) -> Canvas:
    """Put trees on the land, far ones first; where they stand before water, it is water no more."""
    scene, rng = stage.scene, stage.rng
    grove = _GROVES.get(scene.subject)
    if grove is None:
        return canvas
    autumn = "autumn" in scene.extras
    if "island" in scene.extras and scene.subject == "sea":
        grove = _JUNGLE
    conifers = [conifer(rng, stage.sunward) for _ in range(4)]
    leafy = [broadleaf(rng, stage.sunward) for _ in range(3)] if grove.leafy or autumn else []
    haze = haze_colours(stage, canvas)[0]
    leaf = grove.leafy or (0.55 if leafy else 0.0)
    for foot in _places(stage, seen, grove):
        broad = bool(leafy) and rng.random() < leaf
        sprites = leafy if broad else conifers
        size = (grove.low + (grove.high - grove.low) * float(rng.random()) ** 1.6) * (0.72 if broad else 1.0)
        tree = _Tree(
            sprites[int(rng.integers(len(sprites)))], foot, size, _tone(broad=broad, autumn=autumn, rng=rng)
        )
        _stand(stage, seen, canvas, tree, haze)
    return canvas


def _places(stage: Stage, seen: Seen, grove: Grove) -> list[tuple[float, float, float]]:
    view, rng = stage.view, stage.rng
    count = grove.count * 4
    z = grove.nearest * (24.0 / grove.nearest) ** rng.random(count) ** 0.8
    x = rng.uniform(-0.62, 0.62, count) * view.width / view.focal * z
    ground, steep = height_of(seen.relief, x, z)
    clump = (
        np.sin(x * 1.3 + rng.uniform(0, 6))
        + np.sin(z * 1.1 + x * 0.4 + rng.uniform(0, 6))
        + rng.normal(0, 0.6, count)
    )
    grows = (ground > 0.09) & (ground < 2.3 + 0.4 * rng.random(count)) & (steep < 1.0)
    grows &= rng.random(count) < np.clip((z / grove.nearest - 0.9) / 1.3, 0.06, 1)
    grows &= clump > 1.4 * grove.clumps - 1.6 + 0.4
    if stage.scene.subject == "forest":  # a way through
        bend = np.sin(z * 0.55 + rng.uniform(0, 6)) * 0.35
        grows &= np.abs(x - bend) > 0.42 + 0.05 * z + 0.25 * (z < 3.2)
    keep = np.flatnonzero(grows)[: grove.count]
    keep = keep[np.argsort(-z[keep])]
    return [(float(x[one]), float(z[one]), float(ground[one])) for one in keep]


_LEAVES = ("b8722a", "c8902e", "a84a22", "8a6a24")


def _tone(*, broad: bool, autumn: bool, rng: Rng) -> Colour:
    if broad and autumn:
        base = colour(_LEAVES[int(rng.integers(len(_LEAVES)))])
    elif broad:
        base = colour("5f7f34", 0.9)
    else:
        base = colour("4a5228" if autumn else "2f4a2c")
    return base * np.float32(rng.uniform(0.75, 1.2))


@dataclass(frozen=True, slots=True)
class _Tree:
    """A sprite, where its foot is (x, z and height of the ground), how high it is, and its colour."""

    sprite: Sprite
    foot: tuple[float, float, float]
    size: float
    tone: Colour


def _stand(stage: Stage, seen: Seen, canvas: Canvas, tree: _Tree, haze: Canvas) -> None:
    view, light = stage.view, stage.light
    x, z, ground = tree.foot
    rows = round(tree.size * view.focal / z)
    if rows < 3:
        return
    cutout = tree.sprite.at_height(rows)
    columns = cutout.shape.shape[1]
    low = round(view.horizon + (view.eye - ground + 0.02) * view.focal / z)
    left = round(view.width / 2 + x * view.focal / z - columns / 2)
    top = low - rows
    y0, y1, x0, x1 = max(top, 0), min(low, view.height), max(left, 0), min(left + columns, view.width)
    if y0 >= y1 or x0 >= x1:
        return
    cut = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    part = (slice(y0, y1), slice(x0, x1))
    mask = cutout.shape[cut] * unhidden(seen, part, z)
    surface = (
        tree.tone * (light.fill * 1.5 + light.sun * 0.95) * np.clip(cutout.shade[cut], 0.12, 1.6)[..., None]
    )
    if "snow" in stage.scene.extras:
        white = colour("eef4fa") * (light.fill * 1.3 + light.sun * 0.75)
        surface = surface + (white - surface) * (cutout.snow[cut] * 0.9)[..., None]
    share = np.float32(air_share(stage.scene, z, ground + tree.size / 2))
    surface = surface + (haze[x0:x1][None] - surface) * share
    canvas[part] += (surface - canvas[part]) * mask[..., None]
    seen.cover(part, mask)


def unhidden(seen: Seen, part: tuple[slice, slice], z: float) -> Plane:
    """Where something at depth `z` is not hidden by land in front of it."""
    free = (seen.depth[part] > z * 0.965) | (seen.land[part] < 0.5)
    return free.astype(np.float32)
