"""DeepInfra's own dialect: one call, one answer, its cost in it; and the OpenAI one beside it."""

from PIL import Image
from services.vendors.media import data_uri, encoded, picture, speech
from services.vendors.openai import chat_answer
from services.vendors.vendor import Vendor, read_json
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

PAINTERS = {"black-forest-labs/FLUX-1-schnell", "black-forest-labs/FLUX-1-dev"}
SPEECH = {"hexgrad/Kokoro-82M"}


def error(status: int, said: str, **headers: str) -> Response:
    """An error as DeepInfra writes it."""
    return JSONResponse({"detail": {"error": said}}, status, headers=headers)


class DeepInfra(Vendor):
    """https://api.deepinfra.com."""

    name = "deepinfra"
    key = "di-emulated-key"

    def routes(self) -> list[Route]:
        """Its own paths."""
        return [
            self.route("/v1/inference/{model:path}", self.infer),
            self.route("/v1/openai/chat/completions", self.chat),
        ]

    def unauthorized(self, request: Request) -> Response:
        """What it says to a wrong key."""
        del request
        return error(401, "User is not authenticated")

    async def refusal(self, request: Request, failure: str) -> Response | None:
        """How a call fails that is to fail."""
        match failure:
            case "429":
                return error(429, "Rate limited", **{"Retry-After": "11"})
            case "429-busy":
                return error(429, "Model busy, retry later")
            case "402":
                return error(
                    402, "inference prohibited, please enter a payment method or top up your balance"
                )
            case "moderated":
                return error(400, "NSFW content detected in the prompt")
            case "crash":
                return error(500, "CUDA error: out of memory")
            case "never":
                await self.hold(request)
                return error(500, "nobody hears this")
        return None

    async def infer(self, request: Request) -> Response:
        """Paint or speak."""
        failure = self.failing()
        if refusal := await self.refusal(request, failure):
            return refusal
        model, given = request.path_params["model"], await read_json(request)
        if model not in PAINTERS | SPEECH:
            return error(404, f"Model {model} not found")
        wanted = "text" if model in SPEECH else "prompt"
        if not isinstance(given.get(wanted), str):
            missing = {"loc": ["body", wanted], "msg": "field required", "type": "value_error.missing"}
            return JSONResponse({"detail": [missing]}, 422)
        self.creates += 1
        done = {"status": "succeeded", "runtime_ms": 420, "cost": 0.0005, "tokens_generated": None}
        body = {"request_id": "RfMWDkp9", "inference_status": done}
        if model in SPEECH:
            data = speech(given["text"])
            made = {"audio": data_uri(data, "audio/wav"), "output_format": "wav"}
            return JSONResponse({**made, "input_character_length": len(given["text"]), **body})
        image = picture(given["prompt"], given.get("width", 1024), given.get("height", 1024))
        black = Image.new("RGB", image.size)
        marks = [failure == "blackened" or one > 1 for one in range(1, given.get("num_images", 1) + 1)]
        images = [data_uri(encoded(black if one else image), "image/png") for one in marks]
        return JSONResponse({"images": images, "nsfw_content_detected": marks, "seed": "33", **body})

    async def chat(self, request: Request) -> Response:
        """Talk."""
        if refusal := await self.refusal(request, self.failing()):
            return refusal
        self.creates += 1
        return chat_answer(await read_json(request), cost=0.000021)
