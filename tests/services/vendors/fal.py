"""fal.ai: a queue that hands out addresses, and whose complete results may be errors."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image
from services.vendors.media import data_uri, encoded, film, from_data_uri, picture, repainted, speech
from services.vendors.vendor import Vendor, read_json
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SIZES = {"square_hd": (1024, 1024), "square": (512, 512), "landscape_4_3": (1024, 768)}
PAINTERS = {"fal-ai/flux/dev", "fal-ai/flux/schnell"}
EDITORS = {"fal-ai/flux/dev/image-to-image"}
FILMS = {"fal-ai/wan-i2v"}
SPEECH = {"fal-ai/kokoro/american-english"}
OTHERS = {
    "fal-ai/sam",
    "fal-ai/trellis",
    "fal-ai/sound",
    "fal-ai/whisper",
    "fal-ai/films",
    "workflows/me/portraits",
}
NAMESPACES = ("workflows", "comfy")
GLB = b"glTF\x02\x00\x00\x00\x14\x00\x00\x00\x00\x00\x00\x00JSON{}  "


@dataclass(slots=True)
class Queued:
    """One request in the queue; every look at its status takes it one stage further."""

    id: str
    model: str
    given: Mapping[str, Any]
    failure: str
    source: bytes = b""
    stages: list[str] = field(default_factory=lambda: ["IN_QUEUE", "IN_PROGRESS"])
    status: str = "IN_QUEUE"

    @property
    def app(self) -> str:
        """The first two parts of the model's name, three with a namespace; the queue knows no more of it."""
        parts = self.model.split("/")
        return "/".join(parts[: 3 if parts[0] in NAMESPACES else 2])


def detail(
    status: int, kind: str, said: str, at: tuple[str, ...] = ("body",), *, again: bool = False
) -> Response:
    """An error as fal.ai writes it."""
    one = {"loc": list(at), "msg": said, "type": kind, "url": f"https://docs.fal.ai/errors/#{kind}"}
    headers = {"X-Fal-Error-Type": kind, "X-Fal-Retryable": "true" if again else "false"}
    return JSONResponse({"detail": [one]}, status, headers=headers)


