"""A composed chain as YAML, as a person would have written it."""

import re
from collections.abc import Iterator, Sequence

import yaml

from chains.compose.composition import Composition, Step
from chains.compose.handed import Handed
from chains.compose.sources import part_of
from chains.meaning.parts import find_part
from chains.text.scalars import NotFinite, resolve
from spaces_registry.apps.labels import unique
from spaces_registry.plain import is_seen
from spaces_registry.signature import Json, Kind

_WIDTH = 100  # characters of a line that a person would not break
# what stands without quotes everywhere: no colon, no hash, nothing that opens or ends something
_PLAIN = re.compile(r"[A-Za-z0-9/](?:[\w .,;!?'()/@&+=%*-]|:(?=//))*")
_ARTICLES = {"image": "an image", "audio": "an audio", "text": "a text", "data": "data"}


def write(chain: Composition, name: str) -> str:
    """The YAML of a composed chain, line end included.

    Args:
        chain: what to write.
        name: what to call it.
    """
    blocks = [[f"name: {_scalar(name)}", f"description: {_scalar(_description(chain))}"]]
    if chain.inputs:
        blocks.append(["inputs:", *(line for one in chain.inputs for line in _input(one))])
    for at, step in enumerate(chain.steps):
        blocks.append([*(["steps:"] if at == 0 else []), *_step(step)])
    blocks.append(["outputs:", *_outputs(chain.steps[-1])])
    return "\n\n".join("\n".join(one) for one in blocks) + "\n"


def _description(chain: Composition) -> str:
    first, *others = (f"{_a(one.name)} by {one.space}" for one in chain.steps)
    return f"{', then '.join([first[0].upper() + first[1:], *others])}."


def _a(step: str) -> str:
    noun = re.sub(r"_\d+$", "", step)
    article = "another" if noun != step else ""
    return f"{article} {noun}" if article else _ARTICLES.get(noun, f"a {noun}")


def _input(one: Handed) -> Iterator[str]:
    fields: dict[str, Json] = {"kind": str(one.kind)}
    if one.many:
        fields["many"] = True
    if one.default is not None:
        fields["default"] = one.default
    for key, bound in (("minimum", one.minimum), ("maximum", one.maximum)):
        if bound is not None:
            fields[key] = int(bound) if bound == int(bound) else bound
    if one.help:
        fields["help"] = one.help
    line = f"  {one.name}: {{{', '.join(f'{key}: {_flow(value)}' for key, value in fields.items())}}}"
    if len(line) <= _WIDTH:
        yield line
        return
    yield f"  {one.name}:"
    for key, value in fields.items():
        if isinstance(value, list):
            yield f"    {key}:"
            yield from (f"      - {_flow(item)}" for item in value)
        else:
            yield f"    {key}: {_flow(value) if not isinstance(value, str) else _scalar(value)}"


def _step(step: Step) -> Iterator[str]:
    yield f"  {step.name}:"
    yield f"    space: {_scalar(step.space)}"
    yield f"    endpoint: {_scalar(step.endpoint.name)}"
    if step.bound:
        yield "    with:"
        for name, source in step.bound.items():
            yield f"      {_scalar(name)}: ${source}"


def _outputs(step: Step) -> Iterator[str]:
    """All that the last step gives; what it is for under the step's own name."""
    returns = step.endpoint.returns
    media = (at for at, one in enumerate(returns) if one.kind.is_file or one.kind is Kind.GALLERY)
    main = next(media, 0)
    all_images = find_part(returns, "images")
    taken: dict[str, int] = {}
    for at in sorted(range(len(returns)), key=lambda at: at != main):
        part = part_of(returns, at)
        is_all = returns[at].kind is Kind.GALLERY and all_images is not None and len(all_images.places) == 1
        name = returns[at].name if returns[at].name.isascii() else f"output_{at + 1}"
        if at == main:
            name = f"{step.name}s" if is_all else step.name
        yield f"  {_scalar(unique(name, taken))}: ${step.name}.{'images' if is_all else part}"


def _flow(value: Json) -> str:
    """A value in one line, good between braces too."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case str():
            return _scalar(value, inside=True)
        case _ if isinstance(value, Sequence):
            return f"[{', '.join(map(_flow, value))}]"
    pairs = (f"{_scalar(key, inside=True)}: {_flow(one)}" for key, one in value.items())
    return f"{{{', '.join(pairs)}}}"


def _scalar(text: str, *, inside: bool = False) -> str:
    """A text, in quotes where YAML would read something else, or where it is to stand between braces."""
    if _PLAIN.fullmatch(text) and text == text.strip() and not (inside and "," in text) and _is_text(text):
        return text
    quoted: str = yaml.safe_dump(text, default_style='"', allow_unicode=is_seen(text), width=10**9)
    return quoted.rstrip("\n")


def _is_text(text: str) -> bool:
    try:
        return isinstance(resolve(text), str)
    except NotFinite:
        return False
