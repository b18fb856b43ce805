"""The frame of every path: problems, headers, pages of other origins, crowds and slow bodies."""

from __future__ import annotations

import gzip
import http.client
import io
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flask
import pytest

from common import errors
from common.errors import BodyTooSlow, Crowded, StudioError
from functions import _openapi
from functions._http import body_clock, cors, crowd, door, pages, problems
from functions._http.visit import Visit
from tests.support.served import asking, listening, served

SHOP = "https://shop.example"
ROOT = Path(__file__).parents[2]
PATHS = ("/v1/cutout", "/v1/uploads", "/v1/jobs/x", "/v1.0/removebg", "/openapi.json", "/errors/x")


# --- problems -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_a_method_that_is_not_spoken_is_a_problem_that_names_those_that_are(
    studio: Any, path: str
) -> None:
    response = studio.open(path, method="PATCH")
    assert response.status_code == 405
    assert response.headers["Allow"]
    assert response.mimetype.endswith("json")


@pytest.mark.parametrize("path", ["/v1/cutout/x", "/v1/uploads/x", "/errors/", "/errors/../../etc"])
def test_where_nothing_is_the_problem_says_so(studio: Any, path: str) -> None:
    response = studio.get(path) if path.startswith("/errors") else studio.post(path)
    assert (response.status_code, response.mimetype) == (404, problems.PROBLEM)


def test_every_problem_has_a_page_that_its_type_leads_to(studio: Any) -> None:
    for code, kind in pages.kinds().items():
        page = studio.get(kind("x").problem()["type"])
        assert page.status_code == 200
        assert page.text.startswith(f"# {kind.title}\n")
        assert f"`{code}`" in page.text


def test_the_pages_in_the_documents_are_those_that_are_served() -> None:
    folder = ROOT / "docs" / "errors"
    kept = {path.name: path.read_text("utf-8") for path in folder.glob("*.md")}
    assert kept == pages.files(), "python -m functions._http.pages docs/errors"


@pytest.mark.parametrize("kind", list(pages.kinds().values()))
def test_every_page_says_what_to_do(kind: type[StudioError]) -> None:
    paragraphs = pages.page(kind).strip().split("\n\n")
    assert len(paragraphs) == 5, f"{kind.__name__} lacks a second paragraph: what to do"


# --- headers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_strict_headers_stand_on_every_reply(studio: Any, path: str) -> None:
    for response in (studio.get(path), studio.post(path)):
        for name, value in door.STRICT.items():
            assert response.headers[name] == value
        assert response.headers["X-Request-ID"]


def test_health_is_told_by_every_function_alone() -> None:
    request = asking("/healthz")
    answer = door.enter("cutout", request, lambda *_: pytest.fail("it was asked to work"))
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})


# --- pages of other origins -----------------------------------------------------------------------


@pytest.fixture
def with_shop(tmp_path: Path) -> Iterator[Any]:
    with served(tmp_path, STUDIO_ALLOWED_ORIGINS=SHOP) as client:
        yield client


def preflight(client: Any, origin: str) -> Any:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    return client.options("/v1/cutout", headers=headers | {"Sec-Fetch-Site": "same-origin"})


def test_a_page_on_the_list_may_call(with_shop: Any) -> None:
    answer = preflight(with_shop, SHOP)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP
    assert "X-Api-Key" in answer.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    reply = with_shop.post("/v1/cutout", headers={"Origin": SHOP})
    assert reply.headers["Access-Control-Allow-Origin"] == SHOP
    assert "Origin" in reply.headers["Vary"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", f"{SHOP}.evil.example", "http://shop.example", "*"]
)
def test_no_other_page_may(with_shop: Any, origin: str) -> None:
    for answer in (
        preflight(with_shop, origin),
        with_shop.post("/v1/cutout", headers={"Origin": origin}),
    ):
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Access-Control-Allow-Methods" not in answer.headers


