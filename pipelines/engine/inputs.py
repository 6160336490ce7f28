"""What the user hands to a chain → the values of its inputs: converted, checked, files in the store."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from chains.meaning.misspelt import misspelt
from chains.meaning.paths import expanded
from chains.model import Chain, Input
from pipelines.artifacts import Artifact, Store
from pipelines.engine.arguments import beside, fetched, keep_user_file
from pipelines.engine.binding import describe
from spaces_registry.apps.schema import is_finite
from spaces_registry.errors import ToolkitError, nearest
from spaces_registry.sayable import unsayable
from spaces_registry.signature import Kind

_WEB = ("http://", "https://")
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


class InvalidInputs(ToolkitError):
    """Inputs are missing, unknown or do not fit; all of them at once.

    Args:
        chain: its name.
        problems: one line each.
        hint: what to write.
    """

    code = "invalid-inputs"

    def __init__(self, chain: str, problems: Sequence[str], hint: str | None) -> None:
        lines = "; ".join(problems)
        super().__init__(f"the inputs of {chain} do not fit: {lines}", hint=hint)
        self.problems = tuple(problems)


class _Unfit(Exception):
    """One value does not fit its input."""


@dataclass(frozen=True, slots=True)
class _Reader:
    """Converts the values of one chain's inputs."""

    chain: Chain
    store: Store
    as_text: bool

    def read(self, wanted: Input, given: object) -> object:
        """A value, or for `many` a tuple of them, as the input's kind wants it."""
        if not wanted.many:
            may_be_list = wanted.kind == Kind.JSON and not self.as_text
            if isinstance(given, Sequence) and not isinstance(given, str) and not may_be_list:
                if self.as_text and len(given) == 1:
                    return self._one(wanted, given[0])
                what = (
                    "is given more than once"
                    if self.as_text
                    else f"takes one value, and got {describe(given)}"
                )
                raise _Unfit(f"{wanted.name} {what}")
            return self._one(wanted, given)
        values: Sequence[object] = (
            given if isinstance(given, Sequence) and not isinstance(given, str) else [given]
        )
        if self.as_text and len(values) == 1 and str(values[0]).lstrip().startswith("["):
            listed = _from_json(wanted, str(values[0]))
            values = listed if isinstance(listed, list) else [listed]
        return tuple(self._one(wanted, one) for one in values)

    def _one(self, wanted: Input, value: object) -> object:
        kind = wanted.kind
        is_for_files = kind.is_file or kind == Kind.GALLERY
        is_path = is_for_files and isinstance(value, str) and not value.startswith(_WEB)  # of any bytes
        if not is_path and (why := unsayable(value)):
            raise _Unfit(f"{wanted.name} holds {why}")
        if is_for_files:
            return self._file(wanted, value)
        if kind == Kind.JSON:
            found = _from_json(wanted, value) if self.as_text and isinstance(value, str) else value
            return self._with_files(wanted, found)
        if kind in (Kind.NUMBER, Kind.INTEGER):
            value = _number(wanted, value)
        elif kind == Kind.BOOLEAN:
            value = _boolean(wanted, value)
        elif kind in (Kind.TEXT, Kind.CHOICE) and not isinstance(value, str | int | float):
            raise _Unfit(f"{wanted.name} takes {kind}, and got {describe(value)}")
        elif kind == Kind.TEXT:
            value = str(value)
        return _allowed(wanted, value)

    def _with_files(self, wanted: Input, value: object) -> object:
        """JSON with its files: named by `{"@file": path}` on a command line, else by a `Path`.

        Elsewhere an object is data, which may be somebody else's and names no file.
        """
        match value:
            case {"@file": name, **more} if self.as_text and not more:
                return self._file(replace(wanted, kind=Kind.FILE), name)
            case Path():
                return self._file(replace(wanted, kind=Kind.FILE), value)
            case Mapping():
                return {name: self._with_files(wanted, one) for name, one in value.items()}
            case Sequence() if not isinstance(value, str):
                return [self._with_files(wanted, one) for one in value]
        return value

    def _file(self, wanted: Input, value: object) -> Artifact:
        if isinstance(value, Artifact):
            return value
        kind = Kind.FILE if wanted.kind == Kind.GALLERY else wanted.kind
        if isinstance(value, Path):
            return keep_user_file(value, str(value), self.store, kind)
        if not isinstance(value, str) or not value:
            raise _Unfit(f"{wanted.name} takes a file, and got {describe(value)}")
        if value.startswith(_WEB):
            return fetched(value, kind, self.store, by_chain=False)
        return keep_user_file(expanded(value), value, self.store, kind)

    def default(self, wanted: Input) -> object:
        """An input's own default; that of a file is beside the chain."""
        value = wanted.default
        if value is None or not (wanted.kind.is_file or wanted.kind == Kind.GALLERY):
            return tuple(value) if isinstance(value, list) else value
        names = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        files = tuple(self._default_file(wanted, str(one)) for one in names)
        return files if wanted.many else files[0]

    def _default_file(self, wanted: Input, name: str) -> Artifact:
        if name.startswith(_WEB):
            kind = Kind.FILE if wanted.kind == Kind.GALLERY else wanted.kind
            return fetched(name, kind, self.store, by_chain=True)
        return beside(self.chain.folder, name, self.store)


