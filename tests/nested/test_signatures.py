"""What a nested chain takes and gives is known before anything runs."""

import pytest

from chains.loader import load
from chains.problems import InvalidChain
from pipelines.places.places import local_endpoints
from pipelines.running.preflight import static_problems
from spaces_registry.signature import Kind


def problems(folder, text, name="outer.yaml"):
    """What `check` says without the network, as code, line and message."""
    chain = load(folder.write(name, text), known=local_endpoints)
    return [
        (one.code, one.at.file.rpartition("/")[2], one.at.line, one.message) for one in static_problems(chain)
    ]


def test_inputs_are_parameters_and_outputs_are_returns(folder):
    """With their kinds, defaults, choices and ranges, as of any other step."""
    chain = load(folder.write("outer.yaml", "steps: {one: {chain: inner.yaml, with: {words: hi}}}"))
    endpoint = local_endpoints(chain)["one"]
    words, mood, seconds = endpoint.parameters

    assert (words.kind, words.required, words.label) == (Kind.TEXT, True, "What is said")
    assert (mood.default, mood.choices) == ("calm", ("calm", "wild"))
    assert (seconds.minimum, seconds.maximum) == (0.5, 5)
    assert [(one.name, one.kind) for one in endpoint.returns] == [
        ("said", Kind.TEXT),
        ("note", Kind.TEXT),
        ("pause", Kind.AUDIO),
    ]


def test_wrong_arguments_are_found_where_they_stand(folder):
    """A mistake is cheap as long as nothing runs."""
    found = problems(
        folder,
        """
        steps:
          one: {chain: inner.yaml, with: {word: hi, seconds: 9, mood: sad}}
        outputs: {a: $one.nothing}
        """,
    )

    codes = {"unknown-parameter", "out-of-range", "not-a-choice", "unknown-part"}
    assert {code for code, *_ in found} == codes
    assert {file for _, file, *_ in found} == {"outer.yaml"}


def test_a_mistake_inside_is_told_at_its_own_place_with_who_uses_it(folder):
    """Whoever runs the outer chain has to find the line that is wrong."""
    folder.write("broken.yaml", "steps:\n  cut: {media: cut-out}\n")
    ((code, file, line, message),) = problems(folder, "steps: {one: {chain: broken.yaml}}")

    assert (code, file, line) == ("unknown-operation", "broken.yaml", 2)
    assert "(used by step `one` of " in message


def test_a_file_that_is_no_chain_is_told_line_by_line(folder):
    """Its own mistakes, not only that there are some."""
    folder.write("torn.yaml", "steps:\n  cut: {medai: trim}\n")
    found = problems(folder, "steps: {one: {chain: torn.yaml}}")

    assert [(file, line) for _, file, line, _ in found] == [("torn.yaml", 2)]


def test_a_circle_is_told_with_its_path(folder):
    """It would run for ever."""
    folder.write("b.yaml", "steps: {x: {chain: a.yaml}}")
    found = problems(folder, "steps: {x: {chain: b.yaml}}", "a.yaml")

    ((code, file, _, message),) = found
    assert (code, file) == ("chains-in-circle", "b.yaml")
    assert "a.yaml → b.yaml → a.yaml" in message


@pytest.mark.parametrize(("count", "codes"), [(7, []), (8, ["nested-too-deep"])])
def test_eight_chains_may_lie_in_each_other(folder, count, codes):
    """More is a mistake, or an attack."""
    for number in range(count):
        text = (
            f"steps: {{x: {{chain: deep{number + 1}.yaml}}}}"
            if number < count - 1
            else "steps: {x: {media: silence}}"
        )
        folder.write(f"deep{number}.yaml", text)

    assert [code for code, *_ in problems(folder, "steps: {x: {chain: deep0.yaml}}")] == codes


def test_many_that_use_many_are_read_once_each(folder):
    """Eight layers that use the next ten times would otherwise take a hundred million readings."""
    for number in range(7):
        used = "silence" if number == 6 else f"d{number + 1}.yaml"
        key = "media" if number == 6 else "chain"
        folder.write(
            f"d{number}.yaml", "steps:\n" + "".join(f"  s{n}: {{{key}: {used}}}\n" for n in range(10))
        )

    assert problems(folder, "steps: {x: {chain: d0.yaml}}") == []


@pytest.mark.parametrize("name", ["../out.yaml", "link.yaml", "/etc/chain.yaml"])
def test_no_file_outside_the_outermost_folder_is_read(folder, name):
    """A chain from a stranger is data; it reads what lies beside it and nothing else."""
    (folder.path.parent / "out.yaml").write_text("steps: {x: {media: silence}}")
    (folder.path / "link.yaml").symlink_to(folder.path.parent / "out.yaml")
    ((code, *_),) = problems(folder, f"steps: {{x: {{chain: {name}}}}}")

    assert code == "outside-folder"


def test_a_chain_in_a_folder_below_may_use_one_beside_the_outermost(folder):
    """The outermost chain's folder is what the user has chosen to run."""
    folder.write("sub/lower.yaml", "steps: {x: {chain: ../inner.yaml, with: {words: hi}}}")

    assert problems(folder, "steps: {x: {chain: sub/lower.yaml}}") == []


def test_a_name_that_is_neither_file_nor_recipe_gets_the_nearest(folder):
    """As everywhere."""
    chain = load(folder.write("outer.yaml", "steps:\n  a: {chain: inne.yaml}\n  b: {chain: starte}\n"))

    assert [one.hint for one in static_problems(chain)] == [
        "did you mean 'inner.yaml'?",
        "did you mean 'starter'?",
    ]


def test_a_recipe_is_nested_by_its_name(folder):
    """The bundled chains are building blocks too."""
    chain = load(folder.write("outer.yaml", "steps: {a: {chain: starter, with: {}}}"))

    assert local_endpoints(chain)["a"].name == "starter"


def test_a_loader_error_inside_is_no_fault(folder):
    """Bytes that are no text are the user's to mend."""
    (folder.path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    chain = load(folder.write("outer.yaml", "steps: {a: {chain: bytes.yaml}}"))

    assert [one.code for one in static_problems(chain)] == ["not-utf8"]
    with pytest.raises(InvalidChain):
        load(folder.path / "bytes.yaml")
