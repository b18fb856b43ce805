"""The codec reads what cameras write, keeps what need not change, and refuses early."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from common.codec import READS, Limits, decode, encode, format_of, sniff
from common.errors import BadOptions, BrokenPicture, PictureTooLarge, UnsupportedPicture
from common.geometry import Size
from common.image import Image, Provenance
from tests.support.pictures import product, psnr, textured
from tests.support.pictures_as_files import heic, psd


def file_of(mode: str, format: str, size: tuple[int, int] = (9, 7), **save: object) -> bytes:
    picture = PIL.Image.new(mode, size)
    if format == "psd":
        return psd(picture)
    if format == "heic":
        return heic(picture)
    out = io.BytesIO()
    picture.save(out, format, **save)
    return out.getvalue()


@settings(max_examples=30, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(4))))
@pytest.mark.parametrize("format", ["png", "webp"])
def test_lossless_files_give_back_every_byte_of_colour_and_alpha(
    format: str, rgba: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
) -> None:
    image = Image(rgba[..., :3].copy(), rgba[..., 3].copy())
    back = decode(encode(image, format, quality=100))
    alpha = np.full(image.rgb.shape[:2], 255) if back.alpha is None else back.alpha
    assert np.array_equal(back.rgb, image.rgb)
    assert np.array_equal(alpha, rgba[..., 3])


def test_an_opaque_picture_has_no_alpha() -> None:
    assert decode(encode(Image(product().photo), "png")).alpha is None


def test_jpeg_at_the_usual_quality_stays_close_to_the_picture() -> None:
    photo = product().photo
    assert psnr(decode(encode(Image(photo), "jpeg")).rgb, photo) > 38


def test_jpeg_refuses_transparency_instead_of_losing_it() -> None:
    image = Image(product().photo, np.zeros((180, 240), np.uint8))
    with pytest.raises(BadOptions, match="cannot hold transparency"):
        encode(image, "jpeg")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_stands_upright_whatever_its_exif_orientation(orientation: int) -> None:
    upright = PIL.Image.fromarray(textured(Size(32, 24)))
    turned = upright.transpose(_INVERSE[orientation]) if orientation > 1 else upright
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    turned.save(out, "PNG", exif=exif)
    assert np.array_equal(decode(out.getvalue()).rgb, np.asarray(upright))


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


@pytest.mark.parametrize("format", READS)
def test_every_format_is_told_by_its_content(format: str) -> None:
    data = file_of("RGB", format)
    assert sniff(data) == format
    assert decode(data).provenance.format == format
    assert decode(data).size == Size(9, 7)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_png_mode_becomes_rgb(mode: str) -> None:
    assert decode(file_of(mode, "png")).rgb.shape == (7, 9, 3)


def test_deep_gray_is_scaled_and_kept_beside() -> None:
    out = io.BytesIO()
    PIL.Image.fromarray(np.array([[0, 257 * 100, 65535]], np.uint16)).save(out, "PNG")
    image = decode(out.getvalue())
    assert image.rgb[0, :, 0].tolist() == [0, 100, 255]
    assert image.provenance.deep is not None
    assert image.provenance.deep[0, :, 0].tolist() == [0, 257 * 100, 65535]


def test_only_the_first_frame_of_an_animation_is_used_and_that_is_said() -> None:
    frames = [PIL.Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    image = decode(out.getvalue())
    assert image.rgb[0, 0].tolist() == [255, 0, 0]
    assert "2 frames" in image.provenance.notes[0]


def test_the_colour_profile_and_resolution_come_back() -> None:
    icc = b"\0" * 16 + b"RGB " + b"\0" * 108
    image = Image(product().photo, None, Provenance(icc=icc, dpi=(300, 300)))
    back = decode(encode(image, "jpeg"))
    assert back.provenance.icc == icc
    assert back.provenance.dpi == (300, 300)


def test_a_profile_for_other_channels_is_not_put_beside_rgb_pixels() -> None:
    data = file_of("L", "png", icc_profile=b"\0" * 16 + b"GRAY" + b"\0" * 108)
    assert decode(data).provenance.icc is None


def test_too_many_pixels_are_refused_by_the_header_alone() -> None:
    bomb = file_of("1", "png", (20_000, 20_000))
    assert len(bomb) < 100_000
    with pytest.raises(PictureTooLarge, match="20000 x 20000"):
        decode(bomb)


def test_too_many_bytes_are_refused_before_anything_is_read() -> None:
    with pytest.raises(PictureTooLarge, match="limit is 10"):
        decode(b"\x89PNG\r\n\x1a\n" + bytes(100), Limits(max_bytes=10))


@pytest.mark.parametrize("data", [b"", b"hello", b"<svg/>", b"%PDF-1.7"])
def test_what_is_no_picture_is_called_so(data: bytes) -> None:
    with pytest.raises(UnsupportedPicture):
        decode(data)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of damage before it fails
@settings(max_examples=60, deadline=None)
@given(st.sampled_from(READS), st.integers(12, 400), st.integers(0, 255))
def test_a_damaged_file_gives_a_clear_error_or_a_picture_never_a_crash(
    format: str, at: int, value: int
) -> None:
    data = bytearray(file_of("RGB", format, (40, 30)))
    data[at % len(data)] = value
    for damaged in (bytes(data), bytes(data[: len(data) // 2])):
        try:
            assert decode(damaged).rgb.dtype == np.uint8
        except (BrokenPicture, UnsupportedPicture, PictureTooLarge) as error:
            assert error.status in {413, 415, 422}


def test_the_output_format_follows_the_name() -> None:
    assert [format_of(suffix) for suffix in (".png", ".JPG", ".jpeg", ".webp")] == [
        "png",
        "jpeg",
        "jpeg",
        "webp",
    ]
    with pytest.raises(BadOptions, match=".psd"):
        format_of(".psd")
