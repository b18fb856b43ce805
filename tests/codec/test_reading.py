"""The codec reads what cameras and programs write, and says what it could not keep."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.codec import READS, Limits, decode, encode, format_of, sniff
from common.errors import BadOptions, BrokenPicture, PictureTooLarge, UnsupportedPicture
from common.geometry import Size
from common.image import U8, Image
from tests.support.pictures import product, psnr, textured
from tests.support.pictures_as_files import heic, psd

PHOTO = textured(Size(64, 48))
GRAY = cv2.cvtColor(PHOTO, cv2.COLOR_RGB2GRAY)
ADDS_LITTLE = 2  # levels: what a change of colour model, or a good lossy format, may round


def file_of(picture: PIL.Image.Image, format: str, **save: object) -> bytes:
    if format in {"psd", "heic"}:
        return psd(picture) if format == "psd" else heic(picture)
    out = io.BytesIO()
    picture.save(out, format, **save)
    return out.getvalue()


def pillow(pixels: U8 = PHOTO) -> PIL.Image.Image:
    return PIL.Image.fromarray(pixels)


def apart(one: U8, other: U8) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).max())


# --- telling --------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", READS)
def test_every_format_is_told_by_its_content(format: str) -> None:
    data = file_of(pillow(), format)
    image = decode(data)
    assert sniff(data) == format
    assert image.provenance.format == format
    assert image.size == Size(64, 48)
    assert image.provenance.file_bytes == len(data)
    assert psnr(image.rgb, PHOTO) > 25


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", b"<svg/>", b"%PDF-1.7", b"BMW is no bitmap, but a car", b"\0\0\0\x14ftypqt"],
)
def test_what_is_no_picture_is_called_so(data: bytes) -> None:
    with pytest.raises(UnsupportedPicture):
        decode(data)


def test_the_output_format_follows_the_name() -> None:
    suffixes = (".png", ".JPG", ".jpeg", ".webp", ".avif", ".tif", ".TIFF", ".zip")
    names = ["png", "jpeg", "jpeg", "webp", "avif", "tiff", "tiff", "zip"]
    assert [format_of(suffix) for suffix in suffixes] == names
    with pytest.raises(BadOptions, match=".psd"):
        format_of(".psd")


# --- every kind -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_png_mode_becomes_rgb(mode: str) -> None:
    assert decode(file_of(PIL.Image.new(mode, (9, 7)), "png")).rgb.shape == (7, 9, 3)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_a_palette_of_few_bits_has_its_colours(bits: int) -> None:
    few = pillow().quantize(2**bits)
    back = decode(file_of(few, "png", bits=bits))
    assert np.array_equal(back.rgb, np.asarray(few.convert("RGB")))


@pytest.mark.parametrize("mode", ["P", "L", "RGB"])
def test_a_colour_that_stands_for_transparency_is_transparent(mode: str) -> None:
    picture = PIL.Image.new("RGB", (4, 2), (200, 200, 200)).convert(mode)
    picture.paste(PIL.Image.new(mode, (2, 2), picture.getpixel((0, 0))), (0, 0))
    clear = picture.getpixel((0, 0))
    alpha = decode(file_of(picture, "png", transparency=clear)).alpha
    assert alpha is not None
    assert (alpha == 0).all()


def test_an_interlaced_png_is_the_same_picture() -> None:
    """Its seven passes are written here by hand: Pillow writes none."""
    pixels = textured(Size(13, 11))
    assert np.array_equal(decode(interlaced(pixels)).rgb, pixels)


def interlaced(pixels: U8) -> bytes:
    import zlib  # noqa: PLC0415 - only this helper packs by itself

    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2))
    raw = b""
    for top, left, down, right in (*passes, (1, 0, 2, 1)):
        for row in pixels[top::down, left::right]:
            raw += b"\0" + row.tobytes() if row.size else b""
    head = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 2, 0, 0, 1)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(raw)), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n"
    for name, body in chunks:
        data += struct.pack(">I", len(body)) + name + body
        data += struct.pack(">I", zlib.crc32(name + body))
    return data


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("sampling", [0, 1, 2])
def test_every_kind_of_jpeg_is_read(progressive: bool, sampling: int) -> None:
    smooth = pillow().resize((16, 12)).resize((64, 48))
    how = {"quality": 95, "progressive": progressive, "subsampling": sampling}
    assert psnr(decode(file_of(smooth, "jpeg", **how)).rgb, np.asarray(smooth)) > 32


@pytest.mark.parametrize("quality", [30, 50, 75, 85, 92, 99, 100])
def test_a_jpegs_quality_is_told_by_its_tables(quality: int) -> None:
    told = decode(file_of(pillow(), "jpeg", quality=quality)).provenance.jpeg_quality
    assert told == pytest.approx(quality, abs=1)
    assert decode(file_of(pillow(), "png")).provenance.jpeg_quality is None


def test_a_gray_jpeg_becomes_rgb() -> None:
    back = decode(file_of(PIL.Image.fromarray(GRAY), "jpeg", quality=100)).rgb
    assert apart(back[..., 0], GRAY) <= ADDS_LITTLE
    assert np.array_equal(back[..., 0], back[..., 2])


@pytest.mark.parametrize("format", ["gif", "webp", "png", "tiff", "avif"])
def test_only_the_first_frame_is_used_and_that_is_said(format: str) -> None:
    frames = [PIL.Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = file_of(frames[0], format, save_all=True, append_images=frames[1:])
    image = decode(data)
    assert apart(image.rgb[0, 0], np.array([255, 0, 0], np.uint8)) <= ADDS_LITTLE
    assert "2 frames" in image.provenance.notes[0]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("deep", [False, True], ids=["8 bits", "16 bits"])
def test_a_photo_stands_upright_whatever_its_exif_orientation(orientation: int, deep: bool) -> None:
    upright = pillow()
    turned = upright.transpose(_INVERSE[orientation]) if orientation > 1 else upright
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    if deep:
        data = deep_png(np.asarray(turned).astype(np.uint16) * 257, exif.tobytes()[6:])
    else:
        data = file_of(turned, "png", exif=exif)
    image = decode(data)
    assert np.array_equal(image.rgb, PHOTO)
    if deep:
        assert image.provenance.deep is not None
        assert np.array_equal(image.provenance.deep, PHOTO.astype(np.uint16) * 257)
    assert PIL.Image.open(io.BytesIO(encode(image))).getexif().get(0x0112, 1) == 1


_T = PIL.Image.Transpose
_INVERSE = {
    2: _T.FLIP_LEFT_RIGHT,
    3: _T.ROTATE_180,
    4: _T.FLIP_TOP_BOTTOM,
    5: _T.TRANSPOSE,
    6: _T.ROTATE_90,
    7: _T.TRANSVERSE,
    8: _T.ROTATE_270,
}


def deep_png(pixels: np.ndarray, exif: bytes = b"") -> bytes:
    import zlib  # noqa: PLC0415 - only this helper packs by itself

    _, packed = cv2.imencode(".png", pixels[..., ::-1] if pixels.ndim == 3 else pixels)
    data: bytes = packed.tobytes()
    if not exif:
        return data
    chunk = b"eXIf" + exif
    chunk = struct.pack(">I", len(exif)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return data[:33] + chunk + data[33:]


# --- 16 bits --------------------------------------------------------------------------------------


def test_deep_colour_is_rounded_and_kept_beside() -> None:
    ramp = np.arange(0, 65536, 64, dtype=np.uint16).reshape(16, 64)
    pixels = np.stack([ramp, ramp[::-1], ramp.T.reshape(16, 64)], axis=-1)
    image = decode(deep_png(pixels))
    assert image.provenance.deep is not None
    assert np.array_equal(image.provenance.deep, pixels)
    assert np.abs(image.rgb - pixels / 257).max() <= 0.5


def test_deep_gray_is_scaled_and_kept_beside() -> None:
    image = decode(deep_png(np.array([[0, 257 * 100, 65535]], np.uint16)))
    assert image.rgb[0, :, 0].tolist() == [0, 100, 255]
    assert image.provenance.deep is not None
    assert image.provenance.deep[0, :, 1].tolist() == [0, 257 * 100, 65535]


def test_a_deep_tiff_is_read_in_all_its_bits() -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (12, 9, 3)).astype(np.uint16)
    _, packed = cv2.imencode(".tiff", pixels[..., ::-1])
    image = decode(packed.tobytes())
    assert image.provenance.deep is not None
    assert np.array_equal(image.provenance.deep, pixels)


def test_a_heic_of_ten_bits_is_read_in_all_of_them() -> None:
    ramp = np.linspace(0, 65535, 64 * 16).astype(np.uint16).reshape(16, 64)
    pixels = np.repeat(ramp[..., None], 3, axis=2)
    image = decode(heic(pixels))
    deep = image.provenance.deep
    assert deep is not None
    assert (deep.min(), deep.max()) == (0, 65535)
    assert len(np.unique(deep)) > 300


# --- limits and damage ----------------------------------------------------------------------------


def test_too_many_pixels_are_refused_by_the_header_alone() -> None:
    bomb = file_of(PIL.Image.new("1", (20_000, 20_000)), "png")
    assert len(bomb) < 100_000
    with pytest.raises(PictureTooLarge, match="20000 x 20000"):
        decode(bomb)


@pytest.mark.parametrize("format", READS)
def test_the_limit_of_pixels_holds_for_every_format(format: str) -> None:
    with pytest.raises(PictureTooLarge, match="64 x (48|64)"):  # HEIC codes whole blocks
        decode(file_of(pillow(), format), Limits(max_pixels=3000))


def test_too_many_bytes_are_refused_before_anything_is_read() -> None:
    with pytest.raises(PictureTooLarge, match="limit is 10"):
        decode(b"\x89PNG\r\n\x1a\n" + bytes(100), Limits(max_bytes=10))


def test_what_is_hardly_more_than_a_line_is_refused() -> None:
    with pytest.raises(PictureTooLarge, match="201 x 1"):
        decode(file_of(PIL.Image.new("RGB", (201, 1)), "png"))


@pytest.mark.parametrize("format", ["gif", "tiff", "png", "webp"])
def test_too_many_frames_are_refused(format: str) -> None:
    frames = [PIL.Image.new("RGB", (4, 4), (shade, 0, 0)) for shade in (0, 90, 180, 250)]
    data = file_of(frames[0], format, save_all=True, append_images=frames[1:])
    assert decode(data, Limits(max_frames=4)).size == Size(4, 4)
    with pytest.raises(PictureTooLarge, match="3 frames"):
        decode(data, Limits(max_frames=3))


def test_a_jpeg_of_endless_passes_is_refused() -> None:
    data = file_of(PIL.Image.new("RGB", (4000, 4000)), "jpeg", progressive=True)
    at = data.index(b"\xff\xda")
    length = struct.unpack_from(">H", data, at + 2)[0]
    scan = data[at : at + 2 + length]
    with pytest.raises(PictureTooLarge, match="passes"):
        decode(data[:-2] + scan * 100 + b"\xff\xd9")


def test_a_tiff_that_lists_millions_of_strips_is_refused() -> None:
    data = bytearray(file_of(pillow(), "tiff"))
    (first,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, first)
    for at in range(first + 2, first + 2 + 12 * entries, 12):
        if struct.unpack_from("<H", data, at)[0] == 273:  # where the strips begin
            struct.pack_into("<I", data, at + 4, 50_000_000)
    with pytest.raises(BrokenPicture, match="strips"):
        decode(bytes(data))


@pytest.mark.parametrize("format", ["jpeg", "png", "gif", "bmp", "psd"])
def test_who_takes_too_long_is_stopped(format: str) -> None:
    data = file_of(pillow(textured(Size(300, 300))), format)
    with pytest.raises(BrokenPicture, match="not decoded after"):
        decode(data, Limits(seconds=-1))


def test_what_pillow_can_live_with_it_does_not_tell_the_user(tmp_path: Path) -> None:
    cut_off = b"Exif\0\0II*\0\x08\0\0\0\x05\0\x0f\x01\x02\0"
    path = tmp_path / "photo.jpg"
    pillow(textured(Size(16, 16))).save(path, exif=cut_off)
    program = "import sys; from common.codec import decode; decode(open(sys.argv[1], 'rb').read())"
    with pytest.warns(UserWarning, match="EXIF"), PIL.Image.open(path) as file:
        file.getexif()
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        check=True,
        capture_output=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stderr == b""


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of damage before it fails
@settings(max_examples=60, deadline=None)
@given(st.sampled_from(READS), st.integers(12, 400), st.integers(0, 255))
def test_a_damaged_file_gives_a_clear_error_or_a_picture_never_a_crash(
    format: str, at: int, value: int
) -> None:
    data = bytearray(FILES[format])
    data[at % len(data)] = value
    for damaged in (bytes(data), bytes(data[: len(data) // 2])):
        try:
            assert decode(damaged).rgb.dtype == np.uint8
        except (BrokenPicture, UnsupportedPicture, PictureTooLarge) as error:
            assert error.status in {413, 415, 422}


FILES = {format: file_of(pillow(textured(Size(40, 30))), format) for format in READS}


@pytest.mark.parametrize("format", ["jpeg", "png", "tiff", "bmp", "gif", "psd", "webp", "avif"])
def test_a_file_that_was_cut_off_is_broken_and_not_half_a_picture(format: str) -> None:
    data = file_of(pillow(textured(Size(200, 160))), format)
    with pytest.raises(BrokenPicture, match="damaged"):
        decode(data[: len(data) * 6 // 10])


def test_an_opaque_picture_has_no_alpha() -> None:
    assert decode(encode(Image(product().photo), "png")).alpha is None
