"""What an operation made becomes an asset for every preset: one cutout, nothing enlarged."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import codec, presets
from common.errors import BadOptions
from common.geometry import Size, box_to_2d
from common.image import OPAQUE, Image
from common.operations.base import Models, Outcome
from common.operations.framing import subject_box
from common.operations.measures import ring
from common.operations.options import Options, read_options
from common.operations.placing import (
    scene_on_canvas,
    shrunk,
    small_enough,
    subject_on_canvas,
)
from common.operations.registry import OPERATIONS
from common.presets import Preset
from common.vlm.base import Detection, OnBacking, Render
from common.vlm.scripted import ScriptedModel
from functions import _assets
from tests.support.pictures import Scene, textured
from tests.support.pictures import product as scene_of
from tests.support.shelf import product

SCENE = scene_of(Size(320, 260))
PHOTO = Image(SCENE.photo)
BOX = box_to_2d(SCENE.box, PHOTO.size)
FOUND = json.dumps([{"box_2d": BOX, "label": "ring", "kind": "object", "material": "opaque"}])
BACKED = codec.Output(background=(OPAQUE, OPAQUE, OPAQUE))
WHITE = presets.Background(
    rule="background", level="must", value="#FFFFFF", source="house", date="2026-11-22"
)


def mine(name: str = "mine", rules: Sequence[Any] = (), **make: Any) -> Preset:
    """A preset of one's own, small enough for small pictures."""
    own = {"longest": 1000, "format": "jpeg", "quality": 90} | make
    told = [{"level": "must", "source": "house", "date": "2026-11-22", **rule} for rule in rules]
    size = {"rule": "longest_side", "value": {"least": 16}}
    told = told or [{"level": "must", "source": "house", "date": "2026-11-22", **size}]
    document = {"name": name, "title": name, "version": 1, "make": own, "rules": told}
    return Preset.model_validate(document)


SHOP = mine("shop", background="#FFFFFF", fill=0.9, ratio="1:1")
STORY = mine("story", [{"rule": "ratio", "value": "9:16"}], ratio="9:16")
PAGE = mine("page", format="webp", longest=100)


def painted(render: Render, scene: Scene = SCENE) -> Image:
    """Paint the crop's subject on the backing asked, as a good model would."""
    assert isinstance(render.intent, OnBacking)
    shown, whole = render.image.rgb, scene.on(render.intent.backing)
    height, width = shown.shape[:2]
    for top in range(scene.photo.shape[0] - height + 1):
        for left in range(scene.photo.shape[1] - width + 1):
            place = (slice(top, top + height), slice(left, left + width))
            if np.array_equal(scene.photo[place], shown):
                return Image(whole[place])
    raise AssertionError("the model was shown something else than a crop of the photo")


def painter(asked: int = 1) -> ScriptedModel:
    """A model that is paid, finds the ring and paints it."""
    return ScriptedModel([FOUND] * asked, [painted], dollars=0.1)


def looker(answers: int = 4, text: str = "[]") -> ScriptedModel:
    """A model that costs nothing and looks."""
    return ScriptedModel([text] * answers)


def make(
    name: str, models: Models, *wanted: Preset, image: Image = PHOTO, **values: Any
) -> tuple[Outcome, Options]:
    operation = OPERATIONS[name]
    options = read_options(operation.options, values | {"preset": list(wanted)})
    return operation.run(image, options, models), options


def images(outcome: Outcome) -> dict[str, Image]:
    return {asset.preset.name: asset.image for asset in outcome.assets}


# --- cutouts --------------------------------------------------------------------------------------


def test_one_cutout_serves_every_preset() -> None:
    model = painter()
    outcome, _ = make("cutout", Models(model), SHOP, STORY, PAGE)
    assert list(images(outcome)) == ["shop", "story", "page"]
    assert (len(model.asked), len(model.rendered)) == (1, 1)
    assert outcome.report.cost.calls == 2


def test_the_subject_stands_in_the_middle_of_its_canvas_on_the_colour() -> None:
    outcome, _ = make("cutout", Models(painter()), SHOP)
    rgb = images(outcome)["shop"].rgb
    assert rgb.shape[0] == rgb.shape[1]
    rows, columns = (np.flatnonzero((rgb != OPAQUE).any((axis, 2))) for axis in (1, 0))
    for seen, side in ((rows, rgb.shape[0]), (columns, rgb.shape[1])):
        assert abs((seen[0] + seen[-1] + 1) / 2 - side / 2) <= 1.5
    share = (rows[-1] + 1 - rows[0]) / rgb.shape[0]
    assert abs(share - 0.9) < 0.02