def read_inputs(
    chain: Chain, given: Mapping[str, object], store: Store, *, as_text: bool = False
) -> dict[str, object]:
    """The value of every input of a chain.

    Args:
        chain: declares them.
        given: by name; for a file a path or URL.
        store: takes the files.
        as_text: the values come from a command line: a list of text for each name.

    Raises:
        InvalidInputs: all that is wrong with them.
        FileNotUsable: a file is not there.
    """
    reader = _Reader(chain, store, as_text)
    problems = [_unknown(name, chain) for name in given if name not in chain.inputs]
    meant = misspelt(given, chain.inputs).values()
    values: dict[str, object] = {}
    for name, wanted in chain.inputs.items():
        is_left_out = given.get(name) is None and wanted.default is None and not wanted.required
        if name in given and not is_left_out:  # as a run records an input that it went without
            try:
                values[name] = reader.read(wanted, given[name])
            except _Unfit as unfit:
                problems.append(str(unfit))
        elif name in meant:
            continue  # told under the name that was written
        elif wanted.required:
            told = f" ({wanted.help})" if wanted.help else ""
            problems.append(f"{name} is missing{told}")
        else:
            values[name] = reader.default(wanted)
    if problems:
        raise InvalidInputs(chain.name, problems, _usage(chain, given, as_text=as_text))
    return values


def _unknown(name: str, chain: Chain) -> str:
    if not chain.inputs:
        return f"{name} is not an input of this chain, which has none"
    return f"{name} is not an input of this chain ({nearest(name, chain.inputs)})"


def _usage(chain: Chain, given: Mapping[str, object], *, as_text: bool) -> str | None:
    """How inputs are given, for who has not given one that is required."""
    required = [name for name, one in chain.inputs.items() if one.required]
    if not as_text or all(name in given for name in required):
        return None
    return "give them as " + " ".join(f"-i {name}=…" for name in required)


def _number(wanted: Input, value: object) -> int | float:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise _Unfit(f"{wanted.name} takes {_a(wanted.kind)}, and got {describe(value)}") from None
    if isinstance(value, bool) or not isinstance(value, int | float) or not is_finite(value):
        raise _Unfit(f"{wanted.name} takes {_a(wanted.kind)}, and got {describe(value)}")
    if wanted.kind == Kind.INTEGER:
        if value != int(value):
            raise _Unfit(f"{wanted.name} takes a whole number, and got {value:g}")
        return int(value)
    return value


def _a(kind: Kind) -> str:
    return "a whole number" if kind == Kind.INTEGER else f"a {kind}"


def _boolean(wanted: Input, value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _TRUE + _FALSE:
        return value.lower() in _TRUE
    raise _Unfit(f"{wanted.name} takes true or false, and got {describe(value)}")


def _from_json(wanted: Input, value: object) -> object:
    try:
        found: object = json.loads(str(value))
    except ValueError as cause:
        raise _Unfit(f"{wanted.name} takes JSON, which this is not: {cause}") from None
    except RecursionError:
        raise _Unfit(f"{wanted.name} is nested too deeply") from None
    if why := unsayable(found):
        raise _Unfit(f"{wanted.name} holds {why}")
    return found


def _allowed(wanted: Input, value: object) -> object:
    if wanted.choices is not None and value not in wanted.choices:
        matching = [one for one in wanted.choices if str(one) == str(value)]
        if not matching:
            offered = ", ".join(str(one) for one in wanted.choices)
            raise _Unfit(f"{wanted.name} is {value!r}, and may be one of: {offered}")
        return matching[0]
    if isinstance(value, int | float) and not isinstance(value, bool):
        if wanted.minimum is not None and value < wanted.minimum:
            raise _Unfit(f"{wanted.name} is {value:g}, and must be at least {wanted.minimum:g}")
        if wanted.maximum is not None and value > wanted.maximum:
            raise _Unfit(f"{wanted.name} is {value:g}, and must be at most {wanted.maximum:g}")
    return value
