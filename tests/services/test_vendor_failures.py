"""The shipped service files against emulations of their vendors: what a user is told when it fails."""

import anyio
import pytest
from services.vendors.automatic1111 import Automatic1111
from services.vendors.comfyui import ComfyUi
from services.vendors.replicate import Replicate

from chains.loader import loads
from pipelines import run_chain_async
from pipelines.running.resume import begun_run, load_begun, resume
from pipelines.running.workshop import Settings
from spaces_registry.errors import Unauthorized

WORDS = {"with": {"prompt": "a lighthouse"}}
ASYNC = {"endpoint": "text-to-image-async", **WORDS}
TALK = {"endpoint": "chat", "gives": "text", **WORDS}
FLOW = {"with": {"workflow": "workflow.json"}}

KEYS = {
    "replicate": "REPLICATE_API_TOKEN",
    "fal": "FAL_KEY",
    "deepinfra": "DEEPINFRA_API_KEY",
    "stability": "STABILITY_API_KEY",
    "cogview": "ZHIPUAI_API_KEY",
    "wizmodel": "WIZMODEL_API_KEY",
    "openai": "OPENAI_API_KEY",
    "endpoints": "INFERENCE_ENDPOINT_TOKEN",
}

FAILURES = [
    ("replicate", "429", WORDS, "rate-limited", "throttled"),
    ("replicate", "402", WORDS, "out-of-quota", "insufficient credit"),
    ("replicate", "503", WORDS, "unreachable", "503"),
    ("replicate", "moderated", WORDS, "rejected-input", "NSFW content detected"),
    ("replicate", "flagged", WORDS, "rejected-input", "flagged as sensitive"),
    ("replicate", "crash", WORDS, "crashed", "Loading weights"),
    ("fal", "429", WORDS, "rate-limited", "retry in 7 seconds"),
    ("fal", "402", WORDS, "out-of-quota", "Exhausted balance"),
    ("fal", "moderated", WORDS, "rejected-input", "flagged by a content checker"),
    ("fal", "blackened", WORDS, "rejected-input", "has_nsfw_concepts"),
    ("fal", "crash", WORDS, "crashed", "device-side assert"),
    ("fal", "timeout", WORDS, "timed-out", "Generation timeout"),
    ("deepinfra", "429", WORDS, "rate-limited", "Rate limited"),
    ("deepinfra", "429-busy", WORDS, "busy", "Model busy"),
    ("deepinfra", "402", WORDS, "out-of-quota", "top up your balance"),
    ("deepinfra", "moderated", WORDS, "rejected-input", "NSFW"),
    ("deepinfra", "crash", WORDS, "crashed", "CUDA error"),
    ("stability", "429", WORDS, "rate-limited", "150 requests"),
    ("stability", "402", WORDS, "out-of-quota", "lack sufficient credits"),
    ("stability", "moderated", WORDS, "rejected-input", "content moderation system"),
    ("stability", "filtered", WORDS, "rejected-input", "CONTENT_FILTERED"),
    ("stability", "crash", WORDS, "crashed", "internal error occurred"),
    ("automatic1111", "crash", WORDS, "crashed", "CUDA out of memory"),
    ("automatic1111", "no-api", WORDS, "drifted", "Not Found"),
    ("comfyui", "crash", FLOW, "crashed", "node 3 (KSampler): Allocation on device"),
    ("cogview", "429", WORDS, "rate-limited", "并发数过高"),
    ("cogview", "402", WORDS, "out-of-quota", "已欠费"),
    ("cogview", "moderated", WORDS, "rejected-input", "敏感内容"),
    ("cogview", "crash", WORDS, "crashed", "内部错误"),
    ("cogview", "crash", ASYNC, "crashed", "生成失败"),
    ("cogview", "moderated", ASYNC, "rejected-input", "敏感内容"),
    ("wizmodel", "429", WORDS, "rate-limited", "Too Many Requests"),
    ("wizmodel", "402", WORDS, "out-of-quota", "no credits left"),
    ("wizmodel", "moderated", WORDS, "rejected-input", "NSFW"),
    ("wizmodel", "crash", WORDS, "crashed", "CUDA out of memory"),
    ("openai", "429", WORDS, "rate-limited", "Please try again in 12s"),
    ("openai", "402", WORDS, "out-of-quota", "exceeded your current quota"),
    ("openai", "moderated", WORDS, "rejected-input", "safety system"),
    ("openai", "crash", WORDS, "crashed", "had an error"),
    ("openai", "stream-error", TALK, "crashed", "had an error"),
    ("tgi", "429", TALK, "busy", "overloaded"),
    ("tgi", "invalid", TALK, "rejected-input", "max_new_tokens"),
    ("tgi", "crash", TALK, "crashed", "CUDA out of memory"),
    ("tgi", "incomplete", TALK, "crashed", "Incomplete generation"),
    ("endpoints", "429", WORDS, "rate-limited", "Too many requests"),
    ("endpoints", "402", WORDS, "out-of-quota", "no credits"),
    ("endpoints", "503", WORDS, "busy", "currently loading"),
    ("endpoints", "crash", WORDS, "crashed", "CUDA out of memory"),
]


