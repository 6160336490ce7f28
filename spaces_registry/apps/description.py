"""Reads a running app's own description into a `Space`: pure functions over decoded JSON, which never raise.

Three sources, in this order: `{prefix}/info` (4.x to 6.x), `{prefix}/openapi.json`, `/config`.
`/config` also completes the others: true ranges and choices, State slots, generators, positions on the wire.
What an app describes but cannot be called ends in `Space.unusable`, with the reason.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from spaces_registry.apps.closed import WHY, is_queued
from spaces_registry.apps.labels import read_label, slug, unique
from spaces_registry.apps.openapi import described
from spaces_registry.apps.parts import read_inside
from spaces_registry.apps.schema import (
    holds_files,
    is_finite,
    mapping,
    read_choices,
    read_kind,
    read_limit,
    sequence,
)
from spaces_registry.apps.traits import traits_of
from spaces_registry.network.decoding import is_deep, sendable
from spaces_registry.signature import Endpoint, Json, Kind, Parameter, Return, Space, Unusable, Wire

_NO_API = frozenset(
    {"state", "row", "column", "tabs", "tab", "tabitem", "box", "form", "accordion", "group"}
    | {"interpretation", "dataset", "sidebar", "button"}
)  # components that Gradio leaves out of an API, for versions whose `/config` does not say `skip_api`


@dataclass(frozen=True, slots=True)
class Known:
    """What the Hub knows of a running Space beside its description; see `Space`."""

    revision: str | None = None
    stage: str | None = None
    hardware: str | None = None


def read_space(
    address: str,
    url: str,
    config: object,
    info: object,
    openapi: object = None,
    *,
    known: Known = Known(),
    is_closed: bool = False,
) -> Space:
    """Read what an app says about itself.

    Args:
        address: Space id or URL, as it is to be shown.
        url: root of the app.
        config: decoded `/config`; anything else than an object is taken for an empty one.
        info: decoded `{prefix}/info`, or None if the app has none.
        openapi: decoded `{prefix}/openapi.json`, or None.
        known: what the Hub told of it.
        is_closed: whether its queued functions are for its own page alone; see `apps.closed`.

    Returns:
        The Space with its endpoints in the app's own order.
    """
    app = _App.read(config)
    found, is_described = described(info, openapi)
    if not is_described:
        found = dict(app.endpoints())
    endpoints: dict[str, Endpoint] = {}
    unusable = [*app.closed(found), *_unnamed(info)]
    for name, entry in found.items():
        try:
            endpoints[name] = _endpoint(name, entry, app, is_closed=is_closed)
        except _Unreadable as why:
            unusable.append(Unusable(sendable(name), str(why)))
    limit = app.config.get("max_file_size")
    return Space(
        address=address,
        url=url.rstrip("/"),
        endpoints=tuple(endpoints.values()),
        revision=known.revision,
        stage=known.stage,
        hardware=known.hardware,
        gradio=_text(app.config.get("version")) or None,
        prefix=_prefix(app.config),
        protocol=_text(app.config.get("protocol")) or "ws",
        max_file_bytes=limit
        if isinstance(limit, int) and not isinstance(limit, bool) and limit >= 0
        else None,
        unusable=tuple(unusable),
        traits=traits_of(config, found),
    )


class _Unreadable(Exception):
    """This endpoint cannot be called from here; the text says why."""


@dataclass(frozen=True, slots=True)
class _Match:
    """An endpoint's entry in `/config`: position, the entry, and the components of its inputs and outputs."""

    index: int
    dependency: Mapping[str, Any]
    inputs: tuple[Mapping[str, Any], ...]
    outputs: tuple[Mapping[str, Any], ...]

    @property
    def taken(self) -> tuple[Mapping[str, Any], ...]:
        """The components of the inputs that a caller gives."""
        return tuple(one for one in self.inputs if not _skipped(one))

    @property
    def given(self) -> tuple[Mapping[str, Any], ...]:
        """The components of the outputs that a caller gets."""
        return tuple(one for one in self.outputs if not _skipped(one))


