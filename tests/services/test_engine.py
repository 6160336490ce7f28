"""The one engine behind all services, each mechanism against a small server that does just that."""

import base64
import itertools
import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import pytest
from web import Answer, Asked, Web, say, web

from chains.services import Service, read_service
from pipelines.runners.protocol import Call
from pipelines.runners.service import ServiceRunner
from pipelines.services.keys import credentials
from spaces_registry import errors
from spaces_registry.clocks import Clocks
from spaces_registry.network.origin import Origin, open_client
from spaces_registry.progress import Progress, Queued, Sending, Spent, Started, UsedUp, Written
from spaces_registry.signature import File

KEY = "acme-0123456789"


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\0\xff\0\0"))
    + _chunk(b"IEND", b"")
)
BASE64 = base64.b64encode(PNG).decode()

HEAD = """
name: acme
url: URL
auth: {key_from: ACME_KEY, get_one: "https://acme.example/keys"}
wait: detail
failures:
  - {when: "finish_reason == 'CONTENT_FILTERED'", means: rejected-input, hint: say it in other words}
endpoints:
  draw:
"""
PICTURE = (
    HEAD
    + """
    takes: {prompt: text, seed: {kind: integer, required: false}, image: {kind: image, required: false}}
    path: /draw
    json: {prompt: $prompt, seed: $seed, image: $image}
    files: base64
    gives: {image: {kind: image, from: "images[0]"}}
"""
)
JOB = (
    HEAD
    + """
    takes: {prompt: text}
    path: /jobs
    json: {prompt: $prompt}
    job:
      id: id
      status:
        path: /jobs/${{ job.id }}
        word: status
        waiting: [queued]
        working: [running]
        done: [done]
        failed: [failed]
        canceled: [canceled]
        position: place
        progress: percent
        every: 1ms
        up_to: 5ms
      cancel: {path: "/jobs/${{ job.id }}/cancel"}
    usage: {usd: cost, seconds: took}
    gives: {image: {kind: image, from: url}}
"""
)
CHAT = (
    HEAD
    + """
    takes: {prompt: text}
    path: /chat
    json: {stream: true, messages: [{role: user, content: $prompt}]}
    stream: {delta: "choices[0].delta.content"}
    gives: {text: {kind: text, from: text}}
"""
)


@dataclass
class Desk:
    """Where a test makes calls of one service."""

    folder: Path
    key: str | None = KEY
    told: list[object] = field(default_factory=list)
    remembered: list[object] = field(default_factory=list)

    def call(self, text: str, server: Web, job: object = None, clocks: Clocks = Clocks(), **given: object):
        """Make one call, and give its outputs."""
        return anyio.run(self.call_async, text, server.url, job, clocks, given)

    async def call_async(self, text, url, job, clocks, given):
        """The same in a running loop."""
        service: Service = read_service(text.replace("URL", url))
        endpoint = next(iter(service.endpoints.values()))
        known = credentials(service, url, {"ACME_KEY": self.key} if self.key else {})
        folder = self.folder / str(len(list(self.folder.iterdir())))
        folder.mkdir()
        async with open_client() as client:
            origin = Origin("acme", service.url, client, headers=known.headers, secrets=known.secrets)
            call = Call(
                "acme", endpoint.signature, given, folder, clocks, job=job, remember=self.remembered.append
            )
            return await ServiceRunner(service, endpoint, origin)(call, self.told.append)

    def heard(self, kind: type) -> list:
        """What was told of one kind."""
        return [one for one in self.told if isinstance(one, kind)]


@pytest.fixture
def desk(tmp_path) -> Desk:
    folder = tmp_path / "calls"
    folder.mkdir()
    return Desk(folder)


@pytest.fixture
def photo(tmp_path) -> File:
    path = tmp_path / "photo.png"
    path.write_bytes(PNG)
    return File(path, "photo.png", "image/png")


