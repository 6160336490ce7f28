"""Jobs of services: which clock runs, which jobs are gone, and what is never asked for twice."""

import pytest
from services.test_engine import HEAD, JOB, PNG, Desk
from web import Answer, say, web

from spaces_registry import errors
from spaces_registry.clocks import Clocks
from spaces_registry.progress import Queued, Started

PICTURE = Answer(PNG, type="image/png")
SILENT = (
    HEAD
    + """
    takes: {prompt: text}
    path: /jobs
    json: {prompt: $prompt}
    job:
      id: id
      status: {path: "/ended/${{ job.id }}", word: ended, done: [good], every: 1ms, up_to: 5ms}
      queue: {path: /queue, working: "on[*].id", waiting: "next[*].id"}
      cancel: {path: "/jobs/${{ job.id }}/cancel"}
    gives: {image: {kind: image, from: url}}
"""
)
"""A job whose state is told only when it has ended; until then it stands in a list."""
GOOD = say({"ended": "good", "url": "/a.png"})
WORKING, WAITING, NOWHERE = (
    say({"on": [{"id": 17}], "next": [{"id": 18}]}),
    say({"on": [{"id": 3}], "next": [{"id": 4}, {"id": 17}]}),
    say({"on": [], "next": []}),
)


@pytest.fixture
def desk(tmp_path) -> Desk:
    folder = tmp_path / "calls"
    folder.mkdir()
    return Desk(folder)


def serving(**more):
    """A server that takes job 17; `ended` and `queue` are what it answers, the last of them for ever."""
    paths = {
        "ended": "/ended/17",
        "queue": "/queue",
        "jobs": "/jobs",
        "state": "/jobs/17",
        "result": "/result",
    }
    answers = {"/jobs": [say({"id": 17})], "/jobs/17/cancel": [say({})], "/a.png": [PICTURE]}
    answers |= {paths[name]: list(several) for name, several in more.items()}

    def answer(asked):
        left = answers[asked.path]
        return left.pop(0) if len(left) > 1 else left[0]

    return web(answer)


def paths(server) -> list[str]:
    """What was asked for, in order."""
    return [one.path for one in server.asked]


@pytest.mark.parametrize(
    ("queue", "clocks", "clock"),
    [
        (WORKING, Clocks(queue_s=60, run_s=0.05), "run"),
        (WAITING, Clocks(queue_s=0.05, run_s=60), "queue"),
    ],
    ids=["working", "waiting"],
)
def test_a_queue_says_which_clock_runs(desk, queue, clocks, clock):
    """A workflow of an hour is not one that waits for an hour, and one that hangs is ended."""
    with serving(ended=[say({})], queue=[queue]) as server, pytest.raises(errors.TimedOut) as caught:
        desk.call(SILENT, server, clocks=clocks, prompt="a fox")

    assert paths(server)[-1] == "/jobs/17/cancel"
    assert caught.value.hint == f"give the step a longer timeout: `timeout: {{{clock}: …}}`"


def test_what_a_queue_says_is_told(desk):
    """A person who waits wants to know how many are before him, and when it begins."""
    with serving(ended=[*[say({})] * 2, GOOD], queue=[WAITING, WORKING]) as server:
        desk.call(SILENT, server, prompt="a fox")

    assert desk.told[:3] == [Queued(0, 1), Queued(2, 3), Started()]


def test_a_job_that_stands_in_no_queue_is_gone(desk):
    """Its server started anew, or somebody cleared the queue: to wait for half an hour helps nobody."""
    with (
        serving(ended=[say({})], queue=[WORKING, NOWHERE]) as server,
        pytest.raises(errors.Missing) as caught,
    ):
        desk.call(SILENT, server, prompt="a fox")

    assert caught.value.message == "acme does not know job 17 any more"
    assert paths(server).count("/jobs") == 1


def test_a_job_that_ends_between_two_questions_is_not_gone(desk):
    """It has left the queue, and its end was not told yet when it was asked for."""
    with serving(ended=[say({}), GOOD], queue=[NOWHERE]) as server:
        (image,) = desk.call(SILENT, server, prompt="a fox")

    assert image.path.read_bytes() == PNG


@pytest.mark.parametrize(
    "queue", [say({"on": [], "next": []}, 403), say({"else": 1})], ids=["refused", "odd"]
)
def test_a_queue_that_cannot_be_read_says_nothing_of_a_job(desk, queue):
    """A gateway that lets one path through and not the other must not lose work."""
    with serving(ended=[*[say({})] * 5, GOOD], queue=[queue]) as server:
        (image,) = desk.call(SILENT, server, prompt="a fox")

    assert image.path.read_bytes() == PNG


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        (SILENT, {"ended": [say({}), say({}), GOOD], "queue": [WAITING, WORKING]}),
        (SILENT, {"ended": [say({}, 404), GOOD], "queue": [WORKING]}),
        (JOB, {"state": [say({}, 404), say({"status": "done", "url": "/a.png"})]}),
    ],
    ids=["in the queue", "unknown but in the queue", "unknown once"],
)
def test_a_remembered_job_that_is_under_way_is_not_created_again(desk, text, answers):
    """A killed run has paid for it; one answer of a gateway does not say that it is gone."""
    with serving(**answers) as server:
        (image,) = desk.call(text, server, job={"id": 17, "answer": {}}, prompt="a fox")

    assert image.path.read_bytes() == PNG
    assert "/jobs" not in paths(server)


