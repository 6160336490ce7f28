"""What is written for one call on a command line, as the inputs and the `with` of a chain.

`name=value` gives a parameter, `name.part=value` a part of one that takes objects: the files of a message,
the mask of an editor. `null` leaves a field of the app empty.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from spaces_registry.errors import ToolkitError, nearest
from spaces_registry.signature import Endpoint, Kind, Parameter

_NOTHING = ["null"]
_PLAIN_PART: Mapping[str, str] = {  # by component: which of its parts a plain value is
    "multimodaltextbox": "text",
    "imageeditor": "image",
    "image": "image",
    "annotatedimage": "image",
    "video": "video",
}


class BadCall(ToolkitError):
    """The arguments of a single call do not fit the endpoint."""

    code = "bad-call"


@dataclass(slots=True)
class Spelled:
    """A call as a chain's inputs and arguments.

    Attributes:
        inputs: the declarations by name.
        arguments: the `with`.
        given: what was written, by input.
    """

    inputs: dict[str, object] = field(default_factory=dict)
    arguments: dict[str, object] = field(default_factory=dict)
    given: dict[str, Sequence[str]] = field(default_factory=dict)

    def add(self, name: str, parameter: Parameter, texts: Sequence[str]) -> object:
        """Declare an input for what was written; the reference to it."""
        if list(texts) == _NOTHING and parameter.takes_null:
            return None
        unique = name.replace(".", "_")
        while unique in self.inputs:
            unique += "_"
        # the app's own choices and ranges are checked when the value is bound
        kind = Kind.TEXT if parameter.kind is Kind.CHOICE else parameter.kind
        if parameter.is_message and not _is_object(texts):
            kind = Kind.TEXT
        self.inputs[unique] = {"kind": str(kind), "many": parameter.takes_several}
        self.given[unique] = texts
        return f"$inputs.{unique}"


def spelled(place: str, endpoint: Endpoint, given: Mapping[str, Sequence[str]]) -> Spelled:
    """What was written for one call.

    Args:
        place: what is called.
        endpoint: what of it.
        given: texts by parameter, or by `parameter.part`; several for one that takes a list.

    Raises:
        BadCall: a name is not known, a parameter is missing, or a part stands beside a whole object.
    """
    whole: dict[str, Sequence[str]] = {}
    parts: dict[str, dict[str, Sequence[str]]] = {}
    for written, texts in given.items():
        if endpoint.parameter(written) is not None:
            whole[written] = texts
            continue
        name, _, part = written.partition(".")
        parameter = endpoint.parameter(name)
        if parameter is None or parameter.takes_several or not (part and parameter.parts):
            hint = nearest(written, [one.name for one in endpoint.parameters]) or "it takes none"
            raise BadCall(f"{place} {endpoint.name} takes no parameter {written!r}", hint=hint)
        if parameter.part(part) is None:
            message = f"{name} of {place} {endpoint.name} has no part {part!r}"
            raise BadCall(message, hint=nearest(part, [one.name for one in parameter.parts]))
        parts.setdefault(name, {})[part] = texts
    _check_missing(place, endpoint, {*whole, *parts})
    found = Spelled()
    for parameter in endpoint.parameters:
        name = parameter.name
        if name in parts:
            found.arguments[name] = _object(found, parameter, whole.get(name), parts[name])
        elif name in whole:
            found.arguments[name] = found.add(name, parameter, whole[name])
    return found


def _object(
    found: Spelled,
    parameter: Parameter,
    plain: Sequence[str] | None,
    parts: Mapping[str, Sequence[str]],
) -> dict[str, object]:
    """The parts of one parameter; a plain value beside them is the part that it stands for."""
    several = dict(parts)
    if plain is not None:
        own = _PLAIN_PART.get(parameter.component.lower())
        if own is None or own in parts or (parameter.is_message and _is_object(plain)):
            message = f"{parameter.name} is given as a whole and in parts"
            raise BadCall(message, hint=f"write `{parameter.name}={plain[0][:40]}`, or its parts")
        several = {own: plain, **several}
    arguments: dict[str, object] = {}
    for name, texts in several.items():
        if (part := parameter.part(name)) is not None:
            arguments[name] = found.add(f"{parameter.name}.{name}", part, texts)
    return arguments


def _is_object(texts: Sequence[str]) -> bool:
    """Whether this is JSON of an object, and not words."""
    try:
        return len(texts) == 1 and isinstance(json.loads(texts[0]), dict)
    except (ValueError, RecursionError):
        return False


def _check_missing(place: str, endpoint: Endpoint, named: set[str]) -> None:
    missing = [one for one in endpoint.parameters if not one.may_be_left_out and one.name not in named]
    if missing:
        told = ", ".join(f"{one.name} ({one.kind})" for one in missing)
        hint = "add " + " ".join(f"{one.name}=…" for one in missing)
        raise BadCall(f"{place} {endpoint.name} also needs {told}", hint=hint)
