# ruff: noqa: RUF001 - its own words have its own commas
"""Zhipu's CogView: addresses only, error codes of its own, and a second way that works on a task."""

import time
from collections.abc import Mapping
from typing import Any

from services.vendors.media import encoded, picture
from services.vendors.vendor import Vendor, read_json
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

MODELS = {"cogview-4-250304", "cogview-4", "cogview-3-flash", "glm-image"}
SIZES = {"1024x1024", "768x1344", "864x1152", "1344x768", "1152x864", "1440x720", "720x1440", "512x512"}


def error(status: int, code: str, message: str) -> Response:
    """An error as Zhipu writes it."""
    return JSONResponse({"error": {"code": code, "message": message}}, status)


class CogView(Vendor):
    """https://open.bigmodel.cn/api/paas/v4."""

    name = "cogview"
    key = "emulated.zhipukey"

    def __init__(self, house) -> None:
        super().__init__(house)
        self.tasks: dict[str, dict[str, Any]] = {}

    def routes(self) -> list[Route]:
        """Its own paths."""
        return [
            self.route("/api/paas/v4/images/generations", self.generate),
            self.route("/api/paas/v4/async/images/generations", self.start),
            self.route("/api/paas/v4/async-result/{id}", self.result, "GET"),
        ]

    def unauthorized(self, request: Request) -> Response:
        """What it says to a wrong key."""
        if "authorization" not in request.headers:
            return error(401, "1001", "Header中未收到Authorization参数，无法进行身份验证。")
        return error(401, "1000", "身份验证失败。")

    async def refusal(self, request: Request, failure: str) -> Response | None:
        """How a call fails that is to fail."""
        match failure:
            case "429":
                return error(429, "1302", "您当前使用该API的并发数过高，请降低并发，或联系客服增加限额。")
            case "402":
                return error(429, "1113", "您的账户已欠费，请充值后重试。")
            case "moderated":
                said = "系统检测到输入或生成内容可能包含不安全或敏感内容。"
                return error(400, "1301", said)
            case "crash":
                return error(500, "500", "内部错误")
            case "never":
                await self.hold(request)
                return error(500, "500", "nobody hears this")
        return None

    @staticmethod
    def invalid(given: Mapping[str, Any]) -> Response | None:
        """What it says to wrong arguments."""
        if given.get("model") not in MODELS:
            return error(400, "1211", "模型不存在，请检查模型代码。")
        if not given.get("prompt"):
            return error(400, "1213", "未正常接收到prompt参数。")
        if given.get("size", "1024x1024") not in SIZES:
            return error(400, "1214", "size参数非法。请检查文档。")
        return None

    def painted(self, given: Mapping[str, Any], *, expired: bool) -> str:
        """The address of the picture."""
        width, height = (int(side) for side in given.get("size", "1024x1024").split("x"))
        data = encoded(picture(given["prompt"], width, height))
        return self.house.deliver(data, "image/png", "cogview.png", expired=expired)

    async def generate(self, request: Request) -> Response:
        """Paint at once."""
        failure = self.failing()
        if refusal := await self.refusal(request, failure):
            return refusal
        given = await read_json(request)
        if complaint := self.invalid(given):
            return complaint
        self.creates += 1
        url = self.painted(given, expired=failure == "expired")
        safe = [{"role": "assistant", "level": 3}]
        return JSONResponse({"created": int(time.time()), "data": [{"url": url}], "content_filter": safe})

    async def start(self, request: Request) -> Response:
        """Accept a task."""
        failure = self.failing()
        if refusal := await self.refusal(request, failure if failure not in ("crash", "never") else ""):
            return refusal
        given = await read_json(request)
        if complaint := self.invalid(given):
            return complaint
        self.creates += 1
        number = f"8353992651{len(self.tasks):06d}"
        self.tasks[number] = {"given": given, "failure": failure, "looks": 0}
        if failure == "never":
            self.held()
        body = {"model": given["model"], "id": number, "request_id": number, "task_status": "PROCESSING"}
        return JSONResponse(body)

    async def result(self, request: Request) -> Response:
        """How far a task is."""
        task = self.tasks.get(request.path_params["id"])
        if task is None:
            return error(404, "1215", "任务不存在")
        task["looks"] += 1
        given, failure = task["given"], task["failure"]
        body: dict[str, Any] = {"model": given["model"], "request_id": request.path_params["id"]}
        if task["looks"] < 2 or failure == "never":
            return JSONResponse({**body, "task_status": "PROCESSING"})
        if failure == "crash":
            return JSONResponse(
                {**body, "task_status": "FAIL", "error": {"code": "500", "message": "生成失败"}}
            )
        url = self.painted(given, expired=failure == "expired")
        return JSONResponse({**body, "task_status": "SUCCESS", "image_result": [{"url": url}]})
