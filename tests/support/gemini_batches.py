"""The files and batches of the loopback Gemini: strict about uploads, run when a test says so.

As the real one it takes resumable uploads only, refuses lines that are no requests, tells a batch
as an operation, and gives its answers as a file.  Nothing runs by itself: a test ends a batch, as a
success or otherwise, and may lose, spoil, refuse or repeat lines of its answers.
"""

from __future__ import annotations

import itertools
import json
import re
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.gemini_server import Call, Reply, as_json, error, in_camel_case, obliging

SUCCEEDED, RUNNING = "BATCH_STATE_SUCCEEDED", "BATCH_STATE_RUNNING"
FAILED, CANCELLED = "BATCH_STATE_FAILED", "BATCH_STATE_CANCELLED"
EXPIRED, PENDING = "BATCH_STATE_EXPIRED", "BATCH_STATE_PENDING"
PAGE = 2  # jobs a page of the list, whatever is asked for: pages must be followed


@dataclass
class Batch:
    """A batch as it was created."""

    name: str
    title: str
    model: str
    lines: dict[str, dict[str, Any]]
    state: str = PENDING
    results: str = ""

    def told(self) -> dict[str, Any]:
        """Describe it as an operation."""
        metadata: dict[str, Any] = {
            "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch",
            "model": f"models/{self.model}",
            "displayName": self.title,
            "state": self.state,
            "createTime": "2026-11-22T20:00:00Z",
            "name": self.name,
        }
        if self.results:
            metadata["output"] = {"responsesFile": self.results}
        return {"name": self.name, "metadata": metadata, "done": self.state not in _OPEN}


_OPEN = {PENDING, RUNNING}


