"""Values of a chain → the arguments of one call: each conformed to its parameter's kind, or refused.

Nothing is guessed from a value's look: an artifact goes where a file is wanted, a text never does.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence

from chains.language.empty import EmptyQuery
from pipelines.artifacts import Artifact
from pipelines.engine.outputs import kind_by_bytes
from spaces_registry.apps.schema import is_finite
from spaces_registry.errors import RejectedInput, nearest
from spaces_registry.fitting.parts import misfit_of_parts
from spaces_registry.sayable import unsayable
from spaces_registry.signature import Endpoint, File, Kind, Parameter, Value, fits

KEY_VERSION = 1
_SEEN_OR_HEARD = frozenset({Kind.IMAGE, Kind.AUDIO, Kind.VIDEO, Kind.GALLERY})


def bind(endpoint: Endpoint, values: Mapping[str, object], *, place: str) -> dict[str, object]:
    """The arguments of a call, defaults filled in; files stay artifacts.

    A parameter that is left out and whose default is null, or is a file of the app's own, is not in the
    answer: the place fills it itself.

    Raises:
        RejectedInput: a value does not fit its parameter, a required one is missing, or one is unknown.
    """
    names = [one.name for one in endpoint.parameters]
    for name in values:
        if name not in names and not endpoint.open:
            message = f"{place} {endpoint.name} takes no parameter {name!r}"
            raise RejectedInput(place, message, hint=nearest(name, names))
    bound: dict[str, object] = {}
    for parameter in endpoint.parameters:
        if parameter.name in values:
            bound[parameter.name] = conform(parameter, values[parameter.name], place)
        elif parameter.required and parameter.may_be_left_out:
            bound[parameter.name] = None  # as the app's page sends an empty field
        elif parameter.required:
            message = f"{place} {endpoint.name} needs {parameter.name!r} ({parameter.kind})"
            raise RejectedInput(place, message, hint=f"add it under `with`: {parameter.name}: …")
        elif parameter.default is not None and not _carries_files(parameter):
            bound[parameter.name] = parameter.default
    for name, value in values.items():
        if name not in names:
            bound[name] = conform(Parameter(name, Kind.ANY), value, place)
    return bound


def as_arguments(bound: Mapping[str, object]) -> dict[str, Value]:
    """Bound arguments as a runner takes them: artifacts become files."""
    return {name: _as_value(value) for name, value in bound.items()}


def cache_key(
    *, kind: str, place: str, revision: str | None, endpoint: Endpoint, bound: Mapping[str, object]
) -> str:
    """SHA-256 (hex) of what decides a call's result: who is asked, in which state, what for, with what.

    Never in it: names of steps, runs, attempts, paths, times, URLs.
    """
    facts = {
        "version": KEY_VERSION,
        "kind": kind,
        "place": place,
        "revision": revision,
        "endpoint": endpoint.name,
        "signature": endpoint.fingerprint,
        "arguments": {name: _as_fact(value) for name, value in bound.items()},
    }
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def shown(value: object) -> object:
    """A bound value as JSON for people: an artifact is its name and hash."""
    match value:
        case Artifact():
            return {"kind": str(value.kind), "name": value.name, "sha256": value.sha256}
        case Mapping():
            return {str(name): shown(one) for name, one in value.items()}
        case str() | None | bool() | int() | float():
            return value
        case EmptyQuery():
            return None
        case Sequence():
            return [shown(one) for one in value]
        case _:
            return str(value)


def conform(parameter: Parameter, value: object, place: str) -> object:
    """One value as its parameter takes it.

    Raises:
        RejectedInput: it does not fit.
    """
    if why := unsayable(value):
        raise RejectedInput(place, f"{parameter.name} of {place} cannot be sent: it holds {why}")
    if value is None:
        if parameter.takes_null:
            return None
        raise _refused(parameter, value, place)
    if parameter.is_message:
        return _message(parameter, value, place)
    if parameter.takes_several:
        return tuple(_conform_one(parameter.item(at), one, place) for at, one in enumerate(_as_list(value)))
    return _conform_one(parameter, value, place)


def _message(parameter: Parameter, value: object, place: str) -> object:
    """Words, files, or both in an object: what a box for messages takes."""
    match value:
        case Mapping() if parameter.parts:
            return _parts(parameter, value, place)
        case str() | bool() | int() | float():
            return _conform_one(Parameter(parameter.name, Kind.TEXT), value, place)
        case Artifact():
            return value
        case Sequence() if all(isinstance(one, Artifact) for one in value):
            return tuple(value)
        case Mapping():
            return _plain(parameter, value, place)
    raise _refused(parameter, value, place)


def _parts(parameter: Parameter, value: Mapping[object, object], place: str) -> dict[str, object]:
    """An object in place of a plain value, each part as it is taken.

    Raises:
        RejectedInput: it has a part that is not known, or that does not fit.
    """
    names = [str(name) for name in value]
    if why := misfit_of_parts(parameter, names):
        raise RejectedInput(place, f"{parameter.name} of {place} {why.said}", hint=why.hint)
    return {
        name: conform(parameter.part(name) or Parameter(f"{parameter.name}.{name}", Kind.ANY), one, place)
        for name, one in zip(names, value.values(), strict=True)
    }


def _as_list(value: object) -> Sequence[object]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return value
    return (value,)


def _conform_one(parameter: Parameter, value: object, place: str) -> object:
    if parameter.parts and isinstance(value, Mapping):
        return _parts(parameter, value, place)
    match parameter.kind:
        case Kind.IMAGE | Kind.AUDIO | Kind.VIDEO | Kind.FILE | Kind.MODEL3D | Kind.GALLERY:
            return _artifact(parameter, value, place)
        case Kind.ANY:
            return value
        case Kind.JSON:
            return _plain(parameter, value, place)
        case Kind.BOOLEAN:
            if isinstance(value, bool):
                return value
        case Kind.NUMBER | Kind.INTEGER:
            return _number(parameter, value, place)
        case Kind.CHOICE:
            return _choice(parameter, value, place)
        case Kind.TEXT:
            if isinstance(value, bool):
                return "true" if value else "false"
            if isinstance(value, str | int | float):
                return str(value)
    raise _refused(parameter, value, place)


def _artifact(parameter: Parameter, value: object, place: str) -> Artifact:
    if isinstance(value, Artifact):
        kind = kind_by_bytes(value)
        # a file that is no known medium may be one all the same, and the app will tell; a text is none
        if fits(kind, parameter.kind) and not (parameter.kind in _SEEN_OR_HEARD and _is_text(value)):
            return value
    raise _refused(parameter, value, place)


def _is_text(file: Artifact) -> bool:
    return file.kind == Kind.FILE and (file.mime.startswith("text/") or file.mime == "application/json")


def _plain(parameter: Parameter, value: object, place: str, *, at_top: bool = True) -> object:
    """JSON all the way down, with files where the place takes them: elsewhere one is a path of ours."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Artifact() if not (at_top or parameter.file_free):
            return value
        case Mapping():
            return {str(name): _plain(parameter, one, place, at_top=False) for name, one in value.items()}
        case Sequence():
            return [_plain(parameter, one, place, at_top=False) for one in value]
        case _:
            raise _refused(parameter, value, place)


