"""What the machine refuses is told apart from a fault of ours, by errors that the system itself raises."""

import errno
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.household.home import NoHome
from spaces_registry.errors import ToolkitError
from spaces_registry.machine import refusal_in

TOO_MANY_FILES = """
import os, resource
from spaces_registry.machine import refusal_in
resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
try:
    while True:
        os.open("/dev/null", os.O_RDONLY)
except OSError as cause:
    told = refusal_in(cause)
    print(told.code, told.message, told.hint, sep=" | ")
"""


def caught(work: Callable[[], object]) -> BaseException:
    """What a piece of work raises."""
    with pytest.raises(BaseException) as failed:  # noqa: PT011 - whatever it is
        work()
    return failed.value


def too_much_memory() -> None:
    bytearray(1 << 50)


def a_thread_too_many() -> None:
    before = threading.stack_size(1 << 46)
    try:
        threading.Thread(target=int).start()
    finally:
        threading.stack_size(before)


def a_broken_handshake() -> None:
    said = ssl.MemoryBIO()
    said.write(b"HTTP/1.1 400 this is no TLS")
    ssl.create_default_context().wrap_bio(said, ssl.MemoryBIO(), server_hostname="a.example").do_handshake()


def a_half(text: str) -> None:
    Path(f"/tmp/{text}").write_text(text, encoding="utf-8")  # noqa: S108 - never made


def a_closed_connection() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        with socket.socket() as other:
            other.connect(one.getsockname())


@pytest.mark.parametrize(
    ("work", "code", "words"),
    [
        (too_much_memory, "out-of-resources", "not enough memory"),
        (a_thread_too_many, "out-of-resources", "no further thread"),
        (lambda: Path("~nobody-of-this-name").expanduser(), "no-home", "no home folder"),
        ("caf\udce9".encode, "not-unicode", "bytes that are no UTF-8"),
        (lambda: Path("/dev/null/x").stat(), "storage-failed", "/dev/null/x: not a directory"),
        (lambda: Path("/dev/full").write_text("x"), "storage-failed", "no space left"),
        (lambda: Path("/", "x" * 300).touch(), "storage-failed", "file name too long"),
        (lambda: Path("/").write_text("x"), "storage-failed", "is a directory"),
    ],
)
def test_what_the_system_refuses_is_told_as_that(work, code, words):
    """Each ended as a fault of ours, with a traceback to send in."""
    told = refusal_in(caught(work))

    assert told is not None
    assert told.code == code
    assert words in told.message
    assert told.hint


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (errno.ENOMEM, "out-of-resources", "not enough memory"),
        (errno.EAGAIN, "out-of-resources", "no further process"),
        (errno.ENFILE, "storage-failed", "too many files are open"),
        (errno.EFBIG, "storage-failed", "file too large"),
        (errno.EROFS, "storage-failed", "read-only file system"),
        (errno.EIO, "storage-failed", "input/output error"),
    ],
)
def test_what_no_test_can_bring_about_is_told_by_its_number(number, code, words):
    """A full memory or a dying disk is not made for a test; the system says the same number each time."""
    told = refusal_in(OSError(number, os.strerror(number)))

    assert told is not None
    assert (told.code, words in told.message) == (code, True)


def test_too_many_open_files_are_told_as_that():
    """The hint names the limit, not the disk."""
    done = subprocess.run([sys.executable, "-c", TOO_MANY_FILES], capture_output=True, text=True, check=True)

    assert done.stdout.startswith("storage-failed | too many files are open | ")
    assert "ulimit -n" in done.stdout


@pytest.mark.parametrize(
    "work",
    [
        a_broken_handshake,  # it has the number that means `not permitted` to the system
        a_closed_connection,
        lambda: "é".encode("ascii"),
        lambda: {}["name"],
        lambda: anyhow(RuntimeError("unexpected")),
    ],
)
def test_a_fault_of_ours_stays_one(work):
    """An error of a library may have the number of one of the system's and mean something else."""
    assert refusal_in(caught(work)) is None


def anyhow(fault: Exception) -> None:
    raise fault


def test_of_several_errors_all_must_be_the_machines():
    """A fault of ours beside a full disk is still to be seen."""
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/home/a")
    group = ExceptionGroup("", [ExceptionGroup("", [full]), NoHome("no home")])

    told = refusal_in(group)
    assert isinstance(told, ToolkitError)
    assert told.message == "/home/a: no space left on device"
    assert refusal_in(ExceptionGroup("", [full, KeyError("name")])) is None
