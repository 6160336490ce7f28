"""An object that is handed over in place of a plain value has the parts that its parameter takes."""

from collections.abc import Iterator, Mapping

from chains.meaning.arguments import every_object
from chains.model import Chain
from chains.problems import Problem
from spaces_registry.fitting.parts import misfit_of_parts
from spaces_registry.signature import Endpoint


def wrong_parts(chain: Chain, endpoints: Mapping[str, Endpoint]) -> Iterator[Problem]:
    """An editor takes a background and a mask, a message text and files, and neither takes anything else."""
    for argument, record in every_object(chain, endpoints):
        step, name = argument.callee.step, argument.parameter.name
        if why := misfit_of_parts(argument.parameter, [*record.fields]):
            at = record.fields[why.part].at if why.part in record.fields else argument.template.at
            yield Problem(at, "wrong-part", f"`{name}` of {step.title} {why.said}", why.hint, step.name)