def one_after_the_other(*answers: Answer) -> Callable[[Asked], Answer]:
    """Each answer once, the last one for ever."""
    left = [*answers]
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def test_base64_in_json_becomes_a_file(desk):
    """What most services of one's own answer; what was not given is not sent as null."""
    with web(lambda _: say({"images": [BASE64]})) as server:
        (image,) = desk.call(PICTURE, server, prompt="a fox")

    assert image.path.read_bytes() == PNG
    assert (image.path.suffix, image.mime) == (".png", "image/png")
    assert json.loads(server.asked[0].body) == {"prompt": "a fox"}
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "found", [f"data:image/png;base64,{BASE64}", {"url": "/files/a.png"}, "/files/a.png"]
)
def test_a_picture_is_told_from_where_it_is(desk, found):
    """Data URIs, addresses, and objects that hold one: vendors differ, and sometimes from model to model."""
    pictures = {"/files/a.png": Answer(PNG, type="image/png")}
    with web(lambda asked: pictures.get(asked.path, say({"images": [found]}))) as server:
        (image,) = desk.call(PICTURE, server, prompt="a fox")

    assert image.path.read_bytes() == PNG


def test_the_bodys_own_bytes_are_a_picture(desk):
    """Speech and some picture services answer with the file itself."""
    text = PICTURE.replace('"images[0]"', "body")
    with web(lambda _: Answer(PNG, type="image/png")) as server:
        (image,) = desk.call(text, server, prompt="a fox")

    assert image.path.read_bytes() == PNG


def test_files_go_in_as_base64_or_as_a_data_uri(desk, photo):
    """Both forms are JSON text; a mixture breaks the vendor's decoder."""
    with web(lambda _: say({"images": [BASE64]})) as server:
        desk.call(PICTURE, server, prompt="a fox", image=photo)
        desk.call(PICTURE.replace("files: base64", "files: data-uri"), server, prompt="a fox", image=photo)

    sent = [json.loads(one.body)["image"] for one in server.asked]
    assert sent == [BASE64, f"data:image/png;base64,{BASE64}"]
    assert desk.heard(Sending)[0] == Sending("photo.png", len(PNG))


def test_a_form_has_parts_also_without_a_file(desk, photo):
    """Stability refuses anything but multipart, even for words alone."""
    text = PICTURE.replace("json:", "multipart:").replace("files: base64", "files: multipart")
    with web(lambda _: say({"images": [BASE64]})) as server:
        desk.call(text, server, prompt="ein Füchslein", seed=7)
        desk.call(text, server, prompt="a fox", image=photo)

    plain, filed = server.asked
    assert plain.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert 'name="prompt"\r\n\r\nein Füchslein\r\n'.encode() in plain.body
    assert b'name="seed"\r\n\r\n7\r\n' in plain.body
    assert b"image" not in plain.body.replace(b"image/png", b"")
    assert b'name="image"; filename="photo.png"' in filed.body
    assert PNG in filed.body


def test_an_uploaded_file_is_sent_once_and_named_by_its_address(desk, photo):
    """Large files have a door of their own; the call holds only what that answered."""
    upload = "upload: {path: /files, field: content, answer: urls.get}\nendpoints:\n"
    text = PICTURE.replace("endpoints:\n", upload).replace("files: base64", "files: upload")
    text = text.replace("image: $image}", "image: $image, again: [$image]}")
    answers = {
        "/files": say({"urls": {"get": "https://acme.example/f/1"}}, 201),
        "/draw": say({"images": [BASE64]}),
    }
    with web(lambda asked: answers[asked.path]) as server:
        desk.call(text, server, prompt="a fox", image=photo)

    assert [one.path for one in server.asked] == ["/files", "/draw"]
    body = json.loads(server.asked[1].body)
    assert (body["image"], body["again"]) == ("https://acme.example/f/1", ["https://acme.example/f/1"])


def test_undeclared_arguments_go_where_the_file_says(desk, photo):
    """Models of one vendor differ; a file cannot list what each of them takes."""
    text = (
        HEAD
        + """
    takes: {model: text}
    extra: input
    files: data-uri
    path: /models/${{ model }}/run
    json: {input: {safe: true}}
    gives: {images: {kind: image, many: true, from: output}}
"""
    )
    with web(lambda _: say({"output": [BASE64, BASE64]})) as server:
        (images,) = desk.call(text, server, model="owner/na me", prompt="a fox", frames=[photo])

    assert len({one.path for one in images}) == 2
    assert server.asked[0].path == "/models/owner/na%20me/run"
    frame = f"data:image/png;base64,{BASE64}"
    assert json.loads(server.asked[0].body) == {"input": {"safe": True, "prompt": "a fox", "frames": [frame]}}


