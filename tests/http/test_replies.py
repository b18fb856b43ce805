"""What comes back: formats, reports, addresses, and what is too large for a reply."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from common import codec
from common.errors import ReplyTooLarge
from common.report import PictureFacts, Report
from common.settings import Settings
from functions._http import replies
from functions._http.replies import MOST_BYTES, Wish, reply
from functions._http.visit import Visit
from functions._wiring import Finished
from tests.support.files import Files

REPORT = Report(
    operation="cutout", engine="given", source=PictureFacts(width=1, height=1, format="png")
)


@pytest.mark.parametrize("format", ["png", "webp", "jpeg", "avif", "tiff"])
def test_every_format_that_is_written_can_be_accepted(studio: Any, form: Any, format: str) -> None:
    headers = {"Accept": codec.CONTENT_TYPES[format]}
    response = studio.post("/v1/cutout", data=form(), headers=headers)
    assert response.mimetype == codec.CONTENT_TYPES[format]
    assert codec.sniff(response.data) == format


@pytest.mark.parametrize(
    ("accepted", "given"),
    [
        ("*/*", "image/png"),
        ("image/*", "image/png"),
        ("application/*", "application/json"),
        ("image/webp;q=0.1, image/jpeg;q=0.9", "image/jpeg"),
        ("image/png;q=0, image/webp", "image/webp"),
        ("text/html, */*;q=0.1", "image/png"),
        ("image/png;q=0", "application/problem+json"),
        ("", "image/png"),
    ],
)
def test_what_the_caller_likes_best_is_given(
    studio: Any, form: Any, accepted: str, given: str
) -> None:
    response = studio.post("/v1/cutout", data=form(), headers={"Accept": accepted})
    assert response.mimetype == given


def test_a_zip_holds_colour_and_alpha(studio: Any, form: Any, files: Files) -> None:
    response = studio.post("/v1/cutout", data=form(), headers={"Accept": "application/zip"})
    with zipfile.ZipFile(io.BytesIO(response.data)) as archive:
        assert sorted(archive.namelist()) == ["alpha.png", "colour.jpg"]
        alpha = codec.decode(archive.read("alpha.png")).rgb[..., 0]
    assert np.abs(alpha / 255 - files.scene.alpha).mean() < 0.01


def test_json_may_hold_the_picture_behind(studio: Any, files: Files) -> None:
    def encoded(data: bytes) -> str:
        return base64.b64encode(data).decode()

    body = {
        "image": encoded(files.photo),
        "render": encoded(files.render),
        "box": [0, 0, 1000, 1000],
        "background": f"data:image/png;base64,{encoded(files.render)}",
    }
    picture = codec.decode(studio.post("/v1/cutout", json=body).data)
    assert picture.alpha is None
    assert picture.rgb[0, 0, 1] > 200


def test_who_prefers_an_address_gets_one(studio: Any, form: Any) -> None:
    headers = {"Prefer": "picture=url"}
    response = studio.post("/v1/cutout", data=form(), headers=headers)
    assert (response.status_code, response.headers["Preference-Applied"]) == (303, "picture=url")
    assert response.headers["X-Decision"] == "accepted"
    there = studio.get(urlsplit(response.headers["Location"]).path)
    assert codec.sniff(there.data) == "png"
    told = studio.post("/v1/cutout", data=form(), headers=headers | {"Accept": "application/json"})
    assert (told.status_code, "image" in told.json) == (200, False)
    assert studio.get(urlsplit(told.json["image_url"]).path).data == there.data


def wish(accepted: str) -> Wish:
    return Wish(accepted, as_address=False, later=False, here="http://localhost")


@pytest.mark.parametrize(
    ("accepted", "size", "status"),
    [
        ("image/png", MOST_BYTES, 200),
        ("image/png", MOST_BYTES + 1, 303),
        ("application/json", MOST_BYTES * 3 // 4 - 3, 200),
        ("application/json", MOST_BYTES * 3 // 4 + 3, 200),
    ],
)
def test_what_no_reply_can_hold_is_put_aside(
    tmp_path: Path, accepted: str, size: int, status: int
) -> None:
    settings = Settings(work_bucket=str(tmp_path / "work"))
    finished = Finished(bytes(size), "image/png", ".png", REPORT)
    response = reply(Visit("cutout", "id"), finished, wish(accepted), settings)
    assert response.status_code == status
    assert len(response.get_data()) <= MOST_BYTES + 1000
    if accepted == "application/json":
        small = size * 4 // 3 <= MOST_BYTES
        assert ("image" in json.loads(response.get_data())) == small


def test_without_a_place_to_put_it_the_caller_is_told_what_to_ask_for() -> None:
    finished = Finished(bytes(MOST_BYTES + 1), "image/png", ".png", REPORT)
    with pytest.raises(ReplyTooLarge, match="more than a reply"):
        reply(Visit("cutout", "id"), finished, wish("image/png"), Settings())


def test_the_limit_is_below_the_platforms() -> None:
    assert MOST_BYTES < 32 * 2**20
    assert replies.PLACE.startswith("replies/")  # which a sweep clears after a day