@pytest.mark.parametrize("case", FAILURES, ids=[f"{one[0]}-{one[1]}" for one in FAILURES])
def test_a_failure_has_its_class_and_the_vendors_own_words(ask, vendors, case):
    """The class decides whether to wait, go elsewhere or stop; the words are what a person can act on."""
    service, how, step, code, words = case
    vendors.by_name[service].fail(how)

    error = ask(service, **step).error

    assert error["code"] == code, error
    assert words in error["said"]


WAITS = [
    ("replicate", "429", "rate-limited", 30),
    ("fal", "429", "rate-limited", 7),
    ("deepinfra", "429", "rate-limited", 11),
    ("stability", "429", "rate-limited", 60),
    ("cogview", "429", "rate-limited", 10),
    ("wizmodel", "429", "rate-limited", 5),
    ("openai", "429", "rate-limited", 12),
    ("endpoints", "429", "rate-limited", 9),
    ("endpoints", "503", "busy", 20),
]


@pytest.mark.parametrize(("service", "how", "failure", "wait_s"), WAITS)
def test_the_wait_that_a_vendor_asks_for_is_understood(ask, vendors, service, how, failure, wait_s):
    """In a header, in the middle of a sentence, or only in its documentation: asking sooner is in vain."""
    vendors.by_name[service].fail(how)

    made = ask(service, **WORDS)

    (attempt,) = made.run.steps["made"].result.calls[0].attempts
    assert (attempt.failure, attempt.wait_s) == (failure, wait_s)


@pytest.mark.parametrize("service", KEYS)
def test_a_wrong_key_is_said_once_and_is_in_nothing_that_is_kept(
    ask, vendors, monkeypatch, home, tmp_path, service
):
    """Vendors repeat the key in what they say; what is kept of a run is shown to others."""
    monkeypatch.setenv(KEYS[service], "wrong-key-of-mine")

    made = ask(service, **WORDS)

    assert made.error["code"] == "unauthorized"
    assert vendors.by_name[service].creates == 0
    kept = [one for folder in (home, tmp_path) for one in folder.rglob("*") if one.is_file()]
    assert any(one.name == "run.json" for one in kept)
    assert not [one for one in kept if b"wrong-key-of-mine" in one.read_bytes()]


@pytest.mark.parametrize("service", [one for one in KEYS if one != "endpoints"])
def test_a_missing_key_is_told_before_anything_is_sent(ask, vendors, monkeypatch, service):
    """The first thing that a new user meets: which variable, and where to get what belongs into it."""
    monkeypatch.delenv(KEYS[service])

    with pytest.raises(Unauthorized, match=KEYS[service]) as refused:
        ask(service, **WORDS)

    assert "https://" in refused.value.hint
    assert vendors.by_name[service].asked == []


def test_a_wrong_password_of_an_automatic1111_is_said(ask, vendors, monkeypatch):
    """Its own words tell a wrong password from a missing one."""
    vendors.get(Automatic1111).key = "me:secret"
    missing = ask("automatic1111", **WORDS).error
    monkeypatch.setenv("AUTOMATIC1111_AUTH", "me:guess")
    wrong = ask("automatic1111", **WORDS).error

    assert (missing["code"], missing["said"]) == ("unauthorized", "Not authenticated")
    assert (wrong["code"], wrong["said"]) == ("unauthorized", "Incorrect username or password")


