"""Random expressions and mutated chains: whatever is in them, only our own errors come out."""

import contextlib
import re
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chains import Chain, EvaluationFailed, InvalidChain, SpaceStep, check, loads, show
from chains.graph import mermaid, order
from chains.language.expressions import Template, parse_value
from chains.prompt_reader import read_templates
from chains.prompts import PromptTemplate, fill
from chains.shape.patterns import explosive
from chains.text.reader import read
from chains.text.source import Fields
from spaces_registry.signature import Endpoint, Kind, Parameter, Return

FILES = [one.read_bytes().decode(errors="replace") for one in sorted(Path(__file__).parent.glob("*/*.yaml"))]
ATOMS = [
    "inputs",
    "item",
    "image",
    "skipped",
    "1",
    "0",
    "-2",
    "0.5",
    "1e200",
    "'a'",
    '"b c"',
    "true",
    "null",
    "[]",
    "[1, 2]",
    "__class__",
    "prompt",
]
WORDS = [
    *ATOMS,
    ".",
    "[",
    "]",
    "(",
    ")",
    ",",
    "+",
    "-",
    "*",
    "/",
    "%",
    "==",
    "!=",
    "<",
    ">=",
    "and",
    "or",
    "not",
    "in",
    "if",
    "else",
    "upper",
    "join",
    "format",
    "range",
    "json",
    "len",
    ":",
    "=",
    "**",
    "{",
    "}",
    "lambda",
    "é",
    "日",
    "\\",
    "#",
    "$",
    "'",
    '"',
    "template",
    "template('cinematic',",
    "template('cat.negative',",
    "subject=",
    "**",
]
PROMPTS = {
    "cat": PromptTemplate("cat", "{subject} and {subject}, {mood}", "{mood}", {"subject": None, "mood": None})
}
CALLED = Endpoint(
    "/go",
    (Parameter("prompt", Kind.TEXT), Parameter("image", Kind.IMAGE), Parameter("n", Kind.INTEGER, minimum=1)),
    (Return("image", Kind.IMAGE), Return("speech", Kind.AUDIO)),
)
NAMES = {"inputs": {"prompt": "a", "list": [1, 2], "n": 3}, "item": [1], "image": {"text": "x"}}
quick = settings(max_examples=1000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def expressions() -> st.SearchStrategy[str]:
    """Expressions that are well formed, of every form, and often of the wrong types."""

    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        binary = st.sampled_from(["+", "-", "*", "/", "%", "==", "!=", "<", ">", "in", "not in", "and", "or"])
        called = st.sampled_from(
            [
                "join",
                "split",
                "lines",
                "words",
                "lower",
                "upper",
                "slug",
                "json",
                "first",
                "last",
                "len",
                "range",
                "round",
                "format",
            ]
        )
        return st.one_of(
            st.builds("({} {} {})".format, inner, binary, inner),
            st.builds("not {}".format, inner),
            st.builds("(-{})".format, inner),
            st.builds("({} if {} else {})".format, inner, inner, inner),
            st.builds("[{}, {}]".format, inner, inner),
            st.builds("{}({})".format, called, inner),
            st.builds("{}({}, {})".format, called, inner, inner),
            st.builds("template('cat', subject={}, mood={})".format, inner, inner),
            st.builds("template('cat.negative', mood={})".format, inner),
            st.builds("template({})".format, inner),
            st.builds("({})[{}]".format, inner, inner),
            st.builds("({}).{}".format, inner, st.sampled_from(["text", "list", "real", "__class__"])),
        )

    return st.recursive(st.sampled_from(ATOMS), larger, max_leaves=12)


def template(text: str) -> Template:
    """The template of an expression, right or wrong."""
    quoted = text.replace("'", "''")
    source, _ = read(f"value: '${{{{ {quoted} }}}}'", "f.yaml")
    assert isinstance(source.root, Fields)
    return parse_value(source.root.entries[0].node, source, PROMPTS)[0]


@quick
@given(expressions())
def test_a_random_expression_has_a_value_or_says_why_not(text: str) -> None:
    """No expression of a stranger's may end in a traceback or reach an attribute."""
    with contextlib.suppress(EvaluationFailed):
        template(text).evaluate(NAMES)


@quick
@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join))
def test_random_words_are_an_expression_or_a_problem(text: str) -> None:
    """What people type halfway is no expression, and must be told so kindly."""
    with contextlib.suppress(EvaluationFailed):
        template(text).evaluate(NAMES)


