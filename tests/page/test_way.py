"""The whole way from a dropped picture to a finished file: by mouse, by keys, through failures."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image as Pillow
from playwright.sync_api import Page, expect

from common import codec
from tests.support.browsing import PATIENCE, drawn_file, opened_picture

EXPAND = {"operation": "expand", "aspect": "2:1"}  # of a plain backdrop: no model, and quick
AS_IT_IS = {"operation": "expand", "aspect": "4:3"}  # the photo's own: quicker still
DROP = """async ([name, text]) => {
  const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
  const drop = document.querySelector("#drop");
  for (const type of ["dragover", "drop"])
    drop.dispatchEvent(
      new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""


def load_recipe(page: Page, recipe: Mapping[str, object]) -> None:
    document = json.dumps(recipe).encode()
    page.set_input_files(
        "#recipe-file", {"name": "recipe.json", "mimeType": "application/json", "buffer": document}
    )
    expect(page.locator("#toast")).to_contain_text("is the recipe now")


def cards(page: Page, state: str) -> int:
    return page.locator(f'.card[data-state="{state}"]').count()


def downloaded(page: Page, button: str) -> tuple[str, bytes]:
    with page.expect_download() as download:
        page.locator(button).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def test_a_dropped_picture_becomes_a_downloaded_cutout_and_outlives_a_reload(
    page: Page, samples: Path
) -> None:
    photo = samples / "cutout" / "mug_white.jpg"
    page.evaluate(DROP, [photo.name, base64.b64encode(photo.read_bytes()).decode()])
    page.wait_for_selector('.card[data-state="accepted"]')
    expect(page.locator("#report .verdict")).to_contain_text("Done")
    expect(page.locator("#report .facts")).to_contain_text("Embedded engine")
    expect(page.locator("#split")).to_be_visible()
    name, data = downloaded(page, "#save")
    assert name == "mug_white.png"
    result, source = codec.decode(data), codec.decode(photo.read_bytes())
    assert result.size == source.size
    assert result.alpha is not None
    assert result.alpha.min() == 0
    assert result.alpha.max() == 255
    solid = result.alpha == 255
    assert (result.rgb[solid] == source.rgb[solid]).all()

    page.reload()
    page.wait_for_selector('.card[data-state="accepted"]')
    expect(page.locator("#report .verdict")).to_contain_text("Done")
    assert downloaded(page, "#save") == (name, data)


def test_writing_is_found_and_erased_where_its_boxes_are(page: Page, samples: Path) -> None:
    page.locator("#auto").uncheck()
    page.locator(".sample", has_text="Erase").click()
    page.locator("#find-boxes").click()
    page.wait_for_selector(".box-row")
    boxes = page.locator(".box.erase").count()
    assert boxes >= 3
    with page.expect_response("**/v1/erase") as answer:
        page.locator("#run").click()
    assert len(answer.value.json()["plan"]["regions"]) == boxes
    page.wait_for_selector('.card[data-state="accepted"], .card[data-state="review"]')


def test_everything_works_with_the_keyboard_alone(page: Page, tmp_path: Path) -> None:
    photo = drawn_file("plain.jpg", 320, 240, tmp_path)
    page.locator("#auto").uncheck()
    load_recipe(page, {"steps": [{"operation": "detect"}, EXPAND]})
    with page.expect_file_chooser() as chooser:
        page.locator("#choose").focus()
        page.keyboard.press("Enter")
    chooser.value.set_files(photo)
    page.wait_for_selector(".card")

    page.locator('.step:nth-child(2) [aria-label="Move Expand up"]').focus()
    page.keyboard.press("Enter")
    expect(page.locator(".step:nth-child(1) h3")).to_contain_text("Expand")
    page.locator('.step:nth-child(2) [aria-label="Remove Detect"]').focus()
    page.keyboard.press("Enter")
    expect(page.locator(".step")).to_have_count(1)
    page.locator("#run").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector('.card[data-state="accepted"]')

    slider = page.locator("#split")
    slider.focus()
    before = int(slider.input_value())
    page.keyboard.press("ArrowRight")
    assert int(slider.input_value()) > before
    page.locator("#stage canvas").focus()
    page.keyboard.press("1")
    expect(page.locator("#zoom")).to_have_text("100%")
    page.keyboard.press("+")
    expect(page.locator("#zoom")).to_have_text("150%")
    page.keyboard.press("0")
    with page.expect_download() as download:
        page.locator("#save").focus()
        page.keyboard.press("Enter")
    assert opened_picture(Path(download.value.path()).read_bytes()).size == (480, 240)


def test_a_failure_is_told_in_the_api_s_own_words_and_can_be_tried_again(
    page: Page, tmp_path: Path
) -> None:
    page.locator("#auto").uncheck()
    load_recipe(page, {"operation": "expand", "size": "10x10"})
    page.set_input_files("#file", drawn_file("plain.jpg", 320, 240, tmp_path))
    page.locator("#run").click()
    trouble = page.locator(".card .trouble")
    expect(trouble).to_contain_text("A canvas of 10x10 cannot hold the photo of 320x240.")
    expect(page.locator("#news")).to_contain_text("1 failed")
    load_recipe(page, EXPAND)
    page.locator('[aria-label="Try plain.jpg again"]').click()
    page.wait_for_selector('.card[data-state="accepted"]')
    expect(trouble).to_be_hidden()


def test_a_studio_that_is_gone_is_told_and_the_picture_waits_for_it(
    page: Page, tmp_path: Path
) -> None:
    page.locator("#auto").uncheck()
    load_recipe(page, EXPAND)
    page.set_input_files("#file", drawn_file("plain.jpg", 320, 240, tmp_path))
    page.context.route("**/v1/expand", lambda route: route.abort())
    page.locator("#run").click()
    page.wait_for_selector('.card[data-state="failed"]')
    expect(page.locator("#report .problem")).to_contain_text("cannot be reached")
    page.context.unroute("**/v1/expand")
    page.locator('[aria-label="Try plain.jpg again"]').click()
    page.wait_for_selector('.card[data-state="accepted"]')


def test_work_can_be_cancelled(page: Page, tmp_path: Path) -> None:
    page.locator("#auto").uncheck()
    load_recipe(page, EXPAND)
    page.context.route("**/v1/expand", lambda _: None)  # an answer that never comes
    page.set_input_files("#file", drawn_file("plain.jpg", 320, 240, tmp_path))
    page.locator("#run").click()
    page.locator('[aria-label="Cancel plain.jpg"]').click()
    page.wait_for_selector('.card[data-state="cancelled"]')
    page.context.unroute_all(behavior="ignoreErrors")


def test_thirty_pictures_are_done_and_come_back_in_one_archive(page: Page, tmp_path: Path) -> None:
    load_recipe(page, AS_IT_IS)
    photos = [drawn_file(f"p{n:02}.jpg", 120, 90, tmp_path, 120 + 3 * n) for n in range(30)]
    page.set_input_files("#file", photos)
    expect(page.locator('.card[data-state="accepted"]')).to_have_count(30, timeout=PATIENCE)
    expect(page.locator("#tally")).to_have_text("30 of 30 done")
    expect(page.locator("#news")).to_contain_text("30 of 30 done")
    name, data = downloaded(page, "#all-zip")
    assert name == "studio.zip"
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    assert sorted(archive.namelist()) == sorted(
        f"p{n:02}.{end}" for n in range(30) for end in ("png", "json")
    )
    assert opened_picture(archive.read("p07.png")).size == (120, 90)
    page.locator("#clear").click()
    assert cards(page, "accepted") == 0


def test_a_file_past_a_request_s_limit_goes_by_a_signed_upload(page: Page, tmp_path: Path) -> None:
    page.locator("#auto").uncheck()
    load_recipe(page, {"operation": "expand", "aspect": "5:4"})
    photo = tmp_path / "large.bmp"
    Pillow.new("RGB", (3250, 2600), (180, 184, 190)).save(photo)
    assert photo.stat().st_size > 25_000_000
    page.set_input_files("#file", photo)
    with page.expect_request("**/v1/uploads/*") as upload:
        page.locator("#run").click()
    assert upload.value.method == "PUT"
    page.wait_for_selector('.card[data-state="accepted"]')
    assert opened_picture(downloaded(page, "#save")[1]).size == (3250, 2600)
    expect(page.locator(".card")).to_have_count(1)  # the job's own folder is not listed twice


@pytest.mark.parametrize(("format", "suffix"), [("JPEG", "jpg"), ("WebP", "webp")])
def test_the_format_can_be_chosen(page: Page, tmp_path: Path, format: str, suffix: str) -> None:
    load_recipe(page, AS_IT_IS)
    page.set_input_files("#file", drawn_file("plain.jpg", 120, 90, tmp_path))
    page.wait_for_selector('.card[data-state="accepted"]')
    page.locator("#format").select_option(label=format)
    name, data = downloaded(page, "#save")
    assert name == f"plain.{suffix}"
    assert (opened_picture(data).format or "").upper() == format.upper()


def test_the_recipe_can_be_saved_and_is_the_bucket_s_own(page: Page) -> None:
    recipe = {"steps": [{"operation": "erase", "keep": ["LUMEN"]}, EXPAND]}
    load_recipe(page, recipe)
    page.locator("#share summary").click()
    name, data = downloaded(page, "#recipe-save")
    assert name == "recipe.json"
    assert json.loads(data) == recipe
    expect(page.locator("#recipe-text")).to_contain_text("curl -F image=@photo.jpg -F 'recipe={")


def test_an_unknown_recipe_is_refused_in_words(page: Page) -> None:
    page.set_input_files(
        "#recipe-file",
        {"name": "list.json", "mimeType": "application/json", "buffer": b'{"operation": "bake"}'},
    )
    expect(page.locator("#toast")).to_have_text("list.json is no recipe that this studio knows.")


def test_the_rules_of_a_marketplace_are_checked_as_soon_as_one_is_chosen(
    page: Page, tmp_path: Path
) -> None:
    load_recipe(page, AS_IT_IS)
    page.set_input_files("#file", drawn_file("plain.jpg", 320, 240, tmp_path))
    page.wait_for_selector('.card[data-state="accepted"]')
    page.locator("#presets summary").click()
    page.locator("#presets label", has_text="Amazon").click()
    page.wait_for_selector("#checks .rules li")
    expect(page.locator("#checks")).to_contain_text("exactly #FFFFFF on all of the border")
    expect(page.locator("#checks .fail").first).to_be_visible()
