"""What goes where: by name, by meaning, by kind where only one fits both ways, and never by a guess."""

import pytest
from described import Shape, info
from hypothesis import given
from hypothesis import strategies as st

from spaces_registry import Endpoint, Kind, Parameter, Return, read_space
from spaces_registry.fitting.matching import AmbiguousBinding, By, Gives, Match, Supply, gives_kind, match
from spaces_registry.fitting.synonyms import meaning


def matched(shape: Shape, *supplies: Supply, gives: tuple[Kind, ...] = ()) -> Match:
    """A match with the endpoint of this shape."""
    config = {"version": "6.31.0", "components": [], "dependencies": []}
    [endpoint] = read_space("acme/app", "http://app", config, info({"/go": shape})).endpoints
    return match(endpoint, supplies, gives)


IMAGE, TEXT = Supply("image", Kind.IMAGE), Supply("text", Kind.TEXT)


@pytest.mark.parametrize(
    ("takes", "supplies", "binding", "by"),
    [
        ({"image": "image", "first_frame": "image?"}, [IMAGE], {"image": "image"}, By.NAME),
        ({"first_frame": "image", "last_frame": "image?"}, [IMAGE], {"image": "first_frame"}, By.SYNONYM),
        ({"caption": "text", "negative_prompt": "text?"}, [TEXT], {"text": "caption"}, By.SYNONYM),
        ({"audio_in": "audio"}, [Supply("sound", Kind.AUDIO)], {"sound": "audio_in"}, By.SYNONYM),
        ({"seconds": "number"}, [Supply("duration", Kind.INTEGER)], {"duration": "seconds"}, By.SYNONYM),
        ({"portrait": "image", "words": "text"}, [Supply("face", Kind.IMAGE)], {"face": "portrait"}, By.KIND),
        ({"bust": "image", "extra": "image?"}, [Supply("face", Kind.IMAGE)], {"face": "bust"}, By.KIND),
        ({"anything": "file"}, [Supply("face", Kind.IMAGE)], {"face": "anything"}, By.KIND),
        ({"voices": "audio", "scene": "video"}, [Supply("x", Kind.VIDEO)], {"x": "scene"}, By.KIND),
        ({"shots": "gallery"}, [Supply("stills", Kind.IMAGE, many=True)], {"stills": "shots"}, By.KIND),
    ],
)  # fmt: skip
def test_a_value_goes_where_it_is_meant(
    takes: dict[str, str], supplies: list[Supply], binding: dict[str, str], by: By
) -> None:
    """The surest reason wins: its own name, a name that means the same, the only place there is."""
    found = matched((takes, {}), *supplies)

    assert found.binding == binding
    assert found.bound[0].by is by
    assert not found.ambiguous


@pytest.mark.parametrize(
    ("takes", "supplies", "choices"),
    [
        ({"person": "image", "garment": "image"}, [IMAGE], ("person", "garment")),
        ({"source_image": "image", "input_image": "image"}, [IMAGE], ("source_image", "input_image")),
        ({"person": "image"}, [Supply("a", Kind.IMAGE), Supply("b", Kind.IMAGE)], ("person",)),
        ({"prompt": "text"}, [Supply("text", Kind.TEXT), Supply("caption", Kind.TEXT)], ("prompt",)),
        ({"a": "text", "b": "text"}, [Supply("narration", Kind.TEXT)], ("a", "b")),
    ],
)
def test_what_could_go_to_several_places_is_said_and_not_guessed(
    takes: dict[str, str], supplies: list[Supply], choices: tuple[str, ...]
) -> None:
    """A garment in a person's place costs GPU time and looks like a result."""
    found = matched((takes, {}), *supplies)

    assert found.binding == {}
    assert found.ambiguous[0].parameters == choices
    with pytest.raises(AmbiguousBinding, match=choices[0]) as refused:
        found.refuse_ambiguous()
    assert all(name in refused.value.message for name in choices)
    assert "name of the parameter" in (refused.value.hint or "")


