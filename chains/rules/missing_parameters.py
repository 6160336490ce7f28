"""Every parameter that must be given is given."""

from collections.abc import Iterator, Mapping

from chains.meaning.misspelt import misspelt
from chains.meaning.ways import every_callee
from chains.model import Chain
from chains.problems import Problem
from spaces_registry.signature import Endpoint


def missing_parameters(chain: Chain, endpoints: Mapping[str, Endpoint]) -> Iterator[Problem]:
    """A step names every parameter for which its endpoint has no default.

    One that is written with a mistake in its name is missing only where any name is taken.
    """
    for callee in every_callee(chain, endpoints):
        step, names = callee.step, [one.name for one in callee.endpoint.parameters]
        meant = {right: wrong for wrong, right in misspelt(step.arguments, names).items()}
        for one in callee.endpoint.parameters:
            if not one.required or one.name in step.arguments:
                continue
            if one.name in meant and not callee.endpoint.open:
                continue  # told where it is written
            what = f"a list of {one.kind}" if one.many else str(one.kind)
            if one.may_be_left_out:
                message = f"{step.title} leaves `{one.name}` ({what}) of {callee.name} empty, as its page may"
                hint = f"add `{one.name}: …` to its `with`, or `{one.name}: null` if that is meant"
                yield Problem(step.at, "left-empty", message, hint, step.name, "warning")
            else:
                message = f"{step.title} lacks `{one.name}` ({what}), which {callee.name} needs"
                hint = f"add `{one.name}: …` to its `with`"
                if (wrong := meant.get(one.name)) is not None:
                    hint = f"write `{one.name}` for `{wrong}`, or add it to its `with`"
                yield Problem(step.at, "missing-parameter", message, hint, step.name)
