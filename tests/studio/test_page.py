"""The page, the data folder's pictures, and who may ask for them."""

from __future__ import annotations

import gzip
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import Client
from werkzeug.wrappers import Response

from common.codec import decode
from common.errors import FetchFailed
from common.jobs import Buckets, Job, Made, Source, run
from common.operations.pipeline import STEPS
from common.operations.registry import OPERATIONS
from common.presets import names
from common.settings import Settings
from common.spend import Caps, Ledger, ledger_name
from common.store.folder import FolderBucket
from functions._http import problems
from studio.facts import sample_pictures
from studio.folder import SAMPLES, DataFolder
from studio.guard import guarded
from studio.page import ASSETS, WEB, make_page

HIDDEN = "work/secret.png"  # the studio's own bucket is nobody's to look at
PICTURE = b"\x89PNG\r\n\x1a\n, more or less"


@pytest.fixture
def buckets(tmp_path: Path) -> Buckets:
    return Buckets(*(FolderBucket(tmp_path / name) for name in ("input", "work", "output")))


def nowhere(address: str, max_bytes: int) -> bytes:
    raise FetchFailed(f"{address} gave nothing of {max_bytes} bytes.", field="image_url")


@pytest.fixture
def page(buckets: Buckets) -> FlaskClient:
    return make_page(buckets, Settings(), nowhere).test_client()


def drop(buckets: Buckets, name: str) -> Source:
    stored = buckets.input.write(name, PICTURE)
    return Source(buckets.input.name, name, stored.generation)


def finish(buckets: Buckets, source: Source, picture: bytes | None = PICTURE) -> None:
    made = Made(picture, "image/png", ".png", {"decision": "accepted"})
    run(Job("cutout", source), buckets, lambda _: made)


def listed(page: FlaskClient) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = json.loads(page.get("/files/").data)["results"]
    return results


# --- the page -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", *(f"/{name}" for name in sorted(ASSETS))])
def test_the_page_and_its_parts_are_served_under_a_strict_policy(
    page: FlaskClient, path: str
) -> None:
    with page.get(path) as response:
        assert response.status_code == 200
        policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_the_page_loads_nothing_from_elsewhere_and_holds_no_script() -> None:
    text = "".join((WEB / name).read_text(encoding="utf-8") for name in ASSETS)
    assert not re.search(r"(src|href|from|import|url\()\s*[=(]?\s*[\"']?https?:", text)
    html = (WEB / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script[^>]*>", html) == ['<script type="module" src="studio.js">']
    assert not re.search(r"\son\w+=|style=|javascript:", html)


def test_health_names_the_engine(page: FlaskClient) -> None:
    assert json.loads(page.get("/healthz").data) == {"status": "ok", "engine": "embedded"}


def test_words_travel_compressed_to_whoever_takes_them_so(page: FlaskClient) -> None:
    with page.get("/studio.css") as plain:
        assert "Content-Encoding" not in plain.headers
        words = plain.data
    with page.get("/studio.css", headers={"Accept-Encoding": "br, gzip"}) as packed:
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.data) == words


# --- what the page asks ---------------------------------------------------------------------------


def test_the_page_is_told_every_option_by_its_schema(page: FlaskClient) -> None:
    told = json.loads(page.get("/studio/facts.json").data)
    assert list(told["operations"]) == sorted(STEPS)
    for name, operation in STEPS.items():
        properties = told["operations"][name]["schema"]["properties"]
        assert set(properties) == set(operation.options.model_fields) - {"preset"}
    assert told["operations"]["expand"]["schema"]["$defs"]["Anchor"]["enum"]
    assert {preset["name"] for preset in told["presets"]} == set(names())
    assert (told["engine"], told["engines"]) == ("embedded", ["embedded"])


