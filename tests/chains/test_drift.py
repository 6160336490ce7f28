"""How a locked signature differs from today's, what of it matters, and what can be mended."""

import re
from collections.abc import Callable, Collection
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chains.lock.drift import Change, drift, drift_problems, parts_read, readable, repaired
from chains.lock.file import LockedStep, as_written
from chains.model import Chain
from spaces_registry.signature import Endpoint, Json, Kind, Parameter, Return

ChainOf = Callable[[str], Chain]

OLD, NEW = "a" * 40, "b" * 40
PROMPT = Parameter("prompt", Kind.TEXT)
STYLE = Parameter("style", Kind.CHOICE, required=False, default="photo", choices=("photo", "anime"))
STEPS = Parameter("steps", Kind.INTEGER, required=False, default=4, minimum=1, maximum=50)
FRAME = Parameter("frame", Kind.IMAGE, required=False)
GENERATE = Endpoint(
    "/generate", (PROMPT, STYLE, STEPS, FRAME), (Return("clip", Kind.VIDEO), Return("seed", Kind.NUMBER))
)
LOCKED = LockedStep.of("owner/name", GENERATE, OLD)


def today(*parameters: Parameter, returns: tuple[Return, ...] = GENERATE.returns) -> Endpoint:
    """The endpoint with other parameters or returns."""
    return replace(GENERATE, parameters=parameters or GENERATE.parameters, returns=returns)


def seen(
    endpoint: Endpoint | None,
    used: Collection[str] | None = ("prompt", "style", "steps", "frame"),
    read: Collection[str] | None = ("video",),
) -> list[tuple[str, str, str]]:
    """Code, severity and subject of every change."""
    return [(one.code, one.severity, one.about) for one in drift(LOCKED, endpoint, OLD, used=used, read=read)]


def test_the_same_world_has_not_drifted() -> None:
    """A lock that cries without reason is thrown away."""
    assert drift(LOCKED, GENERATE, OLD) == ()


def test_another_revision_alone_is_a_note() -> None:
    """Most commits of a Space change nothing for its callers."""
    changes = drift(LOCKED, GENERATE, NEW)

    assert [(one.code, one.severity, one.was, one.now) for one in changes] == [
        ("revision-changed", "note", OLD, NEW)
    ]
    assert readable(changes) == "~ revision: aaaaaaa → bbbbbbb"


def test_a_revision_that_cannot_be_known_is_a_note() -> None:
    """A frozen run promises the same commit, and nobody can tell."""
    assert [(one.code, one.now) for one in drift(LOCKED, GENERATE, None)] == [("revision-unknown", None)]


def test_a_lock_without_a_revision_has_none_to_differ() -> None:
    """An app at a URL names no commit, neither then nor now."""
    locked = replace(LOCKED, revision=None)

    assert drift(locked, GENERATE, None) == drift(locked, GENERATE, NEW) == ()


@pytest.mark.parametrize(
    ("change", "used", "expected"),
    [
        ({"choices": ("photo", "3d")}, True, [("choices-changed", "warning")]),
        ({"choices": ("photo", "3d")}, False, [("choices-changed", "note")]),
        ({"choices": ("photo", "anime", "3d")}, True, [("choices-changed", "note")]),
        ({"choices": ("anime", "photo")}, True, [("signature-rewritten", "note")]),
        ({"choices": None}, True, [("choices-changed", "note")]),
        ({"closed": False}, True, [("choices-changed", "note")]),
        ({"default": "anime"}, True, [("default-changed", "note")]),
        ({"default": "anime"}, False, [("default-changed", "warning")]),
        ({"kind": Kind.TEXT, "choices": None}, True, [("kind-changed", "warning")]),
        ({"kind": Kind.IMAGE, "choices": None}, True, [("kind-changed", "break")]),
        ({"kind": Kind.IMAGE, "choices": None}, False, [("kind-changed", "note")]),
        ({"many": True}, True, [("kind-changed", "warning")]),
        ({"required": True, "default": None}, True, [("became-required", "note")]),
        ({"required": True, "default": None}, False, [("became-required", "break")]),
        ({"label": "Look", "component": "Radio"}, True, []),
    ],
)
def test_a_changed_choice(change: dict[str, object], used: int, expected: list[tuple[str, str]]) -> None:
    """How bad a change is depends on whether the chain gives a value of its own."""
    found = seen(today(PROMPT, replace(STYLE, **change), STEPS, FRAME), ["prompt", *["style"] * used])

    assert [one[:2] for one in found] == expected