def _number(parameter: Parameter, value: object, place: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not is_finite(value):
        raise _refused(parameter, value, place)
    if parameter.kind == Kind.INTEGER:
        if value != int(value):
            raise _refused(parameter, value, place)
        value = int(value)
    low, high = parameter.minimum, parameter.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        message = f"{parameter.name} is {value:g}, but {place} takes {_range(low, high)}"
        raise RejectedInput(place, message)
    return value


def _choice(parameter: Parameter, value: object, place: str) -> object:
    if not isinstance(value, str | int | float | bool) and value is not None:
        raise _refused(parameter, value, place)
    if parameter.choices is None or not parameter.closed or value in parameter.choices:
        return value
    for one in parameter.choices:  # apps offer 512 and "512" for the same thing
        if str(one) == str(value):
            return one
    message = f"{parameter.name} is {value!r}, which {place} does not offer"
    raise RejectedInput(place, message, hint=nearest(str(value), [str(one) for one in parameter.choices]))


def _refused(parameter: Parameter, value: object, place: str) -> RejectedInput:
    wanted = f"a list of {parameter.kind}" if parameter.many else str(parameter.kind)
    return RejectedInput(place, f"{parameter.name} of {place} takes {wanted}, and got {describe(value)}")


def describe(value: object) -> str:
    """A value in a few words, for messages: its kind, and its beginning if it is short enough to help."""
    match value:
        case Artifact():
            return f"{'text file' if _is_text(value) else value.kind} ({value.name})"
        case None:
            return "nothing"
        case bool():
            return f"boolean ({str(value).lower()})"
        case int():
            return f"integer ({value})"
        case float():
            return f"number ({value:g})"
        case str():
            return f"text ({value[:40] + '…' if len(value) > 40 else value!r})"  # noqa: PLR2004 - a glance
        case Mapping():
            return "a mapping"
        case Sequence():
            return f"a list of {len(value)}"
        case _:
            return type(value).__name__


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at most {high:g}"
    if high is None:
        return f"at least {low:g}"
    return f"{low:g} to {high:g}"


def _carries_files(parameter: Parameter) -> bool:
    return parameter.kind.is_file or parameter.kind == Kind.GALLERY


def _as_value(value: object) -> Value:
    match value:
        case Artifact():
            return value.as_file()
        case None | bool() | int() | float() | str() | File():
            return value
        case Mapping():
            return {str(name): _as_value(one) for name, one in value.items()}
        case Sequence():
            return tuple(_as_value(one) for one in value)
        case _:
            raise TypeError(type(value).__name__)  # ours: bind lets nothing else through


def _as_fact(value: object) -> object:
    match value:
        case Artifact():
            return {"sha256": value.sha256, "caption": value.caption}
        case Mapping():
            return {str(name): _as_fact(one) for name, one in value.items()}
        case None | bool() | int() | float() | str():
            return value
        case Sequence():
            return [_as_fact(one) for one in value]
        case _:
            return str(value)
