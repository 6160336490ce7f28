"""ComfyUI: a workflow in, its pictures in the history once it is done.

Compared with ComfyUI 0.3.64 over workflows of its own nodes. What it says of nodes that are kept from before
(nothing, unless the request names a client) is that of later versions.
"""

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image
from services.vendors.media import encoded, film, picture, repainted
from services.vendors.vendor import Part, Vendor, read_form, read_json
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

CHECKPOINTS = ["v1-5-pruned-emaonly.safetensors", "sd_xl_base_1.0.safetensors"]
OUTPUTS = {"SaveImage", "PreviewImage", "SaveVideo", "PreviewAny"}

WORKFLOW: Mapping[str, Any] = {
    "3": {
        "class_type": "KSampler",
        "_meta": {"title": "Sampler"},
        "inputs": {
            "seed": 42,
            "steps": 20,
            "cfg": 8,
            "sampler_name": "euler",
            "scheduler": "normal",
            "denoise": 1,
            "model": ["4", 0],
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": ["5", 0],
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": CHECKPOINTS[0]}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 1024, "height": 1024, "batch_size": 1}},
    "6": {
        "class_type": "CLIPTextEncode",
        "_meta": {"title": "Positive"},
        "inputs": {"text": "a bottle", "clip": ["4", 1]},
    },
    "7": {
        "class_type": "CLIPTextEncode",
        "_meta": {"title": "Negative"},
        "inputs": {"text": "watermark", "clip": ["4", 1]},
    },
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "ComfyUI", "images": ["8", 0]}},
}
"""The default workflow of its page, saved with `Export (API)`."""

IMAGE_WORKFLOW: Mapping[str, Any] = {
    **{number: node for number, node in WORKFLOW.items() if number != "5"},
    "3": {**WORKFLOW["3"], "inputs": {**WORKFLOW["3"]["inputs"], "latent_image": ["11", 0]}},
    "10": {"class_type": "LoadImage", "_meta": {"title": "Load Image"}, "inputs": {"image": "example.png"}},
    "11": {"class_type": "VAEEncode", "inputs": {"pixels": ["10", 0], "vae": ["4", 2]}},
}
"""The same from a picture."""


@dataclass(slots=True)
class Job:
    """One workflow in the queue; every look at it takes it one stage further."""

    number: int
    workflow: Mapping[str, Any]
    failure: str
    client: str | None = None
    left_out: frozenset[str] = frozenset()
    looks: int = 0
    outputs: Mapping[str, Any] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    ended: str = ""


def wrong(kind: str, message: str, details: str = "") -> dict[str, Any]:
    """One complaint as its validation writes it."""
    return {"type": kind, "message": message, "details": details, "extra_info": {}}


def reaching(workflow: Mapping[str, Any], number: str) -> set[str]:
    """The nodes that hang on a node, itself included."""
    found = {number}
    while more := {
        other
        for other, node in workflow.items()
        if other not in found
        for value in node["inputs"].values()
        if isinstance(value, list) and value[0] in found
    }:
        found |= more
    return found


