"""What places send: too large, too slow, without end, packed to burst, from where nobody may be asked."""

import gzip
import threading
import tracemalloc
import zlib
from collections.abc import Iterable, Iterator

import anyio
import pytest
from unfair import head, origin_at, raw
from web import Answer, say, stream, web

from spaces_registry import Clocks
from spaces_registry.apps.app import App, describe
from spaces_registry.errors import BadOutput, CallFailed, OverBound, RateLimited, TimedOut, Unreachable
from spaces_registry.network.intake import Rule
from spaces_registry.network.origin import patience
from spaces_registry.network.reach import Network, may_lead, nearest_network

pytestmark = pytest.mark.anyio
LIMITS = patience(2, 5)
CLOCKS = Clocks(connect_s=2, quiet_s=5, queue_s=10, run_s=10)
MB = 2**20


async def taken(origin, url: str, rule: Rule | None = None) -> bytes:
    """All that a URL gives."""
    async with origin.stream("GET", url, limits=LIMITS, rule=rule) as response, origin.bordered():
        return await response.aread()


def endless(_: bytes) -> Iterator[bytes]:
    """An answer without end."""
    yield head("content-type: image/png")
    while True:
        yield b"x" * 65536


async def test_an_answer_without_end_is_not_read_on(client, bounds):
    """It would fill the memory."""
    with raw(endless) as url, pytest.raises(BadOutput, match="gives more than 1 MB"):
        await taken(origin_at(url, client, bounds(answer_bytes=MB)), url)


async def test_a_file_without_end_is_not_read_on(client, bounds):
    """It would fill the disk."""
    with raw(endless) as url, pytest.raises(BadOutput, match="gives more than 3 MB"):
        await taken(origin_at(url, client, bounds()), url, Rule(3 * MB, is_file=True))


async def test_a_file_that_drips_is_not_waited_for(client, bounds):
    """A byte now and then keeps every clock of silence from running out."""
    gone = threading.Event()

    def drip(_: bytes) -> Iterator[bytes]:
        yield head("content-length: 1000000")
        while not gone.wait(0.02):
            yield b"x"

    with raw(drip) as url:
        with pytest.raises(Unreachable, match="only drips"):
            await taken(origin_at(url, client, bounds(pace_s=0.3)), url, Rule(MB, is_file=True))
        gone.set()


async def test_a_file_must_end_some_time(client, bounds):
    """One that keeps its pace for ever would keep a run for ever."""
    with raw(endless) as url, pytest.raises(Unreachable, match="did not end within"):
        await taken(origin_at(url, client, bounds(download_s=0.2)), url, Rule(10**15, is_file=True))


BOMB = gzip.compress(b"\0" * 50 * MB, mtime=0)


@pytest.mark.parametrize(
    ("packing", "body"),
    [("gzip", BOMB), ("deflate", zlib.compress(b"\0" * 50 * MB)), ("x-gzip", BOMB)],
)
async def test_a_packed_bomb_is_measured_as_it_is_unpacked(client, bounds, packing, body):
    """Fifty kilobytes that stand for fifty megabytes."""
    answer = Answer(body, headers={"content-encoding": packing})
    tracemalloc.start()
    try:
        with web(lambda _: answer) as served, pytest.raises(BadOutput, match="gives more than 1 MB"):
            await taken(origin_at(served.url, client, bounds(answer_bytes=MB)), served.url)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert most < 10 * MB