def test_a_value_cannot_leave_its_place_in_an_address(desk):
    """A model's name comes from a chain's input: it must not reach another route of the same host."""
    text = PICTURE.replace("path: /draw", "path: /models/${{ prompt }}")
    with web(lambda _: say({})) as server, pytest.raises(errors.RejectedInput):
        desk.call(text, server, prompt="../account/delete")

    assert server.asked == []


def test_a_job_is_asked_about_until_it_is_done(desk):
    """Queue, work, progress and cost are told; HTTP 202 and an unknown word do no harm."""
    states = one_after_the_other(
        say({"status": "queued", "place": 2}, 202),
        say({"status": "warming"}, 202),
        say({"status": "running", "percent": "45%"}),
        say({"status": "DONE", "url": "/a.png", "cost": 0.03, "took": "1.5"}),
    )
    answers = {"/jobs": lambda _: say({"id": 17, "input": {"prompt": "long"}}, 201), "/jobs/17": states}
    answers["/a.png"] = lambda _: Answer(PNG, type="image/png")
    with web(lambda asked: answers[asked.path](asked)) as server:
        (image,) = desk.call(JOB, server, prompt="a fox")

    assert image.path.read_bytes() == PNG
    assert desk.heard(Queued) == [Queued(0, 1), Queued(2, 3)]
    assert (desk.heard(Started), desk.heard(Progress)) == ([Started()], [Progress(fraction=0.45)])
    assert desk.heard(Spent) == [Spent(usd=0.03, work_s=1.5)]
    assert desk.remembered == [{"id": 17, "answer": {"id": 17}}]


def test_a_job_that_is_remembered_is_not_created_again(desk):
    """A killed run has paid for it already."""
    answers = {"/jobs/17": say({"status": "done", "url": "/a.png"}), "/a.png": Answer(PNG, type="image/png")}
    with web(lambda asked: answers[asked.path]) as server:
        (image,) = desk.call(JOB, server, job={"id": 17, "answer": {"id": 17}}, prompt="a fox")

    assert image.path.read_bytes() == PNG
    assert [one.path for one in server.asked] == ["/jobs/17", "/a.png"]


@pytest.mark.parametrize(
    "old",
    [
        say({"detail": "not found"}, 404),
        say({"status": "canceled"}),
        say({"status": "done", "url": "/gone.png"}),
    ],
    ids=["unknown", "canceled", "expired"],
)
def test_a_job_that_cannot_be_had_any_more_is_created_anew(desk, old):
    """Vendors forget jobs after hours and their files sooner; the run must still end well."""
    answers = {
        "/jobs/17": old,
        "/gone.png": say({}, 403),
        "/jobs": say({"id": 18, "status": "done", "url": "/a.png"}),
        "/a.png": Answer(PNG, type="image/png"),
    }
    with web(lambda asked: answers[asked.path]) as server:
        (image,) = desk.call(JOB, server, job={"id": 17, "answer": {}}, prompt="a fox")

    assert image.path.read_bytes() == PNG
    assert "/jobs" in [one.path for one in server.asked]


def test_the_logs_of_a_failed_job_do_not_decide_its_class(desk):
    """They speak of everything, and come below the error."""
    error = "CUDA out of memory\nYou have disabled the safety checker"
    answers = {"/jobs": say({"id": 1}), "/jobs/1": say({"status": "failed", "error": error})}
    with web(lambda asked: answers[asked.path]) as server, pytest.raises(errors.CallFailed) as caught:
        desk.call(JOB, server, prompt="a fox")

    assert type(caught.value) is errors.Crashed
    assert caught.value.said == error


def test_a_failed_job_says_why(desk):
    """The vendor's words are in the job, not in a status of HTTP."""
    answers = {"/jobs": say({"id": 1}), "/jobs/1": say({"status": "failed", "error": "CUDA out of memory"})}
    with web(lambda asked: answers[asked.path]) as server, pytest.raises(errors.Crashed) as caught:
        desk.call(JOB, server, prompt="a fox")

    assert caught.value.said == "CUDA out of memory"


def test_a_result_whose_address_has_expired_is_a_bad_output(desk):
    """A web page saying 403 must not become a picture."""
    answers = {"/jobs": say({"id": 1, "status": "done", "url": "/a.png"}), "/a.png": say({}, 410)}
    with web(lambda asked: answers[asked.path]) as server, pytest.raises(errors.BadOutput, match="expired"):
        desk.call(JOB, server, prompt="a fox")


