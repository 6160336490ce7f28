"""Automatic1111 (`--api`) and Wizmodel, which copied its dialect."""

import asyncio
import base64
import binascii
import itertools
import json

from services.vendors.media import b64, encoded, picture, repainted
from services.vendors.vendor import Vendor, read_json
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SAMPLERS = {"Euler a", "Euler", "DPM++ 2M", "LMS"}


def error(status: int, kind: str, detail: str, errors: str = "", **headers: str) -> Response:
    """An error as its exception handler writes it."""
    body = {"error": kind, "detail": detail, "body": "", "errors": errors}
    return JSONResponse(body, status, headers=headers)


class Automatic1111(Vendor):
    """A web UI started with `--api`, perhaps with `--api-auth`."""

    name = "automatic1111"
    key = ""  # `user:password` where it was started with one

    def __init__(self, house) -> None:
        super().__init__(house)
        self.key = type(self).key
        self._interrupted: asyncio.Event | None = None

    def routes(self) -> list[Route]:
        """Its own paths."""
        return [
            self.route("/sdapi/v1/txt2img", self.txt2img),
            self.route("/sdapi/v1/img2img", self.img2img),
            self.route("/sdapi/v1/progress", self.progress, "GET"),
            self.route("/sdapi/v1/interrupt", self.interrupt),
        ]

    def refused(self, request: Request) -> Response | None:
        """The answer to a wrong name or password, or None."""
        given = request.headers.get("authorization")
        if not self.key or given == f"Basic {b64(self.key.encode())}":
            return None
        said = "Incorrect username or password" if given else "Not authenticated"
        return error(401, "HTTPException", said, **{"WWW-Authenticate": "Basic"})

    async def refusal(self, request: Request, failure: str) -> Response | None:
        """How a call fails that is to fail."""
        del request
        match failure:
            case "crash":
                said = "CUDA out of memory. Tried to allocate 512.00 MiB"
                return error(500, "OutOfMemoryError", "", said)
            case "no-api":
                return JSONResponse({"detail": "Not Found"}, 404)
        return None

    async def txt2img(self, request: Request) -> Response:
        """Paint from words."""
        return await self.paint(request, with_picture=False)

    async def img2img(self, request: Request) -> Response:
        """Paint from a picture and words."""
        return await self.paint(request, with_picture=True)

    async def paint(self, request: Request, *, with_picture: bool) -> Response:
        """Paint, and hold the answer until it is interrupted if that was asked for."""
        failure = self.failing()
        if refusal := await self.refusal(request, failure):
            return refusal
        given = await read_json(request)
        for name, kind in (("steps", int), ("width", int), ("height", int), ("prompt", str)):
            if given.get(name) is not None and not isinstance(given[name], kind):
                wrong = {
                    "loc": ["body", name],
                    "msg": f"value is not a valid {kind.__name__}",
                    "type": "type_error",
                }
                return JSONResponse({"detail": [wrong]}, 422)
        if given.get("sampler_name") not in {None, *SAMPLERS}:
            return error(404, "HTTPException", "Sampler not found")
        source = b""
        if with_picture:
            if not given.get("init_images"):
                return error(404, "HTTPException", "Init image not found")
            text = given["init_images"][0]
            try:
                source = base64.b64decode(text.split(",")[-1], validate=True)
            except binascii.Error:
                return error(500, "HTTPException", "Invalid encoded image")
            self.files.append(source)
        self.creates += 1
        if failure == "never":
            self._interrupted = asyncio.Event()
            self.held()
            await self._interrupted.wait()
        prompt = given.get("prompt", "")
        image = (
            repainted(source, prompt).resize((given.get("width", 512), given.get("height", 512)))
            if with_picture
            else picture(prompt, given.get("width", 512), given.get("height", 512))
        )
        count = given.get("batch_size", 1)
        images = [b64(encoded(image)) for _ in range(count)]
        seed = given.get("seed", -1)
        info = {
            "prompt": prompt,
            "seed": 33 if seed == -1 else seed,
            "width": image.width,
            "height": image.height,
        }
        return JSONResponse(
            {"images": images, "parameters": {**given, "init_images": None}, "info": json.dumps(info)}
        )

    async def progress(self, request: Request) -> Response:
        """Say how far it is."""
        del request
        busy = self._interrupted is not None and not self._interrupted.is_set()
        state = {
            "skipped": False,
            "interrupted": False,
            "job": "txt2img" if busy else "",
            "job_count": int(busy),
        }
        done = 0.4 if busy else 0.0
        return JSONResponse(
            {"progress": done, "eta_relative": 3.0 * busy, "state": state, "current_image": None}
        )

    async def interrupt(self, request: Request) -> Response:
        """End what is under way."""
        del request
        if self._interrupted is not None and not self._interrupted.is_set():
            self._interrupted.set()
            self.cancelled()
        return JSONResponse({})


class Wizmodel(Automatic1111):
    """https://api.wizmodel.com: the same dialect with a key, and Replicate's beside it."""

    name = "wizmodel"
    key = "eyJhbGciOiJIUzI1NiJ9.ZW11bGF0ZWQ.c2lnbmF0dXJl"

    def __init__(self, house) -> None:
        super().__init__(house)
        self._ids = itertools.count(1)

    def routes(self) -> list[Route]:
        """Its own paths."""
        return [self.route("/sdapi/v1/txt2img", self.txt2img)]

    def refused(self, request: Request) -> Response | None:
        """The answer to a request with a wrong key, or None if the key is right."""
        if request.headers.get("authorization") == f"Bearer {self.key}":
            return None
        return JSONResponse({"message": "Unauthorized"}, 401)

    async def refusal(self, request: Request, failure: str) -> Response | None:
        """How a call fails that is to fail."""
        match failure:
            case "429":
                return JSONResponse({"message": "Too Many Requests"}, 429, headers={"Retry-After": "5"})
            case "402":
                return JSONResponse({"message": "Payment Required: no credits left"}, 402)
            case "moderated":
                return JSONResponse({"message": "NSFW content is not allowed"}, 400)
            case "never":
                await self.hold(request)
                return JSONResponse({}, 500)
        return await super().refusal(request, failure)
