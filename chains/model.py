"""What a loaded chain is: frozen values, every one with its place in the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from chains.language.expressions import Reference, Template
from chains.prompts import PromptTemplate
from chains.text.source import Path as Keys
from chains.text.source import Position, Source
from spaces_registry.clocks import Clocks
from spaces_registry.signature import Json, Kind


@dataclass(frozen=True, slots=True)
class Input:
    """One thing that whoever runs the chain may hand in.

    Attributes:
        name: what expressions call it.
        kind: what it is.
        many: whether it is a list of that kind.
        help: what it means, in one line.
        default: what it is if nothing is handed in; a file default is a path relative to the chain's folder.
        required: whether it must be handed in.
        choices: the values it may have, or None for all.
        minimum: smallest number.
        maximum: largest number.
        at: where its name stands.
    """

    name: str
    kind: Kind
    at: Position
    many: bool = False
    help: str = ""
    default: Json = None
    required: bool = True
    choices: tuple[Json, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """How much may be asked of one place; None leaves it open.

    Attributes:
        concurrency: calls at once.
        per_minute: calls sent in any 60 seconds, over all runs.
        per_day: calls sent in a day (UTC), over all runs.
    """

    concurrency: int | None = None
    per_minute: int | None = None
    per_day: int | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """What one run may use; a call that would exceed it is not made. None leaves it open.

    Attributes:
        gpu_s: seconds of ZeroGPU.
        calls: calls that leave this machine.
        usd: money, in US dollars.
    """

    gpu_s: float | None = None
    calls: int | None = None
    usd: float | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """How long a place is tried before the next one is.

    Attributes:
        attempts: tries at one place, the first one counted.
        wait_s: before the second try; it doubles with each further one, and is jittered.
        up_to_s: the longest wait between two tries; a place that asks for a longer one is left at once.
        on: failure code to `retry`, `fall-back` or `stop`, where it is not to be as the table has it.
    """

    attempts: int = 3
    wait_s: float = 2.0
    up_to_s: float = 60.0
    on: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expect:
    """What a result must be beyond its kind; else it counts as bad output.

    Attributes:
        min_seconds: of every audio and video in it.
        min_width: of every image and video in it, in pixels.
        min_height: the same.
        not_blank: no image of one colour, no silence, no empty text.
        matches: a pattern that every text in it contains.
    """

    min_seconds: float | None = None
    min_width: int | None = None
    min_height: int | None = None
    not_blank: bool = False
    matches: str | None = None


@dataclass(frozen=True, slots=True)
class Pickup:
    """How the result of a Gradio app's call is fetched.

    Attributes:
        mode: `auto`, `attached` or `detached`.
        first_wait_s: how long a detached result is left with an app that was never called before; None for as
            long as its kind usually takes.
    """

    mode: str = "auto"
    first_wait_s: float | None = None


@dataclass(frozen=True, slots=True)
class Each:
    """What a step runs over.

    Attributes:
        value: a template of a list, or templates of lists that are gone through side by side.
        keep_going: whether good items are kept when others fail.
    """

    value: Template | Mapping[str, Template]
    keep_going: bool = False

    @property
    def templates(self) -> tuple[Template, ...]:
        """All templates in it."""
        return (self.value,) if isinstance(self.value, Template) else tuple(self.value.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFields:
    """What steps of every kind have.

    Attributes:
        name: what expressions call it.
        at: where its name stands.
        arguments: by parameter name.
        when: false skips the step.
        each: what it runs over, an item at a time.
        matrix: lists of which it runs over every combination.
        needs: steps to wait for, as written.
        timeout: its clocks: the step's over the defaults' over ours.
        cache: whether a result that is there already is used again.
        outputs: names for parts of the raw answer, as JMESPath.
        retry: the step's over the defaults' over ours.
        expect: what its result must be.
        pickup: how a Gradio app's result is fetched.
        fallback: what is called in its stead, in order, when it cannot be done; steps without `when`, `each`,
            `matrix`, `needs` and `fallback` of their own.
        way: 0 for the step itself, 1 for its first fallback, and so on.
        reads: every step it waits for: those mentioned in arguments, when, each and matrix, its fallbacks'
            too, then `needs`.
        argument_places: where each argument's name stands.
        output_places: where each of `outputs` has its query.
        need_places: where each of `needs` stands.
    """

    name: str
    at: Position
    arguments: Mapping[str, Template] = field(default_factory=dict)
    when: Template | None = None
    each: Each | None = None
    matrix: Mapping[str, Template] | None = None
    needs: tuple[str, ...] = ()
    timeout: Clocks = field(default_factory=Clocks)
    cache: bool = True
    outputs: Mapping[str, str] = field(default_factory=dict)
    retry: Retry = field(default_factory=Retry)
    expect: Expect = field(default_factory=Expect)
    pickup: Pickup = field(default_factory=Pickup)
    fallback: tuple["Step", ...] = ()
    way: int = 0
    reads: tuple[str, ...] = ()
    argument_places: Mapping[str, Position] = field(default_factory=dict)
    output_places: Mapping[str, Position] = field(default_factory=dict)
    need_places: tuple[Position, ...] = ()

    def argument_at(self, name: str) -> Position:
        """Where an argument's name stands; the step's own name for one that is not written."""
        return self.argument_places.get(name, self.at)

    @property
    def key(self) -> str:
        """What tells this step from its fallbacks, which have the same name: `image`, `image#1`."""
        return f"{self.name}#{self.way}" if self.way else self.name

    @property
    def path(self) -> Keys:
        """Where it stands in the file's tree."""
        return ("steps", self.name, "fallback", self.way - 1) if self.way else ("steps", self.name)

    @property
    def title(self) -> str:
        """What messages call it: step `image`, fallback 1 of step `image`."""
        return f"fallback {self.way} of step `{self.name}`" if self.way else f"step `{self.name}`"

    @property
    def repeats(self) -> bool:
        """Whether it runs several times, so that its outputs are lists."""
        return self.each is not None or self.matrix is not None

    @property
    def own_templates(self) -> tuple[Template, ...]:
        """What it is called with itself: arguments, when, each and matrix."""
        when = () if self.when is None else (self.when,)
        each = () if self.each is None else self.each.templates
        return (*self.arguments.values(), *when, *each, *(self.matrix or {}).values())

    @property
    def templates(self) -> tuple[Template, ...]:
        """Every template in it, its fallbacks' arguments too."""
        return (*self.own_templates, *(one for way in self.fallback for one in way.own_templates))

    @property
    def references(self) -> tuple[Reference, ...]:
        """Every reference in it."""
        return tuple(one for template in self.templates for one in template.references)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceStep(StepFields):
    """Calls one endpoint of a Gradio app.

    Attributes:
        space: `owner/name` or a URL.
        endpoint: its name, or None where one fits.
        space_at: where the Space stands.
        endpoint_at: where the endpoint stands, else where the Space does.
        others: Spaces that do the same; the items of `each` are spread over all of them.
    """

    space: str
    endpoint: str | None
    space_at: Position
    endpoint_at: Position
    others: tuple[str, ...] = ()

    def key_of(self, other: str) -> str:
        """What tells one of `others` from the Space itself where signatures are kept by `key`."""
        return f"{self.key}@{other}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FindStep(StepFields):
    """Calls the best Space for what it is asked.

    Attributes:
        words: what the Space should do.
        words_at: where they stand.
        takes: kinds of the arguments, in their order, where they cannot be told otherwise.
        gives: kinds that it must return, as written.
        category: one of the Hub's, or None.
        among: the only Spaces to choose from; empty for all.
    """

    words: str
    words_at: Position
    takes: tuple[Kind, ...] = ()
    gives: tuple[Kind, ...] = ()
    category: str | None = None
    among: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaStep(StepFields):
    """Works on media here; `operation` is its name, `operation_at` where it stands."""

    operation: str
    operation_at: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonStep(StepFields):
    """Calls a function of the user's.

    Attributes:
        file: path of the Python file, as written, relative to the chain's folder.
        function: its name.
        file_at: where the file stands.
        isolate: whether it runs in a process of its own; else in a thread of ours.
        memory_bytes: how much that process may use; None for no limit.
    """

    file: str
    function: str
    file_at: Position
    isolate: bool = True
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStep(StepFields):
    """Calls a model through Inference Providers.

    Attributes:
        model: `owner/name`, an alias, or the URL of an endpoint.
        model_at: where it stands.
        task: in the Hub's words, e.g. `text-to-image`; None where the model tells it.
        provider: its name, or `auto`.
        bill_to: the organisation that pays, or None.
    """

    model: str
    model_at: Position
    task: str | None = None
    provider: str = "auto"
    bill_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStep(StepFields):
    """Calls an HTTP vendor, as a service file describes it.

    Attributes:
        service: its name in the catalogue or the home folder, or the path of a service file.
        service_at: where it stands.
        endpoint: what of it is called; None where it offers one only.
        url: where it is, in place of the file's own address; for services that users run themselves.
    """

    service: str
    service_at: Position
    endpoint: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainStep(StepFields):
    """Runs another chain: `chain` is its file or a recipe's name, `chain_at` where that stands."""

    chain: str
    chain_at: Position


