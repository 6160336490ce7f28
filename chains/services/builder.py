"""The tree of a service file of the right shape → a `Service`."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from chains.language.expressions import Template
from chains.model import Limit
from chains.problems import Problem
from chains.services import model
from chains.services.shape import STATES
from chains.services.values import parse
from chains.shape.forms import duration
from chains.text.source import Fields, Node, Path, Source, plain
from spaces_registry.signature import Kind, Parameter, Return

_BODIES = ("json", "multipart")
_QUESTIONS = ("status", "queue", "result", "fetch", "meanwhile")


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds a service; `problems` are the mistakes in its expressions."""

    source: Source
    problems: list[Problem] = field(default_factory=list)

    def service(self) -> model.Service:
        """The whole service."""
        value: Any = self.at(())
        limits = value.get("limits") or {}
        service_rules = self.failures(("failures",))
        files = model.FileForm(value["files"]) if value.get("files") else None
        return model.Service(
            name=value.get("name") or PurePath(self.source.file).stem,
            url=(value.get("url") or "").rstrip("/"),
            endpoints={name: self.endpoint(name, files, service_rules) for name in value["endpoints"]},
            source=self.source,
            sha256=hashlib.sha256(self.source.text.encode()).hexdigest(),
            about=value.get("about") or "",
            home=value.get("home") or "",
            url_from=value.get("url_from") or None,
            auth=self.auth(value.get("auth")),
            headers=value.get("headers") or {},
            limit=Limit(**limits),
            upload=self.upload(value.get("upload")),
            said=tuple(_listed(value.get("said"))),
            wait=value.get("wait") or None,
            censored=value.get("censored") or {},
            default=value.get("default") or None,
        )

    def node(self, path: Path) -> Node | None:
        """The node at a path of keys, or None."""
        node = self.source.root
        for one in path:
            if isinstance(one, int):
                node = getattr(node, "nodes", ())[one]
                continue
            node = node.get(one) if isinstance(node, Fields) else None
        return node

    def at(self, path: Path) -> Any:
        """The plain value at a path, or None."""
        node = self.node(path)
        return None if node is None else plain(node)

    def template(self, path: Path) -> Template | None:
        """The value at a path as a template, or None if there is none."""
        node = self.node(path)
        if node is None:
            return None
        template, problems = parse(node, self.source)
        self.problems.extend(problems)
        return template

    def auth(self, value: Mapping[str, Any] | None) -> model.Auth | None:
        """How the service knows its users."""
        if value is None:
            return None
        return model.Auth(
            tuple(_listed(value["key_from"])),
            value.get("header") or "Authorization",
            value.get("form") or "Bearer {key}",
            optional=value.get("optional") or False,
            get_one=value.get("get_one") or "",
        )

    def ask(self, path: Path) -> model.Ask:
        """The request at a path."""
        value = self.at(path)
        body = any(one in value for one in _BODIES)
        default = "GET" if path[-1] in _QUESTIONS and not body else "POST"
        return model.Ask(
            value.get("method") or default,
            self.template((*path, "path")),
            value.get("url") or None,
            *(self.template((*path, key)) for key in ("json", "multipart", "query", "headers")),
        )

    def maybe(self, path: Path) -> model.Ask | None:
        """The request at a path, or None."""
        return None if self.node(path) is None else self.ask(path)

    def upload(self, value: Mapping[str, Any] | None) -> model.Upload | None:
        """The call that takes a file."""
        if value is None:
            return None
        return model.Upload(self.ask(("upload",)), value["field"], value["answer"])

    def endpoint(
        self, name: str, files: model.FileForm | None, rules: tuple[model.FailureRule, ...]
    ) -> model.ServiceEndpoint:
        """One endpoint."""
        path: Path = ("endpoints", name)
        value = self.at(path)
        takes = value.get("takes") or {}
        forms = {
            one: model.FileForm(told["files"])
            for one, told in takes.items()
            if isinstance(told, dict) and told.get("files")
        }
        if value.get("files"):
            forms[""] = model.FileForm(value["files"])
        elif files is not None:
            forms[""] = files
        elif "multipart" in value:
            forms[""] = model.FileForm.MULTIPART
        extra = value.get("extra")
        stated = value.get("model")
        return model.ServiceEndpoint(
            name=name,
            takes=tuple(_parameter(one, told) for one, told in takes.items()),
            gives=tuple(self.given((*path, "gives", one)) for one in value["gives"]),
            ask=self.ask(path),
            about=value.get("about") or "",
            extra="" if extra is True else extra or None,
            model=stated or ("model" if "model" in takes else None),
            files=forms,
            uses=value.get("uses") or None,
            size=model.Size(**value["size"]) if value.get("size") else None,
            stream=_stream(value.get("stream")),
            job=self.job((*path, "job")),
            meanwhile=self.meanwhile((*path, "meanwhile")),
            cancel=self.maybe((*path, "cancel")),
            usage=model.Usage(**(value.get("usage") or {})),
            failures=(*self.failures((*path, "failures")), *rules),
        )

    def given(self, path: Path) -> model.Given:
        """One return."""
        value, name = self.at(path), str(path[-1])
        told = Return(name, Kind(value["kind"]), name, many=value.get("many") or False)
        return model.Given(
            told,
            None if value["from"] == "body" else value["from"],
            value.get("as") or None,
            self.maybe((*path, "fetch")),
            optional=value.get("optional") or False,
            help=value.get("help") or "",
        )

    def job(self, path: Path) -> model.Job | None:
        """Work that is created and asked about."""
        value = self.at(path)
        if value is None:
            return None
        told = value["status"]
        meanings = {word.lower(): state for state in STATES for word in _listed(told.get(state))}
        status = model.Status(
            self.ask((*path, "status")),
            told.get("word") or None,
            told.get("done_when") or None,
            meanings,
            told.get("position") or None,
            told.get("progress") or None,
            every := _seconds(told.get("every"), 1.0),
            _seconds(told.get("up_to"), max(every, 5.0)),
        )
        farewell: Path = (*path, "cancel")
        told = self.at(farewell)
        several = (
            [(*farewell, number) for number in range(len(told))] if isinstance(told, list) else [farewell]
        )
        cancel = tuple(self.ask(one) for one in several if told is not None)
        queue = self.job_queue((*path, "queue"))
        return model.Job(value["id"], status, self.maybe((*path, "result")), cancel, queue)

    def job_queue(self, path: Path) -> model.JobQueue | None:
        """What is asked where a job's state is not told."""
        value = self.at(path)
        if value is None:
            return None
        return model.JobQueue(self.ask(path), value["working"], value.get("waiting") or None)

    def meanwhile(self, path: Path) -> model.Meanwhile | None:
        """What is asked for progress."""
        value = self.at(path)
        if value is None:
            return None
        queries = (value.get(key) or None for key in ("fraction", "eta", "position"))
        return model.Meanwhile(self.ask(path), _seconds(value.get("every"), 2.0), *queries)

    def failures(self, path: Path) -> tuple[model.FailureRule, ...]:
        """What answers mean."""
        return tuple(_failure(one) for one in self.at(path) or ())


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _seconds(text: str | None, default: float) -> float:
    return duration(text) if text else default


