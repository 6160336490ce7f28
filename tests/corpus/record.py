"""Record what some apps of the corpus say of themselves, for the fuzz tests: one file per Gradio version.

Run it with the interpreter that runs the tests, once `tests/compat/environments.py` has made the others.
"""

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from corpus.catalogue import APPS  # noqa: E402 - the folder of the tests is put there above
from servers import serve  # noqa: E402

VERSIONS = {"6.31.0": None, "5.49.1": "gradio-5.49.1", "4.44.1": "gradio-4.44.1"}
NAMES = ("several", "dropdown_none", "video", "state")
LEFT_OUT = {
    "css",
    "js",
    "head",
    "head_paths",
    "theme_hash",
    "layout",
    "body_css",
    "example_inputs",
    "code_snippets",
}


def ask(url: str) -> Any:
    """The JSON at a URL without what is large and never read, or None."""
    try:
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - our own server
            return slim(json.load(answer))
    except urllib.error.HTTPError:
        return None


def slim(value: Any) -> Any:
    """The value without what is never read."""
    match value:
        case dict():
            return {key: slim(one) for key, one in value.items() if key not in LEFT_OUT}
        case list():
            return [slim(one) for one in value]
    return value


def main() -> None:
    """Record every version."""
    root = HERE.parents[1]
    for version, folder in VERSIONS.items():
        python = sys.executable if folder is None else root / ".venvs" / folder / "bin" / "python"
        with serve(HERE / "house.py", python=python) as server:
            found = {}
            for name in NAMES:
                app = server.url + APPS[name]
                config = ask(f"{app}/config")
                base = app + config.get("api_prefix", "")
                found[name] = {
                    "config": config,
                    "info": ask(f"{base}/info"),
                    "openapi": ask(f"{base}/openapi.json"),
                }
        text = json.dumps(found, ensure_ascii=False, separators=(",", ":")).replace(server.url, "http://app")
        (HERE / "recorded" / f"{version}.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