@pytest.mark.parametrize(
    ("change", "severity", "words"),
    [
        ({"maximum": 20}, "warning", "1 to 50 → 1 to 20"),
        ({"maximum": 100}, "note", "1 to 50 → 1 to 100"),
        ({"minimum": None}, "note", "1 to 50 → at most 50"),
        ({"maximum": None, "minimum": 2}, "warning", "1 to 50 → at least 2"),
        ({"minimum": None, "maximum": None}, "note", "1 to 50 → any number"),
    ],
)
def test_a_changed_range(change: dict[str, float], severity: str, words: str) -> None:
    """A range that grew cannot refuse what it took before."""
    changes = drift(LOCKED, today(PROMPT, STYLE, replace(STEPS, **change), FRAME), OLD, used=["steps"])

    assert [(one.code, one.severity, one.altered) for one in changes] == [("range-changed", severity, words)]
    assert readable(changes) == f"~ steps: {words}"


def test_an_optional_parameter_more_is_a_note() -> None:
    """Apps grow; a chain that does not know the new switch works on."""
    new = Parameter("seed", Kind.INTEGER, required=False, default=0)

    assert seen(today(*GENERATE.parameters, new)) == [("parameter-added", "note", "seed")]


def test_a_required_parameter_more_breaks_the_call() -> None:
    """Nobody gives it a value, so the app would refuse."""
    new = Parameter("model", Kind.CHOICE, choices=("a", "b"))

    changes = drift(LOCKED, today(*GENERATE.parameters, new), OLD)

    assert [(one.code, one.severity) for one in changes] == [("parameter-added", "break")]
    assert changes[0].hint == "add `model: …` to its `with`"
    assert readable(changes) == '+ model (choice, one of "a", "b", required)'


def test_a_new_parameter_that_the_chain_gives_already_breaks_nothing() -> None:
    """Whoever edits the chain before the lock has done what was to be done."""
    new = Parameter("model", Kind.TEXT)

    assert seen(today(*GENERATE.parameters, new), ["prompt", "model"]) == [
        ("parameter-added", "note", "model")
    ]


def test_a_parameter_that_is_gone_matters_to_whoever_gives_it() -> None:
    """An argument that the app does not take is an error; a default that is gone is not."""
    without = today(PROMPT, STYLE, FRAME)

    assert seen(without) == [("parameter-removed", "break", "steps")]
    assert seen(without, ["prompt"]) == [("parameter-removed", "note", "steps")]
    assert seen(without, None) == [("parameter-removed", "break", "steps")]


@pytest.mark.parametrize("name", ["text_prompt", "text", "Prompt"])
def test_one_plausible_successor_is_a_rename(name: str) -> None:
    """The same thing at the same place, by another name."""
    changes = drift(LOCKED, today(replace(PROMPT, name=name), STYLE, STEPS, FRAME), OLD)

    assert [(one.code, one.severity, one.was, one.now) for one in changes] == [
        ("parameter-renamed", "break", "prompt", name)
    ]
    assert readable(changes) == f"- prompt (text, required)\n+ {name} (text, required)"


@pytest.mark.parametrize(
    "now",
    [
        [replace(PROMPT, name="prompt_a"), replace(PROMPT, name="prompt_b"), STYLE, STEPS, FRAME],
        [STYLE, STEPS, replace(PROMPT, name="lyrics"), FRAME],
        [replace(PROMPT, name="prompt_image", kind=Kind.IMAGE), STYLE, STEPS, FRAME],
    ],
)
def test_a_doubtful_successor_is_none(now: list[Parameter]) -> None:
    """A prompt that goes to the wrong box costs a GPU and makes the wrong film."""
    changes = drift(LOCKED, today(*now), OLD)

    assert "parameter-renamed" not in {one.code for one in changes}
    assert ("parameter-removed", "break") in {(one.code, one.severity) for one in changes}
    assert repaired(LOCKED, today(*now), changes) is None


