"""What the land is made of: grass, rock, snow, sand; how light and air colour it."""

import numpy as np

from pipelines.studio.picture.light import Colour, colour
from pipelines.studio.picture.noise import Plane, smoothstep, tile
from pipelines.studio.picture.scene import Scene
from pipelines.studio.picture.stage import Stage
from pipelines.studio.picture.terrain import Seen, pattern_at
from pipelines.studio.picture.view import Canvas, View, mix

_GRASS = {"summer": ("4d6b2c", "7d8a3e"), "autumn": ("8a6a2c", "a8702c")}
_AIR_PER_UNIT = 0.028


def land_under(stage: Stage, seen: Seen, sky: Canvas) -> Canvas:
    """The sky with the land in front of it; water is still what lies under it."""
    light = stage.light
    surface = _surface(stage, seen)
    occlusion = np.clip(1.0 - 0.9 * seen.hollow, 0.55, 1.25)
    lit = surface * (seen.facing[..., None] * light.sun * 1.5 + occlusion[..., None] * light.fill * 1.15)
    # through air, far things are paler and closer to the sky
    through = mix(lit, haze_colours(stage, sky), _air(stage.scene, seen.depth, seen.height))
    return mix(sky, through, seen.land)


def air_share(scene: Scene, depth: float, height: float) -> float:
    """How much of a thing's own colour the air takes, 0 to 1."""
    return float(_air(scene, np.float32(depth), np.float32(height)))


def _air(scene: Scene, depth: Plane | np.float32, height: Plane | np.float32) -> Plane:
    density = _AIR_PER_UNIT * (0.55 + 3.2 * scene.mist**1.6)
    low = np.exp(-np.clip(height, 0, None) / (1.1 + 1.3 * (1 - scene.mist)))
    return np.asarray(1 - np.exp(-np.clip(depth - 1.2, 0, None) * density * (0.55 + 0.95 * low)), np.float32)


def haze_colours(stage: Stage, sky: Canvas) -> Canvas:
    """The colour of the air before the land, per column: the sky's at the horizon; one row."""
    view, light = stage.view, stage.light
    row = sky[min(max(int(view.horizon) - 2, 0), view.height - 1)]
    kernel = max(3, view.width // 12)
    padded = np.pad(row, ((kernel, kernel), (0, 0)), mode="edge")
    sums = np.cumsum(padded, axis=0)
    smooth = (sums[2 * kernel :] - sums[: -2 * kernel]) / (2 * kernel)
    haze = 0.35 * light.horizon + 0.6 * smooth[None, : view.width]
    return np.asarray(haze * (0.42 * light.middle / light.middle.max() + 0.55), np.float32)


def _surface(stage: Stage, seen: Seen) -> Canvas:
    view, scene, rng = stage.view, stage.scene, stage.rng
    coarse = pattern_at(tile(rng, 512, 0.6, 4.0), seen.across, seen.depth, 0.11, 0)
    fine = pattern_at(tile(rng, 512, 0.25, 8.0), seen.across, seen.depth, 0.75, 1)
    if scene.subject == "desert":
        return _sand(scene, seen, coarse, fine)
    rock = mix(
        _flat(view, colour("5c554e")), colour("8a8278"), np.clip(0.5 + 0.3 * coarse + 0.22 * fine, 0, 1)
    )
    season = "autumn" if "autumn" in scene.extras else "summer"
    dark, pale = (colour(code) for code in _GRASS[season])
    if scene.subject == "meadow" and "lavender" in scene.extras:
        dark, pale = colour("54427c"), colour("8a70b8")
    if scene.subject == "forest":
        dark, pale = dark * 0.7, pale * 0.6
    grass = mix(_flat(view, dark), pale, np.clip(0.45 + 0.35 * coarse + 0.18 * fine, 0, 1))
    rises = seen.height + 0.35 * coarse
    tree_line = 2.4 if scene.subject in {"mountains", "lake"} else 5.0
    bare = np.maximum(
        smoothstep(0.55, 1.1, seen.steep + 0.12 * fine), smoothstep(tree_line, tree_line + 1.4, rises)
    )
    if scene.subject == "sea":
        bare = np.maximum(bare, smoothstep(0.5, 0.3, seen.height))
        if "island" in scene.extras:  # a beach, not a cliff
            rock = mix(rock, colour("e2cfa4"), smoothstep(0.34, 0.16, seen.height))
    ground = mix(grass, rock, bare)
    return _snowed(scene, seen, ground, rises, fine)


def _snowed(scene: Scene, seen: Seen, ground: Canvas, rises: Plane, fine: Plane) -> Canvas:
    white = colour("f2f6fb")
    if "snow" in scene.extras:
        cover = smoothstep(1.5, 0.75, seen.steep + 0.1 * fine) * 0.97
        return mix(ground, white, cover.astype(np.float32))
    if scene.subject not in {"mountains", "lake", "meadow", "forest"}:
        return ground
    line = 3.2
    cover = smoothstep(line, line + 1.5, rises) * smoothstep(1.75, 0.85, seen.steep + 0.15 * fine)
    return mix(ground, white, cover)


def _sand(scene: Scene, seen: Seen, coarse: Plane, fine: Plane) -> Canvas:
    tone = np.clip(0.5 + 0.25 * coarse + 0.1 * fine, 0, 1)
    dark, pale = ("8a3f24", "b06a42") if "mars" in scene.extras else ("98703f", "bc965c")
    sand = mix(np.broadcast_to(colour(dark), (*tone.shape, 3)), colour(pale), tone)
    ripples = np.sin(seen.depth * 42 + seen.across * 9 + 2.2 * coarse)
    ripples *= np.clip(1.6 - seen.depth * 0.35, 0, 1)
    return (sand * (1 + 0.10 * ripples)[..., None]).astype(np.float32)


def _flat(view: View, tone: Colour) -> Canvas:
    return np.broadcast_to(tone, (view.height, view.width, 3)).astype(np.float32)
