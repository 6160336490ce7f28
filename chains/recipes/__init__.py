"""The bundled chains: data beside this, usable by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Recipe:
    """A bundled chain.

    Attributes:
        name: what users write.
        text: its YAML.
    """

    name: str
    text: str


def recipes() -> Mapping[str, Recipe]:
    """The bundled chains, by name, sorted."""
    folder = files("chains") / "recipes"
    found = sorted((one for one in folder.iterdir() if one.name.endswith(".yaml")), key=lambda one: one.name)
    return {
        one.name.removesuffix(".yaml"): Recipe(
            one.name.removesuffix(".yaml"), one.read_text(encoding="utf-8")
        )
        for one in found
    }