def test_two_that_changed_places_and_names_are_told_by_what_they_take() -> None:
    """Ranges and choices are as good as a name."""
    before = Endpoint("/x", (STYLE, STEPS), GENERATE.returns)
    now = Endpoint("/x", (replace(STEPS, name="look"), replace(STYLE, name="count")), GENERATE.returns)

    changes = drift(LockedStep.of("o/a", before), now, None)

    assert {one.code for one in changes} == {"parameter-added", "parameter-removed"}


def test_a_renamed_parameter_is_mended_by_its_binding() -> None:
    """The chain goes on writing what it always wrote, and the app gets what it wants today."""
    endpoint = today(replace(PROMPT, name="text_prompt"), STYLE, STEPS, FRAME)
    changes = drift(LOCKED, endpoint, NEW)

    mended = repaired(LOCKED, endpoint, changes, gradio="6.31.0")

    assert mended is not None
    assert mended.binding == {"prompt": "text_prompt"}
    assert (mended.revision, mended.gradio, mended.fingerprint) == (NEW, "6.31.0", endpoint.fingerprint)
    assert drift(mended, endpoint, NEW) == ()
    assert as_written(endpoint, mended.binding).parameters[0].name == "prompt"


def test_a_name_that_was_bound_already_follows_its_parameter() -> None:
    """What `find` chose stays chosen under the app's new name."""
    locked = replace(LOCKED, binding={"text": "prompt"})
    endpoint = today(replace(PROMPT, name="text_prompt"), STYLE, STEPS, FRAME)
    changes = drift(locked, endpoint, OLD, used=["text"])

    mended = repaired(locked, endpoint, changes)

    assert [one.argument for one in changes] == ["text"]
    assert mended is not None
    assert mended.binding == {"text": "text_prompt"}


def test_a_parameter_that_got_the_chains_own_name_needs_no_binding() -> None:
    """A binding of a name to itself would only puzzle."""
    locked = replace(LOCKED, binding={"text": "prompt"})
    endpoint = today(replace(PROMPT, name="text"), STYLE, STEPS, FRAME)

    mended = repaired(locked, endpoint, drift(locked, endpoint, OLD, used=["text"]))

    assert mended is not None
    assert mended.binding == {}


def test_what_another_name_does_not_mend_is_not_mended() -> None:
    """A repair that leaves the call broken is worse than an error."""
    endpoint = today(replace(PROMPT, name="text_prompt"), STYLE, STEPS, FRAME, Parameter("model", Kind.TEXT))

    assert repaired(LOCKED, endpoint, drift(LOCKED, endpoint, OLD)) is None


@pytest.mark.parametrize(
    ("returns", "read", "expected"),
    [
        ([("clip", Kind.VIDEO)], ["clip"], [("return-removed", "note", "seed")]),
        ([("clip", Kind.VIDEO)], ["seed"], [("return-removed", "break", "seed")]),
        ([("clip", Kind.VIDEO)], ["outputs"], [("return-removed", "break", "seed")]),
        ([("film", Kind.VIDEO), ("seed", Kind.NUMBER)], ["video"], [("return-renamed", "note", "clip")]),
        ([("film", Kind.VIDEO), ("seed", Kind.NUMBER)], ["clip"], [("return-renamed", "break", "clip")]),
        ([("film", Kind.VIDEO), ("seed", Kind.NUMBER)], ["outputs"], [("return-renamed", "note", "clip")]),
        ([("clip", Kind.VIDEO), ("seed", Kind.TEXT)], ["clip"], [("return-kind-changed", "note", "seed")]),
        ([("clip", Kind.VIDEO), ("seed", Kind.TEXT)], ["seed"], [("return-kind-changed", "break", "seed")]),
        (
            [("clip", Kind.VIDEO), ("seed", Kind.INTEGER)],
            ["seed"],
            [("return-kind-changed", "warning", "seed")],
        ),
        (
            [("clip", Kind.VIDEO), ("seed", Kind.NUMBER), ("log", Kind.TEXT)],
            ["outputs", "video"],
            [("return-added", "note", "log")],
        ),
        (
            [("draft", Kind.VIDEO), ("clip", Kind.VIDEO), ("seed", Kind.NUMBER)],
            ["clip"],
            [("return-added", "note", "draft")],
        ),
        (
            [("draft", Kind.VIDEO), ("clip", Kind.VIDEO), ("seed", Kind.NUMBER)],
            ["video"],
            [("return-added", "note", "draft"), ("part-moved", "break", "video")],
        ),
        (
            [("seed", Kind.NUMBER), ("clip", Kind.VIDEO)],
            ["clip", "video"],
            [("signature-rewritten", "note", "")],
        ),
    ],
)
def test_returns_matter_by_what_the_chain_reads(
    returns: list[tuple[str, Kind]], read: list[str], expected: list[tuple[str, str, str]]
) -> None:
    """A label, a kind and a place each survive something else."""
    assert seen(today(returns=tuple(Return(*one) for one in returns)), read=read) == expected