def test_a_page_of_a_studio_with_a_key_may_choose_the_engine(buckets: Buckets) -> None:
    settings = Settings(engine="gemini", gemini_api_key="secret")
    reply = make_page(buckets, settings, nowhere).test_client().get("/studio/facts.json")
    assert json.loads(reply.data)["engines"] == ["gemini", "embedded"]
    assert b"secret" not in reply.data


def test_the_day_s_spending_stands_against_its_cap(buckets: Buckets) -> None:
    def asked(settings: Settings) -> dict[str, float | None]:
        reply = make_page(buckets, settings, nowhere).test_client().get("/studio/spend.json")
        told: dict[str, float | None] = json.loads(reply.data)
        return told

    capped = Settings(cap_day=2.0)
    assert asked(Settings()) == {"cap": None, "spent": None}
    assert asked(capped) == {"cap": 2.0, "spent": 0.0}
    Ledger(buckets.work).take(Caps(day=2.0).accounts("cutout/"), 10_000)
    spent = asked(capped)["spent"]
    assert spent is not None
    assert 0.01 <= spent < 2.0


def test_a_ledger_that_nobody_can_read_is_a_problem_and_no_zero(buckets: Buckets) -> None:
    buckets.work.write(ledger_name(time.time()), b"[]")
    page = make_page(buckets, Settings(cap_day=2.0), nowhere).test_client()
    reply = page.get("/studio/spend.json")
    assert (reply.status_code, reply.mimetype) == (503, "application/problem+json")


def test_samples_are_served_and_nothing_beside_them(page: FlaskClient) -> None:
    for name in sample_pictures():
        with page.get(f"/studio/samples/{name}") as reply:
            assert reply.mimetype == "image/jpeg"
    for name in ("cutout/none.jpg", "expand/recipe.json", "..%2f/__init__.py"):
        assert page.get(f"/studio/samples/{name}").status_code == 404


def test_a_picture_from_an_address_comes_through_the_studio(buckets: Buckets) -> None:
    asked = []

    def fetch(address: str, max_bytes: int) -> bytes:
        asked.append((address, max_bytes))
        return PICTURE

    page = make_page(buckets, Settings(max_bytes=1234), fetch).test_client()
    reply = page.post("/studio/fetch", data={"image_url": "https://shop.example/a.png"})
    assert (reply.data, reply.mimetype) == (PICTURE, "image/png")
    assert asked == [("https://shop.example/a.png", 1234)]


def test_an_address_without_a_picture_is_told_in_the_api_s_words(page: FlaskClient) -> None:
    reply = page.post("/studio/fetch", data={"image_url": "https://shop.example/"})
    assert (reply.status_code, reply.mimetype) == (422, "application/problem+json")
    assert json.loads(reply.data)["field"] == "image_url"


# --- the pictures ---------------------------------------------------------------------------------


def test_a_dropped_picture_is_listed_before_and_after_its_work(
    page: FlaskClient, buckets: Buckets
) -> None:
    source = drop(buckets, "cutout/summer/a shoe.jpg")
    (waiting,) = listed(page)
    assert (waiting["operation"], waiting["name"]) == ("cutout", "a shoe.jpg")
    assert (waiting["after"], waiting["report"]) == (None, None)
    finish(buckets, source)
    (done,) = listed(page)
    assert page.get(done["before"]).data == PICTURE
    assert page.get(done["after"]).mimetype == "image/png"
    assert json.loads(page.get(done["report"]).data)["decision"] == "accepted"


def test_a_replaced_picture_waits_again(page: FlaskClient, buckets: Buckets) -> None:
    finish(buckets, drop(buckets, "cutout/shoe.jpg"))
    drop(buckets, "cutout/shoe.jpg")
    assert listed(page)[0]["report"] is None


def test_the_latest_comes_first_and_recipes_are_no_pictures(
    page: FlaskClient, buckets: Buckets
) -> None:
    for name in ("cutout/first.jpg", "expand/recipe.json", "expand/second.webp"):
        drop(buckets, name)
    assert [one["name"] for one in listed(page)] == ["second.webp", "first.jpg"]


