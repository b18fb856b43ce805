"""The finished notice: who is told, what, how it is signed, and what if nobody listens."""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from common.errors import ModelBusy
from common.jobs import is_good, run
from functions import _events, _sweeping
from functions._fetch import Address
from functions._notify import GIVEN_UP_AFTER, Postbox
from functions._workshop import Workshop
from tests.support.internet import Internet
from tests.support.jobs import document
from tests.support.shop import Shop

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the specification's own example


class Receiver(BaseHTTPRequestHandler):
    """Keeps what it is sent; answers with `statuses` in turn, then with 204."""

    statuses: ClassVar[list[int]] = []
    got: ClassVar[list[tuple[dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((dict(self.headers), body))
        self.send_response(self.statuses.pop(0) if self.statuses else 204)
        self.send_header("Location", "https://elsewhere.example/")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        del args


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    made = Internet(tmp_path_factory.mktemp("tls"), Receiver)
    yield made
    made.close()


@dataclass
class Office:
    """A shop whose recipe asks for notices, and a clock that tests move."""

    shop: Shop
    net: Internet
    now: float = 1795348800.0
    secret: str = SECRET
    url: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        Receiver.got.clear()
        Receiver.statuses.clear()
        notify = {"url": self.url or self.net.url("/hook?token=1")}
        self.shop.put("cutout/recipe.json", {"key": "blue", "notify": notify})

    @property
    def postbox(self) -> Postbox:
        return Postbox(self.shop.buckets, self.secret, self.net.web(), lambda: self.now)

    @property
    def workshop(self) -> Workshop:
        return replace(self.shop.workshop, postbox=self.postbox)

    def work(self, name: str = "cutout/shoe.jpg") -> None:
        stored = self.shop.buckets.input.stat(name)
        assert stored
        _events.work("cutout", _sweeping.notice_of(self.workshop, stored), self.workshop)

    def drop(self, data: bytes = b"pixels") -> None:
        self.shop.put("cutout/shoe.jpg", data)
        self.work()

    def later(self, seconds: float) -> dict[str, int]:
        """Let time pass, and let a sweep send what is due."""
        self.now += seconds
        return self.postbox.send_again(self.now + 60)

    @property
    def promise(self) -> dict[str, Any]:
        (stored,) = self.shop.buckets.work.list("notices/")
        return document(self.shop.buckets.work, stored.name)


@pytest.fixture
def office(shop: Shop, net: Internet) -> Office:
    return Office(shop, net, now=time.time())


def said() -> list[dict[str, Any]]:
    return [json.loads(body) for _, body in Receiver.got]


def test_a_finished_result_is_told_and_the_signature_holds(office: Office) -> None:
    office.drop()
    ((headers, body),) = Receiver.got
    told = Webhook(SECRET).verify(body, headers)
    assert told["type"] == "result.done"
    assert told["data"]["input"]["name"] == "cutout/shoe.jpg"
    assert told["data"]["document"] == "cutout/shoe.json"
    assert told["data"]["picture"]["name"] == "cutout/shoe.png"
    assert office.shop.calls[0].options.model_dump()["key"] == "blue", "the recipe holds as ever"
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body + b" ", headers)


def test_a_failure_is_told_as_well(office: Office) -> None:
    office.drop(b"broken")
    (told,) = said()
    assert (told["type"], told["data"]["code"]) == ("result.failed", "broken-picture")


def test_options_that_are_wrong_are_told_as_well(office: Office) -> None:
    office.shop.put("cutout/shoe.jpg", b"x", params='{"key": "pink"}')
    office.work()
    assert said()[0]["data"]["code"] == "bad-options"


def test_a_second_event_tells_nothing_again(office: Office) -> None:
    office.drop()
    office.work()
    assert office.later(3600) == {"waiting": 0, "sent": 1, "given-up": 0}
    assert len(Receiver.got) == 1


def test_what_passes_is_told_when_it_has_passed(office: Office) -> None:
    office.shop.troubles = [ModelBusy("Too many requests.")]
    with pytest.raises(ModelBusy):
        office.drop()
    assert Receiver.got == []
    office.work()
    assert [told["type"] for told in said()] == ["result.done"]


@pytest.mark.parametrize("status", [500, 429, 404, 302])
def test_what_is_not_taken_is_sent_again_after_growing_pauses(office: Office, status: int) -> None:
    Receiver.statuses[:] = [status] * 3
    office.drop()
    assert document(office.shop.buckets.output, "cutout/shoe.json")["job"]["outcome"] == "done"
    assert office.promise["problem"] == f"The address answered {status}."
    assert office.later(10)["waiting"] == 1
    assert len(Receiver.got) == 1, "too early"
    for _ in range(3):
        states = office.later(6 * 3600)
    assert states == {"waiting": 0, "sent": 1, "given-up": 0}
    ids = {headers["webhook-id"] for headers, _ in Receiver.got}
    assert (len(Receiver.got), len(ids)) == (4, 1)


def test_a_receiver_that_is_gone_or_never_answers_is_given_up(office: Office) -> None:
    Receiver.statuses[:] = [500, 500]
    office.drop()
    assert office.later(GIVEN_UP_AFTER + 60)["given-up"] == 1
    Receiver.statuses[:] = [410]
    office.drop(b"another")
    assert office.later(0)["given-up"] == 2


def test_a_private_address_is_never_spoken_to(office: Office) -> None:
    office.net.names["inside.example"] = [ipaddress.ip_address("10.0.0.8")]
    url = office.net.url("/hook", "inside.example")
    office.shop.put("cutout/recipe.json", {"notify": {"url": url}})
    office.drop()
    assert Receiver.got == []
    assert "is not an address of the open internet" in office.promise["problem"]
    assert office.later(3600) == {"waiting": 0, "sent": 0, "given-up": 1}


def test_a_replay_that_mends_a_failure_is_told_under_another_id(office: Office) -> None:
    office.shop.troubles = [ZeroDivisionError()]
    office.drop()
    stored = office.shop.buckets.input.stat("cutout/shoe.jpg")
    assert stored
    again = replace(office.workshop, run_job=partial(run, settles=is_good))
    _events.work("cutout", _sweeping.notice_of(again, stored), again)
    assert [told["type"] for told in said()] == ["result.failed", "result.done"]
    assert len({headers["webhook-id"] for headers, _ in Receiver.got}) == 2


def test_an_instance_that_died_before_sending_is_made_up_for_by_the_sweep(office: Office) -> None:
    class _DeathError(BaseException):
        pass

    def dies(*_: object) -> list[Address]:
        raise _DeathError

    office.shop.put("cutout/shoe.jpg", b"x")
    stored = office.shop.buckets.input.stat("cutout/shoe.jpg")
    assert stored
    mortal = replace(office.postbox, web=replace(office.net.web(), resolve=dies))
    dying = replace(office.workshop, postbox=mortal)
    with pytest.raises(_DeathError):
        _events.work("cutout", _sweeping.notice_of(dying, stored), dying)
    office.now += 120
    workshop = replace(office.workshop, postbox=office.postbox)
    errands = _sweeping.errands(workshop)
    assert errands["notices"](office.now + 999) == {"waiting": 0, "sent": 1, "given-up": 0}
    assert said()[0]["type"] == "result.done"


@pytest.mark.parametrize(
    "notify",
    [
        {"url": "http://shop.example/"},
        {"url": ["https://shop.example/"]},
        {},
        "https://shop.example/",
        {"url": "https://shop.example/", "secret": "no secret stands in a bucket"},
    ],
)
def test_a_wish_that_is_not_understood_is_refused_before_anything_is_paid(
    office: Office, notify: object
) -> None:
    office.shop.put("cutout/recipe.json", {"notify": notify})
    office.drop()
    told = document(office.shop.buckets.output, "cutout/shoe.json")
    assert (told["code"], told["field"], office.shop.calls) == ("bad-options", "notify", [])


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_ä"])
def test_without_a_secret_nothing_is_sent_unsigned(office: Office, secret: str) -> None:
    office.secret = secret
    office.drop()
    told = document(office.shop.buckets.output, "cutout/shoe.json")
    assert (told["code"], Receiver.got) == ("misconfigured", [])


def test_the_secret_is_in_no_object_and_no_text(office: Office, tmp_path: Path) -> None:
    office.drop()
    assert SECRET not in repr(office.postbox)
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert kept
    assert not any(SECRET.removeprefix("whsec_").encode() in data for data in kept)
