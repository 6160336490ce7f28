"""ComfyUI: whatever a saved workflow makes is given, or what to add is said; nothing is sent there twice."""

import io
import json

import anyio
import pytest
from PIL import Image
from services.vendors.comfyui import WORKFLOW, ComfyUi
from services.vendors.media import film

from chains.loader import loads
from chains.problems import InvalidChain
from pipelines import run_chain, run_chain_async
from pipelines.running.preflight import static_problems

FLOW = {"with": {"workflow": "workflow.json"}}
COLOURS = {"2": 0xFF0000, "9": 0x00FF00, "10": 0x0000FF}  # by node
PATIENT = {"attempts": 3, "wait": "1ms"}
SIDES = {"width": 8, "height": 8}


def saving(kind: str, number: str = "2") -> dict[str, object]:
    """A node that shows a picture of no model's."""
    return {
        "1": {"class_type": "EmptyImage", "inputs": {**SIDES, "color": 255}},
        number: {"class_type": kind, "inputs": {"images": ["1", 0]}},
    }


SAYING = {
    "14": {"class_type": "PreviewAny", "inputs": {"source": ["15", 0]}},
    "15": {"class_type": "PrimitiveString", "inputs": {"value": "a red fox"}},
}


@pytest.fixture
def comfyui(ask, vendors, tmp_path):
    """Run a workflow of its own; the vendor is at `comfyui.vendor`."""

    def run(workflow, gives="images", **step):
        path = tmp_path / "flow.json"
        path.write_text(json.dumps(workflow))
        given = {"workflow": "flow.json", **step.pop("given", {})}
        return ask("comfyui", gives, retry=PATIENT, **{"with": given, **step})

    run.vendor = vendors.get(ComfyUi)
    return run


def colour(data: bytes) -> int:
    """The colour of a picture's corner."""
    with Image.open(io.BytesIO(data)) as image:
        return int.from_bytes(image.convert("RGB").getpixel((0, 0)))


def test_pictures_are_in_the_order_of_the_nodes_ids(comfyui):
    """The server works on them in an order of its own, another one after each start."""
    nodes = {}
    for number, told in COLOURS.items():
        inputs = {**SIDES, "color": told}
        nodes[f"1{number}"] = {"class_type": "EmptyImage", "inputs": inputs}
        nodes[number] = {"class_type": "SaveImage", "inputs": {"images": [f"1{number}", 0]}}

    made = comfyui({one: nodes[one] for one in sorted(nodes, reverse=True)})

    assert [colour(one) for one in made.files] == [*COLOURS.values()]


def test_a_preview_is_a_picture_where_nothing_is_saved(comfyui):
    """Whoever builds a workflow looks at previews, and saves only at the end."""
    assert len(comfyui(saving("PreviewImage")).files) == 1


def test_a_preview_is_left_out_where_something_is_saved(comfyui):
    """It is there for the eye, and not what the workflow makes."""
    both = {**saving("SaveImage"), **saving("PreviewImage", "3")}

    comfyui(both)

    assert [one.query for one in comfyui.vendor.asked if one.path == "/view"] == [
        "filename=ComfyUI_00001_.png&subfolder=&type=output"
    ]


def test_the_text_that_a_workflow_shows_is_given(comfyui):
    """Captioners and language models run there, too."""
    run = comfyui(SAYING, "texts", endpoint="text").run

    assert [one.value for one in run.outputs["made"]] == ["a red fox"]


def test_text_beside_pictures_is_given_with_them(comfyui):
    """A caption belongs to its picture; to run the workflow once more for it would cost as much again."""
    run = comfyui({**saving("SaveImage"), **SAYING}, "texts").run

    assert [one.value for one in run.outputs["made"]] == ["a red fox"]


def test_a_film_is_given_as_a_file(comfyui):
    """Films stand among the pictures in its answer."""
    assert comfyui(saving("SaveVideo"), "files", endpoint="files").files == [film()]


NOT_ASKED_FOR = [
    ("workflow", saving("SaveVideo"), "made ComfyUI_00001_.mp4", "`endpoint: files`"),
    ("workflow", SAYING, "made text: a red fox", "`endpoint: text`"),
    ("files", SAYING, "made text: a red fox", "`endpoint: text`"),
    ("text", saving("SaveImage"), "made ComfyUI_00001_.png", "`endpoint: workflow`"),
]


@pytest.mark.parametrize(
    ("endpoint", "workflow", "words", "hint"), NOT_ASKED_FOR, ids=["film", "text", "no file", "no text"]
)
def test_what_a_workflow_makes_beside_the_endpoint_is_told_and_not_made_twice(
    comfyui, endpoint, workflow, words, hint
):
    """It is whole and has cost its time; only how to ask for it was wrong."""
    gives = {"workflow": "images", "files": "files", "text": "texts"}[endpoint]

    error = comfyui(workflow, gives, endpoint=endpoint).error

    assert (error["code"], comfyui.vendor.creates) == ("rejected-input", 1)
    assert words in error["message"]
    assert hint in error["hint"]


def test_pictures_that_it_kept_from_before_are_given_again(comfyui):
    """It skips every node of a workflow that it has just done."""
    first, second = comfyui(saving("SaveImage")), comfyui(saving("SaveImage"))

    assert first.files == second.files
    assert json.loads(comfyui.vendor.asked[0].body)["client_id"]


def test_a_workflow_with_nothing_new_to_do_says_so(comfyui, home):
    """A service file that names no client is told nothing of what was kept."""
    own = home / "services" / "comfyui.yaml"
    own.write_text(own.read_text().replace(", client_id: spacechain", ""))
    comfyui(saving("SaveImage"))

    error = comfyui(saving("SaveImage")).error

    assert (error["code"], comfyui.vendor.creates) == ("rejected-input", 2)
    assert "had nothing new to do" in error["message"]
    assert "change the seed" in error["hint"]