@quick
@given(st.data())
def test_a_mutated_chain_is_a_chain_or_invalid(data: st.DataObject) -> None:
    """Whatever a half-finished edit leaves behind, the check must survive it."""
    text = data.draw(st.sampled_from(FILES))
    for _ in range(data.draw(st.integers(1, 4))):
        at, end = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
        piece = data.draw(
            st.sampled_from(
                [
                    text[at : at + 30],
                    "\n",
                    "  ",
                    ": ",
                    "- ",
                    "{",
                    "}",
                    "[",
                    "]",
                    "${{ ",
                    " }}",
                    "$",
                    "'",
                    '"',
                    " #",
                    "\t",
                    "*a",
                    "&a ",
                    "!",
                    "null",
                    "1e999",
                    "🙂",
                    "\0",
                    "each:",
                    "when: ",
                    "fallback:",
                    "- space: owner/other\n",
                    "retry: {on: ",
                    "expect: {matches: ",
                    "budget: {gpu: ",
                    "templates: {a: ",
                    "variables: {",
                    "template('",
                    "model: ",
                    "memory: ",
                ]
            )
        )
        text = text[:at] + piece + text[min(end, at + data.draw(st.integers(0, 20))) :]

    try:
        chain = loads(text, folder=Path(__file__).parent)
        problems = check(chain)
    except InvalidChain as invalid:
        problems, source = invalid.problems, invalid.source
    else:
        source = chain.source
        assert order(chain) is not None
        assert mermaid(chain)
        assert reading(chain)
        problems += check(chain, called(chain))
    assert all(show(one, source.text) for one in problems)


def called(chain: Chain) -> dict[str, Endpoint]:
    """A signature for every step, fallback and equivalent Space."""
    spaces = [step for step in chain.ways if isinstance(step, SpaceStep)]
    others = {step.key_of(other): CALLED for step in spaces for other in step.others}
    return {step.key: CALLED for step in chain.ways} | others


def reading(chain: Chain) -> bool:
    """Whether every step waits only for names that are written in it."""
    return all(set(step.reads) >= set(step.needs) for step in chain.steps.values())


@quick
@given(st.text(max_size=200))
def test_random_text_is_invalid_at_most(text: str) -> None:
    """A picture handed in by accident must not end in a traceback."""
    with contextlib.suppress(InvalidChain):
        loads(text, folder=Path(__file__).parent)


@quick
@given(st.text(alphabet="ab{}$ \n_é'", max_size=60))
def test_any_text_can_be_a_prompt(text: str) -> None:
    """A prompt out of the wild has braces of other tools in it; doubled, they come out as they went in."""
    escaped = text.replace("{", "{{").replace("}", "}}")

    assert fill(PromptTemplate("any", escaped), {}) == text
    assert fill(PromptTemplate("any", f"{escaped}{{x}}", variables={"x": None}), {"x": text}) == text + text


@quick
@given(st.text(alphabet="ab:{}[],\n -'\"$&*", max_size=80))
def test_any_library_is_templates_or_invalid(text: str) -> None:
    """A library is written by hand, in a hurry."""
    with contextlib.suppress(InvalidChain):
        read_templates(text, "prompts.yaml")


@quick
@given(st.text(alphabet="ab()*+?|", max_size=11))
def test_a_pattern_that_is_let_through_comes_to_an_end(pattern: str) -> None:
    """A result that has just been paid for must not hang in the check that it is good."""
    with contextlib.suppress(re.error):
        compiled = re.compile(pattern)
        if not explosive(pattern):
            compiled.search("a" * 24 + "c")


@quick
@given(st.text(alphabet="ab()[]*+?{},1|\\^$.:=!<P>", max_size=40))
def test_any_text_is_weighed_as_a_pattern(text: str) -> None:
    """What is no pattern at all gets our words and no traceback."""
    assert explosive(text) != ""
