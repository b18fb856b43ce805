"""Boot every function of an unpacked zip, as the platform does it, and knock at its door.

    PYTHON boot.py FOLDER MAP

PYTHON is that of an environment that holds requirements.txt and nothing else; FOLDER is where the
zip was unpacked, and the working directory, so that nothing of a checkout can be imported; MAP is
terraform/functions.tf, which says what the functions are and which door each of them has.

Each is a process of functions-framework with FUNCTION_TARGET set.  An HTTP function has to be
healthy and to refuse an empty request in JSON; the clock's has to sweep; one of dropped pictures
has to take an event and leave a failed result for what is no picture.
"""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LINE = re.compile(
    r'^    (\w+) += \{ door = "(\w+)", .*? paths = \["?(.*?)[*"\]].*? needs = \[(.*?)\]',
    re.MULTILINE,
)
BUCKETS = {"input": "input", "work": "work", "output": "output", "uploads": "input"}  # by need
PATIENCE = 60.0  # seconds that a function may take to start on a busy machine
TOGETHER = 2  # processes at a time


def main(folder: str, functions_tf: str) -> None:
    doors = LINE.findall(Path(functions_tf).read_text("utf-8"))
    assert doors, f"no functions in {functions_tf}"
    os.chdir(folder)
    sys.path.insert(0, folder)
    with ThreadPoolExecutor(TOGETHER) as pool:
        for told in pool.map(lambda line: boot(*line), doors):
            print(told, flush=True)


def boot(target: str, door: str, path: str, needs: str) -> str:
    """Start one function, knock, and return what it said."""
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as buckets,
        running(target, settings(door, needs, Path(buckets))) as address,
    ):
        started = time.monotonic() - began
        match door:
            case "http":
                said = knock(address, path)
            case "clock":
                said = sweep(address)
            case _:
                said = drop(address, target.removesuffix("_dropped"), Path(buckets))
    return f"{target:18} up in {started:4.1f} s; {said}"


def settings(door: str, needs: str, buckets: Path) -> dict[str, str]:
    """Return what terraform/environment.tf sets for such a function, with folders as buckets."""
    names = {bucket for need, bucket in BUCKETS.items() if f'"{need}"' in needs}
    places = {f"STUDIO_{name.upper()}_BUCKET": str(buckets / name) for name in names}
    access = {"STUDIO_ACCESS": "iam"} if door == "http" else {}
    return {"LOG_EXECUTION_ID": "true", "STUDIO_ENGINE": "embedded"} | places | access


@contextmanager
def running(target: str, settings: Mapping[str, str]) -> Iterator[str]:
    """Run a function, and yield its address."""
    port = free_port()
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "FUNCTION_TARGET": target,
        **settings,
    }
    command = [sys.executable, "-m", "functions_framework"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603
        try:
            wait_for(port, process)
            yield f"http://127.0.0.1:{port}"
        except BaseException:
            log.seek(0)
            print(f"--- {target}\n{log.read().decode(errors='replace')}", file=sys.stderr)
            raise
        finally:
            process.kill()
            process.wait()


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, f"it ended with {process.returncode}"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"it did not start within {PATIENCE} s")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


# --- the doors ------------------------------------------------------------------------------------


def knock(address: str, path: str) -> str:
    status, said = ask(f"{address}/healthz")
    assert (status, said["status"]) == (200, "ok"), (status, said)
    status, said = ask(address + path, {})
    assert 400 <= status < 500, (status, said)
    return f"healthy; refuses an empty request: {status}"


def sweep(address: str) -> str:
    status, said = ask(address, {})
    assert (status, said["run"]) == (200, 0), (status, said)
    return "swept empty buckets"


def drop(address: str, operation: str, buckets: Path) -> str:
    """Tell of an input that is no picture; its failed result has to stand in the output."""
    from common.store import open_bucket  # noqa: PLC0415 - the zip's own

    name = f"{operation}/broken.jpg"
    stored = open_bucket(str(buckets / "input")).write(name, b"no picture")
    event = push("input", name, stored.generation, stored.size)
    status, _ = ask(address, event, accept="*/*")
    assert status == 200, status
    result = json.loads((buckets / "output" / operation / "broken.json").read_text("utf-8"))
    # Operations that need options refuse their absence before they look at the picture.
    assert result["code"] in {"unsupported-picture", "bad-options"}, result
    return f"took an event; {result['code']}"


def push(bucket: str, name: str, generation: int, size: int) -> Mapping[str, Any]:
    """Return what Pub/Sub posts of a new object."""
    resource = {"bucket": bucket, "name": name, "generation": str(generation), "size": str(size)}
    return {
        "message": {
            "attributes": {
                "eventType": "OBJECT_FINALIZE",
                "payloadFormat": "JSON_API_V1",
                "bucketId": bucket,
                "objectId": name,
                "objectGeneration": str(generation),
            },
            "data": base64.b64encode(json.dumps(resource).encode()).decode(),
            "messageId": "1",
            "publishTime": "2026-11-22T00:00:00Z",
        },
        "subscription": "projects/shop/subscriptions/studio",
    }


def ask(
    url: str, body: Mapping[str, Any] | None = None, accept: str = "application/json"
) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Accept": accept}
    request = urllib.request.Request(url, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, read(reply.read())
    except urllib.error.HTTPError as error:
        return error.code, read(error.read())


def read(text: bytes) -> Any:
    return json.loads(text) if text[:1] in {b"{", b"["} else text


if __name__ == "__main__":
    main(*sys.argv[1:])
