"""Spaces wired by kind: what goes where, what is asked, what is refused, and the YAML that comes of it."""

from pathlib import Path

import pytest

from chains.checks import check
from chains.compose.composition import Chosen, Composition, Linked, Question, compose, with_decision
from chains.compose.handed import Given
from chains.compose.wiring import Connection
from chains.compose.written import write
from chains.loader import loads
from spaces_registry.errors import ToolkitError
from spaces_registry.signature import Endpoint, Kind, Parameter, Return

HERE = Path(__file__).parent / "linked"


def takes(text: str) -> tuple[Parameter, ...]:
    """Parameters as `name:kind`; `=` gives a text default, `?` marks an empty one."""
    found = []
    for word in text.split():
        name, _, rest = word.partition(":")
        kind, equals, default = rest.partition("=")
        required = not equals and not kind.endswith("?")
        found.append(Parameter(name, Kind(kind.rstrip("?")), required=required, default=default or None))
    return tuple(found)


def space(name: str, took: str, gave: str, endpoint: str = "/go") -> Linked:
    """A Space of one endpoint."""
    returns = tuple(Return(*[one.partition(":")[0], Kind(one.partition(":")[2])]) for one in gave.split())
    return Linked(name, (Endpoint(endpoint, takes(took), returns),))


PAINT = space("me/paint", "prompt:text seed:integer=1", "generated_images:gallery seed_used:text")
EDIT = space("me/edit", "image:image instruction:text", "image:image")
FILM = space("me/film", "first_frame:image prompt:text last_frame:image?", "generated_video:video")
SPEAK = space("me/speak", "text:text voice_description:text=calm", "speech:audio")
SING = space("me/sing", "text:text=La", "song:audio")
CHAT = space("me/chat", "message:text", "response:text")
HEAR = space("me/hear", "audio:audio", "transcript:text language:text")
LIPS = space("me/lips", "video:video audio:audio", "result:video")
MORPH = space("me/morph", "image_a:image image_b:image", "morphed:video")
SHOW = space("me/show", "pictures:gallery", "film:video")
DESCRIBE = space("me/describe", "image:image", "caption:text")


def given(**inputs: str) -> list[Given]:
    """Inputs of one value each."""
    return [Given(name, (value,)) for name, value in inputs.items()]


def wired(row, inputs, wires=()) -> str:
    """A composition in one line: `step.parameter<source`, in order."""
    made = compose(row, inputs, wires)
    assert isinstance(made, Composition), made
    return " ".join(f"{one.name}.{to}<{of}" for one in made.steps for to, of in one.bound.items())


@pytest.mark.parametrize(
    ("row", "inputs", "expected"),
    [
        pytest.param(
            [PAINT, FILM],
            given(prompt="x"),
            "image.prompt<inputs.prompt clip.first_frame<image.image clip.prompt<inputs.prompt",
            id="unique, and a prompt for everybody who needs one",
        ),
        pytest.param(
            [PAINT, EDIT, FILM],
            given(prompt="x"),
            "image.prompt<inputs.prompt image_2.image<image.image image_2.instruction<inputs.prompt "
            "clip.first_frame<image_2.image clip.prompt<inputs.prompt",
            id="three, each from the nearest before it",
        ),
        pytest.param(
            [PAINT, SHOW],
            given(prompt="x"),
            "image.prompt<inputs.prompt clip.pictures<image.images",
            id="gallery to gallery, whole",
        ),
        pytest.param(
            [PAINT, DESCRIBE],
            given(prompt="x"),
            "image.prompt<inputs.prompt text.image<image.image",
            id="gallery to image, the first",
        ),
        pytest.param(
            [CHAT, SPEAK],
            given(prompt="x"),
            "text.message<inputs.prompt voice.text<text.text",
            id="text to text, before the prompt",
        ),
        pytest.param(
            [CHAT, PAINT, FILM],
            given(message="x", prompt="y"),
            "text.message<inputs.message image.prompt<text.text clip.first_frame<image.image "
            "clip.prompt<inputs.prompt",
            id="text for the next Space, the prompt for those after it",
        ),
        pytest.param(
            [PAINT, SPEAK, FILM, LIPS],
            given(prompt="x", text="y"),
            "image.prompt<inputs.prompt voice.text<inputs.text clip.first_frame<image.image "
            "clip.prompt<inputs.prompt clip_2.video<clip.video clip_2.audio<voice.audio",
            id="a Space may feed one that is not the next",
        ),
        pytest.param(
            [HEAR, CHAT],
            given(audio="a.wav"),
            "text.audio<inputs.audio text_2.message<text.text",
            id="a transcript, not the name of its language",
        ),
        pytest.param(
            [CHAT, SING],
            given(message="x"),
            "text.message<inputs.message audio.text<text.text",
            id="a default gives way where nothing else connects",
        ),
        pytest.param(
            [PAINT, FILM],
            given(scene="x"),
            "image.prompt<inputs.scene clip.first_frame<image.image clip.prompt<inputs.scene",
            id="a name that says nothing is a prompt",
        ),
        pytest.param(
            [EDIT, EDIT],
            given(image="a.png", prompt="x"),
            "image.image<inputs.image image.instruction<inputs.prompt image_2.image<image.image "
            "image_2.instruction<inputs.prompt",
            id="media from before goes before an input of the same name",
        ),
    ],
)
def test_what_goes_where(row, inputs, expected):
    """The whole point: no wire is written where names and kinds tell."""
    assert wired(row, inputs) == expected


