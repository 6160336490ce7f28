"""OpenAI's dialect: pictures, talk (also streamed), speech, and what was said in a recording."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from services.vendors.media import b64, encoded, from_data_uri, picture, repainted, speech
from services.vendors.vendor import Part, Vendor, read_form, read_json
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

GPT_IMAGE = {"gpt-image-1", "gpt-image-1-mini", "gpt-image-1.5"}
DALL_E = {"dall-e-2", "dall-e-3"}


def error(
    status: int, message: str, kind: str, code: str | None, param: str | None = None, **headers: str
) -> Response:
    """An error as OpenAI writes it."""
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return JSONResponse(body, status, headers=headers)


def said_to(messages: list[Mapping[str, Any]]) -> str:
    """What a model answers: its instructions, the words, and how many pictures it was shown."""
    system = "".join(one["content"] + ": " for one in messages if one["role"] == "system")
    content = messages[-1]["content"]
    if isinstance(content, str):
        return f"{system}You said: {content}"
    words = " ".join(part["text"] for part in content if part["type"] == "text")
    pictures = sum(part["type"] == "image_url" for part in content)
    shown = f", with {pictures} picture" if pictures else ""
    return f"{system}You said: {words}{shown}"


def pieces(text: str) -> list[str]:
    """A text as a model writes it, piece by piece."""
    return [word if n == 0 else f" {word}" for n, word in enumerate(text.split(" "))]


async def streamed(events: list[Mapping[str, Any]], *, ends: bool = True) -> AsyncIterator[str]:
    """Server-sent events."""
    for one in events:
        yield f"data: {json.dumps(one)}\n\n"
    if ends:
        yield "data: [DONE]\n\n"


def chat_answer(given: Mapping[str, Any], failure: str = "", cost: float | None = None) -> Response:
    """The answer to a chat, streamed if that was asked for."""
    text = said_to(given["messages"])
    usage = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
    if cost is not None:
        usage["estimated_cost"] = cost
    base = {"id": "chatcmpl-1", "created": 1795237920, "model": given.get("model", "")}
    if not given.get("stream"):
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return JSONResponse({**base, "object": "chat.completion", "choices": [choice], "usage": usage})
    base["object"] = "chat.completion.chunk"
    events: list[Mapping[str, Any]] = [
        {
            **base,
            "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}],
        }
    ]
    events += [
        {**base, "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}
        for piece in pieces(text)
    ]
    if failure == "stream-error":
        events = [
            *events[:3],
            {"error": {"message": "The server had an error", "type": "server_error", "code": None}},
        ]
        return StreamingResponse(streamed(events, ends=False), media_type="text/event-stream")
    events.append({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    if (given.get("stream_options") or {}).get("include_usage"):
        events.append({**base, "choices": [], "usage": usage})
    return StreamingResponse(streamed(events), media_type="text/event-stream")


class OpenAi(Vendor):
    """https://api.openai.com."""

    name = "openai"
    key = "sk-emulated-openai-key-1234"

    def routes(self) -> list[Route]:
        """Its own paths."""
        return [
            self.route("/v1/images/generations", self.paint),
            self.route("/v1/images/edits", self.edit),
            self.route("/v1/chat/completions", self.chat),
            self.route("/v1/audio/speech", self.speak),
            self.route("/v1/audio/transcriptions", self.hear),
        ]

    def unauthorized(self, request: Request) -> Response:
        """What it says to a wrong key; it repeats the key, as compatible servers do without masking it."""
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        said = (
            f"Incorrect API key provided: {given}. You can find your API key at https://platform.openai.com."
        )
        return error(401, said, "invalid_request_error", "invalid_api_key")

    async def refusal(self, request: Request, failure: str) -> Response | None:
        """How a call fails that is to fail."""
        match failure:
            case "429":
                said = "Rate limit reached for images per minute: Limit 5, Used 5. Please try again in 12s."
                return error(429, said, "requests", "rate_limit_exceeded", **{"retry-after": "12"})
            case "402":
                said = "You exceeded your current quota, please check your plan and billing details."
                return error(429, said, "insufficient_quota", "insufficient_quota")
            case "moderated":
                said = "Your request was rejected by the safety system."
                return error(400, said, "image_generation_user_error", "moderation_blocked")
            case "crash":
                return error(
                    500, "The server had an error while processing your request.", "server_error", None
                )
            case "never":
                await self.hold(request)
                return error(500, "nobody hears this", "server_error", None)
        return None

    async def paint(self, request: Request) -> Response:
        """Paint."""
        failure = self.failing()
        if refusal := await self.refusal(request, failure):
            return refusal
        given = await read_json(request)
        model = given.get("model", "dall-e-2")
        if model not in GPT_IMAGE | DALL_E:
            return error(
                400, f"The model '{model}' does not exist.", "invalid_request_error", "model_not_found"
            )
        if model in GPT_IMAGE and "response_format" in given:
            said = "Unknown parameter: 'response_format'."
            return error(400, said, "invalid_request_error", "unknown_parameter", "response_format")
        if not isinstance(given.get("prompt"), str):
            said = "Missing required parameter: 'prompt'."
            return error(400, said, "invalid_request_error", "missing_required_parameter", "prompt")
        self.creates += 1
        size = given.get("size", "1024x1024")
        width, height = (1024, 1024) if size == "auto" else (int(side) for side in size.split("x"))
        data = encoded(picture(given["prompt"], width, height))
        if model in GPT_IMAGE or given.get("response_format") == "b64_json":
            one = {"b64_json": b64(data)}
        else:
            one = {"url": self.house.deliver(data, "image/png", "img.png", expired=failure == "expired")}
        if model == "dall-e-3":
            one["revised_prompt"] = given["prompt"]
        usage = (
            {"usage": {"input_tokens": 9, "output_tokens": 4160, "total_tokens": 4169}}
            if model in GPT_IMAGE
            else {}
        )
        return JSONResponse({"created": 1795237920, "data": [one] * given.get("n", 1), **usage})

    async def edit(self, request: Request) -> Response:
        """Paint over a picture."""
        if refusal := await self.refusal(request, self.failing()):
            return refusal
        form = await read_form(request)
        sent = form.get("image") or form.get("image[]")
        if not isinstance(sent, Part):
            said = "Missing required parameter: 'image'."
            return error(400, said, "invalid_request_error", "missing_required_parameter", "image")
        self.files.append(sent.data)
        self.creates += 1
        data = encoded(repainted(sent.data, str(form["prompt"])))
        return JSONResponse({"created": 1795237920, "data": [{"b64_json": b64(data)}]})

    async def chat(self, request: Request) -> Response:
        """Talk."""
        failure = self.failing()
        if refusal := await self.refusal(request, failure):
            return refusal
        given = await read_json(request)
        for message in given["messages"]:
            for part in message["content"] if isinstance(message["content"], list) else ():
                if part["type"] == "image_url":
                    self.files.append(from_data_uri(part["image_url"]["url"]))
        self.creates += 1
        return chat_answer(given, failure)

    async def speak(self, request: Request) -> Response:
        """Say a text aloud."""
        if refusal := await self.refusal(request, self.failing()):
            return refusal
        given = await read_json(request)
        if not given.get("voice"):
            said = "Missing required parameter: 'voice'."
            return error(400, said, "invalid_request_error", "missing_required_parameter", "voice")
        self.creates += 1
        return Response(speech(given["input"]), media_type="audio/wav")

    async def hear(self, request: Request) -> Response:
        """Write down a recording."""
        if refusal := await self.refusal(request, self.failing()):
            return refusal
        form = await read_form(request)
        sent = form.get("file")
        if not isinstance(sent, Part) or not form.get("model"):
            return error(400, "Missing required parameter: 'file'.", "invalid_request_error", None, "file")
        self.files.append(sent.data)
        self.creates += 1
        return JSONResponse({"text": f"a recording named {sent.name}"})
