"""The contract of remove.bg's API, asked by hand and by a public client of that API."""

from __future__ import annotations

import base64
import importlib.metadata
import io
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common import codec
from common.geometry import Box
from common.image import Image
from common.operations.arranging import at_most, placed, trimmed
from functions._removebg.fields import Asked, given
from functions._removebg.pictures import Result, finish
from tests.support.files import Files
from tests.support.served import listening, quick_engine, served

PATH = "/v1.0/removebg"
WELL = 0.05  # mean error of the embedded engine's alpha on the product


def _has_client() -> bool:
    try:
        importlib.metadata.version("removebg")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with served(tmp_path_factory.mktemp("rb"), STUDIO_ENGINE="embedded") as client:
        yield client


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Any]:
    """A studio for what is asked and answered; how good its cutouts are is told by the other."""
    with quick_engine(), served(tmp_path, STUDIO_ENGINE="embedded") as client:
        yield client


def post(studio: Any, files: Files, **fields: str) -> Any:
    data = {"image_file": (io.BytesIO(files.photo), "photo.png"), **fields}
    return studio.post(PATH, data=data)


def foreground(response: Any) -> list[int]:
    sides = ("Top", "Left", "Width", "Height")
    return [int(response.headers[f"X-Foreground-{side}"]) for side in sides]


# --- what comes back ------------------------------------------------------------------------------


def test_the_picture_and_its_headers(studio: Any, files: Files) -> None:
    response = post(studio, files)
    assert (response.status_code, response.mimetype) == (200, "image/png")
    picture = codec.decode(response.data)
    assert picture.alpha is not None
    assert np.abs(picture.alpha / 255 - files.scene.alpha).mean() < WELL
    assert (response.headers["X-Width"], response.headers["X-Height"]) == ("240", "180")
    assert response.headers["X-Credits-Charged"] == "0"
    assert response.headers["X-Type"] == "other"
    rows, columns = (
        np.flatnonzero(files.scene.alpha.any(1)),
        np.flatnonzero(files.scene.alpha.any(0)),
    )
    top, left, width, height = foreground(response)
    assert abs(top - rows[0]) <= 8
    assert abs(left - columns[0]) <= 8
    assert abs(height - (rows[-1] + 1 - rows[0])) <= 8
    assert abs(width - (columns[-1] + 1 - columns[0])) <= 8


def test_json_where_it_is_accepted(quick: Any, files: Files) -> None:
    data = {"image_file_b64": base64.b64encode(files.photo).decode()}
    response = quick.post(PATH, json=data, headers={"Accept": "application/json"})
    told = response.json["data"]
    assert codec.sniff(base64.b64decode(told["result_b64"])) == "png"
    assert [told[f"foreground_{side}"] for side in ("top", "left", "width", "height")] == (
        foreground(response)
    )


def test_the_same_key_is_answered_the_same_also_here(quick: Any, files: Files) -> None:
    def asked(**fields: str) -> Any:
        data = {"image_file": (io.BytesIO(files.photo), "photo.png"), **fields}
        return quick.post(PATH, data=data, headers={"Idempotency-Key": "once"})

    first, again, other = asked(), asked(), asked(format="jpg")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (again.data, foreground(again)) == (first.data, foreground(first))
    assert (other.status_code, other.json["errors"][0]["code"]) == (422, "idempotency_key_reused")


def test_a_form_without_files_is_understood(quick: Any, files: Files) -> None:
    data = {"image_file_b64": base64.b64encode(files.photo).decode(), "size": "auto"}
    assert quick.post(PATH, data=data).status_code == 200


def finished(files: Files, **fields: Any) -> Result:
    alpha = np.rint(files.scene.alpha * 255).astype(np.uint8)
    asked = Asked.model_validate({"size": "auto", **fields})
    return finish(Image(files.scene.photo, alpha), asked, None)