@pytest.mark.parametrize("packing", ["br", "zstd", "gzip, gzip, gzip", "compress", "gzip,br"])
async def test_a_packing_that_was_not_asked_for_is_refused(client, bounds, packing):
    """Brotli unpacks a piece of any size at once, and gzip in gzip in gzip a thousandfold each time."""
    answer = Answer(b"\x0b\x02\x80ok\x03", headers={"content-encoding": packing})
    with web(lambda _: answer) as served, pytest.raises(BadOutput, match="not asked for"):
        await taken(origin_at(served.url, client, bounds()), served.url)

    assert served.asked[0].headers["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize(
    ("packing", "body"),
    [
        ("gzip", gzip.compress(b"hello ", mtime=0) + gzip.compress(b"you", mtime=0)),
        ("deflate", zlib.compress(b"hello you")),
        ("deflate", zlib.compress(b"hello you", wbits=-15)),
        ("identity", b"hello you"),
    ],
)
async def test_what_was_asked_for_is_unpacked(client, bounds, packing, body):
    """Honest servers pack, each in its way."""
    answer = Answer(body, headers={"content-encoding": packing})
    with web(lambda _: answer) as served:
        assert await taken(origin_at(served.url, client, bounds()), served.url) == b"hello you"


async def test_damaged_packing_is_told(client, bounds):
    """It is the place's fault, and no fault of ours."""
    answer = Answer(b"no gzip at all", headers={"content-encoding": "gzip"})
    with web(lambda _: answer) as served, pytest.raises(BadOutput, match="cannot be unpacked"):
        await taken(origin_at(served.url, client, bounds()), served.url)


@pytest.mark.parametrize("length", ["1000000", "9" * 5000, "\xb2"])
async def test_a_length_that_is_not_kept_is_told(client, bounds, length):
    """Half a file must not pass for one; nor may a length be a fault of ours."""

    def short(_: bytes) -> Iterator[bytes]:
        yield head().replace(b"connection", f"content-length: {length}\r\nconnection".encode("latin-1"))
        yield b"x"

    with raw(short) as url, pytest.raises(Unreachable):
        await taken(origin_at(url, client, bounds()), url)


async def test_what_comes_behind_the_announced_end_is_left(client, bounds):
    """It would be the next answer's beginning."""

    def long(_: bytes) -> Iterator[bytes]:
        yield head("content-length: 2") + b"okHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"

    with raw(long) as url:
        origin = origin_at(url, client, bounds())
        assert [await taken(origin, url), await taken(origin, url)] == [b"ok", b"ok"]


async def test_of_a_refusal_only_the_beginning_is_read(client, bounds):
    """Its class is what counts; its words may be of any length."""

    def refuse(_: bytes) -> Iterator[bytes]:
        yield head("content-type: text/plain", status="500 Oops")
        while True:
            yield b"x" * 65536

    with raw(refuse) as url:
        assert len(await taken(origin_at(url, client, bounds(refusal_bytes=1000)), url)) == 1000


async def test_redirects_end(client, bounds):
    """A circle of them must not be walked for ever."""
    circle = web(lambda one: Answer(status=302, headers={"location": f"{one.path}x"}))
    with circle as served, pytest.raises(Unreachable, match="more than 5 redirects"):
        await taken(origin_at(served.url, client, bounds()), f"{served.url}/a")

    assert len(served.asked) == 6


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("file:///etc/passwd", "names file address"),
        ("ftp://example.com/x", "names ftp address"),
        ("gopher://x", "names gopher address"),
        ("javascript:1", "names javascript address"),
        ("http://", "more than 1 redirects"),
        ("http://[", "no connection"),
        ("//", "more than 1 redirects"),
    ],
)
async def test_a_redirect_leads_to_no_other_scheme(client, bounds, to, why):
    """Nothing but the web is asked, whatever the HTTP library could ask."""
    refused = pytest.raises(Unreachable, match=why)
    with web(lambda _: Answer(status=302, headers={"location": to})) as served, refused:
        await taken(origin_at(served.url, client, bounds(redirects=1)), served.url)


NEAR = [
    *(
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0.0.0.0",  # noqa: S104 - asked, not bound
        "0",
        "127.8.9.10",
    ),
    *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"),
    *("169.254.169.254", "[::ffff:169.254.169.254]", "[fe80::1]", "10.0.0.1", "192.168.1.1", "172.16.0.1"),
    *("100.64.0.1", "[fc00::1]", "224.0.0.1", "[::7f00:1]", "2852039166"),
]


