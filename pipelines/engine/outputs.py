"""What a step gave, as expressions read it: by name, by kind, by place, by label."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from chains.language.empty import EmptyQuery
from chains.meaning.parts import find_part, offered
from chains.model import Step
from pipelines.artifacts import Artifact, artifacts_in
from spaces_registry.errors import BadOutput, ToolkitError
from spaces_registry.network.queries import TooMuch, as_json, find
from spaces_registry.signature import Endpoint, Kind, Return


@dataclass(frozen=True, slots=True)
class StepOutputs:
    """The outputs of a step's single call.

    Attributes:
        returns: what the endpoint promises, in its order.
        values: what it gave, in the same order; files as artifacts.
        named: the step's own names for parts of the raw answer, as JMESPath.
        is_raw: whether the one value is the raw answer itself, which had another shape than was promised.
    """

    returns: Sequence[Return]
    values: Sequence[object]
    named: Mapping[str, str]
    is_raw: bool = False

    def part(self, name: str) -> object:
        """One part; KeyError if there is none of that name."""
        if name in self.named:
            found = _looked(self.named[name], self._raw())
            return EmptyQuery(name, self.named[name]) if found is None else found
        if name == "outputs":
            return tuple(self.values)
        found = find_part(self._certain(), name)
        if found is None:
            raise KeyError(name)
        return found.pick(self.values, files_within)

    def parts(self) -> tuple[str, ...]:
        """The names that `part` answers to."""
        return tuple(offered(Endpoint("", returns=tuple(self._certain())), self.named))

    def empty(self) -> Iterator[EmptyQuery]:
        """The step's own names whose queries find nothing."""
        for name in self.named:
            with suppress(ToolkitError):  # it asks for too much, and fails where it is read
                if isinstance(found := self.part(name), EmptyQuery):
                    yield found

    def by_name(self) -> dict[str, object]:
        """Every output under its return's name."""
        return {one.name: value for one, value in zip(self.returns, self.values, strict=True)}

    def _certain(self) -> list[Return]:
        """The returns with what the bytes say in place of a vague `file`."""
        return [
            replace(one, kind=kind_by_bytes(value))
            if isinstance(value, Artifact) and one.kind == Kind.FILE
            else replace(one, has_files=one.has_files or bool(artifacts_in(value)))
            if one.kind in (Kind.JSON, Kind.ANY)
            else one
            for one, value in zip(self.returns, self.values, strict=True)
        ]

    def _raw(self) -> object:
        """The answer in the shape that Gradio gives it: a gallery is a list of records."""
        if self.is_raw:
            return as_json(self.values[0])
        return [
            _gallery(value) if one.kind == Kind.GALLERY else as_json(value)
            for one, value in zip(self.returns, self.values, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class EachOutputs:
    """The outputs of a step that ran once an item: every part is a list, in the order of the items.

    The items may have been made at different places, whose labels differ; their kinds are what they share.

    Attributes:
        items: the outputs of each call that succeeded.
        returns: what the step's own endpoint promises; for a step that ran over nothing.
        named: the step's own names, as JMESPath; for the same.
    """

    items: Sequence[StepOutputs]
    returns: Sequence[Return] = ()
    named: Mapping[str, str] = field(default_factory=dict)

    def part(self, name: str) -> object:
        """One part of every item; lists in lists are flattened. KeyError if an item has none of that name."""
        if not self.items and self.returns and name not in self.parts():
            raise KeyError(name)
        if name == "outputs":
            if not self.items:
                return tuple(() for _ in self.returns)
            return tuple(zip(*(item.values for item in self.items), strict=False))
        picked: list[object] = []
        for item in self.items:
            value = item.part(name)
            picked += value if isinstance(value, list | tuple) else [value]
        return tuple(picked)

    def parts(self) -> tuple[str, ...]:
        """The names that `part` answers to."""
        if not self.items:
            return tuple(offered(Endpoint("", returns=tuple(self.returns)), self.named))
        others = [{*item.parts()} for item in self.items[1:]]
        return tuple(one for one in self.items[0].parts() if all(one in names for names in others))

    def by_name(self) -> dict[str, object]:
        """Every output of every item under its return's name."""
        returns = self.items[0].returns if self.items else self.returns
        names = dict.fromkeys([one.name for one in returns])
        names |= dict.fromkeys(name for item in self.items for name in item.by_name())
        every = [item.by_name() for item in self.items]
        return {name: tuple(one[name] for one in every if name in one) for name in names}


def outputs_of(
    step: Step, made: Sequence[StepOutputs], returns: Sequence[Return]
) -> StepOutputs | EachOutputs:
    """What a step gives, from the outputs of each of its calls that succeeded.

    Args:
        step: whether it repeats decides what it gives.
        made: in the order of the items.
        returns: of the step's own endpoint, as far as it is known, for a step that ran over nothing.
    """
    return EachOutputs(tuple(made), returns, step.outputs) if step.repeats else made[0]


def outputs_from(
    step: Step, way: Step, endpoint: Endpoint, values: Sequence[object], *, is_raw: bool = False
) -> StepOutputs:
    """What one call of a step gave at one of its ways; with `is_raw` the answer as it came."""
    returns = (Return("answer", Kind.JSON),) if is_raw else endpoint.returns
    return StepOutputs(returns, values, names_of(step, way), is_raw)


def names_of(step: Step, way: Step) -> Mapping[str, str]:
    """The step's own names for parts of an answer, as JMESPath, at one of its ways."""
    return {**step.outputs, **way.outputs}


def _looked(query: str, answer: object) -> object:
    """What a step's own query finds."""
    try:
        return find(query, answer)
    except TooMuch as cause:
        raise BadOutput(
            "the step", f"{cause}: `{query[:60]}`", hint="name a smaller part of the answer"
        ) from cause


def files_within(value: object, kind: Kind) -> tuple[Artifact, ...]:
    """The files of a kind that lie in a value, in order, without what only comes beside them."""
    match value:
        case Artifact():
            return (value,) if kind in (Kind.FILE, kind_by_bytes(value)) else ()
        case Mapping():
            return tuple(one for inner in value.values() for one in files_within(inner, kind))
        case str():
            return ()
        case Sequence():
            return tuple(one for inner in value for one in files_within(inner, kind))
    return ()


_MEDIA: Mapping[str, Kind] = {"image": Kind.IMAGE, "audio": Kind.AUDIO, "video": Kind.VIDEO}


def kind_by_bytes(artifact: Artifact) -> Kind:
    """An artifact's kind; where it was promised as any file, what its bytes are."""
    if artifact.kind != Kind.FILE:
        return artifact.kind
    return _MEDIA.get(artifact.mime.partition("/")[0], Kind.FILE)


def _gallery(value: object) -> object:
    if isinstance(value, str) or not isinstance(value, Sequence):
        return value
    return [
        {str(kind_by_bytes(one)): one, "caption": one.caption} if isinstance(one, Artifact) else one
        for one in value
    ]