def test_nothing_is_enlarged_and_untouched_pixels_stay() -> None:
    outcome, _ = make("cutout", Models(painter()), SHOP)
    assert outcome.image is not None
    assert outcome.image.alpha is not None
    asset, box = images(outcome)["shop"], subject_box(outcome.image.alpha)
    assert box is not None
    assert asset.size.longest == round(max(box.width, box.height) / 0.9)
    middle = Image(outcome.image.rgb, outcome.image.alpha).crop(box)
    top, left = (asset.size.height - box.height) // 2, (asset.size.width - box.width) // 2
    places = [(down, right) for down in (top, top + 1) for right in (left, left + 1)]
    shown = [asset.rgb[y : y + box.height, x : x + box.width] for y, x in places]
    solid = middle.solid()
    assert any(np.array_equal(each[solid], middle.rgb[solid]) for each in shown)


def test_a_large_picture_is_made_smaller() -> None:
    small = mine("small", background="#FFFFFF", fill=0.8, ratio="4:5", longest=90)
    outcome, _ = make("cutout", Models(painter()), small)
    assert images(outcome)["small"].size == Size(72, 90)


def test_a_page_keeps_the_transparency_and_the_frame() -> None:
    outcome, _ = make("cutout", Models(painter()), PAGE)
    image = images(outcome)["page"]
    assert image.alpha is not None
    assert image.size == PHOTO.size.within(100)


def test_the_users_background_gives_way_only_where_a_preset_has_its_own() -> None:
    outcome, _ = make("cutout", Models(painter()), SHOP, STORY, background="#2040FF", fill=0.5)
    pictures = images(outcome)
    assert pictures["shop"].rgb[0, 0].tolist() == [255, 255, 255]
    assert pictures["story"].rgb[0, 0].tolist() == [32, 64, 255]
    notes = {asset.preset.name: asset.notes for asset in outcome.assets}
    assert "asks for #FFFFFF" in notes["shop"][0]
    assert notes["story"] == ()


@pytest.mark.parametrize("background", ["blur", "#808080"])
def test_shadow_and_background_reach_the_asset(background: str) -> None:
    plain, _ = make("cutout", Models(painter()), STORY, background=background)
    shaded, _ = make("cutout", Models(painter()), STORY, background=background, shadow=True)
    first, second = images(plain)["story"].rgb, images(shaded)["story"].rgb
    assert first.shape == second.shape
    assert (second.astype(int).sum(2) < first.astype(int).sum(2) - 20).mean() > 0.002


def test_a_shadow_ends_before_a_border_that_must_be_exact() -> None:
    outcome, _ = make("cutout", Models(painter()), SHOP, shadow=True)
    rgb = images(outcome)["shop"].rgb
    assert (ring(rgb) == OPAQUE).all()
    plain, _ = make("cutout", Models(painter()), SHOP)
    bare = images(plain)["shop"].rgb
    assert (rgb.astype(int).sum(2) < bare.astype(int).sum(2) - 20).mean() > 0.002, "it is there"


def test_a_haze_that_nobody_sees_does_not_reach_the_border() -> None:
    rgb = np.zeros((100, 100, 3), np.uint8)
    alpha = np.full((100, 100), 5, np.uint8)
    alpha[20:80, 20:80] = 255
    outcome, _ = make("erase", Models(ScriptedModel(["[]"])), SHOP, image=Image(rgb, alpha))
    image = images(outcome)["shop"]
    assert (ring(image.rgb) == OPAQUE).all()
    assert (image.rgb == 0).all(2).sum() == 60 * 60, "the subject is untouched"


# --- other operations -----------------------------------------------------------------------------


def test_a_subject_is_cut_out_once_where_presets_ask_for_a_background() -> None:
    other = mine("other", background="#FFFFFF", fill=0.5, ratio="16:9")
    model = ScriptedModel(["[]", FOUND], [painted], dollars=0.1)  # there is nothing to erase
    outcome, _ = make("erase", Models(model, looker()), SHOP, STORY, other)
    assert len(model.rendered) == 1
    assert [step.operation for step in outcome.report.steps] == ["erase", "cutout"]
    assert outcome.report.cost.dollars == pytest.approx(0.3)
    corners = {name: image.rgb[0, 0].tolist() for name, image in images(outcome).items()}
    assert corners["shop"] == corners["other"] == [255, 255, 255]
    assert corners["story"] != [255, 255, 255], "a story keeps the scene"


def test_what_stands_on_the_colour_already_is_not_cut_out() -> None:
    photo, model = product(Size(200, 160), fill=0.5), ScriptedModel(["[]"])
    steps = [{"operation": "erase"}]
    outcome, _ = make("pipeline", Models(model, looker()), SHOP, image=photo, steps=steps)
    assert model.rendered == []
    image = images(outcome)["shop"]
    assert image.size.ratio == 1
    assert (image.rgb[0] == OPAQUE).all()