def test_returns_that_changed_places_matter_to_whoever_counts() -> None:
    """`outputs[0]` would be the seed without a word."""
    swapped = today(returns=GENERATE.returns[::-1])

    assert ("part-moved", "break", "outputs") in seen(swapped, read=["outputs"])


def test_a_chain_tells_which_parts_it_reads(chain_of: ChainOf) -> None:
    """Names that the step itself gives to parts of the answer are queries of the whole answer."""
    chain = chain_of("""
steps:
  a: {space: o/a, outputs: {first: "[0]"}}
  b: {space: o/b, with: {x: $a.first, y: "${{ a.video or a.clip }}"}}
outputs: {z: "$a.outputs[0]", n: $b.seed}
""")

    assert parts_read(chain, chain.steps["a"]) == {"video", "clip", "outputs"}
    assert parts_read(chain, chain.steps["b"]) == {"seed"}


def test_an_endpoint_that_is_gone_is_named_with_what_there_is() -> None:
    """One look must be enough to mend the chain."""
    near = Endpoint("/generate_2", (PROMPT, FRAME), GENERATE.returns)
    same = Endpoint("/make", GENERATE.parameters, GENERATE.returns)

    assert [(one.code, one.severity, one.hint) for one in drift(LOCKED, None, OLD, offered=[near])] == [
        ("endpoint-gone", "break", "did you mean '/generate_2'?")
    ]
    assert drift(LOCKED, None, OLD, offered=[near, same])[0].hint == "/make takes and returns the same"
    assert [one.code for one in drift(LOCKED, None, OLD)] == ["endpoint-gone"]


@pytest.mark.parametrize("is_there", [0, 1])
def test_another_app_is_told_in_one_line(is_there: int) -> None:
    """Twenty lines of differences say less than: this is another app."""
    other = Endpoint("/generate", (Parameter("audio", Kind.AUDIO),), (Return("text", Kind.TEXT),))

    changes = drift(LOCKED, other if is_there else None, NEW, offered=[other])

    assert [(one.code, one.severity) for one in changes] == [
        ("revision-changed", "note"),
        ("app-replaced", "break"),
    ]
    assert "another app" in readable(changes)
    assert repaired(LOCKED, other, changes) is None


def test_changes_read_like_a_diff() -> None:
    """What is shown before somebody accepts today's world."""
    endpoint = today(
        replace(PROMPT, name="text_prompt"),
        replace(STYLE, choices=("photo", "3d"), default="3d"),
        FRAME,
        Parameter("model", Kind.TEXT, required=False, default="x" * 100),
        returns=(Return("clip", Kind.VIDEO), Return("style", Kind.TEXT)),
    )

    assert readable(drift(LOCKED, endpoint, NEW)).split("\n") == [
        "~ revision: aaaaaaa → bbbbbbb",
        "- prompt (text, required)",
        "+ text_prompt (text, required)",
        '~ style: choices lost "anime", gained "3d"; default "photo" → "3d"',
        "- steps (integer, 1 to 50, default 4)",
        f'+ model (text, default "{"x" * 38}…)',
        "- returns seed (number)",
        "+ returns style (text)",
    ]


