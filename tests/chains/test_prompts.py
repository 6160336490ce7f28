"""Prompt templates: filled, read from a library, and those that come with spacechain."""

from collections.abc import Callable

import pytest

from chains import Chain, InvalidChain, check, loads
from chains.language.evaluate import ABSENT
from chains.prompt_reader import read_templates, shipped
from chains.prompts import PromptTemplate, UnfilledTemplate, fill, gaps

ChainOf = Callable[[str], Chain]
FOX = PromptTemplate(
    "fox", "{subject}, {light} {{raw}}", "no {mood}", {"subject": None, "light": "soft", "mood": "fog"}
)


def test_a_template_is_filled_with_values_over_its_defaults() -> None:
    """What is given counts, what is not given has a sensible value, braces can be written."""
    assert fill(FOX, {"subject": "a fox"}) == "a fox, soft {raw}"
    assert fill(FOX, {"subject": "{light}", "light": ""}) == "{light},  {raw}"
    assert fill(FOX.inverse, {}) == "no fog"


def test_a_template_says_what_it_lacks_and_what_it_has_not() -> None:
    """A prompt with a hole in it would be paid for all the same."""
    with pytest.raises(UnfilledTemplate, match="needs its variable 'subject'"):
        fill(FOX, {})
    with pytest.raises(UnfilledTemplate, match="no variable 'subjekt'") as unknown:
        fill(FOX, {"subject": "a", "subjekt": "b"})

    assert unknown.value.hint == "did you mean 'subject'?"


def test_the_shipped_templates_need_a_subject_and_nothing_else() -> None:
    """One can be exchanged for another without touching anything else."""
    assert [*shipped()] == ["cinematic", "illustration", "landscape", "portrait", "product"]
    for one in shipped().values():
        assert [name for name, default in one.variables.items() if default is None] == ["subject"]
        assert {*gaps(one.prompt), *gaps(one.negative)} == {*one.variables}
        assert "a red fox" in fill(one, {"subject": "a red fox"})
        assert fill(one.inverse, {})
        assert one.help


def test_a_chain_fills_its_own_template_before_the_librarys_and_the_shipped(chain_of: ChainOf) -> None:
    """A user who writes a better portrait means it."""
    text = """
        templates: {own: "own {x}", both: "chain {x}"}
        steps:
          draw:
            space: o/a
            with:
              a: "${{ template('own', x=1) }}"
              b: "${{ template('both', x=inputs.word) }}"
              c: "${{ template('library', x=2.0) }}"
              d: "${{ template('portrait', subject='x') }}"
              e: "${{ template('product', subject='x') }}"
        inputs: {word: hello}
    """
    library = read_templates(
        "both: library {x}\nlibrary: from the library {x}\nportrait: my {subject}\n", "l.yaml"
    )

    arguments = (
        loads(text, folder=chain_of("steps: {a: {space: o/a}}").folder, library=library)
        .steps["draw"]
        .arguments
    )
    names = {"inputs": {"word": "hello"}}
    values = [one.evaluate(names) for one in arguments.values()]

    assert values[:4] == ["own 1", "chain hello", "from the library 2", "my x"]
    assert str(values[4]).startswith("commercial product photograph of x")


def test_a_template_of_something_skipped_is_absent(chain_of: ChainOf) -> None:
    """An alternative must still be offered by `or`."""
    chain = chain_of("""
        steps:
          a: {space: o/a}
          b: {space: o/b, with: {x: "${{ template('cinematic', subject=a.text) or 'plain' }}"}}
    """)
    value = chain.steps["b"].arguments["x"]

    assert value.evaluate({"a": ABSENT}) == "plain"
    assert [str(one) for one in value.references] == ["$a.text"]
    assert chain.steps["b"].reads == ("a",)


def test_templates_in_templates_cannot_fill_the_memory(chain_of: ChainOf) -> None:
    """Each level doubles the text: a hundred levels would be more than there is."""
    nested = "'x'"
    for _ in range(45):
        nested = f"template('t', x={nested})"
    chain = chain_of(f"""
        templates: {{t: "{{x}}{{x}}{{x}}{{x}}"}}
        steps: {{a: {{space: o/a, with: {{y: "${{{{ {nested} }}}}"}}}}}}
    """)

    assert [one.code for one in check(chain)] == ["always-fails"]


def test_a_library_is_read_in_all_its_forms() -> None:
    """Text alone for the quick ones, everything for the careful ones."""
    found = read_templates(
        "short: a {thing}\n"
        "long:\n  help: For tests\n  prompt: '{a} {b}'\n  negative: '{c}'\n  variables: {b: 3, c: true}\n",
        "prompts.yaml",
    )

    assert found == {
        "short": PromptTemplate("short", "a {thing}", variables={"thing": None}),
        "long": PromptTemplate("long", "{a} {b}", "{c}", {"b": "3", "c": "true", "a": None}, "For tests"),
    }
    assert read_templates("# nothing yet\n", "prompts.yaml") == {}


def test_a_mistaken_library_is_shown_with_every_place() -> None:
    """A library is written by hand as a chain is, and deserves the same messages."""
    with pytest.raises(InvalidChain) as invalid:
        read_templates("a: {promt: x}\n'b c': x\nd: 'x {y'\ne: [1]\n", "prompts.yaml")
    with pytest.raises(InvalidChain) as no_mapping:
        read_templates("- a\n", "prompts.yaml")
    with pytest.raises(InvalidChain) as no_yaml:
        read_templates("a: {\n", "prompts.yaml")

    told = [(one.at.file, one.at.line, one.at.column, one.code) for one in invalid.value.problems]
    assert told == [
        ("prompts.yaml", 1, 5, "unknown-key"),
        ("prompts.yaml", 2, 1, "bad-name"),
        ("prompts.yaml", 3, 7, "bad-template"),
        ("prompts.yaml", 4, 4, "wrong-type"),
    ]
    assert [one.code for one in no_mapping.value.problems] == ["wrong-type"]
    assert no_yaml.value.problems


def test_thousands_of_fills_of_a_long_template_are_refused_before_they_are_worked_out(
    chain_of: ChainOf,
) -> None:
    """A stranger's file is checked before anybody trusts it, so a check must come to an end."""
    long, many = "{x}" * 3_300, "${{ template('a', x=1) }}" * 2_500
    text = f"templates: {{a: '{long}'}}\nsteps: {{a: {{space: o/a, with: {{p: \"{many}\"}}}}}}"

    assert [one.code for one in check(chain_of(text))] == ["always-fails"]
