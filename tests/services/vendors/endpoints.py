"""An Inference Endpoint: one model at an address of its own; what it answers is what `Accept` asks for."""

from services.vendors.media import b64, encoded, picture
from services.vendors.vendor import Vendor, read_json
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


class InferenceEndpoint(Vendor):
    """https://NAME.REGION.aws.endpoints.huggingface.cloud."""

    name = "endpoints"
    key = "emulated-endpoint-token"

    def routes(self) -> list[Route]:
        """Its own paths."""
        return [self.route("/painter/", self.paint), self.route("/writer/", self.write)]

    def unauthorized(self, request: Request) -> Response:
        """What it says to a wrong key."""
        del request
        return JSONResponse({"error": "Invalid credentials in Authorization header"}, 401)

    async def refusal(self, request: Request, failure: str) -> Response | None:
        """How a call fails that is to fail."""
        match failure:
            case "429":
                return JSONResponse({"error": "Too many requests"}, 429, headers={"Retry-After": "9"})
            case "402":
                return JSONResponse(
                    {"error": "Payment required: the endpoint's namespace has no credits"}, 402
                )
            case "503":
                body = {"error": "Model acme/painter is currently loading", "estimated_time": 20.0}
                return JSONResponse(body, 503)
            case "crash":
                return JSONResponse({"error": "CUDA out of memory."}, 500)
            case "never":
                await self.hold(request)
                return JSONResponse({"error": "nobody hears this"}, 500)
        return None

    async def paint(self, request: Request) -> Response:
        """A text-to-image model."""
        if refusal := await self.refusal(request, self.failing()):
            return refusal
        given = await read_json(request)
        if not isinstance(given.get("inputs"), str):
            return JSONResponse({"error": "Body needs to provide a inputs key, recieved: b'{}'"}, 400)
        self.creates += 1
        asked = given.get("parameters") or {}
        data = encoded(picture(given["inputs"], asked.get("width", 1024), asked.get("height", 1024)))
        if request.headers.get("accept", "").startswith("image/"):
            return Response(data, media_type="image/png")
        return JSONResponse([{"image": b64(data)}])

    async def write(self, request: Request) -> Response:
        """A text-generation model."""
        if refusal := await self.refusal(request, self.failing()):
            return refusal
        given = await read_json(request)
        self.creates += 1
        return JSONResponse([{"generated_text": f"You said: {given['inputs']}"}])
