"""Inputs that a command line takes from files: `name=@file`, and a YAML or JSON file of all of them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from chains.meaning.paths import expanded
from chains.model import Chain, Input
from chains.problems import show
from chains.text.reader import MAX_BYTES, read
from chains.text.source import plain
from spaces_registry.errors import ToolkitError
from spaces_registry.signature import Kind

_SIGN = "@"
_WEB = ("http://", "https://")


class InputsUnreadable(ToolkitError):
    """A file with inputs cannot be read, or does not hold what an input can be."""

    code = "inputs-unreadable"


def from_files(chain: Chain, given: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """What was written for inputs, with `@file` replaced by what the file holds.

    An input that is a file takes `@photo.png` as it takes `photo.png`; `@@` begins a text with an `@`.

    Args:
        chain: says what kind each input is.
        given: texts by input.

    Raises:
        InputsUnreadable: a file is not there, or is no text.
    """
    return {
        name: [_value(chain.inputs.get(name), name, text) for text in texts] for name, texts in given.items()
    }


def _value(wanted: Input | None, name: str, text: str) -> str:
    if wanted is None or not text.startswith(_SIGN):
        return text
    if text.startswith(_SIGN * 2):
        return text[1:]
    path = text[1:]
    if _is_file(wanted):
        return path
    hint = f"a text that begins with {_SIGN} is written {_SIGN}{_SIGN}"
    return _text_of(expanded(path), f"{name}={text}", hint).removesuffix("\n")


def inputs_in(path: Path, chain: Chain) -> dict[str, list[str]]:
    """The inputs that a YAML or JSON file holds, as the texts that a command line would have.

    Args:
        path: a mapping of names to values; relative paths of files in it begin where it lies.
        chain: says what kind each input is.

    Raises:
        InputsUnreadable: it is not there, or is no such mapping.
    """
    source, problems = read(_text_of(path, "--inputs", "name a YAML or JSON file"), str(path))
    if problems:
        raise InputsUnreadable(f"--inputs cannot be read: {show(problems[0], '')}", hint=problems[0].hint)
    found = plain(source.root) if source.root is not None else {}
    if not isinstance(found, Mapping):
        raise InputsUnreadable(
            f"{path} holds no inputs", hint="write a mapping: `prompt: a lighthouse`, an input a line"
        )
    return {
        str(name): _texts(chain.inputs.get(str(name)), value, path.parent) for name, value in found.items()
    }


def _texts(wanted: Input | None, value: object, folder: Path) -> list[str]:
    if wanted is not None and wanted.kind is Kind.JSON and not wanted.many:
        return [json.dumps(value)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        if wanted is not None and wanted.kind is Kind.JSON:
            return [json.dumps([*value])]
        return [_text(wanted, one, folder) for one in value]
    return [_text(wanted, value, folder)]


def _text(wanted: Input | None, value: object, folder: Path) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    if wanted is not None and _is_file(wanted) and not value.startswith(_WEB):
        return str(folder / expanded(value))
    return value


def _is_file(wanted: Input) -> bool:
    return wanted.kind.is_file or wanted.kind is Kind.GALLERY


def _text_of(path: Path, what: str, hint: str) -> str:
    """The text in a file of the user's.

    Raises:
        InputsUnreadable: there is no such file, or it is too large, or no UTF-8.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise InputsUnreadable(f"{what}: {path} has more than {MAX_BYTES:,} bytes")
        return data.decode("utf-8-sig")
    except FileNotFoundError:
        raise InputsUnreadable(f"{what}: there is no file {str(path)!r}", hint=hint) from None
    except UnicodeDecodeError:
        raise InputsUnreadable(f"{what}: {path} is not UTF-8 text", hint="save it as UTF-8") from None
    except (OSError, ValueError) as cause:
        why = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
        raise InputsUnreadable(f"{what}: {path} cannot be read: {why.lower()}", hint=hint) from cause
