"""A stand-in for the Hub's list of models, the router and the providers behind it: a real HTTP server.

Every provider answers in its own shape, at its own paths below the router's address. Who has no token is
refused. What was sent is kept, so that a test can look at it.
"""

import base64
import json
import subprocess
import threading
import wave
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import imageio_ffmpeg
from leaks import SECRETS
from PIL import Image
from web import Answer, Asked, say, web

TOKEN = SECRETS.make("models")
TAGS = {"conversational": "text-generation"}
TALKERS = (
    *("groq", "together", "cohere", "baseten", "cerebras", "deepinfra", "featherless-ai", "fireworks-ai"),
    *("hf-inference", "novita", "nscale", "ovhcloud", "publicai", "scaleway", "zai-org"),
)
WORDS = ("Far out", " at sea,", " a light.")


@dataclass(slots=True)
class Standin:
    """The running stand-in.

    Attributes:
        url: of everything.
        asked: every request, in order.
        refusals: by model, answered in place of a result.
        results: by provider, answered in place of a job's result.
        hold: while it is set, results are held back.
        held: set when one is held back.
    """

    url: str
    asked: list[Asked]
    refusals: dict[str, Answer] = field(default_factory=dict)
    results: dict[str, Answer] = field(default_factory=dict)
    hold: threading.Event | None = None
    held: threading.Event = field(default_factory=threading.Event)

    @property
    def posts(self) -> list[Asked]:
        """What asked for a result."""
        return [one for one in self.asked if one.method == "POST"]

    @property
    def sent(self) -> Any:
        """The body of the last one, decoded."""
        return json.loads(self.posts[-1].body)


def media(folder: Path) -> dict[str, Path]:
    """Real files: a picture, a sound, a clip."""
    found = {"picture": folder / "picture.png", "sound": folder / "sound.wav", "clip": folder / "clip.mp4"}
    Image.effect_noise((48, 32), 40).convert("RGB").save(found["picture"])
    with wave.open(str(found["sound"]), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(range(256)) * 16)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", "testsrc=s=48x32:d=0.2"]
    subprocess.run([*command, str(found["clip"])], check=True)
    return found


def _models() -> dict[str, dict[str, tuple[str, str]]]:
    """By model: by provider, its own id and the task."""
    picture = ("fal-ai", "replicate", "together", "nscale", "wavespeed", "zai-org", "hf-inference")
    models = {"studio/paint": {one: (f"{one}/paint-v1", "text-to-image") for one in picture}}
    models["black-forest-labs/FLUX.1-dev"] = {"fal-ai": ("fal-ai/flux/dev", "text-to-image")}
    models["studio/edit"] = {
        one: (f"{one}/edit", "image-to-image")
        for one in ("fal-ai", "replicate", "together", "wavespeed", "hf-inference")
    }
    models["studio/film"] = {
        one: (f"{one}/film", "text-to-video")
        for one in ("fal-ai", "novita", "replicate", "together", "wavespeed")
    }
    models["studio/move"] = {
        one: (f"{one}/move", "image-to-video") for one in ("fal-ai", "wavespeed", "together")
    }
    models["studio/speak"] = {
        one: (f"{one}/speak", "text-to-speech")
        for one in ("fal-ai", "replicate", "together", "deepinfra", "hf-inference")
    }
    models["studio/listen"] = {
        one: (f"{one}/listen", "automatic-speech-recognition")
        for one in ("hf-inference", "fal-ai", "replicate", "deepinfra")
    }
    models["studio/cut"] = {"fal-ai": ("fal-ai/cut", "image-segmentation")}
    models["studio/talk"] = {one: (f"{one}/talk", "conversational") for one in TALKERS}
    models["studio/tell"] = {
        one: (f"{one}/tell", "text-generation")
        for one in ("together", "novita", "deepinfra", "featherless-ai", "hf-inference")
    }
    models["studio/embed"] = {
        one: (f"{one}/embed", "feature-extraction")
        for one in ("together", "hf-inference", "deepinfra", "scaleway")
    }
    for task in PLAIN:
        models[f"studio/{task}"] = {"hf-inference": (f"studio/{task}", task)}
    models["studio/asleep"] = {
        "fal-ai": ("fal-ai/asleep", "text-to-image"),
        "replicate": ("r/asleep", "text-to-image"),
    }
    models["studio/nobody"] = {}
    return models