@pytest.mark.parametrize(
    ("state", "clocks"), [("queued", Clocks(queue_s=0.05)), ("running", Clocks(run_s=0.05))]
)
def test_a_job_over_its_time_is_canceled(desk, state, clocks):
    """What nobody waits for is still charged, unless the vendor is told; the two clocks are apart."""
    answers = {
        "/jobs": say({"id": 1, "status": state}),
        "/jobs/1": say({"status": state}),
        "/jobs/1/cancel": say({}),
    }
    with web(lambda asked: answers[asked.path]) as server, pytest.raises(errors.TimedOut):
        desk.call(JOB, server, clocks=clocks, prompt="a fox")

    assert server.asked[-1].path == "/jobs/1/cancel"


def test_a_job_that_begins_again_and_again_is_over_its_time_all_the_same(desk):
    """A vendor whose workers die puts the job back into its queue, and takes it out, without end."""
    states = itertools.cycle([say({"status": "running"}), say({"status": "queued"})])
    answers = {
        "/jobs": lambda: say({"id": 1, "status": "queued"}),
        "/jobs/1": lambda: next(states),
        "/jobs/1/cancel": lambda: say({}),
    }
    with web(lambda asked: answers[asked.path]()) as server, pytest.raises(errors.TimedOut):
        desk.call(JOB, server, clocks=Clocks(queue_s=0.1, run_s=0.1), prompt="a fox")

    assert server.asked[-1].path == "/jobs/1/cancel"


def test_a_result_of_its_own_address_can_be_a_refusal(desk):
    """A queue says COMPLETED, and answers 422 to who fetches the result."""
    text = JOB.replace("      cancel:", "      result: {url: where}\n      cancel:").replace(
        "from: url", "from: image"
    )
    text = text.replace("path: /jobs/${{ job.id }}\n", "url: look\n")
    answers = {
        "/jobs": say({"id": 1, "look": "/state", "where": "/result"}),
        "/state": say({"status": "done"}),
        "/result": say({"detail": [{"loc": ["body", "prompt"], "msg": "too long"}]}, 422),
    }
    with web(lambda asked: answers[asked.path]) as server, pytest.raises(errors.RejectedInput) as caught:
        desk.call(text, server, prompt="a fox")

    assert caught.value.said == "prompt: too long"


def test_a_result_that_is_kept_back_for_an_hour_is_not_slept_for(desk):
    """The policy knows how long the step is patient; a wait of its own would be bounded by nothing."""
    text = JOB.replace("      cancel:", "      result: {path: /result}\n      cancel:")
    answers = {
        "/jobs": say({"id": 1}),
        "/jobs/1": say({"status": "done"}),
        "/result": say({"detail": "slow down"}, 429, Retry_After="3600"),
    }
    with web(lambda asked: answers[asked.path]) as server, pytest.raises(errors.RateLimited) as caught:
        desk.call(text, server, prompt="a fox")

    assert caught.value.wait_s == 3600


def event(piece: str) -> bytes:
    """One event of a chat."""
    return b"data: " + json.dumps({"choices": [{"delta": {"content": piece}}]}).encode() + b"\n\n"


def test_a_chat_is_told_as_it_is_written_and_joined(desk):
    """Comments, empty pieces and events without text are part of every stream."""
    silent = b": keep-alive\n\n" + b'data: {"choices": []}\n\n'
    body = silent + event("Once ") + event("") + event("upon 👋") + b"data: [DONE]\n\nnot read"
    with web(lambda _: Answer(body, type="text/event-stream; charset=utf-8")) as server:
        (text,) = desk.call(CHAT, server, prompt="tell me")

    assert text == "Once upon 👋"
    assert desk.heard(Written) == [Written("Once "), Written("upon 👋")]


def test_an_error_that_http_calls_good_is_a_failure(desk):
    """Servers at home answer 200 to a path that they do not have, with words that say so."""
    with (
        web(lambda _: say({"error": "NSFW content detected"})) as server,
        pytest.raises(errors.RejectedInput, match="NSFW content detected"),
    ):
        desk.call(PICTURE, server, prompt="a fox")


def test_an_answer_of_many_little_objects_is_refused_before_it_is_decoded(desk):
    """The next one would be as large: it is told as that, and not as an answer that is no JSON."""
    body = b'{"images": [' + b'{"a":1},' * 500_000 + b"1]}"
    with (
        web(lambda _: Answer(body)) as server,
        pytest.raises(errors.OverBound, match=r"would take .* of memory"),
    ):
        desk.call(PICTURE, server, prompt="a fox")


