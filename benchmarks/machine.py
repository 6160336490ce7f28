"""What was measured on: facts that a reader needs to judge figures, and none that name the machine."""

import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

_OURS = ("spacechain", "httpx2", "anyio")
_PEERS = ("gradio", "gradio_client", "daggr", "httpx", "huggingface_hub")


def facts(peers: Path) -> Mapping[str, object]:
    """Processor count, system, Python and versions; `peers` is the interpreter of the peers' environment."""
    return {
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {**{name: version(name) for name in _OURS}, **_versions(peers)},
    }


def load() -> float | None:
    """The load average over the last minute; None where a system has none."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def _versions(peers: Path) -> Mapping[str, str]:
    asked = "import sys, importlib.metadata as m; print(*(m.version(name) for name in sys.argv[1:]))"
    done = subprocess.run([str(peers), "-c", asked, *_PEERS], capture_output=True, text=True, check=True)
    return dict(zip(_PEERS, done.stdout.split(), strict=True))
