"""Who may ask: keys, what the platform vouches for, and nobody else."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import flask
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.auth import jwt
from google.auth.crypt import es256
from werkzeug.test import EnvironBuilder

from common.apikeys import ApiKey, digest, holder, make_key, read_keys
from common.errors import FetchFailed, Misconfigured, NotAllowed, Unauthorized
from common.settings import Settings
from functions import _engines
from functions._http import access
from functions._http.access import IAP_ISSUER, KeyRing
from tests.support.files import Files
from tests.support.served import served

SHOP, OTHER = make_key(), make_key()
KEYS = json.dumps(
    [
        {"name": "shop", "sha256": digest(SHOP), "operations": ["cutout"], "cap_day_usd": 2},
        {"name": "other", "sha256": digest(OTHER), "prefixes": ["gs://photos/other/"]},
    ]
)
AUDIENCE = "/projects/1/global/backendServices/2"


def request_with(**headers: str) -> flask.Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return flask.Request(EnvironBuilder(headers=list(named.items())).get_environ())


def settings(**changes: Any) -> Settings:
    return Settings(api_keys=read_keys(KEYS), **changes)


def entries(name: str, **members: Any) -> str:
    return json.dumps([{"name": name, "sha256": digest("x"), **members}])


# --- keys -----------------------------------------------------------------------------------------


def test_a_key_is_told_by_its_hash() -> None:
    assert holder(SHOP, read_keys(KEYS)) == read_keys(KEYS)[0]
    assert holder(make_key(), read_keys(KEYS)) is None
    assert holder("", read_keys(KEYS)) is None


def test_every_key_is_another() -> None:
    assert make_key() != make_key()
    assert len(base64.urlsafe_b64decode(make_key().partition("_")[2] + "==")) >= 32


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "7",
        "[7]",
        '[{"name": "shop"}]',
        entries(name="Shop!"),
        '[{"name": "shop", "sha256": "abc"}]',
        entries(name="shop", cap_day_usd=-1),
        entries(name="shop", cap_day_usd=True),
        entries(name="shop", operations="cutout"),
        entries(name="shop", colour="red"),
    ],
)
def test_keys_that_make_no_sense_are_refused_without_repeating_them(text: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        read_keys(text)
    assert digest("x") not in str(caught.value.problem())


def test_two_keys_of_one_name_are_refused() -> None:
    entry = {"name": "shop", "sha256": digest(SHOP)}
    with pytest.raises(Misconfigured, match="one name"):
        read_keys(json.dumps([entry, entry]))


def test_settings_never_print_a_key() -> None:
    assert digest(SHOP) not in repr(settings())


@pytest.mark.parametrize("header", ["X_Api_Key", "Authorization"])
def test_a_key_comes_in_either_header(header: str) -> None:
    value = SHOP if header == "X_Api_Key" else f"Bearer {SHOP}"
    caller = access.admit(request_with(**{header: value}), settings())
    assert (caller.name, caller.folder) == ("shop", "shop")


@pytest.mark.parametrize("shown", [{}, {"X_Api_Key": "vas_guess"}, {"Authorization": "Basic abc"}])
def test_without_a_known_key_nobody_gets_in(shown: dict[str, str]) -> None:
    with pytest.raises(Unauthorized):
        access.admit(request_with(**shown), settings())


def test_a_studio_nobody_set_up_is_closed() -> None:
    with pytest.raises(Unauthorized, match="No key"):
        access.admit(request_with(X_Api_Key=SHOP), Settings())


def test_a_key_reaches_no_further_than_it_says() -> None:
    shop = access.admit(request_with(X_Api_Key=SHOP), settings())
    other = access.admit(request_with(X_Api_Key=OTHER), settings())
    shop.check_operation("cutout")
    with pytest.raises(NotAllowed):
        shop.check_operation("expand")
    other.check_operation("expand")
    other.check_source("gs://photos/other/a.jpg")
    with pytest.raises(NotAllowed):
        other.check_source("gs://photos/shop/a.jpg")


def test_a_keys_caps_hold_for_its_requests_and_its_jobs_alone() -> None:
    own = settings(cap_request=1.0)
    assert _engines.caps(own, "cutout/jobs/shop/").others == {"key:shop": 2.0}
    assert _engines.caps(own, "cutout/jobs/shop/1.jpg").accounts("cutout/jobs/shop/1.jpg")
    assert _engines.caps(own, "cutout/jobs/other/1.jpg").others == {}
    assert _engines.caps(own, "cutout/shoe.jpg").others == {}


def test_the_lower_cap_of_a_request_holds() -> None:
    key = ApiKey("shop", digest(SHOP), cap_request=0.5)
    name = "cutout/jobs/shop/"
    assert _engines.caps(Settings(api_keys=(key,), cap_request=1.0), name).request == 0.5
    assert _engines.caps(Settings(api_keys=(key,), cap_request=0.1), name).request == 0.1


def test_a_door_with_keys_asks_for_one_everywhere_but_for_its_health(
    tmp_path: Path, form: Any
) -> None:
    with served(tmp_path, STUDIO_ACCESS="keys", STUDIO_API_KEYS=KEYS) as studio:
        for path in ("/v1/cutout", "/v1/uploads", "/v1.0/removebg"):
            assert studio.post(path).status_code in {401, 403}
        assert studio.get("/v1/jobs/x").status_code == 401
        refusal = studio.post("/v1/cutout", data=form())
        assert refusal.headers["WWW-Authenticate"].startswith("Bearer")
        assert refusal.json["code"] == "unauthorized"
        answer = studio.post("/v1/cutout", data=form(), headers={"X-Api-Key": SHOP})
        assert answer.status_code == 200
        assert studio.post("/v1/expand", headers={"X-Api-Key": SHOP}).status_code == 403
        for path in ("/healthz", "/openapi.json", "/errors/bad-box"):
            assert studio.get(path).status_code == 200


def test_jobs_are_their_owners_alone(tmp_path: Path, files: Files) -> None:
    with served(tmp_path, STUDIO_ACCESS="keys", STUDIO_API_KEYS=KEYS) as studio:
        headers = {"X-Api-Key": OTHER, "Prefer": "respond-async"}
        data = {"image": base64.b64encode(files.photo).decode()}
        job = studio.post("/v1/detect", json=data, headers=headers).headers["Location"]
        (tmp_path / "data/input" / "detect/jobs/other").iterdir()
        told = studio.get(job, headers={"X-Api-Key": SHOP}).json
        assert (told["status"], "report" in told) == ("waiting", False)


def test_no_key_reaches_the_log(
    tmp_path: Path, form: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(tmp_path, STUDIO_ACCESS="keys", STUDIO_API_KEYS=KEYS) as studio:
        studio.post("/v1/cutout", data=form(), headers={"X-Api-Key": SHOP})
        studio.post("/v1/cutout", data=form(), headers={"X-Api-Key": "vas_a-guess"})
    said = capsys.readouterr().out
    assert '"caller": "shop"' in said
    assert SHOP not in said
    assert "a-guess" not in said
    assert digest(SHOP) not in said


# --- what the platform vouches for ----------------------------------------------------------------


@pytest.fixture(scope="module")
def google() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def ring_of(key: ec.EllipticCurvePrivateKey) -> KeyRing:
    pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return KeyRing(lambda: json.dumps({"k1": pem.decode()}).encode())


def token(key: ec.EllipticCurvePrivateKey, **changes: Any) -> str:
    now = int(time.time())
    claims = {"iss": IAP_ISSUER, "aud": AUDIENCE, "sub": "google:7", "iat": now, "exp": now + 600}
    signer = es256.ES256Signer(key, key_id="k1")
    signed: bytes = jwt.encode(signer, claims | changes)  # type: ignore[no-untyped-call]
    return signed.decode()


def test_a_token_that_google_signed_for_us_holds(google: ec.EllipticCurvePrivateKey) -> None:
    assert access.verified(token(google), AUDIENCE, ring_of(google))["sub"] == "google:7"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "/projects/1/global/backendServices/3"},
        {"iss": "https://accounts.google.com"},
        {"exp": int(time.time()) - 120},
        {"iat": int(time.time()) + 600},
    ],
)
def test_a_token_for_others_or_another_time_does_not(
    google: ec.EllipticCurvePrivateKey, changes: dict[str, Any]
) -> None:
    with pytest.raises(Unauthorized):
        access.verified(token(google, **changes), AUDIENCE, ring_of(google))


def test_a_forged_token_does_not_hold(google: ec.EllipticCurvePrivateKey) -> None:
    forged = token(ec.generate_private_key(ec.SECP256R1()))
    for text in (forged, "a.b.c", "", "é", token(google)[:-4] + "AAAA"):
        with pytest.raises(Unauthorized):
            access.verified(text, AUDIENCE, ring_of(google))


def test_google_is_asked_for_its_keys_once_an_hour_and_may_be_away() -> None:
    answers: list[bytes] = [b'{"k1": "a"}', b'{"k1": "b"}']
    now = [0.0]

    def fetch() -> bytes:
        if not answers:
            raise FetchFailed("away")
        return answers.pop(0)

    ring = KeyRing(fetch, lambda: now[0])
    assert [ring.keys(), ring.keys()] == [{"k1": "a"}] * 2
    now[0] = 3601
    assert ring.keys() == {"k1": "b"}
    now[0] = 7300
    assert ring.keys() == {"k1": "b"}


def test_without_the_proxys_token_nobody_gets_in() -> None:
    own = settings(access="iap", iap_audience=AUDIENCE)
    with pytest.raises(Unauthorized):
        access.admit(request_with(X_Api_Key=SHOP), own)
    with pytest.raises(Misconfigured):
        access.admit(request_with(), settings(access="iap"))


def test_cloud_runs_own_check_is_taken_for_granted_only_where_it_is_said() -> None:
    assert access.admit(request_with(), settings(access="iam")).folder == "iam"
    assert access.admit(request_with(), settings(access="open")).folder == "open"