def test_half_a_text_does_not_pass_for_a_whole_one(desk):
    """A gateway that gives up ends the stream as politely as the model would."""
    text = CHAT.replace('content"}', 'content", finish: "choices[0].finish_reason"}')
    last = b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n'
    for ending in (last, b"data: [DONE]\n\n"):
        body = event("Once ") + ending
        with web(lambda _, body=body: Answer(body, type="text/event-stream")) as server:
            assert desk.call(text, server, prompt="tell me") == ("Once ",)
    with (
        web(lambda _: Answer(event("Once "), type="text/event-stream")) as server,
        pytest.raises(errors.Unreachable, match="broke its answer off after 5 letters"),
    ):
        desk.call(text, server, prompt="tell me")


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("it broke", errors.Crashed),
        ("overloaded", errors.Busy),
        ("Model is overloaded", errors.Busy),
        ("Rate limit reached for requests", errors.RateLimited),
        ("You exceeded your current quota, please check your plan", errors.OutOfQuota),
        ("The response was flagged by our content filter", errors.RejectedInput),
    ],
)
def test_an_error_inside_a_stream_is_a_failure(desk, said, kind):
    """HTTP said 200 long before; half a text must not pass for a whole one."""
    body = event("Once ") + f'data: {{"error": {{"message": "{said}"}}}}\n\n'.encode()
    with (
        web(lambda _: Answer(body, type="text/event-stream")) as server,
        pytest.raises(kind) as caught,
    ):
        desk.call(CHAT, server, prompt="tell me")

    assert type(caught.value) is kind
    assert caught.value.said == said


@pytest.mark.parametrize(
    ("answer", "kind", "said", "wait_s"),
    [
        (
            say({"detail": "It resets in ~30s."}, 429),
            errors.RateLimited,
            "It resets in ~30s.",
            30,
        ),
        (say({"detail": "Please try again in 6m0s."}, 429), errors.RateLimited, "Please try again", 360),
        (say({"detail": "1 h 2 minutes, it says"}, 429), errors.RateLimited, "1 h 2", 3720),
        (say({"error": {"message": "slow down"}}, 429, retry_after="7"), errors.RateLimited, "slow down", 7),
        (say({"error": "no credit"}, 402), errors.OutOfQuota, "no credit", None),
        (say({"message": f"bad key {KEY}"}, 401), errors.Unauthorized, "bad key ***", None),
        (say({"finish_reason": "CONTENT_FILTERED", "images": [BASE64]}), errors.RejectedInput, None, None),
        (say({"detail": "steps"}, 422), errors.RejectedInput, "steps", None),
        (say({"error": "boom"}, 500), errors.Crashed, "boom", None),
        (say({"error": "Model is overloaded"}, 503), errors.Busy, "Model", None),
        (say({"error": "currently loading", "estimated_time": 9}, 503), errors.Building, "currently", 9),
        (say({"error": "You exceeded your current quota"}, 429), errors.OutOfQuota, "You", None),
        (say({"error": "blocked by our content policy"}, 403), errors.RejectedInput, "blocked", None),
        (say({"error": "Service unavailable, try again in 3m"}, 503), errors.Unreachable, "Service", 180),
        (say({}, 504), errors.TimedOut, None, None),
        (say({}, 502), errors.Unreachable, None, None),
        (say({"images": []}), errors.UnexpectedAnswer, None, None),
        (say({"images": ["!"]}), errors.UnexpectedAnswer, None, None),
        (say({"images": ["http://["]}), errors.UnexpectedAnswer, None, None),
    ],
    ids=[
        "429-words",
        "429-minutes",
        "429-any-duration",
        "429-header",
        "402",
        "401",
        "filtered",
        "422",
        "500",
        "503-overloaded",
        "503-loading",
        "429-quota",
        "403-filtered",
        "503-words",
        "504",
        "502",
        "empty",
        "no-picture",
        "no-address",
    ],
)
def test_a_refusal_has_its_class_its_words_and_its_wait(desk, answer, kind, said, wait_s):
    """What is done about a failure hangs on its class; a key that a vendor repeats is in no word of it."""
    with web(lambda _: answer) as server, pytest.raises(kind) as caught:
        desk.call(PICTURE, server, prompt="a fox")

    assert type(caught.value) is kind
    assert caught.value.wait_s == wait_s
    assert said is None or caught.value.said.startswith(said)
    assert KEY not in f"{caught.value!r} {caught.value.said} {caught.value.hint}"