def test_a_return_and_a_parameter_of_one_name_have_a_line_each() -> None:
    """`image` in, `image` out is the most common signature there is."""
    locked = LockedStep.of("o/a", Endpoint("/x", (FRAME, STEPS), (Return("frame", Kind.IMAGE),)))
    now = Endpoint("/x", (replace(FRAME, kind=Kind.TEXT), STEPS), (Return("frame", Kind.TEXT),))

    assert readable(drift(locked, now, None)).split("\n")[:2] == [
        "~ frame: image → text",
        "~ returns frame: image → text",
    ]


CHAIN = """
steps:
  clip:
    space: owner/name
    endpoint: /generate
    with: {prompt: hi, style: anime}
outputs: {film: $clip.video}
"""


def problems(chain: Chain, endpoint: Endpoint | None, *, frozen: bool = False) -> list[tuple[str, int, int]]:
    """Severity and place of every problem."""
    step = chain.steps["clip"]
    changes = drift(LOCKED, endpoint, NEW, used=step.arguments, read=parts_read(chain, step))
    found = [*drift_problems(chain, step, changes, frozen=frozen)]
    assert all((one.code, one.step) == ("drifted", "clip") for one in found)
    wanted = "spacechain lock chain.yaml --update clip"
    assert all(wanted in (one.hint or "") for one in found) == (endpoint is not None)
    return [(one.severity, one.at.line, one.at.column) for one in found]


def test_drift_is_shown_where_the_chain_says_it(chain_of: ChainOf) -> None:
    """The caret stands at the argument that will not be taken, else at the Space."""
    chain = chain_of(CHAIN)
    renamed = today(replace(PROMPT, name="text_prompt"), replace(STYLE, choices=("photo",)), STEPS)

    assert problems(chain, renamed) == [("error", 6, 12), ("warning", 6, 24), ("warning", 4, 12)]
    assert problems(chain, None) == [("error", 5, 15), ("warning", 4, 12)]


def test_many_notes_stay_one_line(chain_of: ChainOf) -> None:
    """An app that grew by thirty switches is one piece of news."""
    chain = chain_of(CHAIN)
    more = [Parameter(f"switch_{at}", Kind.BOOLEAN, required=False) for at in range(30)]
    changes = drift(LOCKED, today(*GENERATE.parameters, *more), OLD)

    found = [*drift_problems(chain, chain.steps["clip"], changes)]

    assert len(found) == 1
    assert found[0].message.endswith("`switch_4` (boolean); and 25 more")


def test_frozen_makes_all_drift_an_error(chain_of: ChainOf) -> None:
    """Frozen means that nothing at all has changed."""
    chain = chain_of(CHAIN)

    assert problems(chain, GENERATE) == [("warning", 4, 12)]
    assert problems(chain, GENERATE, frozen=True) == [("error", 4, 12)]


def test_a_find_step_shows_drift_at_its_words(chain_of: ChainOf) -> None:
    """It names no Space that a caret could point to."""
    chain = chain_of(
        "steps:\n  clip: {find: make a film, with: {prompt: hi}}\noutputs: {film: $clip.video}\n"
    )

    assert problems(chain, GENERATE) == [("warning", 2, 16)]


def test_an_app_with_thousands_of_names_is_compared_in_good_time() -> None:
    """An app decides how much it describes, and a check must not stand still for it."""
    before, now = (
        Endpoint(
            "/x",
            (PROMPT, *(Parameter(f"{word}_{at}", Kind.TEXT) for at in range(3000))),
            tuple(Return(f"{word}_{at}", Kind.TEXT) for at in range(1000)),
        )
        for word in ("one", "two")
    )

    changes = drift(LockedStep.of("o/a", before), now, None)

    assert len(changes) == 2 * 3000 + 2 * 1000


# whatever an app says of itself