def test_a_remembered_job_that_stands_in_no_queue_is_created_anew(desk):
    """The run was killed, and the server started anew meanwhile; the run must still end well."""
    with serving(ended=[say({}), say({}), GOOD], queue=[NOWHERE]) as server:
        (image,) = desk.call(SILENT, server, job={"id": 17, "answer": {}}, prompt="a fox")

    assert image.path.read_bytes() == PNG
    assert paths(server).count("/jobs") == 1


@pytest.mark.parametrize("status", [404, 410])
def test_a_job_that_its_vendor_forgets_is_gone(desk, status):
    """It is no broken connection, after which the work would be paid for a second time."""
    state = [say({"status": "running"}), say({"detail": "not found"}, status)]
    with serving(state=state) as server, pytest.raises(errors.Missing, match="does not know job 17 any more"):
        desk.call(JOB, server, prompt="a fox")

    assert paths(server) == ["/jobs", "/jobs/17", "/jobs/17", "/jobs/17"]


def test_a_job_that_is_not_known_yet_is_waited_for(desk):
    """The part of a vendor that answers questions may hear of a job later than the one that takes it."""
    state = [*[say({"detail": "not found"}, 404)] * 4, say({"status": "done", "url": "/a.png"})]
    with serving(state=state) as server:
        (image,) = desk.call(JOB, server, prompt="a fox")

    assert image.path.read_bytes() == PNG


def test_a_job_that_was_canceled_there_is_told_with_the_vendors_words(desk):
    """Somebody ended it; to call that a crash would begin it again."""
    state = say({"status": "canceled", "error": "stopped by ann"})
    with serving(state=[state]) as server, pytest.raises(errors.Missing) as caught:
        desk.call(JOB, server, prompt="a fox")

    assert caught.value.message == "acme: job 17 was canceled there: stopped by ann"


def test_a_result_that_its_vendor_forgot_is_gone(desk):
    """The words for a wrong model's name would send the user to look for another model."""
    text = JOB.replace("      cancel:", "      result: {path: /result}\n      cancel:")
    text = text.replace(
        "failures:\n", "failures:\n  - {status: 404, means: missing, hint: look for the model}\n"
    )
    done, gone = say({"status": "done"}), say({"detail": "not found"}, 404)
    with serving(state=[done], result=[gone]) as server, pytest.raises(errors.Missing) as caught:
        desk.call(text, server, prompt="a fox")

    assert caught.value.message == "acme has no result of job 17 any more"


def test_a_forgotten_result_of_an_earlier_run_is_made_anew(desk):
    """Results are kept for hours; a run that is resumed tomorrow must end well."""
    text = JOB.replace("      cancel:", "      result: {path: /result}\n      cancel:")
    text = text.replace(
        "failures:\n", "failures:\n  - {status: 404, means: missing, hint: look for the model}\n"
    )
    gone, good = say({"detail": "not found"}, 404), say({"url": "/a.png"})
    with serving(state=[say({"status": "done"})], result=[gone, good]) as server:
        (image,) = desk.call(text, server, job={"id": 17, "answer": {}}, prompt="a fox")

    assert image.path.read_bytes() == PNG


@pytest.mark.parametrize(
    "status",
    [
        '{path: "/jobs/${{ job.id }}", every: 1ms}',
        '{path: "/jobs/${{ job.id }}", done_when: url, every: 1ms}',
    ],
    ids=["by HTTP", "by a condition"],
)
def test_a_job_that_cannot_say_that_it_waits_is_worked_on(desk, status):
    """`timeout: 3h` is what a user gives it; the clock of a queue that nobody sees would end it earlier."""
    text = f"{JOB[: JOB.index('      status:')]}      status: {status}\n{JOB[JOB.index('      cancel:') :]}"
    clocks = Clocks(queue_s=60, run_s=0.05)
    with serving(state=[say({}, 202)]) as server, pytest.raises(errors.TimedOut, match="worked on the job"):
        desk.call(text, server, clocks=clocks, prompt="a fox")

    assert paths(server)[-1] == "/jobs/17/cancel"


def test_a_job_of_which_nothing_is_said_is_not_lost(desk):
    """The next try asks for it, since only for a broken connection a job is kept in mind."""
    with (
        serving(state=[say({"detail": "slow down"}, 429, Retry_After="0")]) as server,
        pytest.raises(errors.Unreachable, match=r"says nothing of job 17: .*slow down"),
    ):
        desk.call(JOB, server, prompt="a fox")


def test_a_job_that_was_taken_in_part_is_ended(desk):
    """Its answer is a refusal, and nobody would fetch what it makes."""
    text = JOB.replace("failures:\n", "failures:\n  - {when: left_out, means: rejected-input}\n")
    answers = [say({"id": 17, "left_out": ["9"]})]
    with serving(jobs=answers) as server, pytest.raises(errors.RejectedInput):
        desk.call(text, server, prompt="a fox")

    assert paths(server) == ["/jobs", "/jobs/17/cancel"]


@pytest.mark.parametrize("order", [("10", "9", "9:12", "9:2", "a"), ("a", "9:2", "10", "9", "9:12")])
def test_keys_are_in_the_order_of_their_numbers(desk, order):
    """A mapping's order is often chance, and `images[0]` must be the same picture each time."""
    text = f"""{HEAD}
    path: /draw
    json: {{}}
    gives: {{text: {{kind: text, many: true, from: "items(nodes)[*].join('=', @)"}}}}
"""
    with web(lambda _: say({"nodes": {one: one for one in order}})) as server:
        (found,) = desk.call(text, server)

    assert found == ("9=9", "9:2=9:2", "9:12=9:12", "10=10", "a=a")