def test_a_hugging_face_token_does_not_go_to_an_endpoint_elsewhere(ask, vendors, monkeypatch):
    """Nearly every user has HF_TOKEN set; an endpoint of the same dialect may stand anywhere."""
    monkeypatch.delenv("INFERENCE_ENDPOINT_TOKEN")
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_users")

    error = ask("endpoints", **WORDS).error

    assert error["code"] == "unauthorized"
    assert "authorization" not in vendors.by_name["endpoints"].last().headers


@pytest.mark.parametrize("service", ["replicate", "fal", "cogview", "openai"])
def test_an_address_that_has_expired_is_a_failure_and_no_picture(ask, vendors, service):
    """The page that a delivery host shows instead must never become the result."""
    vendors.by_name[service].fail("expired")
    model = {"model": "dall-e-3"} if service == "openai" else {}

    error = ask(service, **{"with": {"prompt": "a lighthouse", **model}}).error

    assert error["code"] in ("bad-output", "missing", "unreachable"), error
    assert vendors.fetched


REFUSED = [
    ("replicate", {"with": {"prompt": "x", "num_inference_steps": "many"}}, "num_inference_steps"),
    ("replicate", {"endpoint": "run", "with": {"model": "black-forest-labs/flux-dev"}}, "prompt is required"),
    ("fal", {"endpoint": "run", "with": {"model": "fal-ai/flux/dev"}}, "Field required"),
    ("deepinfra", {"with": {"prompt": "x", "model": "hexgrad/Kokoro-82M"}}, "field required"),
    ("stability", {"with": {"prompt": "x", "aspect_ratio": "21:9"}}, "aspect_ratio: must be one of"),
    ("automatic1111", {"with": {"prompt": "x", "sampler": "Eular"}}, "Sampler not found"),
    ("cogview", {"with": {"prompt": "x", "size": "7x7"}}, "size参数非法"),
    ("openai", {"with": {"prompt": "x", "response_format": "url"}}, "Unknown parameter"),
    ("comfyui", {"with": {"workflow": "workflow.json", "4.ckpt_name": "none.ckpt"}}, "Value not in list"),
]


@pytest.mark.parametrize(("service", "step", "words"), REFUSED, ids=[f"{one[0]}-{one[2]}" for one in REFUSED])
def test_what_a_vendor_refuses_is_rejected_input_in_its_own_words(ask, vendors, service, step, words):
    """Arguments that only the vendor can judge: trying again or elsewhere would cost and not help."""
    gives = {"gives": "file"} if step.get("endpoint") == "run" else {}

    error = ask(service, **step, **gives).error

    assert error["code"] == "rejected-input"
    assert words in error["said"]
    assert vendors.by_name[service].creates == 0


@pytest.mark.parametrize("service", ["replicate", "fal", "deepinfra", "cogview", "openai"])
def test_a_model_that_is_not_there_is_missing(ask, service):
    """A typing mistake in a model's name is the most frequent one, and no fault of the arguments."""
    error = ask(service, **{"with": {"prompt": "x", "model": "nobody/nothing"}}).error

    assert error["code"] == "missing", error


def test_a_server_of_ones_own_that_does_not_run_is_unreachable(ask, monkeypatch):
    """The commonest state of a local server is that it was not started."""
    monkeypatch.setenv("COMFYUI_URL", "http://127.0.0.1:9")

    error = ask("comfyui", **FLOW).error

    assert error["code"] == "unreachable"
    where = "it was looked for at http://127.0.0.1:9; start it, or say where it is"
    assert error["hint"] == f"{where}: COMFYUI_URL, or `url:` in the step"


@pytest.mark.parametrize("how", ["poll-503", "poll-500", "poll-429"])
def test_one_refused_look_at_a_job_does_not_lose_it(ask, vendors, how):
    """A job is paid for when it is created; a gateway's hiccup must not create it again."""
    vendors.get(Replicate).fail("", how)

    given = {"model": "black-forest-labs/flux-dev", "prompt": "x"}
    made = ask("replicate", endpoint="run", gives="file", **{"with": given})

    assert made.files
    assert vendors.get(Replicate).creates == 1


