"""Whether our reading of an app agrees with `gradio_client`'s: its own words, and what its calls give.

The reference is asked through its public names alone: `view_api` and `predict`. What it says of a value is
its Python type, which is compared with our kind by the tables here, not by the reader's own.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx  # the reference's
from corpus.catalogue import APPS, LOGIN
from differential import Media, by_client, captioned, same
from gradio_client import Client
from gradio_client.exceptions import AppError
from servers import Server

from spaces_registry import App, Endpoint, Kind, Parameter, Return, Space, Value
from spaces_registry.errors import CallFailed

Told = Mapping[str, Any]
_MEDIA = {
    "Image": Kind.IMAGE,
    "Audio": Kind.AUDIO,
    "Video": Kind.VIDEO,
    "Model3d": Kind.MODEL3D,
    "Imageeditor": Kind.IMAGE,
    "Imageslider": Kind.IMAGE,
    "Annotatedimage": Kind.IMAGE,
    "Gallery": Kind.GALLERY,
}
_PLOTS = {"Plot", "Lineplot", "Barplot", "Scatterplot"}
_JSON = {"Json", "Dialogue", "Browserstate", "Label", "Paramviewer"} | _PLOTS
_PLAIN = {"str": Kind.TEXT, "float": Kind.NUMBER, "int": Kind.INTEGER, "bool": Kind.BOOLEAN}


@contextmanager
def reference(house: Server, name: str, folder: Path, *, is_named: bool = False) -> Iterator[Client]:
    """The reference client on one app; without certificates, whose reading costs more than the calls.

    Args:
        house: the server of the corpus.
        name: the app.
        folder: for the files that it downloads.
        is_named: whether the app is named in a header in place of the path; see `house.House`.
    """
    client = Client(
        house.url if is_named else house.url + APPS[name],
        headers={"x-corpus-app": name} if is_named else None,
        verbose=False,
        download_files=folder,
        analytics_enabled=False,
        token=False,
        auth=LOGIN if name == "behind_login" else None,
        ssl_verify=False,
    )
    try:
        yield client
    finally:
        client.close()


def kind_of(told: Told) -> Kind:
    """The kind that the reference's words mean: its Python type, and for media the component."""
    component, written = told["component"], _type_of(told).removesuffix(" | none").removeprefix("none | ")
    if component in _MEDIA:
        return _MEDIA[component]
    if component in ("Dropdown", "Radio", "Checkboxgroup") or written.startswith(("literal", "list[literal")):
        return Kind.CHOICE
    if written in ("filepath", "list[filepath]"):
        return Kind.FILE
    if written in _PLAIN:
        return _PLAIN[written]
    return Kind.JSON if written.startswith(("list", "dict")) or component in _JSON else Kind.ANY


def _type_of(told: Told) -> str:
    """The Python type, in small letters: Gradio 4 writes `List[str]`, later ones `list[str]`."""
    return str(told["python_type"]["type"]).lower()


def signature_differences(space: Space, told: Mapping[str, Told]) -> Iterator[str]:
    """Where our signatures differ from the reference's, in words; nothing if they agree.

    Args:
        space: our reading.
        told: `view_api(return_format="dict")["named_endpoints"]` of the same app.
    """
    ours, theirs = [one.name for one in space.endpoints], list(told)
    if ours != theirs:
        yield f"endpoints {ours}, not {theirs}"
        return
    for endpoint in space.endpoints:
        entry = told[endpoint.name]
        if len(endpoint.parameters) != len(entry["parameters"]):
            yield f"{endpoint.name} takes {len(endpoint.parameters)}, not {len(entry['parameters'])}"
        if len(endpoint.returns) != len(entry["returns"]):
            yield f"{endpoint.name} gives {len(endpoint.returns)}, not {len(entry['returns'])}"
        if endpoint.description != entry.get("description", ""):
            yield f"{endpoint.name} is described as {endpoint.description!r}"
        pairs = [*zip(endpoint.parameters, entry["parameters"], strict=False)]
        for parameter, one in pairs:
            for fact in _parameter_differences(parameter, one):
                yield f"{endpoint.name} {parameter.name}: {fact}"
        for value, one in zip(endpoint.returns, entry["returns"], strict=False):
            for fact in _value_differences(value, one):
                yield f"{endpoint.name} -> {value.name}: {fact}"


