"""What a run would do and why, found out without a call that costs anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from chains.graph import order
from chains.model import Chain, Step
from pipelines.engine.arguments import arguments_of
from pipelines.engine.binding import bind, shown
from pipelines.engine.budget import Amounts, expected
from pipelines.engine.inputs import read_inputs
from pipelines.engine.items import scopes_of
from pipelines.engine.outputs import outputs_from, outputs_of
from pipelines.engine.results import Result, Skipped, Succeeded
from pipelines.engine.sight import names_for
from pipelines.engine.ways import every_way
from pipelines.places.names import kind_of, named_place
from pipelines.places.place import Place
from pipelines.planning.forecast import Forecast, forecast
from pipelines.planning.planned import PlannedStep, PlannedWay
from pipelines.programs.environment import masked, read_environment
from pipelines.running.preflight import Look
from pipelines.running.workshop import Workshop
from spaces_registry.errors import ToolkitError


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do.

    Attributes:
        chain: its name.
        steps: in the order of the file.
        order: layers of steps that may run side by side.
        forecast: what it is expected to take.
        asks: what a run will ask the user's trust for first, in plain words.
    """

    chain: str
    steps: tuple[PlannedStep, ...]
    order: tuple[tuple[str, ...], ...]
    forecast: Forecast = field(default_factory=Forecast)
    asks: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The documented JSON shape."""
        return {
            "chain": self.chain,
            "steps": [one.to_json() for one in self.steps],
            "order": [list(layer) for layer in self.order],
            "expected": self.forecast.to_json(),
            "asks": list(self.asks),
        }


def make_plan(
    chain: Chain,
    given: Mapping[str, object],
    look: Look,
    shop: Workshop,
    *,
    secrets: Mapping[str, str] = {},
) -> Plan:
    """Plan a run of a checked chain.

    Args:
        chain: what would run.
        given: what expressions may read beside steps; an input that was not handed in is missing from it.
        look: what was found of its places.
        shop: knows what is kept.
        secrets: values that the plan must not show.
    """
    planned, _ = _plan_steps(chain, given, look, shop, secrets)
    return Plan(chain.name, planned, order(chain), forecast(planned, budget=chain.budget))


def _plan_steps(
    chain: Chain, given: Mapping[str, object], look: Look, shop: Workshop, secrets: Mapping[str, str]
) -> tuple[tuple[PlannedStep, ...], Mapping[str, Result]]:
    """What would happen to the steps of a chain, and the results that are known before."""
    known: dict[str, Result] = {}
    planned: dict[str, PlannedStep] = {}
    sight = _Sight(chain, given, known, shop, look, secrets)
    for name in (name for layer in order(chain) for name in layer):
        step, place, key = _acting(chain.steps[name], look)
        if place is not None and place.nested is not None and key != name:
            found, result = _planned(step, place, "this chain will run in its stead", {}), None
        else:
            found, result = _plan_step(step, sight, place)
        planned[name] = replace(
            found,
            ways=ways_planned(chain.steps[name], look),
            arguments={one: masked(value, secrets) for one, value in found.arguments.items()},
            expects=Amounts() if place is None else expected(place, shop.journal),
        )
        if result is not None:
            known[name] = result
    return tuple(planned[name] for name in chain.steps), known


def _acting(step: Step, look: Look) -> tuple[Step, Place | None, str]:
    """The way of a step that a run would use first: the step as it is called there, its place, its key."""
    for way in every_way(step):
        if (place := look.places.get(way.key)) is not None:
            mapped = replace(way.step, when=step.when, each=step.each, matrix=step.matrix, reads=step.reads)
            return (step if way.key == step.name else mapped), place, way.key
    return step, None, step.name


def ways_planned(step: Step, look: Look) -> tuple[PlannedWay, ...]:
    """The ways of a step in their order, with why one cannot be used now; none for a step with one way."""
    ways = every_way(step)
    if len(ways) == 1:
        return ()
    places, failures = look.places, look.failures
    return tuple(
        PlannedWay(
            way.named,
            places[way.key].endpoint.name if way.key in places else None,
            failures[way.key].message if way.key in failures else None,
        )
        for way in ways
    )


@dataclass(frozen=True, slots=True)
class _Sight:
    """What can be known before the run.

    Attributes:
        chain: what would run.
        given: names that expressions may read beside steps.
        known: results that are kept from before, or skipped for sure.
        shop: knows what is kept.
        look: what was found of the chain's places.
        secrets: values that the plan must not show.
    """

    chain: Chain
    given: Mapping[str, object]
    known: Mapping[str, Result]
    shop: Workshop
    look: Look
    secrets: Mapping[str, str]


def _plan_step(step: Step, sight: _Sight, place: Place | None) -> tuple[PlannedStep, Result | None]:
    if place is None:
        return _planned(step, None, "its place is not ready", _written(step, sight)), None
    waits = [name for name in step.reads if name not in sight.known]
    if waits:
        told = _planned(step, place, f"{waits[0]} will give it something new", _written(step, sight))
        return replace(told, steps=_unknown_inside(step, sight)), None
    try:
        names = names_for(step.reads, sight.given, sight.known)
        if step.when is not None and not step.when.evaluate(names):
            return _planned(step, place, "its `when` is false", {}, "skip"), _skipped(step)
        scopes = scopes_of(step, names)
        bound = (
            None if scopes is None else [_bound(step, place, sight, {**names, **scope}) for scope in scopes]
        )
    except ToolkitError as failure:
        return _planned(step, place, failure.message, _written(step, sight)), None
    if bound is None or any(one is None for one in bound):
        return _planned(step, place, "what it reads from is skipped", {}, "skip"), _skipped(step)
    calls = [one for one in bound if one is not None]
    if step.name in sight.look.nested:
        return _inside(step, place, sight, calls)
    return _with_kept(step, place, sight, calls)


def _unknown_inside(step: Step, sight: _Sight) -> tuple[PlannedStep, ...]:
    """The steps of a nested chain whose inputs are known only in the run."""
    if step.name not in sight.look.nested:
        return ()
    look, inner = sight.look.nested[step.name], sight.look.places[step.name].nested
    if inner is None:
        return ()
    around = _Sight(inner.chain, {}, {}, sight.shop, look, sight.secrets)
    why = "what it is given is known only in the run"
    return tuple(
        replace(
            _planned(one, place := look.places.get(name), why, _written(one, around)),
            steps=_unknown_inside(one, around),
            expects=Amounts() if place is None else expected(place, sight.shop.journal),
        )
        for name, one in inner.chain.steps.items()
    )


def _inside(
    step: Step, place: Place, sight: _Sight, bound: Sequence[Mapping[str, object]]
) -> tuple[PlannedStep, Result | None]:
    """What would happen to a step that is a chain: what would happen to that one's steps, item by item."""
    if (inner := place.nested) is None:
        raise TypeError(step.name)  # ours: only chains come here
    chain, made, new = inner.chain, [], 0
    shown_steps: tuple[PlannedStep, ...] = ()
    try:
        for values in bound:
            given = {"inputs": read_inputs(chain, values, sight.shop.store), "env": read_environment(chain)}
            steps, known = _plan_steps(chain, given, sight.look.nested[step.name], sight.shop, sight.secrets)
            is_new = any(one.action == "call" for one in steps) or not step.cache
            shown_steps = steps if not shown_steps or (is_new and not new) else shown_steps
            new += is_new
            if not is_new:
                names = names_for([*chain.steps], given, known)
                values_of = tuple(template.evaluate(names) for template in chain.outputs.values())
                made.append(outputs_from(step, step, place.endpoint, values_of))
    except ToolkitError as failure:
        return _planned(step, place, failure.message, _written(step, sight)), None
    arguments = shown(bound[0] if len(bound) == 1 else {"each": list(bound)})
    told = arguments if isinstance(arguments, Mapping) else {}
    if new:
        part = f" for {new} of {len(bound)} items" if step.repeats else ""
        inside = _planned(step, place, f"steps in it are called{part}", told)
        return replace(inside, steps=shown_steps, calls=new), None
    outputs = outputs_of(step, made, place.endpoint.returns)
    why = "the results of all steps in it are kept from an earlier run"
    return replace(_planned(step, place, why, told, "keep"), steps=shown_steps), Succeeded(
        step.name, outputs, (), 0.0
    )