@pytest.mark.parametrize(
    ("takes", "supply"),
    [
        ({"prompt": "text", "negative_prompt": "text?"}, Supply("negative_prompt", Kind.IMAGE)),
        ({"negative_prompt": "text"}, Supply("prompt", Kind.TEXT)),
        ({"prompt": "text"}, Supply("negative_prompt", Kind.TEXT)),
        ({"mask": "image"}, IMAGE),
        ({"steps": "number"}, Supply("seconds", Kind.NUMBER)),
        ({"guidance": "number"}, TEXT),
        ({"picture": "image"}, Supply("pictures", Kind.IMAGE, many=True)),
        ({"note": "text?", "remark": "text?"}, Supply("narration", Kind.TEXT)),
    ],
)
def test_what_means_something_else_is_never_bound(takes: dict[str, str], supply: Supply) -> None:
    """Seconds are no steps, and a prompt is not its own contrary, though the kinds would fit."""
    found = matched((takes, {}), supply)

    assert found.binding == {}
    assert found.unused == (supply,)


def test_required_parameters_that_nothing_goes_to_are_told() -> None:
    """A call without them would be refused by the app."""
    found = matched(({"first_frame": "image", "prompt": "text", "seed": "number?"}, {"clip": "video"}), IMAGE)

    assert [one.name for one in found.unbound] == ["prompt"]
    assert not found.is_complete


def test_a_complete_match_says_so() -> None:
    """What a chain may run without asking anybody."""
    shape = ({"first_frame": "image", "prompt": "text"}, {"clip": "video"})

    assert matched(shape, IMAGE, TEXT, gives=(Kind.VIDEO,)).is_complete
    assert matched(shape, IMAGE, TEXT, gives=(Kind.AUDIO,)).lacking == (Kind.AUDIO,)


def test_labels_help_where_the_app_gives_no_names() -> None:
    """Gradio calls a nameless function's arguments `param_0`; people read the label."""
    parameters = (
        Parameter("param_0", Kind.IMAGE, label="Last frame"),
        Parameter("param_1", Kind.IMAGE, label="Input image"),
    )

    assert match(Endpoint("/go", parameters), [IMAGE]).binding == {"image": "param_1"}


@pytest.mark.parametrize(
    ("returns", "wanted", "given"),
    [
        ([Return("a", Kind.GALLERY)], Kind.IMAGE, Gives.SURELY),
        ([Return("a", Kind.GALLERY)], Kind.VIDEO, Gives.MAYBE),
        ([Return("a", Kind.FILE)], Kind.AUDIO, Gives.MAYBE),
        ([Return("a", Kind.VIDEO)], Kind.FILE, Gives.SURELY),
        ([Return("a", Kind.CHOICE)], Kind.TEXT, Gives.SURELY),
        ([Return("a", Kind.TEXT)], Kind.IMAGE, Gives.NO),
        ([], Kind.ANY, Gives.NO),
    ],
)
def test_whether_a_kind_can_be_had(returns: list[Return], wanted: Kind, given: Gives) -> None:
    """A gallery is pictures; a file may turn out to be anything, which is less than sure."""
    assert gives_kind(returns, wanted) is given


NAMES = st.sampled_from(["image", "prompt", "text", "seed", "mask", "first_frame", "foo", "bar", "seconds"])
SUPPLIES = st.lists(
    st.builds(Supply, NAMES, st.sampled_from(Kind), st.booleans()), unique_by=lambda one: one.name
)
PARAMETERS = st.lists(
    st.builds(Parameter, NAMES, st.sampled_from(Kind), required=st.booleans()), unique_by=lambda one: one.name
)


@given(SUPPLIES, PARAMETERS)
def test_no_value_goes_to_two_places_and_no_place_gets_two(
    supplies: list[Supply], parameters: list[Parameter]
) -> None:
    """Whatever the names and kinds are, every value and every required parameter is accounted for once."""
    found = match(Endpoint("/go", tuple(parameters)), supplies)
    again = match(Endpoint("/go", tuple(parameters)), supplies)
    asked = [one for several in found.ambiguous for one in several.supplies]

    assert found == again
    assert len({one.parameter.name for one in found.bound}) == len(found.bound)
    assert sorted(
        [*(one.supply.name for one in found.bound), *(one.name for one in (*asked, *found.unused))]
    ) == (sorted(one.name for one in supplies))


def test_names_are_known_in_any_spelling_and_with_what_apps_add() -> None:
    """Apps write `Input-Image`, `uploaded_video`, `audio_path`."""
    assert meaning("Input-Image") == "image"
    assert meaning("uploaded_video") == "video"
    assert meaning("the_unheard_of") is None
