"""A Gemini of our own on loopback, strict about the wire and scripted in its answers.

It speaks ``generateContent`` on both surfaces, with an API key and as Vertex AI, takes keys in both
cases as the real one does, and refuses what the real one refuses: wrong credentials, unknown models
and ratios, a picture that is not of the type it is said to be, sampling parameters, schemas that
are not flat, requests that are too large.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Protocol
from urllib.parse import parse_qs, urlsplit

import cv2
import numpy as np

from common.codec import CONTENT_TYPES, decode, encode, sniff
from common.geometry import Size
from common.image import Image

KEY = "test-key"
TOKEN = "test-token"  # noqa: S105 - of this server only
PROJECT = "test-project"

MOST_FILE_BYTES = 7_000_000
MOST_REQUEST_BYTES = 20_000_000

SIDES = {
    "1:1": (1024, 1024),
    "2:3": (848, 1264),
    "3:2": (1264, 848),
    "3:4": (896, 1200),
    "4:3": (1200, 896),
    "4:5": (928, 1152),
    "5:4": (1152, 928),
    "9:16": (768, 1376),
    "16:9": (1376, 768),
    "21:9": (1584, 672),
    "1:4": (512, 2048),
    "4:1": (2048, 512),
    "1:8": (384, 3072),
    "8:1": (3072, 384),
}
FACTORS = {"1K": 1, "2K": 2, "4K": 4}
PICTURE_TOKENS = {"1K": 1120, "2K": 1680, "4K": 3780}
PICTURE_MODELS = frozenset(
    {"gemini-nano-banana-2.1", "gemini-3.1-flash-lite-image", "gemini-3-pro-image"}
)
WORD_MODELS = frozenset({"gemini-3.8-flash", "gemini-3.5-flash-lite"})

_PATHS = (
    re.compile(r"/(?P<version>v1\w*)/models/(?P<model>[\w.-]+):(?P<method>\w+)"),
    re.compile(
        r"/(?P<version>v1\w*)/projects/(?P<project>[\w-]+)/locations/(?P<location>[\w-]+)"
        r"/publishers/google/models/(?P<model>[\w.-]+):(?P<method>\w+)"
    ),
)


_STANDARD = str.maketrans("-_", "+/")


# --- calls ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
    """A request as it came in, its keys in camel case."""

    path: str
    model: str
    location: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def surface(self) -> Literal["key", "vertex"]:
        return "vertex" if self.location else "key"

    @property
    def config(self) -> dict[str, Any]:
        config: dict[str, Any] = self.body.get("generationConfig", {})
        return config

    @property
    def parts(self) -> list[dict[str, Any]]:
        return [part for content in self.body["contents"] for part in content["parts"]]

    @property
    def words(self) -> str:
        return "\n".join(part["text"] for part in self.parts if "text" in part)

    @property
    def files(self) -> list[tuple[str, bytes]]:
        inline = [part["inlineData"] for part in self.parts if "inlineData" in part]
        # The SDK writes the URL-safe alphabet; the real server takes either.
        return [
            (data["mimeType"], base64.b64decode(data["data"].translate(_STANDARD)))
            for data in inline
        ]

    @property
    def picture(self) -> Image:
        return decode(self.files[0][1])


def in_camel_case(value: Any) -> Any:
    """Return JSON with all keys in camel case; the wire mixes both."""
    if isinstance(value, list):
        return [in_camel_case(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        re.sub(r"_([a-z])", lambda match: match[1].upper(), key): in_camel_case(item)
        for key, item in value.items()
    }


# --- answers --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reply:
    """What goes over the wire; `delay` seconds late, or cut off in the middle."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: bool = False


Line = Reply | Callable[[Call], Reply]


def answer(
    *parts: dict[str, Any],
    finish: str | None = "STOP",
    usage: dict[str, Any] | None = None,
    **more: Any,
) -> Reply:
    """Return one candidate of the given parts."""
    candidate: dict[str, Any] = {"index": 0, **more}
    if parts:
        candidate["content"] = {"role": "model", "parts": list(parts)}
    if finish is not None:
        candidate["finishReason"] = finish
    body: dict[str, Any] = {"candidates": [candidate], "modelVersion": "test", "responseId": "r1"}
    if usage is not None:
        body["usageMetadata"] = usage
    return as_json(body)


def words(text: str, *, finish: str = "STOP", thoughts: int = 40) -> Reply:
    """Return an answer of words."""
    return answer({"text": text}, finish=finish, usage=usage_of(words=len(text), thoughts=thoughts))


def picture(image: Image, *, said_to_be: str = "image/jpeg", written_as: str = "jpeg") -> Reply:
    """Return an answer of one picture."""
    part = picture_part(image, said_to_be=said_to_be, written_as=written_as)
    return answer(part, usage=usage_of(picture=1120))


