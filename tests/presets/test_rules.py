"""Every rule of every preset, each with a picture that passes and one that fails."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest

from common import codec, presets
from common.geometry import MAX_SIDE, Size
from common.image import OPAQUE, Image
from common.operations.evidence import Evidence, gather
from common.operations.measures import Ground, blur_of, drawn_border, ground_of
from common.operations.rules import Measured, measure
from common.presets import Range, Rule
from common.presets.model import proportion
from common.vlm.base import Detection
from tests.support.shelf import WHITE, framed, line, product, thing, told

Shown = tuple[Image, Sequence[Detection]]
ON, BESIDE, ACROSS = (450, 400, 520, 600), (10, 10, 60, 180), (60, 60, 200, 420)

RULES = [(name, rule) for name in presets.names() for rule in presets.named(name).rules]


def look(image: Image, found: Sequence[Detection] | None = ()) -> Evidence:
    return gather(image, found)


def unseen(size: Size) -> Evidence:
    """Evidence of a picture of any size, of which nobody looks at a pixel."""
    image = Image(np.broadcast_to(np.uint8(0), (size.height, size.width, 3)))
    return Evidence(image, image, Ground((0, 0, 0), 1.0, (0, 0, 0), plain=True, flat=True), None)


# --- a passing and a failing picture for each kind of rule ----------------------------------------


def inside(value: Range) -> float:
    return value.least if value.least is not None else value.most or 0


def outside(value: Range, step: float) -> list[float]:
    low = [] if value.least is None else [value.least - step]
    return low + ([] if value.most is None else [value.most + step])


def sized(rule: Rule) -> tuple[Evidence, list[Evidence]]:
    """Pictures of the right and of wrong sizes."""
    value = rule.value
    assert isinstance(value, Range)
    if rule.rule == "longest_side":
        good, *bad = (unseen(Size(int(n), 1)) for n in (inside(value), *outside(value, 1)))
        return good, bad
    if rule.rule == "shortest_side":
        good, *bad = (unseen(Size(int(n), MAX_SIDE)) for n in (inside(value), *outside(value, 1)))
        return good, bad
    side = [math.isqrt(int(n * 1e6)) for n in (inside(value), *outside(value, 0.1))]
    return unseen(Size(side[0], side[0])), [unseen(Size(n, n)) for n in side[1:]]


def of_file(rule: Rule) -> tuple[Evidence, list[Evidence]]:
    value, name = rule.value, {"bytes": "file_bytes", "jpeg_quality": "jpeg_quality"}[rule.rule]
    assert isinstance(value, Range)
    good, *bad = (
        look(told(product(), **{name: int(n)})) for n in (inside(value), *outside(value, 1))
    )
    return good, bad


def of_format(rule: Rule) -> tuple[Evidence, list[Evidence]]:
    assert isinstance(rule.value, list)
    return look(told(product(), format=rule.value[-1])), [look(told(product(), format="psd"))]


def of_ratio(rule: Rule) -> tuple[Evidence, list[Evidence]]:
    assert isinstance(rule.value, str)
    ratio = proportion(rule.value)
    return unseen(Size(round(900 * ratio), 900)), [unseen(Size(round(950 * ratio), 900))]


def of_fill(rule: Rule) -> tuple[Evidence, list[Evidence]]:
    value = rule.value
    assert isinstance(value, Range)
    good = look(product(fill=inside(value) + 0.02))
    return good, [look(product(fill=n)) for n in outside(value, 0.04)]


def of_background(rule: Rule) -> tuple[Evidence, list[Evidence]]:
    clear = product()
    clear = replace(clear, alpha=np.where(clear.rgb[..., 0] > 250, 0, OPAQUE).astype(np.uint8))
    bad = [look(clear), look(Image(product(fill=1.45).rgb))]
    if rule.value != "plain":
        bad.append(look(product(ground=(254, 255, 255))))
    return look(product()), bad


def of_text(_rule: Rule) -> tuple[Evidence, list[Evidence]]:
    bad = [[line(BESIDE)], [line(ON, "overlay")], [line(ON), line(BESIDE)]]
    return look(product(), [line(ON)]), [look(product(), found) for found in bad]


def of_watermark(_rule: Rule) -> tuple[Evidence, list[Evidence]]:
    bad = [[line(ACROSS)], [line(ON, "overlay")], [thing(ON, "watermark of a shop")]]
    return look(product(), [line(ON), thing(ON)]), [look(product(), found) for found in bad]


def of_border(_rule: Rule) -> tuple[Evidence, list[Evidence]]:
    letterbox = product(Size(320, 240), fill=1.5)
    bars = letterbox.rgb.copy()
    bars[:20] = bars[-20:] = 0
    bad = [framed(product(), 1), framed(product(), 12, (200, 30, 30)), Image(bars)]
    return look(product()), [look(image) for image in bad]


def of_blur(_rule: Rule) -> tuple[Evidence, list[Evidence]]:
    return look(product()), [look(product(blur=2.5))]


PICTURES: dict[str, Callable[[Rule], tuple[Evidence, list[Evidence]]]] = {
    "background": of_background,
    "fill": of_fill,
    "longest_side": sized,
    "shortest_side": sized,
    "megapixels": sized,
    "ratio": of_ratio,
    "bytes": of_file,
    "formats": of_format,
    "jpeg_quality": of_file,
    "text": of_text,
    "watermark": of_watermark,
    "border": of_border,
    "blur": of_blur,
}


@pytest.mark.parametrize(
    ("name", "rule"), RULES, ids=lambda value: value if isinstance(value, str) else value.rule
)
def test_a_rule_tells_good_from_bad(name: str, rule: Rule) -> None:
    good, bad = PICTURES[rule.rule](rule)
    passed = measure(rule, good)
    assert (passed.passed, passed.fix) == (True, ""), f"{name}: {passed}"
    assert bad
    for picture in bad:
        failed = measure(rule, picture)
        assert failed.passed is False, f"{name}: {failed}"
        assert failed.measured
        assert failed.required == passed.required
        assert failed.fix.endswith(".")


def test_every_kind_of_rule_is_used_and_measured() -> None:
    assert {rule.rule for _, rule in RULES} == set(PICTURES)


# --- single measures ------------------------------------------------------------------------------


def rule_of(name: str, kind: str) -> Rule:
    return next(rule for rule in presets.named(name).rules if rule.rule == kind)


def measured(
    name: str, kind: str, image: Image, found: Sequence[Detection] | None = ()
) -> Measured:
    return measure(rule_of(name, kind), look(image, found))


def test_one_wrong_pixel_at_the_border_is_seen_and_named() -> None:
    rgb = product().rgb.copy()
    rgb[0, 17] = (255, 255, 250)
    result = measured("amazon-main", "background", Image(rgb))
    assert result.passed is False
    assert "100 %" not in result.measured
    assert result.measured.endswith("up to #FFFFFA")


def test_a_jpeg_of_a_white_picture_is_still_white_at_the_border() -> None:
    data = codec.encode(product(), codec.Output("jpeg", quality=90))
    assert measured("amazon-main", "background", codec.decode(data)).passed


def test_fill_is_told_by_side_and_by_area() -> None:
    result = measured("amazon-main", "fill", product(fill=0.9))
    side, area = (float(part.split("%")[0]) for part in result.measured.split(","))
    assert abs(side - 90) < 1
    assert abs(area - 100 * math.pi / 4 * 0.81) < 1.5


def test_a_pale_product_on_white_is_measured_to_its_edge() -> None:
    image = product(fill=0.9)
    pale = np.where(image.rgb == 255, 255, 240 + image.rgb // 32).astype(np.uint8)
    assert measured("amazon-main", "fill", Image(pale)).passed


def test_crumbs_and_captions_do_not_count_as_the_subject() -> None:
    rgb = product(fill=0.5).rgb.copy()
    rgb[5, 5] = 0
    rgb[8:20, 10:90:4] = 0  # a caption of bars
    caption = line((20, 20, 70, 300))
    result = measured("amazon-main", "fill", Image(rgb), [caption])
    assert result.measured.startswith("50")
    assert measured("amazon-main", "text", Image(rgb), [caption]).passed is False


def test_a_carton_on_white_has_no_border() -> None:
    rgb = np.full((200, 200, 3), WHITE, np.uint8)
    rgb[10:190, 10:190] = (150, 110, 70)
    assert drawn_border(rgb) == {}


def test_a_horizon_is_no_border() -> None:
    rgb = np.full((200, 300, 3), (120, 160, 220), np.uint8)
    rgb[180:] = (90, 80, 60)
    assert drawn_border(rgb) == {}


def test_the_width_of_a_border_is_told_by_side() -> None:
    assert drawn_border(framed(product(), 7).rgb) == dict.fromkeys(
        ("top", "bottom", "left", "right"), 7
    )


@pytest.mark.parametrize("sigma", [0.8, 1.2, 2.0, 3.0])
def test_blur_is_measured_in_pixels(sigma: float) -> None:
    rgb = np.full((256, 256, 3), 255, np.uint8)
    rgb[64:192, 64:192] = 30
    assert blur_of(cv2.GaussianBlur(rgb, (0, 0), sigma)) == pytest.approx(sigma, rel=0.1)


def test_an_empty_picture_has_no_blur_to_measure() -> None:
    assert blur_of(np.full((64, 64, 3), 200, np.uint8)) is None
    assert (
        measured("amazon-main", "blur", Image(np.full((64, 64, 3), 255, np.uint8))).passed is None
    )


def test_a_sharp_outline_does_not_hide_a_blurred_inside() -> None:
    crisp, outline = product(), product().rgb.min(2, keepdims=True) < 250
    assert measured("amazon-main", "blur", crisp).passed
    for blur, passed in ((3, False), (12, None)):  # None: no edge is left inside
        rgb = np.where(outline, product(blur=blur).rgb, 255).astype(np.uint8)
        assert measured("amazon-main", "blur", Image(rgb)).passed is passed


def test_what_nobody_looked_for_is_not_called_good() -> None:
    for kind in ("text", "watermark"):
        assert measured("amazon-main", kind, product(), None).passed is None
    scene = product(fill=1.45)
    assert measured("amazon-main", "fill", scene, None).passed is None
    assert measured("ebay", "watermark", scene, [line(ON), thing(ON)]).passed is None
    assert measured("ebay", "text", scene, [line(ON)]).passed is None
    assert measured("ebay", "text", scene, [line(ON, "overlay")]).passed is False
    assert measured("google-shopping", "bytes", told(product(), file_bytes=None)).passed is None


def test_a_line_that_a_model_places_in_the_scene_is_not_added() -> None:
    assert measured("amazon-main", "text", product(), [line(BESIDE, "scene")]).passed


def test_the_subject_of_a_scene_is_what_the_model_found() -> None:
    scene = product(fill=1.45)
    result = measured("amazon-main", "fill", scene, [thing((100, 100, 500, 400))])
    assert result.measured.startswith("40")


def test_falling_light_is_plain_and_a_scene_is_not() -> None:
    light = np.tile(np.linspace(240, 252, 200).astype(np.uint8)[:, None, None], (1, 200, 3))
    assert ground_of(light).plain
    assert not ground_of(light).flat
    assert not ground_of(product(fill=1.45).rgb).plain
