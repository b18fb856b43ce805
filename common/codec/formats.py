"""Which formats there are, and how a file is told to be one: by its content, never by its name."""

from __future__ import annotations

from collections.abc import Callable

from common.errors import BadOptions

READS = ("jpeg", "png", "webp", "avif", "heic", "tiff", "bmp", "gif", "psd")
WRITES = ("png", "jpeg", "webp", "avif", "tiff", "zip", "alpha")
CONTENT_TYPES = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "avif": "image/avif",
    "heic": "image/heic",
    "tiff": "image/tiff",
    "bmp": "image/bmp",
    "gif": "image/gif",
    "psd": "image/vnd.adobe.photoshop",
    "zip": "application/zip",
    "alpha": "image/png",
}
SUFFIXES = {
    "png": ".png",
    "jpeg": ".jpg",
    "webp": ".webp",
    "avif": ".avif",
    "tiff": ".tif",
    "zip": ".zip",
    "alpha": ".png",
}
WITH_ALPHA = frozenset({"png", "webp", "avif", "tiff", "zip", "alpha"})
LOSSY = frozenset({"jpeg", "webp", "avif", "zip"})  # what a quality makes smaller

_BY_SUFFIX = {
    **{suffix: name for name, suffix in SUFFIXES.items() if name != "alpha"},
    ".jpeg": "jpeg",
    ".tiff": "tiff",
}

_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_BMP_HEADERS = {12, 16, 40, 52, 56, 64, 108, 124}  # sizes of the headers that ever were


def sniff(data: bytes) -> str | None:
    """Return the format's short name by the first bytes, or None where it is no known picture."""
    return next((name for name, matches in _MAGIC.items() if matches(data)), None)


def format_of(suffix: str) -> str:
    """Return the format that a file name's suffix (``.jpg``) asks for.

    Raises
    ------
    BadOptions
        The studio does not write such files.
    """
    name = _BY_SUFFIX.get(f".{suffix.lower().removeprefix('.')}")
    if name is None:
        raise BadOptions(
            f"The studio does not write {suffix or 'files without a suffix'}.",
            advice="Name the output .png, .jpg, .webp, .avif, .tif or .zip.",
            field="output",
        )
    return name


def _brands(data: bytes) -> set[bytes]:
    """Return the brands of an ISO media file: its major one and those it is compatible with."""
    if data[4:8] != b"ftyp":
        return set()
    length = min(int.from_bytes(data[:4], "big"), 256)
    return {data[8:12], *(data[at : at + 4] for at in range(16, length, 4))}


def _is_avif(data: bytes) -> bool:
    return bool(_brands(data) & _AVIF_BRANDS)


def _is_heic(data: bytes) -> bool:
    return not _is_avif(data) and bool(_brands(data) & _HEIC_BRANDS)


def _is_bmp(data: bytes) -> bool:
    return data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in _BMP_HEADERS


_MAGIC: dict[str, Callable[[bytes], bool]] = {
    "jpeg": lambda data: data.startswith(b"\xff\xd8\xff"),
    "png": lambda data: data.startswith(b"\x89PNG\r\n\x1a\n"),
    "webp": lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP",
    "avif": _is_avif,
    "heic": _is_heic,
    "tiff": lambda data: data[:4] in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"},
    "bmp": _is_bmp,
    "gif": lambda data: data[:6] in {b"GIF87a", b"GIF89a"},
    "psd": lambda data: data[:6] == b"8BPS\0\x01",
}
