from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import pytest

from common.errors import ModelUnable
from common.geometry import Box, Size, box_from_2d, overlap, ratio_error
from common.image import F32, U8, Image, Provenance
from common.prompts import Prompt
from common.vlm.answers import DETECTION_SCHEMA, read_detections
from common.vlm.base import (
    Ask,
    Detection,
    Extended,
    Find,
    OnBacking,
    Quote,
    Render,
    VisionModel,
    Without,
)
from common.vlm.embedded import EmbeddedModel, Sight
from common.vlm.embedded.net import Net
from common.vlm.embedded.sight import PIXELS, looked_at
from tests.support.drawn import ball, blank, pair, printed, studio

NO_WORDS = Prompt("none", 1, "")
GREEN = (0, 255, 0)


def question(rgb: U8, intent: Find) -> Ask[tuple[Detection, ...]]:
    image = Image(rgb)
    return Ask(
        image, intent, NO_WORDS, DETECTION_SCHEMA, lambda text: read_detections(text, image.size)
    )


def wish(rgb: U8, intent: OnBacking | Without | Extended) -> Render:
    return Render(Image(rgb), intent, NO_WORDS)


def test_it_is_a_vision_model_and_free(no_weights: Sight) -> None:
    model: VisionModel = EmbeddedModel(no_weights)
    assert model.engine == "embedded"
    assert model.quote(wish(blank(), OnBacking(GREEN))).dollars == 0
    assert model.quote(question(blank(), Find())) == Quote("u2netp + PP-OCRv6", 0.0)


def test_it_finds_two_subjects_and_where_they_are(no_weights: Sight) -> None:
    scene = pair()
    answer = EmbeddedModel(no_weights).ask(question(scene.rgb, Find(text=False)))
    found = [box_from_2d(thing.box_2d, Image(scene.rgb).size) for thing in answer.value]
    assert [thing.label for thing in answer.value] == ["subject 1", "subject 2"]
    assert all(overlap(ours, true) > 0.9 for ours, true in zip(found, scene.boxes, strict=True))
    assert answer.value[0].colors[0] == pytest.approx((30, 60, 170), abs=12)


def test_it_finds_lines_and_does_not_claim_to_read_them(no_weights: Sight) -> None:
    sale = printed(studio(), scale=1)
    answer = EmbeddedModel(no_weights).ask(question(sale.rgb, Find(objects=False)))
    (line,) = answer.value
    assert (line.kind, line.text) == ("text", "")
    assert overlap(box_from_2d(line.box_2d, Image(sale.rgb).size), sale.box) > 0.6


def test_it_says_which_words_it_ignored(no_weights: Sight) -> None:
    answer = EmbeddedModel(no_weights).ask(question(ball().rgb, Find("the left mug", text=False)))
    assert any("the left mug" in note for note in answer.notes)
    quiet = EmbeddedModel(no_weights).ask(question(blank(), Find(text=False)))
    assert not any("ignored" in note for note in quiet.notes)


def test_what_only_words_name_it_does_not_guess(no_weights: Sight) -> None:
    with pytest.raises(ModelUnable, match="understands no words"):
        EmbeddedModel(no_weights).ask(question(ball().rgb, Find("cables", named=True)))


def test_an_empty_picture_is_an_empty_answer(no_weights: Sight) -> None:
    assert EmbeddedModel(no_weights).ask(question(blank(), Find())).value == ()


def test_without_weights_it_says_so_and_vouches_for_nothing(no_weights: Sight) -> None:
    rendered = EmbeddedModel(no_weights).render(wish(ball().rgb, OnBacking(GREEN)))
    assert any("not installed" in note for note in rendered.notes)
    assert rendered.low_confidence
    assert (rendered.usage.engine, rendered.usage.model) == ("embedded", "classical")
    assert (rendered.usage.calls, rendered.usage.dollars) == (0, 0.0)


def test_weights_of_another_hash_are_not_used(no_weights: Sight) -> None:
    tampered = replace(no_weights.subject_weights, package="common", path="__init__.py")
    model = EmbeddedModel(replace(no_weights, subject_weights=tampered))
    rendered = model.render(wish(ball().rgb, OnBacking(GREEN)))
    assert any("not the expected file" in note for note in rendered.notes)
    assert rendered.usage.model == "classical"


def test_with_weights_it_names_them_and_vouches(u2netp: Net) -> None:
    assert u2netp is not None
    scene = ball()
    rendered = EmbeddedModel().render(wish(scene.rgb, OnBacking(GREEN)))
    assert rendered.usage.model == "u2netp"
    assert not rendered.low_confidence
    assert not rendered.notes


def test_on_a_backing_the_subject_stays_and_all_else_is_flat(no_weights: Sight) -> None:
    scene, backing = ball(), (255, 0, 255)
    laid = EmbeddedModel(no_weights).render(wish(scene.rgb, OnBacking(backing))).image.rgb
    core = scene.alpha == 1
    core[1:-1, 1:-1] &= core[:-2, 1:-1] & core[2:, 1:-1] & core[1:-1, :-2] & core[1:-1, 2:]
    assert (np.abs(laid[core].astype(int) - scene.rgb[core]).max(1) <= 2).mean() > 0.97
    corner = laid[:40, :40]
    assert np.array_equal(corner, np.broadcast_to(np.array(backing, np.uint8), corner.shape))