def test_a_page_may_read_every_header_that_the_contract_tells_of() -> None:
    posts = [path["post"] for path in _openapi.build()["paths"].values() if "post" in path]
    replies = [reply for post in posts for reply in post["responses"].values()]
    told = {name for reply in replies for name in reply.get("headers", {})}
    assert {"X-Scores", "X-Foreground-Top", "Location"} <= told <= set(cors.SHOWN.split(", "))


def test_no_page_may_where_no_list_was_made(studio: Any) -> None:
    assert "Access-Control-Allow-Origin" not in preflight(studio, SHOP).headers


# --- crowds ---------------------------------------------------------------------------------------


def test_who_finds_no_seat_is_told_to_come_again_and_heard_out() -> None:
    request = asking(method="POST", data=b"x" * 300_000)
    with (
        crowd.seat(request, together=97),
        pytest.raises(Crowded) as caught,
        crowd.seat(request, together=1),
        crowd.seat(request, together=1, patience=0.01),
    ):
        pytest.fail("two sat on one seat")
    assert caught.value.retry_after
    assert request.environ["wsgi.input"].read() == b""


def test_a_seat_is_free_again_after_a_failure() -> None:
    request = asking()
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), crowd.seat(request, together=1, patience=0.01):
            raise ZeroDivisionError


def test_a_crowd_becomes_a_429_with_its_time(studio: Any) -> None:
    del studio
    visit = Visit("cutout", "id-1")
    response = problems.respond(Crowded("Full.", retry_after=5.0), visit)
    assert (response.status_code, response.headers["Retry-After"]) == (429, "5")
    assert json.loads(response.get_data())["retryable"] is True


# --- slow and broken bodies -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("slow")
    with served(folder, STUDIO_BODY_SECONDS="0.4") as client, listening(client.application) as port:
        yield port


def head(length: int, kind: str = "application/json") -> bytes:
    return (
        f"POST /v1/cutout HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def answer(connection: socket.socket) -> tuple[int, dict[str, Any]]:
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response.status, json.loads(response.read())


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x"])
def test_a_body_that_drips_in_is_not_waited_for(port: int, kind: str) -> None:
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(head(100_000, kind))
        stop = threading.Event()

        def drip() -> None:
            while not stop.wait(0.05):
                try:
                    connection.sendall(b" ")
                except OSError:
                    return

        threading.Thread(target=drip, daemon=True).start()
        start = time.monotonic()
        status, problem = answer(connection)
        stop.set()
    assert (status, problem["code"]) == (408, "body-too-slow")
    assert time.monotonic() - start < 5


def test_each_body_has_its_own_time_and_one_thread_watches_all() -> None:
    late, far = socket.socketpair()
    soon, silent = socket.socketpair()
    with late, far, soon, silent, body_clock.within(bringing(late), 60):
        with pytest.raises(BodyTooSlow), body_clock.within(bringing(soon), 0.05):
            ended = soon.recv(1)
        assert ended == b""
        far.sendall(b"x")
        assert late.recv(1) == b"x"
    assert [thread.name for thread in threading.enumerate()].count(body_clock.THREAD) == 1


def test_a_body_that_came_is_left_alone_when_its_time_is_over() -> None:
    here, there = socket.socketpair()
    with here, there:
        with body_clock.within(bringing(here), 0.02):
            pass
        time.sleep(0.06)
        there.sendall(b"x")
        assert here.recv(1) == b"x"


def bringing(connection: socket.socket) -> flask.Request:
    return asking(method="POST", environ_overrides={"gunicorn.socket": connection})


@pytest.mark.parametrize("body", [b'{"image": "', b'{"image": "aGk="}'])
@pytest.mark.parametrize("path", ["/v1/cutout", "/v1/uploads", "/v1.0/removebg"])
def test_where_a_server_takes_what_came_for_all_the_caller_hears_the_same(
    studio: Any, path: str, body: bytes
) -> None:
    """As gunicorn does: it gives what is there, and says that the body has an end of its own."""
    here, there = socket.socketpair()
    with here, there:
        own = {"gunicorn.socket": here, "wsgi.input_terminated": True, "CONTENT_LENGTH": "99999"}
        reply = studio.post(
            path,
            input_stream=io.BytesIO(body),
            content_type="application/json",
            environ_overrides=own,
        )
    assert reply.status_code == 408


def test_a_body_that_breaks_off_is_a_problem_and_no_crash(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(head(100_000) + b'{"image": "')
        connection.shutdown(socket.SHUT_WR)
        assert answer(connection)[0] == 408


def test_a_body_that_comes_in_time_is_read(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/v1/cutout", b"{}", {"Content-Type": "application/json"})
    assert json.loads(connection.getresponse().read())["field"] == "image"
    connection.close()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"fill": 1e999, "image": "aGk="}', "application/json"),
        (b'{"fill": %s, "image": "aGk="}' % (b"9" * 5000), "application/json"),
        (b'{"fill": -1e-999, "box": [1e308, 1, 2, 3], "image": "aGk="}', "application/json"),
        (b'{"image": "aGk=", "recipe": ' + b"[" * 200_000, "application/json"),
        (b'{"recipe": "%s", "image": "aGk="}' % (b"[" * 200_000), "application/json"),
        (b'{"a":' * 50_000, "application/json"),
        (b'{"image": "aGk=", "region": [%s[]]}' % (b"[]," * 2_000_000), "application/json"),
        (b"{%s}" % b",".join(b'"%d":1' % key for key in range(1_000_000)), "application/json"),
        (
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 600,
            "multipart/form-data; boundary=x",
        ),
        (b"--x\r\n" + b"A: b\r\n" * 50_000, "multipart/form-data; boundary=x"),
        (b"--" + b"x" * 100_000, "multipart/form-data; boundary=" + "x" * 70),
    ],
)
def test_bodies_made_to_break_things_are_refused_at_once(
    studio: Any, body: bytes, kind: str
) -> None:
    start = time.perf_counter()
    response = studio.post("/v1/cutout", data=body, content_type=kind)
    assert 400 <= response.status_code < 500
    assert response.json["code"] in {"bad-input", "bad-options", "picture-too-large"}
    assert time.perf_counter() - start < 2


