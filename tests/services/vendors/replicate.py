"""Replicate: predictions that are asked for again until they are done; files on another host."""

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.vendors.media import encoded, film, from_data_uri, picture, repainted, speech
from services.vendors.vendor import Part, Vendor, read_form, read_json
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

VERSION = "7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc"
TALKERS = {"meta/meta-llama-3-8b-instruct"}
SPEECH = {"jaaari/kokoro-82m", "minimax/speech-02-turbo"}
FILMS = {"minimax/video-01": "first_frame_image", "wan-video/wan-2.2-i2v-fast": "image"}
EDITORS = {
    "black-forest-labs/flux-kontext-dev": "input_image",
    "black-forest-labs/flux-kontext-pro": "input_image",
}
SINGLE = {"black-forest-labs/flux-1.1-pro"}
RIFFS = {"riffusion/riffusion"}  # an object of files
MASKS = {"schananas/grounded_sam"}  # a list of lists of files
RATED = {"andreasjansson/illusion"}  # a list of objects, each with a file and facts about it
LISTS = {"black-forest-labs/flux-schnell", "black-forest-labs/flux-dev"}
SLOW = {"black-forest-labs/flux-dev"}  # longer than a request may wait
MODELS = {*TALKERS, *SPEECH, *FILMS, *EDITORS, *SINGLE, *LISTS, *RIFFS, *MASKS, *RATED}
LOGS = "Using seed: 33\nLoading weights\nRuntimeError: CUDA out of memory. Tried to allocate 2.50 GiB\n"


@dataclass(slots=True)
class Prediction:
    """One prediction; every look at it takes it one stage further."""

    id: str
    model: str
    version: str
    input: Mapping[str, Any]
    failure: str
    stages: list[str] = field(default_factory=lambda: ["starting", "processing"])
    status: str = "starting"
    output: Any = None
    error: str | None = None
    logs: str = ""


def problem(status: int, title: str, detail: str, **more: Any) -> Response:
    """An error as Replicate writes it (RFC 7807)."""
    body = {"title": title, "detail": detail, "status": status, **more}
    return JSONResponse(body, status, media_type="application/problem+json")