@pytest.mark.parametrize(
    ("fields", "format"),
    [
        ({}, "png"),
        ({"format": "jpg"}, "jpeg"),
        ({"format": "webp"}, "webp"),
        ({"bg_color": "81d4fa"}, "jpeg"),
        ({"bg_color": "81d4fa77"}, "png"),
        ({"format": "PNG", "bg_color": "white"}, "png"),
        ({"channels": "alpha"}, "png"),
    ],
)
def test_formats(files: Files, fields: dict[str, str], format: str) -> None:
    result = finished(files, **fields)
    assert codec.sniff(result.file.data) == format
    assert result.file.content_type == codec.CONTENT_TYPES[format]


def test_a_zip_bears_the_names_that_callers_look_for(files: Files) -> None:
    for fields in ({}, {"bg_color": "red"}):
        data = finished(files, format="zip", **fields).file.data
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert sorted(archive.namelist()) == ["alpha.png", "color.jpg"]


def test_a_colour_that_is_half_transparent_stays_so(files: Files) -> None:
    picture = codec.decode(finished(files, bg_color="ff000080").file.data)
    assert picture.alpha is not None
    assert picture.rgb[0, 0].tolist() == [255, 0, 0]
    assert picture.alpha[0, 0] == 0x80
    assert picture.alpha.max() == 255


def test_crop_trims_to_the_subject_and_its_margin(files: Files) -> None:
    tight = finished(files, crop=True)
    assert tight.size == tight.foreground.size
    roomy = finished(files, crop=True, crop_margin="10px 10%")
    assert roomy.size.height == tight.size.height + 20
    assert roomy.size.width == tight.size.width + 2 * round(tight.size.width / 10)


def test_the_smaller_size_is_no_more_than_it_says() -> None:
    big = Image(np.full((1000, 1500, 3), 200, np.uint8), np.full((1000, 1500), 255, np.uint8))
    result = finish(big, Asked(), None)
    assert 245_000 < result.size.pixels <= 250_000


def test_a_picture_behind_covers_all(files: Files) -> None:
    alpha = np.rint(files.scene.alpha * 255).astype(np.uint8)
    red = Image(np.full((7, 9, 3), (200, 0, 0), np.uint8))
    result = finish(Image(files.scene.photo, alpha), Asked(size="auto", format="png"), red)
    assert codec.decode(result.file.data).rgb[0, 0].tolist() == [200, 0, 0]


# --- what goes wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({}, 400, "bad_input"),
        ({"image_url": "http://a.example/b.png"}, 403, "forbidden_address"),
        ({"image_url": "https://127.0.0.1/b.png"}, 403, "forbidden_address"),
        ({"image_file_b64": "!"}, 400, "bad_input"),
        ({"image_file_b64": "aGk="}, 415, "unsupported_picture"),
        ({"image_file_b64": "aGk=", "image_url": "https://a.example/b"}, 400, "bad_input"),
        ({"image_file_b64": "aGk=", "size": "enormous"}, 422, "bad_options"),
        ({"image_file_b64": "aGk=", "scale": "5%"}, 422, "bad_options"),
        ({"image_file_b64": "aGk=", "position": "left"}, 422, "bad_options"),
        ({"image_file_b64": "aGk=", "roi": "1 2 3"}, 422, "bad_options"),
        ({"image_file_b64": "aGk=", "crop_margin": "60%"}, 422, "bad_options"),
        ({"image_file_b64": "aGk=", "bg_color": "blueish"}, 422, "bad_options"),
    ],
)
def test_errors_have_that_apis_shape(
    studio: Any, fields: dict[str, str], status: int, code: str
) -> None:
    for response in (studio.post(PATH, json=fields), studio.post(PATH, data=fields)):
        if response.status_code == 415 and code != "unsupported_picture":
            continue  # a form without fields has no type
        (fault,) = response.json["errors"]
        assert (response.status_code, fault["code"]) == (status, code)
        assert fault["title"]


def test_an_empty_picture_has_no_foreground(studio: Any) -> None:
    grey = codec.encode(Image(np.full((90, 120, 3), 128, np.uint8)), "png")
    response = studio.post(PATH, data={"image_file": (io.BytesIO(grey), "a.png")})
    assert 400 <= response.status_code < 500
    assert response.json["errors"]