@pytest.mark.parametrize("host", NEAR)
async def test_a_place_on_the_internet_leads_nobody_to_a_network_of_ours(client, bounds, host):
    """A file's URL could read a router's page, a local server, a cloud's keys; however it is written."""
    origin = origin_at("https://1.1.1.1", client, bounds())
    with pytest.raises(Unreachable, match=r"private network|address that is none"):
        await taken(origin, f"http://{host}:9/x.png")


async def test_a_redirect_leads_nobody_there_either(bounds, monkeypatch):
    """The first address may be as public as it likes; here a proxy stands for the internet."""

    def internet(asked) -> Answer:
        if "metadata" in asked.path:
            return Answer(b"the cloud's keys")
        return Answer(status=302, headers={"location": "http://169.254.169.254/metadata"})

    from spaces_registry.network.origin import open_client  # noqa: PLC0415 - reads the environment

    with web(internet) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        async with open_client() as through_a_proxy:
            origin = origin_at("http://1.1.1.1", through_a_proxy, bounds())
            with pytest.raises(Unreachable, match="private network"):
                await taken(origin, "http://1.1.1.1/x.png")

    assert len(proxy.asked) == 1


async def test_who_answers_is_looked_at_where_its_name_led_elsewhere(client, bounds):
    """A name may lead to the internet when it is looked at, and to us when it is asked."""
    with web(lambda _: Answer(b"ours")) as served:
        origin = origin_at("https://1.1.1.1", client, bounds())
        async with client.stream("GET", served.url) as response:
            with pytest.raises(Unreachable, match="private network"):
                await origin._must_be_there(response.url, response)  # noqa: SLF001 - a name of ours cannot change


def test_a_network_leads_to_the_internet_and_to_itself():
    """A server in the office may name files in the office, and nothing on the machine that asks."""
    assert nearest_network("8.8.8.8") is Network.PUBLIC
    assert may_lead(Network.PRIVATE, Network.PRIVATE)
    assert may_lead(Network.MACHINE, Network.PRIVATE)
    assert not may_lead(Network.PRIVATE, Network.MACHINE)
    assert not may_lead(Network.MACHINE, Network.LINK)
    assert not may_lead(Network.PUBLIC, Network.PRIVATE)


# a whole call of an app that plays no fair game

CONFIG = {
    "version": "6.31.0",
    "api_prefix": "/gradio_api",
    "protocol": "sse_v3",
    "components": [{"id": 1, "type": "json", "props": {"name": "json"}}],
    "dependencies": [{"id": 0, "api_name": "go", "inputs": [], "outputs": [1]}],
}
INFO = {
    "named_endpoints": {
        "/go": {"parameters": [], "returns": [{"label": "Said", "type": {}, "component": "Json"}]}
    },
    "unnamed_endpoints": {},
}


def playing(*pieces: bytes, then: Iterable[bytes] = ()):
    """A Gradio app whose event stream is these bytes."""

    def answer(path: bytes) -> Iterator[bytes]:
        if path == b"/config":
            one = say(CONFIG)
        elif b"/info" in path:
            one = say(INFO)
        elif path.endswith(b"/join"):
            one = say({"event_id": "e"})
        elif b"/queue/data" in path:
            yield head("content-type: text/event-stream")
            yield from pieces
            yield from then
            return
        else:
            one = say({})
        yield head("content-type: application/json", f"content-length: {len(one.body)}") + one.body

    return answer


def event(**message) -> bytes:
    """One message of the stream."""
    return stream({"event_id": "e", **message}).body


def completed(data: str) -> bytes:
    """The last message, its data as JSON text."""
    return f'data: {{"event_id":"e","msg":"process_completed","output":{{"data":[{data}]}}}}\n\n'.encode()


