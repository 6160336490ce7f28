"""Files on their way to a service, each in the form that its file says; each is sent once."""

import base64
import mimetypes
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import anyio.to_thread

from chains.services.model import FileForm
from pipelines.artifacts.disk import sha256_of
from pipelines.services.exchange import Exchange, find
from pipelines.services.refusals import must_be_good
from pipelines.services.requests import FilePart, request_of
from spaces_registry.apps.files import safe_name, size_of
from spaces_registry.errors import BadOutput, RejectedInput
from spaces_registry.progress import Sending
from spaces_registry.signature import File

_SHA256 = re.compile(r"[0-9a-f]{64}")
_OCTETS = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Sender:
    """Brings the files of one call into the form that the service takes them in."""

    exchange: Exchange
    _sent: dict[tuple[File, FileForm], object] = field(default_factory=dict)

    async def sendable(self, value: object, form: FileForm | None) -> object:
        """The value with every file in it as it goes into the request.

        Raises:
            RejectedInput: a file cannot be read, or has no address.
            CallFailed: the service did not take it.
        """
        match value:
            case File():
                chosen = form or FileForm.DATA_URI
                if (value, chosen) not in self._sent:
                    self._sent[value, chosen] = await self._one(value, chosen)
                return self._sent[value, chosen]
            case Mapping():
                return {name: await self.sendable(one, form) for name, one in value.items()}
            case str():
                return value
            case Sequence():
                return [await self.sendable(one, form) for one in value]
        return value

    async def _one(self, file: File, form: FileForm) -> object:
        place = self.exchange.place
        if form == FileForm.URL:
            if file.url and file.url.startswith(("http://", "https://")):
                return file.url
            if self.exchange.service.upload is None:
                message = f"{place} takes files by their address, and {file.name} has none"
                raise RejectedInput(place, message, hint="hand in a URL in place of a file")
            return await self._uploaded(await self._read(file))
        part = await self._read(file)
        match form:
            case FileForm.UPLOAD:
                return await self._uploaded(part)
            case FileForm.MULTIPART:
                return part
        text = (await anyio.to_thread.run_sync(base64.b64encode, part.content)).decode()
        return f"data:{part.mime};base64,{text}" if form == FileForm.DATA_URI else text

    async def _read(self, file: File) -> FilePart:
        size = size_of(self.exchange.place, file, None)
        self.exchange.tell(Sending(file.name, size))
        try:
            content = await anyio.to_thread.run_sync(file.path.read_bytes)
        except OSError as cause:
            message = f"cannot read {file.path}: {cause.strerror}"
            raise RejectedInput(self.exchange.place, message) from cause
        name = safe_name(file.name if "." in file.name else file.name + file.path.suffix)
        return FilePart(name, file.mime or mimetypes.guess_type(name)[0] or _OCTETS, content)

    async def _uploaded(self, part: FilePart) -> object:
        exchange = self.exchange
        upload = exchange.service.upload
        if upload is None:
            raise RejectedInput(exchange.place, f"{exchange.place} has no place to upload {part.name} to")
        request = request_of(exchange.place, upload.ask, {})
        parts = [*request.content.get("files", ()), (upload.field, (part.name, part.content, part.mime))]
        content = {**request.content, "files": parts}
        answer = await exchange.send(type(request)(request.method, request.path, request.headers, content))
        must_be_good(exchange, answer, f"sending {part.name}")
        address = find(upload.answer, answer.body)
        if not isinstance(address, str) or not address:
            message = f"{exchange.place} took {part.name}, and did not say where it lies"
            hint = f"`answer` of its `upload` in {exchange.service.source.file} does not find the address"
            raise BadOutput(exchange.place, message, hint=hint)
        return address


class Digester:
    """Puts the digest of a file in place of each: what would be sent is the same if these are."""

    async def sendable(self, value: object, form: FileForm | None) -> object:
        """The value with a text for every file in it."""
        match value:
            case File():
                name = value.path.name
                is_kept = _SHA256.fullmatch(name) is not None  # the store names files so
                return f"sha256:{name if is_kept else await anyio.to_thread.run_sync(sha256_of, value.path)}"
            case Mapping():
                return {name: await self.sendable(one, form) for name, one in value.items()}
            case str():
                return value
            case Sequence():
                return [await self.sendable(one, form) for one in value]
        return value
