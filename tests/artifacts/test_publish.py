import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.artifacts import StorageFailed, publish
from pipelines.artifacts.names import safe_name
from spaces_registry.signature import Kind


def test_a_published_file_is_a_link_under_a_readable_name(store, png, tmp_path):
    """It takes no room of its own, and a person finds it."""
    artifact = store.keep(png, Kind.IMAGE)

    path = publish(artifact, tmp_path / "outputs" / "run", "still")

    assert path == tmp_path / "outputs" / "run" / "still.png"
    assert path.samefile(artifact.path)
    assert path.stat().st_mode & 0o222 == 0


def test_publishing_again_is_the_same_file(store, png, tmp_path):
    """A resumed run does not fill its folder with copies."""
    artifact = store.keep(png, Kind.IMAGE)

    assert publish(artifact, tmp_path / "out", "still") == publish(artifact, tmp_path / "out", "still")
    assert len(list((tmp_path / "out").iterdir())) == 1


@pytest.mark.parametrize(
    "make", [lambda p: p.write_text("mine"), lambda p: p.mkdir(), lambda p: p.symlink_to("gone")]
)
def test_a_taken_name_gets_a_number_and_the_users_file_stays(store, png, tmp_path, make):
    """Whatever it is that has the name: a file, a folder, a link to nowhere."""
    out = tmp_path / "out"
    out.mkdir()
    make(out / "still.png")
    before = os.lstat(out / "still.png")

    path = publish(store.keep(png, Kind.IMAGE), out, "still")

    assert path == out / "still-2.png"
    assert os.lstat(out / "still.png").st_ino == before.st_ino


def test_the_extension_comes_from_the_bytes(store, png, tmp_path):
    """A PNG that a Space calls .exe opens as a picture."""
    artifact = store.keep(replace(png, name="picture.exe"), Kind.IMAGE)

    assert publish(artifact, tmp_path / "out", "still.exe").name == "still.exe.png"
    assert artifact.name == "picture.png"


HOSTILE = [
    "../../etc/passwd",
    "/etc/passwd",
    "..",
    ".",
    "",
    "-rf",
    ".hidden",
    "a\0b",
    "a\nb",
    "CON",
    "nul",
    "com1",
    "LPT9",
    "aux.tar",
    "x" * 1000,
    "é" * 1000,
    "🎬" * 400,
    'a/b\\c:d*e?f"g<h>i|j',
    "\u202egnp.exe",
    "\ud800",
    "／etc／passwd",  # noqa: RUF001 - a slash in disguise
    "trailing. ",
]


@pytest.mark.parametrize("stem", HOSTILE)
def test_a_hostile_name_stays_in_its_folder(store, png, tmp_path, stem):
    """A chain's output may be named by a stranger's recipe, or by a Space."""
    out = tmp_path / "out"

    path = publish(store.keep(png, Kind.IMAGE), out, stem)

    assert path.parent == out
    assert list(out.iterdir()) == [path]
    assert path.suffix == ".png"


@given(st.text(), st.text(max_size=8))
def test_every_name_is_safe_everywhere(stem, extension):
    """The rule itself, on anything at all."""
    name = safe_name(stem, extension, count=2)

    assert name == Path(name).name
    assert name[0] not in ".- "
    assert name[-1] not in ". "
    assert len(name.encode()) <= 120
    assert name.isprintable()
    assert not set(name) & set('/\\:*?"<>|\0 ')
    assert name.split(".")[0].split("-")[0].upper() not in {"CON", "NUL"} or "-" in name


@pytest.mark.parametrize("stem", ["film", "Der Film", "映画", "фильм_2", "café"])
def test_letters_of_every_script_stay_readable(stem):
    """A name in the user's own language is not turned into dashes."""
    assert safe_name(stem, ".mp4") == stem.replace(" ", "-") + ".mp4"


def test_a_folder_that_cannot_be_made_is_a_storage_failure(store, png, tmp_path):
    """With the folder in the message."""
    artifact = store.keep(png, Kind.IMAGE)
    (tmp_path / "out").touch()

    with pytest.raises(StorageFailed, match="out"):
        publish(artifact, tmp_path / "out" / "run", "still")


def test_an_artifact_that_the_store_has_lost_is_a_storage_failure(store, png, tmp_path):
    """And no empty file is left where it should have been."""
    artifact = store.keep(png, Kind.IMAGE)
    artifact.path.unlink()

    with pytest.raises(StorageFailed):
        publish(artifact, tmp_path / "out", "still")

    assert list((tmp_path / "out").iterdir()) == []


def test_where_linking_fails_the_file_is_copied(store, png, tmp_path):
    """Another file system: links cannot cross to it, and a full one leaves nothing behind."""
    artifact = store.keep(png, Kind.IMAGE)
    disk = tmp_path / "disk"
    disk.mkdir()
    program = (
        "import json, sys; from pathlib import Path\n"
        "from pipelines.artifacts import Artifact, StorageFailed, Store, publish\n"
        "from spaces_registry.signature import File, Kind\n"
        "store = Store(Path(sys.argv[1])); disk = Path(sys.argv[2])\n"
        "artifact = Artifact.from_json(store, json.loads(sys.argv[3]))\n"
        "(disk / 'still.png').write_text('mine')\n"
        "first = publish(artifact, disk, 'still'); again = publish(artifact, disk, 'still')\n"
        "print(first.name, again.name, first.read_bytes() == artifact.path.read_bytes())\n"
        "big = Path(sys.argv[1]) / 'big'; big.write_bytes(b'x' * 3_000_000)\n"
        "try: publish(store.keep(File(big, 'big'), Kind.FILE), disk, 'big')\n"
        "except StorageFailed as error: print(error.message)\n"
        "print(sorted(one.name for one in disk.iterdir()), (disk / 'still.png').read_text())\n"
    )
    mount = f"mount -t tmpfs -o size=1m none '{disk}' && exec \"$@\""
    arguments = [sys.executable, "-c", program, str(store.folder), str(disk), json.dumps(artifact.to_json())]
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", mount, "sh", *arguments], capture_output=True, text=True, check=True
    )

    copied, full, left = done.stdout.splitlines()
    assert copied == "still-2.png still-2.png True"
    assert "No space left" in full
    assert left == "['still-2.png', 'still.png'] mine"
