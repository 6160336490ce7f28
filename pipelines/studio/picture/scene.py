"""Reading a prompt: which words mean a time of day, a subject, a mood. What is not said is drawn."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipelines.studio.picture.noise import Rng

TIMES: Mapping[str, str] = {
    "aurora": r"aurora\w*|northern lights|polar lights",
    "night": r"night\w*|midnight|moon\w*|star(?:s|ry|lit|light)?|milky way|galax\w*|nocturn\w*",
    "storm": r"storm\w*|thunder\w*|lightning|tempest|rain\w*|hurricane|gale",
    "sunset": r"sunsets?|evening|golden hour|sundown|setting sun",
    "dusk": r"dusk|twilight|blue hour|gloaming|neon|cyberpunk",
    "dawn": r"dawn|sunrise|morning|daybreak|first light|rising sun",
    "mist": r"mist\w*|fog\w*|haz[ey]\w*|overcast|grey sky|gray sky|gloomy",
    "day": r"day\w*|noon|midday|sunny|blue sky|bright|summer",
}
SUBJECTS: Mapping[str, str] = {
    "city": (
        r"cit(?:y|ies)|skyline|skyscrapers?|town|metropol\w*|urban|downtown|street\w*|neon|cyberpunk|tokyo"
    ),
    "sea": (
        r"seas?|ocean\w*|lighthouses?|ships?|boats?|sail\w*|coast\w*|waves?|beach\w*|island\w*|harbou?r|shore\w*"
        r"|cliffs?"
    ),
    "desert": r"deserts?|dunes?|sahara|sand\w*|camels?|mars|martian|oasis|egypt",
    "forest": r"forests?|woods?|woodland|trees?|jungle|pines?|fox|deer|wolf|bears?|owl",
    "lake": r"lakes?|rivers?|streams?|ponds?|fjords?|valleys?|swans?|reflection",
    "meadow": (
        r"meadows?|fields?|grass\w*|flowers?|farm\w*|prairie|hills?|pasture|lavender|popp(?:y|ies)|village"
        r"|horses?|sheep|barn"
    ),
    "mountains": r"mountain\w*|peaks?|alps?|alpine|summits?|himalaya\w*|glaciers?|volcano\w*|everest",
}
EXTRAS: Mapping[str, str] = {
    "lighthouse": r"lighthouses?|beacon",
    "ship": r"ships?|boats?|sail\w*|vessel|schooner|pirates?",
    "moon": r"moon\w*",
    "stars": r"star(?:s|ry|lit|light)?|milky way|galax\w*|universe|cosm\w*",
    "snow": r"snow\w*|winter\w*|ic[ey]|frost\w*|frozen|blizzard|arctic|antarctic\w*|christmas",
    "birds": r"birds?|gulls?|seagulls?|crows?|geese|swallows?|flock",
    "rain": r"rain\w*|storm\w*|downpour|drizzle",
    "lightning": r"lightning|thunder\w*",
    "cloudy": r"clouds?|cloudy|dramatic|epic|moody|stormy",
    "clear": r"clear|cloudless",
    "low sun": r"sunsets?|evening|golden hour|sundown|setting sun|dawn|sunrise|daybreak|rising sun",
    "flowers": r"flower\w*|poppies|lavender|blossom\w*|spring|wild ?flowers",
    "poppies": r"popp(?:y|ies)",
    "lavender": r"lavender",
    "autumn": r"autumn\w*|fall|october|maples?|fox",
    "island": r"island\w*|tropical|palms?",
    "mars": r"mars|martian|red|crimson|canyons?",
    "neon": r"neon|cyberpunk",
    "river": r"rivers?|streams?|valleys?|creek",
}
# words → (hue of the tint as RGB factors)
TINTS: tuple[tuple[str, tuple[float, float, float]], ...] = (
    (r"warm\w*|cosy|cozy|amber|fire\w*", (1.08, 1.0, 0.9)),
    (r"gold\w*|honey|yellow", (1.1, 1.02, 0.84)),
    (r"cold\w*|cool|chill\w*|icy|frozen", (0.92, 1.0, 1.1)),
    (r"blue|azure|sapphire|indigo", (0.88, 0.98, 1.14)),
    (r"mars|martian", (1.22, 0.96, 0.8)),
    (r"red|crimson|scarlet|blood\w*", (1.12, 0.97, 0.93)),
    (r"purple|violet|magenta|lavender", (1.06, 0.92, 1.12)),
    (r"pink|rose|rosy|pastel", (1.1, 0.97, 1.03)),
    (r"green|emerald|teal|jade", (0.92, 1.06, 0.98)),
)
_GREY = r"black and white|monochrome|noir|greyscale|grayscale"
_VIVID = r"vivid|vibrant|colou?rful|saturated|psychedelic|neon|fantasy|dream\w*"
_SOFT = r"muted|pale|faded|soft|pastel|minimal\w*|quiet|gentle"


@dataclass(frozen=True, slots=True)
class Scene:
    """What to paint.

    Attributes:
        time: a key of TIMES; it sets the light.
        subject: a key of SUBJECTS; it sets the land.
        extras: keys of EXTRAS.
        tint: factors on red, green and blue.
        saturation: factor on colour.
        mist: 0 to 1, how much air there is to see.
    """

    time: str
    subject: str
    extras: frozenset[str]
    tint: tuple[float, float, float]
    saturation: float
    mist: float


def dice_for(prompt: str, seed: int) -> Rng:
    """The random numbers of a picture: a function of its prompt and seed alone."""
    digest = hashlib.sha256(f"{seed}|{' '.join(prompt.split()).lower()}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def read_prompt(prompt: str, rng: Rng) -> Scene:
    """Turn words into a scene; the first subject named wins, and what is not said is drawn from `rng`."""
    mist_said = _says(prompt, TIMES["mist"])
    extras = frozenset(name for name, words in EXTRAS.items() if _says(prompt, words))
    times = [name for name, words in TIMES.items() if name != "mist" and _says(prompt, words)]
    time = times[0] if times else "mist" if mist_said else _draw(rng, _USUAL_TIMES)
    subject = _first_named(prompt, SUBJECTS) or _draw(rng, _USUAL_SUBJECTS)
    if subject == "mountains" and _says(prompt, SUBJECTS["lake"]):
        subject = "lake"
    tint = np.ones(3)
    for words, factors in TINTS:
        if _says(prompt, words):
            tint *= factors
    saturation = 0.0 if _says(prompt, _GREY) else 1.0
    saturation *= 1.25 if _says(prompt, _VIVID) else 0.78 if _says(prompt, _SOFT) else 1.0
    mist = 0.68 if mist_said else float(rng.uniform(0.15, 0.45))
    return Scene(time, subject, extras, (float(tint[0]), float(tint[1]), float(tint[2])), saturation, mist)


_USUAL_TIMES = ("dawn", "day", "day", "sunset", "sunset", "dusk")
_USUAL_SUBJECTS = ("mountains", "lake", "sea", "meadow", "forest", "desert")


def _draw(rng: Rng, names: tuple[str, ...]) -> str:
    return names[int(rng.integers(len(names)))]


def _says(prompt: str, words: str) -> bool:
    return re.search(rf"\b(?:{words})\b", prompt, re.IGNORECASE) is not None


def _first_named(prompt: str, kinds: Mapping[str, str]) -> str | None:
    found = {name: re.search(rf"\b(?:{words})\b", prompt, re.IGNORECASE) for name, words in kinds.items()}
    places = {name: match.start() for name, match in found.items() if match}
    return min(places, key=lambda name: places[name]) if places else None
