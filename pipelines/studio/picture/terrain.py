"""The land: a height map of the world in front of the eye, and which point of it every pixel sees.

World units: x to the right, z away from the eye, height upwards, sea level at 0.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.studio.picture.noise import Plane, Rng, blurred, eroded, fbm, ridged, sample, smoothstep, tile
from pipelines.studio.picture.scene import Scene
from pipelines.studio.picture.stage import Stage
from pipelines.studio.picture.view import View

NEAR, FAR = 0.7, 34.0
_SIDE = 512  # cells of the height map, across and along
_SLICES = 560  # depths at which the land is looked at


@dataclass(frozen=True, slots=True)
class Relief:
    """The height map and what depends on it alone; planes of (along z, across x) cells.

    Attributes:
        height: world units.
        shade: 0 in shadow to 1 in direct light.
        hollow: positive in hollows, negative on crests.
        half_width: world x at the right edge.
    """

    height: Plane
    shade: Plane
    hollow: Plane
    half_width: float


@dataclass(frozen=True, slots=True)
class Seen:
    """What every pixel sees; planes of (rows, columns), which change as things are put before the land.

    Attributes:
        relief: the land itself.
        land: 0 to 1, share of the pixel that is land or water rather than sky.
        depth: world z.
        height: world height.
        across: world x.
        facing: 0 to 1, how much direct light falls on it, shadows included.
        steep: 0 flat to 1 and more for cliffs.
        hollow: positive in hollows, negative on crests.
        water: whether it is water.
        skyline: first row that is not sky, of every column.
    """

    relief: Relief
    land: Plane
    depth: Plane
    height: Plane
    across: Plane
    facing: Plane
    steep: Plane
    hollow: Plane
    water: Plane
    skyline: Plane

    def cover(self, part: tuple[slice, slice], mask: Plane) -> None:
        """Note that something stands there, before land, water and sky."""
        self.water[part] *= 1 - mask
        self.land[part] = np.maximum(self.land[part], mask)


def raise_land(stage: Stage) -> Relief:
    """The height map for a scene."""
    half_width = FAR * stage.view.width / stage.view.focal * 0.53
    z = np.linspace(0, FAR, _SIDE, dtype=np.float32)[:, None]
    x = np.linspace(-half_width, half_width, _SIDE, dtype=np.float32)[None, :]
    height = _SHAPES[stage.scene.subject](x, z, stage.scene, stage.rng)
    shade = _shadows(height, stage, half_width)
    hollow = blurred(height, 6) - height
    return Relief(height.astype(np.float32), shade, hollow, half_width)


def _noise(
    x: Plane, rng: Rng, size: float, octaves: int, *, ridges: bool = False, gain: float = 0.5
) -> Plane:
    cells = (FAR / size, float(x.max()) * 2 / size)
    make = ridged if ridges else fbm
    return make(rng, (_SIDE, _SIDE), cells, octaves, gain)


def _massif(x: Plane, rng: Rng, size: float) -> Plane:
    """Mountains, 0 to about 1: crests of even slope with gullies worn into their flanks."""
    worn = eroded(rng, (_SIDE, _SIDE), (FAR / size, float(x.max()) * 2 / size), 6)
    crest = 1.0 - np.abs(_noise(x, rng, size * 0.9, 4, gain=0.42)) * 1.25
    return np.clip(0.52 * crest + 0.62 * worn + 0.1, 0, None)


def _mountains(x: Plane, z: Plane, scene: Scene, rng: Rng) -> Plane:
    bend = float(rng.uniform(-2.5, 2.5))
    valley = np.abs(x - bend * np.sin(z / 9)) / (1.4 + 0.17 * z)
    walls = 0.22 + 0.78 * smoothstep(0.1, 1.7, valley)
    peaks = _massif(x, rng, 9) * 6.2 * smoothstep(3.5, 17, z) * walls
    peaks += smoothstep(17, 30, z) * _massif(x, rng, 7) * 2.6
    hills = (
        (_noise(x, rng, 5, 5, gain=0.42) + 0.35) * 0.7 * smoothstep(0.5, 7, z) * (0.35 + valley.clip(0, 1))
    )
    return np.asarray(
        peaks + hills + (0.18 if "river" not in scene.extras else _banks(x, z, rng)), np.float32
    )


def _lake(x: Plane, z: Plane, scene: Scene, rng: Rng) -> Plane:
    del scene
    shore = float(rng.uniform(7.0, 9.5)) + _noise(x, rng, 6, 4) * 2.0
    land = smoothstep(-0.5, 11, z - shore)
    peaks = _massif(x, rng, 8) * 6.4 * land
    rim = (_noise(x, rng, 3.5, 5) * 0.4 + 0.42) * smoothstep(-0.2, 1.6, z - shore)
    side = smoothstep(0.42, 0.85, np.abs(x) / (0.6 + 0.55 * z)) * smoothstep(2.4, 5.0, z)
    spits = side * (0.62 + _noise(x, rng, 2.5, 5) * 0.7) * (1.0 if rng.random() < 0.65 else 0.3)
    return np.asarray(peaks + rim + spits - 0.22, np.float32)


def _banks(x: Plane, z: Plane, rng: Rng) -> Plane:
    middle = float(rng.uniform(-0.5, 0.5)) + np.sin(z * 0.62 + float(rng.uniform(0, 6))) * (0.25 + 0.07 * z)
    off = np.abs(x - middle) / (0.34 + 0.03 * z)
    return (0.22 * smoothstep(0.75, 1.9, off) - 0.07).astype(np.float32)


def _meadow(x: Plane, z: Plane, scene: Scene, rng: Rng) -> Plane:
    rolls = (_noise(x, rng, 9, 3, gain=0.32) + 0.25) * 1.5 * smoothstep(0.5, 12, z)
    far = _massif(x, rng, 9) * 4.4 * smoothstep(17, 31, z)
    return np.asarray(rolls + far + (0.16 if "river" not in scene.extras else _banks(x, z, rng)), np.float32)


def _forest(x: Plane, z: Plane, scene: Scene, rng: Rng) -> Plane:
    slopes = (_noise(x, rng, 8, 4, gain=0.35) + 0.3) * 0.8 * smoothstep(1.5, 14, z)
    far = _massif(x, rng, 9) * 5.0 * smoothstep(12, 28, z)
    return np.asarray(slopes + far + (0.15 if "river" not in scene.extras else _banks(x, z, rng)), np.float32)


def _desert(x: Plane, z: Plane, scene: Scene, rng: Rng) -> Plane:
    del scene
    lean = float(rng.uniform(-0.5, 0.5))
    phase = (z + lean * x) / 3.1 + 1.15 * _noise(x, rng, 8, 2, gain=0.3) + float(rng.uniform(0, 1))
    part = phase - np.floor(phase)
    crest = np.where(
        part < 0.72, np.sin(part / 0.72 * np.pi / 2) ** 1.6, np.cos((part - 0.72) / 0.28 * np.pi / 2)
    )
    size = np.clip(0.55 + _noise(x, rng, 7, 2), 0.08, 1.3)
    dunes = crest * size * 1.05 * smoothstep(0.6, 5, z)
    broad = np.clip(_noise(x, rng, 13, 2) + 0.2, 0, 2) * 1.7 * smoothstep(8, 26, z)
    return np.asarray(dunes + broad + 0.1, np.float32)


def _sea(x: Plane, z: Plane, scene: Scene, rng: Rng) -> Plane:
    depth = np.full((_SIDE, _SIDE), -0.6, np.float32)
    side = float(rng.choice([-1, 1]))
    coast = "lighthouse" in scene.extras or (rng.random() < 0.6 and "island" not in scene.extras)
    if coast:  # a headland from one side
        tip = 0.16 + 0.10 * _noise(x, rng, 4, 4)
        reach = side * x / (0.62 * z + 0.3) - tip
        cliff = smoothstep(0.0, 0.16, reach) * smoothstep(3.6, 5.2, z) * smoothstep(13.0, 9.0, z)
        depth += cliff * (1.12 + 0.42 * _noise(x, rng, 2.2, 5) + 0.8 * smoothstep(0.1, 0.9, reach))
    if "island" in scene.extras:
        middle = -side * float(rng.uniform(0.6, 1.6))
        hill = np.exp(-np.square((x - middle) / 2.3) - np.square((z - 9.5) / 1.9))
        shape = 0.75 + 0.3 * _noise(x, rng, 2.4, 5)
        depth = np.maximum(
            depth, 1.75 * hill * shape - 0.34 + 0.35 * np.square(hill) * _noise(x, rng, 1.2, 4)
        )
    isles = smoothstep(0.5, 1.1, _noise(x, rng, 8, 5)) * smoothstep(17, 25, z)
    depth += isles * 2.4
    return depth


def _city(x: Plane, z: Plane, scene: Scene, rng: Rng) -> Plane:
    del scene, rng
    return np.full(
        np.broadcast_shapes(x.shape, z.shape), -0.5, np.float32
    )  # the city stands on the shore by itself


_SHAPES: Mapping[str, Callable[[Plane, Plane, Scene, Rng], Plane]] = {
    "mountains": _mountains,
    "lake": _lake,
    "meadow": _meadow,
    "forest": _forest,
    "desert": _desert,
    "sea": _sea,
    "city": _city,
}


def _shadows(height: Plane, stage: Stage, half_width: float) -> Plane:
    """Where a ridge stands between the light and the land, softly."""
    step = 1.2
    dx = stage.sunward * step * _SIDE / (2 * half_width)
    dz = 0.35 * step * _SIDE / FAR
    drop = stage.light.slant * step * 0.9
    above = np.full_like(height, -10.0)
    for hop in range(1, 15):
        moved = np.roll(height, (-round(dz * hop), -round(dx * hop)), (0, 1))
        above = np.maximum(above, moved - np.float32(drop * hop) - height)
    return smoothstep(0.35, -0.1, blurred(above, 1.6))


def look(stage: Stage) -> Seen:
    """Raise the land, and work out which point of it every pixel sees and how that lies to the light."""
    view, relief = stage.view, raise_land(stage)
    z = np.geomspace(NEAR, FAR * 0.985, _SLICES).astype(np.float32)[:, None]
    x = view.columns / np.float32(view.focal) * z
    height = _height_at(stage, relief, x, z)
    row = np.float32(view.horizon) + (view.eye - np.maximum(height, 0)) * np.float32(view.focal) / z
    top = np.minimum.accumulate(row, axis=0)
    pixels = _Picker(*_first_at_or_above(view, top), view.width)
    facing, steep = _slopes(stage, height, z)
    along, across = _cells(relief, x, z)
    skyline = top[-1][None, :]
    land = np.clip(view.rows + 1 - skyline, 0, 1).astype(np.float32)
    seen_height = pixels.of(height)
    return Seen(
        relief=relief,
        land=land,
        depth=pixels.of(np.broadcast_to(z, height.shape)),
        height=seen_height,
        across=pixels.of(x),
        facing=pixels.of(facing * _at(relief.shade, along, across)),
        steep=pixels.of(steep),
        hollow=pixels.of(_at(relief.hollow, along, across)),
        water=((seen_height < 0) & (land > 0)).astype(np.float32),
        skyline=skyline,
    )


def _slopes(stage: Stage, height: Plane, z: Plane) -> tuple[Plane, Plane]:
    """Of the land at every depth and column: how far it faces the light, 0 to 1, and how steep it is."""
    slope_x = np.gradient(height, axis=1) * np.float32(stage.view.focal) / z
    slope_z = np.gradient(height, axis=0) / np.gradient(z, axis=0)
    sun = np.array([stage.sunward * 0.85, stage.light.slant * 1.15, 0.12])
    sun /= np.linalg.norm(sun)
    slope = np.square(slope_x) + np.square(slope_z)
    facing = np.clip((-slope_x * sun[0] + sun[1] - slope_z * sun[2]) / np.sqrt(1 + slope), 0, 1)
    return facing.astype(np.float32), np.sqrt(slope).astype(np.float32)


@dataclass(frozen=True, slots=True)
class _Picker:
    """Turns planes of (depth slices, columns) into planes of pixels."""

    index: npt.NDArray[np.int32]
    share: Plane
    width: int

    def of(self, plane: Plane) -> Plane:
        flat = np.ascontiguousarray(plane, np.float32).ravel()
        columns = np.arange(self.width, dtype=np.int32)[None, :]
        far = flat.take(self.index * self.width + columns)
        near = flat.take(np.maximum(self.index - 1, 0) * self.width + columns)
        return near + (far - near) * self.share


def _first_at_or_above(view: View, top: Plane) -> tuple[npt.NDArray[np.int32], Plane]:
    """Per pixel the first slice that reaches it, and the share of the way from the slice before."""
    edge = np.clip(np.ceil(top), 0, view.height).astype(np.int32)
    flat = edge * view.width + np.arange(view.width, dtype=np.int32)[None, :]
    counts = np.bincount(flat.ravel(), minlength=(view.height + 1) * view.width)
    counts = counts.reshape(view.height + 1, view.width)[1:]
    index = np.cumsum(counts[::-1], axis=0, dtype=np.int32)[::-1]
    index = np.minimum(index, _SLICES - 1)
    columns = np.arange(view.width, dtype=np.int32)[None, :]
    flat_top = top.ravel()
    here = flat_top.take(index * view.width + columns)
    before = flat_top.take(np.maximum(index - 1, 0) * view.width + columns)
    share = np.clip((before - view.rows) / np.maximum(before - here, 1e-3), 0, 1)
    return index, share.astype(np.float32)


def height_of(relief: Relief, x: npt.NDArray[Any], z: npt.NDArray[Any]) -> tuple[Plane, Plane]:
    """Height and steepness of the land at places of the world."""
    along, across = _cells(relief, x, z)
    cell = 2 * relief.half_width / _SIDE
    rise_z, rise_x = np.gradient(relief.height, FAR / _SIDE, cell)
    steep = np.hypot(rise_z, rise_x).astype(np.float32)
    return _at(relief.height, along, across), _at(steep, along, across)


def _cells(relief: Relief, x: npt.NDArray[Any], z: npt.NDArray[Any]) -> tuple[Plane, Plane]:
    across = (x / np.float32(relief.half_width) + 1) * np.float32((_SIDE - 1) / 2)
    along = z * np.float32((_SIDE - 1) / FAR) + np.zeros_like(x)
    return np.clip(along, 0, _SIDE - 1.001), np.clip(across, 0, _SIDE - 1.001)


def _at(plane: Plane, along: Plane, across: Plane) -> Plane:
    row, column = along.astype(np.int32), across.astype(np.int32)
    low, right = along - row, across - column
    flat, place = plane.ravel(), row * _SIDE + column
    upper = flat.take(place) * (1 - right) + flat.take(place + 1) * right
    lower = flat.take(place + _SIDE) * (1 - right) + flat.take(place + _SIDE + 1) * right
    return np.asarray(upper * (1 - low) + lower * low, np.float32)


# per subject: strength and size of the relief that the height map is too coarse for
_ROUGHNESS = {
    "mountains": 0.05, "lake": 0.05, "meadow": 0.012, "forest": 0.05, "desert": 0.004, "sea": 0.06,
    "city": 0.0,
}  # fmt: skip


def _height_at(stage: Stage, relief: Relief, x: Plane, z: Plane) -> Plane:
    height = _at(relief.height, *_cells(relief, x, z))
    rough = _ROUGHNESS[stage.scene.subject]
    if not rough:
        return height
    pattern = 1 - np.abs(tile(stage.rng, 512, 0.75, 4.0))
    above = smoothstep(-0.05, 0.4, height) * (0.14 + 0.86 * smoothstep(0.3, 2.5, height))
    for octave in range(max(1, stage.view.detail - 5)):
        scale = 0.16 * 3.1**octave
        size = rough * 2.4**-octave * np.clip(3.0 - z * np.float32(3.1**octave * 0.05), 0, 1)
        height = height + pattern_at(pattern, x, z, scale, octave) * (size * above)
    return height


def pattern_at(pattern: npt.NDArray[Any], x: Plane, z: Plane, scale: float, turn: int) -> Plane:
    """A repeating pattern on the ground, turned so that its repetitions do not line up."""
    angle = 0.6 + 1.1 * turn
    cos, sin = np.float32(np.cos(angle) * scale), np.float32(np.sin(angle) * scale)
    return sample(pattern, x * cos + z * sin, z * cos - x * sin)
