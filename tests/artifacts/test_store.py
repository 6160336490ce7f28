import hashlib
import os
import resource
import signal
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest

from pipelines.artifacts import Artifact, StorageFailed, Store, WrongKind
from pipelines.artifacts.incoming import aside, sweep_incoming
from spaces_registry.errors import BadOutput
from spaces_registry.signature import File, Kind


def files_below(folder):
    return sorted(one for one in folder.rglob("*") if one.is_file())


def test_a_kept_file_lies_under_its_own_hash_and_cannot_be_written(store, png):
    """Whoever has the hash has the file, and nobody changes it by accident."""
    artifact = store.keep(png, Kind.IMAGE)

    sha256 = hashlib.sha256(png.path.read_bytes()).hexdigest()
    assert artifact.path == store.folder / sha256[:2] / sha256[2:4] / sha256
    assert artifact.path.read_bytes() == png.path.read_bytes()
    assert artifact.path.stat().st_mode & 0o777 == 0o444
    assert (artifact.sha256, artifact.size_bytes, artifact.mime) == (
        sha256,
        png.path.stat().st_size,
        "image/png",
    )
    assert (artifact.url, artifact.caption) == (png.url, png.caption)
    assert store.get(sha256) == artifact.path
    assert store.verify(sha256)


def test_the_same_bytes_are_kept_once(store, png):
    """A hundred runs of one chain must not be a hundred copies."""
    first = store.keep(png, Kind.IMAGE)
    inode = first.path.stat().st_ino
    second = store.keep(replace(png, name="other.png"), Kind.IMAGE)

    assert second.path.stat().st_ino == inode
    assert files_below(store.folder) == [first.path]


def test_a_file_in_a_scratch_folder_is_moved_if_that_is_allowed(store, png):
    """A film of gigabytes is not copied for nothing."""
    inode = png.path.stat().st_ino

    artifact = store.keep(png, Kind.IMAGE, consume=True)

    assert artifact.path.stat().st_ino == inode
    assert not png.path.exists()


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_a_file_with_another_name_is_copied_even_if_it_may_be_moved(store, png, tmp_path, link):
    """Through its other name it could still be written, and the store would change."""
    link(png.path, tmp_path / "second.png")

    artifact = store.keep(replace(png, path=tmp_path / "second.png"), Kind.IMAGE, consume=True)

    assert artifact.path.stat().st_ino != png.path.stat().st_ino
    assert png.path.exists()


def test_the_users_own_file_stays_as_it_is(store, png):
    """Without leave to consume, the source keeps its bytes and its permissions."""
    before = png.path.stat()

    store.keep(png, Kind.IMAGE)

    assert (png.path.stat().st_ino, png.path.stat().st_mode) == (before.st_ino, before.st_mode)


@pytest.mark.parametrize("consume", [True, False])
def test_what_is_refused_leaves_nothing_in_the_store(store, written, consume):
    """Neither under a final name nor beside."""
    with pytest.raises(WrongKind):
        store.keep(written("clip.mp4", b"<html>no</html>"), Kind.VIDEO, consume=consume)

    assert files_below(store.folder) == []


@pytest.mark.parametrize("make", ["missing", "empty", "folder", "pipe"])
def test_what_is_no_file_with_bytes_is_bad_output(store, tmp_path, make):
    """A pipe in particular: reading it would wait for ever."""
    path = tmp_path / "x.png"
    {
        "missing": lambda: None,
        "empty": path.touch,
        "folder": path.mkdir,
        "pipe": lambda: os.mkfifo(path),
    }[make]()

    with pytest.raises(BadOutput, match=r"x\.png"):
        store.keep(File(path, "x.png"), Kind.IMAGE)


