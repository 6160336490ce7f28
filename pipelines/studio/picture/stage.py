"""What every part of a picture is painted for: the scene, its light, the eye, and the picture's own dice."""

from dataclasses import dataclass

from pipelines.studio.picture.light import Light
from pipelines.studio.picture.noise import Rng
from pipelines.studio.picture.scene import Scene
from pipelines.studio.picture.view import View


@dataclass(frozen=True, slots=True)
class Stage:
    """One picture's givens; `rng` advances as it is used, so painters draw in a fixed order."""

    view: View
    scene: Scene
    light: Light
    rng: Rng

    @property
    def sunward(self) -> float:
        """1.0 if the light comes from the right, -1.0 if from the left."""
        return 1.0 if self.light.sun_at[0] > 0.5 else -1.0
