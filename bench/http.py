"""What the HTTP door costs, what a crowd does to it, and how soon it is open.

    python -m bench.http [--requests N] [--crowd N]

Functions run under gunicorn as in the cloud (functions-framework's own server, one process).  The
model takes no time: each request brings its render.

Overhead: what a request takes beyond decode, operation and encode, which the server times itself
(`timed/cutout.py`), so that what else the machine does falls on both.  Counted is all between the
first byte that the client sends and the last that it has read: client, gunicorn, framework, door.
The body is made before, and the connection is kept, as the platform's front end keeps its own.
Told are whole cutouts and dry runs, the wall time and the CPU time of the server's processes.
Crowd: so many uploads of 12 megapixels at once; told are the replies by status, their times, and
the most memory that the process had.  Who is sent away must be told when to come again.
Cold start: the CPU time from the start of the process to its first reply.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import io
import os
import socket
import statistics
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from bench.timed.cutout import CPU, WALL
from common import codec
from common.image import Image
from tests.support.files import GREEN, product_files

ROOT = Path(__file__).parents[1]
CUTOUT = "main.py"
TIMED = "bench/timed/cutout.py"
START_SECONDS = 60.0
ANSWER_SECONDS = 300.0
MOST_OVERHEAD = 3.0  # ms, median
MOST_MEMORY = 2048  # MiB, with the crowd
MOST_HEALTH, MOST_CUTOUT = 1.5, 2.5  # seconds of CPU until the first reply
TWELVE = (4000, 3000)  # px
TICKS = os.sysconf("SC_CLK_TCK")
BOX = "0,0,1000,1000"
WHOLE, DRY = "", "?dry_run=true"
KINDS = {WHOLE: "cutouts", DRY: "dry runs"}
WARM = 10  # requests before the clock starts


@dataclass(frozen=True)
class Upload:
    """A request's body: a photo, and the render that takes the model's place."""

    photo: bytes
    render: bytes

    @cached_property
    def body(self) -> tuple[bytes, str]:
        mark = uuid.uuid4().hex
        out = io.BytesIO()
        for name, data in (("image", self.photo), ("render", self.render), ("box", BOX.encode())):
            file = "" if name == "box" else '; filename="a"'
            out.write(f'--{mark}\r\nContent-Disposition: form-data; name="{name}"{file}'.encode())
            out.write(b"\r\n\r\n" + data + b"\r\n")
        out.write(f"--{mark}--\r\n".encode())
        return out.getvalue(), f"multipart/form-data; boundary={mark}"


@dataclass(frozen=True)
class Reply:
    """What came back, and in how many seconds; a connection that broke is status 0."""

    status: int
    headers: Mapping[str, str]
    seconds: float


@dataclass(frozen=True)
class Server:
    """A function under gunicorn."""

    process: subprocess.Popen[bytes]
    port: int

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)

    def is_healthy(self) -> bool:
        with contextlib.closing(self.connect()) as connection:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.client.OK

    def post(self, upload: Upload) -> Reply:
        """Post on a connection of its own."""
        start = time.perf_counter()
        with contextlib.closing(self.connect()) as connection:
            try:
                return posted(connection, upload)
            except (OSError, http.client.HTTPException):
                return Reply(0, {}, time.perf_counter() - start)

    def pids(self) -> list[int]:
        """Return the server's processes: gunicorn's own and its worker."""
        parent = self.process.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return [parent, *map(int, children)]

    def cpu(self) -> float:
        """Return the seconds of CPU that all of them took."""
        ticks = 0
        for pid in self.pids():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / TICKS

    def memory(self) -> int:
        """Return the most memory that one of them had, in MiB."""
        return max(
            int(line.split()[1]) // 1024
            for pid in self.pids()
            for line in Path(f"/proc/{pid}/status").read_text().splitlines()
            if line.startswith("VmHWM")
        )


@contextlib.contextmanager
def serving(threads: int, together: int, source: str = CUTOUT) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("STUDIO_")},
        "PYTHONPATH": str(ROOT),
        "FUNCTION_TARGET": "cutout",
        "STUDIO_ACCESS": "open",
        "STUDIO_REQUESTS_TOGETHER": str(together),
        "THREADS": str(threads),
    }
    command = [sys.executable, "-m", "functions_framework", "--source", source]
    command += ["--target", "cutout", "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield Server(process, port)
        finally:
            process.terminate()


def until_it_answers(server: Server) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            server.is_healthy()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return


def posted(connection: http.client.HTTPConnection, upload: Upload, query: str = WHOLE) -> Reply:
    body, kind = upload.body
    start = time.perf_counter()
    connection.request("POST", f"/v1/cutout{query}", body, {"Content-Type": kind})
    answer = connection.getresponse()
    answer.read()
    return Reply(answer.status, dict(answer.headers), time.perf_counter() - start)


def small() -> Upload:
    files = product_files()
    return Upload(files.photo, files.render)


def large() -> Upload:
    """The product at 12 megapixels, with a camera's grain, as JPEG; its render at 1K."""
    scene = product_files().scene
    photo = cv2.resize(scene.photo, TWELVE, interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng(5).normal(0, 2, photo.shape)
    grainy = np.clip(photo + grain, 0, 255).astype(np.uint8)
    render = cv2.resize(scene.on(GREEN), (1024, 768), interpolation=cv2.INTER_CUBIC)
    return Upload(codec.encode(Image(grainy), "jpeg"), codec.encode(Image(render), "png"))


# --- measures -------------------------------------------------------------------------------------


def overhead(requests: int) -> bool:
    with serving(threads=8, together=4, source=TIMED) as server:
        until_it_answers(server)
        held = [over(server, requests, query) for query in KINDS]
    return all(held)


def over(server: Server, requests: int, query: str) -> bool:
    """Tell what requests take beyond their work; whether it is within the limit."""
    upload = small()
    with contextlib.closing(server.connect()) as connection:
        for _ in range(WARM):
            posted(connection, upload, query)
        before = server.cpu()
        replies = [posted(connection, upload, query) for _ in range(requests)]
    cpu = (server.cpu() - before - sum(float(each.headers[CPU]) for each in replies)) / requests
    worked = statistics.median(float(each.headers[WALL]) for each in replies) * 1000
    wall = statistics.median(each.seconds - float(each.headers[WALL]) for each in replies) * 1000
    print(f"overhead, {KINDS[query]}: {wall:.1f} ms median, {cpu * 1000:.1f} ms CPU of the server")
    print(f"  beside {worked:.1f} ms of work")
    return wall <= MOST_OVERHEAD


def crowded(crowd: int) -> bool:
    upload = large()
    print(f"crowd: {crowd} uploads of {len(upload.photo) / 1e6:.1f} MB, 12 megapixels")
    with serving(threads=crowd, together=4) as server:
        until_it_answers(server)
        with ThreadPoolExecutor(crowd) as pool:
            replies = list(pool.map(lambda _: server.post(upload), range(crowd)))
        alive = server.process.poll() is None and server.is_healthy()
        memory = server.memory()
    for status, many in sorted(Counter(each.status for each in replies).items()):
        tell_times(f"{status}: {many}", [each.seconds for each in replies if each.status == status])
    tell_times("all", [each.seconds for each in replies])
    print(f"  most memory {memory} MiB; {'alive' if alive else 'DEAD'}")
    return alive and memory <= MOST_MEMORY and all(map(is_fair, replies))


def is_fair(reply: Reply) -> bool:
    """Whether a request was done, or sent away with the time to come again."""
    if reply.status == http.client.TOO_MANY_REQUESTS:
        return int(reply.headers.get("Retry-After", 0)) > 0
    return reply.status == http.client.OK


def tell_times(name: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, round(len(ordered) * 0.99))]
    print(f"  {name}, median {statistics.median(ordered):.1f} s, p99 {p99:.1f} s")


def cold() -> bool:
    with serving(threads=8, together=4) as server:
        until_it_answers(server)
        health = server.cpu()
        server.post(small())
        cutout = server.cpu()
    print(f"cold start: {health:.2f} s CPU to /healthz, {cutout:.2f} s to the first cutout")
    return health <= MOST_HEALTH and cutout <= MOST_CUTOUT


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--crowd", type=int, default=64)
    arguments = parser.parse_args()
    held = [cold(), overhead(arguments.requests), crowded(arguments.crowd)]
    print("all limits hold" if all(held) else "A LIMIT DOES NOT HOLD")
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
