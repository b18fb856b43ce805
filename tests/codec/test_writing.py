"""What is written comes back: every byte where the format can, nearly all where it cannot."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from common.codec import (
    CONTENT_TYPES,
    SUFFIXES,
    WITH_ALPHA,
    WRITES,
    Output,
    decode,
    encode,
    sniff,
    write,
)
from common.errors import BadOptions
from common.geometry import Size
from common.image import U8, Image, Provenance
from tests.support.pictures import product, psnr, textured

SCENE = product()
ALPHA = np.rint(SCENE.alpha * 255).astype(np.uint8)
CUT = Image(SCENE.photo, ALPHA)
LOSSLESS = ("png", "webp", "tiff")
SMALL = arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(4)))


# --- round trips ----------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(SMALL)
@pytest.mark.parametrize("format", LOSSLESS)
def test_lossless_files_give_back_every_byte_of_colour_and_alpha(format: str, rgba: U8) -> None:
    image = Image(rgba[..., :3].copy(), rgba[..., 3].copy())
    back = decode(encode(image, format, quality=100))
    alpha = np.full(image.rgb.shape[:2], 255) if back.alpha is None else back.alpha
    assert np.array_equal(back.rgb, image.rgb)
    assert np.array_equal(alpha, rgba[..., 3])


@settings(max_examples=30, deadline=None)
@given(arrays(np.uint16, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))), st.data())
@pytest.mark.parametrize("format", ["png", "tiff"])
def test_a_deep_picture_gives_back_every_bit_of_the_pixels_that_stayed(
    format: str, deep: np.ndarray, data: st.DataObject
) -> None:
    rgb = np.rint(deep / 257).astype(np.uint8)
    changed = data.draw(arrays(np.bool_, rgb.shape[:2]))
    made = rgb.copy()
    made[changed] ^= 0x40
    back = decode(encode(Image(made, provenance=Provenance(deep=deep)), format)).provenance.deep
    assert back is not None
    assert np.array_equal(back[~changed], deep[~changed])
    assert np.array_equal(back[changed], made[changed].astype(np.uint16) * 257)


@settings(max_examples=20, deadline=None)
@given(SMALL)
def test_alpha_alone_is_the_alpha(rgba: U8) -> None:
    image = Image(rgba[..., :3].copy(), rgba[..., 3].copy())
    with PIL.Image.open(io.BytesIO(encode(image, "alpha"))) as file:
        assert file.mode == "L"
        assert np.array_equal(np.asarray(file), rgba[..., 3])


@pytest.mark.parametrize("format", ["jpeg", "webp", "avif"])
def test_lossy_files_at_the_usual_quality_stay_close_to_the_picture(format: str) -> None:
    assert psnr(decode(encode(Image(SCENE.photo), format)).rgb, SCENE.photo) > 38


@pytest.mark.parametrize("format", ["webp", "avif"])
def test_alpha_survives_lossy_formats(format: str) -> None:
    back = decode(encode(CUT, format))
    assert back.alpha is not None
    assert np.abs(back.alpha.astype(int) - ALPHA).mean() < 1


def test_a_zip_holds_the_colour_and_the_alpha_apart() -> None:
    with zipfile.ZipFile(io.BytesIO(encode(CUT, "zip"))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert sorted(files) == ["alpha.png", "colour.jpg"]
    with PIL.Image.open(io.BytesIO(files["alpha.png"])) as alpha:
        assert np.array_equal(np.asarray(alpha), ALPHA)
    colour = decode(files["colour.jpg"])
    solid = ALPHA > 200
    assert psnr(colour.rgb[solid], SCENE.photo[solid]) > 36


def test_what_is_invisible_does_not_show_through_at_the_outline_of_a_zipped_colour() -> None:
    rgb = SCENE.photo.copy()
    rgb[ALPHA == 0] = (255, 0, 255)
    with zipfile.ZipFile(io.BytesIO(encode(Image(rgb, ALPHA), "zip"))) as archive:
        colour = decode(archive.read("colour.jpg")).rgb
    solid = ALPHA == 255
    assert psnr(colour[solid], rgb[solid]) > 36


def test_a_zip_of_a_photo_is_far_smaller_than_its_png() -> None:
    noise = np.random.default_rng(0).integers(-6, 7, (600, 800, 3))
    photo = np.clip(textured(Size(800, 600)) + noise, 0, 255).astype(np.uint8)
    large = Image(photo, np.full(photo.shape[:2], 255, np.uint8))
    assert len(encode(large, "zip")) < len(encode(large, "png")) / 2


def test_the_same_picture_makes_the_same_bytes() -> None:
    for format in WRITES:
        output = Output(format, background=(255, 255, 255))
        assert encode(CUT, output) == encode(CUT, output)


# --- the file -------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", WRITES)
def test_every_format_has_its_type_and_suffix(format: str) -> None:
    file = write(CUT, Output(format, background=(255, 255, 255)))
    assert (file.content_type, file.suffix) == (CONTENT_TYPES[format], SUFFIXES[format])
    told = {"zip": None, "alpha": "png"}.get(format, format)
    assert sniff(file.data) == told
    assert (format in WITH_ALPHA) == (file.notes == ())


def test_where_there_is_no_alpha_the_picture_stands_on_the_background() -> None:
    file = write(CUT, Output("jpeg", quality=100, background=(0, 0, 255)))
    outside = decode(file.data).rgb[ALPHA == 0]
    assert np.abs(outside.astype(int) - (0, 0, 255)).max() <= 12
    assert "#0000FF" in file.notes[0]


def test_without_a_background_transparency_is_refused_instead_of_lost() -> None:
    with pytest.raises(BadOptions, match="cannot hold transparency"):
        encode(CUT, "jpeg")


def test_a_picture_that_is_too_long_for_its_format_is_refused() -> None:
    with pytest.raises(BadOptions, match="at most 16383"):
        encode(Image(np.zeros((1, 16_384, 3), np.uint8)), "webp")


@pytest.mark.parametrize("output", [Output("bmp"), Output("jpeg", 0), Output("jpeg", 101)])
def test_what_cannot_be_written_is_refused(output: Output) -> None:
    with pytest.raises(BadOptions):
        write(Image(SCENE.photo), output)


def test_depth_that_a_file_cannot_hold_is_said() -> None:
    deep = SCENE.photo.astype(np.uint16) * 257
    image = Image(SCENE.photo, provenance=Provenance(deep=deep))
    assert write(image, Output("png")).notes == ()
    assert "8" in write(image, Output("webp")).notes[0]
    smaller = Image(SCENE.photo[:50], provenance=Provenance(deep=deep))
    assert "frame" in write(smaller, Output("png")).notes[0]


# --- so many bytes --------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["jpeg", "webp", "avif", "zip"])
def test_the_highest_quality_that_fits_is_found(format: str) -> None:
    most = len(encode(CUT, Output(format, 60, background=(255, 255, 255))))
    output = Output(format, 95, background=(255, 255, 255), max_bytes=most)
    file = write(CUT, output)
    assert file.quality is not None
    assert len(file.data) <= most
    assert 60 <= file.quality < 95
    one_more = Output(format, file.quality + 1, background=(255, 255, 255))
    assert len(encode(CUT, one_more)) > most


def test_a_file_that_fits_keeps_its_quality() -> None:
    file = write(Image(SCENE.photo), Output("jpeg", 90, max_bytes=10_000_000))
    assert file.quality == 90


@pytest.mark.parametrize("format", ["jpeg", "webp", "png", "tiff"])
def test_too_few_bytes_are_refused_with_what_it_takes(format: str) -> None:
    with pytest.raises(BadOptions, match="does not fit into 100 bytes") as caught:
        write(Image(SCENE.photo), Output(format, max_bytes=100))
    assert caught.value.field == "max_bytes"


def test_a_png_is_packed_tighter_before_it_is_refused() -> None:
    image = Image(np.tile(textured(Size(60, 200)), (1, 5, 1)))
    plain = len(encode(image, "png"))
    tight = write(image, Output("png", max_bytes=plain - 1))
    assert len(tight.data) < plain
    assert np.array_equal(decode(tight.data).rgb, image.rgb)


def test_a_smooth_render_is_searched_harder_since_that_halves_it() -> None:
    down, right = np.mgrid[:400, :400]
    shade = 0.31 * right + 0.17 * down
    rgb = np.dstack([shade, 0.8 * shade + 10, 0.5 * shade + 30]).astype(np.uint8)
    quick, hard = io.BytesIO(), io.BytesIO()
    PIL.Image.fromarray(rgb).save(quick, "PNG", compress_level=4)
    PIL.Image.fromarray(rgb).save(hard, "PNG", compress_level=6)
    ours = len(encode(Image(rgb), "png"))
    assert ours <= 1.05 * len(hard.getvalue())
    assert ours < 0.6 * len(quick.getvalue())