def test_a_form_of_a_million_fields_is_refused_at_once(studio: Any) -> None:
    start = time.perf_counter()
    kind = "application/x-www-form-urlencoded"
    response = studio.post("/v1.0/removebg", data=b"a&" * 1_000_000, content_type=kind)
    assert (response.status_code, response.json["errors"][0]["code"]) == (400, "bad_input")
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize("path", ["/v1/cutout", "/v1/uploads", "/v1.0/removebg"])
def test_a_compressed_body_is_not_unpacked(studio: Any, path: str) -> None:
    packed = gzip.compress(b'{"image": "aGk="}')
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    assert studio.post(path, data=packed, headers=headers).status_code == 415


@pytest.mark.parametrize(
    "members", [{"margin": "1" * 500_000}, {"x" * 500_000: 1}, {f"x{n}": 1 for n in range(20_000)}]
)
def test_a_refusal_does_not_send_a_mistake_back_at_length(
    studio: Any, members: dict[str, Any]
) -> None:
    response = studio.post("/v1/cutout", json={"image": "aGk=", **members})
    assert (response.status_code, response.json["code"]) == (422, "bad-options")
    assert len(response.data) < 10_000


def test_nothing_of_a_request_stands_in_the_log(
    studio: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "nobody-else-may-read-this"  # noqa: S105 - no password, only private
    told = {"image_url": f"https://127.0.0.1/{secret}.png?sig={secret}", "subject": secret}
    for path in ("/v1/cutout", "/v1.0/removebg", "/v1/uploads"):
        studio.post(path, json=told, headers={"X-Api-Key": secret, "Idempotency-Key": secret})
        studio.post(f"{path}?subject={secret}", data={"image": secret, secret: secret})
    assert secret not in capsys.readouterr().out


def test_all_failures_are_known_to_the_pages() -> None:
    named = {
        kind.code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, StudioError)
    }
    assert named == pages.kinds().keys()