class Replicate(Vendor):
    """https://api.replicate.com."""

    name = "replicate"
    key = "r8_emulated_token"

    def __init__(self, house) -> None:
        super().__init__(house)
        self.predictions: dict[str, Prediction] = {}
        self.uploads: dict[str, bytes] = {}
        self._ids = itertools.count(1)

    def routes(self) -> list[Route]:
        """Its own paths."""
        return [
            self.route("/v1/models/{owner}/{model}/predictions", self.create),
            self.route("/v1/predictions", self.create),
            self.route("/v1/predictions/{id}", self.get, "GET"),
            self.route("/v1/predictions/{id}/cancel", self.cancel),
            self.route("/v1/files", self.upload),
            self.route("/v1/models/{owner}/{model}/versions/{id}", self.version, "GET"),
        ]

    def unauthorized(self, request: Request) -> Response:
        """What it says to a wrong key."""
        del request
        return problem(401, "Unauthenticated", "You did not pass a valid authentication token")

    async def create(self, request: Request) -> Response:
        """Accept a prediction."""
        failure = self.failing()
        if refusal := self.refusal(failure):
            return refusal
        body, named = await read_json(request), request.path_params
        if named:
            model = f"{named['owner']}/{named['model']}"
            version = "hidden"
        else:
            version = str(body.get("version") or "")
            model = (
                version.partition(":")[0] if "/" in version else "stability-ai/sdxl" * (version == VERSION)
            )
        if model not in {*MODELS, "stability-ai/sdxl"}:
            missing = "The requested resource could not be found."
            return problem(404, "Not found", missing) if named else self.invalid("version", missing)
        if complaint := self.read(model, body.get("input") or {}):
            return complaint
        self.creates += 1
        made = Prediction(f"p{next(self._ids):024d}", model, version, body["input"], failure)
        self.predictions[made.id] = made
        if failure == "never":
            self.held()
        if failure == "slow":
            await self.dawdle()
        waits = request.headers.get("prefer", "").startswith("wait") and model not in SLOW
        if waits and failure != "never":
            made.stages.clear()
            self.advance(made)
        return JSONResponse(self.shown(made), 201)

    def refusal(self, failure: str) -> Response | None:
        """What a call is refused with before it is looked at."""
        match failure:
            case "429":
                said = "Request was throttled. Your rate limit resets in ~30s."
                return problem(429, "Too many requests", said)
            case "402":
                said = (
                    "You have insufficient credit to run this model. "
                    "Go to https://replicate.com/account/billing#billing to purchase credit."
                )
                return problem(402, "Insufficient credit", said)
            case "503":
                return Response(
                    "<html><title>503 Service Unavailable</title></html>", 503, media_type="text/html"
                )
        return None

    @staticmethod
    def invalid(name: str, what: str) -> Response:
        """What it says to wrong arguments."""
        fields = [{"type": "invalid", "field": name, "description": what}]
        return problem(422, "Input validation failed", f"- {name}: {what}\n", invalid_fields=fields)

    def read(self, model: str, given: Mapping[str, Any]) -> Response | None:
        """Look at the arguments; keep the file among them."""
        wanted = "text" if model in SPEECH else "prompt"
        if not isinstance(given.get(wanted), str):
            return self.invalid("input", f"{wanted} is required")
        if (steps := given.get("num_inference_steps")) is not None and not isinstance(steps, int):
            return self.invalid("input.num_inference_steps", "Invalid type. Expected: integer, given: string")
        name = {**FILMS, **EDITORS}.get(model)
        if name is None:
            return None
        source = str(given.get(name, ""))
        if source in self.uploads:
            self.files.append(self.uploads[source])
            return None
        try:
            self.files.append(from_data_uri(source))
        except ValueError:
            return self.invalid(f"input.{name}", "Does not match format 'uri'")
        return None

    async def get(self, request: Request) -> Response:
        """Show a prediction."""
        made = self.predictions.get(request.path_params["id"])
        if made is None:
            return problem(404, "Not found", "The requested resource could not be found.")
        if self._next and self._next[0].startswith("poll-"):
            return problem(int(self.failing().removeprefix("poll-")), "Hiccup", "Something went wrong")
        self.advance(made)
        return JSONResponse(self.shown(made))

    async def cancel(self, request: Request) -> Response:
        """End a prediction."""
        made = self.predictions[request.path_params["id"]]
        if made.status in ("starting", "processing"):
            made.status = "canceled"
            self.cancelled()
        return JSONResponse(self.shown(made))

    async def upload(self, request: Request) -> Response:
        """Keep a file for a prediction."""
        sent = (await read_form(request)).get("content")
        if not isinstance(sent, Part):
            return problem(400, "Bad request", "Missing content")
        number = f"f{len(self.uploads) + 1}"
        url = f"{self.url}/v1/files/{number}"
        self.uploads[url] = sent.data
        digest = hashlib.sha256(sent.data).hexdigest()
        facts = {
            "id": number,
            "name": sent.name,
            "content_type": sent.mime,
            "size": len(sent.data),
            "etag": digest[:32],
            "checksums": {"sha256": digest},
            "metadata": {},
            "created_at": "2026-11-21T05:12:00.000Z",
            "expires_at": "2026-11-22T05:12:00.000Z",
            "urls": {"get": url},
        }
        return JSONResponse(facts, 201)

    async def version(self, request: Request) -> Response:
        """Show a version of a model: its schema says what it gives."""
        if request.path_params["id"] != VERSION:
            return problem(404, "Not found", "The requested resource could not be found.")
        output = {"type": "array", "items": {"type": "string", "format": "uri"}, "title": "Output"}
        schema = {"components": {"schemas": {"Output": output}}}
        facts = {"id": VERSION, "created_at": "2026-11-21T05:12:00.000Z", "cog_version": "0.9.0"}
        return JSONResponse({**facts, "openapi_schema": schema})

    def advance(self, made: Prediction) -> None:
        """Take a prediction one stage further."""
        if made.status not in ("starting", "processing"):
            return
        if made.failure == "never":
            made.status = "processing"
            made.logs = "  0%|          | 0/28\n"
        elif made.stages:
            made.status = made.stages.pop(0)
        elif made.failure == "crash":
            made.status, made.error, made.logs = (
                "failed",
                "CUDA out of memory. Tried to allocate 2.50 GiB",
                LOGS,
            )
        elif made.failure == "moderated":
            made.status = "failed"
            made.error = "NSFW content detected. Try running it again, or try a different prompt."
        elif made.failure == "flagged":
            made.status = "failed"
            made.error = (
                "The input or output was flagged as sensitive. Please try again with different inputs. (E005)"
            )
        else:
            made.status, made.logs = "succeeded", "Using seed: 33\n"
            made.output = self.output(made)

    def output(self, made: Prediction) -> Any:
        """What a prediction yields: a URL, a list of them, or pieces of text."""
        expired = made.failure == "expired"
        prompt = str(made.input.get("prompt", ""))
        if made.model in TALKERS:
            return ["You said: ", prompt]
        if made.model in SPEECH:
            return self.house.deliver(speech(made.input["text"]), "audio/wav", "output.wav", expired=expired)
        if made.model in FILMS:
            return self.house.deliver(film(), "video/mp4", "output.mp4", expired=expired)
        if made.model in RIFFS:
            return {
                "audio": self.house.deliver(speech(prompt), "audio/wav", "gen.wav", expired=expired),
                "spectrogram": self.picture(prompt),
            }
        if made.model in MASKS:
            return [[self.picture(prompt)], [self.picture("mask")]]
        if made.model in RATED:
            return [{"image": self.picture(prompt), "score": 0.5}, {"image": None, "score": 0.1}]
        if made.model in EDITORS:
            image = repainted(self.files[-1], prompt)
        else:
            image = picture(prompt, made.input.get("width", 1024), made.input.get("height", 1024))
        form = made.input.get("output_format", "webp")
        url = self.house.deliver(encoded(image, form), f"image/{form}", f"out-0.{form}", expired=expired)
        return url if made.model in SINGLE | set(EDITORS) else [url]

    def picture(self, prompt: str) -> str:
        """The address of a picture."""
        return self.house.deliver(encoded(picture(prompt)), "image/png", "out.png")

    def shown(self, made: Prediction) -> Mapping[str, Any]:
        """A prediction as JSON."""
        at = f"{self.url}/v1/predictions/{made.id}"
        ended = made.status in ("succeeded", "failed", "canceled")
        return {
            "id": made.id,
            "model": made.model,
            "version": made.version,
            "input": dict(made.input),
            "output": made.output,
            "error": made.error,
            "logs": made.logs,
            "status": made.status,
            "created_at": "2026-11-21T05:12:00.000Z",
            "metrics": {"predict_time": 0.42, "total_time": 0.9} if ended else {},
            "urls": {
                "get": at,
                "cancel": f"{at}/cancel",
                "stream": f"https://stream.replicate.com/v1/files/{made.id}",
            },
        }