class ComfyUi(Vendor):
    """A server of one's own; every path is there below `/api` too."""

    name = "comfyui"

    def __init__(self, house) -> None:
        super().__init__(house)
        self.jobs: dict[str, Job] = {}
        self.inputs: dict[str, bytes] = {}
        self.made: dict[str, bytes] = {}
        self.kept: dict[str, Mapping[str, Any]] = {}
        self._numbers = itertools.count()

    def routes(self) -> list[Route]:
        """Its own paths."""
        paths = (
            ("/prompt", self.prompt, "POST"),
            ("/history/{id}", self.history, "GET"),
            ("/view", self.view, "GET"),
            ("/queue", self.queue, "GET"),
            ("/queue", self.unqueue, "POST"),
            ("/interrupt", self.interrupt, "POST"),
            ("/upload/image", self.upload, "POST"),
        )
        return [self.route(f"{at}{path}", do, method) for at in ("", "/api") for path, do, method in paths]

    def refused(self, request: Request) -> Response | None:
        """It asks nobody for a key."""
        del request

    async def prompt(self, request: Request) -> Response:
        """Accept a workflow."""
        failure = self.failing()
        given = await read_json(request)
        if "prompt" not in given:
            return JSONResponse({"error": "no prompt", "node_errors": []}, 400)
        workflow = given["prompt"]
        for number, node in workflow.items():
            if not isinstance(node, dict) or "class_type" not in node:
                said = "Cannot execute because a node is missing the class_type property."
                found = wrong("invalid_prompt", said, f"Node ID '#{number}'")
                return JSONResponse({"error": found, "node_errors": {}}, 400)
        if not any(node["class_type"] in OUTPUTS for node in workflow.values()):
            found = wrong("prompt_no_outputs", "Prompt has no outputs")
            return JSONResponse({"error": found, "node_errors": {}}, 400)
        errors = dict(self.node_errors(workflow))
        bad = {one for found in errors.values() for one in found["dependent_outputs"]}
        if errors and all(
            number in bad for number, node in workflow.items() if node["class_type"] in OUTPUTS
        ):
            listed = "\n".join(
                f"{one['message']}: {one['details']}" for e in errors.values() for one in e["errors"]
            )
            found = wrong("prompt_outputs_failed_validation", "Prompt outputs failed validation", listed)
            return JSONResponse({"error": found, "node_errors": errors}, 400)
        self.creates += 1
        made = Job(next(self._numbers), workflow, failure, given.get("client_id"), frozenset(bad))
        name = f"6f7a3c1e-0000-4000-8000-{made.number:012d}"
        if failure != "lost":  # it dies at once, and starts again with nothing in its queue
            self.jobs[name] = made
        if failure == "never":
            self.held()
        return JSONResponse({"prompt_id": name, "number": made.number, "node_errors": errors})

    def node_errors(self, workflow: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """What is wrong with which node."""
        for number, node in workflow.items():
            kind, inputs, found = node["class_type"], node["inputs"], []
            if kind == "CheckpointLoaderSimple" and inputs.get("ckpt_name") not in CHECKPOINTS:
                details = f"ckpt_name: {inputs.get('ckpt_name')!r} not in {CHECKPOINTS}"
                found.append(wrong("value_not_in_list", "Value not in list", details))
            if kind == "LoadImage" and inputs.get("image") not in self.inputs:
                details = f"image - Invalid image file: {inputs.get('image')}"
                found.append(wrong("custom_validation_failed", "Custom validation failed for node", details))
            if kind == "KSampler" and not isinstance(inputs.get("seed"), int):
                details = f"seed, {inputs.get('seed')}, invalid literal for int()"
                found.append(
                    wrong("invalid_input_type", "Failed to convert an input value to a INT value", details)
                )
            if found:
                outputs = [
                    one for one in reaching(workflow, number) if workflow[one]["class_type"] in OUTPUTS
                ]
                yield number, {"errors": found, "dependent_outputs": outputs, "class_type": kind}

    async def history(self, request: Request) -> Response:
        """What became of a workflow; empty until it is done."""
        name = request.path_params["id"]
        job = self.jobs.get(name)
        if job is None:
            return JSONResponse({})
        job.looks += 1
        if not job.ended and (job.looks < 2 or job.failure == "never"):
            return JSONResponse({})
        if not job.ended:
            job.ended = {"crash": "error", "interrupted": "interrupted"}.get(job.failure, "success")
            if job.ended == "success":
                self.execute(job)
        return JSONResponse({name: self.entry(name, job)})

    def execute(self, job: Job) -> None:
        """Do what a workflow's last nodes do, in an order of its own; what was done before is kept."""
        key = json.dumps(job.workflow, sort_keys=True)
        if key in self.kept:
            job.outputs = self.kept[key] if job.client else {}
            job.kept = tuple(job.workflow)
            return
        last = [number for number, node in job.workflow.items() if node["class_type"] in OUTPUTS]
        shown = {
            number: self.shown(job.workflow, number) for number in sorted(last) if number not in job.left_out
        }
        self.kept[key] = job.outputs = shown

    def shown(self, nodes: Mapping[str, Any], number: str) -> Mapping[str, Any]:
        """What an output node shows."""
        kind, inputs = nodes[number]["class_type"], nodes[number]["inputs"]
        if kind == "PreviewAny":
            return {"text": [nodes[inputs["source"][0]]["inputs"]["value"]]}
        if kind == "SaveVideo":
            return {"images": [self.saved(film(), "video/ComfyUI", "mp4")], "animated": [True]}
        data = encoded(self.image(nodes, inputs["images"][0]))
        return {
            "images": [self.saved(data, "ComfyUI", "png", "temp" if kind == "PreviewImage" else "output")]
        }

    def saved(self, data: bytes, prefix: str, ending: str, folder: str = "output") -> Mapping[str, str]:
        """Keep a file, and say where it is."""
        subfolder, _, stem = prefix.rpartition("/")
        name = f"{stem}_{len(self.made) + 1:05d}_.{ending}"
        self.made[f"{folder}/{name}"] = data
        return {"filename": name, "subfolder": subfolder, "type": folder}

    def image(self, nodes: Mapping[str, Any], number: str) -> Image.Image:
        """The picture that a node makes."""
        node = nodes[number]
        if node["class_type"] == "EmptyImage":
            colour = int(node["inputs"]["color"]).to_bytes(3, "big")
            return Image.new("RGB", (node["inputs"]["width"], node["inputs"]["height"]), tuple(colour))
        sampler = nodes[node["inputs"]["samples"][0]]["inputs"]
        prompt = nodes[sampler["positive"][0]]["inputs"]["text"]
        start = nodes[sampler["latent_image"][0]]
        if start["class_type"] != "VAEEncode":
            return picture(prompt, start["inputs"]["width"], start["inputs"]["height"])
        source = self.inputs[nodes[start["inputs"]["pixels"][0]]["inputs"]["image"]]
        return repainted(source, prompt)

    def entry(self, name: str, job: Job) -> Mapping[str, Any]:
        """A workflow's line in the history."""
        messages: list[Any] = [
            ["execution_start", {"prompt_id": name}],
            ["execution_cached", {"prompt_id": name, "nodes": [*job.kept]}],
        ]
        match job.ended:
            case "success":
                messages.append(["execution_success", {"prompt_id": name}])
            case "interrupted":
                facts = {"prompt_id": name, "node_id": "3", "node_type": "KSampler", "executed": ["4"]}
                messages.append(["execution_interrupted", facts])
            case _:
                facts = {"prompt_id": name, "node_id": "3", "node_type": "KSampler", "executed": ["4", "6"]}
                said = "Allocation on device 0 would exceed allowed memory. (out of memory)"
                facts |= {
                    "exception_message": said,
                    "exception_type": "torch.OutOfMemoryError",
                    "traceback": [],
                }
                messages.append(["execution_error", facts])
        done = job.ended == "success"
        status = {"status_str": "success" if done else "error", "completed": done, "messages": messages}
        prompt = [job.number, name, job.workflow, {}, [*job.outputs]]
        return {"prompt": prompt, "outputs": job.outputs, "status": status}

    async def view(self, request: Request) -> Response:
        """Hand out a picture."""
        asked = request.query_params
        data = self.made.get(f"{asked.get('type', 'output')}/{asked.get('filename', '')}")
        if data is None:
            return Response(status_code=404)
        return Response(data, media_type="video/mp4" if asked["filename"].endswith(".mp4") else "image/png")

    @property
    def open_jobs(self) -> list[str]:
        """What is not done; the first of them runs, the others wait."""
        return [name for name, job in self.jobs.items() if not job.ended]

    async def queue(self, request: Request) -> Response:
        """Say what runs and what waits."""
        del request
        shown = [
            [self.jobs[name].number, name, self.jobs[name].workflow, {}, ["9"]] for name in self.open_jobs
        ]
        return JSONResponse({"queue_running": shown[:1], "queue_pending": shown[1:]})

    async def unqueue(self, request: Request) -> Response:
        """Take workflows that wait out of the queue."""
        given, waiting = await read_json(request), self.open_jobs[1:]
        for name in waiting if given.get("clear") else given.get("delete", ()):
            if name in waiting:
                del self.jobs[name]
                self.cancelled()
        return Response(status_code=200)

    def wipe(self) -> None:
        """Lose every job, as a server does that starts anew."""
        self.jobs.clear()

    async def interrupt(self, request: Request) -> Response:
        """End what runs, if it is the one that is meant."""
        running = self.open_jobs[:1]
        if running and (await read_json(request)).get("prompt_id") in (None, *running):
            self.jobs[running[0]].ended = "interrupted"
            self.cancelled()
        return Response(status_code=200)

    async def upload(self, request: Request) -> Response:
        """Keep a picture for workflows; another one of the same name gets another name."""
        sent = (await read_form(request)).get("image")
        if not isinstance(sent, Part) or not sent.name:
            return Response(status_code=400)
        data, name = sent.data, sent.name
        stem, _, ending = name.rpartition(".")
        for number in itertools.count(1):
            if self.inputs.setdefault(name, data) == data:
                break
            name = f"{stem} ({number}).{ending}"
        self.files.append(data)
        return JSONResponse({"name": name, "subfolder": "", "type": "input"})
