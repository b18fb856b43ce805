"""Presets at the bucket door: a recipe names them, results stand beside their documents."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from common import codec
from common.geometry import Size
from common.jobs import Source
from functions import _events, _wiring
from functions._notice import Notice
from functions._workshop import Workshop
from tests.support.shelf import product
from tests.support.shop import Shop, new_shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return new_shop(tmp_path)


def dropped(shop: Shop, name: str, **recipe: Any) -> dict[str, Any]:
    """Drop a picture beside a recipe; return the document that tells about its result."""
    folder = name.rpartition("/")[0]
    shop.put(f"{folder}/recipe.json", {"engine": "embedded", **recipe})
    photo = codec.encode(product(Size(160, 120), fill=0.5), "jpeg")
    generation = shop.put(name, photo)
    workshop = Workshop(shop.buckets, _wiring.operation, _wiring.run, max_bytes=1_000_000)
    notice = Notice(Source(shop.buckets.input.name, name, generation), metadata={})
    ending = _events.work(folder, notice, workshop)
    document: dict[str, Any] = json.loads(shop.buckets.output.read(ending.name)[0])
    return document


def test_a_dropped_picture_is_checked(shop: Shop) -> None:
    document = dropped(shop, "check/shoe.jpg", preset=["web", "shopify"])
    assert [each["preset"] for each in document["checks"]] == ["web", "shopify"]
    assert document["picture"] is None
    assert document["input"]["options"]["preset"] == ["web@1", "shopify@1"]


def test_one_preset_makes_one_picture(shop: Shop) -> None:
    document = dropped(shop, "erase/shoe.jpg", preset="shopify")
    assert document["picture"]["name"] == "erase/shoe.jpg"
    assert codec.sniff(shop.buckets.output.read("erase/shoe.jpg")[0]) == "jpeg"
    assert document["checks"][0]["preset"] == "shopify"


def test_several_presets_make_a_zip(shop: Shop) -> None:
    document = dropped(
        shop, "pipeline/shoe.jpg", preset="amazon-main,web", steps=[{"operation": "erase"}]
    )
    data, _ = shop.buckets.output.read(document["picture"]["name"])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["amazon-main.jpg", "web.webp", "report.json"]
    assert document["decision"] == "review", "the photo is too small for amazon-main"


def test_a_recipe_without_a_known_preset_fails_for_all_to_see(shop: Shop) -> None:
    document = dropped(shop, "check/shoe.jpg", preset="./mine.json")
    assert document["code"] == "bad-options"
    assert "amazon-main" in document["detail"]