def test_nothing_that_stands_out_cannot_be_laid_on_a_backing(no_weights: Sight) -> None:
    with pytest.raises(ModelUnable, match="stands out"):
        EmbeddedModel(no_weights).render(wish(blank(), OnBacking(GREEN)))


def test_what_was_transparent_stays_backing(no_weights: Sight) -> None:
    scene = ball()
    alpha = np.full(scene.alpha.shape, 255, np.uint8)
    alpha[:, 170:] = 0
    half = Render(Image(scene.rgb, alpha), OnBacking(GREEN), NO_WORDS)
    laid = EmbeddedModel(no_weights).render(half).image
    assert (laid.rgb[:, 172:] == GREEN).all()
    assert laid.alpha is None


def test_a_large_photo_is_laid_on_a_backing_at_the_size_that_is_known_of_it(
    no_weights: Sight,
) -> None:
    scene = ball()
    large = cv2.resize(scene.rgb, (2400, 1920), interpolation=cv2.INTER_CUBIC)
    laid = EmbeddedModel(no_weights).render(wish(large, OnBacking(GREEN))).image
    assert 0.95 * PIXELS < laid.size.pixels <= 1.01 * PIXELS
    assert ratio_error(laid.size, Size(2400, 1920)) < 0.002
    truth: F32 = cv2.resize(scene.alpha, (laid.size.width, laid.size.height))
    seen = (laid.rgb != GREEN).any(2)
    assert (seen == (truth > 0)).mean() > 0.98


def test_subjects_are_where_they_were_in_a_photo_too_large_to_look_at(no_weights: Sight) -> None:
    scene = pair()
    large = cv2.resize(scene.rgb, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
    answer = EmbeddedModel(no_weights).ask(question(large, Find(text=False)))
    found = [box_from_2d(thing.box_2d, Image(scene.rgb).size) for thing in answer.value]
    assert all(overlap(ours, true) > 0.9 for ours, true in zip(found, scene.boxes, strict=True))


def test_what_is_clear_is_looked_at_as_white_and_stays_clear() -> None:
    rgb, alpha = np.zeros((1600, 2000, 3), np.uint8), np.zeros((1600, 2000), np.uint8)
    alpha[:, 1000:] = 255
    deep = np.zeros(rgb.shape, np.uint16)
    shown = looked_at(Image(rgb, alpha, Provenance("tiff", deep=deep)))
    assert shown.alpha is not None
    assert (shown.rgb[:, :700] == 255).all()
    assert not shown.alpha[:, :700].any()
    assert not shown.rgb[:, -700:].any()
    assert (shown.provenance.format, shown.provenance.deep) == ("tiff", None)


def test_writing_is_erased_inside_its_region_only(no_weights: Sight) -> None:
    sale = printed(studio())
    rendered = EmbeddedModel(no_weights).render(wish(sale.rgb, Without((sale.box,), sale.ink)))
    erased = rendered.image.rgb
    assert np.abs(erased[sale.ink].astype(float) - sale.bare[sale.ink]).mean() < 3
    assert np.array_equal(erased[:60], sale.rgb[:60])
    assert not rendered.low_confidence


def test_a_canvas_is_filled_round_the_photo(no_weights: Sight) -> None:
    frame = Box(30, 40, 230, 280)
    canvas = np.full((256, 320, 3), 128, np.uint8)
    truth = blank()
    canvas[frame.slices] = truth[frame.slices]
    rendered = EmbeddedModel(no_weights).render(wish(canvas, Extended(frame)))
    assert np.array_equal(rendered.image.rgb[frame.slices], truth[frame.slices])
    assert np.abs(rendered.image.rgb.astype(float) - truth).mean() < 3


def test_many_may_ask_one_network_at_once(text_net: Net) -> None:
    chance = np.random.default_rng(4)
    batches = [chance.normal(size=(1, 3, 96, 96)).astype(np.float32) for _ in range(6)]
    alone = [text_net(batch) for batch in batches]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(text_net, batches))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_a_network_that_was_let_go_answers_as_before(text_net: Net) -> None:
    batch = np.random.default_rng(5).normal(size=(1, 3, 96, 96)).astype(np.float32)
    first = text_net(batch)
    assert text_net.loaded
    text_net.let_go()
    assert not text_net.loaded
    assert np.array_equal(text_net(batch), first)


def test_who_has_looked_holds_no_network(u2netp: Net, text_net: Net) -> None:
    model, scene = EmbeddedModel(), ball()
    model.ask(question(scene.rgb, Find()))
    model.render(wish(scene.rgb, OnBacking(GREEN)))
    assert not u2netp.loaded
    assert not text_net.loaded


def test_the_same_wish_gives_the_same_picture(no_weights: Sight) -> None:
    sale = printed(studio())
    asked = wish(sale.rgb, Without((sale.box,), sale.ink))
    first, second = (EmbeddedModel(no_weights).render(asked).image for _ in range(2))
    assert first.digest() == second.digest()