LABELS = [{"label": "rain", "score": 0.1}, {"label": "sea", "score": 0.9}]
PLAIN: Mapping[str, Any] = {  # what hf-inference answers, task by task
    "translation": [{"translation_text": "mer"}],
    "summarization": [{"summary_text": "short"}],
    "image-to-text": [{"generated_text": "a lighthouse"}],
    "text-classification": [LABELS],
    "zero-shot-classification": LABELS,
    "image-classification": LABELS,
    "zero-shot-image-classification": LABELS,
    "audio-classification": LABELS,
    "token-classification": [{"entity_group": "LOC", "score": 0.9, "word": "Kiel", "start": 0, "end": 4}],
    "fill-mask": [{"score": 0.9, "token": 7, "token_str": "sea", "sequence": "the sea"}],
    "question-answering": {"answer": "at sea", "score": 0.8, "start": 0, "end": 6},
    "document-question-answering": [{"answer": "42", "score": 0.8, "start": 1, "end": 1}],
    "visual-question-answering": [{"answer": "blue", "score": 0.8}],
    "table-question-answering": {
        "answer": "3",
        "coordinates": [[0, 1]],
        "cells": ["3"],
        "aggregator": "NONE",
    },
    "sentence-similarity": [0.9, 0.1],
    "object-detection": [
        {"label": "ship", "score": 0.9, "box": {"xmin": 1, "ymin": 2, "xmax": 3, "ymax": 4}}
    ],
    "tabular-classification": ["7"],
    "audio-to-audio": [],
    "image-segmentation": [],
}


MODELS: Mapping[str, Mapping[str, tuple[str, str]]] = _models()


