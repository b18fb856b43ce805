"""Hostile files: no crash, no 5xx, within memory and time.

`python -m bench.fuzz` does the same with a hundred thousand.
"""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.support.hostile import mutated, seeds
from tests.support.served import served

# Pillow warns of what it can live with; here as in a function that is no failure.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

INPUTS = Path(__file__).parents[2].parent / "shared" / "data" / "inputs"
COUNT = 2000
MOST_SECONDS = 20.0  # for one file, on a machine with much else to do
MOST_GROWTH = 700_000  # kB of memory, over all of them
MARK = b"no-picture-holds-this-boundary"
END = b"--%s--\r\n" % MARK


def part(name: bytes, data: bytes, file: bytes = b"") -> bytes:
    """Return a part of a form; with a name of a file it is one."""
    named = b'; filename="%s"' % file if file else b""
    head = b'--%s\r\nContent-Disposition: form-data; name="%s"%s' % (MARK, name, named)
    return head + b"\r\n\r\n" + data + b"\r\n"


BODIES = 1000
FORM, JSON = f"multipart/form-data; boundary={MARK.decode()}", "application/json"
PLAN = b'{"image": "aGk=", "dry_run": true, "box": [0, 0, 1000, 1000], "margin": "8%", '
REQUESTS = [
    ("/v1/cutout", FORM, part(b"image", b"hi", b"a") + part(b"box", b"0,0,9,9") + END),
    ("/v1/cutout", JSON, PLAN + b'"crop": "subject", "fill": 0.85, "background": "#fff"}'),
    ("/v1/erase", JSON, PLAN + b'"region": [[0, 0, 10, 10]], "mask": "aGk="}'),
    ("/v1/expand", FORM, part(b"image", b"hi", b"a") + part(b"aspect", b"16:9") + END),
    ("/v1/pipeline", JSON, PLAN + b'"steps": [{"operation": "expand", "aspect": "1:1"}]}'),
    ("/v1/check", FORM, part(b"image", b"hi", b"a") + part(b"preset", b"ebay") + END),
    ("/v1.0/removebg", FORM, part(b"image_file", b"hi", b"a") + part(b"roi", b"0% 0% 9% 9%") + END),
    ("/v1.0/removebg", JSON, b'{"image_file_b64": "aGk=", "crop": true, "crop_margin": "5px 9%"}'),
    ("/v1.0/removebg", "application/x-www-form-urlencoded", b"image_file_b64=aGk%3D&scale=50%25"),
    ("/v1/uploads", JSON, b'{"operation": "cutout", "content_type": "image/png", "bytes": 1e1}'),
]
FIELDS = {"dry_run": "true", "engine": "embedded", "box": "0,0,1000,1000"}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with served(tmp_path_factory.mktemp("fuzz"), STUDIO_MAX_MEGAPIXELS="20") as client:
        yield client


def asked(client: Any, data: bytes) -> tuple[int, float]:
    """Return how a file was answered, and in how many seconds."""
    body = part(b"image", data, b"a") + END
    start = time.perf_counter()
    response = client.post("/v1/cutout", data=body, content_type=FORM, query_string=FIELDS)
    if response.status_code != 200:
        assert response.mimetype == "application/problem+json"
    return response.status_code, time.perf_counter() - start


def test_mutated_files_break_nothing(small: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    statuses: dict[int, int] = {}
    for number, data in enumerate(mutated(seeds(), COUNT, seed=20261122)):
        status, seconds = asked(small, data)
        assert status < 500, f"file {number}"
        assert seconds < MOST_SECONDS, f"file {number}"
        statuses[status] = statuses.get(status, 0) + 1
    assert {200, 415, 422} <= statuses.keys()  # some still are pictures, and some were noticed
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_GROWTH


def test_mutated_requests_break_nothing(small: Any) -> None:
    """The whole body is mutated, not the picture in it: parts, numbers, quotes, ends."""
    rng = random.Random(7)  # noqa: S311 - chance, no secret
    for number in range(BODIES):
        path, kind, body = rng.choice(REQUESTS)
        [hostile] = mutated([body], 1, rng.randrange(2**32))
        start = time.perf_counter()
        response = small.post(path, data=hostile, content_type=kind)
        assert response.status_code < 500, f"body {number}"
        assert response.is_json, f"body {number}"
        assert time.perf_counter() - start < MOST_SECONDS, f"body {number}"


@pytest.mark.skipif(not INPUTS.is_dir(), reason="the shared collection of odd files is not here")
def test_odd_files_break_nothing(small: Any) -> None:
    for path in sorted(INPUTS.iterdir()):
        status, seconds = asked(small, path.read_bytes())
        assert status < 500, path.name
        assert seconds < MOST_SECONDS, path.name


def test_a_frame_far_beyond_its_canvas_is_refused_before_room_is_made(small: Any) -> None:
    """Found by the long way: 133 bytes for which Pillow asks for a gigabyte and a half."""
    screen = b"GIF89a\x02\0\x02\0\0\0\0"
    frame = b",\x00\x40\x00\x40\xf0\xf0\xf0\xf0\0\x02\x02\x4c\x01\0;"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for junk in (b"", b"\x01\x02", b"!\xf9\x04\0\0\0\0\0"):
        status, _ = asked(small, screen + junk + frame)
        assert status == 413
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_a_chunk_that_claims_two_gigabytes_gets_none(small: Any) -> None:
    """Found by the long way too: OpenCV makes room for what a PNG's chunk says of itself."""
    rgb = np.zeros((32, 32, 3), np.uint16)
    whole = cv2.imencode(".png", rgb)[1].tobytes()
    end = whole.rindex(b"IEND") - 4
    claims = whole[:end] + b"\x7f\xff\xff\xf0tEXt" + b"a" * 50
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    status, _ = asked(small, claims)
    assert status in {200, 422}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