def _parameter_differences(ours: Parameter, told: Told) -> Iterator[str]:
    if ours.name != told["parameter_name"]:
        yield f"the name is {told['parameter_name']!r}"
    if ours.required is told["parameter_has_default"]:
        yield f"required is {ours.required}"
    if ours.default != _unplaced(told["parameter_default"]):
        yield f"the default is {ours.default!r}, not {told['parameter_default']!r}"
    listed = told["type"].get("enum", told["type"].get("items", {}).get("enum")) or None
    choices = None if ours.choices is None else [str(one) for one in ours.choices]
    if choices != (None if listed is None else [str(one) for one in listed]):
        yield f"the choices are {choices}, not {listed}"
    if told["component"] == "Slider":
        span = f"numeric value between {ours.minimum} and {ours.maximum}"
        if told["python_type"]["description"] not in (span, "", told["type"].get("description")):
            yield f"the range is {span!r}, not {told['python_type']['description']!r}"
        if told["type"].get("description", span) != span:
            yield f"the range is {span!r}, not {told['type']['description']!r}"
    yield from _value_differences(ours, told)


def _value_differences(ours: Parameter | Return, told: Told) -> Iterator[str]:
    if ours.kind is not kind_of(told):
        yield f"the kind is {ours.kind}, not {kind_of(told)} ({told['component']}, {told['python_type']})"
    is_list = _type_of(told).startswith(("list", "tuple"))
    if ours.kind.is_file | (ours.kind is Kind.CHOICE) and ours.many != is_list:
        yield f"many is {ours.many}, but it is a {told['python_type']['type']}"
    if isinstance(told["label"], str) and ours.label not in (told["label"].strip(), ""):
        yield f"the label is {ours.label!r}, not {told['label']!r}"


def _unplaced(default: Any) -> Any:
    """The reference's default without the URL of a file that also has a path: it holds the app's address."""
    match default:
        case {"path": str(path), **rest} if not path.startswith(("http://", "https://")):
            return {"path": path} | {key: _unplaced(one) for key, one in rest.items() if key != "url"}
        case dict():
            return {key: _unplaced(one) for key, one in default.items()}
        case list():
            return [_unplaced(one) for one in default]
    return default


def example(parameter: Parameter, told: Told, media: Media) -> Value:
    """A value to try a parameter with: the app's own example; for a file, which is elsewhere, one of ours."""
    match parameter.kind:
        case Kind.GALLERY:
            return (captioned(media.picture, "first"), media.picture)
        case Kind.IMAGE:
            return (media.picture, media.picture) if parameter.many else media.picture
        case Kind.AUDIO:
            return media.sound
        case Kind.VIDEO:
            return media.clip
        case Kind.FILE | Kind.MODEL3D:
            return (media.text, media.picture) if parameter.many else media.text
        case Kind.INTEGER | Kind.NUMBER if not isinstance(told["example_input"], int | float):
            return 3
        case Kind.JSON if parameter.component == "Multimodaltextbox":
            return {"text": "words", "files": []}
        case Kind.JSON | Kind.ANY if (
            told["example_input"] == "..."
        ):  # Gradio's word for what it does not know
            return parameter.default
        case Kind.BOOLEAN:
            return True
    found: Value = told["example_input"]
    return found


@dataclass(frozen=True, slots=True)
class Differences:
    """What differed, by endpoint: with a value for every parameter, and with only the required ones."""

    with_examples: Mapping[str, str]
    with_defaults: Mapping[str, str]


async def call_differences(
    app: App, client: Client, told: Mapping[str, Told], media: Media, folder: Path
) -> Differences:
    """Call every endpoint through both, once with examples, and once more if it has defaults."""
    examples: dict[str, str] = {}
    defaults: dict[str, str] = {}
    for number, endpoint in enumerate(app.space.endpoints):
        given = {
            one.name: example(one, entry, media)
            for one, entry in zip(endpoint.parameters, told[endpoint.name]["parameters"], strict=True)
        }
        required = {one.name: given[one.name] for one in endpoint.parameters if one.required}
        if (found := await _difference(app, client, endpoint, given, folder / f"{number}")) is not None:
            examples[endpoint.name] = found
        if required == given:
            continue
        if (found := await _difference(app, client, endpoint, required, folder / f"{number}d")) is not None:
            defaults[endpoint.name] = found
    return Differences(examples, defaults)


async def _difference(
    app: App, client: Client, endpoint: Endpoint, arguments: Mapping[str, Value], folder: Path
) -> str | None:
    """In what our call and the reference's differ, or None; that both are refused counts as agreement."""
    await anyio.Path(folder).mkdir()
    ours: tuple[Value, ...] | CallFailed
    try:
        ours = await app.call(endpoint, arguments, folder=folder)
    except CallFailed as failure:
        ours = failure
    client.reset_session()
    try:
        theirs: Any = by_client(client, endpoint, arguments)
    except (
        AppError,
        ValueError,
        TypeError,
        OSError,
        httpx.HTTPStatusError,
    ) as failure:  # what its users meet, as it comes
        return None if isinstance(ours, CallFailed) else f"{ours!r}, where theirs fails: {failure}"
    if isinstance(ours, CallFailed):
        return f"{ours}, where theirs gives {theirs!r}"
    return None if same(ours, theirs) else f"{ours!r}, not {theirs!r}"
