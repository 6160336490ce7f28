"""A picture from start to end."""

from collections.abc import Callable

from PIL import Image

from pipelines.studio.picture.city import skyline_on
from pipelines.studio.picture.grading import develop
from pipelines.studio.picture.grass import grass_on
from pipelines.studio.picture.ground import land_under
from pipelines.studio.picture.landmarks import birds_over, lighthouse_on, ship_on
from pipelines.studio.picture.light import light_of
from pipelines.studio.picture.planting import plant
from pipelines.studio.picture.scene import dice_for, read_prompt
from pipelines.studio.picture.sky import sky_over
from pipelines.studio.picture.terrain import look, raise_land
from pipelines.studio.picture.view import View
from pipelines.studio.picture.water import water_on
from pipelines.studio.picture.weather import falling_on, lightning_in, shafts_of

_HORIZON = {
    "mountains": 0.62,
    "lake": 0.56,
    "meadow": 0.56,
    "forest": 0.6,
    "desert": 0.52,
    "sea": 0.58,
    "city": 0.68,
}
_EYE = {
    "mountains": 0.95,
    "lake": 0.55,
    "meadow": 0.62,
    "forest": 0.8,
    "desert": 0.95,
    "sea": 0.5,
    "city": 0.5,
}


def _unheard(done: int, total: int, what: str) -> None:
    del done, total, what


def paint(
    prompt: str,
    size: tuple[int, int],
    *,
    seed: int,
    steps: int = 8,
    tell: Callable[[int, int, str], None] = _unheard,
) -> Image.Image:
    """Paint what a prompt says.

    Args:
        prompt: free text; words for time, place, weather and mood steer the picture, the rest varies it.
        size: width and height in pixels.
        seed: another one gives another picture of the same kind; the same gives the same, byte for byte.
        steps: fineness of the detail; 8 is full detail at usual sizes.
        tell: hears steps done, steps in all, and what comes next.
    """
    rng = dice_for(prompt, seed)
    scene = read_prompt(prompt, rng)
    light = light_of(scene, rng)
    horizon = size[1] * (_HORIZON[scene.subject] + float(rng.uniform(-0.035, 0.035)))
    view = View(*size, horizon=horizon, eye=_EYE[scene.subject], detail=min(4 + steps // 2, 9))
    canvas = sky_over(view, scene, light, rng)
    if "lightning" in scene.extras:
        canvas = lightning_in(view, canvas, rng)
    relief = raise_land(view, scene, light, rng)
    seen = look(view, scene, relief, light, rng)
    canvas = land_under(view, scene, light, seen, canvas, rng)
    canvas = plant(view, scene, light, relief, seen, canvas, rng)
    if scene.subject == "city":
        canvas = skyline_on(view, scene, light, seen, canvas, rng)
    if "lighthouse" in scene.extras:
        canvas = lighthouse_on(view, scene, light, relief, seen, canvas, rng)
    if "ship" in scene.extras and scene.subject in {"sea", "lake"}:
        canvas = ship_on(view, scene, light, seen, canvas, rng)
    if "birds" in scene.extras:
        canvas = birds_over(view, light, canvas, rng)
    canvas = water_on(view, scene, light, seen, canvas, rng)
    canvas = grass_on(view, scene, light, relief, seen, canvas, rng, prompt)
    canvas = shafts_of(view, scene, light, seen, canvas, rng)
    canvas = falling_on(view, scene, light, canvas, rng)
    return develop(view, scene, light, canvas, rng)