plain: st.SearchStrategy[Json] = st.sampled_from(
    [None, True, 1, 1.0, 0, "a", "\x1b[2J", [1, "b"], {"path": "x"}]
)
names = st.sampled_from(
    ["prompt", "text_prompt", "prompt_2", "a", "b", "image", "images", "\x1b]0;x", "outputs"]
)
kinds = st.sampled_from([Kind.TEXT, Kind.CHOICE, Kind.NUMBER, Kind.IMAGE, Kind.GALLERY, Kind.ANY])
bounds = st.sampled_from([None, 0, 1, 1.0, 2.5])
choices = st.sampled_from([None, (), ("a", "b"), ("a", 1), ("a", True), ("b", "a")])
parameters = st.builds(
    Parameter,
    names,
    kinds,
    names,
    st.booleans(),
    plain,
    choices,
    st.booleans(),
    bounds,
    bounds,
    st.booleans(),
)
returns = st.builds(Return, names, kinds, names, st.booleans())
endpoints = st.builds(
    Endpoint,
    st.just("/x"),
    st.lists(parameters, max_size=4, unique_by=lambda one: one.name).map(tuple),
    st.lists(returns, max_size=3, unique_by=lambda one: one.name).map(tuple),
)
arguments = st.one_of(st.none(), st.frozensets(names, max_size=4))
quick = settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@st.composite
def locked_steps(draw: st.DrawFn) -> LockedStep:
    """Locked steps, some of which the chain knows by other names."""
    endpoint = draw(endpoints)
    own = [one.name for one in endpoint.parameters]
    bound = draw(st.lists(st.sampled_from(own), unique=True)) if own else []
    written = draw(st.lists(names, min_size=len(bound), max_size=len(bound), unique=True))
    pairs = {name: one for name, one in zip(written, bound, strict=True) if name != one}
    return replace(LockedStep.of("o/a", endpoint, draw(st.sampled_from([None, OLD]))), binding=pairs)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[LockedStep, Endpoint]:
    """A locked step and what became of it: mostly the same, here and there something else."""
    locked = draw(locked_steps())
    now: dict[str, Parameter] = {}
    for one in locked.parameters:
        what = draw(st.sampled_from(["kept", "kept", "renamed", "renamed", "altered", "gone"]))
        if what == "altered":
            now[one.name] = replace(draw(parameters), name=one.name)
        elif what != "gone":
            name = one.name if what == "kept" else draw(names)
            now.setdefault(name, replace(one, name=name))
    if draw(st.integers(0, 3)) == 0:
        new = draw(parameters)
        now.setdefault(new.name, new)
    same = draw(st.booleans())
    given_now = locked.returns if same else draw(endpoints).returns
    return locked, Endpoint("/x", tuple(now.values()), given_now)


@quick
@given(pairs(), arguments, arguments)
def test_no_change_goes_unsaid_and_none_is_made_up(
    pair: tuple[LockedStep, Endpoint], used: Collection[str] | None, read: Collection[str] | None
) -> None:
    """The fingerprint is part of what results are kept under, so its change must have words."""
    locked, endpoint = pair

    changes = drift(locked, endpoint, locked.revision, used=used, read=read)

    assert bool(changes) == (endpoint.fingerprint != locked.fingerprint)


@quick
@given(pairs(), arguments)
def test_what_was_mended_is_whole(pair: tuple[LockedStep, Endpoint], used: Collection[str] | None) -> None:
    """A mended step has not drifted, and every name that the chain writes is one of its parameters."""
    locked, endpoint = pair
    mended = repaired(locked, endpoint, drift(locked, endpoint, NEW, used=used, read=()))
    if mended is None:
        return
    before = {one.name for one in as_written(locked.signature, locked.binding).parameters}
    after = {one.name for one in as_written(endpoint, mended.binding).parameters}

    assert drift(mended, endpoint, mended.revision, used=used, read=()) == ()
    assert before & set(before if used is None else used) <= after
    assert len(set(mended.binding.values())) == len(mended.binding)


@quick
@given(pairs(), st.integers(0, 3), arguments, arguments)
def test_a_strangers_words_cannot_steer_a_terminal(
    pair: tuple[LockedStep, Endpoint], gone: int, used: Collection[str] | None, read: Collection[str] | None
) -> None:
    """A diff is shown before the new signature is trusted, a line a change."""
    locked, endpoint = pair
    changes = drift(locked, endpoint if gone else None, NEW, used=used, read=read, offered=[endpoint])
    text = readable(changes)

    assert all(re.match(r"[-+~] \S", line) for line in text.split("\n") if line)
    assert all(one.isprintable() for one in text.replace("\n", ""))
    assert all(_is_clean(one) for one in changes)


def _is_clean(change: Change) -> bool:
    return (change.message + (change.hint or "")).isprintable()
