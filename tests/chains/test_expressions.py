"""What expressions mean: values, bounds, and what a skipped step's output turns into."""

from dataclasses import dataclass, field

import pytest

from chains import ABSENT, EvaluationFailed
from chains.language.expressions import NotLiteral, Template, parse_value
from chains.text.reader import read
from chains.text.source import Fields


@dataclass(frozen=True)
class Thing:
    """Something with parts, as a step's outputs and files are; its attributes are nobody's business."""

    known: dict[str, object] = field(default_factory=dict)
    hidden: str = "never seen"

    def part(self, name: str) -> object:
        """The part of that name."""
        return self.known[name]

    def parts(self) -> tuple[str, ...]:
        """What there is."""
        return tuple(self.known)


PICTURE = Thing({"name": "cat.png", "width": 640})
NAMES = {
    "inputs": {
        "prompt": "a cat",
        "n": 3,
        "half": 0.5,
        "on": True,
        "off": False,
        "none": None,
        "list": [1, 2, 3],
    },
    "env": {"KEY": "k"},
    "item": {"prompt": "an item", "style": "photo"},
    "index": 4,
    "run": {"id": "r1"},
    "image": Thing({"image": PICTURE, "images": (PICTURE, PICTURE), "text": "[1, 2]", "outputs": [PICTURE]}),
    "skipped": ABSENT,
    "many": [Thing({"image": 1}), Thing({"image": 2})],
}


def template(value: str) -> Template:
    """The template of a YAML value, which must have no problem."""
    source, problems = read(f"value: {value}", "chain.yaml")
    assert problems == ()
    assert isinstance(source.root, Fields)
    parsed, wrong = parse_value(source.root.entries[0].node, source)
    assert wrong == ()
    return parsed


