"""Work that is done later: uploads, jobs, and `Prefer: respond-async`."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from common import codec
from common.jobs import Source, claimed
from common.settings import Settings
from common.store.cloud import CloudBucket
from functions import _events, _wiring
from functions._http.access import Caller
from functions._http.later import is_set_up, job_of
from functions._notice import Notice
from functions._signing import Signer
from tests.support.files import Files
from tests.support.served import quick_engine, served, work
from tests.support.signing import signing_client

RED = "#ff0000"
ASYNC = {"Prefer": "respond-async"}


@pytest.fixture
def own(tmp_path: Path) -> Any:
    with quick_engine(), served(tmp_path, STUDIO_ENGINE="embedded") as client:
        yield client


@pytest.fixture
def with_networks(tmp_path: Path) -> Any:
    with served(tmp_path, STUDIO_ENGINE="embedded") as client:
        yield client


def ticket(client: Any, **members: Any) -> Any:
    asked = {"operation": "cutout", "content_type": "image/png"} | members
    return client.post("/v1/uploads", json=asked)


def put(client: Any, told: dict[str, Any], data: bytes, **headers: str) -> Any:
    path = urlsplit(told["upload_url"]).path
    return client.put(path, data=data, headers=told["headers"] | headers)


def fetched(client: Any, url: str) -> Any:
    return client.get(urlsplit(url).path)


# --- uploads --------------------------------------------------------------------------------------


def test_an_upload_becomes_a_job_that_tells_of_its_result(with_networks: Any, files: Files) -> None:
    own = with_networks
    told = ticket(own, bytes=len(files.photo), options={"background": RED})
    assert told.status_code == 201
    job = told.headers["Location"]
    assert own.get(job).json["status"] == "waiting"
    assert put(own, told.json, files.photo).status_code == 200
    waiting = own.get(job)
    assert (waiting.json["status"], waiting.headers["Retry-After"]) == ("waiting", "2")
    work("cutout")
    done = own.get(job).json
    assert (done["status"], done["report"]["decision"]) == ("done", "accepted")
    picture = codec.decode(fetched(own, done["picture"]["url"]).data)
    assert picture.rgb[0, 0].tolist() == [255, 0, 0]
    assert "input" not in done["report"]


def test_size_type_and_options_are_bound(own: Any, files: Files) -> None:
    told = ticket(own, bytes=len(files.photo)).json
    assert put(own, told, files.photo + b"x").status_code == 413
    assert put(own, told, files.photo[:-1]).json["code"] == "bad-signature"
    assert put(own, told, files.photo, **{"Content-Type": "image/gif"}).status_code == 403
    forged = told | {"upload_url": told["upload_url"][:-1] + "x"}
    assert put(own, forged, files.photo).json["code"] == "bad-signature"
    assert put(own, told, files.photo).status_code == 200
    assert put(own, told, files.photo).json["code"] == "bad-signature"  # it was good once


@pytest.mark.parametrize(
    ("members", "status", "field"),
    [
        ({"operation": "paint"}, 422, "operation"),
        ({"content_type": "text/html"}, 400, "content_type"),
        ({"bytes": 10**9}, 413, "bytes"),
        ({"bytes": 0}, 422, "bytes"),
        ({"options": {"colour": "red"}}, 422, "colour"),
        ({"options": {"subject": "x" * 400, "background": "y" * 1900}}, 422, None),
        ({"name": "../../etc/passwd"}, 422, "name"),
    ],
)
def test_an_upload_that_could_not_be_worked_on_gets_no_address(
    own: Any, members: dict[str, Any], status: int, field: str | None
) -> None:
    response = ticket(own, **members)
    if field is None:
        assert response.status_code in {201, status}
        return
    assert (response.status_code, response.json["field"]) == (status, field)


def test_options_that_metadata_cannot_hold_are_refused(own: Any) -> None:
    steps = [{"operation": "erase", "keep": ["x" * 90] * 90}]
    response = ticket(own, operation="pipeline", options={"steps": steps})
    assert (response.status_code, response.json["code"]) == (422, "bad-options")


def test_an_address_ends(own: Any, tmp_path: Path) -> None:
    now = [1000.0]
    buckets = _wiring.buckets()
    signer = Signer(buckets.work, "http://localhost", lambda: now[0])
    address = signer.to_bring(buckets.input, "cutout/a.png", "image/png", (1, 9), "{}")
    token = address.url.rpartition("/")[2]
    assert signer.read(token, "put")["put"] == "cutout/a.png"
    now[0] = address.expires + 1
    with pytest.raises(Exception, match="expired"):
        signer.read(token, "put")


def test_an_address_for_one_thing_is_none_for_another(own: Any) -> None:
    buckets = _wiring.buckets()
    signer = Signer(buckets.work, "http://localhost")
    token = signer.to_fetch(buckets.output, "output", "cutout/a.png").url.rpartition("/")[2]
    assert own.put(f"/v1/uploads/{token}", data=b"x").status_code == 403
    assert own.get(f"/v1/jobs/files/{token}").status_code == 404
    assert own.get("/v1/jobs/files/é.x").status_code == 403


def test_in_the_cloud_the_address_is_cloud_storages_own() -> None:
    bucket = CloudBucket("photos", signing_client())
    signer = Signer(bucket, "https://studio.example")
    params = json.dumps({"background": RED})
    address = signer.to_bring(bucket, "cutout/a.png", "image/png", (5, 5), params)
    parts = urlsplit(address.url)
    query = parse_qs(parts.query)
    assert parts.path == "/photos/cutout/a.png"
    assert query["X-Goog-Expires"] == ["900"]
    assert set(query["X-Goog-SignedHeaders"][0].split(";")) == {
        *("content-type", "host", "x-goog-content-length-range", "x-goog-if-generation-match"),
        "x-goog-meta-params",
    }
    assert address.headers["x-goog-content-length-range"] == "5,5"
    got = signer.to_fetch(bucket, "output", "cutout/a.png")
    assert (got.method, dict(got.headers)) == ("GET", {})


# --- jobs -----------------------------------------------------------------------------------------


def test_a_job_that_is_worked_on_says_so(own: Any, files: Files) -> None:
    told = ticket(own).json
    put(own, told, files.photo)
    buckets, workshop = _wiring.buckets(), _wiring.workshop()
    (stored,) = buckets.input.list("cutout/")
    notice = Notice(_source(stored))
    digest = _events.job_of("cutout", notice, workshop).digest()
    with claimed(buckets.work, digest):
        assert own.get(told["url"]).json["status"] == "working"
    assert own.get(told["url"]).json["status"] == "waiting"


def _source(stored: Any) -> Any:
    return Source(_wiring.buckets().input.name, stored.name, stored.generation)


def test_a_job_that_failed_tells_the_problem(own: Any) -> None:
    told = ticket(own).json
    put(own, told, b"this is no picture")
    work("cutout")
    status = own.get(told["url"]).json
    assert (status["status"], status["problem"]["code"]) == ("failed", "unsupported-picture")
    assert "picture" not in status


@pytest.mark.parametrize(
    "name", ["x", "cutout", "cutout-1.png", "paint-" + "0" * 32 + ".png", "cutout-../../x.png"]
)
def test_what_is_no_job_is_not_looked_for(own: Any, name: str) -> None:
    assert own.get(f"/v1/jobs/{name}").json["code"] in {"unknown-job", "unknown-path"}


def test_a_jobs_name_leads_into_its_owners_folder_only() -> None:
    job = job_of("cutout-" + "a" * 32 + ".jpg", Caller("shop", "shop"))
    assert job.object_name == f"cutout/jobs/shop/{'a' * 32}.jpg"


# --- respond-async --------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["detect", "cutout", "erase", "expand", "pipeline"])
def test_every_operation_can_be_done_later(own: Any, files: Files, operation: str) -> None:
    more: dict[str, dict[str, Any]] = {
        "expand": {"margin": "4"},
        "pipeline": {"steps": [{"operation": "detect"}]},
    }
    data = {"image": base64.b64encode(files.photo).decode(), **more.get(operation, {})}
    response = own.post(f"/v1/{operation}", json=data, headers=ASYNC)
    assert response.status_code == 202
    assert response.headers["Preference-Applied"] == "respond-async"
    assert response.headers["Location"] == response.json["url"]
    (ending,) = work(operation)
    assert own.get(response.headers["Location"]).json["status"] == "done", ending


def test_the_same_key_makes_one_job_and_says_again_when_to_ask(own: Any, files: Files) -> None:
    data = {"image": base64.b64encode(files.photo).decode()}
    headers = ASYNC | {"Idempotency-Key": "one-job"}
    first, again = (own.post("/v1/detect", json=data, headers=headers) for _ in range(2))
    assert again.headers["Idempotency-Replayed"] == "true"
    for name in ("Location", "Retry-After", "Preference-Applied"):
        assert again.headers[name] == first.headers[name]
    assert len(list(_wiring.buckets().input.list("detect/"))) == 1


def test_a_picture_behind_the_subject_waits_with_it(own: Any, files: Files) -> None:
    data = {
        "image": (io.BytesIO(files.photo), "photo.png"),
        "background": (io.BytesIO(files.render), "green.png"),
    }
    job = own.post("/v1/cutout", data=data, headers=ASYNC).headers["Location"]
    work("cutout")
    picture = codec.decode(fetched(own, own.get(job).json["picture"]["url"]).data)
    assert picture.alpha is None
    assert picture.rgb[0, 0, 1] > 200


def test_what_cannot_wait_is_refused_before_anything_is_kept(own: Any, form: Any) -> None:
    response = own.post("/v1/cutout", data=form(), headers=ASYNC)
    assert (response.status_code, response.json["field"]) == (422, "render")
    junk = {"image": (io.BytesIO(b"junk"), "a.png")}
    assert own.post("/v1/cutout", data=junk, headers=ASYNC).status_code == 415
    assert list(_wiring.buckets().input.list()) == []


def test_where_nothing_can_wait_the_work_is_done_at_once(form: Any) -> None:
    from tests.functions.test_http import client  # noqa: PLC0415 - a lone function, no buckets

    response = client("cutout").post("/", data=form(), headers=ASYNC)
    assert (response.status_code, response.mimetype) == (200, "image/png")
    assert "Preference-Applied" not in response.headers


def test_in_the_cloud_only_the_uploader_may_put_what_waits() -> None:
    assert not is_set_up(Settings())
    assert not is_set_up(Settings(input_bucket="gs://photos"))
    assert is_set_up(Settings(input_bucket="gs://photos", upload_account="up@p.example"))
    assert is_set_up(Settings(input_bucket="input"))
