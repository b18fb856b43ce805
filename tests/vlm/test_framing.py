"""Pictures on their way to the model and back: supported ratios, small files, nothing stretched."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.codec import decode, encode, sniff
from common.errors import ModelAnswerUnreadable
from common.geometry import Box, Size, ratio_error
from common.image import Image, Provenance
from common.vlm.gemini.framing import (
    ASPECTS,
    LONGEST_SEEN,
    MOST_BYTES,
    NEUTRAL,
    frame,
    nearest_aspect,
    packed,
    seen,
    shown_part,
    unpacked,
)
from tests.support.gemini_server import SIDES
from tests.support.models import photo

sides = st.integers(1, 900)


def noise(width: int, height: int) -> Image:
    values = np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8)
    return Image(values)


def resized(image: Image, size: Size) -> Image:
    rgb = cv2.resize(image.rgb, (size.width, size.height), interpolation=cv2.INTER_AREA)
    return Image(np.asarray(rgb, np.uint8))


def test_the_table_of_ratios_is_the_apis() -> None:
    assert {name: (size.width, size.height) for name, size in ASPECTS.items()} == SIDES


@pytest.mark.parametrize(
    ("size", "name"),
    [
        (Size(1920, 1080), "16:9"),
        (Size(1376, 768), "16:9"),
        (Size(500, 500), "1:1"),
        (Size(3024, 4032), "3:4"),
        (Size(6000, 4000), "3:2"),
        (Size(5000, 100), "8:1"),
        (Size(1, 900), "1:8"),
    ],
)
def test_the_ratio_with_the_smallest_border_is_taken(size: Size, name: str) -> None:
    assert nearest_aspect(size) == name


@given(sides, sides)
@settings(max_examples=40)
def test_the_canvas_has_the_ratio_and_the_photo_stands_on_it_unchanged(
    width: int, height: int
) -> None:
    image = photo(width, height)
    framed = frame(image, 2048)
    canvas, place = framed.placement.canvas, framed.placement.frame
    ideal = ASPECTS[framed.aspect].ratio
    assert framed.picture.size == canvas
    assert abs(canvas.width - canvas.height * ideal) <= max(1, ideal)
    assert np.array_equal(framed.picture.rgb[place.slices], image.rgb)
    outside = np.ones((canvas.height, canvas.width), bool)
    outside[place.slices] = False
    assert (framed.picture.rgb[outside] == NEUTRAL).all()


@given(st.integers(60, 700), st.integers(60, 700))
@settings(max_examples=15)
def test_what_was_bordered_comes_back_without_its_border(width: int, height: int) -> None:
    image = Image(np.full((height, width, 3), (200, 30, 40), np.uint8))
    framed = frame(image, 2048)
    answer = resized(framed.picture, ASPECTS[framed.aspect])
    part = shown_part(answer.size, framed)
    back = answer if part is None else answer.crop(part)
    assert ratio_error(back.size, image.size) < 0.02
    inner = back.rgb[2:-2, 2:-2].astype(int)
    assert np.abs(inner - (200, 30, 40)).max() <= 2


def test_a_model_that_leaves_the_border_out_is_understood() -> None:
    framed = frame(photo(500, 180), 2048)
    answer = photo(1500, 540)
    assert shown_part(answer.size, framed) is None


def test_a_photo_of_a_supported_ratio_gets_no_border() -> None:
    framed = frame(photo(688, 384), 2048)
    assert framed.placement.frame == Box(0, 0, 384, 688)
    answer = photo(1376, 768)
    assert shown_part(answer.size, framed) is None


def test_a_large_photo_is_shrunk_and_a_small_one_is_not_grown() -> None:
    large = Image(np.zeros((3000, 4000, 3), np.uint8))
    assert frame(large, LONGEST_SEEN["1K"]).placement.frame.size == Size(2048, 1536)
    assert seen(photo(40, 30), 2048).size == Size(40, 30)


def test_transparency_is_seen_on_neutral_grey() -> None:
    rgb = np.full((4, 4, 3), 255, np.uint8)
    alpha = np.zeros((4, 4), np.uint8)
    alpha[0] = 255
    flat = seen(Image(rgb, alpha), 2048)
    assert flat.alpha is None
    assert (flat.rgb[0] == 255).all()
    assert (flat.rgb[1:] == 128).all()


def test_the_colour_profile_stays_at_home() -> None:
    profile = encode(photo(8, 8), "png")  # any bytes
    tagged = Image(photo(8, 8).rgb, provenance=Provenance("jpeg", icc=profile))
    assert seen(tagged, 2048).provenance == Provenance()


def test_a_small_picture_is_sent_without_loss() -> None:
    data, mime = packed(noise(250, 250))
    assert mime == "image/png"
    assert np.array_equal(decode(data).rgb, noise(250, 250).rgb)


def test_a_large_picture_is_sent_as_a_good_jpeg() -> None:
    image = photo(1600, 1200)
    data, mime = packed(image)
    assert (mime, sniff(data)) == ("image/jpeg", "jpeg")
    error = np.abs(decode(data).rgb.astype(int) - image.rgb)
    assert error.mean() < 1.0


def test_a_file_that_is_too_large_is_shrunk_until_it_fits() -> None:
    data, _ = packed(noise(2048, 2048))
    assert len(data) <= MOST_BYTES
    assert decode(data).size.width < 2048


@pytest.mark.parametrize("data", [b"", b"GARBAGE", b"\xff\xd8\xff\xe0", b"%PDF-1.7"])
def test_bytes_that_are_no_picture_are_an_unreadable_answer(data: bytes) -> None:
    with pytest.raises(ModelAnswerUnreadable):
        unpacked(data)
