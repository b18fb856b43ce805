"""Polished parts that mirror the backing: pointed at, and given back by who saw the photo alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from common.fields import as_bytes
from common.image import U8, Mask
from common.matting import BLUE, GREEN, Key, Matte, cut, witnessed
from common.matting.reflection import missing_parts
from common.verdict import Verdict
from tests.support.pictures import Scene, can, can_on

CAN = can()
BACKINGS = {GREEN: (11, 190, 20), BLUE: (20, 40, 220)}
SAID = "A polished part of the subject may mirror the backing, and be missing."


def foot(scene: Scene = CAN) -> Mask:
    """The polished part, without its rim."""
    inside = np.zeros(scene.alpha.shape, np.bool_)
    inside[
        scene.box.bottom - 40 : scene.box.bottom - 6, scene.box.left + 6 : scene.box.right - 6
    ] = 1
    return inside


def lacking(key: Key = GREEN) -> Matte:
    return cut(CAN.photo, can_on(CAN, BACKINGS[key]), key, "opaque")


def truth() -> Matte:
    """What a witness gives that sees the can whole."""
    return Matte(CAN.photo, as_bytes(CAN.alpha), Verdict())


@pytest.mark.parametrize("key", BACKINGS, ids=lambda key: key.name)
def test_a_foot_that_mirrors_the_backing_is_missing_and_said_to_be(key: Key) -> None:
    matte = lacking(key)
    assert matte.alpha[foot()].mean() < 0.3 * 255
    assert matte.reflections is not None
    assert SAID in matte.verdict.warnings


@pytest.mark.parametrize("key", BACKINGS, ids=lambda key: key.name)
def test_who_saw_the_photo_alone_gives_it_back(key: Key) -> None:
    matte = witnessed(lacking(key), truth())
    assert np.abs(matte.alpha / 255 - CAN.alpha).mean() < 0.004
    assert np.array_equal(matte.rgb[foot()], CAN.photo[foot()])
    assert SAID not in matte.verdict.warnings
    assert matte.verdict.scores["reflected"] == 0


def test_what_the_witness_does_not_see_was_light_on_the_ground() -> None:
    before = lacking()
    footless = truth()
    footless.alpha[CAN.box.bottom - 50 :] = 0
    after = witnessed(before, footless)
    assert np.array_equal(after.alpha, before.alpha)
    assert SAID not in after.verdict.warnings


def test_the_witness_has_no_say_elsewhere() -> None:
    before = lacking()
    other = truth()
    other.alpha[:40, :40] = 255
    after = witnessed(before, other)
    assert np.array_equal(after.alpha[:40, :40], before.alpha[:40, :40])


def test_a_matte_without_reflections_stays_what_it_is() -> None:
    matte = replace(lacking(), reflections=None)
    assert witnessed(matte, truth()) is matte


@pytest.mark.parametrize("material", ["", "fine", "translucent"])
def test_only_an_opaque_subject_can_lack_a_polished_part(material: str) -> None:
    matte = cut(CAN.photo, can_on(CAN, BACKINGS[GREEN]), GREEN, material)
    assert matte.reflections is None
    assert "reflected" not in matte.verdict.scores


def test_a_subject_that_mirrors_nothing_raises_no_doubt() -> None:
    matte = cut(CAN.photo, CAN.on(BACKINGS[GREEN]), GREEN, "opaque")
    assert matte.reflections is None
    assert matte.verdict.scores["reflected"] == 0


# --- what counts as a missing part ----------------------------------------------------------------

SUBJECT = np.s_[40:160, 60:140]


def drawn(*places: tuple[slice, slice]) -> U8:
    """An alpha that is solid in some places, (240, 200)."""
    alpha = np.zeros((240, 200), np.uint8)
    for place in places:
        alpha[place] = 255
    return alpha


def missing(*places: tuple[slice, slice]) -> Mask:
    """What is missing if the witness sees those places besides, and all are pointed at."""
    ours = drawn(SUBJECT)
    return missing_parts(np.ones(ours.shape, np.bool_), ours, drawn(SUBJECT, *places))


def test_a_part_of_a_hundredth_of_the_subject_counts_and_a_smaller_one_does_not() -> None:
    assert missing(np.s_[160:170, 60:72])[162:168, 62:70].all()
    assert not missing(np.s_[160:168, 60:68]).any()


def test_a_part_has_its_thin_end_and_not_the_outline_beyond() -> None:
    found = missing(np.s_[160:200, 80:120], np.s_[160:162, 72:80], np.s_[40:200, 140:142])
    assert found[160:162, 73:80].all()
    assert not found[40:140, 140:142].any()
