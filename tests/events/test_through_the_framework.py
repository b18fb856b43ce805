"""The door behind the real framework: what Pub/Sub posts, and which status it is answered."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.errors import ModelBusy
from studio.watcher import push_body
from tests.support import shop as shared
from tests.support.jobs import names
from tests.support.shop import Shop


@pytest.fixture
def client(shop: Shop, tmp_path: Path) -> Iterator[Any]:
    source = tmp_path / "door_for_tests.py"
    source.write_text(shared.FUNCTION, encoding="utf-8")
    framework: Any = importlib.import_module("functions_framework")
    shared.CURRENT.append(shop)
    yield framework.create_app("cutout_dropped", str(source)).test_client()
    shared.CURRENT.remove(shop)


def _post(client: Any, shop: Shop, name: str) -> int:
    stored = shop.buckets.input.stat(name)
    assert stored is not None
    body = push_body("input", stored)
    answer = client.post("/", data=body, headers={"Content-Type": "application/json"})
    return int(answer.status_code)


def test_a_pushed_message_becomes_a_result_with_its_params(client: Any, shop: Shop) -> None:
    shop.put("cutout/shoe ä.jpg", b"pixels", params='{"key": "blue"}')
    assert _post(client, shop, "cutout/shoe ä.jpg") == 200
    assert names(shop.buckets.output) == ["cutout/shoe ä.json", "cutout/shoe ä.png"]
    assert shop.calls[0].options.model_dump()["key"] == "blue"


def test_a_failure_that_stays_is_answered_200(client: Any, shop: Shop) -> None:
    shop.put("cutout/shoe.jpg", b"broken")
    assert _post(client, shop, "cutout/shoe.jpg") == 200
    assert names(shop.buckets.output) == ["cutout/shoe.json"]


def test_a_failure_that_passes_is_answered_500_so_that_it_comes_again(
    client: Any, shop: Shop
) -> None:
    shop.troubles = [ModelBusy("Too many requests.")]
    shop.put("cutout/shoe.jpg", b"x")
    assert _post(client, shop, "cutout/shoe.jpg") == 500
    assert _post(client, shop, "cutout/shoe.jpg") == 200