async def called(url, client, bounds, tmp_path, heard: list | None = None):
    """What a call of the app gives."""
    origin = origin_at(url, client, bounds)
    app = App(await describe(origin, CLOCKS), origin)
    tell = (lambda _: None) if heard is None else heard.append
    return await app.call(app.space.endpoint("/go"), {}, folder=tmp_path, clocks=CLOCKS, tell=tell)


@pytest.mark.parametrize(
    "data",
    [
        "[" * 10_000 + "]" * 10_000,
        "[" * 200 + "]" * 200,
        '{"a":' * 150 + "1" + "}" * 150,
        "[" + "[]," * 2_000_000 + "[]]",
    ],
    ids=["10000 lists", "200 lists", "150 objects", "millions of lists"],
)
async def test_an_answer_of_any_depth_and_number_is_bad_output(client, bounds, tmp_path, data, monkeypatch):
    """What nobody can walk down, or what is a gigabyte in memory, is the place's fault."""
    from spaces_registry.network import decoding  # noqa: PLC0415

    monkeypatch.setattr(decoding, "_VALUES", 1_000_000)  # a limit, not code of ours
    with raw(playing(completed(data))) as url, pytest.raises(BadOutput, match="cannot be read"):
        await called(url, client, bounds(), tmp_path)


async def test_an_answer_of_many_little_objects_is_one_that_would_be_as_large_again(client, bounds, tmp_path):
    """It is refused before it is decoded, and not asked for a second time."""
    data = "[" + '{"a":1},' * 500_000 + "1]"
    with raw(playing(completed(data))) as url, pytest.raises(OverBound, match=r"would take .* of memory"):
        await called(url, client, bounds(), tmp_path)


async def test_numbers_and_characters_that_nothing_holds_are_made_fit(client, bounds, tmp_path):
    """They would end in JSON that nobody reads, or in a fault of ours when they are hashed or stored."""
    data = '{"a":NaN,"b":1e999,"c":-Infinity,"d":' + "9" * 4000 + ',"e":"\\ud800x","\\udfff":1,"f":1,"f":2}'
    with raw(playing(completed(data))) as url:
        [found] = await called(url, client, bounds(), tmp_path)

    assert found == {"a": None, "b": None, "c": None, "d": None, "e": "?x", "?": 1, "f": 2}


async def test_differences_nest_no_deeper_than_one_answer_may(client, bounds, tmp_path):
    """Each message is flat; what they add up to is not."""
    first = event(msg="process_generating", output={"data": [[]]})
    deeper = [
        event(msg="process_generating", output={"data": [[["add", [0] * depth + [0], []]]]})
        for depth in range(150)
    ]
    last = event(msg="process_completed", output={"data": [{"__type__": "update"}]})
    with raw(playing(first, *deeper, last)) as url, pytest.raises(BadOutput, match="nested more than"):
        await called(url, client, bounds(), tmp_path)


async def test_a_message_without_an_end_is_not_read_on(client, bounds, tmp_path):
    """A line that never ends would fill the memory."""

    def forever() -> Iterator[bytes]:
        while True:
            yield b"x" * 65536

    with raw(playing(b"data: ", then=forever())) as url, pytest.raises(BadOutput, match="larger than 1 MB"):
        await called(url, client, bounds(answer_bytes=MB), tmp_path)


async def test_a_stream_of_messages_without_end_is_not_read_on(client, bounds, tmp_path):
    """Nor may many small ones go on for ever at full speed."""

    def forever() -> Iterator[bytes]:
        while True:
            yield event(msg="log", log="x" * 1000, level="info")

    with raw(playing(then=forever())) as url, pytest.raises(BadOutput, match="gives more than"):
        await called(url, client, bounds(stream_bytes=4 * MB), tmp_path)