@pytest.mark.parametrize(
    ("how", "words"),
    [("interrupted", "was canceled there: interrupted at node 3 (KSampler)"), ("lost", "does not know job")],
)
def test_a_job_that_ended_there_is_told_and_not_sent_again(ask, vendors, how, words):
    """Who interrupts a job at its page does not want it to begin again by itself."""
    vendor = vendors.get(ComfyUi)
    vendor.fail(how)

    error = ask("comfyui", retry=PATIENT, **FLOW).error

    assert (error["code"], vendor.creates) == ("missing", 1)
    assert words in error["message"]


def test_a_queue_that_was_cleared_is_told_at_once(recipe, vendors, tmp_path):
    """What waited there is gone, and nobody would say so for half an hour."""
    vendor = vendors.get(ComfyUi)
    vendor.fail("never", "never")
    path = recipe("comfyui", each=["a", "b"], **{"with": {"workflow": "workflow.json", "6.text": "$item"}})
    chain = loads(path.read_text(), file=path.name, folder=tmp_path)
    runs = []

    async def cleared() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            await anyio.to_thread.run_sync(vendor.held.wait, 2)
            vendor.wipe()

    async def run() -> None:
        runs.append(await run_chain_async(chain, out=tmp_path / "outputs"))

    anyio.run(cleared)

    assert runs[0].to_json()["steps"]["made"]["error"]["code"] == "missing"


def test_a_mistake_in_a_workflow_names_its_nodes(comfyui):
    """A workflow has forty nodes, and five of the same class."""
    flow = {**WORKFLOW, "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "none.ckpt"}}}
    flow["3"] = {**WORKFLOW["3"], "inputs": {**WORKFLOW["3"]["inputs"], "seed": "soon"}}

    said = comfyui(flow).error["said"]

    assert said.startswith("node 3 (KSampler): Failed to convert an input value to a INT value: seed, soon")
    assert "; node 4 (CheckpointLoaderSimple): Value not in list: ckpt_name: 'none.ckpt' not in" in said


def test_a_workflow_of_which_it_leaves_out_a_part_is_refused_and_ended(comfyui):
    """It would work on the rest, and `images[0]` would be another picture than the one that was meant."""
    part = {**saving("SaveImage", "20"), "21": {"class_type": "LoadImage", "inputs": {"image": "none.png"}}}
    part["22"] = {"class_type": "SaveImage", "inputs": {"images": ["21", 0]}}

    error = comfyui(part).error

    assert error["code"] == "rejected-input"
    assert error["said"].startswith("node 21 (LoadImage): Custom validation failed for node: image")
    assert comfyui.vendor.open_jobs == []


def test_a_workflow_without_an_output_says_what_to_add(comfyui):
    """The server's own words do not say which nodes are outputs."""
    error = comfyui({"1": {"class_type": "EmptyImage", "inputs": {**SIDES, "color": 0}}}).error

    assert error["said"] == "Prompt has no outputs"
    assert "Save Image" in error["hint"]


UNTITLED = {number: {**node, "_meta": {}} for number, node in WORKFLOW.items()}
MISFITS = [
    (UNTITLED, {"CLIPTextEncode.text": "x"}, "several nodes 'CLIPTextEncode': 6, 7"),
    (UNTITLED, {"66.text": "x"}, "no node '66'"),
    (UNTITLED, {"6.txt": "x"}, "no input 'txt'"),
    (UNTITLED, {"prompt": "x"}, "no place for 'prompt'"),
    (
        {"15": {"class_type": "PrimitiveString", "inputs": {"value": "{{ words }}"}}},
        {},
        "the gap {{ words }}",
    ),
    ({"nodes": [], "links": []}, {}, "saved for ComfyUI's page"),
    ([], {}, "no JSON object of nodes"),
]


@pytest.mark.parametrize(("workflow", "given", "words"), MISFITS, ids=[one[2][:12] for one in MISFITS])
def test_what_a_workflow_has_no_place_for_is_told_before_the_first_call(
    comfyui, tmp_path, workflow, given, words
):
    """The steps before it would be paid for, and then it would come to nothing; `check` says the same."""
    with pytest.raises(InvalidChain) as refused:
        comfyui(workflow, given=given)

    (problem,) = refused.value.problems
    text = (tmp_path / "ask.yaml").read_text()
    assert words in problem.message
    assert (problem,) == static_problems(loads(text, file="ask.yaml", folder=tmp_path))
    assert comfyui.vendor.asked == []


def test_every_misfit_of_a_workflow_is_told_at_its_own_place(comfyui):
    """One mistake a look would be ten looks."""
    with pytest.raises(InvalidChain) as refused:
        comfyui(WORKFLOW, given={"66.text": "x", "Sampler.sead": 7, "6.text": "a fox"})

    places = [(one.at.line, one.message) for one in refused.value.problems]
    assert len({line for line, _ in places}) == len(places) == 2


def test_a_workflow_that_is_handed_in_is_held_against_the_arguments_too(vendors, tmp_path):
    """It is not known before; a prompt that goes nowhere would give a picture of something else."""
    flow = tmp_path / "flow.json"
    flow.write_text(json.dumps(WORKFLOW))
    chain = loads(
        """
        inputs: {flow: {kind: file}}
        steps: {made: {service: comfyui, with: {workflow: $inputs.flow, prompt: a fox}}}
        outputs: {made: $made.images}
        """,
        folder=tmp_path,
    )

    run = run_chain(chain, {"flow": flow}, out=tmp_path / "outputs")

    assert run.to_json()["steps"]["made"]["error"]["code"] == "rejected-input"
    assert vendors.get(ComfyUi).asked == []
