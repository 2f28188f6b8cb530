"""A visitor without a browser: fetches the page, connects, takes the document and acts on it as a browser.

It keeps of the document what it needs to find controls, and of what the server sends what has changed.
"""

import asyncio
import base64
import json
import re
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from bokeh.protocol import Protocol
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect


def awaited(work: Coroutine[Any, Any, Any]) -> Any:
    """What it gives, from a loop in a thread of its own: Playwright's browser keeps one in this thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


Change = dict[str, Any]
_LARGEST = 2**28
_PATIENCE_S = 240


def _objects(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        if tree.get("type") == "object" and "attributes" in tree:
            yield tree
        for part in tree.values():
            yield from _objects(part)
    elif isinstance(tree, list):
        for part in tree:
            yield from _objects(part)


def _entries(data: Any) -> dict[str, Any]:
    return dict(data["entries"]) if isinstance(data, dict) and data.get("type") == "map" else {}


class Visitor:
    """url: of the page, with its query. `async with` connects and leaves."""

    def __init__(self, url: str, origin: str | None = None) -> None:
        self.url = url
        self.origin = origin or "{0.scheme}://{0.netloc}".format(urlsplit(url))
        self.html = ""
        self.words: dict[str, str] = {}
        self.files: list[str] = []
        self.toasts: list[str] = []
        self.bytes = 0
        self._connection: WebSocketClientConnection | None = None
        self._listening: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._controls: dict[str, tuple[str, dict[str, Any]]] = {}
        self._sources: dict[str, str] = {}
        self._upload = ""
        self._uploads = 0

    async def __aenter__(self) -> "Visitor":
        await self.fetch()
        await self.connect()
        return self

    async def __aexit__(self, *_: Any) -> None:
        self.leave()

    async def fetch(self) -> None:
        """The page; AssertionError where the server refuses."""
        answer = await AsyncHTTPClient().fetch(
            HTTPRequest(self.url, connect_timeout=_PATIENCE_S, request_timeout=_PATIENCE_S), raise_error=False
        )
        self.html = answer.body.decode()
        assert answer.code == 200, self.html

    async def connect(self) -> None:
        """Open the connection, take the document, and say that it is there."""
        token = re.search(r'"token":"([^"]+)"', self.html)
        assert token is not None
        address = urlsplit(self.url)
        request = HTTPRequest(
            f"ws://{address.netloc}{address.path}/ws",
            headers={"Origin": self.origin},
            connect_timeout=_PATIENCE_S,
            request_timeout=_PATIENCE_S,
        )
        self._connection = await websocket_connect(
            request,
            subprotocols=["bokeh", token[1]],
            max_message_size=_LARGEST,
        )
        assert (await self._read())[0] == "ACK"
        await self._send("PULL-DOC-REQ", {})
        kind, content = await self._read()
        while kind != "PULL-DOC-REPLY":
            kind, content = await self._read()
        self._take(content)
        await self._event("document_ready")
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        with suppress(ConnectionError):
            while True:
                await self._read()
                self._news.set()
        self._news.set()

    def leave(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _take(self, document: dict[str, Any]) -> None:
        for thing in _objects(document):
            attributes = thing["attributes"]
            if "label" in attributes:
                self._controls[attributes["label"]] = (thing["id"], attributes)
            entries = _entries(attributes.get("data"))
            if thing["name"] == "ColumnDataSource":
                if "title" in entries:
                    self._sources[thing["id"]] = "words"
                    self.words = {key: value[0] for key, value in entries.items()}
                elif set(entries) == {"name", "body"}:
                    self._sources[thing["id"]] = "files"
                elif set(entries) == {"text"}:
                    self._sources[thing["id"]] = "toasts"
                    self.toasts.extend(entries["text"])
            if attributes.get("class_name") == "Upload":
                self._upload = thing["id"]

    def value(self, label: str) -> Any:
        """What a control was set to last."""
        return self._controls[label][1].get("value")

    async def set(self, label: str, **values: Any) -> None:
        """Change a control as the browser does."""
        model = {"id": self._controls[label][0]}
        self._controls[label][1].update(values)
        events = [
            {"kind": "ModelChanged", "model": model, "attr": name, "new": value}
            for name, value in values.items()
        ]
        await self._send("PATCH-DOC", {"events": events})

    async def press(self, label: str) -> None:
        """Press a button."""
        attributes = self._controls[label][1]
        attributes["clicks"] = attributes.get("clicks", 0) + 1
        await self.set(label, clicks=attributes["clicks"])

    async def upload(self, name: str, body: bytes) -> None:
        """Send a file in one piece."""
        self._uploads += 1
        start = {"kind": "start", "number": self._uploads, "name": name, "size": len(body)}
        piece = {"kind": "piece", "number": self._uploads, "body": base64.b64encode(body).decode()}
        for message in (start, piece):
            data = {"type": "map", "entries": [list(pair) for pair in message.items()]}
            await self._event("data_event", model={"id": self._upload}, data=data)

    async def _event(self, name: str, **values: Any) -> None:
        entries = [[key, value] for key, value in values.items()]
        event = {"type": "event", "name": name, "values": {"type": "map", "entries": entries}}
        sent = {"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": event}
        await self._send("PATCH-DOC", {"events": [sent]})

    async def _send(self, kind: str, content: dict[str, Any]) -> None:
        assert self._connection is not None
        header = dict(Protocol().create("PULL-DOC-REQ").header, msgtype=kind)
        for frame in (json.dumps(header), "{}", json.dumps(content)):
            await self._connection.write_message(frame)

    async def _read(self) -> tuple[str, dict[str, Any]]:
        frames = [await self._frame() for _ in range(3)]
        header, content = json.loads(frames[0]), json.loads(frames[2])
        for _ in range(2 * header.get("num_buffers", 0)):
            await self._frame()
        if header["msgtype"] == "PATCH-DOC":
            for event in content["events"]:
                self._note(event)
        return header["msgtype"], content

    async def _frame(self) -> str | bytes:
        assert self._connection is not None
        frame = await self._connection.read_message()
        if frame is None:
            raise ConnectionError("the server closed the connection")
        self.bytes += len(frame)
        return frame

    def _note(self, event: Change) -> None:
        known = self._sources.get(event.get("model", {}).get("id", ""))
        data = _entries(event.get("data", event.get("new")))
        if known == "words" and data:
            self.words = {key: value[0] for key, value in data.items()}
        elif known == "files" and data and data["name"]:
            self.files.append(data["name"][0])
        elif known == "toasts" and data:
            self.toasts.extend(text for text in data["text"] if text not in self.toasts)

    async def until(self, seen: Callable[[], bool], patience: float = _PATIENCE_S) -> None:
        """Wait until something of what the server sends is seen; ConnectionError when it says no more."""
        assert self._listening is not None
        async with asyncio.timeout(patience):
            while not seen():
                if self._listening.done():
                    raise ConnectionError(f"the server closed the connection; it had said {self.toasts}")
                self._news.clear()
                await self._news.wait()
