"""All emulated vendors in one server; the files they deliver come from another host.

`python -m services.vendors.house`, started in `tests`, runs it until it is interrupted, and prints the
variables that point spacechain at it. `POST /_fail/VENDOR/429` lets that vendor's next call fail.
"""

import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import uvicorn
from services.vendors.automatic1111 import Automatic1111, Wizmodel
from services.vendors.cogview import CogView
from services.vendors.comfyui import ComfyUi
from services.vendors.deepinfra import DeepInfra
from services.vendors.endpoints import InferenceEndpoint
from services.vendors.fal import Fal
from services.vendors.openai import OpenAi
from services.vendors.replicate import Replicate
from services.vendors.stability import Stability
from services.vendors.tgi import Tgi
from services.vendors.vendor import PATIENCE_S, Asked, Vendor
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

KINDS: tuple[type[Vendor], ...] = (
    Replicate,
    Fal,
    DeepInfra,
    Stability,
    Automatic1111,
    ComfyUi,
    CogView,
    Wizmodel,
    OpenAi,
    Tgi,
    InferenceEndpoint,
)
GONE = '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>'
V = TypeVar("V", bound=Vendor)


@dataclass(frozen=True, slots=True)
class Delivered:
    """A file on the delivery host."""

    data: bytes
    mime: str
    expired: bool


class Vendors:
    """The house: every vendor by name.

    Attributes:
        fetched: every request to the delivery host, in order.
        broken: how many of the next ones it cannot serve.
    """

    def __init__(self, api: int, delivery: int) -> None:
        self._api, self._delivery = f"http://127.0.0.1:{api}", f"http://127.0.0.1:{delivery}"
        self._files: dict[str, Delivered] = {}
        self.fetched: list[Asked] = []
        self.broken = 0
        self.by_name: Mapping[str, Vendor] = {kind.name: kind(self) for kind in KINDS}

    def address(self, vendor: str) -> str:
        """Where a vendor's API is."""
        return f"{self._api}/{vendor}"

    def deliver(self, data: bytes, mime: str, name: str, *, expired: bool = False) -> str:
        """Keep a file on the delivery host; returns its URL."""
        path = f"/d{len(self._files)}/{name}"
        self._files[path] = Delivered(data, mime, expired)
        return self._delivery + path

    def get(self, kind: type[V]) -> V:
        """A vendor by its class."""
        found = self.by_name[kind.name]
        assert isinstance(found, kind)
        return found

    def environment(self) -> dict[str, str]:
        """The variables that point spacechain's catalogue at this house, with the right keys."""
        return {
            "REPLICATE_URL": self.address("replicate"),
            "REPLICATE_API_TOKEN": Replicate.key,
            "FAL_QUEUE_URL": self.address("fal") + "/queue",
            "FAL_KEY": Fal.key,
            "DEEPINFRA_URL": self.address("deepinfra"),
            "DEEPINFRA_API_KEY": DeepInfra.key,
            "STABILITY_URL": self.address("stability"),
            "STABILITY_API_KEY": Stability.key,
            "AUTOMATIC1111_URL": self.address("automatic1111"),
            "COMFYUI_URL": self.address("comfyui"),
            "ZHIPUAI_URL": self.address("cogview") + "/api/paas/v4",
            "ZHIPUAI_API_KEY": CogView.key,
            "WIZMODEL_URL": self.address("wizmodel"),
            "WIZMODEL_API_KEY": Wizmodel.key,
            "OPENAI_BASE_URL": self.address("openai") + "/v1",
            "OPENAI_API_KEY": OpenAi.key,
            "TGI_URL": self.address("tgi"),
            "INFERENCE_ENDPOINT_URL": self.address("endpoints") + "/painter",
            "INFERENCE_ENDPOINT_TOKEN": InferenceEndpoint.key,
        }

    def forget(self) -> None:
        """Be as new."""
        self.fetched.clear()
        self.broken = 0
        for one in self.by_name.values():
            one.forget()

    def app(self) -> Starlette:
        """The server's application."""

        async def fail(request: Request) -> Response:
            named = request.path_params
            if named["vendor"] not in self.by_name:
                return JSONResponse({"known": sorted(self.by_name)}, 404)
            self.by_name[named["vendor"]].fail(named["how"])
            return JSONResponse({"next": named["how"]})

        async def hand_out(request: Request) -> Response:
            path = request.url.path
            headers = {name.lower(): text for name, text in request.headers.items()}
            self.fetched.append(Asked(request.method, path, request.url.query, headers, b""))
            found = self._files.get(path)
            if found is None:
                return Response("Not Found", 404)
            if self.broken:
                self.broken -= 1
                return Response("<html><title>502 Bad Gateway</title></html>", 502, media_type="text/html")
            if found.expired:
                return Response(GONE, 403, media_type="application/xml")
            return Response(found.data, media_type=found.mime)

        vendors = [Mount(f"/{name}", routes=one.routes()) for name, one in self.by_name.items()]
        return Starlette(
            routes=[
                Route("/_fail/{vendor}/{how}", fail, methods=["POST"]),
                *vendors,
                Route("/{path:path}", hand_out),
            ]
        )


@contextmanager
def open_house() -> Iterator[Vendors]:
    """Serve all vendors on two free ports of 127.0.0.1 until the end of the block."""
    with socket.create_server(("127.0.0.1", 0)) as api, socket.create_server(("127.0.0.1", 0)) as delivery:
        house = Vendors(api.getsockname()[1], delivery.getsockname()[1])
        settings = uvicorn.Config(house.app(), log_level="error", lifespan="off", ws="none", loop="asyncio")
        server = uvicorn.Server(settings)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [api, delivery]}, daemon=True)
        thread.start()
        try:
            yield house
        finally:
            server.should_exit = server.force_exit = True
            thread.join(PATIENCE_S)


def main() -> None:
    """Serve until interrupted."""
    with open_house() as house:
        lines = [f"export {name}={value}" for name, value in house.environment().items()]
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
