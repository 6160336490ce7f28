"""Calls of models: every task of `huggingface_hub`'s InferenceClient; `model_outlet` makes its requests.

The library's asynchronous client holds up the event loop while it looks at a provider's queue, so the plain
one is used, in a thread; its waits are short and its requests are ours, so that a call that is broken off
leaves nothing behind.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
import httpx2

from pipelines.runners.model_answers import complained, misread, must_be_result, unread
from pipelines.runners.model_failures import ModelsNotInstalled, failure_of
from pipelines.runners.model_outlet import Known, Outlet
from pipelines.runners.model_refusals import TOKEN_PAGE, Asked
from pipelines.runners.model_values import arguments_for, as_chat, outputs_of
from pipelines.runners.protocol import Call
from spaces_registry.errors import BadOutput, CallFailed, Missing, TimedOut, Unauthorized, UnexpectedAnswer
from spaces_registry.hub.models import ROUTER
from spaces_registry.hub.providers import HF_INFERENCE, PROVIDERS
from spaces_registry.hub.task import CHAT, TEXT_GENERATION, Task
from spaces_registry.hub.tasks import TASKS
from spaces_registry.network.chats import Chat, is_chat
from spaces_registry.network.complaints import complains
from spaces_registry.network.decoding import answered
from spaces_registry.network.origin import Origin, scrubbed
from spaces_registry.network.refusals import begins_page
from spaces_registry.network.session import through
from spaces_registry.progress import WARNING, Listener, Logged, Sending, Written
from spaces_registry.signature import File, Value

_HF_PREFIX = "hf_"
_OWN_ENDPOINTS = ".endpoints.huggingface.cloud"
_PILLOW = ("PIL", 'pip install "spacechain[media]"')
_NEEDS = {  # what the library makes of an answer, task by task
    "text-to-image": _PILLOW,
    "image-to-image": _PILLOW,
    "image-segmentation": _PILLOW,
    "feature-extraction": ("numpy", "pip install numpy"),
}
_NO_KEY = "none"  # stands for no key, so that the library does not look for one; it is not sent


@dataclass(frozen=True, slots=True)
class ModelRunner:
    """Calls one model for one task.

    Attributes:
        client: the shared HTTP client.
        model: `owner/name`, or the URL of an endpoint.
        task: what it is asked to do.
        provider: who serves it; `auto` leaves that to the router, for chats; None for a URL.
        as_chat: whether a text-generation is served as a chat.
        token: the Hugging Face token, or None; for the Hub, the router and Inference Endpoints alone.
        key: the user's own key for the provider, which is then asked directly.
        bill_to: the organisation that pays.
        hub: the Hub's address; empty for the library's.
        router: the router's address.
        hosts: addresses that are asked in place of others, by `https://host`.
        others: providers that serve the model too.
        headers: what the user wants a URL's own host to be sent.
        secrets: what else must not be repeated: keys that a chain hands over as values.
    """

    client: httpx2.AsyncClient = field(repr=False)
    model: str
    task: Task
    provider: str | None
    as_chat: bool = False
    token: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)
    bill_to: str | None = None
    hub: str = ""
    router: str = ROUTER
    hosts: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    async def __call__(self, call: Call, tell: Listener) -> tuple[Value, ...]:
        """Make the call.

        Raises:
            CallFailed: the class says why there is no result.
            ModelsNotInstalled: a library that the task's answer needs is missing.
        """
        self.admit(call.place)
        home = Origin(call.place, self._home, self.client, secrets=self._secrets)
        outlet = Outlet(call, tell, home, ())
        for value in call.arguments.values():
            for file in value if isinstance(value, tuple) else (value,):
                if isinstance(file, File):
                    tell(Sending(file.name, file.path.stat().st_size))
        try:
            with anyio.fail_after(call.clocks.run_s):
                return await self._call(call, outlet, tell)
        except Missing:
            if not outlet.is_resumed:
                raise
        except TimeoutError as cause:
            message = f"{call.place} took longer than {call.clocks.run_s:g} s"
            raise TimedOut(call.place, message, hint="give the step a longer timeout") from cause
        finally:
            await outlet.close()
        return await self(replace(call, job=None), tell)  # nobody knows the earlier try's job any more

    async def _call(self, call: Call, outlet: Outlet, tell: Listener) -> tuple[Value, ...]:
        work = partial(self._work, call, outlet, tell)
        try:
            return await anyio.to_thread.run_sync(work, limiter=anyio.CapacityLimiter(1))
        except Exception as cause:  # the library raises all sorts of them; what is none of its own is let go
            await anyio.lowlevel.checkpoint()  # a call that was broken off ends here
            failure = failure_of(cause, self._asked(call), outlet.refusal, outlet.answer)
            if isinstance(failure, CallFailed):
                failure = scrubbed(_with_answer(failure, outlet), outlet.home)
            if failure is None or failure is cause:
                raise
            raise failure from cause

    def _work(self, call: Call, outlet: Outlet, tell: Listener) -> tuple[Value, ...]:
        """The library's part, in a thread of its own."""
        from huggingface_hub import InferenceClient, constants  # noqa: PLC0415 - heavy

        arguments = arguments_for(self.task, call)
        task = TASKS[CHAT] if self.as_chat else self.task
        if self.as_chat:
            arguments = as_chat(arguments)
        outlet.known = tuple(self._known(constants.ENDPOINT))
        provider: Any = self.provider or HF_INFERENCE
        with through(outlet):
            client = InferenceClient(
                model=self.model,
                provider=provider,
                token=self.key or self.token or _NO_KEY,
                timeout=None,
                bill_to=None,
            )
            if task.name == CHAT:
                outlet.is_chat = True  # a stream, always: the router gives up on answers that take long
                client.chat_completion(**arguments, stream=True)
                is_text = self.task.name == TEXT_GENERATION
                talk = partial(_conversed, outlet, self._asked(call), tell, with_tools=not is_text)
                chat = anyio.from_thread.run(talk)
                tools = outlet.home.scrub_all([chat.tools[place] for place in sorted(chat.tools)]) or None
                return (chat.text,) if is_text else (chat.text, tools)
            answer = getattr(client, task.method)(**arguments)
            must_be_result(self._asked(call), answer, outlet.answer, outlet.facts)
            try:
                return outputs_of(task, answer, call)
            except BadOutput as cause:
                raise misread(self._asked(call), cause, outlet.answer) or cause from cause

    def admit(self, place: str) -> None:
        """Refuse calls that lack a credential or a library, before anything is sent.

        Raises:
            Unauthorized, ModelsNotInstalled: they do.
        """
        library, hint = _NEEDS.get(self.task.name, ("json", ""))
        if find_spec(library) is None:
            message = f"{place}: {self.task.name} needs {library}, which is not installed"
            raise ModelsNotInstalled(message, hint=hint)
        if self.key or self.provider in (None, HF_INFERENCE):
            return
        if self.provider == "openai":
            hint = f"set {PROVIDERS['openai'].keys[0]}"
            raise Unauthorized(place, f"{place} takes no call without a key of your own", hint=hint)
        if not self.token:
            hint = f"set HF_TOKEN or run `hf auth login`; a token is made at {TOKEN_PAGE}"
            raise Unauthorized(place, f"{place} takes no call without a Hugging Face token", hint=hint)
        if not self.token.startswith(_HF_PREFIX):  # the library would send it to the provider's own host
            message = f"{place}: the router takes tokens that begin with {_HF_PREFIX}; this one does not"
            raise Unauthorized(place, message, hint=f"make one at {TOKEN_PAGE}")

    @property
    def _secrets(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.token, self.key, *self.headers.values(), *self.secrets)))

    @property
    def _home(self) -> str:
        if self.provider is None:
            parts = urlsplit(self.model)
            return f"{parts.scheme}://{parts.netloc}"
        if self.key:
            root = f"https://{PROVIDERS[self.provider].hosts[0]}"
            return self.hosts.get(root, root)
        return self.router

    def _known(self, hub: str) -> list[Known]:
        """What gets which credential."""
        bearer = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        billed = {"X-HF-Bill-To": self.bill_to} if self.bill_to else {}
        known = [Known(hub, (self.hub or hub).rstrip("/"), bearer)]
        if self.provider is None:
            asked = bearer if _is_own_endpoint(self.model) else {}
            known.append(Known(self._home, self._home, {**asked, **self.headers}))
        elif self.key:
            for host in PROVIDERS[self.provider].hosts:
                root = f"https://{host}"
                scheme = "Key" if self.provider == "fal-ai" else "Bearer"
                asked = {"Authorization": f"{scheme} {self.key}"}
                known.append(Known(root, self.hosts.get(root, root), asked))
        else:
            known.append(Known(ROUTER, self.router.rstrip("/"), {**bearer, **billed}))
        return known

    def _asked(self, call: Call) -> Asked:
        return Asked(
            call.place, self.model, self.task.name, self.provider, by_hub=not self.key, others=self.others
        )