def value(expression: str) -> object:
    """What an expression is worth."""
    return template(f"|-\n  ${{{{ {expression} }}}}").evaluate(NAMES)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1", 1),
        ("-1.5", -1.5),
        ("'it' + \"s\"", "its"),
        ("true and not false", True),
        ("None", None),
        ("null", None),
        ("[1, 'a', [null]]", [1, "a", [None]]),
        ("inputs.prompt", "a cat"),
        ("inputs['prompt']", "a cat"),
        ("inputs.list[0]", 1),
        ("inputs.list[-1]", 3),
        ("inputs.list[index - 3]", 2),
        ("env.KEY", "k"),
        ("item.style", "photo"),
        ("index + 1", 5),
        ("run.id", "r1"),
        ("image.image.width", 640),
        ("image.outputs[0].name", "cat.png"),
        ("image['text']", "[1, 2]"),
        ("image.images.width", [640, 640]),
        ("many.image", [1, 2]),
        ("1 + 2 * 3 - 4 / 2 % 3", 5.0),
        ("7 % 3", 1),
        ("[1] + [2]", [1, 2]),
        ("1 < 2 <= 2 != 3", True),
        ("1 < 2 > 2", False),
        ("'a' < 'b'", True),
        ("true == 1", False),
        ("1 == 1.0", True),
        ("'1' == 1", False),
        ("[1, [2]] == [1, [2]]", True),
        ("'cat' in inputs.prompt", True),
        ("4 not in inputs.list", True),
        ("'prompt' in inputs", True),
        ("true in [1]", False),
        ("inputs.none or inputs.prompt", "a cat"),
        ("inputs.on and inputs.n", 3),
        ("inputs.off and 1 / 0", False),
        ("1 if inputs.on else 1 / 0", 1),
        ("image.image == image.outputs[0]", True),
        ("image.image and 1", 1),
    ],
)
def test_an_expression_has_its_value(expression: str, expected: object) -> None:
    """The language is small, and all of it means one thing."""
    result = value(expression)

    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("join(['a', 1, true])", "a, 1, true"),
        ("join(['a', 'b'], '-')", "a-b"),
        ("split('a, b,c')", ["a", "b", "c"]),
        ("split('a|b', '|')", ["a", "b"]),
        ("lines('one\\n\\n  two ')", ["one", "two"]),
        ("words(' a  b ')", ["a", "b"]),
        ("lower('ABÇ')", "abç"),
        ("upper('abç')", "ABÇ"),
        ("slug('A Cat, größer!')", "a-cat-großer"),
        ("json('{\"a\": [1, null]}').a", [1, None]),
        ("first([])", None),
        ("first([1, 2])", 1),
        ("last([1, 2])", 2),
        ("last([])", None),
        ("len('abc') + len([1]) + len(item)", 6),
        ("range(3)", [0, 1, 2]),
        ("range(1, 6, 2)", [1, 3, 5]),
        ("round(2.6)", 3),
        ("round(2.345, 1)", 2.3),
        ("format('{} of {1} {{x}}', 1, 'b')", "1 of b {x}"),
        ("format('{:03}|{:5}|{:,}|{:.2}', 7, 'a', 12345, 1.5)", "007|    a|12,345|1.50"),
    ],
)
def test_a_function_has_its_value(call: str, expected: object) -> None:
    """Each function is worth what the documentation says."""
    assert value(call) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("$inputs.n", 3),
        ("${{ inputs.n }}", 3),
        ("'  ${{ inputs.n }} '", 3),
        ("n is ${{ inputs.n }}", "n is 3"),
        ("${{ inputs.n }}${{ inputs.n }}", "33"),
        ("${{ 4 / 2 }}, ${{ inputs.on }}, ${{ null }}, ${{ inputs.list }}", "2, true, , [1, 2, 3]"),
        ("$image.text", "[1, 2]"),
        ("costs $$5 or $100", "costs $5 or $100"),
        ("$$inputs.n", "$inputs.n"),
        ("$${{ inputs.n }}", "${{ inputs.n }}"),
        ("{a: $inputs.n, b: [$index, x]}", {"a": 3, "b": [4, "x"]}),
        ("\"${{ '}}' + inputs.prompt }}\"", "}}a cat"),
        ("$item", {"prompt": "an item", "style": "photo"}),
        ("010", "010"),
        ("4.5", 4.5),
    ],
)
def test_a_value_keeps_its_type_unless_text_stands_around_it(written: str, expected: object) -> None:
    """A model's text `[1, 2]` must stay text, and a number must stay a number."""
    assert template(written).evaluate(NAMES) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "skipped",
        "skipped.image",
        "skipped.images[0].width",
        "skipped.image == 'x'",
        "skipped.n < 3",
        "skipped.n + 1",
        "-skipped.n",
        "[1, skipped.image]",
        "upper(skipped.text)",
        "1 in skipped.list",
        "skipped.image and 1",
        "null or skipped.image",
        "inputs.list[skipped.n]",
    ],
)
def test_what_is_built_on_a_skipped_step_is_absent(expression: str) -> None:
    """The engine skips a step by this, instead of handing it half a value."""
    assert value(expression) is ABSENT


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("skipped.image or inputs.prompt", "a cat"),
        ("not skipped.image", True),
        ("1 if skipped.image else 2", 2),
        ("skipped.image == null", True),
        ("skipped.image != null", False),
        ("null == skipped.image", True),
        ("inputs.on or skipped.image", True),
    ],
)
def test_an_alternative_stands_in_for_a_skipped_step(expression: str, expected: object) -> None:
    """`upscale.image or image.image` is how a chain survives its own conditions."""
    assert value(expression) == expected


