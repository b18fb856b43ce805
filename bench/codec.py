"""Time and memory of reading and writing 24 megapixels, beside Pillow's and OpenCV's own.

    python -m bench.codec            everything, each case in a process of its own
    python -m bench.codec png        only cases whose name holds this

A case is run once to measure its memory and again for its time, of which the best of two counts.
Memory is the most that the process held beyond what it held before, the result included.
The PNG of a cutout is compared with the smallest among sensible settings of both libraries.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image

from common.codec import Output, decode, encode
from common.image import Image

WIDTH, HEIGHT = 6000, 4000
RUNS = 2
PAGE = os.sysconf("SC_PAGE_SIZE")
MEGABYTE = 1 << 20
FORMATS = ("jpeg", "png", "webp", "avif", "tiff")
SUFFIX = {"jpeg": ".jpg", "png": ".png", "webp": ".webp", "avif": ".avif", "tiff": ".tiff"}
NOISE = 3  # levels: what a good sensor adds
CACHE = Path(tempfile.gettempdir()) / "studio-bench-codec"

Work = Callable[[], Any]


# --- the pictures ---------------------------------------------------------------------------------


def photo() -> np.ndarray:
    """A photo's statistics: detail at every scale, and a sensor's noise; uint8 (H, W, 3)."""
    random = np.random.default_rng(0)
    total = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    for cells, strength in ((6, 110), (24, 60), (96, 40), (384, 25), (1536, 15)):
        coarse = random.random((cells * 2 // 3, cells, 3), dtype=np.float32)
        total += strength * cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    total += random.integers(-NOISE, NOISE + 1, total.shape, dtype=np.int8)
    return np.clip(total, 0, 255).astype(np.uint8)


def cutout() -> Image:
    """An ellipse of the photo on transparency."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    far = np.hypot((columns - WIDTH / 2) / 1800, (rows - HEIGHT / 2) / 1500)
    alpha = np.clip((1 - far) * 800 + 128, 0, 255).astype(np.uint8)
    rgb = photo()
    rgb[alpha == 0] = 0
    return Image(rgb, alpha)


def kept(name: str, make: Callable[[], bytes]) -> bytes:
    """A file that is made once."""
    path = CACHE / name
    if not path.exists():
        CACHE.mkdir(exist_ok=True)
        path.write_bytes(make())
    return path.read_bytes()


def pixels(name: str, make: Callable[[], np.ndarray]) -> np.ndarray:
    def saved() -> bytes:
        out = io.BytesIO()
        np.save(out, make())
        return out.getvalue()

    loaded: np.ndarray = np.load(io.BytesIO(kept(f"{name}.npy", saved)))
    return loaded


# --- the cases ------------------------------------------------------------------------------------


def reading(format: str, who: str) -> Work:
    data = kept(f"photo{SUFFIX[format]}", lambda: encode(Image(pixels("photo", photo)), format))
    match who:
        case "studio":
            return partial(decode, data)
        case "pillow":
            return lambda: np.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB"))
    return lambda: cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)


def writing(format: str, who: str) -> Work:
    rgb = pixels("photo", photo)
    match who:
        case "studio":
            return partial(encode, Image(rgb), format)
        case "pillow":
            return lambda: saved_by_pillow(rgb, format)
    bgr = np.ascontiguousarray(rgb[..., ::-1])
    return partial(saved_by_cv2, bgr, SUFFIX[format])


def saved_by_pillow(array: np.ndarray, format: str, **how: Any) -> bytes:
    out = io.BytesIO()
    PIL.Image.fromarray(array).save(out, format.upper(), **how)
    return out.getvalue()


def saved_by_cv2(array: np.ndarray, suffix: str, told: Sequence[int] = ()) -> bytes:
    data: bytes = cv2.imencode(suffix, array, list(told))[1].tobytes()
    return data


def cut_png(setting: str) -> Work:
    """The PNG of the cutout by a setting: ``studio``, ``pillow 6``, ``pillow 6 rle``, ``cv2 6``."""
    rgba = pixels("cutout", lambda: np.dstack([(cut := cutout()).rgb, cut.alpha]))  # type: ignore[list-item]
    who, _, rest = setting.partition(" ")
    if who == "studio":
        return partial(encode, Image(rgba[..., :3].copy(), rgba[..., 3].copy()), "png")
    level, _, strategy = rest.partition(" ")
    if who == "pillow":
        how = {"compress_level": int(level)} | ({"compress_type": 3} if strategy else {})
        return lambda: saved_by_pillow(rgba, "png", **how)
    bgra = cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA)
    told = [cv2.IMWRITE_PNG_COMPRESSION, int(level)]
    told += [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE] if strategy else []
    told += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_ALL_FILTERS]
    return partial(saved_by_cv2, bgra, ".png", told)


SETTINGS = (
    *("studio", "pillow 1", "pillow 4", "pillow 6", "pillow 9"),
    *("pillow 6 rle", "cv2 1", "cv2 6", "cv2 6 rle"),
)
CASES: dict[str, Callable[[], Work]] = {
    **{
        f"read {format} {who}": partial(reading, format, who)
        for format in FORMATS
        for who in ("studio", "pillow", "cv2")
    },
    **{
        f"write {format} {who}": partial(writing, format, who)
        for format in FORMATS
        for who in ("studio", "pillow", "cv2")
    },
    **{f"cutout png {setting}": partial(cut_png, setting) for setting in SETTINGS},
}
for each in ("zip", "alpha"):
    CASES[f"cutout {each} studio"] = lambda each=each: partial(encode, cutout(), Output(each))  # type: ignore[misc]


# --- measuring ------------------------------------------------------------------------------------


def held() -> int:
    """Bytes that this process holds now."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * PAGE


def most_held() -> int:
    """Bytes that this process held at most since `forget`."""
    status = Path("/proc/self/status").read_text("ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def forget() -> None:
    Path("/proc/self/clear_refs").write_text("5", "ascii")


def measure(name: str) -> dict[str, Any]:
    work = CASES[name]()
    forget()
    before = held()
    result = work()
    memory = most_held() - before
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    size = len(result) if isinstance(result, bytes) else 0
    return {"seconds": min(seconds), "megabytes": memory / MEGABYTE, "size": size / MEGABYTE}


def main(part: str = "") -> None:
    PIL.Image.MAX_IMAGE_PIXELS = None
    for name in CASES:
        if part not in name:
            continue
        command = [sys.executable, "-m", "bench.codec", "--one", name]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            print(f"{name:24} failed: {done.stderr.strip().splitlines()[-1]}", flush=True)
            continue
        told = json.loads(done.stdout)
        size = f"{told['size']:7.2f} MB file" if told["size"] else ""
        print(f"{name:24} {told['seconds']:6.2f} s {told['megabytes']:6.0f} MB {size}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(sys.argv[2])))
    else:
        main(*sys.argv[1:2])
