"""Values on their way through: expressions, arguments, answers and streams, out of every shape there is."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import httpx2
import pytest
from faults.campaign import KEYS, TREES, Campaign, tries
from faults.stand_in import framed
from hypothesis import given
from hypothesis import strategies as st

from chains import EvaluationFailed, PromptTemplate
from chains.language.expressions import Template, parse_value
from chains.text.reader import read
from chains.text.source import Fields
from pipelines.engine.binding import as_arguments, bind, cache_key
from spaces_registry.apps.answers import outputs
from spaces_registry.apps.files import Shelf
from spaces_registry.apps.payload import body
from spaces_registry.apps.stream import Outputs, event_of, messages
from spaces_registry.errors import BadOutput
from spaces_registry.network.origin import Origin
from spaces_registry.sayable import unsayable
from spaces_registry.signature import Endpoint, File, Kind, Parameter, Return, Wire

pytestmark = pytest.mark.timeout(480)  # the machine may have other things to do

PROMPTS = {
    "cat": PromptTemplate("cat", "{subject} {subject}, {mood}", "{mood}", {"subject": None, "mood": None})
}
ATOMS = [
    *("inputs", "inputs.a", "inputs.list", "item", "index", "run.id", "1", "0", "-2", "0.5", "1e200"),
    *("'a'", "''", "true", "false", "null", "[]", "[1,2]", "x", "prompt"),
]
OPERATORS = ["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"]
FUNCTIONS = [
    *("join", "split", "lines", "words", "lower", "upper", "slug", "json", "first", "last", "len"),
    *("range", "round", "format", "template", "nobody"),
]
NOISE = [
    *ATOMS,
    *OPERATORS,
    *FUNCTIONS,
    *[
        *("(", ")", "[", "]", "{", "}", ",", ".", ":", "=", "**", "//", "@", "~", "^", "|", "&", ";"),
        *("#", "$", "\\", "'", '"', "\n", "é", "日", "lambda", ":", "if", "else", "not", "is"),
    ],
]
NOISE += [
    "__class__",
    "__import__('os')",
    "{}.format(1)",
    "9" * 400,
    "f'{x}'",
    "b'a'",
    "1j",
    "...",
    "\u202e",
    "\x00",
]


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """An expression out of smaller ones."""
    return st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(OPERATORS), inner),
        st.builds("({} < {} <= {})".format, inner, inner, inner),
        st.builds("not {}".format, inner),
        st.builds("(-{})".format, inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("{}({})".format, st.sampled_from(FUNCTIONS), inner),
        st.builds("{}({}, {})".format, st.sampled_from(FUNCTIONS), inner, inner),
        st.builds("range({}, {}, {})".format, inner, inner, inner),
        st.builds("format('{{}} {{:05}} {{:,.2}}', {}, {}, {})".format, inner, inner, inner),
        st.builds("template('cat', subject={}, mood={})".format, inner, inner),
        st.builds("({})[{}]".format, inner, inner),
        st.builds("({}).{}".format, inner, st.sampled_from(["a", "list", "real", "__class__", "text"])),
    )


GROWN = st.recursive(st.sampled_from(ATOMS), larger, max_leaves=12)
TYPED = st.lists(st.sampled_from(NOISE) | st.text(max_size=3), max_size=12).map(" ".join)


def template(text: str) -> Template:
    """The template of an expression, right or wrong."""
    quoted = text.replace("'", "''")
    source, _ = read(f"value: '${{{{ {quoted} }}}}'", "f.yaml")
    return (
        parse_value(source.root.entries[0].node, source, PROMPTS)[0]
        if isinstance(source.root, Fields)
        else NONE
    )


NONE = parse_value(read("value: 1", "f.yaml")[0].root.entries[0].node, read("value: 1", "f.yaml")[0], {})[0]  # type: ignore[union-attr]


def test_expressions_have_a_value_or_say_why_not(told):
    """A chain of a stranger's is evaluated on the user's machine, with what other strangers answered."""
    campaign = Campaign("expressions")
    named = {"run": {"id": "r"}, "index": 0, "x": ["a", 1], "prompt": "p"}

    @tries(5000)
    @given(GROWN | TYPED, TREES)
    def survive(text: str, odd: Any) -> None:
        odd = None if unsayable(odd) else odd
        names = {**named, "inputs": {"a": odd, "list": [1, 2], "text": "t"}, "item": odd}
        with campaign.example():
            value = template(text).evaluate(names)
            assert unsayable(value) is None, value

    survive()
    told(campaign)


SUMS = st.recursive(
    st.integers(-50, 50).map(str) | st.sampled_from(["0.5", "2.0", "1e3"]),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/%"), inner),
        st.builds("(-{})".format, inner),
        st.builds(
            "({} if {} {} {} else {})".format, inner, inner, st.sampled_from(["<", "==", ">="]), inner, inner
        ),
        st.builds("round({}, 2)".format, inner),
    ),
    max_leaves=8,
)


def test_arithmetic_is_pythons_own(told):
    """Who writes `7 % -3` or `1 / 8` has seen what a language makes of it, and needs no new one."""
    campaign = Campaign("arithmetic")

    @tries(1000)
    @given(SUMS)
    def agree(text: str) -> None:
        with campaign.example():
            try:
                expected = eval(text, {"__builtins__": {"round": round}})  # noqa: S307 - our own sums
            except ZeroDivisionError:
                expected = None
            try:
                value = template(text).evaluate({})
            except EvaluationFailed:
                value = None
            assert value == expected
            assert type(value) is type(expected)

    agree()
    told(campaign)


PARAMETERS = st.builds(
    Parameter,
    name=st.just("p"),
    kind=st.sampled_from(Kind),
    required=st.booleans(),
    default=TREES,
    choices=st.none() | st.lists(st.sampled_from(["a", 1, None, "1", 1.5]), max_size=3).map(tuple),
    closed=st.booleans(),
    minimum=st.none() | st.integers(-3, 3),
    maximum=st.none() | st.floats(0, 9),
    many=st.booleans(),
    component=st.sampled_from(["", "Slider", "MultimodalTextbox", "Gallery", "ImageEditor"]),
)


def test_arguments_are_sent_or_refused(told):
    """What an expression makes of an answer meets a signature that an app wrote."""
    campaign = Campaign("arguments")

    @tries(2000)
    @given(PARAMETERS, TREES | st.lists(TREES, max_size=2).map(tuple))
    def survive(parameter: Parameter, value: Any) -> None:
        endpoint = Endpoint("/go", (parameter,), wire=Wire(inputs=("p",)))
        with campaign.example():
            bound = bind(endpoint, {"p": value}, place="app")
            one = cache_key(kind="space", place="app", revision=None, endpoint=endpoint, bound=bound)
            assert len(one) == 64
            sent = body("app", endpoint, {"p": None, **as_arguments(bound)}, {})
            json.dumps(sent, allow_nan=False, ensure_ascii=False).encode()

    survive()
    told(campaign)


RETURNS = st.lists(st.tuples(st.sampled_from(Kind), st.booleans()), max_size=3).map(
    lambda told: tuple(Return(f"r{at}", kind, many=many) for at, (kind, many) in enumerate(told))
)
DEEP = st.integers(50, 3000).map(lambda levels: json.loads("[" * min(levels, 900) + "]" * min(levels, 900)))


def test_answers_are_decoded_or_refused(tmp_path, told):
    """The values of an answer become files by what the app says of them, and by nothing else."""
    campaign, client = Campaign("answers, decoded"), httpx2.AsyncClient()

    @tries(3000)
    @given(RETURNS, st.lists(TREES | DEEP, max_size=4))
    def survive(returns: tuple[Return, ...], data: list[Any]) -> None:
        data = (data * len(returns))[: len(returns)] if len(data) > 1 else data
        wire = Wire(outputs=(*range(len(returns)),))
        shelf = Shelf(Origin("app", "http://127.0.0.1:1", client), "/gradio_api", tmp_path)
        with campaign.example():
            found = outputs("app", Endpoint("/go", returns=returns, wire=wire), data, shelf.keep)
            for file in files_in(found):
                assert file.path.parent == tmp_path, "nothing is written anywhere else"

    survive()
    told(campaign)


def files_in(value: Any) -> Iterator[File]:
    """Every file of an answer."""
    if isinstance(value, File):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from files_in(one)


MESSAGES = st.fixed_dictionaries(
    {
        "msg": st.sampled_from(
            [
                *("estimation", "process_starts", "process_generating", "progress"),
                *("log", "process_completed", "heartbeat", "?"),
            ]
        )
    },
    optional={
        "output": st.fixed_dictionaries({}, optional={"data": st.lists(TREES, max_size=3) | TREES}) | TREES,
        "progress_data": st.lists(st.dictionaries(KEYS, TREES, max_size=2), max_size=2) | TREES,
        "rank": TREES, "queue_size": TREES, "rank_eta": TREES, "eta": TREES, "level": TREES, "log": TREES,
        "success": TREES, "event_id": TREES,
    },
)  # fmt: skip


async def in_pieces(content: bytes, cuts: list[int]) -> AsyncIterator[bytes]:
    """The bytes, cut at these places."""
    ends = sorted({cut % (len(content) + 1) for cut in cuts} | {len(content)})
    start = 0
    for end in ends:
        yield content[start:end]
        start = end


def test_a_stream_is_the_same_however_it_is_cut(told):
    """Networks cut where they like, within a character too; proxies put noise between."""
    campaign = Campaign("event streams")

    @tries(1000)
    @given(
        st.lists(MESSAGES, max_size=6),
        st.lists(st.integers(0, 10**6), max_size=8),
        st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=3)), max_size=2),
    )
    def survive(sent: list[Any], cuts: list[int], wounds: list[tuple[int, bytes]]) -> None:
        content = "".join(map(framed, sent)).encode()
        for place, new in wounds:
            at = place % (len(content) + 1)
            content = content[:at] + new + content[at:]

        async def heard(pieces: list[int]) -> list[Any]:
            taken, state = [], Outputs(is_diffed=bool(len(cuts) % 2))
            async for one in messages(in_pieces(content, pieces)):
                taken.append(one)
                event_of(one, state)
                data = one["output"].get("data") if isinstance(one.get("output"), dict) else None
                if one.get("msg") == "process_generating" and isinstance(data, list):
                    state.take(data)
            return taken

        async def result(pieces: list[int]) -> Any:
            try:
                return json.dumps(await heard(pieces))
            except ValueError as unreadable:
                return str(unreadable)

        async def both() -> tuple[Any, Any]:
            return await result([]), await result(cuts)

        with campaign.example():
            whole, cut = anyio.run(both)
            assert cut == whole
            if not whole.startswith("["):
                raise BadOutput("app", whole.splitlines()[0])

    survive()
    told(campaign)