def test_text_and_structures_around_an_absent_value_are_absent() -> None:
    """A prompt with a hole in it must not be sent."""
    assert template("a ${{ skipped.text }} b").evaluate(NAMES) is ABSENT
    assert template("{a: [$skipped.image]}").evaluate(NAMES) is ABSENT


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("nobody", "there is nothing called `nobody`"),
        ("inputs.promt", "there is no `promt`"),
        ("image.imag", "there is no `imag`"),
        ("image.hidden", "there is no `hidden`"),
        ("image.known", "there is no `known`"),
        ("image.__class__", "there is no `__class__`"),
        ("inputs.prompt.upper", "text has no `upper`"),
        ("inputs.n.real", "a number has no `real`"),
        ("inputs.list.append", "a number has no `append`"),
        ("inputs.list[9]", "there is no item 9; the list has 3"),
        ("inputs.list[0.5]", "a whole number"),
        ("inputs[0]", "the keys of a mapping are text"),
        ("inputs.prompt[0]", "text has no items"),
        ("image[0]", "an output has no items"),
        ("'a' + 1", "`+` cannot take text and a number"),
        ("'a' * 3", "`*` cannot take text and a number"),
        ("'%s' % 1", "`%` cannot take text and a number"),
        ("true + 1", "`+` cannot take true or false and a number"),
        ("'a' + [1]", "`+` cannot add text and a list"),
        ("-'a'", "a number"),
        ("1 < 'a'", "`<` compares two numbers or two texts"),
        ("1 in 2", "`in` needs a text, a list or a mapping"),
        ("1 in 'a'", "`in` looks for text in a text"),
        ("1 / 0", "division by zero"),
        ("1 % 0", "division by zero"),
        ("1e300 * 1e300", "the number is too large"),
        ("join([image])", "cannot stand in text"),
        ("split('a', '')", "the separator is empty"),
        ("json('{')", "the text is not JSON"),
        ("json('NaN')", "the text is not JSON"),
        ("json('1e999') + 1", "json: it holds a number without a finite value"),
        ("range(0, 5, 0)", "the step of a range cannot be 0"),
        ("range(1e200)", "more than 10,000 items"),
        ("range(10001)", "more than 10,000 items"),
        ("round(1.5, 99)", "digits must be from 0 to 15"),
        ("format('{}')", "more places than there are values"),
        ("format('{0.real}', 1)", "without its pair"),
        ("format('{:999}', 1)", "without its pair"),
        ("len(3)", "text, a list or a mapping"),
        ("upper()", "is called as `upper(text)`"),
        ("nope(1)", "there is no function `nope`"),
    ],
)
def test_an_expression_that_cannot_be_worked_out_says_why_and_where(expression: str, said: str) -> None:
    """Nothing of Python's shows, neither its attributes nor its errors."""
    with pytest.raises(EvaluationFailed) as failure:
        value(expression)

    assert said in str(failure.value)
    assert str(failure.value).startswith("chain.yaml:2:")
    assert failure.value.at.line == 2


def test_an_unknown_part_names_the_nearest() -> None:
    """The outputs of a Space are known only once it ran; a typo must still be found at once."""
    with pytest.raises(EvaluationFailed) as failure:
        value("image.imag")

    assert failure.value.hint == "did you mean 'image'?"
    assert failure.value.at.column == 13


def test_growth_is_bounded() -> None:
    """An expression of a few characters must not fill the memory."""
    doubled = "join([" + ", ".join(["inputs.long"] * 11) + "])"
    names = {"inputs": {"long": "x" * 100_000, "list": list(range(9_000))}}
    for expression in (
        doubled,
        " + ".join(["inputs.long"] * 11),
        "inputs.list + inputs.list",
        "words(inputs.long + ' a')",
    ):
        parsed = template(f"|-\n  ${{{{ {expression} }}}}")
        if "words" in expression:
            assert len(parsed.evaluate(names)) == 2
            continue
        with pytest.raises(EvaluationFailed):
            parsed.evaluate(names)


def test_deeply_nested_data_fails_in_the_language_of_the_tool() -> None:
    """JSON that a model made up must not end in a traceback."""
    with pytest.raises(EvaluationFailed):
        value(f"json('{'[' * 900}' + '{'[' * 900}')")


def test_references_are_known_before_the_run() -> None:
    """Edges, checks and the plan come out of them."""
    found = template("a ${{ image.images[0].width + inputs.list[index] }} ${{ item['x'].y or 1 }}").references

    assert [(one.root, one.path, one.guarded) for one in found] == [
        ("image", ("images", 0, "width"), False),
        ("index", (), False),
        ("inputs", ("list",), False),
        ("item", ("x", "y"), True),
    ]


def test_a_literal_is_known_and_a_reference_is_not() -> None:
    """Rules check literals, and must not take a reference for one."""
    assert template("{a: [1, '${{ 1 + 1 }}']}").literal == {"a": [1, 2]}
    assert not template("$inputs.n").is_literal
    with pytest.raises(NotLiteral):
        _ = template("$inputs.n").literal


def test_only_a_whole_value_is_a_reference() -> None:
    """Kinds are checked where a value flows as it is, and only there."""
    assert str(template("$image.images[0]").reference) == "$image.images[0]"
    assert str(template("${{ image.image }}").reference) == "$image.image"
    assert template("a $image.image").reference is None
    assert template("${{ image.images[index] }}").reference is None
    assert template("${{ image.image or inputs.n }}").reference is None
