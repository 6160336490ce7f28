"""All the corpus in one process: each app mounted under its own path, on whatever Gradio runs this script.

Printing Gradio's own line when it is ready makes it a server for `servers.serve`.
"""

import inspect
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import fastapi
import gradio as gr
import uvicorn
from apps import answers, data, media, shapes, ways, words
from catalogue import APPS, COMPAT, LOGIN
from gradio.routes import App

_IDLE_S, _BUSY_S = (
    0.1,
    0.002,
)  # between two looks of a queue; 1 ms, as Gradio has it, times a hundred is a core
MODULES: tuple[ModuleType, ...] = (words, media, data, shapes, ways, answers)


def builders() -> dict[str, Callable[[], gr.Blocks]]:
    """Every app of the corpus, by name."""
    return {
        name: function
        for module in MODULES
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }


@contextmanager
def without_servers() -> Iterator[None]:
    """Gradio makes two servers of each app before it is mounted, and mounting makes a third."""
    make = App.create_app
    App.create_app = staticmethod(lambda *_, **__: App(auth_dependency=None))
    try:
        yield
    finally:
        App.create_app = staticmethod(make)


def build() -> tuple[fastapi.FastAPI, dict[str, gr.Blocks]]:
    """The server with every app that this Gradio has components for, and the apps by path."""
    app = fastapi.FastAPI()
    is_current = int(gr.__version__.split(".")[0]) >= 6
    wanted = APPS if is_current else COMPAT
    found = builders()
    if set(found) != set(APPS):
        raise SystemExit(f"not in the catalogue, or not here: {set(found) ^ set(APPS)}")
    with without_servers():
        demos = {name: found[name]() for name in wanted}
    for name, path in wanted.items():
        demo = demos[name]
        more = {"auth": LOGIN} if name == "behind_login" else {}
        if (i18n := getattr(demo, "corpus_i18n", None)) is not None:
            more["i18n"] = i18n
        app = gr.mount_gradio_app(
            app, demo, path, show_error=True, allowed_paths=[tempfile.gettempdir()], **more
        )
    return app, {path: demos[name] for name, path in wanted.items()}


class House:
    """Serves the app that a header names as if it lay at the root; only the app last asked is attentive.

    `gradio_client` cannot be told a path for Gradio 4: it looks for `/info` at the host's root there.
    """

    def __init__(self, app: fastapi.FastAPI, demos: dict[str, gr.Blocks]) -> None:
        self.app, self.demos = app, demos
        self.last = ""
        for path in demos:
            self.pace(path, _IDLE_S)

    def pace(self, path: str, seconds: float) -> None:
        """How often an app looks into its queue."""
        self.demos[path]._queue.sleep_when_free = seconds  # noqa: SLF001 - there is no public way

    async def __call__(self, scope: dict[str, Any], receive: object, send: object) -> None:
        """Put the named app's path before the asked one."""
        name = dict(scope.get("headers", ())).get(b"x-corpus-app")
        if name is not None:
            path = APPS[name.decode()] + scope["path"]
            scope = scope | {"path": path, "raw_path": path.encode()}
        asked = next((one for one in self.demos if scope.get("path", "").startswith(f"{one}/")), self.last)
        if asked != self.last:
            if self.last:
                self.pace(self.last, _IDLE_S)
            self.pace(asked, _BUSY_S)
            self.last = asked
        await self.app(scope, receive, send)


class Announced(uvicorn.Server):
    """Says when it is ready, in Gradio's words."""

    async def startup(self, *args: object, **more: object) -> None:
        """Start, then say so."""
        await super().startup(*args, **more)
        print("Running on local URL", flush=True)  # noqa: T201 - what `serve` waits for


if __name__ == "__main__":
    port = int(os.environ["GRADIO_SERVER_PORT"])
    settings = uvicorn.Config(
        House(*build()), host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1
    )
    Announced(settings).run()
