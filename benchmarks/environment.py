"""The environment of the tools that we are compared with, and of the lab's apps: `.venvs/bench`.

    python benchmarks/environment.py

One that is complete is left alone, so running this again costs nothing.
"""

import subprocess
import sys
from pathlib import Path

PINS = ("daggr==0.8.0", "gradio==6.31.0", "gradio_client==2.7.2", "httpx2>=2.10")
_FOLDER = Path(__file__).resolve().parents[1] / ".venvs" / "bench"


def make() -> Path:
    """Create the environment unless it is complete; its interpreter."""
    python = _FOLDER / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    complete = _FOLDER / "complete"
    if not complete.exists() or complete.read_text(encoding="utf-8") != _asked():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(_FOLDER)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *PINS], check=True)
        complete.write_text(_asked(), encoding="utf-8")
    return python


def _asked() -> str:
    return "\n".join(PINS)


if __name__ == "__main__":
    print(make())