async def _conversed(outlet: Outlet, asked: Asked, tell: Listener, *, with_tools: bool) -> Chat:
    """What a chat comes to, once it is over; its pieces are told as they come.

    Raises:
        CallFailed: it is no text that can be used.
    """
    chat = Chat(asked.place, outlet.home.all_secrets())
    async for part in outlet.parts():
        if complains(part.body):
            raise complained(asked, part.body)
        if part.is_whole and not is_chat(part.body):
            raise unread(asked, outlet.answer)
        if (piece := chat.hear(part)) and not part.is_whole:
            tell(Written(piece))
    if rest := chat.close():
        tell(Written(rest))
    if (warning := chat.finished(with_tools=with_tools)) is not None:
        tell(Logged(WARNING, warning))
    return chat


def _is_own_endpoint(url: str) -> bool:
    """Whether a URL is one of Hugging Face's Inference Endpoints, which take the user's token."""
    parts = urlsplit(url)
    return parts.scheme == "https" and (parts.hostname or "").endswith(_OWN_ENDPOINTS)


def _with_answer(failure: CallFailed, outlet: Outlet) -> CallFailed:
    """The failure of a whole answer of another shape, with the answer: it was paid for, and is kept."""
    if type(failure) is not BadOutput or outlet.is_chat or outlet.answer is None:
        return failure
    content = outlet.answer.content
    if not content.strip() or b"\0" in content or begins_page(content):
        return failure
    try:
        answer = answered(content)
    except ValueError:
        answer = content.decode("utf-8", "replace")
    return UnexpectedAnswer(failure.place, failure.message, outlet.home.scrub_all(answer), said=failure.said)
