"""One task of a model, and the parameters it is made of."""

from dataclasses import dataclass, replace

from spaces_registry.signature import Endpoint, Json, Kind, Parameter, Return

CHAT = "chat-completion"
TEXT_GENERATION = "text-generation"
CONVERSATION = "conversational"  # what providers and the Hub's mapping call a chat


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that models can be asked to do.

    Attributes:
        name: in the Hub's words.
        method: of the InferenceClient.
        parameters: under the client's names; our own are `prompt`, `system` and `images` of a chat, and the
            `width` and `height` behind `target_size`.
        returns: what comes out.
    """

    name: str
    method: str
    parameters: tuple[Parameter, ...]
    returns: tuple[Return, ...]

    @property
    def served_as(self) -> str:
        """The task's name where providers say what they serve."""
        return CONVERSATION if self.name == CHAT else self.name

    @property
    def endpoint(self) -> Endpoint:
        """The task as something to be called."""
        return Endpoint(self.name, self.parameters, self.returns)

    def asked_with(self, names: frozenset[str]) -> Endpoint:
        """The same, to be called with these arguments: a chat begins with a prompt or with messages."""
        if self.name != CHAT or "messages" in names:
            return self.endpoint
        parameters = [replace(one, required=one.name == "prompt") for one in self.parameters]
        return Endpoint(self.name, tuple(parameters), self.returns)


def one(
    name: str,
    kind: Kind,
    *,
    required: bool = False,
    many: bool = False,
    choices: tuple[Json, ...] | None = None,
    low: float | None = None,
    high: float | None = None,
) -> Parameter:
    """A parameter of that kind; what is left out, the model decides."""
    label = name.replace("_", " ").capitalize()
    return Parameter(name, kind, label, required, choices=choices, minimum=low, maximum=high, many=many)


def text(name: str, *, required: bool = False, many: bool = False) -> Parameter:
    """A text."""
    return one(name, Kind.TEXT, required=required, many=many)


def whole(name: str, low: float | None = 1, high: float | None = None) -> Parameter:
    """A whole number."""
    return one(name, Kind.INTEGER, low=low, high=high)


def number(name: str, low: float | None = None, high: float | None = None) -> Parameter:
    """A number."""
    return one(name, Kind.NUMBER, low=low, high=high)


def switch(name: str) -> Parameter:
    """Yes or no."""
    return one(name, Kind.BOOLEAN)


def choice(name: str, *choices: Json) -> Parameter:
    """One of these."""
    return one(name, Kind.CHOICE, choices=choices)


def json(name: str, *, required: bool = False) -> Parameter:
    """A value of any shape."""
    return one(name, Kind.JSON, required=required)


def back(name: str, kind: Kind = Kind.TEXT, *, many: bool = False) -> Return:
    """An output."""
    return Return(name, kind, name.replace("_", " ").capitalize(), many=many)