def test_an_original_that_was_kept_is_no_cutout() -> None:
    gray = Image(np.full_like(PHOTO.rgb, 128))
    failing = ScriptedModel([FOUND], [gray, gray], dollars=0.1)
    outcome, _ = make("cutout", Models(failing), SHOP, on_fail="original")
    assert outcome.report.decision == "original"
    files, report = _assets.finish(outcome, BACKED, codec.Limits())
    assert report.decision == "original"
    assert files[0].check.preset == "shop"


def test_a_render_for_one_operation_cannot_cut_out_as_well() -> None:
    model = ScriptedModel([FOUND], [PHOTO])
    with pytest.raises(BadOptions, match="cannot cut the subject out"):
        make("expand", Models(model, brought=True), SHOP, margin="20")


def test_a_dry_run_tells_the_cutout_too() -> None:
    model = ScriptedModel(dollars=0.25)
    outcome, _ = make("expand", Models(model), SHOP, margin="20", dry_run=True)
    assert (model.asked, model.rendered, outcome.assets) == ([], [], ())
    assert [call.purpose for call in outcome.report.calls][-2:] == ["detect", "render"]
    assert outcome.report.cost.dollars >= 0.5


# --- scenes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [9 / 16, 1.0, 4 / 5, 16 / 9])
def test_a_scene_is_cropped_about_its_subject(ratio: float) -> None:
    placed = scene_on_canvas(PHOTO, SCENE.box, ratio, 1000)
    assert placed.image.size.ratio == pytest.approx(ratio, rel=0.02)
    if not placed.note:
        inside = placed.frame.intersection(SCENE.box)
        assert inside == SCENE.box
        assert np.array_equal(placed.image.rgb, PHOTO.crop(placed.frame).rgb)


def test_a_scene_is_never_cut_into_its_subject() -> None:
    placed = scene_on_canvas(PHOTO, SCENE.box, 0.3, 2000)
    assert "no room" in placed.note
    shown = placed.frame
    height, width = PHOTO.rgb.shape[:2]
    rows = slice(-shown.top, height - shown.top)
    columns = slice(-shown.left, width - shown.left)
    assert np.array_equal(placed.image.rgb[rows, columns], PHOTO.rgb)


def test_before_one_colour_a_scene_stands_on_that_colour() -> None:
    flat = product(Size(300, 100), fill=0.9, ground=(10, 200, 90))
    placed = scene_on_canvas(flat, None, 1.0, 1000)
    assert placed.note == ""  # without a subject the middle is cropped
    whole = scene_on_canvas(flat, subject_box(np.full((100, 300), 255, np.uint8)), 1.0, 1000)
    assert whole.image.rgb[0, 0].tolist() == [10, 200, 90]
    assert "on its border's colour" in whole.note


def test_a_busy_scene_is_cropped_about_what_a_free_look_finds() -> None:
    rgb = textured(Size(240, 120))
    thing = json.dumps([{"box_2d": [200, 850, 800, 980], "label": "cup", "kind": "object"}])
    model = ScriptedModel(["[]"])
    outcome, _ = make("erase", Models(model, looker(2, thing)), STORY, image=Image(rgb))
    image = images(outcome)["story"]
    assert np.array_equal(image.rgb, rgb[:, -image.size.width :]), "the cup is at the right"


@given(
    size=st.builds(Size, st.integers(20, 200), st.integers(20, 200)),
    ratio=st.floats(0.2, 5),
    longest=st.integers(16, 300),
)
def test_a_canvas_has_its_ratio_and_is_never_longer_than_asked(
    size: Size, ratio: float, longest: int
) -> None:
    image = Image(np.zeros((size.height, size.width, 3), np.uint8))
    box = subject_box(np.pad(np.full((10, 10), 255, np.uint8), 5))
    assert box is not None
    for placed in (
        subject_on_canvas(image, box, 0.8, ratio, longest),
        scene_on_canvas(image, box, ratio, longest),
        small_enough(image, longest),
    ):
        made = placed.image.size
        assert made.longest <= longest
        assert placed.source.width <= size.width + 1
        if placed.source != small_enough(image, longest).source or made != image.size:
            wide = made.height * ratio
            off = min(abs(made.width - wide), abs(made.height - made.width / ratio))
            assert off <= 1 or made == size.within(longest)