def test_a_place_that_takes_no_more_calls_for_now_says_so_with_a_good_answer(desk):
    """Who heeds it is not refused; a run that fans out would only learn it from the next call's failure."""
    answer = say({"images": [BASE64]}, RateLimit='"api";r=0;t=55')
    with web(lambda _: answer) as server:
        desk.call(PICTURE, server, prompt="a fox")

    assert desk.heard(UsedUp) == [UsedUp(55)]


def test_a_missing_key_is_told_before_anything_is_sent(desk):
    """Which variable, and where to get what belongs into it."""
    with (
        web(lambda _: say({})) as server,
        pytest.raises(errors.Unauthorized, match="ACME_KEY is not set") as caught,
    ):
        replace(desk, key=None).call(PICTURE, server, prompt="a fox")

    assert "https://acme.example/keys" in (caught.value.hint or "")
    assert server.asked == []


def test_a_hugging_face_token_is_sent_to_nobody_else(desk):
    """Whatever variable it stands in, and whatever a file says."""
    with web(lambda _: say({})) as server, pytest.raises(errors.Unauthorized, match="Hugging Face token"):
        replace(desk, key="hf_abcdefghij").call(PICTURE, server, prompt="a fox")

    assert server.asked == []


def test_the_key_does_not_follow_a_picture_to_another_host(desk):
    """Results lie on delivery hosts and behind redirects; neither is the vendor's API."""
    with web(lambda _: Answer(PNG, type="image/png")) as far:
        answers = {
            "/draw": say({"images": ["/near.png"]}),
            "/near.png": Answer(status=302, headers={"location": f"{far.url}/a.png"}),
        }
        with web(lambda asked: answers[asked.path]) as server:
            (image,) = desk.call(PICTURE, server, prompt="a fox")

    assert image.path.read_bytes() == PNG
    assert "authorization" in server.asked[1].headers
    assert "authorization" not in far.asked[0].headers
    assert KEY not in str(far.asked)


def test_a_workflow_is_filled_in(desk, tmp_path):
    """The file is the user's own; a gap keeps the type of what fills it, and a typo is told."""
    path = tmp_path / "flow.json"
    nodes = {
        "3": {"class_type": "KSampler", "inputs": {"seed": "{{ seed }}", "steps": 20}},
        "6": {
            "class_type": "CLIPTextEncode",
            "_meta": {"title": "Words"},
            "inputs": {"text": "{{prompt}}, oil"},
        },
    }
    path.write_text(json.dumps(nodes))
    text = (
        HEAD
        + """
    takes: {workflow: file}
    uses: workflow
    path: /prompt
    json: {prompt: $workflow}
    gives: {image: {kind: image, from: image}}
"""
    )
    flow = File(path, "flow.json")
    with web(lambda _: say({"image": BASE64})) as server:
        desk.call(text, server, workflow=flow, prompt="a fox", seed=7, **{"KSampler.steps": 30})
        with pytest.raises(errors.RejectedInput, match="no place for 'sead'"):
            desk.call(text, server, workflow=flow, prompt="a fox", seed=7, sead=7)
        with pytest.raises(errors.RejectedInput, match=r"gap \{\{ seed \}\}"):
            desk.call(text, server, workflow=flow, prompt="a fox")

    sent = json.loads(server.asked[0].body)["prompt"]
    assert sent["3"]["inputs"] == {"seed": 7, "steps": 30}
    assert sent["6"]["inputs"] == {"text": "a fox, oil"}
    assert len(server.asked) == 1


@pytest.mark.parametrize("charset", ["idna", "zlib", "bz2", "undefined", "hex"])
@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_header_that_names_no_encoding_ends_nothing(desk, status, charset):
    """Python has codecs that are none of texts; a fault of ours would keep the fallback from being tried."""
    answer = Answer(b"out of order \x80", status, f"text/plain; charset={charset}")
    with web(lambda _: answer) as server, pytest.raises(errors.CallFailed):
        desk.call(PICTURE, server, prompt="a fox")
    with web(lambda _: answer) as server, pytest.raises(errors.CallFailed, match="out of order"):
        desk.call(CHAT, server, prompt="a fox")