def picture_part(
    image: Image, *, said_to_be: str = "image/jpeg", written_as: str = "jpeg", thought: bool = False
) -> dict[str, Any]:
    """Return a part that holds a picture, finished or a draft among the thoughts."""
    data = base64.b64encode(encode(image, written_as, 95)).decode()
    part: dict[str, Any] = {"inlineData": {"mimeType": said_to_be, "data": data}}
    return part | ({"thought": True} if thought else {"thoughtSignature": "c2ln"})


def usage_of(words: int = 0, picture: int = 0, thoughts: int = 0, prompt: int = 1300) -> Any:
    """Return the wire's account of an answer, by modality."""
    kinds = {"TEXT": words, "IMAGE": picture}
    return {
        "promptTokenCount": prompt,
        "candidatesTokenCount": words + picture,
        "thoughtsTokenCount": thoughts,
        "totalTokenCount": prompt + words + picture + thoughts,
        "candidatesTokensDetails": [
            {"modality": kind, "tokenCount": count} for kind, count in kinds.items() if count
        ],
    }


def blocked(reason: str) -> Reply:
    """Return the answer to a prompt that was not answered."""
    return as_json(
        {"promptFeedback": {"blockReason": reason}, "usageMetadata": {"promptTokenCount": 1300}}
    )


def error(
    code: int,
    status: str,
    message: str = "no",
    details: list[dict[str, Any]] | None = None,
    headers: dict[str, str] | None = None,
) -> Reply:
    """Return a failure as the API tells it."""
    body = {"code": code, "status": status, "message": message, "details": details or []}
    return as_json({"error": body}, code, headers or {})


def out_of_quota(
    *quotas: str, delay: str = "", message: str = "quota", header: str = "", value: str = ""
) -> Reply:
    """Return a 429, with the quotas' ids and the delay to wait, where given."""
    violations = [{"quotaId": quota, "quotaValue": value or "60"} for quota in quotas]
    details: list[dict[str, Any]] = []
    if quotas:
        details.append({"@type": f"{_TYPES}QuotaFailure", "violations": violations})
    if delay:
        details.append({"@type": f"{_TYPES}RetryInfo", "retryDelay": delay})
    headers = {"Retry-After": header} if header else {}
    return error(429, "RESOURCE_EXHAUSTED", message, details, headers)


_TYPES = "type.googleapis.com/google.rpc."


def page(status: int = 200) -> Reply:
    """Return a page of HTML, as a proxy or a load balancer would."""
    html = b"<!doctype html><title>Sign in</title><p>Please sign in to the network.</p>"
    return Reply(status, html, {"Content-Type": "text/html"})


