"""The whole loop on real parts: Cloud Storage's double, the Pub/Sub emulator, the real function."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from common.jobs import Buckets
from tests.support import gcs
from tests.support.files import product_files
from tests.support.jobs import document, names

ROOT = Path(__file__).parents[2]
PROJECT, TOPIC = "studio", "detect"
SECONDS = 60.0  # a Java machine starts slowly


def _emulator() -> str:
    gcloud = shutil.which("gcloud")
    home = Path(gcloud).resolve().parents[1] if gcloud else Path("nowhere")
    program = home / "platform/pubsub-emulator/bin/cloud-pubsub-emulator"
    if not (program.is_file() and shutil.which("java")):
        pytest.skip("SKIPPED LOUDLY: no Pub/Sub emulator here, the whole loop was not tested")
    return str(program)


@contextmanager
def _running(*command: str, **environment: str) -> Iterator[None]:
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # shell scripts have children: all of them end together
    ) as process:
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def _ask(port: int, method: str, path: str, body: object = None) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"Content-Type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()


def _patiently(done: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + SECONDS
    while True:
        try:
            if done():
                return
        except OSError:
            pass  # it does not listen yet
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.1)


def test_a_picture_dropped_into_the_bucket_comes_out_by_way_of_pub_sub() -> None:
    queue, storage, door = gcs.free_port(), gcs.free_port(), gcs.free_port()
    address = f"http://127.0.0.1:{storage}"
    double = gcs.command(storage, list="finalize", bucket="in", object_prefix=f"{TOPIC}/", **_TELLS)
    with _running(_emulator(), "--host=127.0.0.1", f"--port={queue}"):
        _patiently(lambda: _ask(queue, "GET", "/") == 200, "the Pub/Sub emulator")
        _subscribe(queue, f"http://127.0.0.1:{door}/")
        with _running(*double, PUBSUB_EMULATOR_HOST=f"127.0.0.1:{queue}"):
            _patiently(lambda: _ask(storage, "GET", "/storage/v1/b") == 200, "the storage double")
            buckets = Buckets(*(gcs.made_at(address, name) for name in BUCKETS))
            # Dropped before the function listens: the queue has to bring it again.
            photo = product_files().photo
            buckets.input.write("detect/shoe ä.png", photo, metadata={"params": '{"query": "cup"}'})
            buckets.input.write("detect/broken.png", b"no picture")
            buckets.input.write("other/shoe.png", photo)
            with _running(*_function(door), **_settings(address)):
                _patiently(lambda: len(names(buckets.output)) == 2, "the results")
            good = document(buckets.output, "detect/shoe ä.json")
            assert good["job"]["outcome"] == "done"
            assert good["input"]["options"]["query"] == "cup"
            assert document(buckets.output, "detect/broken.json")["code"] == "unsupported-picture"


BUCKETS = ("in", "work", "out")
_TELLS = {"pubsub_project_id": PROJECT, "pubsub_topic": TOPIC}


def _subscribe(queue: int, endpoint: str) -> None:
    topic = f"projects/{PROJECT}/topics/{TOPIC}"
    assert _ask(queue, "PUT", f"/v1/{topic}", {}) == 200
    subscription = {
        "topic": topic,
        "pushConfig": {"pushEndpoint": endpoint},
        "ackDeadlineSeconds": 60,
        "retryPolicy": {"minimumBackoff": "1s", "maximumBackoff": "2s"},
    }
    path = f"/v1/projects/{PROJECT}/subscriptions/{TOPIC}"
    assert _ask(queue, "PUT", path, subscription) == 200


def _function(port: int) -> list[str]:
    program = [sys.executable, "-m", "functions_framework"]
    where = ["--host", "127.0.0.1", "--port", str(port)]
    return [*program, "--source", "functions/detect.py", "--target", "detect_dropped", *where]


def _settings(address: str) -> dict[str, str]:
    names = ("STUDIO_INPUT_BUCKET", "STUDIO_WORK_BUCKET", "STUDIO_OUTPUT_BUCKET")
    buckets = {name: f"gs://{bucket}" for name, bucket in zip(names, BUCKETS, strict=True)}
    return {**buckets, "STORAGE_EMULATOR_HOST": address, "PYTHONPATH": str(ROOT)}
