"""Workflows that lie beside a chain, held against the arguments of their steps before anything runs."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from chains.language.evaluate import EvaluationFailed
from chains.language.expressions import Template
from chains.meaning.paths import is_missing, is_outside
from chains.model import Chain, ServiceStep
from chains.problems import Problem
from chains.services.model import ServiceEndpoint
from pipelines.household.home import Home
from pipelines.services.library import find_service
from pipelines.services.workflow import filled_workflow
from spaces_registry.errors import RejectedInput, ToolkitError
from spaces_registry.signature import File


def workflow_problems(chain: Chain, home: Home) -> Iterator[Problem]:
    """Workflows that their steps' arguments do not fit, which a run would refuse when it comes to them."""
    for step in chain.ways:
        if not isinstance(step, ServiceStep):
            continue
        known = {
            name: one for name, template in step.arguments.items() if (one := _workflow(template, chain))
        }
        if not known:
            continue  # to read a service's file takes a while
        try:
            service = find_service(step.service, chain.folder, home).service
            endpoint = service.endpoint(step.endpoint, frozenset(step.arguments))
        except ToolkitError:
            continue  # another rule's
        if endpoint.uses in known:
            yield from _of_step(step, service.name, endpoint, known[endpoint.uses])


def _workflow(template: Template, chain: Chain) -> object:
    """What may be a workflow, where it is known before the run: a file beside the chain, or its content."""
    try:
        value = template.literal if template.is_literal else None
    except EvaluationFailed:
        return None
    if isinstance(value, str) and not is_outside(value, chain.folder) and not is_missing(value, chain.folder):
        return File(Path(chain.folder / value), value)
    return value if isinstance(value, Mapping) else None


def _of_step(step: ServiceStep, place: str, endpoint: ServiceEndpoint, workflow: object) -> Iterator[Problem]:
    assert endpoint.uses is not None  # noqa: S101 - the caller has looked
    names = [name for name, one in step.arguments.items() if name != endpoint.uses and not _is_null(one)]
    gaps = dict.fromkeys((one for one in names if "." not in one), "")
    at = step.arguments[endpoint.uses].at
    try:
        filled_workflow(place, workflow, gaps, endpoint)
    except RejectedInput as refused:
        at = next((step.arguments[one].at for one in gaps if f"{one!r}" in refused.message), at)
        yield Problem(at, refused.code, refused.message, refused.hint, step.name)
        return
    for name in (one for one in names if "." in one):
        try:
            filled_workflow(place, workflow, {**gaps, name: ""}, endpoint)
        except RejectedInput as refused:
            yield Problem(step.arguments[name].at, refused.code, refused.message, refused.hint, step.name)


def _is_null(template: Template) -> bool:
    try:
        return template.is_literal and template.literal is None
    except EvaluationFailed:
        return False