def limited_keep(folder, source, limit):
    """Keep a file in a process that may write files of so many bytes only; returns the error's facts."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        Store(folder).keep(File(source, "x.txt"), Kind.FILE)
    except StorageFailed as error:
        return error.code, error.message, error.hint
    return None


def test_a_file_that_the_disk_does_not_take_is_a_storage_failure_and_leaves_nothing(store, written):
    """A limit on file size makes the kernel refuse in the middle of a write, as a full disk does."""
    big = written("x.txt", b"x" * 3_000_000)

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        code, message, hint = pool.submit(limited_keep, store.folder, big.path, 1_500_000).result()

    assert code == "storage-failed"
    assert str(store.folder) in message
    assert "free some space" in hint
    assert files_below(store.folder) == []


def test_a_full_disk_is_a_storage_failure(tmp_path, written):
    """A real file system of one megabyte, in a mount namespace of its own."""
    big = written("x.txt", b"x" * 3_000_000)
    program = (
        "import sys; from pathlib import Path\n"
        "from pipelines.artifacts import StorageFailed, Store\n"
        "from spaces_registry.signature import File, Kind\n"
        "try: Store(Path(sys.argv[1]) / 'store').keep(File(Path(sys.argv[2]), 'x.txt'), Kind.FILE)\n"
        "except StorageFailed as error: print(error.message, '|', error.hint)\n"
        "print([str(one) for one in Path(sys.argv[1]).rglob('*') if one.is_file()])\n"
    )
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size=1m none '{disk}' && exec \"$@\""
    command = [
        "unshare",
        "-rm",
        "sh",
        "-c",
        mount,
        "sh",
        sys.executable,
        "-c",
        program,
        str(disk),
        str(big.path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    message, left = done.stdout.splitlines()
    assert "No space left on device" in message
    assert "free some space" in message
    assert left == "[]"


@pytest.mark.parametrize("below", ["", "deeper/store"])
def test_a_store_where_a_file_stands_is_a_storage_failure(png, tmp_path, below):
    """The message names the folder, and what to do."""
    (tmp_path / "taken").touch()

    with pytest.raises(StorageFailed, match="taken") as caught:
        Store(tmp_path / "taken" / below).keep(png, Kind.IMAGE)

    assert "a file stands where a folder is needed" in caught.value.hint


def test_a_folder_that_nobody_may_write_is_a_storage_failure(png):
    """/proc refuses even root."""
    with pytest.raises(StorageFailed):
        Store(Path("/proc/spacechain")).keep(png, Kind.IMAGE)


def keep_many(folder, source, times):
    store = Store(folder)
    return {store.keep(File(source, "x.png"), Kind.IMAGE).sha256 for _ in range(times)}


def test_many_processes_and_threads_may_keep_the_same_at_once(store, png):
    """Batches do; whoever comes last changes nothing, and nothing is left aside."""
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool, ThreadPoolExecutor(4) as threads:
        jobs = [
            workers.submit(keep_many, store.folder, png.path, 20)
            for workers in (pool, threads)
            for _ in range(4)
        ]
        hashes = set().union(*(job.result() for job in jobs))

    assert len(hashes) == 1
    assert files_below(store.folder) == [store.get(hashes.pop())]


def test_a_killed_keep_leaves_no_final_name_and_is_swept_up(store, written):
    """The process dies while it still reads; what it wrote so far counts for nothing."""
    program = (
        "import os, sys; from pathlib import Path\n"
        "from pipelines.artifacts import Store\n"
        "from spaces_registry.signature import File, Kind\n"
        "source = Path(sys.argv[2]); store = Store(Path(sys.argv[1]))\n"
        "import threading\n"
        "def die():\n"
        "    incoming = store.folder / 'incoming'\n"
        "    while not any(one.stat().st_size for one in incoming.glob('*/*')): os.sched_yield()\n"
        "    os.kill(os.getpid(), 9)\n"
        "threading.Thread(target=die, daemon=True).start()\n"
        "store.keep(File(source, 'x.txt'), Kind.FILE)\n"
    )
    big = written("x.txt", b"x" * 200_000_000)
    done = subprocess.run([sys.executable, "-c", program, store.folder, big.path], check=False)

    assert done.returncode == -9
    (left,) = files_below(store.folder)
    assert left.parent.parent.name == "incoming"
    assert store.sweep() == 1
    assert files_below(store.folder) == []


def test_damage_is_found(store, png):
    """Disks do change bytes; a resumed run must not build on them."""
    artifact = store.keep(png, Kind.IMAGE)
    artifact.path.chmod(0o644)
    artifact.path.write_bytes(b"x" * artifact.size_bytes)

    assert not store.verify(artifact.sha256)
    assert store.get(artifact.sha256) is None


def test_damage_is_mended_by_keeping_again(store, png):
    """The call that is made again brings the right bytes back under their name."""
    artifact = store.keep(png, Kind.IMAGE)
    artifact.path.chmod(0o644)
    artifact.path.write_bytes(b"x" * artifact.size_bytes)

    again = store.keep(png, Kind.IMAGE)

    assert store.verify(again.sha256)
    assert again.path.stat().st_mode & 0o222 == 0


@pytest.mark.parametrize("sha256", ["", "..", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64])
def test_what_is_no_hash_or_not_kept_is_not_there(store, sha256):
    """A journal is read back, and may have been edited."""
    assert store.get(sha256) is None
    assert not store.verify(sha256)


def test_an_artifact_survives_json(store, png):
    """The journal keeps it so, and it comes back as it was."""
    artifact = store.keep(png, Kind.IMAGE)

    assert Artifact.from_json(store, artifact.to_json()) == artifact


def test_an_artifact_is_taken_from_the_store_and_not_from_the_record(store, png, tmp_path):
    """A moved store still answers, and a forged path is never read."""
    artifact = store.keep(png, Kind.IMAGE)
    forged = artifact.to_json() | {"path": "/etc/passwd"}
    store.folder.rename(tmp_path / "moved")

    back = Artifact.from_json(Store(tmp_path / "moved"), forged)

    assert back.path == tmp_path / "moved" / artifact.path.relative_to(store.folder)


@pytest.mark.parametrize(
    "change", [{"sha256": "0" * 64}, {"size_bytes": 1}, {"kind": "smell"}, {"mime": None, "x": 1}]
)
def test_a_record_that_does_not_match_is_no_artifact(store, png, change):
    """None means: call again."""
    data = store.keep(png, Kind.IMAGE).to_json() | change
    if "x" in change:
        del data["mime"]

    assert Artifact.from_json(store, data) is None


def test_parts_are_facts_and_measures(store, png):
    """What a chain reaches as `$image.image.width`."""
    artifact = store.keep(png, Kind.IMAGE)

    assert {name: artifact.part(name) for name in artifact.parts()} == {
        "path": artifact.path,
        "name": "image.png",
        "mime": "image/png",
        "size_bytes": artifact.size_bytes,
        "sha256": artifact.sha256,
        "url": png.url,
        "caption": "red",
        "width": 20,
        "height": 10,
    }


@pytest.mark.parametrize("name", ["seconds", "to_json", "__class__", ""])
def test_a_part_that_it_does_not_have_is_a_key_error(store, png, name):
    """An image has no length, and an expression reaches no attribute of Python's."""
    with pytest.raises(KeyError):
        store.keep(png, Kind.IMAGE).part(name)


def test_a_file_on_its_way_is_never_swept_by_a_process_that_comes_next(tmp_path):
    """Several commands share a home; one that starts sweeps, while another one keeps what was paid for."""
    done = threading.Event()

    def sweep() -> None:
        while not done.is_set():
            sweep_incoming(tmp_path)

    sweeper = threading.Thread(target=sweep)
    sweeper.start()
    try:
        for _ in range(1000):
            with aside(tmp_path) as file:
                file.write_text("paid for")
                assert file.read_text() == "paid for"
    finally:
        done.set()
        sweeper.join()
