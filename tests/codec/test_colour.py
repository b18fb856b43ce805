"""Colours keep their profile, and mean the same wherever they are taken."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import ImageCms

from common.codec import Output, decode, encode, in_profile, in_srgb, srgb, write
from common.geometry import Size
from common.image import U8, Image, Provenance
from tests.support.pictures import textured
from tests.support.profiles import gray, wide

PHOTO = textured(Size(64, 48))
WIDE = Image(PHOTO, provenance=Provenance(icc=wide()))


def file_of(picture: PIL.Image.Image, format: str, **save: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, format, **save)
    return out.getvalue()


@settings(max_examples=25, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6), st.just(3))))
@pytest.mark.parametrize("format", ["png", "webp", "tiff"])
def test_a_photo_in_a_wide_space_keeps_its_profile_and_every_byte(format: str, rgb: U8) -> None:
    image = Image(rgb, provenance=Provenance(icc=wide()))
    back = decode(encode(image, format, quality=100))
    assert back.provenance.icc == wide()
    assert np.array_equal(back.rgb, rgb)


@pytest.mark.parametrize("format", ["jpeg", "avif"])
def test_lossy_files_bear_the_profile_too(format: str) -> None:
    assert decode(encode(WIDE, format)).provenance.icc == wide()


def test_srgb_is_what_littlecms_says_it_is() -> None:
    converted = in_srgb(WIDE)
    told = ImageCms.profileToProfile(
        PIL.Image.fromarray(PHOTO),
        ImageCms.ImageCmsProfile(io.BytesIO(wide())),
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    assert told is not None
    assert np.abs(converted.rgb.astype(int) - np.asarray(told)).max() <= 1
    assert np.abs(converted.rgb.astype(int) - PHOTO).max() > 10
    assert converted.provenance.icc == srgb()


def test_to_srgb_and_back_is_nearly_the_same() -> None:
    muted = Image((PHOTO // 4 + 96).astype(np.uint8), provenance=Provenance(icc=wide()))
    back = in_profile(in_srgb(muted), wide())
    assert np.abs(back.rgb.astype(int) - muted.rgb).max() <= 2


def test_srgb_may_be_asked_for_at_either_door() -> None:
    data = encode(WIDE)
    early = decode(data, profile="srgb")
    late = decode(write(decode(data), Output("png", profile="srgb")).data)
    assert np.array_equal(early.rgb, late.rgb)
    assert early.provenance.icc == late.provenance.icc == srgb()


def test_a_picture_in_srgb_is_not_touched() -> None:
    for icc in (None, srgb(), ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()):
        image = Image(PHOTO, provenance=Provenance(icc=icc))
        assert in_srgb(image).rgb is PHOTO


def test_the_profile_of_srgb_is_the_same_every_time() -> None:
    srgb.cache_clear()
    first = srgb()
    srgb.cache_clear()
    assert srgb() == first


def test_a_profile_that_nobody_can_read_is_kept_and_taken_for_srgb() -> None:
    icc = b"\0" * 16 + b"RGB " + b"\0" * 108
    image = Image(PHOTO, provenance=Provenance(icc=icc))
    assert decode(encode(image, "png")).provenance.icc == icc
    assert np.array_equal(in_srgb(image).rgb, PHOTO)


# --- what is no RGB -------------------------------------------------------------------------------


def test_cmyk_becomes_rgb_and_that_is_said() -> None:
    ink = PIL.Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    image = decode(file_of(ink, "jpeg", quality=100))
    assert image.provenance.notes == (
        "The picture is CMYK; it was converted to sRGB without its print profile.",
    )
    red, green, blue = image.rgb[0, 0]
    assert red > 200
    assert max(green, blue) < 60
    assert image.provenance.icc == srgb()


def test_a_profile_for_other_channels_is_not_put_beside_rgb_pixels() -> None:
    ink = PIL.Image.new("CMYK", (8, 8), (10, 20, 30, 0))
    strange = b"\0" * 16 + b"CMYK" + b"\0" * 108
    image = decode(file_of(ink, "tiff", icc_profile=strange))
    assert image.provenance.icc == srgb()


def test_gray_in_a_space_of_its_own_becomes_srgb() -> None:
    linear = PIL.Image.new("L", (8, 8), 55)
    image = decode(file_of(linear, "png", icc_profile=gray()))
    assert int(image.rgb[0, 0, 0]) == pytest.approx(128, abs=2)  # 0.2157 of the light
    assert image.provenance.icc in {None, srgb()}


def test_lab_becomes_srgb_and_that_is_said() -> None:
    lab = PIL.Image.frombytes("LAB", (4, 4), bytes((136, 0, 0)) * 16)  # L 53: middle gray
    image = decode(file_of(lab, "tiff"))
    assert np.abs(image.rgb.astype(int) - 127).max() <= 3
    assert "LAB" in image.provenance.notes[0]


@pytest.mark.parametrize("gamma", [1.0, 2.5])
def test_a_gamma_that_is_not_followed_is_said(gamma: float) -> None:
    from PIL.PngImagePlugin import PngInfo  # noqa: PLC0415 - for this chunk only

    told = PngInfo()
    told.add(b"gAMA", round(gamma * 100_000).to_bytes(4, "big"))
    image = decode(file_of(PIL.Image.fromarray(PHOTO), "png", pnginfo=told))
    assert "gamma" in image.provenance.notes[0]