def _parameter(name: str, told: Any) -> Parameter:
    value: Mapping[str, Any] = {"kind": told} if isinstance(told, str) else told
    default = value.get("default")
    required = value.get("required")
    choices = value.get("choices")
    return Parameter(
        name,
        Kind(value.get("kind") or ("choice" if choices else "text")),
        value.get("help") or "",
        required=default is None if required is None else required,
        default=default,
        choices=tuple(choices) if choices else None,
        closed=value.get("closed", True),
        minimum=value.get("minimum"),
        maximum=value.get("maximum"),
        many=value.get("many") or False,
    )


def _stream(value: Mapping[str, Any] | None) -> model.Stream | None:
    if value is None:
        return None
    whole, error = value.get("whole") or None, value.get("error") or "error"
    finish = value.get("finish") or None
    return model.Stream(value["delta"], whole, error, value.get("end") or "[DONE]", finish)


def _failure(value: Mapping[str, Any]) -> model.FailureRule:
    name, _, content = (value.get("header") or "").partition(":")
    return model.FailureRule(
        value["means"],
        tuple(_listed(value.get("status"))),
        value.get("when") or None,
        (name.strip(), content.strip()) if name else None,
        value.get("hint") or None,
        duration(value["wait"]) if value.get("wait") else None,
    )