@dataclass(slots=True)
class _House:
    files: Mapping[str, Path]
    served: Standin = field(init=False)
    looks: dict[str, int] = field(default_factory=dict)

    def answer(self, asked: Asked) -> Answer:
        path = unquote(asked.path)
        if path.startswith("/media/"):
            return self.file(path.removeprefix("/media/"))
        if path.startswith("/api/models"):
            return self.hub(path, asked.query)
        if path == "/v1/models":
            return say({"object": "list", "data": []})
        if path.startswith("/own/"):  # an endpoint of somebody's own
            return self.endpoint(asked, path.removeprefix("/own"))
        sent = asked.headers.get("authorization")
        if sent != f"Bearer {TOKEN}":
            return say({"error": "Invalid username or password."}, 401)
        return self.routed(asked, path)

    def hub(self, path: str, query: str) -> Answer:
        repo = path.removeprefix("/api/models").strip("/")
        if not repo:
            wanted = parse_qs(query).get("pipeline_tag", [""])[0]
            listed = [self.record(one, as_list=True) for one in MODELS if MODELS[one]]
            return say([one for one in listed if wanted in ("", one["pipeline_tag"])])
        if repo not in MODELS:
            return say({"error": "Repository not found"}, 404, X_Error_Code="RepoNotFound")
        return say(self.record(repo))

    def record(self, repo: str, *, as_list: bool = False) -> dict[str, Any]:
        offers = MODELS[repo]
        task = next((task for _, task in offers.values()), "text-to-image")
        mapping: Any = {
            name: {"status": "live", "providerId": served, "task": what}
            for name, (served, what) in offers.items()
        }
        if as_list:
            mapping = [{"provider": name, **entry} for name, entry in mapping.items()]
        tag = TAGS.get(task, task)
        return {
            "id": repo,
            "pipeline_tag": tag,
            "tags": [tag],
            "likes": 1,
            "inferenceProviderMapping": mapping,
        }

    def routed(self, asked: Asked, path: str) -> Answer:
        if path.endswith("/chat/completions"):
            return self.refusal(json.loads(asked.body)["model"]) or self.chat(asked)
        provider, _, rest = path.removeprefix("/").partition("/")
        if asked.method == "GET":
            return self.looked(provider, rest)
        for repo, offers in MODELS.items():
            served, task = offers.get(provider, ("", ""))
            named = repo if provider == "hf-inference" else served.partition(":")[0]
            if served and (named in rest or self.body(asked).get("model") == served):
                if (refused := self.refusal(repo)) is not None:
                    return refused
                if self.served.hold is not None:
                    self.served.held.set()
                    self.served.hold.wait(30)
                return self.made(provider, task, served)
        return say({"error": f"Model not found at {provider}"}, 404)

    def body(self, asked: Asked) -> Mapping[str, Any]:
        try:
            found = json.loads(asked.body)
        except ValueError:
            text = asked.body.decode("latin-1")
            found = {"model": text.rpartition('name="model"')[2].strip().partition("\r")[0]}
        return found if isinstance(found, dict) else {}

    def refusal(self, model: str) -> Answer | None:
        return self.served.refusals.get(model)

    def made(self, provider: str, task: str, served: str) -> Answer:
        """A result, or the receipt of a job, in the provider's own shape."""
        if provider == "hf-inference":
            return self.plain(task)
        names = {"text-to-speech": "sound", "text-to-video": "clip", "image-to-video": "clip"}
        name = names.get(task, "picture")
        url = f"{self.served.url}/media/{self.files[name].name}"
        if provider == "fal-ai":
            return self.of_fal(task, served, name, url)
        if task == "automatic-speech-recognition":
            text = {"text": "a light"}
            return say(text if provider != "replicate" else {"output": {"transcription": "a light"}})
        if task == "text-generation":
            return say({"choices": [{"text": " and a light", "finish_reason": "stop"}]})
        if task == "feature-extraction":
            return say({"data": [{"embedding": [0.5, -1.0]}]})
        get = f"https://api.wavespeed.ai/api/v3/predictions/{name}/result"
        receipts = {
            "replicate": {"id": "p1", "status": "succeeded", "output": [url], "model": served},
            "wavespeed": {"code": 200, "data": {"id": "w1", "status": "created", "urls": {"get": get}}},
            "zai-org": {"id": "picture", "task_status": "PROCESSING"},
            "novita": {"video": {"video_url": url}},
        }
        if provider in receipts:
            return say(receipts[provider])
        if task == "text-to-speech":
            return self.file(self.files["sound"].name)
        if task in ("text-to-video", "image-to-video"):
            return say({"id": "v1", "status": "completed", "outputs": {"video_url": url}})
        return say({"data": [{"b64_json": self.encoded(name)}]})

    def plain(self, task: str) -> Answer:
        """What Hugging Face itself answers."""
        found: Mapping[str, Any] = {
            "feature-extraction": [0.5, -1.0],
            "text-generation": [{"generated_text": " and a light"}],
            "automatic-speech-recognition": {"text": "a light", "chunks": [{"text": "a light"}]},
            "audio-to-audio": [
                {"label": "voice", "blob": self.encoded("sound"), "content-type": "audio/wav"}
            ],
            "image-segmentation": [{"label": "sky", "score": 0.7, "mask": self.encoded("picture")}],
        }
        bare = {"text-to-image": "picture", "image-to-image": "picture", "text-to-speech": "sound"}
        if task in bare:
            return self.file(self.files[bare[task]].name)
        return say(found[task] if task in found else PLAIN[task])

    def of_fal(self, task: str, served: str, name: str, url: str) -> Answer:
        """At once, or by a queue that names where to look."""
        at_once: Mapping[str, Any] = {
            "automatic-speech-recognition": {"text": "a light"},
            "text-to-image": {"images": [{"url": url, "content_type": "image/png"}]},
            "text-to-speech": {"audio": {"url": url}},
        }
        if task in at_once:
            return say(at_once[task])
        job = f"{self.served.url}/{served}/requests/job-{name}-{task}"
        return say({"status": "IN_QUEUE", "request_id": "job", "response_url": job, "queue_position": 2})

    def looked(self, provider: str, rest: str) -> Answer:
        """A look at a job, and its result."""
        seen = self.looks[rest] = self.looks.get(rest, 0) + 1
        name = next((one for one in self.files if one in rest), "picture")
        url = f"{self.served.url}/media/{self.files[name].name}"
        if provider == "fal-ai" and rest.endswith("/status"):
            if "gone" in rest:
                return say({"detail": "Request not found"}, 404)
            if "text-to-video" in rest and seen == 1:
                return say({"status": "IN_QUEUE", "queue_position": 1}, 202)
            return say({"status": "COMPLETED"})
        if provider in self.served.results:
            return self.served.results[provider]
        if provider == "fal-ai":
            made: dict[str, Any] = {"video": {"url": url}, "images": [{"url": url}]}
            return say({**made, "image": {"url": f"data:image/png;base64,{self.encoded('picture')}"}})
        if provider == "wavespeed":
            return say({"data": {"status": "completed", "outputs": [url]}})
        return say({"task_status": "SUCCESS", "image_result": [{"url": url}]})

    def chat(self, asked: Asked) -> Answer:
        """A conversation, which is always a stream here."""
        chunks = [
            {"choices": [{"index": 0, "delta": {"content": one}, "finish_reason": None}]} for one in WORDS
        ]
        if "tools" in json.loads(asked.body):
            call = {
                "index": 0,
                "id": "c1",
                "type": "function",
                "function": {"name": "tide", "arguments": '{"at":'},
            }
            rest = {"index": 0, "function": {"arguments": '"Kiel"}'}}
            chunks = [{"choices": [{"index": 0, "delta": {"tool_calls": [one]}}]} for one in (call, rest)]
        lines = "".join(f"data: {json.dumps(one)}\n\n" for one in chunks) + "data: [DONE]\n\n"
        return Answer(lines.encode(), type="text/event-stream", headers={"x-inference-provider": "groq"})

    def endpoint(self, asked: Asked, path: str) -> Answer:
        if (refused := self.refusal(path)) is not None:
            return refused
        return self.chat(asked) if path.endswith("/chat/completions") else self.file("picture.png")

    def encoded(self, name: str) -> str:
        return base64.b64encode(self.files[name].read_bytes()).decode()

    def file(self, name: str) -> Answer:
        found = next(path for path in self.files.values() if path.name == name)
        types = {".png": "image/png", ".wav": "audio/wav", ".mp4": "video/mp4"}
        return Answer(found.read_bytes(), type=types[found.suffix])


@contextmanager
def standin(files: Mapping[str, Path]) -> Iterator[Standin]:
    """Serve until the end of the block; its `url` is the Hub's and the router's."""
    house = _House(files)
    with web(house.answer) as running:
        house.served = Standin(running.url, running.asked)
        yield house.served
