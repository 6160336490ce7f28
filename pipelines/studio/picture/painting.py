"""A picture from start to end."""

from collections.abc import Callable, Mapping, Sequence

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
from pipelines.studio.picture.stage import Stage
from pipelines.studio.picture.terrain import Seen, look
from pipelines.studio.picture.view import Canvas, View
from pipelines.studio.picture.water import water_on
from pipelines.studio.picture.weather import falling_on, lightning_in, shafts_of

# subject → share of the height that is above the horizon, and height of the eye in world units
_EYES: Mapping[str, tuple[float, float]] = {
    "mountains": (0.62, 0.95),
    "lake": (0.56, 0.55),
    "meadow": (0.56, 0.62),
    "forest": (0.6, 0.8),
    "desert": (0.52, 0.95),
    "sea": (0.58, 0.5),
    "city": (0.68, 0.5),
}
# far to near; each returns the canvas as it is where it has nothing to add
_LAYERS: Sequence[tuple[str, Callable[[Stage, Seen, Canvas], Canvas]]] = (
    ("land", land_under),
    ("trees", plant),
    ("city", skyline_on),
    ("landmarks", lighthouse_on),
    ("landmarks", ship_on),
    ("landmarks", birds_over),
    ("water", water_on),
    ("grass", grass_on),
    ("air", shafts_of),
    ("air", falling_on),
)


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
    horizon, eye = _EYES[scene.subject]
    horizon = size[1] * (horizon + float(rng.uniform(-0.035, 0.035)))
    stage = Stage(View(*size, horizon=horizon, eye=eye, detail=min(4 + steps // 2, 9)), scene, light, rng)
    parts = len(_LAYERS) + 2

    def at(part: int, what: str) -> None:
        tell(steps * part // parts, steps, what)

    at(0, "sky")
    canvas = lightning_in(stage, sky_over(stage))
    at(1, "land")
    seen = look(stage)
    for part, (what, layer) in enumerate(_LAYERS, start=2):
        at(part, what)
        canvas = layer(stage, seen, canvas)
    picture = develop(stage, canvas)
    at(parts, "done")
    return picture
