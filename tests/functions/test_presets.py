"""Presets at the HTTP door: a check, one asset as a picture, several as a zip or as JSON."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import functions_framework
import numpy as np
import pytest
from flask.testing import FlaskClient

import functions
from common import codec, presets
from common.image import Image, Provenance
from common.operations.options import CutoutOptions, read_options
from functions import _wiring
from tests.support.files import WHOLE, Files, product_files
from tests.support.shelf import product


def client(name: str) -> FlaskClient:
    source = Path(functions.__file__).parent / f"{name}.py"
    app = functions_framework.create_app(name, str(source))  # type: ignore[no-untyped-call]
    made: FlaskClient = app.test_client()
    return made


@pytest.fixture(scope="module")
def check() -> FlaskClient:
    return client("check")


@pytest.fixture(scope="module")
def cutout() -> FlaskClient:
    return client("cutout")


@pytest.fixture(scope="module")
def files() -> Files:
    return product_files()


def asked(files: Files, **fields: Any) -> dict[str, Any]:
    return {
        "image": (io.BytesIO(files.photo), "photo.png"),
        "render": (io.BytesIO(files.render), "render.png"),
        "box": WHOLE,
    } | fields


def photo() -> tuple[io.BytesIO, str]:
    return io.BytesIO(codec.encode(product(), "jpeg")), "product.jpg"


def test_a_picture_is_checked_against_several_presets_at_once(check: FlaskClient) -> None:
    form = {"image": photo(), "preset": "amazon-main,web", "engine": "embedded"}
    response = check.post("/v1/check", data=form)
    assert (response.status_code, response.mimetype) == (200, "application/json")
    amazon, web = response.json["checks"]  # type: ignore[index]
    assert (amazon["preset"], amazon["passed"]) == ("amazon-main", False)
    failing = {rule["rule"] for rule in amazon["rules"] if rule["passed"] is False}
    assert failing == {"longest_side"}
    assert all(rule["source"] and rule["date"] for rule in amazon["rules"])
    assert (web["preset"], web["passed"]) == ("web", True)
    assert web["bytes"] == len(photo()[0].getvalue())


@pytest.mark.parametrize("preset", ["amazon", "./mine.json", "/etc/passwd", ""])
def test_presets_are_named_and_never_read_from_a_path(check: FlaskClient, preset: str) -> None:
    response = check.post("/v1/check", data={"image": photo(), "preset": preset})
    assert response.status_code == 422
    document = response.json
    assert document is not None
    assert document["code"] == "bad-options"
    assert all(name in document["detail"] for name in presets.names())


def test_a_preset_is_no_document(check: FlaskClient) -> None:
    own = presets.named("ebay").model_dump(mode="json")
    image = base64.b64encode(photo()[0].getvalue()).decode()
    response = check.post("/v1/check", json={"image": image, "preset": [own]})
    assert response.status_code == 422


def test_one_preset_gives_one_picture_in_its_own_format(cutout: FlaskClient, files: Files) -> None:
    response = cutout.post("/v1/cutout", data=asked(files, preset="shopify"))
    assert (response.status_code, response.mimetype) == (200, "image/jpeg")
    image = codec.decode(response.data)
    assert image.size.ratio == 1
    assert response.headers["X-Width"] == str(image.size.width)


def test_what_must_be_and_is_not_is_for_review(cutout: FlaskClient, files: Files) -> None:
    response = cutout.post("/v1/cutout", data=asked(files, preset="amazon-main"))
    assert response.headers["X-Decision"] == "review"


def test_several_presets_give_a_zip(cutout: FlaskClient, files: Files) -> None:
    response = cutout.post("/v1/cutout", data=asked(files, preset="shopify,web"))
    assert response.mimetype == "application/zip"
    with zipfile.ZipFile(io.BytesIO(response.data)) as archive:
        assert archive.namelist() == ["shopify.jpg", "web.webp", "report.json"]
        report = json.loads(archive.read("report.json"))
    assert [each["preset"] for each in report["checks"]] == ["shopify", "web"]


def test_several_presets_are_told_apart_in_json(cutout: FlaskClient, files: Files) -> None:
    headers = {"Accept": "application/json"}
    response = cutout.post("/v1/cutout", data=asked(files, preset="shopify,web"), headers=headers)
    document = response.json
    assert document is not None
    assert "image" not in document
    assert [(each["preset"], each["content_type"]) for each in document["assets"]] == [
        ("shopify", "image/jpeg"),
        ("web", "image/webp"),
    ]
    assert codec.sniff(base64.b64decode(document["assets"][1]["image"])) == "webp"


def test_a_preset_says_the_format_itself(cutout: FlaskClient, files: Files) -> None:
    response = cutout.post("/v1/cutout", data=asked(files, preset="web", format="png"))
    assert response.status_code == 422
    assert b"leave format out" in response.data


def test_a_presets_colour_is_exact_in_a_photo_of_another_space() -> None:
    """A photo tagged with swapped primaries: red there is no red here."""
    parked = codec.srgb().replace(b"rXYZ", b"tmpZ").replace(b"gXYZ", b"rXYZ")
    profile = parked.replace(b"tmpZ", b"gXYZ")
    own = presets.named("shopify").model_dump(mode="json")
    own["make"] |= {"background": "#F0D040", "format": "png"}
    own["rules"] = [r | {"note": ""} for r in own["rules"] if r["rule"] == "formats"]
    rule = {"rule": "background", "level": "must", "value": "#F0D040", "source": "house"}
    own["rules"].append(rule | {"date": "2026-11-22"})
    preset = presets.read(json.dumps(own).encode(), "mine.json")
    clear = Image(product().rgb, np.where(product().rgb.min(2) < 250, 255, 0).astype(np.uint8))
    photo = codec.encode(replace(clear, provenance=Provenance(icc=profile)), "png")
    options = read_options(CutoutOptions, {"preset": [preset], "engine": "embedded"})
    finished = _wiring.run(_wiring.operation("cutout"), photo, options)
    [background] = [r for r in finished.report.checks[0].rules if r.rule == "background"]
    assert (background.passed, background.measured) == (True, "100 % of the border")
