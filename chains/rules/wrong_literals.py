"""Every literal argument is a value that its parameter takes."""

from collections.abc import Iterator, Mapping

from chains.language.evaluate import EvaluationFailed
from chains.meaning.arguments import every_argument
from chains.meaning.literals import lacking, misfit
from chains.model import Chain
from chains.problems import Problem
from spaces_registry.errors import nearest
from spaces_registry.signature import Endpoint, Json, Kind, Parameter


def wrong_literals(chain: Chain, endpoints: Mapping[str, Endpoint]) -> Iterator[Problem]:
    """A literal is of its parameter's kind, among its choices and in its range, also inside of an object."""
    for argument in every_argument(chain, endpoints):
        step, template = argument.callee.step, argument.template
        if not template.is_literal:
            continue
        try:
            value = template.literal
        except EvaluationFailed:
            continue  # that it fails is another rule's
        for code, said, hint in _wrong(argument.parameter, value):
            name = argument.parameter.name
            yield Problem(template.at, code, f"`{name}` of {step.title} {said}", hint, step.name)


def _wrong(parameter: Parameter, value: Json) -> Iterator[tuple[str, str, str | None]]:
    if value is None:
        if not parameter.takes_null:
            yield "wrong-literal", lacking(parameter.kind), None
        return
    kind = Kind.TEXT if parameter.is_message else parameter.kind
    for one in value if parameter.takes_several and isinstance(value, list) else [value]:
        if said := misfit(one, kind):
            yield "wrong-literal", said, None
        elif parameter.choices is not None and parameter.closed and one not in parameter.choices:
            close = nearest(str(one), [str(choice) for choice in parameter.choices])
            yield "not-a-choice", f"cannot be `{str(one)[:40]}`", close
        elif isinstance(one, int | float) and not isinstance(one, bool):
            if parameter.minimum is not None and one < parameter.minimum:
                yield "out-of-range", f"is at least {parameter.minimum:g}, not {one}", None
            if parameter.maximum is not None and one > parameter.maximum:
                yield "out-of-range", f"is at most {parameter.maximum:g}, not {one}", None
