"""What a step hands to each parameter, and inside of lists and objects to each part of one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from chains.language.expressions import Template
from chains.language.nodes import Listing, Record
from chains.meaning.misspelt import misspelt
from chains.meaning.ways import Callee, every_callee
from chains.model import Chain
from spaces_registry.signature import Endpoint, Kind, Parameter


@dataclass(frozen=True, slots=True)
class Argument:
    """One value on its way to a parameter, or to a part of one.

    Attributes:
        callee: who takes it.
        parameter: what it is for; that of a part has the part's full name, e.g. `message.files[0]`.
        template: the value as it is written.
    """

    callee: Callee
    parameter: Parameter
    template: Template


def every_argument(chain: Chain, endpoints: Mapping[str, Endpoint]) -> Iterator[Argument]:
    """Every argument of every step that goes to a known parameter, down to the parts that are written out."""
    for callee in every_callee(chain, endpoints):
        for parameter, template in _received(callee):
            yield from _within(Argument(callee, parameter, template))


def every_object(chain: Chain, endpoints: Mapping[str, Endpoint]) -> Iterator[tuple[Argument, Record]]:
    """Every object that is written out for a parameter that takes its parts, also inside of another."""
    for callee in every_callee(chain, endpoints):
        for parameter, template in _received(callee):
            yield from _objects(Argument(callee, parameter, template))


def _received(callee: Callee) -> Iterator[tuple[Parameter, Template]]:
    """The arguments of a step that are for a parameter; a name that is refused stands for the one meant."""
    arguments, endpoint = callee.step.arguments, callee.endpoint
    meant: dict[str, str] = {}
    if not endpoint.open and any(endpoint.parameter(name) is None for name in arguments):
        meant = misspelt(arguments, [one.name for one in endpoint.parameters])
    for name, template in arguments.items():
        if (parameter := endpoint.parameter(meant.get(name, name))) is not None:
            yield parameter, template


def _objects(one: Argument) -> Iterator[tuple[Argument, Record]]:
    if isinstance(one.template.node, Record) and one.parameter.parts:
        yield one, one.template.node
    for parameter, template in inside(one.parameter, one.template):
        if parameter is not one.parameter:
            yield from _objects(Argument(one.callee, parameter, template))


def _within(one: Argument) -> Iterator[Argument]:
    """An argument, or in its place the parts of one that is written as a list or an object."""
    for parameter, template in leaves(one.parameter, one.template):
        yield Argument(one.callee, parameter, template)


def leaves(parameter: Parameter, template: Template) -> Iterator[tuple[Parameter, Template]]:
    """The parts of a value down to those that are not written out, each with what it is for."""
    for part, below in inside(parameter, template):
        if part is parameter:
            yield part, below
        else:
            yield from leaves(part, below)


def inside(parameter: Parameter, template: Template) -> Iterator[tuple[Parameter, Template]]:
    """The parts of a value that is written out, each with what it is for; the value itself if it has none."""
    match template.node:
        case Record(fields=fields) if parameter.parts:
            for name, node in fields.items():
                part = parameter.part(name) or Parameter(f"{parameter.name}.{name}", Kind.ANY)
                yield part, template.of(node)
        case Listing(items=items) if parameter.takes_several or parameter.is_message:
            for place, node in enumerate(items):
                yield _item(parameter, place), template.of(node)
        case Record(fields=fields) if parameter.kind is Kind.JSON:
            for name, node in fields.items():
                yield _free(parameter, f".{name}"), template.of(node)
        case Listing(items=items) if parameter.kind is Kind.JSON:
            for place, node in enumerate(items):
                yield _free(parameter, f"[{place}]"), template.of(node)
        case _:
            yield parameter, template


def _item(parameter: Parameter, place: int) -> Parameter:
    if parameter.is_message:  # a list of files, without words
        return Parameter(f"{parameter.name}[{place}]", Kind.FILE)
    return parameter.item(place)


def _free(parameter: Parameter, where: str) -> Parameter:
    """A place inside of JSON that no schema describes: plain values, and files where these may be."""
    kind = Kind.JSON if parameter.file_free else Kind.ANY
    return Parameter(parameter.name + where, kind, nullable=True, file_free=parameter.file_free)