@pytest.mark.parametrize("sign", ["heartbeat", "process_starts", "process_generating"])
async def test_signs_of_life_do_not_stop_the_clocks(client, bounds, tmp_path, sign):
    """An app that says every moment that it begins would begin for ever."""
    gone = threading.Event()

    def alive() -> Iterator[bytes]:
        yield event(msg="process_starts")
        while not gone.wait(0.02):
            yield event(msg=sign, output={"data": [[]]})

    origin_bounds, clocks = bounds(), Clocks(connect_s=2, quiet_s=5, queue_s=10, run_s=0.5)
    with raw(playing(then=alive())) as url:
        origin = origin_at(url, client, origin_bounds)
        app = App(await describe(origin, CLOCKS), origin)
        with pytest.raises(TimedOut):
            await app.call(app.space.endpoint("/go"), {}, folder=tmp_path, clocks=clocks)
        gone.set()


async def test_odd_facts_of_a_call_are_no_fault_of_ours(client, bounds, tmp_path):
    """A duration of four hundred digits, a queue of as many, words of a megabyte."""
    huge = int("9" * 290)
    heard: list = []
    pieces = (
        event(msg="estimation", rank=huge, queue_size=-huge, rank_eta=huge),
        event(msg="log", log="y" * MB, level="z" * MB),
        event(
            msg="progress", progress_data=[{"desc": "d" * MB, "unit": "u" * MB, "index": huge, "length": 0}]
        ),
        event(msg="process_completed", output={"data": [1], "duration": huge}),
    )
    with raw(playing(*pieces)) as url:
        assert await called(url, client, bounds(), tmp_path, heard) == (1,)

    assert max(len(repr(one)) for one in heard) < 30_000


@pytest.mark.parametrize("wait", ["9" * 400, "\xb2", "1e999", "-5", "nan"])
async def test_a_wait_that_nobody_can_wait_is_told_as_one_that_can(client, bounds, wait, tmp_path):
    """A run that is parked until the year 10^400 cannot even say so."""

    def answer(_: bytes) -> Iterator[bytes]:
        body = b'{"detail": "try again in 99999999999999999999999 days, 1:00:00"}'
        lines = head(f"content-length: {len(body)}", status="429 Slow")
        yield lines.replace(b"connection", f"retry-after: {wait}\r\nconnection".encode("latin-1")) + body

    with raw(answer) as url, pytest.raises(RateLimited) as failed:
        await called(url, client, bounds(), tmp_path)

    assert failed.value.wait_s is None or 0 <= failed.value.wait_s <= 366 * 86400


async def test_an_error_of_any_depth_and_length_is_told_in_a_line(client, bounds, tmp_path):
    """Its words go to a terminal and into reports."""

    def answer(_: bytes) -> Iterator[bytes]:
        body = b'{"detail":' + b'[{"msg":' * 400 + b'"x"' + b"}]" * 400 + b"}"
        yield head("content-type: application/json", f"content-length: {len(body)}", status="500 Oops") + body

    with raw(answer) as url, pytest.raises(CallFailed) as failed:
        await called(url, client, bounds(), tmp_path)

    said = event(msg="process_completed", success=False, output={"error": "z" * MB})
    with raw(playing(said)) as url, pytest.raises(CallFailed) as long:
        await called(url, client, bounds(), tmp_path)

    assert len(failed.value.message) < 1000
    assert len(long.value.message) < 1000
    assert len(long.value.said or "") < 11_000


async def test_a_call_gives_so_many_files_and_no_more(client, bounds, tmp_path):
    """A gallery of a million pictures is a million requests."""
    files = [{"path": f"/{n}.png", "meta": {"_type": "gradio.FileData"}} for n in range(11)]
    config = {**CONFIG, "components": [{"id": 1, "type": "gallery", "props": {"name": "gallery"}}]}
    info = {
        "named_endpoints": {"/go": {"parameters": [], "returns": [{"label": "G", "component": "Gallery"}]}}
    }

    def answer(asked) -> Answer:
        if asked.path == "/config":
            return say(config)
        if asked.path.endswith("/info"):
            return say(info)
        if asked.path.endswith("/join"):
            return say({"event_id": "e"})
        return stream(
            {
                "event_id": "e",
                "msg": "process_completed",
                "output": {"data": [[{"image": one} for one in files]]},
            }
        )

    with web(answer) as served, pytest.raises(BadOutput, match="more than 10 files"):
        await called(served.url, client, bounds(files=10), tmp_path)

    assert not any("file=" in one.path for one in served.asked)


