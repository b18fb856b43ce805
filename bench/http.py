"""What the HTTP door costs, what a crowd does to it, and how soon it is open.

    python -m bench.http [--requests N] [--crowd N]

Functions run under gunicorn as in the cloud (functions-framework's own server, one process).  The
model takes no time: each request brings its render.

Overhead: a request's time less the same work called directly, on dry runs, which decode two
pictures and plan; both are done in turn, so that what else the machine does falls on both.
Crowd: so many uploads of 12 megapixels at once; told are the replies by status, their times, and
the most memory that the process had.
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
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from common import codec
from common.image import Image
from common.operations.options import CutoutOptions
from functions import _wiring
from tests.support.files import GREEN, product_files

ROOT = Path(__file__).parents[1]
START_SECONDS = 60.0
ANSWER_SECONDS = 300.0
MOST_OVERHEAD = 3.0  # ms, median
MOST_MEMORY = 2048  # MiB, with the crowd
MOST_HEALTH, MOST_CUTOUT = 1.5, 2.5  # seconds of CPU until the first reply
TWELVE = (4000, 3000)  # px
TICKS = os.sysconf("SC_CLK_TCK")
BOX = "0,0,1000,1000"
DRY = "?dry_run=true"  # decode and plan: what a whole operation takes would hide what is looked for


@dataclass(frozen=True)
class Upload:
    """A request's body: a photo, and the render that takes the model's place."""

    photo: bytes
    render: bytes

    @property
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
class Server:
    """A function under gunicorn."""

    process: subprocess.Popen[bytes]
    port: int

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "") -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
        try:
            connection.request(method, path, body, {"Content-Type": kind} if kind else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def post(self, upload: Upload, query: str = "") -> tuple[int, float]:
        """Return status and seconds; a connection that broke is status 0."""
        body, kind = upload.body
        start = time.perf_counter()
        try:
            status, _ = self.ask("POST", f"/v1/cutout{query}", body, kind)
        except (OSError, http.client.HTTPException):
            status = 0
        return status, time.perf_counter() - start

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
def serving(threads: int, together: int) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("STUDIO_")},
        "STUDIO_ACCESS": "open",
        "STUDIO_REQUESTS_TOGETHER": str(together),
        "THREADS": str(threads),
    }
    command = [sys.executable, "-m", "functions_framework", "--source", "functions/cutout.py"]
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
            server.ask("GET", "/healthz")
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return


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


def directly(upload: Upload) -> float:
    start = time.perf_counter()
    options = CutoutOptions.model_validate({"box": BOX, "dry_run": True})
    _wiring.run(_wiring.operation("cutout"), upload.photo, options, given=upload.render)
    return time.perf_counter() - start


def overhead(requests: int) -> bool:
    upload = small()
    with serving(threads=8, together=4) as server:
        until_it_answers(server)
        for _ in range(5):
            server.post(upload, DRY)
            directly(upload)
        pairs = [(server.post(upload, DRY)[1], directly(upload)) for _ in range(requests)]
    served = statistics.median(pair[0] for pair in pairs) * 1000
    direct = statistics.median(pair[1] for pair in pairs) * 1000
    over = served - direct
    print(f"overhead: {over:.1f} ms median ({served:.1f} served, {direct:.1f} direct)")
    return over <= MOST_OVERHEAD


def crowded(crowd: int) -> bool:
    upload = large()
    print(f"crowd: {crowd} uploads of {len(upload.photo) / 1e6:.1f} MB, 12 megapixels")
    with serving(threads=crowd, together=4) as server:
        until_it_answers(server)
        with ThreadPoolExecutor(crowd) as pool:
            answers = list(pool.map(lambda _: server.post(upload), range(crowd)))
        alive = server.process.poll() is None and server.ask("GET", "/healthz")[0] == 200
        memory = server.memory()
    statuses = Counter(status for status, _ in answers)
    for status in sorted(statuses):
        times = sorted(seconds for each, seconds in answers if each == status)
        p99 = times[min(len(times) - 1, round(len(times) * 0.99))]
        middle = statistics.median(times)
        print(f"  {status}: {statuses[status]}, median {middle:.1f} s, p99 {p99:.1f} s")
    print(f"  most memory {memory} MiB; {'alive' if alive else 'DEAD'}")
    return alive and memory <= MOST_MEMORY and statuses.keys() <= {200, 429}


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
    _wiring.settings()
    held = [cold(), overhead(arguments.requests), crowded(arguments.crowd)]
    print("all limits hold" if all(held) else "A LIMIT DOES NOT HOLD")
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
