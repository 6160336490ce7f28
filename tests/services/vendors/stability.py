"""Stability's v2beta: forms only, raw bytes or JSON as `Accept` says, moderation in three ways."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.vendors.media import b64, encoded, film, picture, repainted
from services.vendors.vendor import Part, Vendor, read_form
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

FORMATS = {"png", "jpeg", "webp"}
RATIOS = {
    "1:1": (1024, 1024),
    "16:9": (1344, 768),
    "9:16": (768, 1344),
    "3:2": (1216, 832),
    "2:3": (832, 1216),
}
FILTERED = "CONTENT_FILTERED"


@dataclass(slots=True)
class Film:
    """A film under way; every look at it takes it one stage further."""

    failure: str
    looks: int = 0


def error(status: int, name: str, said: str) -> Response:
    """An error as Stability writes it."""
    return JSONResponse({"id": "0b8b1d7f5c4f4a8b", "name": name, "errors": [said]}, status)


class Stability(Vendor):
    """https://api.stability.ai."""

    name = "stability"
    key = "sk-stability-emulated"

    def __init__(self, house) -> None:
        super().__init__(house)
        self.films: dict[str, Film] = {}

    def routes(self) -> list[Route]:
        """Its own paths."""
        return [
            self.route("/v2beta/stable-image/generate/{model}", self.generate),
            self.route("/v2beta/image-to-video", self.start_film),
            self.route("/v2beta/image-to-video/result/{id}", self.film, "GET"),
        ]

    def unauthorized(self, request: Request) -> Response:
        """What it says to a wrong key."""
        del request
        return error(401, "unauthorized", "authorization: invalid or missing header value")

    async def refusal(self, request: Request, failure: str) -> Response | None:
        """What a call is refused with before it is looked at."""
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            return error(400, "bad_request", "content-type: must be multipart/form-data")
        match failure:
            case "429":
                said = (
                    "You have exceeded the rate limit of 150 requests within a 10 second period, "
                    "and have been timed out for 60 seconds."
                )
                return error(429, "rate_limit_exceeded", said)
            case "402":
                said = (
                    "You lack sufficient credits to make this request. Please purchase more credits at "
                    "https://platform.stability.ai/account/credits and try again."
                )
                return error(402, "payment_required", said)
            case "moderated":
                said = "Your request was flagged by our content moderation system, as a result it was denied."
                return error(403, "content_moderation", said)
            case "crash":
                return error(500, "internal_error", "An internal error occurred while the picture was made")
            case "never":
                await self.hold(request)
                return error(500, "internal_error", "nobody hears this")
        return None

    async def generate(self, request: Request) -> Response:
        """Paint a picture, from words or from a picture and words."""
        failure = self.failing()
        if refusal := await self.refusal(request, failure):
            return refusal
        model, form = request.path_params["model"], await read_form(request)
        if model not in ("core", "sd3", "ultra"):
            return error(404, "not_found", "The requested resource was not found")
        prompt = form.get("prompt")
        if not isinstance(prompt, str) or not prompt:
            return error(400, "bad_request", "prompt: is required")
        if str(form.get("output_format", "png")) not in FORMATS:
            return error(400, "bad_request", "output_format: must be one of png, jpeg, webp")
        ratio = str(form.get("aspect_ratio", "1:1"))
        if ratio not in RATIOS:
            return error(400, "bad_request", f"aspect_ratio: must be one of {', '.join(RATIOS)}")
        if form.get("mode") == "image-to-image" or (model != "sd3" and isinstance(form.get("image"), Part)):
            source = self.source(form)
            if source is None or "strength" not in form:
                return error(400, "bad_request", "image, strength: are required for image-to-image")
            image = repainted(source, prompt)
        else:
            image = picture(prompt, *RATIOS[ratio])
        self.creates += 1
        finish = FILTERED if failure == "filtered" else "SUCCESS"
        data = encoded(image, str(form.get("output_format", "png")))
        mime = f"image/{form.get('output_format', 'png')}"
        return self.answer(request, data, mime, finish, "image")

    def source(self, form: Mapping[str, str | Part]) -> bytes | None:
        """The picture that was handed in."""
        sent = form.get("image")
        if not isinstance(sent, Part):
            return None
        self.files.append(sent.data)
        return sent.data

    def answer(self, request: Request, data: bytes, mime: str, finish: str, field: str) -> Response:
        """The media as `Accept` wants them."""
        if request.headers.get("accept") == "application/json":
            return JSONResponse({field: b64(data), "finish_reason": finish, "seed": 33})
        return Response(data, media_type=mime, headers={"finish-reason": finish, "seed": "33"})

    async def start_film(self, request: Request) -> Response:
        """Accept a film."""
        failure = self.failing()
        if refusal := await self.refusal(request, failure if failure != "never" else ""):
            return refusal
        if self.source(await read_form(request)) is None:
            return error(400, "bad_request", "image: is required")
        self.creates += 1
        number = f"a6dc6c6e20acda010fe14d71f180658f{len(self.films):032d}"
        self.films[number] = Film(failure)
        if failure == "never":
            self.held()
        return JSONResponse({"id": number})

    async def film(self, request: Request) -> Response:
        """How far a film is: 202 until it is there."""
        made = self.films.get(request.path_params["id"])
        if made is None:
            return error(404, "not_found", "Result not found")
        made.looks += 1
        if made.looks < 2 or made.failure == "never":
            return JSONResponse({"id": request.path_params["id"], "status": "in-progress"}, 202)
        return self.answer(request, film(), "video/mp4", "SUCCESS", "video")