class Fal(Vendor):
    """https://queue.fal.run and https://fal.run; here the queue is below `/queue`."""

    name = "fal"
    key = "emulated-id:emulated-secret"

    def __init__(self, house) -> None:
        super().__init__(house)
        self.requests: dict[str, Queued] = {}
        self.repeats = ""  # what is said in the next texts beside what was heard
        self._ids = itertools.count(1)

    def routes(self) -> list[Route]:
        """Its own paths."""
        at = "/queue/{app:path}/requests/{id}"
        return [
            self.route(f"{at}/status", self.status, "GET"),
            self.route(f"{at}/cancel", self.cancel, "PUT"),
            self.route(at, self.result, "GET"),
            self.route("/queue/{model:path}", self.submit),
            self.route("/{model:path}", self.run),
        ]

    def refused(self, request: Request) -> Response | None:
        """The answer to a request with a wrong key, or None if the key is right."""
        if request.headers.get("authorization") == f"Key {self.key}":
            return None
        said = (
            f"Cannot access application {request.path_params.get('model', '')!r}. Authentication is required."
        )
        return JSONResponse({"detail": said}, 401, headers={"X-Fal-Error-Type": "authentication_error"})

    async def submit(self, request: Request) -> Response:
        """Accept a request."""
        failure = self.failing()
        if refusal := self.refusal(failure):
            return refusal
        made = await self.accepted(request, failure)
        if isinstance(made, Response):
            return made
        self.requests[made.id] = made
        if failure == "never":
            self.held()
        return JSONResponse({"status": "IN_QUEUE", "queue_position": 1, **self.addresses(made)})

    async def run(self, request: Request) -> Response:
        """Answer at once."""
        failure = self.failing()
        if refusal := self.refusal(failure):
            return refusal
        made = await self.accepted(request, failure)
        return made if isinstance(made, Response) else self.outcome(made)

    def refusal(self, failure: str) -> Response | None:
        """What a call is refused with before it is looked at."""
        match failure:
            case "429":
                body = {"detail": "Too many requests. Please retry in 7 seconds."}
                headers = {"Retry-After": "7", "X-Fal-Error-Type": "rate_limited", "X-Fal-Retryable": "true"}
                return JSONResponse(body, 429, headers=headers)
            case "402":
                said = "User is locked. Reason: Exhausted balance. Top up at fal.ai/dashboard/billing."
                return JSONResponse({"detail": said}, 403)
        return None

    async def accepted(self, request: Request, failure: str) -> Queued | Response:
        """A request whose arguments are right, or what is said of those that are not."""
        model, given = request.path_params["model"], await read_json(request)
        if model not in PAINTERS | EDITORS | FILMS | SPEECH | OTHERS:
            return JSONResponse({"detail": f"Application {model!r} not found"}, 404)
        if not isinstance(given.get("prompt"), str):
            return detail(422, "missing", "Field required", ("body", "prompt"))
        source = b""
        if model in EDITORS | FILMS:
            try:
                source = from_data_uri(str(given.get("image_url", "")))
            except ValueError:
                return detail(422, "file_download_error", "File download error", ("body", "image_url"))
            self.files.append(source)
        self.creates += 1
        return Queued(f"764cabcf-b745-4b3e-ae38-{next(self._ids):012d}", model, given, failure, source)

    def addresses(self, made: Queued) -> Mapping[str, str]:
        """Where a request is asked for."""
        at = f"{self.url}/queue/{made.app}/requests/{made.id}"
        return {
            "request_id": made.id,
            "response_url": at,
            "status_url": f"{at}/status",
            "cancel_url": f"{at}/cancel",
        }

    def found(self, request: Request) -> Queued | None:
        """The request of that address."""
        made = self.requests.get(request.path_params["id"])
        return made if made is not None and made.app == request.path_params["app"] else None

    async def status(self, request: Request) -> Response:
        """Say how far a request is."""
        made = self.found(request)
        if made is None:
            return JSONResponse({"detail": "Request not found"}, 404)
        if made.failure == "never":
            made.status = "IN_PROGRESS"
        elif made.status != "CANCELLED":
            made.status = made.stages.pop(0) if made.stages else "COMPLETED"
        said = [
            {
                "message": "loading the weights",
                "level": "INFO",
                "source": "USER",
                "timestamp": "2026-11-21T05:12:00",
            }
        ]
        if made.failure == "crash":
            said.append({"message": "CUDA error: device-side assert", "level": "ERROR", "source": "USER"})
        logs = said if request.query_params.get("logs") in ("1", "true") else None
        match made.status:
            case "IN_QUEUE":
                body, code = {"queue_position": 0}, 202
            case "IN_PROGRESS":
                body, code = {"logs": logs}, 202
            case _:
                body, code = {"logs": logs, "metrics": {"inference_time": 0.42}}, 200
                if made.failure == "crash":
                    body |= {"error": "Internal server error", "error_type": "internal_server_error"}
        return JSONResponse({"status": made.status, **self.addresses(made), **body}, code)

    async def cancel(self, request: Request) -> Response:
        """End a request."""
        made = self.found(request)
        if made is None:
            return JSONResponse({"status": "NOT_FOUND"}, 404)
        if made.status == "COMPLETED":
            return JSONResponse({"status": "ALREADY_COMPLETED"}, 400)
        made.status = "CANCELLED"
        self.cancelled()
        return JSONResponse({"status": "CANCELLATION_REQUESTED"}, 202)

    async def result(self, request: Request) -> Response:
        """What came of a request."""
        made = self.found(request)
        if made is None:
            return JSONResponse({"detail": "Request not found"}, 404)
        if made.status != "COMPLETED":
            return JSONResponse({"detail": "Request is still in progress"}, 400)
        return self.outcome(made)

    def outcome(self, made: Queued) -> Response:
        """A request's result: media, or an error."""
        match made.failure:
            case "crash":
                return detail(500, "internal_server_error", "Internal server error")
            case "moderated":
                said = (
                    "The content could not be processed: it contained material flagged by a content checker."
                )
                return detail(422, "content_policy_violation", said, ("body", "prompt"))
            case "timeout":
                return detail(504, "generation_timeout", "Generation timeout", again=True)
        prompt, expired = made.given["prompt"], made.failure == "expired"
        if made.model in FILMS:
            url = self.house.deliver(film(), "video/mp4", "output.mp4", expired=expired)
            return JSONResponse({"video": {"url": url, "content_type": "video/mp4"}, "seed": 33})
        if made.model in SPEECH:
            url = self.house.deliver(speech(prompt), "audio/wav", "output.wav", expired=expired)
            return JSONResponse({"audio": {"url": url, "content_type": "audio/wav"}})
        if made.model in OTHERS:
            return JSONResponse(self.other(made.model, prompt))
        size = made.given.get("image_size", "landscape_4_3")
        width, height = SIZES[size] if isinstance(size, str) else (size["width"], size["height"])
        image = repainted(made.source, prompt) if made.model in EDITORS else picture(prompt, width, height)
        count = made.given.get("num_images", 1)
        nsfw = [made.failure in ("blackened", f"blackened-{at}") for at in range(1, count + 1)]
        images = []
        for is_black in nsfw:
            shown = Image.new("RGB", image.size) if is_black else image
            data = encoded(shown)
            url = (
                data_uri(data, "image/png")
                if made.given.get("sync_mode")
                else self.house.deliver(data, "image/png", "x.png", expired=expired)
            )
            images.append({"url": url, "width": width, "height": height, "content_type": "image/png"})
        return JSONResponse(
            {"images": images, "seed": 33, "has_nsfw_concepts": nsfw, "prompt": prompt, "timings": {}}
        )

    def other(self, model: str, prompt: str) -> Mapping[str, Any]:
        """What models give that are no painters: files under names of their own, or no files at all."""

        def file(data: bytes, mime: str, name: str) -> dict[str, Any]:
            url = self.house.deliver(data, mime, name)
            return {"url": url, "content_type": mime, "file_name": name, "file_size": len(data)}

        match model:
            case "fal-ai/sam":
                pictures = [file(encoded(picture(one)), "image/png", "x.png") for one in (prompt, "mask")]
                return {"image": pictures[0], "mask_image": pictures[1]}
            case "fal-ai/trellis":
                return {
                    "model_mesh": file(GLB, "application/octet-stream", "mesh.glb"),
                    "timings": {"a": 1.5},
                }
            case "fal-ai/sound":
                return {"audio_url": self.house.deliver(speech(prompt), "audio/wav", "out.wav")}
            case "workflows/me/portraits":
                return {"output": file(encoded(picture(prompt)), "image/png", "p.png")}
            case "fal-ai/films":
                return {"videos": [file(film(), "video/mp4", "a.mp4")]}
        return {"text": prompt + self.repeats, "chunks": [{"timestamp": [0.0, 1.2], "text": prompt}]}