def test_unknown_callers_are_told_as_that_api_tells_them(tmp_path: Path, files: Files) -> None:
    with served(tmp_path, STUDIO_ACCESS="keys") as studio:
        response = post(studio, files)
    assert (response.status_code, response.json["errors"][0]["code"]) == (403, "auth_failed")


def test_unknown_and_empty_fields_are_passed_over() -> None:
    asked = Asked.model_validate(given({"nonsense": 1, "scale": "", "bg_color": None}))
    assert asked == Asked()


# --- arranging ------------------------------------------------------------------------------------


def dot() -> tuple[Image, Box]:
    """A red subject of 10 x 20 pixels in 100 x 80 invisible green ones."""
    rgb = np.zeros((80, 100, 3), np.uint8)
    rgb[..., 1] = 255
    alpha = np.zeros((80, 100), np.uint8)
    box = Box(30, 40, 50, 50)
    rgb[box.slices] = (255, 0, 0)
    alpha[box.slices] = 255
    return Image(rgb, alpha), box


def seen(image: Image) -> Box:
    assert image.alpha is not None
    rows, columns = np.flatnonzero(image.alpha.any(1)), np.flatnonzero(image.alpha.any(0))
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def test_a_subject_is_scaled_to_its_share_and_no_hidden_colour_bleeds_in() -> None:
    image, box = dot()
    big = placed(image, box, 0.5, None)
    assert big.size == image.size
    assert seen(big) == Box(20, 40, 60, 60)
    assert big.rgb[seen(big).slices].reshape(-1, 3).tolist() == [[255, 0, 0]] * 800


@pytest.mark.parametrize(
    ("position", "corner"), [((0.0, 0.0), (0, 0)), ((1.0, 1.0), (60, 90)), ((0.5, 0.5), (30, 45))]
)
def test_a_subject_is_put_where_it_is_asked(
    position: tuple[float, float], corner: tuple[int, int]
) -> None:
    image, box = dot()
    there = seen(placed(image, box, None, position))
    assert (there.top, there.left, there.height, there.width) == (*corner, 20, 10)


def test_nothing_asked_nothing_changed() -> None:
    image, box = dot()
    assert placed(image, box, None, None) is image
    assert at_most(image, 8000) is image
    assert trimmed(image, box, (0, 0, 0, 0)).size == box.size


# --- a public client ------------------------------------------------------------------------------

CLIENT = """
import sys
import removebg.removebg as library

host, photo, target, bad = sys.argv[1:]
library.API_ENDPOINT = host + "/v1.0/removebg"
client = library.RemoveBg("any key", target + ".log")
client.remove_background_from_img_file(photo, size="regular")
with open(photo + ".b64") as encoded:
    client.remove_background_from_base64_img(
        encoded.read(), size="4k", new_file_name=target, bg_color="ff0000"
    )
try:
    client.remove_background_from_img_url(bad)
except Exception as failure:
    print(failure.response.json()["errors"][0]["title"])
"""


@pytest.mark.skipif(
    not _has_client(),
    reason="the public client `removebg` is not installed",
)
def test_a_public_client_works_once_its_host_is_changed(
    studio: Any, files: Files, tmp_path: Path
) -> None:
    photo, target = tmp_path / "shoe.png", tmp_path / "red.jpg"
    photo.write_bytes(files.photo)
    (tmp_path / "shoe.png.b64").write_bytes(base64.b64encode(files.photo))
    with listening(studio.application) as port:
        here = f"http://127.0.0.1:{port}"
        arguments = [here, str(photo), str(target), "https://127.0.0.1/a.png"]
        done = subprocess.run(
            [sys.executable, "-c", CLIENT, *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert "not an address of the open internet" in done.stdout
    alpha = codec.decode((tmp_path / "shoe.png_no_bg.png").read_bytes()).alpha
    assert alpha is not None
    assert np.abs(alpha / 255 - files.scene.alpha).mean() < WELL
    red = codec.decode(target.read_bytes()).rgb[0, 0]
    assert red[0] > 250
    assert red[1:].max() < 5