Step: TypeAlias = SpaceStep | FindStep | ModelStep | ServiceStep | MediaStep | PythonStep | ChainStep


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A chain: what goes in, which steps run, what comes out.

    Attributes:
        name: its own, else the file's.
        description: one line about it.
        version: as written.
        inputs: by name, in the file's order.
        steps: by name, in the file's order.
        outputs: by name, in the file's order.
        limits: by Space, host or service.
        env: names of the environment variables that expressions may read.
        budget: what one run may use.
        prompts: the prompt templates that `template()` fills, the library's among them.
        folder: where the chain file lies; relative paths begin there.
        source: the text it was read from.
    """

    name: str
    steps: Mapping[str, Step]
    folder: Path
    source: Source
    description: str = ""
    version: str = ""
    inputs: Mapping[str, Input] = field(default_factory=dict)
    outputs: Mapping[str, Template] = field(default_factory=dict)
    limits: Mapping[str, Limit] = field(default_factory=dict)
    env: tuple[str, ...] = ()
    budget: Budget = field(default_factory=Budget)
    prompts: Mapping[str, PromptTemplate] = field(default_factory=dict)

    @property
    def ways(self) -> tuple[Step, ...]:
        """Every step and, after each, its fallbacks."""
        return tuple(one for step in self.steps.values() for one in (step, *step.fallback))

    @property
    def templates(self) -> tuple[tuple[Step | None, Template], ...]:
        """Every template of the chain with the step it stands in; None for the chain's own outputs."""
        of_steps = [(step, one) for step in self.steps.values() for one in step.templates]
        return (*of_steps, *((None, one) for one in self.outputs.values()))

    @property
    def references(self) -> tuple[tuple[Step | None, Reference], ...]:
        """Every reference of the chain with the step it stands in; None for the chain's own outputs."""
        return tuple((step, one) for step, template in self.templates for one in template.references)