@pytest.mark.parametrize("how", ["poll-503", "poll-500", "poll-429"])
def test_a_job_of_which_nothing_is_said_for_long_is_asked_for_by_the_next_tries(ask, vendors, how):
    """The vendor works on, whatever becomes of questions; every new try would pay for the same once more."""
    vendors.get(Replicate).fail("", *[how] * 14)

    given = {"model": "black-forest-labs/flux-dev", "prompt": "x"}
    retry = {"attempts": 4, "wait": "1ms"}
    made = ask("replicate", endpoint="run", gives="file", retry=retry, **{"with": given})

    assert made.files
    assert vendors.get(Replicate).creates == 1


def test_a_resumed_run_asks_for_the_job_that_it_lost_sight_of(ask, vendors):
    """The network came back in the morning; the vendor has had the picture since last night."""
    vendors.get(Replicate).fail("", *["poll-503"] * 6)
    given = {"model": "black-forest-labs/flux-dev", "prompt": "x"}
    failed = ask("replicate", endpoint="run", gives="file", **{"with": given})
    assert failed.error["code"] == "unreachable"

    settings = Settings()
    begun = begun_run(failed.run.id, settings)
    again = anyio.run(lambda: resume(begun, load_begun(begun, settings), settings))

    assert again.ok
    assert vendors.get(Replicate).creates == 1


CANCELS = [
    ("replicate", WORDS, "cancelled"),
    ("fal", WORDS, "cancelled"),
    ("comfyui", FLOW, "cancelled"),
    ("automatic1111", WORDS, "cancelled"),
    ("deepinfra", WORDS, "left"),
    ("stability", WORDS, "left"),
    ("cogview", WORDS, "left"),
    ("wizmodel", WORDS, "left"),
    ("openai", WORDS, "left"),
    ("openai", TALK, "left"),
    ("tgi", TALK, "left"),
    ("endpoints", WORDS, "left"),
]


@pytest.mark.parametrize(("service", "step", "how"), CANCELS)
def test_an_interrupted_run_ends_the_work_at_the_vendor(recipe, vendors, tmp_path, service, step, how):
    """Work that nobody waits for any more is still charged for, unless the vendor is told or left."""
    vendor = vendors.by_name[service]
    vendor.fail("never")
    path = recipe(service, **step)
    chain = loads(path.read_text(), file=path.name, folder=tmp_path)

    async def interrupted() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: run_chain_async(chain, out=tmp_path / "outputs"))
            await anyio.to_thread.run_sync(vendor.held.wait)
            tasks.cancel_scope.cancel()

    anyio.run(interrupted)

    getattr(vendor, how).wait()


def test_an_interrupt_ends_what_runs_in_comfyui_and_what_waits_there(recipe, vendors, tmp_path):
    """Its queue is one for all; what was left in it would be worked on before what the user wants next."""
    vendor = vendors.get(ComfyUi)
    vendor.fail("never", "never")
    path = recipe("comfyui", each=["a", "b"], **{"with": {"workflow": "workflow.json", "6.text": "$item"}})
    chain = loads(path.read_text(), file=path.name, folder=tmp_path)

    async def interrupted() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: run_chain_async(chain, out=tmp_path / "outputs"))
            await anyio.to_thread.run_sync(vendor.held.wait, 2)
            tasks.cancel_scope.cancel()

    anyio.run(interrupted)

    vendor.cancelled.wait(2)
    assert vendor.open_jobs == []


def test_an_interrupt_while_a_job_is_created_still_ends_the_job(recipe, vendors, tmp_path):
    """The vendor has accepted it and we do not know its name yet: left alone, it runs and is charged for."""
    vendor = vendors.get(Replicate)
    vendor.fail("slow")
    path = recipe("replicate", **WORDS)
    chain = loads(path.read_text(), file=path.name, folder=tmp_path)

    async def interrupted() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: run_chain_async(chain, out=tmp_path / "outputs"))
            await anyio.to_thread.run_sync(vendor.held.wait)
            tasks.cancel_scope.cancel()
            vendor.release.set()

    anyio.run(interrupted)

    vendor.cancelled.wait()