def _with_kept(
    step: Step, place: Place, sight: _Sight, bound: Sequence[Mapping[str, object]]
) -> tuple[PlannedStep, Result | None]:
    kept = (
        [sight.shop.journal.result(place.key(one), sight.shop.store) for one in bound] if step.cache else []
    )
    arguments = shown(bound[0] if len(bound) == 1 else {"each": list(bound)})
    told = arguments if isinstance(arguments, Mapping) else {}
    missing = len(bound) - sum(one is not None for one in kept)
    if not step.cache:
        uncached = _planned(step, place, "its results are not kept (`cache: false`)", told)
        return replace(uncached, calls=len(bound)), None
    if missing and missing == _kept_otherwise(place, sight, bound, kept):
        why = "a whole answer of another shape is kept from an earlier run, and nothing is asked"
        return _planned(step, place, why, told, "keep"), None
    if missing:
        part = f" for {missing} of {len(bound)} items" if step.repeats else ""
        new = _planned(step, place, f"no result is kept{part} for these arguments here", told)
        return replace(new, calls=missing), None
    made = [outputs_from(step, step, place.endpoint, one) for one in kept if one is not None]
    outputs = outputs_of(step, made, place.endpoint.returns)
    why = "its result is kept from an earlier run"
    return _planned(step, place, why, told, "keep"), Succeeded(step.name, outputs, (), 0.0)


