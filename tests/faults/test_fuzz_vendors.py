"""Everything that HTTP vendors may answer, through the one engine that asks them all."""

import base64
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import pytest
from faults.campaign import SCALARS, Campaign, changed, changes, tries
from faults.test_fuzz_answers import MEDIA, PNG
from hypothesis import given
from hypothesis import strategies as st
from web import Answer, Asked, Web, web

from chains.services import ServiceEndpoint, read_service
from chains.services.model import Service
from pipelines.runners.protocol import Call
from pipelines.services.engine import perform
from spaces_registry.clocks import Clocks
from spaces_registry.network.origin import Origin, open_client
from spaces_registry.sayable import unsayable
from spaces_registry.signature import File, Kind

pytestmark = pytest.mark.timeout(480)  # the machine may have other things to do

FOLDER = Path(str(files("spaces_registry"))) / "catalog" / "services"
SERVICES: list[tuple[Service, ServiceEndpoint]] = [
    (service, endpoint)
    for one in sorted(FOLDER.glob("*.yaml"))
    for service in [read_service(re.sub(r"\b(every|up_to): [\d.]+m?s", r"\1: 10ms", one.read_text("utf-8")))]
    for endpoint in service.endpoints.values()
]
PICTURE = {"url": "HERE/a.png", "b64_json": base64.b64encode(PNG).decode()}
GOOD: dict[str, Any] = {  # what all of them say when all is well, in one
    "id": "1", "request_id": "1", "prompt_id": "1", "name": "a.png", "seed": 7, "info": "{}",
    "status": "WORD", "task_status": "WORD", "queue_position": 2, "progress": 0.5,
    "status_url": "HERE/s", "response_url": "HERE/r", "cancel_url": "HERE/c",
    "urls": {"get": "HERE/g", "cancel": "HERE/c"},
    "output": ["HERE/a.png"], "data": [PICTURE], "image_result": [PICTURE],
    "image": PICTURE, "video": PICTURE, "audio": "data:audio/wav;base64,UklGRiQAAABXQVZF",
    "generated_text": "a", "text": "a", "choices": [{"delta": {"content": "a"}, "message": {"content": "a"}}],
    "metrics": {"predict_time": 1.5},
    "inference_status": {"cost": "0.01"},
    "usage": {"estimated_cost": 0.01},
    "1": {"outputs": {"9": {"images": [{"filename": "a.png", "subfolder": "", "type": "output"}]}},
          "status": {"completed": True, "messages": []}},
}  # fmt: skip
SAID = st.one_of(
    SCALARS,
    st.sampled_from(
        [
            *("succeeded", "processing", "failed", "COMPLETED", "IN_QUEUE", "in-progress", "complete"),
            *("starting", "HERE/a.png", "HERE/b", "/c", "//d", "http://user:pw@127.0.0.1:1/x"),
            *("aGVsbG8=" * 20, "NSFW", "45%", {"HERE": 1}),
        ]
    ),
)
TOLD = st.recursive(
    SAID,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*GOOD]), inner, max_size=5),
    max_leaves=14,
)
WORD = st.sampled_from(
    ["succeeded", "COMPLETED", "SUCCESS"] * 3 + ["processing", "IN_QUEUE", "failed", "FAIL", "canceled", "?"]
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "retry-after": st.sampled_from(
            ["0", "0.01", "-1", "soon", "Wed, 21 Oct 2015 07:28:00 GMT", "1e999", "9" * 400]
        ),
        "location": st.sampled_from(["/x", "http://[", "", "//"]),
        "x-ratelimit-reset": st.sampled_from(["0", "nan"]),
    },
)


@st.composite
def replies(draw: st.DrawFn) -> Answer:
    """One answer of a vendor: mostly JSON, mostly good."""
    how = draw(st.integers(0, 9))
    if how == 0:
        return draw(MEDIA)
    status = draw(
        st.sampled_from([200] * 8 + [201, 202, 204, 301, 400, 401, 402, 404, 410, 422, 429, 500, 503])
    )
    said = (
        draw(TOLD)
        if how == 3
        else changed(GOOD, draw(st.just([]) | st.just([]) | changes(SAID, [*GOOD], most=2)))
    )
    text = json.dumps(said).replace("WORD", draw(WORD))
    if how == 1:
        text = text[: draw(st.integers(0, len(text)))]
    if how == 2:
        lines = draw(st.lists(TOLD, max_size=4))
        text = "".join(f"data: {json.dumps(one)}\n\n" for one in lines) + draw(
            st.sampled_from(["", "data: [DONE]\n\n", "data: "])
        )
        return Answer(text.encode(), status, "text/event-stream", draw(HEADERS))
    return Answer(text.encode(), status, headers=draw(HEADERS))


@pytest.fixture(scope="module")
def vendor() -> Iterator[tuple[Web, list[Answer]]]:
    """A server that gives the answers of a list in turn."""
    answers: list[Answer] = []

    def answer(asked: Asked) -> Answer:
        if asked.path.endswith((".png", "/view")):
            return Answer(PNG, type="image/png")
        answers.append(answers.pop(0))
        here = f"http://{asked.headers.get('host', '')}".encode()
        one = answers[-1]
        return Answer(one.body.replace(b"HERE", here), one.status, one.type, one.headers, one.cut)

    with web(answer) as served:
        yield served, answers


def argument(kind: Kind, picture: Path) -> Any:
    """Something that a parameter of this kind takes."""
    if kind.is_file or kind is Kind.GALLERY:
        return File(picture, picture.name, "image/png")
    return {
        Kind.NUMBER: 1.5,
        Kind.INTEGER: 2,
        Kind.BOOLEAN: True,
        Kind.JSON: {"1": {"class_type": "A", "inputs": {}}},
    }.get(kind, "a")


def test_a_vendors_odd_answer_is_kept_or_refused(vendor, tmp_path, told):
    """A vendor's answer is paid for when it comes, and changes whenever the vendor likes."""
    served, answers = vendor
    campaign = Campaign("answers of vendors")
    picture = tmp_path / "a.png"
    picture.write_bytes(PNG)
    short = Clocks(connect_s=1.0, quiet_s=1.0, wake_s=0.1, queue_s=0.15, run_s=0.15)

    async def asked(service: Service, endpoint: ServiceEndpoint, job: Any) -> None:
        arguments = {
            one.name: argument(one.told.kind if hasattr(one, "told") else one.kind, picture)
            for one in endpoint.takes
        }
        async with open_client() as client:
            with TemporaryDirectory(dir=tmp_path) as folder, anyio.fail_after(20):
                origin = Origin(service.name, served.url, client)
                call = Call(service.name, endpoint.signature, arguments, Path(folder), short, job=job)
                for value in await perform(service, endpoint, origin, call, lambda _: None):
                    assert isinstance(value, File | tuple) or unsayable(value) is None

    @tries(600)
    @given(
        st.sampled_from(range(len(SERVICES))), st.lists(replies(), min_size=1, max_size=4), st.none() | TOLD
    )
    def survive(number: int, said: list[Answer], job: Any) -> None:
        answers[:] = said
        service, endpoint = SERVICES[number]
        with campaign.example():
            anyio.run(asked, service, endpoint, job if isinstance(job, dict) and endpoint.job else None)

    survive()
    told(campaign)