def flags(question: Question) -> list[str]:
    """The options that would decide it."""
    return [one.option for one in question.choices]


def test_one_value_for_two_parameters_is_asked():
    """Two images that a film begins and ends with: which is which, nobody can know."""
    asked = compose([PAINT, MORPH], given(prompt="x"))

    assert isinstance(asked, Question)
    assert asked.about == "image.image could go to image_a or image_b of clip"
    assert flags(asked) == ["--wire clip.image_a=image.image", "--wire clip.image_b=image.image"]


def test_two_texts_for_one_parameter_are_asked():
    """A headline and what stands below it: either could be read aloud."""
    asked = compose([space("me/news", "date:text", "headline:text story:text"), SPEAK], given(date="today"))

    assert isinstance(asked, Question)
    assert flags(asked) == ["--wire voice.text=text.text", "--wire voice.text=text.story"]


def test_two_inputs_for_one_parameter_are_asked():
    """Names that say nothing are worth the same."""
    asked = compose([PAINT, FILM], given(scene="x", motion="y"))

    assert isinstance(asked, Question)
    assert asked.about == "input scene or input motion could go to prompt of image"


def test_an_answer_decides_and_clears_what_hung_on_it():
    """Two pictures, two places: after one answer the rest is plain."""
    row, wires = (PAINT, DESCRIBE, PAINT, MORPH), ()
    asked = compose(row, given(prompt="x"))
    assert isinstance(asked, Question)
    row, added = with_decision(row, asked.choices[0].decision)

    assert wired(row, given(prompt="x"), wires + added).endswith(
        "clip.image_a<image_2.image clip.image_b<image.image"
    )


def test_a_parameter_that_is_left_alone_is_not_asked_again():
    """To take none of the choices is an answer."""
    row = [PAINT, space("me/either", "front:image? back:image? prompt:text", "result:video")]
    asked = compose(row, given(prompt="x"))
    assert isinstance(asked, Question)
    left = [Connection("clip.front", "")]

    assert "clip.back<image.image" in wired(row, given(prompt="x"), left)


def test_what_the_user_wired_stands():
    """The last word is the user's, also against names and kinds."""
    wires = [Connection("clip.prompt", "motion"), Connection("last_frame", "$image.image")]
    made = wired(
        [PAINT, FILM],
        given(prompt="x", motion="y", first_frame="a.png"),
        [*wires, Connection("first_frame", "inputs.first_frame")],
    )

    assert made.endswith(
        "clip.first_frame<inputs.first_frame clip.prompt<inputs.motion clip.last_frame<image.image"
    )


def test_of_several_endpoints_the_one_that_fits_is_called():
    """Apps offer much beside what they are for."""
    both = Linked("me/both", (*DESCRIBE.endpoints, *EDIT.endpoints, Endpoint("/reset")))
    several = Linked(
        "me/both",
        tuple(Endpoint(f"/{at}", one.parameters, one.returns) for at, one in enumerate(both.endpoints)),
    )

    made = compose([PAINT, several], given(prompt="x", instruction="y"))

    assert isinstance(made, Composition)
    assert made.steps[1].endpoint.name == "/1"