@dataclass(frozen=True, slots=True)
class _App:
    """`/config`, indexed; `named` keeps the app's order and holds every function that has a name."""

    config: Mapping[str, Any]
    named: tuple[tuple[str, _Match], ...]
    by_name: Mapping[str, list[_Match]]

    @classmethod
    def read(cls, config: object) -> "_App":
        here = mapping(config)
        entries = (_shallow(mapping(one)) for one in sequence(here.get("components")))
        components = {one["id"]: one for one in entries if isinstance(one.get("id"), int | str)}
        named: list[tuple[str, _Match]] = []
        by_name: dict[str, list[_Match]] = {}
        for position, one in enumerate(map(mapping, sequence(here.get("dependencies")))):
            if name := _text(one.get("api_name")).lstrip("/"):
                match = _match(position, one, components)
                named.append((f"/{name}", match))
                by_name.setdefault(f"/{name}", []).append(match)
        return cls(here, tuple(named), by_name)

    def match(self, name: str, takes: int, gives: int | None) -> _Match | None:
        """The function behind an endpoint; of two with one name the one that fits, the last one first.

        Raises:
            _Unreadable: there is one of that name, but it takes or gives another number of values.
        """
        same: list[_Match] = self.by_name.get(name, [])
        for one in reversed(same):
            if len(one.taken) == takes and gives in (None, len(one.given)):
                return one
        if same:
            raise _Unreadable("the app's API description and its configuration contradict each other")
        return None

    def endpoints(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Endpoints in the shape of `/info`, for an app whose `/info` fails; labels stand in for names."""
        for name, match in self.named:
            if _is_public(match.dependency):
                yield name, {"parameters": [{} for _ in match.taken], "returns": [{} for _ in match.given]}

    def closed(self, open_names: Mapping[str, object]) -> Iterator[Unusable]:
        """What has a name, but is kept private or undocumented by its author."""
        told = set(open_names)
        for name, match in self.named:
            if name not in told and match.dependency.get("backend_fn") is not False:
                told.add(name)
                if not _is_public(match.dependency):
                    yield Unusable(name, "its author keeps it out of the API")


def _shallow(component: Mapping[str, Any]) -> Mapping[str, Any]:
    """The component; of one whose value nobody could walk down, only what it is."""
    if not is_deep(component):
        return component
    return {key: component[key] for key in ("id", "type", "skip_api") if key in component}


def _match(
    position: int, dependency: Mapping[str, Any], components: Mapping[object, Mapping[str, Any]]
) -> _Match:
    def behind(ids: object) -> tuple[Mapping[str, Any], ...]:
        return tuple(components.get(one, {}) if isinstance(one, int | str) else {} for one in sequence(ids))

    index = dependency.get("id", position)
    return _Match(
        index if isinstance(index, int) and not isinstance(index, bool) else position,
        dependency,
        behind(dependency.get("inputs")),
        behind(dependency.get("outputs")),
    )


def _is_public(dependency: Mapping[str, Any]) -> bool:
    visible = dependency.get(
        "api_visibility", "public" if dependency.get("show_api", True) else "undocumented"
    )
    return visible == "public" and dependency.get("backend_fn") is not False


def _skipped(component: Mapping[str, Any]) -> bool:
    skip = component.get("skip_api", _text(component.get("type")) in _NO_API)
    return skip is True


def _unnamed(info: object) -> Iterator[Unusable]:
    for key in mapping(mapping(info).get("unnamed_endpoints")):
        yield Unusable(sendable(str(key)), "the app gives this function no name")


def _endpoint(name: str, entry: Mapping[str, Any], app: _App, *, is_closed: bool) -> Endpoint:
    if name != sendable(name):
        raise _Unreadable("its name holds half a character, which cannot be sent")
    if is_deep(entry):
        raise _Unreadable("its description is nested too deeply")
    parameters, returns = entry.get("parameters"), entry.get("returns")
    if not isinstance(parameters, list) or not all(isinstance(one, Mapping) for one in parameters):
        raise _Unreadable("its parameters are not described")
    gives = len(returns) if isinstance(returns, list) else None
    match = app.match(name, len(parameters), gives)
    if is_closed and match is not None and is_queued(app.config, match.dependency):
        raise _Unreadable(WHY)
    if not isinstance(returns, list):
        if match is None:
            raise _Unreadable("its outputs are not described")
        returns = [{} for _ in match.given]
    translations = app.config.get("i18n_translations")
    major = _text(app.config.get("version")).partition(".")[0]
    read = _parameters(parameters, match.taken if match else (), translations, major)
    give = _returns([mapping(one) for one in returns], match.given if match else (), translations)
    return Endpoint(
        name=name,
        parameters=read,
        returns=give,
        description=_text(entry.get("description")),
        wire=_wire(match, read, give),
    )


def _wire(match: _Match | None, parameters: tuple[Parameter, ...], returns: tuple[Return, ...]) -> Wire:
    if match is None:
        return Wire(None, tuple(one.name for one in parameters), tuple(range(len(returns))))
    names, places = iter(parameters), iter(range(len(returns)))
    return Wire(
        index=match.index,
        inputs=tuple(None if _skipped(one) else next(names).name for one in match.inputs),
        outputs=tuple(None if _skipped(one) else next(places) for one in match.outputs),
        generator=mapping(match.dependency.get("types")).get("generator") is True,
    )


def _parameters(
    entries: list[Mapping[str, Any]],
    components: tuple[Mapping[str, Any], ...],
    translations: object,
    major: str,
) -> tuple[Parameter, ...]:
    taken: dict[str, int] = {}
    return tuple(
        _parameter(entry, components[place] if components else {}, translations, taken, major)
        for place, entry in enumerate(entries)
    )


def _parameter(
    entry: Mapping[str, Any],
    behind: Mapping[str, Any],
    translations: object,
    taken: dict[str, int],
    major: str,
) -> Parameter:
    props = mapping(behind.get("props"))
    component = _text(entry.get("component")) or _text(behind.get("type")).capitalize()
    schema = entry.get("type") or behind.get("api_info_as_input") or behind.get("api_info")
    kind, many, wrapped = read_kind(component, schema, props)
    label = read_label(entry.get("label") or props.get("label"), translations)
    choices = read_choices(schema, props) if kind is Kind.CHOICE else None
    has_default = entry.get("parameter_has_default", props.get("value") is not None)
    default = entry.get("parameter_default", props.get("value"))
    wrapped = wrapped or (major in {"4", "5"} and kind is Kind.VIDEO)
    inside = read_inside(component, schema, props, major, wrapped=wrapped)
    return Parameter(
        name=unique(_text(entry.get("parameter_name")) or slug(label, "parameter"), taken),
        kind=kind,
        label=label,
        required=not has_default,
        default=_portable(default) if has_default else None,
        choices=choices,
        closed=choices is not None and props.get("allow_custom_value") is not True,
        minimum=read_limit(props, "minimum"),
        maximum=read_limit(props, "maximum"),
        many=many,
        wrapped=wrapped,
        component=component,
        nullable=True,
        parts=inside.parts,
        file_free=inside.file_free,
        form=inside.form,
    )


def _portable(default: Json) -> Json:
    """The default without what changes with the app's address (a FileData's `url`) and without `1e999`."""
    match default:
        case Mapping():
            path = default.get("path")
            is_here = isinstance(path, str) and not path.startswith(("http://", "https://"))
            left_out = {"url"} if is_here else frozenset()
            return {key: _portable(one) for key, one in default.items() if key not in left_out}
        case list():
            return [_portable(one) for one in default]
        case float() if not is_finite(default):
            return None
    return default


def _returns(
    entries: list[Mapping[str, Any]], components: tuple[Mapping[str, Any], ...], translations: object
) -> tuple[Return, ...]:
    taken: dict[str, int] = {}
    found: list[Return] = []
    for place, entry in enumerate(entries):
        behind = components[place] if components else {}
        props = mapping(behind.get("props"))
        component = _text(entry.get("component")) or _text(behind.get("type")).capitalize()
        schema = entry.get("type") or behind.get("api_info_as_output") or behind.get("api_info")
        kind, many, wrapped = read_kind(component, schema, props)
        label = read_label(entry.get("label") or props.get("label"), translations)
        has_files = wrapped or (kind in (Kind.JSON, Kind.ANY) and holds_files(component, schema))
        name = unique(slug(label, "output"), taken)
        found.append(Return(name, kind, label, many, component, has_files))
    return tuple(found)


def _prefix(config: Mapping[str, Any]) -> str:
    path = _text(config.get("api_prefix")).strip("/")
    return f"/{quote(path, safe='/~%')}" if path else ""


def _text(value: object) -> str:
    return sendable(value) if isinstance(value, str) else ""
