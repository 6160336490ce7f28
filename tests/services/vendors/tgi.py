"""Text Generation Inference: its own dialect, and OpenAI's beside it."""

import json
from collections.abc import AsyncIterator

from services.vendors.openai import chat_answer, pieces
from services.vendors.vendor import Vendor, read_json
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route


def error(status: int, said: str, kind: str) -> Response:
    """An error as TGI writes it."""
    return JSONResponse({"error": said, "error_type": kind}, status)


class Tgi(Vendor):
    """A server of one's own, without a key unless something stands before it."""

    name = "tgi"

    def __init__(self, house) -> None:
        super().__init__(house)
        self.key = type(self).key

    def routes(self) -> list[Route]:
        """Its own paths."""
        return [
            self.route("/generate", self.generate),
            self.route("/generate_stream", self.generate_stream),
            self.route("/v1/chat/completions", self.chat),
        ]

    def refused(self, request: Request) -> Response | None:
        """The answer to a wrong key where one is wanted."""
        if not self.key or request.headers.get("authorization") == f"Bearer {self.key}":
            return None
        return Response(status_code=401)

    async def refusal(self, request: Request, failure: str) -> Response | None:
        """How a call fails that is to fail."""
        match failure:
            case "429":
                return error(429, "Model is overloaded", "overloaded")
            case "invalid":
                said = (
                    "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4190"
                )
                return error(422, said, "validation")
            case "crash":
                return error(
                    424, "Request failed during generation: Server error: CUDA out of memory", "generation"
                )
            case "incomplete":
                return error(500, "Incomplete generation", "incomplete_generation")
            case "never":
                await self.hold(request)
                return error(500, "nobody hears this", "generation")
        return None

    async def generate(self, request: Request) -> Response:
        """Write on."""
        if refusal := await self.refusal(request, self.failing()):
            return refusal
        given = await read_json(request)
        if "inputs" not in given:
            return Response(
                "Failed to deserialize the JSON body: missing field `inputs`", 422, media_type="text/plain"
            )
        self.creates += 1
        return JSONResponse({"generated_text": f"You said: {given['inputs']}"})

    async def generate_stream(self, request: Request) -> Response:
        """Write on, piece by piece."""
        if refusal := await self.refusal(request, self.failing()):
            return refusal
        whole = f"You said: {(await read_json(request))['inputs']}"
        self.creates += 1
        words = pieces(whole)

        async def events() -> AsyncIterator[str]:
            for n, piece in enumerate(words):
                token = {"id": n, "text": piece, "logprob": -0.1, "special": False}
                last = whole if n == len(words) - 1 else None
                body = {"index": n, "token": token, "generated_text": last, "details": None}
                yield f"data:{json.dumps(body)}\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    async def chat(self, request: Request) -> Response:
        """Talk."""
        if refusal := await self.refusal(request, self.failing()):
            return refusal
        self.creates += 1
        return chat_answer(await read_json(request))
