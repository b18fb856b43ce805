"""Every odd file of the collection decodes as others decode it, or is refused in a sentence.

The collection stands beside the repository; where it does not, these tests skip and say so.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest

from common.codec import decode, sniff
from common.errors import BrokenPicture, PictureTooLarge, UnsupportedPicture
from common.image import OPAQUE, Image

ROOT = Path(__file__).parents[2]
INPUTS = ROOT.parent / "shared" / "data" / "inputs"
MOST_MEGABYTES = 300
MOST_SECONDS = 60  # for all of them, on a busy core
CLEAR = (BrokenPicture, UnsupportedPicture, PictureTooLarge)

pytestmark = [
    pytest.mark.skipif(not INPUTS.exists(), reason="the shared test pictures are not beside us"),
    pytest.mark.filterwarnings("ignore::UserWarning"),  # Pillow tells of damage too
    pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning"),
]

READ_ALL = """
import json, sys, warnings
from pathlib import Path
warnings.simplefilter("ignore")
from common.codec import decode
from common.errors import StudioError
told = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        told[path.name] = str(decode(path.read_bytes()).size)
    except StudioError as error:
        told[path.name] = error.message
status = Path("/proc/self/status").read_text()
peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
print(json.dumps([told, int(peak) / 1024]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process's own peak")
def test_none_crashes_hangs_or_takes_the_memory_of_the_machine() -> None:
    command = [sys.executable, "-c", READ_ALL, str(INPUTS)]
    done = subprocess.run(
        command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=MOST_SECONDS
    )
    told, megabytes = json.loads(done.stdout)
    assert len(told) == len(list(INPUTS.iterdir()))
    assert megabytes < MOST_MEGABYTES


def names() -> list[str]:
    return sorted(path.name for path in INPUTS.iterdir()) if INPUTS.exists() else []


@pytest.mark.parametrize("name", names())
def test_it_decodes_as_others_decode_it_or_is_refused_in_a_sentence(name: str) -> None:
    data = (INPUTS / name).read_bytes()
    try:
        image = decode(data)
    except CLEAR as error:
        assert error.message.endswith(".")
        assert error.advice.endswith(".")
        assert name in REFUSED
        return
    assert name not in REFUSED
    theirs = plainly(INPUTS / name, data)
    assert image.rgb.shape == (*theirs.shape[:2], 3)
    apart = np.abs(over_gray(image) - composed(theirs))
    assert apart.mean() <= LOOSE.get(name, 1.0)


def plainly(path: Path, data: bytes) -> np.ndarray:
    """The file through Pillow's shortest way, uint8 RGBA."""
    if sniff(data) == "heic":
        import pillow_heif  # noqa: PLC0415 - as the codec does

        return np.asarray(pillow_heif.read_heif(data).to_pillow().convert("RGBA"))
    with PIL.Image.open(path) as file:
        return np.asarray(PIL.ImageOps.exif_transpose(file).convert("RGBA"))


def composed(rgba: np.ndarray) -> np.ndarray:
    """Some of the pixels, on gray, since colour that nobody sees may be anything."""
    some = rgba[:: 1 + rgba.shape[0] // 300, :: 1 + rgba.shape[1] // 300].astype(np.float32)
    alpha = some[..., 3:] / OPAQUE
    return some[..., :3] * alpha + 128 * (1 - alpha)


def over_gray(image: Image) -> np.ndarray:
    alpha = np.full(image.rgb.shape[:2], OPAQUE, np.uint8) if image.alpha is None else image.alpha
    return composed(np.dstack([image.rgb, alpha]))


REFUSED = {
    "image-rs-Bad_height.bmp",
    "image-rs-Bad_reallybig.bmp",
    "libheif-clap-overflow-divide-zero.heic",
    "libvips-17000x17000.avif",
    "libvips-truncated.gif",
    "pillow-broken.png",
    "pillow-crash-1152ec2d1a1a71395b6f2ce6721c38924d025bf3.tif",
    "pillow-decompression_bomb.gif",
    "pillow-drawing.wmf",
    "pillow-truncated_end_chunk.png",
    "pillow-truncated_image.png",
    "pngsuite-xc1n0g08.png",
    "pngsuite-xcrn0g04.png",
    "pngsuite-xd0n2c08.png",
    "pngsuite-xd9n2c08.png",
    "pngsuite-xhdn0g08.png",
    "pngsuite-xs1n0g01.png",
    "pngsuite-xs4n0g01.png",
    "sharp-corrupt-header.jpg",
    "sharp-giant-image.jpg",
    "sharp-truncated.jpg",
    "trap-zero.png",
}
LOOSE = {  # what the shortest way gets wrong
    "pillow-i_trns.png": 255.0,  # it clips 16-bit gray, and knows no transparent level of it
    "sharp-tbgn2c16.png": 5.0,
    "sharp-concert.jpg": 3.0,  # nor at that of gray
    "sharp-Channel_digital_image_CMYK_color.jpg": 60.0,  # it does not look at the print profile
}