def twice(*endpoints: Endpoint) -> Linked:
    """A Space with several endpoints."""
    return Linked("me/twice", endpoints)


def test_of_endpoints_that_fit_alike_the_apps_first_is_called_and_said():
    """Variants of one thing are no question; the other one is one option away."""
    one = DESCRIBE.endpoints[0]
    several = twice(*(Endpoint(name, one.parameters, one.returns) for name in ("/long", "/short", "/rude")))

    made = compose([PAINT, several], given(prompt="x"))

    assert isinstance(made, Composition)
    assert made.steps[1].endpoint.name == "/long"
    assert made.chosen == (
        "/long of me/twice is called; /short, /rude fit as well: --endpoint me/twice=/short",
    )


def test_of_endpoints_that_fit_the_one_that_takes_more_of_what_is_given_is_called():
    """Whoever names a setting wants the endpoint that has it."""
    one = DESCRIBE.endpoints[0]
    setting = Parameter("prompt", Kind.TEXT, required=False)
    more = Endpoint("/more", (*one.parameters, setting), one.returns)
    several = twice(Endpoint("/less", one.parameters, one.returns), more)

    made = compose([PAINT, several], given(prompt="x"))

    assert isinstance(made, Composition)
    assert (made.steps[1].endpoint.name, made.chosen) == ("/more", ())


def test_endpoints_that_give_something_else_are_asked():
    """Whether a clip or a description is wanted is not told by a picture."""
    one = DESCRIBE.endpoints[0]
    film = Endpoint("/film", one.parameters, (Return("clip", Kind.VIDEO),))
    several = twice(Endpoint("/words", one.parameters, one.returns), film)
    asked = compose([PAINT, several], given(prompt="x"))

    assert isinstance(asked, Question)
    assert not asked.may_be_none
    assert flags(asked) == ["--endpoint me/twice=/words", "--endpoint me/twice=/film"]
    row, _ = with_decision([PAINT, several], asked.choices[1].decision)
    assert isinstance(asked.choices[1].decision, Chosen)
    assert isinstance(compose(row, given(prompt="x")), Composition)


def test_endpoints_that_take_the_same_in_another_meaning_are_asked():
    """A picture to be described is not one whose style is borrowed."""
    one = DESCRIBE.endpoints[0]
    named = {
        name: Endpoint(f"/{name}", (Parameter(name, Kind.IMAGE),), one.returns)
        for name in ("image", "style_image")
    }

    asked = compose([PAINT, twice(*named.values())], given(prompt="x"))

    assert isinstance(asked, Question)


def test_a_step_without_a_part_stands_for_the_part_that_fits():
    """`--wire first_frame=image` is how people say it: a step that makes pictures is called for them."""
    wires = [Connection("first_frame", "image"), Connection("pictures", "image")]

    assert "clip.first_frame<image.image" in wired([PAINT, FILM], given(prompt="x"), wires[:1])
    assert "clip.pictures<image.images" in wired([PAINT, SHOW], given(prompt="x"), wires[1:])


