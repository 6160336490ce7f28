"""The shape of a lock file, as pydantic models, and what does not fit it in our words."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from chains.lock.locked import Finding, Lock, LockedStep, Question
from chains.problems import Problem
from chains.text.source import Path as Keys
from chains.text.source import Source
from spaces_registry.signature import Json, Kind, Parameter, Return


class _Shape(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


_Kind = Annotated[Kind, Field(strict=False)]


class _ParameterShape(_Shape):
    kind: _Kind
    label: str = ""
    required: bool = False
    default: Any = None
    choices: list[Any] | None = None
    closed: bool | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None
    many: bool = False
    wrapped: bool = False
    component: str = ""

    def parameter(self, name: str) -> Parameter:
        closed = self.choices is not None if self.closed is None else self.closed
        choices = None if self.choices is None else tuple(self.choices)
        return Parameter(
            **self.model_dump(exclude={"closed", "choices"}), name=name, closed=closed, choices=choices
        )


class _ReturnShape(_Shape):
    kind: _Kind
    label: str = ""
    many: bool = False
    component: str = ""


class _FindingShape(_Shape):
    words: str
    arguments: list[str] = []
    takes: list[_Kind] = []
    gives: list[_Kind] = []
    category: str | None = None
    among: list[str] = []
    why: list[str] = []

    def finding(self) -> Finding:
        several = {name: tuple(getattr(self, name)) for name in ("arguments", "takes", "gives", "among")}
        return Finding(Question(self.words, category=self.category, **several), tuple(self.why))


class _StepShape(_Shape):
    space: str
    written: str | None = None
    endpoint: str
    revision: str | None = None
    gradio: str | None = None
    found: _FindingShape | None = None
    binding: dict[str, str] = {}
    fingerprint: str
    parameters: dict[str, _ParameterShape] = {}
    returns: dict[str, _ReturnShape] = {}

    def step(self) -> LockedStep:
        return LockedStep(
            space=self.space,
            endpoint=self.endpoint,
            fingerprint=self.fingerprint,
            revision=self.revision,
            parameters=tuple(one.parameter(name) for name, one in self.parameters.items()),
            returns=tuple(Return(name, **one.model_dump()) for name, one in self.returns.items()),
            binding=self.binding,
            written=self.written,
            found=None if self.found is None else self.found.finding(),
            gradio=self.gradio,
        )


class LockShape(_Shape):
    """A lock file."""

    lock: int
    chain: str
    steps: dict[str, _StepShape]

    def value(self) -> Lock:
        """The lock that was read."""
        return Lock({name: one.step() for name, one in self.steps.items()}, self.chain, self.lock)


def misfit(sort: str, where: Sequence[str | int], value: Json, source: Source, hint: str) -> Problem:
    """What pydantic finds wrong, in our words; `where` may end in names of alternatives."""
    path: Keys = ()
    for one in where:
        inside = value
        if isinstance(inside, Mapping) and one in inside:
            value = inside[str(one)]
        elif isinstance(inside, list) and isinstance(one, int):
            value = inside[one]
        else:
            break
        path = (*path, one)
    step = str(path[1]) if path[:1] == ("steps",) and len(path) > 1 else None
    if sort == "missing":
        return Problem(source.key_at(path), "invalid-lock", f"`{where[-1]}` is missing here", hint, step)
    what = f"`{path[-1]}`" if path else "this"
    message = (
        f"{what} does not belong here" if sort == "extra_forbidden" else f"{what} is not what a lock has here"
    )
    at = source.key_at(path) if sort == "extra_forbidden" else source.at(path)
    return Problem(at, "invalid-lock", message, hint, step)
