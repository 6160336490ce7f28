"""`gradio_client`, with threads of its own where calls may run at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from gradio_client import Client, handle_file
from lab import BULK_BYTES, Lab, expect, expect_file

from contestants import Once


@contextmanager
def one_call(lab: Lab) -> Iterator[Once]:
    """`predict` on a client that is there already."""
    with _clients(lab.drawing) as [client]:

        def once(turn: int) -> float:
            text = f"hello {turn}"
            started = perf_counter()
            answer = client.predict(text, api_name="/echo")
            seconds = perf_counter() - started
            expect(answer, text)
            return seconds

        yield once


@contextmanager
def three_steps(lab: Lab) -> Iterator[Once]:
    """Three clients that are there already."""
    with _clients(lab.drawing, lab.moving, lab.speaking) as clients:

        def once(turn: int) -> float:
            started = perf_counter()
            found = _chain(clients, turn)
            seconds = perf_counter() - started
            for path in found:
                expect_file(path)
            return seconds

        yield once


@contextmanager
def three_steps_anew(lab: Lab) -> Iterator[Once]:
    """As a script does it: the three clients are made first, and that counts."""

    def once(turn: int) -> float:
        started = perf_counter()
        with _clients(lab.drawing, lab.moving, lab.speaking) as clients:
            found = _chain(clients, turn)
            seconds = perf_counter() - started
        for path in found:
            expect_file(path)
        return seconds

    yield once


@contextmanager
def diamond(lab: Lab) -> Iterator[Once]:
    """One call, four submitted together, one with their results."""
    with _clients(lab.drawing, lab.moving, lab.speaking) as [first, middle, last]:

        def once(turn: int) -> float:
            started = perf_counter()
            text = first.predict(f"hello {turn}", api_name="/echo")
            jobs = [middle.submit(text, 0.5, api_name="/wait") for _ in range(4)]
            joined = last.predict(*(job.result() for job in jobs), api_name="/join")
            seconds = perf_counter() - started
            expect(joined, " ".join([f"hello {turn}"] * 4))
            return seconds

        yield once


@contextmanager
def four_items(lab: Lab) -> Iterator[Once]:
    """Four calls of 0.5 s, submitted together."""
    with _items(lab, 4, 0.5) as once:
        yield once


@contextmanager
def twenty_items(lab: Lab) -> Iterator[Once]:
    """Twenty calls of 0.2 s, submitted together."""
    with _items(lab, 20, 0.2) as once:
        yield once


@contextmanager
def hand_over(lab: Lab) -> Iterator[Once]:
    """`predict` fetches the file, `handle_file` sends it."""
    with _clients(lab.drawing, lab.moving) as [first, second]:

        def once(turn: int) -> float:
            started = perf_counter()
            path = first.predict(turn, api_name="/bulk")
            weight = second.predict(handle_file(path), api_name="/weigh")
            seconds = perf_counter() - started
            expect(weight, BULK_BYTES)
            return seconds

        yield once


@contextmanager
def _items(lab: Lab, count: int, seconds_each: float) -> Iterator[Once]:
    with _clients(lab.moving) as [client]:

        def once(turn: int) -> float:
            texts = [f"item {number} of turn {turn}" for number in range(count)]
            started = perf_counter()
            jobs = [client.submit(one, seconds_each, api_name="/wait") for one in texts]
            answers = [job.result() for job in jobs]
            seconds = perf_counter() - started
            expect(answers, texts)
            return seconds

        yield once


def _chain(clients: list[Client], turn: int) -> tuple[str, str]:
    first, second, third = clients
    picture = first.predict(f"picture {turn}", api_name="/draw")
    clip, caption = second.predict(handle_file(picture), api_name="/animate")
    voice = third.predict(caption, api_name="/speak")
    return clip, voice


@contextmanager
def _clients(*urls: str) -> Iterator[list[Client]]:
    clients = [Client(url, verbose=False, analytics_enabled=False) for url in urls]
    try:
        yield clients
    finally:
        for client in clients:
            client.close()
