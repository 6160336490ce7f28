"""Runs of the command in this process, for what is kept of them."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from leaks import assert_no_secret

from pipelines.cli import main


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(tmp_path, monkeypatch, capsys) -> Callable[..., Done]:
    """Run the command in this process, through the border that turns errors into text."""
    monkeypatch.chdir(tmp_path)

    def command(*words: object) -> Done:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(one) for one in words])
        said = capsys.readouterr()
        assert_no_secret("stdout", said.out)
        assert_no_secret("stderr", said.err)
        return Done(int(end.value.code or 0), said.out, said.err)

    return command


@pytest.fixture
def chain(tmp_path, run):
    """A chain that pictures and speaks, without a server, in the folder where commands run."""
    (tmp_path / "draw.py").write_text(
        "from pathlib import Path\n"
        "def draw(colour: str) -> Path:\n"
        "    from PIL import Image\n"
        "    if colour == 'none': raise ValueError('there is no <b>none</b>')\n"
        "    path = Path('picture.png')\n"
        "    Image.new('RGB', (64, 48), colour).save(path)\n"
        "    return path\n"
        "def width(picture: Path) -> int:\n"
        "    from PIL import Image\n"
        "    with Image.open(picture) as image:\n"
        "        return image.width\n"
    )
    (tmp_path / "still.yaml").write_text(
        "name: still\n"
        "inputs: {colour: {kind: text}, words: {kind: text, default: hello}}\n"
        "steps:\n"
        "  draw: {python: 'draw.py:draw', with: {colour: $inputs.colour}}\n"
        "  width: {python: 'draw.py:width', with: {picture: $draw.output}}\n"
        "outputs: {picture: $draw.output, said: $inputs.words}\n"
    )
    assert run("trust", "still.yaml").code == 0
    return "still.yaml"