@pytest.mark.parametrize(
    ("row", "inputs", "wires", "code", "message", "hint"),
    [
        ([PAINT], {}, [], "too-few-spaces", "two Spaces or more", "spacechain call"),
        ([PAINT, FILM], {}, [], "missing-inputs", "me/paint also needs prompt (text)", "give -i prompt=…"),
        (
            [SPEAK, FILM],
            {"text": "x", "prompt": "y", "first_frame": "a.png"},
            [],
            "not-connected",
            "nothing that me/speak gives goes to me/film",
            "it gives speech (audio); me/film takes first_frame (image)",
        ),
        (
            [PAINT, FILM],
            {"prompt": "x", "promt": "y"},
            [],
            "unused-input",
            "'promt'",
            "did you mean 'prompt'?",
        ),
        (
            [PAINT, FILM],
            {"prompt": "x", "image": "a.png"},
            [],
            "unused-input",
            "first_frame of me/film is image.image",
            "--wire clip.first_frame=inputs.image",
        ),
        (
            [PAINT, FILM],
            {"prompt": "x"},
            [("first_fram", "image.image")],
            "unknown-wire",
            "'first_fram'",
            "did you mean 'first_frame'?",
        ),
        (
            [PAINT, FILM],
            {"prompt": "x"},
            [("clap.prompt", "prompt")],
            "unknown-wire",
            "no step 'clap'",
            "did you mean 'clip'?",
        ),
        (
            [PAINT, FILM],
            {"prompt": "x"},
            [("first_frame", "imag.image")],
            "unknown-wire",
            "'imag.image'",
            "did you mean 'image.image'?",
        ),
        (
            [PAINT, FILM],
            {"prompt": "x"},
            [("image.prompt", "clip.video")],
            "unknown-wire",
            "clip runs no earlier",
            None,
        ),
        (
            [PAINT, FILM],
            {"prompt": "x"},
            [("first_frame", "image.imag")],
            "wrong-wire",
            "image gives no 'imag'",
            "did you mean 'image'?",
        ),
        (
            [PAINT, SPEAK, LIPS],
            {"prompt": "x", "text": "y"},
            [("video", "image")],
            "wrong-wire",
            "image gives image, text, and video takes video",
            None,
        ),
        (
            [space("me/pair", "prompt:text", "left:image right:image"), FILM],
            {"prompt": "x"},
            [("first_frame", "image")],
            "wrong-wire",
            "image gives several things that first_frame takes",
            "say which: image.image or image.right",
        ),
        (
            [PAINT, FILM],
            {"prompt": "x"},
            [("clip.prompt", "image.image")],
            "wrong-wire",
            "prompt takes text",
            None,
        ),
        (
            [PAINT, FILM],
            {"prompt": "x", "seed": "many"},
            [],
            "unfit-input",
            "seed must be a whole number",
            None,
        ),
        (
            [HEAR, CHAT],
            {"audio": "a.wav", "prompt": "x"},
            [("message", "prompt")],
            "not-connected",
            "me/hear",
            "transcript (text)",
        ),
    ],
)
def test_what_is_refused_says_what_to_do(row, inputs, wires, code, message, hint):
    """One line, a hint, and nothing called."""
    with pytest.raises(ToolkitError) as refused:
        compose(row, given(**inputs), [Connection(*one) for one in wires])

    assert refused.value.code == code
    assert message in refused.value.message
    assert (hint or "") in (refused.value.hint or "")


WRITTEN = {
    "film": ([PAINT, FILM], [*given(prompt="a lighthouse, at night"), *given(seed="7")]),
    "gallery": ([CHAT, PAINT], given(prompt="$100: no # joke ${{ x }}")),
    "lists": (
        [
            space("me/pile", "pictures:gallery words:json prompt:text", "pictures:gallery other:text"),
            DESCRIBE,
        ],
        [
            Given("pictures", ("https://example.org/a.png", "https://example.org/b.png")),
            Given("words", ('["a", {"b": 1}]',)),
            Given("prompt", ("a very long sentence, " * 8,)),
        ],
    ),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_the_yaml_is_what_a_person_would_write(name):
    """It is kept, read and changed by people; byte for byte."""
    row, inputs = WRITTEN[name]
    made = compose(row, inputs, default_file=str)
    assert isinstance(made, Composition), made
    text = write(made, name)

    assert text == (HERE / f"{name}.yaml").read_text(encoding="utf-8")
    chain = loads(text, folder=HERE)
    assert check(chain, made.endpoints) == ()
    defaults = {one.name: one.default for one in made.inputs}
    assert {one: chain.inputs[one].default for one in defaults} == defaults


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "1:30",
        "010",
        "~",
        "1e5",
        ".nan",
        " x ",
        "a: b",
        "- x",
        "[x]",
        "",
        "a\nb",
        "😀 é",
        "x, y",
        "tab\t",
        "'",
        '"',
        "#",
        "a #b",
        "true",
    ],
)
def test_every_text_comes_back_from_the_yaml(text):
    """YAML's traps are not the user's."""
    made = compose([PAINT, FILM], given(prompt=text))
    assert isinstance(made, Composition)

    assert loads(write(made, "x"), folder=HERE).inputs["prompt"].default == text