def _kept_otherwise(
    place: Place, sight: _Sight, bound: Sequence[Mapping[str, object]], kept: Sequence[object]
) -> int:
    """How many calls without a result were answered in a shape that was not expected."""
    unexpected, store = sight.shop.journal.unexpected, sight.shop.store
    calls = (one for one, result in zip(bound, kept, strict=True) if result is None)
    return sum(unexpected.find(place.key(one), store) is not None for one in calls)


def _bound(step: Step, place: Place, sight: _Sight, names: Mapping[str, object]) -> dict[str, object] | None:
    values = arguments_of(step, place.endpoint, names, folder=sight.chain.folder, store=sight.shop.store)
    return None if values is None else bind(place.endpoint, values, place=place.address)


def _written(step: Step, sight: _Sight) -> dict[str, object]:
    """Arguments as far as they are known: their values, else the words that stand in the chain."""
    told: dict[str, object] = {}
    for name, template in step.arguments.items():
        if all(one.root in sight.given for one in template.references):
            try:
                told[name] = shown(template.evaluate(sight.given))
                continue
            except ToolkitError:
                pass  # an input that was not handed in: the words will do
        told[name] = sight.chain.source.written(("steps", step.name, "with", name))
    return told


def _planned(
    step: Step,
    place: Place | None,
    why: str,
    arguments: Mapping[str, object],
    action: Literal["call", "keep", "skip"] = "call",
) -> PlannedStep:
    return PlannedStep(
        name=step.name,
        kind=kind_of(step),
        via=place.address if place else named_place(step),
        endpoint=place.endpoint.name if place else None,
        needs=step.reads,
        action=action,
        why=why,
        arguments=arguments,
        binding=place.choice.binding if place else {},
        reasons=place.choice.why if place else (),
        calls=None if step.repeats else 1,
    )


def _skipped(step: Step) -> Skipped:
    return Skipped(step.name, because="`when`", by_choice=True)