@dataclass
class Desk:
    """Files and batches.

    Attributes
    ----------
    check
        Tells what is wrong with a request of so many bytes.
    answer
        Answers one request.
    script
        Replies to the next requests in place of what would be done, by its name; one that is cut
        does it and cuts the reply.
    asked
        What was asked for, in order.
    """

    check: Callable[[Call, int], Reply | None]
    answer: Callable[[Call], Reply] = obliging
    files: dict[str, bytes] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    script: list[tuple[str, Reply]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    uploads: dict[str, int] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    turn: threading.Lock = field(default_factory=threading.Lock)

    def clear(self) -> None:
        """Forget everything."""
        with self.turn:
            for held in (self.files, self.batches, self.script, self.asked, self.uploads):
                held.clear()

    def serve(self, method: str, path: str, headers: dict[str, str], raw: bytes) -> Reply | None:
        """Return the answer to a request about files or batches; None where it is about others."""
        parts = urlsplit(path)
        for verb, pattern, do in _ROUTES:
            match = re.fullmatch(pattern, parts.path)
            if verb == method and match:
                with self.turn:
                    self.asked.append(f"{verb} {do.__name__}")
                    lines = [line for line in self.script if line[0] == do.__name__]
                    if lines:
                        self.script.remove(lines[0])
                        if not lines[0][1].cut:
                            return lines[0][1]
                    query = parse_qs(parts.query)
                    reply = do(self, match.groupdict(), headers, raw, query)
                    return Reply(reply.status, reply.body, reply.headers, cut=bool(lines))
        return None

    def end(
        self,
        state: str = SUCCEEDED,
        *,
        lost: Collection[int] = (),
        spoilt: Collection[int] = (),
        twice: Collection[int] = (),
        refused: dict[int, dict[str, Any]] | None = None,
        unanswered: bool = False,
    ) -> None:
        """End all open batches; numbers tell which of their lines are not answered as asked."""
        for batch in self.batches:
            if batch.state in _OPEN:
                batch.state = state
                if not unanswered:
                    self._answer(batch, lost, spoilt, twice, refused or {})

    def _answer(
        self,
        batch: Batch,
        lost: Collection[int],
        spoilt: Collection[int],
        twice: Collection[int],
        refused: dict[int, dict[str, Any]],
    ) -> None:
        out: list[bytes] = []
        for number, (key, request) in enumerate(batch.lines.items()):
            if number in lost:
                continue
            if number in refused:
                out.append(json.dumps({"key": key, "error": refused[number]}).encode())
                continue
            path = f"/v1/models/{batch.model}:generateContent"
            call = Call(path, batch.model, "", {}, request)
            for _ in range(2 if number in twice else 1):
                reply = self.answer(call)
                line = json.dumps({"key": key, "response": json.loads(reply.body)}).encode()
                out.append(line[: len(line) // 2] if number in spoilt else line)
        batch.results = f"files/batch-{batch.name.partition('/')[2]}"
        self.files[batch.results] = b"\n".join(out) + b"\n"


# --- files ----------------------------------------------------------------------------------------


def begin_upload(
    desk: Desk, _: dict[str, str], headers: dict[str, str], __: bytes, ___: object
) -> Reply:
    wanted = {"x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start"}
    if any(headers.get(name) != value for name, value in wanted.items()):
        return error(400, "INVALID_ARGUMENT", "Only resumable uploads.")
    if headers.get("x-goog-upload-header-content-type") != "application/jsonl":
        return error(400, "INVALID_ARGUMENT", "Files of requests are application/jsonl.")
    number = str(next(desk.numbers))
    desk.uploads[number] = int(headers["x-goog-upload-header-content-length"])
    url = f"http://upload.invalid/upload/bytes/{number}"  # the SDK puts its own address there
    return Reply(200, b"{}", {"Content-Type": "application/json", "X-Goog-Upload-URL": url})


def upload_bytes(
    desk: Desk, place: dict[str, str], headers: dict[str, str], raw: bytes, _: object
) -> Reply:
    name = f"files/{place['number']}"
    held = desk.files.get(name, b"")
    if int(headers["x-goog-upload-offset"]) != len(held):
        return error(400, "INVALID_ARGUMENT", "The offset is wrong.")
    desk.files[name] = held + raw
    final = "finalize" in headers["x-goog-upload-command"]
    if final and len(desk.files[name]) != desk.uploads[place["number"]]:
        return error(400, "INVALID_ARGUMENT", "The length is wrong.")
    status = {"X-Goog-Upload-Status": "final" if final else "active"}
    return as_json({"file": {"name": name, "mimeType": "application/jsonl"}}, headers=status)


def download(
    desk: Desk, place: dict[str, str], _: dict[str, str], __: bytes, query: dict[str, list[str]]
) -> Reply:
    data = desk.files.get(f"files/{place['file']}")
    if data is None or query.get("alt") != ["media"]:
        return error(404, "NOT_FOUND", "no such file")
    return Reply(200, data, {"Content-Type": "application/octet-stream"})


def delete_file(
    desk: Desk, place: dict[str, str], _: dict[str, str], __: bytes, ___: object
) -> Reply:
    gone = desk.files.pop(f"files/{place['file']}", None)
    return as_json({}) if gone is not None else error(404, "NOT_FOUND", "no such file")


# --- batches --------------------------------------------------------------------------------------


def create(
    desk: Desk, place: dict[str, str], headers: dict[str, str], raw: bytes, _: object
) -> Reply:
    batch = in_camel_case(json.loads(raw))["batch"]
    file = batch["inputConfig"].get("fileName", "")
    if not batch.get("displayName") or file not in desk.files:
        return error(400, "INVALID_ARGUMENT", "The batch has no name, or no file.")
    lines: dict[str, dict[str, Any]] = {}
    for line in desk.files[file].splitlines():
        told = json.loads(line)
        call = Call(f"/v1/models/{place['model']}:", place["model"], "", headers, told["request"])
        fault = desk.check(call, len(line))
        if fault is not None:
            return fault
        if told["key"] in lines or set(told["request"]) != {"contents", "generationConfig"}:
            return error(400, "INVALID_ARGUMENT", "A line is no request, or its key is not unique.")
        lines[told["key"]] = told["request"]
    name = f"batches/{next(desk.numbers)}"
    desk.batches.insert(0, Batch(name, batch["displayName"], place["model"], lines))
    return as_json(desk.batches[0].told())


def get(desk: Desk, place: dict[str, str], _: dict[str, str], __: bytes, ___: object) -> Reply:
    found = _named(desk, place["batch"])
    return as_json(found.told()) if found else error(404, "NOT_FOUND", "no such batch")


def listing(
    desk: Desk, _: dict[str, str], __: dict[str, str], ___: bytes, query: dict[str, list[str]]
) -> Reply:
    start = int(query.get("pageToken", ["0"])[0])
    told = [batch.told() for batch in desk.batches[start : start + PAGE]]
    more = {"nextPageToken": str(start + PAGE)} if start + PAGE < len(desk.batches) else {}
    return as_json({"operations": told, **more})


def cancel(desk: Desk, place: dict[str, str], _: dict[str, str], __: bytes, ___: object) -> Reply:
    found = _named(desk, place["batch"])
    if found is None:
        return error(404, "NOT_FOUND", "no such batch")
    found.state = CANCELLED
    return as_json({})


def _named(desk: Desk, number: str) -> Batch | None:
    return next((batch for batch in desk.batches if batch.name == f"batches/{number}"), None)


_V, _ID = r"/v1\w*", r"[\w.-]+"
_Do = Callable[[Desk, dict[str, str], dict[str, str], bytes, dict[str, list[str]]], Reply]
_ROUTES: tuple[tuple[str, str, _Do], ...] = (
    ("POST", rf"/upload{_V}/files", begin_upload),
    ("POST", r"/upload/bytes/(?P<number>\d+)", upload_bytes),
    ("GET", rf"{_V}/files/(?P<file>{_ID}):download", download),
    ("DELETE", rf"{_V}/files/(?P<file>{_ID})", delete_file),
    ("POST", rf"{_V}/models/(?P<model>{_ID}):batchGenerateContent", create),
    ("GET", rf"{_V}/batches/(?P<batch>{_ID})", get),
    ("GET", rf"{_V}/batches", listing),
    ("POST", rf"{_V}/batches/(?P<batch>{_ID}):cancel", cancel),
)