def as_json(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """Return any JSON."""
    content_type = {"Content-Type": "application/json; charset=UTF-8"}
    return Reply(status, json.dumps(body).encode(), content_type | (headers or {}))


def obliging(call: Call) -> Reply:
    """Answer as a willing model would: one box for a question, the same picture for a wish."""
    if call.model in WORD_MODELS:
        found = [{"box_2d": [100, 200, 700, 800], "label": "thing", "kind": "object"}]
        return words(json.dumps(found))
    wanted = call.config.get("imageConfig", {})
    width, height = SIDES[wanted.get("aspectRatio", "1:1")]
    factor = FACTORS[wanted.get("imageSize", "1K")]
    size = Size(width * factor, height * factor)
    painted = cv2.resize(call.picture.rgb, (size.width, size.height), interpolation=cv2.INTER_CUBIC)
    return picture(Image(np.asarray(painted, np.uint8)))


# --- the server -----------------------------------------------------------------------------------


class More(Protocol):
    """Answers further requests."""

    def serve(self, method: str, path: str, headers: dict[str, str], raw: bytes) -> Reply | None:
        """Return the answer; None where the request is none of its."""
        ...


class GeminiServer:
    """Serves on loopback; answers by its script, and by `otherwise` once that has ended.

    Parameters
    ----------
    more
        Answers what is about neither content nor models; see `tests.support.gemini_batches`.
    """

    def __init__(self, otherwise: Line = obliging, more: More | None = None) -> None:
        self._otherwise = otherwise
        self._more = more
        self.calls: list[Call] = []
        self._script: deque[Line] = deque()
        self._turn = threading.Lock()
        self.closing = threading.Event()
        self._http = _Http(("127.0.0.1", 0), _handler(self))
        self.address = f"http://127.0.0.1:{self._http.server_port}"

    def script(self, *lines: Line) -> None:
        """Forget what was asked and scripted before; answer by these lines from now on."""
        with self._turn:
            self.calls.clear()
            self._script = deque(lines)

    def reply(self, method: str, path: str, headers: dict[str, str], raw: bytes) -> Reply:
        """Return the answer to a request."""
        if self._more is not None:
            login = _login_fault(Call(path, "", "", headers, {}))
            reply = self._more.serve(method, path, headers, raw)
            if reply is not None:
                # The address of an upload carries its own permission.
                return reply if login is None or "/upload/bytes/" in path else login
        if method == "POST":
            return self.respond(path, headers, raw)
        return self.look_up(path, headers)

    def respond(self, path: str, headers: dict[str, str], raw: bytes) -> Reply:
        """Return the answer to a request for content."""
        match = next((found for known in _PATHS if (found := known.fullmatch(path))), None)
        if match is None or match["method"] != "generateContent":
            return error(404, "NOT_FOUND", f"no such path: {path}")
        place = match.groupdict()
        body = in_camel_case(json.loads(raw))
        call = Call(path, place["model"], place.get("location", ""), headers, body)
        return self.answer(call, fault(call, len(raw)))

    def answer(self, call: Call, fault: Reply | None = None) -> Reply:
        """Return the next line of the script; a request at fault takes no line of it."""
        with self._turn:
            self.calls.append(call)
            line = fault or (self._script.popleft() if self._script else self._otherwise)
        return line if isinstance(line, Reply) else line(call)

    def look_up(self, path: str, headers: dict[str, str]) -> Reply:
        """Return the list of models, a page of three at a time."""
        parts = urlsplit(path)
        vertex = parts.path.endswith("/publishers/google/models")
        if not vertex and not re.fullmatch(r"/v1\w*/models", parts.path):
            return error(404, "NOT_FOUND", f"no such path: {path}")
        fault = _login_fault(Call(path, "", "global" if vertex else "", headers, {}))
        if fault is not None and fault.status != 403:  # the list is of no project
            return fault
        start = int(parse_qs(parts.query).get("pageToken", ["0"])[0])
        prefix = "publishers/google/models/" if vertex else "models/"
        names = [{"name": prefix + name} for name in sorted(PICTURE_MODELS | WORD_MODELS)]
        more = {"nextPageToken": str(start + 3)} if start + 3 < len(names) else {}
        kind = "publisherModels" if vertex else "models"
        return as_json({kind: names[start : start + 3], **more})

    @contextlib.contextmanager
    def running(self) -> Iterator[GeminiServer]:
        thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.closing.set()
            self._http.shutdown()
            self._http.server_close()
            thread.join()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a kept-alive connection must not hold up the end

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of callers that were killed."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def _handler(server: GeminiServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _do(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = server.reply(self.command, self.path, headers, raw)
            server.closing.wait(reply.delay)
            with contextlib.suppress(OSError):  # the caller may have given up waiting
                self._send(reply)

        do_GET = do_POST = do_DELETE = _do  # noqa: N815 - the names that the base class looks for

        def _send(self, reply: Reply) -> None:
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body[: len(reply.body) // 2] if reply.cut else reply.body)
            self.close_connection = self.close_connection or reply.cut

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler


# --- what the real one refuses --------------------------------------------------------------------


def fault(call: Call, length: int) -> Reply | None:
    """Return what the real one would answer to a request that is wrong; None where it is right."""
    if length > MOST_REQUEST_BYTES:
        return error(400, "INVALID_ARGUMENT", "Request payload size exceeds the limit.")
    return _login_fault(call) or _model_fault(call) or _file_fault(call) or _config_fault(call)


def _login_fault(call: Call) -> Reply | None:
    if call.surface == "vertex":
        if call.headers.get("authorization") != f"Bearer {TOKEN}":
            return error(401, "UNAUTHENTICATED", "Request had invalid credentials.")
        if f"/projects/{PROJECT}/" not in call.path:
            return error(403, "PERMISSION_DENIED", "Permission denied on resource project.")
        return None
    key = call.headers.get("x-goog-api-key")
    if key != KEY:
        reason = {"@type": f"{_TYPES}ErrorInfo", "reason": "API_KEY_INVALID"}
        return error(400, "INVALID_ARGUMENT", f"API key not valid: {key}", [reason])
    return None


def _model_fault(call: Call) -> Reply | None:
    if call.model in PICTURE_MODELS | WORD_MODELS:
        return None
    return error(404, "NOT_FOUND", f"models/{call.model} is not found for API version v1.")


def _file_fault(call: Call) -> Reply | None:
    for mime, data in call.files:
        if CONTENT_TYPES.get(sniff(data) or "") != mime:
            return error(400, "INVALID_ARGUMENT", "Unable to process input image.")
        if len(data) > MOST_FILE_BYTES:
            return error(400, "INVALID_ARGUMENT", "The file is too large.")
    return None


def _config_fault(call: Call) -> Reply | None:
    config, image = call.config, call.config.get("imageConfig", {})
    if {"temperature", "topP", "topK"} & set(config):
        return error(400, "INVALID_ARGUMENT", "Sampling parameters are not supported.")
    if image.get("aspectRatio", "1:1") not in SIDES:
        return error(400, "INVALID_ARGUMENT", "aspect_ratio is not supported.")
    if image.get("imageSize", "1K") not in FACTORS:
        return error(400, "INVALID_ARGUMENT", "image_size is not supported.")
    if config.get("thinkingConfig", {}).get("thinkingLevel") == "MINIMAL":
        return error(400, "INVALID_ARGUMENT", "thinking_level is not supported.")
    if re.search(r'"(minItems|maxItems|minimum|maximum|enum)"', json.dumps(config)):
        return error(400, "INVALID_ARGUMENT", "The schema has too many states for serving.")
    return None
