from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_registry.apps.files import safe_name
from spaces_registry.apps.labels import slug


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("cat.png", "cat.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\cat.png", "cat.png"),
        ("a b (1).tar.gz", "a b (1).tar.gz"),
        ("结果.webp", "结果.webp"),
        ("", "file"),
        ("..", "file"),
        ("CON.txt", "file-CON.txt"),
        ("$(rm -rf).png", "(rm -rf).png"),
        ("a\x00b\n.png", "ab.png"),
    ],
)
def test_an_apps_file_name_becomes_a_plain_one(name: str, safe: str) -> None:
    """The name comes from a stranger's server and ends on the user's disk."""
    assert safe_name(name) == safe


@given(st.text(max_size=400))
def test_every_name_can_be_written(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    """Whatever an app calls its file, the file must arrive, and in its folder."""
    folder = tmp_path_factory.getbasetemp() / "names"
    folder.mkdir(exist_ok=True)
    path = folder / safe_name(name)

    path.write_bytes(b"x")

    assert path.parent == folder
    assert Path(path.name) == Path(safe_name(path.name))
    path.unlink()


@given(st.text(max_size=100))
def test_every_label_gives_an_identifier(label: str) -> None:
    """Names of outputs are written in expressions."""
    assert slug(label, "output").isidentifier()
