"""The HTTP door, through the functions-framework's own apps; renders are brought, models idle."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flask
import functions_framework
import numpy as np
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.test import EnvironBuilder, TestResponse

import functions
from common import codec, errors
from functions import _body, _http
from functions._wiring import Finished
from tests.support.files import WHOLE, Files, png, product_files

OPERATIONS = ("detect", "cutout", "erase", "clean", "expand", "pipeline")
FILE = b'name="image"; filename="a.png"\r\n\r\n'
SECRET = "a prompt nobody else may read"  # noqa: S105 - no password, only private


@pytest.fixture(scope="module")
def files() -> Files:
    return product_files()


@pytest.fixture(scope="module")
def clients() -> dict[str, FlaskClient]:
    return {name: client(name) for name in OPERATIONS}


def client(name: str) -> FlaskClient:
    source = Path(functions.__file__).parent / f"{name}.py"
    app: flask.Flask = functions_framework.create_app(name, str(source))  # type: ignore[no-untyped-call]
    return app.test_client()


@pytest.fixture
def cutout(clients: dict[str, FlaskClient]) -> FlaskClient:
    return clients["cutout"]


def form(files: Files, **fields: Any) -> dict[str, Any]:
    return {
        "image": (io.BytesIO(files.photo), "photo.png"),
        "render": (io.BytesIO(files.render), "render.png"),
        "box": WHOLE,
    } | fields


def body(files: Files, **members: Any) -> dict[str, Any]:
    return {
        "image": base64.b64encode(files.photo).decode(),
        "render": base64.b64encode(files.render).decode(),
        "box": [0, 0, 1000, 1000],
    } | members


def problem(response: TestResponse) -> dict[str, Any]:
    assert response.mimetype == "application/problem+json"
    document: dict[str, Any] = json.loads(response.data)
    assert document["status"] == response.status_code
    assert document["request_id"] == response.headers["X-Request-ID"]
    assert document["type"] == f"/errors/{document['code']}"
    return document


# --- what comes back ------------------------------------------------------------------------------


def test_a_cutout_comes_back_as_png_with_the_true_alpha(cutout: FlaskClient, files: Files) -> None:
    response = cutout.post("/", data=form(files))
    assert (response.status_code, response.mimetype) == (200, "image/png")
    got = codec.decode(response.data)
    assert got.alpha is not None
    assert np.abs(got.alpha / 255 - files.scene.alpha).mean() < 0.01
    solid = got.alpha == 255
    assert solid.sum() > 0.95 * (files.scene.alpha == 1).sum()
    assert (got.rgb[solid] == files.scene.photo[solid]).all()


def test_the_main_figures_stand_in_headers(cutout: FlaskClient, files: Files) -> None:
    headers = cutout.post("/", data=form(files)).headers
    assert headers["X-Engine"] == "given"
    assert headers["X-Decision"] == "accepted"
    assert float(headers["X-Cost-USD"]) == 0
    assert all(isinstance(score, float) for score in json.loads(headers["X-Scores"]).values())


@pytest.mark.parametrize(
    ("accept", "format_name"), [("image/webp", "webp"), ("image/jpeg", "jpeg"), ("*/*", "png")]
)
def test_accept_chooses_the_format(
    cutout: FlaskClient, files: Files, accept: str, format_name: str
) -> None:
    response = cutout.post("/", data=form(files), headers={"Accept": accept})
    assert codec.sniff(response.data) == format_name


def test_json_brings_the_report_and_the_picture(cutout: FlaskClient, files: Files) -> None:
    headers = {"Accept": "application/json", "X-Request-ID": "mine-1"}
    response = cutout.post("/", data=form(files), headers=headers)
    report = json.loads(response.data)
    assert (report["request_id"], report["operation"]) == ("mine-1", "cutout")
    assert report["result"] == {"width": 240, "height": 180, "format": "png"}
    assert codec.sniff(base64.b64decode(report["image"])) == "png"


def test_a_jpeg_stands_on_white_and_says_so(cutout: FlaskClient, files: Files) -> None:
    picture = cutout.post("/", data=form(files), headers={"Accept": "image/jpeg"})
    outside = codec.decode(picture.data).rgb[files.scene.alpha == 0]
    assert np.median(outside) == 255


def test_a_json_body_means_the_same_as_a_form(cutout: FlaskClient, files: Files) -> None:
    by_form = cutout.post("/", data=form(files)).data
    assert cutout.post("/", json=body(files)).data == by_form
    url = "data:image/png;base64," + body(files)["image"]
    assert cutout.post("/", json=body(files, image=url)).data == by_form


def test_a_background_may_be_a_picture(cutout: FlaskClient, files: Files) -> None:
    red = np.full((90, 120, 3), (200, 10, 10), np.uint8)
    data = form(files, background=(io.BytesIO(png(red)), "red.png"))
    got = codec.decode(cutout.post("/", data=data).data)
    assert got.alpha is None
    assert (got.rgb[:20] == (200, 10, 10)).all()


def test_a_mask_comes_as_a_file_or_in_base64_and_goes_back_in_json(
    clients: dict[str, FlaskClient], files: Files
) -> None:
    photo = codec.decode(files.photo).rgb
    white = np.zeros_like(photo)
    white[5:15, 10:40] = 255
    own = {"engine": "embedded", "on_fail": "review"}
    mask = (io.BytesIO(png(white)), "mask.png")
    data = {"image": (io.BytesIO(files.photo), "photo.png"), "mask": mask, **own}
    headers = {"Accept": "application/json"}
    by_form = json.loads(clients["erase"].post("/", data=data, headers=headers).data)
    assert np.array_equal(codec.decode(base64.b64decode(by_form["mask"])).rgb, white)
    encoded = {"image": base64.b64encode(files.photo).decode(), **own}
    encoded["mask"] = base64.b64encode(png(white)).decode()
    by_json = json.loads(clients["clean"].post("/", json=encoded, headers=headers).data)
    assert by_json["mask"] == by_form["mask"]


def test_a_mask_of_another_size_is_the_callers_to_mend(
    clients: dict[str, FlaskClient], files: Files
) -> None:
    small = (io.BytesIO(png(np.full((4, 5, 3), 255, np.uint8))), "mask.png")
    data = {"image": (io.BytesIO(files.photo), "photo.png"), "mask": small, "engine": "embedded"}
    response = clients["erase"].post("/", data=data)
    told = json.loads(response.data)
    assert (response.status_code, told["field"]) == (400, "mask")


def test_detect_answers_json_whatever_is_accepted(
    clients: dict[str, FlaskClient], files: Files
) -> None:
    data = {"image": (io.BytesIO(files.photo), "photo.png"), "engine": "embedded"}
    response = clients["detect"].post("/", data=data, headers={"Accept": "image/png"})
    assert response.mimetype == "application/json"
    assert json.loads(response.data)["operation"] == "detect"


def test_a_dry_run_answers_a_plan(cutout: FlaskClient, files: Files) -> None:
    data = {"image": (io.BytesIO(files.photo), "photo.png"), "dry_run": "true"}
    report = json.loads(cutout.post("/", data=data).data)
    assert report["decision"] == "planned"
    assert "image" not in report


def test_a_pipeline_takes_its_steps_from_a_recipe(
    clients: dict[str, FlaskClient], files: Files
) -> None:
    recipe = {"steps": [{"operation": "expand", "margin": m} for m in ("4", "0,4,0,4")]}
    data = {
        "image": (io.BytesIO(files.photo), "photo.png"),
        "recipe": (io.BytesIO(json.dumps(recipe).encode()), "recipe.json"),
        "engine": "embedded",
    }
    headers = {"Accept": "application/json"}
    report = json.loads(clients["pipeline"].post("/", data=data, headers=headers).data)
    assert [step["operation"] for step in report["steps"]] == ["expand", "expand"]
    assert report["result"]["width"] == 256


# --- options --------------------------------------------------------------------------------------


def test_the_body_wins_over_the_query_and_the_query_over_the_recipe(
    cutout: FlaskClient, files: Files
) -> None:
    def background(query: str, **fields: Any) -> list[int]:
        got = codec.decode(cutout.post(f"/{query}", data=form(files, **fields)).data)
        corner: list[int] = got.rgb[0, 0].tolist()
        return corner

    recipe = '{"background": "#ff0000"}'
    assert background("", recipe=recipe) == [255, 0, 0]
    assert background("?background=%2300ff00", recipe=recipe) == [0, 255, 0]
    fields = {"recipe": recipe, "background": "#0000ff"}
    assert background("?background=%2300ff00", **fields) == [0, 0, 255]


def test_a_field_given_again_is_a_list(clients: dict[str, FlaskClient], files: Files) -> None:
    data = {
        "image": (io.BytesIO(files.photo), "photo.png"),
        "region": ["0,0,100,100", "500,500,600,600"],
        "dry_run": "true",
    }
    report = json.loads(clients["erase"].post("/", data=data).data)
    assert report["decision"] == "planned"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"box": "1,2,3"}, "box"),
        ({"box": ["0,0,1,1", "0,0,2,2"]}, "box"),
        ({"key": "purple"}, "key"),
        ({"background": "../../etc/passwd"}, "background"),
        ({"recipe": '{"hue": 3}'}, "hue"),
    ],
)
def test_an_option_at_fault_is_named(
    cutout: FlaskClient, files: Files, fields: dict[str, Any], field: str
) -> None:
    document = problem(cutout.post("/", data=form(files, **fields)))
    assert (document["status"], document["field"]) == (422, field)


@pytest.mark.parametrize(("operation", "name"), [("detect", "render"), ("erase", "background")])
def test_a_picture_that_an_operation_cannot_use_is_refused(
    clients: dict[str, FlaskClient], files: Files, operation: str, name: str
) -> None:
    data = {key: (io.BytesIO(files.photo), "p.png") for key in ("image", name)}
    assert problem(clients[operation].post("/", data=data))["field"] == name


# --- what goes wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_told_what_to_use(cutout: FlaskClient, method: str) -> None:
    response = cutout.open("/", method=method)
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


def test_other_paths_hold_nothing(cutout: FlaskClient, files: Files) -> None:
    assert problem(cutout.post("/v1/erase", data=form(files)))["code"] == "unknown-path"


def test_an_accept_that_cannot_be_met_is_told(cutout: FlaskClient, files: Files) -> None:
    response = cutout.post("/", data=form(files), headers={"Accept": "text/html"})
    assert problem(response)["code"] == "not-acceptable"


@pytest.mark.parametrize(
    ("data", "content_type", "code"),
    [
        (b"abc", "text/plain", "unsupported-body"),
        (b"abc", None, "unsupported-body"),
        (b"image=abc", "application/x-www-form-urlencoded", "unsupported-body"),
        (b"{", "application/json", "bad-input"),
        (b"[]", "application/json", "bad-input"),
        (b"[" * 100_000, "application/json", "bad-input"),
        (b'{"image": NaN}', "application/json", "bad-input"),
        (b'{"image": "not base64!"}', "application/json", "bad-input"),
        (b'{"image": 3}', "application/json", "bad-input"),
        (b"\xff\xfe{}", "application/json", "bad-input"),
        (b"{}", "application/json", "bad-input"),
        (b"garbage", "multipart/form-data", "bad-input"),
        (b"garbage", "multipart/form-data; boundary=x", "bad-input"),
        (b'{"image": "aGVsbG8="}', "application/json", "unsupported-picture"),
        (b'{"image": "iVBORw0KGgo="}', "application/json", "broken-picture"),
        (b'{"image_url": "http://a.example/b.png"}', "application/json", "bad-input"),
        (b'{"image_url": 7}', "application/json", "bad-input"),
        (b'{"image_url": "https://127.0.0.1/b"}', "application/json", "forbidden-address"),
        (b'{"image_uri": "gs://secrets/b"}', "application/json", "forbidden-address"),
    ],
)
def test_a_body_that_cannot_be_used_is_told(
    cutout: FlaskClient, data: bytes, content_type: str | None, code: str
) -> None:
    assert problem(cutout.post("/", data=data, content_type=content_type))["code"] == code


def test_a_bucket_is_one_however_its_scheme_is_written(cutout: FlaskClient) -> None:
    for scheme in ("gs", "GS", "Gs"):
        document = problem(cutout.post("/", json={"image_uri": f"{scheme}://secrets/b"}))
        assert (document["code"], document["field"]) == ("forbidden-address", "image_uri")


def test_exactly_one_picture_is_asked_for(cutout: FlaskClient, files: Files) -> None:
    two = problem(cutout.post("/", json=body(files, image_url="https://a.example/b.png")))
    assert "image and image_url" in two["detail"]


def test_a_file_name_sent_as_text_is_explained(cutout: FlaskClient) -> None:
    document = problem(
        cutout.post("/", data={"image": "shoe.jpg"}, content_type="multipart/form-data")
    )
    assert "-F image=@" in document["detail"]


def test_a_file_under_an_unknown_name_is_refused(cutout: FlaskClient, files: Files) -> None:
    data = form(files, photo=(io.BytesIO(b"x"), "x.png"))
    assert problem(cutout.post("/", data=data))["field"] == "photo"


class Untouchable(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        raise AssertionError(f"{size} bytes of the body were read")


def test_a_body_above_the_limit_is_refused_before_it_is_read(cutout: FlaskClient) -> None:
    response = cutout.post(
        "/",
        content_type="multipart/form-data; boundary=x",
        input_stream=Untouchable(),
        environ_overrides={"CONTENT_LENGTH": "90000000"},
    )
    assert "It was not read" in problem(response)["detail"]
    assert response.status_code == 413


@pytest.mark.parametrize("path", ["/healthz", "/errors/crowded", "/errors/none", "/v1/cutout"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_body_that_nobody_asked_for_is_not_read(
    cutout: FlaskClient, path: str, method: str
) -> None:
    """The framework would read all of it before the reply, ten gigabytes or for ten hours."""
    response = cutout.open(
        path,
        method=method,
        input_stream=Untouchable(),
        headers={"Access-Control-Request-Method": "POST"},
        environ_overrides={"CONTENT_LENGTH": "9000000000"},
    )
    assert response.status_code in {200, 204, 404, 405}


@pytest.mark.parametrize(
    ("content_type", "start"),
    [
        ("application/json", b'{"image": "'),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; " + FILE),
    ],
)
def test_a_body_in_chunks_is_cut_at_the_limit_and_not_taken_for_whole(
    content_type: str, start: bytes
) -> None:
    environ = EnvironBuilder(method="POST", content_type=content_type).get_environ()
    environ.pop("CONTENT_LENGTH", None)
    body = io.BytesIO(start + b"A" * 900_000)
    request = flask.Request(environ | {"wsgi.input": body, "wsgi.input_terminated": True})
    request.max_content_length = 300_000
    with pytest.raises(RequestEntityTooLarge):
        _body.read(request)
    assert body.tell() <= 400_000


def test_a_large_text_field_is_told_to_come_as_a_file(cutout: FlaskClient) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="image"\r\n\r\n'
    data = part + b"x" * 600_000 + b"\r\n--x--\r\n"
    response = cutout.post("/", data=data, content_type="multipart/form-data; boundary=x")
    assert "file parts" in problem(response)["detail"]


def test_a_picture_above_the_limit_names_its_field(files: Files) -> None:
    with pytest.raises(errors.PictureTooLarge) as caught:
        _body.check_bytes({"render": files.render}, 10)
    assert caught.value.field == "render"


def test_a_gate_that_refuses_tells_why(cutout: FlaskClient, files: Files) -> None:
    elsewhere = np.roll(files.scene.on((0, 255, 0)), 90, axis=1)
    data = form(files, render=(io.BytesIO(png(elsewhere)), "render.png"))
    document = problem(cutout.post("/", data=data))
    assert (document["status"], document["code"]) == (422, "gate-refused")
    assert document["report"]["decision"] == "refused"


def _raising(error: Exception) -> Any:
    def run(*args: object, **kwargs: object) -> Finished:
        raise error

    return run


@pytest.fixture
def asked(files: Files) -> Iterator[flask.Request]:
    with flask.Flask("door").test_request_context("/", method="POST", data=form(files)):
        yield flask.request._get_current_object()  # type: ignore[attr-defined]


def _children(kind: type[errors.StudioError]) -> list[type[errors.StudioError]]:
    return [kind, *(child for direct in kind.__subclasses__() for child in _children(direct))]


@pytest.mark.parametrize("kind", _children(errors.StudioError), ids=lambda kind: kind.__name__)
def test_every_failure_becomes_a_problem_document(
    asked: flask.Request, kind: type[errors.StudioError]
) -> None:
    error = kind("It failed.", advice="Do better.", field="box", retry_after=7.2)
    response = _http.serve("cutout", asked, _raising(error))
    document = json.loads(response.get_data())
    assert response.status_code == document["status"] == kind.status
    assert document["code"] == kind.code
    assert document["detail"] == "It failed. Do better."
    assert response.headers["Retry-After"] == "7"


def test_a_defect_shows_nothing_of_our_insides(
    asked: flask.Request, capsys: pytest.CaptureFixture[str]
) -> None:
    response = _http.serve("cutout", asked, _raising(KeyError("inner secret")))
    assert response.status_code == 500
    assert b"inner secret" not in response.get_data()
    assert b"Traceback" not in response.get_data()
    line = json.loads(capsys.readouterr().out)
    assert line["severity"] == "ERROR"
    assert "KeyError" in line["stack_trace"]


# --- the log and the request's id -----------------------------------------------------------------


def test_one_line_a_request_with_its_figures_and_trace(
    cutout: FlaskClient, files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = "105445aa7843bc8bf206b12000100000"
    headers = {"X-Cloud-Trace-Context": f"{trace}/1;o=1", "X-Request-ID": "abc"}
    cutout.post("/", data=form(files, subject=SECRET), headers=headers)
    (text,) = capsys.readouterr().out.splitlines()
    line = json.loads(text)
    assert (line["severity"], line["message"], line["request_id"]) == ("INFO", "cutout 200", "abc")
    assert line["logging.googleapis.com/trace"].endswith(trace)
    assert (line["engine"], line["decision"]) == ("given", "accepted")
    assert SECRET not in text
    assert base64.b64encode(files.photo)[:40].decode() not in text


@pytest.mark.parametrize("theirs", ["", "two words", "x" * 200, "né", 'a"b'])
def test_a_strange_request_id_is_replaced(cutout: FlaskClient, theirs: str) -> None:
    got = cutout.get("/", headers={"X-Request-ID": theirs}).headers["X-Request-ID"]
    assert got != theirs
    assert len(got) == 32


# --- strangers ------------------------------------------------------------------------------------


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.dictionaries(
        st.sampled_from(
            ["image", "image_url", "image_uri", "render", "recipe", "box", "key", "steps", "region"]
        ),
        st.recursive(
            st.none() | st.booleans() | st.floats(allow_nan=False) | st.text() | st.integers(),
            lambda inner: (
                st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3)
            ),
            max_leaves=6,
        ),
    )
)
def test_no_json_body_breaks_the_door(
    clients: dict[str, FlaskClient], members: dict[str, Any]
) -> None:
    for name in ("cutout", "pipeline"):
        response = clients[name].post("/", json=members)
        assert 400 <= problem(response)["status"] < 500