async def test_a_cookie_of_one_app_goes_to_no_other_on_the_same_host(client, bounds):
    """Cookies know no ports; apps on one machine are strangers nevertheless."""
    cookie = Answer(b"{}", headers={"set-cookie": "session=of-app-a-0123456789; Path=/"})
    with web(lambda _: cookie) as one, web(lambda _: Answer(b"{}")) as other:
        mine = origin_at(one.url, client, bounds())
        await taken(mine, one.url)
        await taken(mine, one.url)
        await taken(mine, f"{other.url}/x.png")
        await taken(origin_at(other.url, client, bounds()), other.url)

    assert "session" in one.asked[1].headers["cookie"]
    assert not any("cookie" in asked.headers for asked in other.asked)


async def test_a_redirect_takes_no_credential_along_and_says_not_where_from(client, bounds, secret):
    """Nor does the way back through a stranger: what is ours is sent to us alone."""
    moved: dict[str, str] = {}
    with (
        web(lambda _: Answer(b"stolen")) as thief,
        web(lambda _: Answer(status=307, headers=moved)) as served,
    ):
        moved["location"] = f"{thief.url}/y"
        headers = {"x-key": secret("key")}
        origin = origin_at(served.url, client, bounds(), token=secret("own"), headers=headers)
        await taken(origin, f"{served.url}/x.png?token=abc")

    [asked] = thief.asked
    assert not {"authorization", "x-key", "cookie", "referer"} & set(asked.headers)
    assert served.asked[0].headers["authorization"]


async def test_what_an_app_repeats_of_ours_is_hidden_in_its_result(client, bounds, tmp_path, secret):
    """A result is stored, shown and handed on to the next place."""

    def answer(asked) -> Answer:
        if asked.path == "/config":
            return say(CONFIG)
        if asked.path.endswith("/info"):
            return say(INFO)
        if asked.path.endswith("/join"):
            return say({"event_id": "e"})
        said = {"you": [asked.headers.get("authorization")]}
        return stream({"event_id": "e", "msg": "process_completed", "output": {"data": [said]}})

    with web(answer) as served:
        origin = origin_at(served.url, client, bounds(), token=secret("own"))
        app = App(await describe(origin, CLOCKS), origin)
        [found] = await app.call(app.space.endpoint("/go"), {}, folder=tmp_path, clocks=CLOCKS)

    assert found == {"you": ["Bearer ***"]}


async def test_a_detached_call_waits_no_longer_than_its_queue_may_be(client, bounds, tmp_path):
    """An app that says that a million others wait must not be believed for years."""
    from spaces_registry.apps.pickup import Pickup  # noqa: PLC0415

    def answer(asked) -> Answer:
        if asked.path == "/config":
            return say(CONFIG)
        if asked.path.endswith("/info"):
            return say(INFO)
        if asked.path.endswith("/join"):
            return say({"event_id": "e"})
        if asked.path.endswith("/status"):
            return Answer(b'{"queue_size":' + b"9" * 290 + b"}")
        return stream({"event_id": "e", "msg": "process_completed", "output": {"data": [1]}})

    with web(answer) as served:
        origin = origin_at(served.url, client, bounds())
        app = App(await describe(origin, CLOCKS), origin)
        clocks = Clocks(connect_s=2, quiet_s=5, queue_s=1, run_s=5)
        with anyio.fail_after(20):
            found = await app.call(
                app.space.endpoint("/go"), {}, folder=tmp_path, clocks=clocks, pickup=Pickup(work_s=0.1)
            )

    assert found == (1,)