@given(
    top=st.integers(0, 900),
    left=st.integers(0, 900),
    fill=st.floats(0.2, 1.0),
    longest=st.sampled_from([60, 150, 1000]),
)
def test_what_was_found_is_found_where_it_came_to_stand(
    top: int, left: int, fill: float, longest: int
) -> None:
    rgb = np.full((200, 300, 3), 255, np.uint8)
    rows = slice(top * 200 // 1000, (top + 100) * 200 // 1000)
    columns = slice(left * 300 // 1000, (left + 100) * 300 // 1000)
    rgb[rows, columns] = 0
    subject = subject_box(np.pad(np.full((100, 150), 255, np.uint8), ((50, 50), (75, 75))))
    assert subject is not None
    placed = subject_on_canvas(Image(rgb), subject, fill, 1.0, longest)
    found = placed.seen([Detection((top, left, top + 100, left + 100), "x")])
    seen = (placed.image.rgb < 128).all(2) & (placed.image.solid())
    if not seen.any():
        return
    [thing] = found
    ys, xs = np.nonzero(seen)
    size = placed.image.size
    wanted = np.array([ys[0], xs.min(), ys[-1] + 1, xs.max() + 1]) * 1000
    wanted = wanted / [size.height, size.width, size.height, size.width]
    assert np.abs(np.array(thing.box_2d) - wanted).max() <= 2500 / min(size.width, size.height)


def test_hidden_colour_does_not_shine_through_when_a_picture_shrinks() -> None:
    rgb = np.zeros((40, 40, 3), np.uint8)
    rgb[:, ::2], rgb[:, 1::2] = (200, 100, 50), (0, 255, 0)
    alpha = np.zeros((40, 40), np.uint8)
    alpha[:, ::2] = 255
    small = shrunk(Image(rgb, alpha), Size(10, 10))
    assert small.alpha is not None
    assert (np.abs(small.alpha.astype(int) - 128) <= 1).all()
    assert (np.abs(small.rgb.astype(int) - [200, 100, 50]) <= 1).all()


# --- files ----------------------------------------------------------------------------------------


def noisy(*wanted: Preset) -> Outcome:
    """Assets of a picture that no format packs well."""
    rng = np.random.default_rng(1)
    photo = Image(rng.integers(0, 256, (120, 160, 3), dtype=np.uint8))
    steps = [{"operation": "expand", "margin": "1"}]
    render = Image(np.zeros((122, 162, 3), np.uint8))
    models = Models(ScriptedModel([], [render, render, render]))
    options = {"steps": [steps[0] | {"on_fail": "review"}]}
    return make("pipeline", models, *wanted, image=photo, **options)[0]


def limited(most: int, name: str = "tight") -> Preset:
    return mine(name, [{"rule": "bytes", "value": {"most": most}}])


def test_a_file_fits_the_bytes_that_a_preset_allows() -> None:
    outcome = noisy(limited(1_000_000, "loose"), limited(12_000))
    (loose, tight), report = _assets.finish(outcome, BACKED, codec.Limits())
    assert len(tight.data) <= 12_000 < len(loose.data)
    assert [check.passed for check in report.checks] == [True, True]
    assert report.checks[1].bytes == len(tight.data)


def test_a_file_that_cannot_fit_is_made_all_the_same_and_said_to_fail() -> None:
    [file], report = _assets.finish(noisy(limited(300)), BACKED, codec.Limits())
    assert len(file.data) > 300
    assert report.checks[0].passed is False
    assert report.decision == "review"
    assert any(text.startswith("tight: bytes is ") for text in report.warnings)


def test_what_is_too_small_is_said_with_what_to_do() -> None:
    rules = [{"rule": "longest_side", "value": {"least": 5000}}]
    outcome, _ = make("cutout", Models(painter()), mine("large", rules))
    [file], report = _assets.finish(outcome, BACKED, codec.Limits())
    assert file.check.passed is False
    assert report.decision == "review"
    assert any("never enlarges" in text for text in report.warnings)


def test_a_finished_asset_complies_with_what_it_was_made_for() -> None:
    models = Models(painter(), looker())
    shop = presets.named("amazon-main")
    outcome, _ = make("cutout", models, shop)
    [file], report = _assets.finish(outcome, BACKED, codec.Limits())
    failing = [rule.rule for rule in report.checks[0].rules if rule.passed is False]
    assert failing == ["longest_side", "longest_side"], "the photo is too small, and nothing else"
    assert codec.sniff(file.data) == "jpeg"
    assert report.result is not None
    assert (report.result.width, report.result.format) == (file.check.result.width, "jpeg")  # type: ignore[union-attr]


def test_several_assets_become_the_same_zip_every_time() -> None:
    outcome, _ = make("cutout", Models(painter()), SHOP, PAGE)
    files, report = _assets.finish(outcome, BACKED, codec.Limits())
    packed = _assets.zipped(files, report)
    assert packed == _assets.zipped(files, report)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.namelist() == ["shop.jpg", "page.webp", "report.json"]
        assert archive.read("shop.jpg") == files[0].data
        assert len(json.loads(archive.read("report.json"))["checks"]) == 2
