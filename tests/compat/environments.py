"""Make the virtual environments in which the older Gradio servers run: `.venvs/gradio-<version>`.

An environment that is complete is left alone, so running this again costs nothing.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OLD = ("pydantic<2.11", "numpy<2", "Pillow<11")
PINS: dict[str, tuple[str, ...]] = {
    "5.49.1": (),
    "4.44.1": ("fastapi<0.116", "starlette<0.41", "huggingface_hub<0.26", "pandas<2.3", *OLD),
    "4.10.0": ("fastapi<0.110", "starlette<0.37", "huggingface_hub<0.25", "pandas<2.2", *OLD),
    "4.4.1": ("fastapi<0.110", "starlette<0.37", "huggingface_hub<0.25", "pandas<2.2", *OLD),
    "3.50.2": ("fastapi<0.110", "starlette<0.37", "huggingface_hub<0.25", "pandas<2.2", *OLD),
}


def python_of(version: str) -> Path:
    """The interpreter that has that Gradio."""
    return ROOT / ".venvs" / f"gradio-{version}" / "bin" / "python"


def make(version: str) -> None:
    """Create the environment of one version, unless it is complete."""
    python = python_of(version)
    complete = python.parent.parent / "complete"
    if complete.exists():
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(python.parent.parent)], check=True)
    pins = [f"gradio=={version}", *PINS[version]]
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *pins], check=True)
    complete.touch()


if __name__ == "__main__":
    for one in PINS:
        make(one)