@pytest.mark.parametrize(
    "path",
    [
        f"/files/{HIDDEN}",
        f"/files/input/../{HIDDEN}",
        f"/files/input/%2e%2e/{HIDDEN}",
        f"/files/input/..%2f{HIDDEN.replace('/', '%2f')}",
        f"/files/input//{HIDDEN}",
        "/files/input/link.png",
        "/files/input/page.html",
        "/files/input/.studio/ledger/a.json",
        "/files/input/cutout/gone.png",
        "/files/input/cutout",
        "/files/elsewhere/a.png",
        "/studio.py",
        "/web/index.html",
    ],
)
def test_nothing_else_is_served(
    page: FlaskClient, buckets: Buckets, tmp_path: Path, path: str
) -> None:
    buckets.work.write("secret.png", PICTURE)
    buckets.input.write("page.html", b"<script>")
    (tmp_path / "input" / "link.png").symlink_to(tmp_path / "work" / "secret.png")
    response = page.get(path, follow_redirects=True)
    assert response.status_code == 404
    assert PICTURE not in response.data
    assert response.mimetype == "application/problem+json"


def test_the_pictures_are_only_read(page: FlaskClient) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert page.open("/files/input/a.png", method=method).status_code == 405


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("POST", "/healthz", 405)],
)
def test_a_problem_bears_the_id_of_its_request(
    page: FlaskClient, method: str, path: str, status: int
) -> None:
    response = page.open(path, method=method, headers={"X-Request-ID": "mine-1"})
    assert (response.status_code, response.mimetype) == (status, problems.PROBLEM)
    assert response.get_json()["request_id"] == response.headers["X-Request-ID"] == "mine-1"
    assert ("Allow" in response.headers) == (status == 405)


# --- the guard ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {"Host": "localhost:8080"}, 200),
        ("GET", {"Host": "127.0.0.1"}, 200),
        ("GET", {"Host": "[::1]:8080"}, 200),
        ("GET", {"Host": "rebound.example:8080"}, 403),
        ("GET", {"Host": "localhost.example"}, 403),
        ("POST", {"Host": "localhost:8080"}, 200),
        ("POST", {"Host": "localhost:8080", "Sec-Fetch-Site": "same-origin"}, 200),
        ("POST", {"Host": "localhost:8080", "Sec-Fetch-Site": "cross-site"}, 403),
        ("POST", {"Host": "localhost:8080", "Sec-Fetch-Site": "same-site"}, 403),
        ("GET", {"Host": "localhost:8080", "Sec-Fetch-Site": "cross-site"}, 200),
    ],
)
def test_other_sites_pages_may_not_use_the_studio(
    method: str, headers: dict[str, str], status: int
) -> None:
    client = Client(guarded(Response("ok")))
    response = client.open("/v1/cutout", method=method, headers=headers)
    assert response.status_code == status
    if status == 403:
        assert json.loads(response.data)["request_id"] == response.headers["X-Request-ID"]


# --- the data folder ------------------------------------------------------------------------------


def test_samples_come_once_and_recipes_before_pictures(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.prepare(["cutout", "expand"])
    added = folder.add_samples()
    assert added == len([*folder.input.glob("*/*.jpg")]) > 0
    (folder.input / "cutout").joinpath("mine.jpg").write_bytes(PICTURE)
    assert folder.add_samples() == 0


def test_a_folder_that_was_used_gets_no_samples(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.prepare(["cutout"])
    (folder.input / "cutout" / "mine.jpg").write_bytes(PICTURE)
    assert folder.add_samples() == 0


def test_samples_are_small_pictures_of_operations_that_exist() -> None:
    pictures = [*SAMPLES.glob("*/*.jpg")]
    assert {picture.parent.name for picture in pictures} <= set(OPERATIONS)
    for picture in pictures:
        assert picture.stat().st_size < 120_000
        assert decode(picture.read_bytes()).size.longest <= 640
