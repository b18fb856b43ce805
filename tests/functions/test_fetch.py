"""Fetching from addresses that strangers name; a small internet stands in for the large."""

from __future__ import annotations

import contextlib
import http.server
import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import FetchFailed, ForbiddenAddress, PictureTooLarge
from common.store.folder import FolderBucket
from functions import _fetch
from functions._fetch import Web, from_bucket, is_public
from tests.support.internet import LOOPBACK, SHOP, Internet

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 64


class Site(http.server.BaseHTTPRequestHandler):
    """A shop with one picture and several ways to misbehave."""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        {
            "/shoe.png": self._picture,
            "/moved": lambda: self._redirect("/shoe.png"),
            "/away": lambda: self._redirect(query),
            "/round": lambda: self._redirect("/round"),
            "/late": self._late,
            "/endless": self._endless,
            "/torn": self._torn,
            "/slow": self._slow,
        }.get(path, lambda: self.send_error(404))()

    def _picture(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(PICTURE)))
        self.end_headers()
        self.wfile.write(PICTURE)

    def _redirect(self, to: str) -> None:
        self.send_response(302)
        self.send_header("Location", to)
        self.end_headers()

    def _late(self) -> None:
        time.sleep(0.2)
        self._redirect("/late")

    def _endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        self._pour(lambda: self.wfile.write(bytes(1 << 16)))

    def _torn(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(2 * len(PICTURE)))
        self.end_headers()
        self.wfile.write(PICTURE)

    def _slow(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()

        def drip() -> None:
            self.wfile.write(b".")
            time.sleep(0.02)

        self._pour(drip)

    def _pour(self, more: Callable[[], object]) -> None:
        try:
            for _ in range(10_000):
                more()
        except OSError:
            return  # the other side has had enough

    def log_message(self, *args: object) -> None:
        del args  # tests are silent


@pytest.fixture(scope="module")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    made = Internet(tmp_path_factory.mktemp("tls"), Site)
    yield made
    made.close()


# --- what is fetched ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/shoe.png", "/moved"])
def test_a_picture_arrives_also_behind_a_redirect(internet: Internet, path: str) -> None:
    assert internet.web().fetch(internet.url(path), 1_000_000) == PICTURE


def test_the_name_is_looked_up_once_and_that_address_is_used(internet: Internet) -> None:
    internet.looked_up.clear()
    internet.web().fetch(internet.url("/shoe.png"), 1_000_000)
    assert internet.looked_up == [SHOP]


def test_exactly_the_limit_is_allowed_and_one_byte_more_is_not(internet: Internet) -> None:
    assert internet.web().fetch(internet.url("/shoe.png"), len(PICTURE)) == PICTURE
    with pytest.raises(PictureTooLarge):
        internet.web().fetch(internet.url("/shoe.png"), len(PICTURE) - 1)


def test_an_endless_file_is_left_at_the_limit(internet: Internet) -> None:
    with pytest.raises(PictureTooLarge):
        internet.web().fetch(internet.url("/endless"), 100_000)


def test_a_file_that_breaks_off_is_not_taken_for_whole(internet: Internet) -> None:
    with pytest.raises(FetchFailed):
        internet.web().fetch(internet.url("/torn"), 1_000_000)


def test_a_drip_of_bytes_ends_at_the_deadline(internet: Internet) -> None:
    start = time.monotonic()
    with pytest.raises(FetchFailed):
        internet.web(seconds=0.3).fetch(internet.url("/slow"), 1_000_000)
    assert time.monotonic() - start < 2


def test_a_host_that_never_finishes_its_greeting_is_left_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_fetch, "CONNECT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        threading.Thread(target=greeting_for_ever, args=(silent,), daemon=True).start()
        start = time.monotonic()
        web = Web(resolve=lambda *_: [LOOPBACK], is_public=bool)
        with pytest.raises(FetchFailed, match="cannot be reached"):
            web.fetch(f"https://slow.example:{silent.getsockname()[1]}/a.png", 1000)
    assert time.monotonic() - start < 2


def greeting_for_ever(server: socket.socket) -> None:
    """Send the head of a long TLS record, and then a byte of it at a time."""
    connection, _ = server.accept()
    with connection, contextlib.suppress(OSError):
        connection.sendall(b"\x16\x03\x03\x40\x00")
        while True:
            connection.sendall(b"\x02")
            time.sleep(0.02)


def test_of_a_host_with_many_dead_addresses_only_some_are_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[object] = []

    def refuse(address: object, timeout: float) -> socket.socket:
        tried.append((address, timeout))
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refuse)
    dead = [ipaddress.ip_address(f"8.8.8.{last}") for last in range(100)]
    with pytest.raises(FetchFailed, match="cannot be reached"):
        Web(resolve=lambda *_: dead).fetch("https://dead.example/a.png", 1000)
    assert len(tried) == 3


def test_too_many_redirects_end(internet: Internet) -> None:
    with pytest.raises(FetchFailed, match="redirects more than 3 times"):
        internet.web().fetch(internet.url("/round"), 1_000_000)


def test_all_redirects_share_one_time(internet: Internet) -> None:
    with pytest.raises(FetchFailed, match="too long|took more than"):
        internet.web(seconds=0.3).fetch(internet.url("/late"), 1_000_000)


def test_a_redirect_to_nowhere_is_told(internet: Internet) -> None:
    with pytest.raises(FetchFailed, match="nowhere"):
        internet.web().fetch(internet.url("/away?https://[::1/"), 1_000_000)


def test_another_answer_than_200_is_told(internet: Internet) -> None:
    with pytest.raises(FetchFailed, match="404"):
        internet.web().fetch(internet.url("/nothing"), 1_000_000)


def test_a_certificate_of_another_name_is_not_believed(internet: Internet) -> None:
    internet.names["other.example"] = [LOOPBACK]
    with pytest.raises(FetchFailed):
        internet.web().fetch(internet.url("/shoe.png", "other.example"), 1_000_000)


def test_an_unknown_name_is_told(internet: Internet) -> None:
    with pytest.raises(FetchFailed, match=r"no host nowhere\.example"):
        internet.web().fetch(internet.url("/a.png", "nowhere.example"), 1_000_000)


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/a.png",
        "ftp://shop.example/a.png",
        "file:///etc/passwd",
        "https:///a.png",
        "https://user:secret@shop.example/a.png",
        "https://shop.example:0/a.png",
        "https://shop.example:99999/a.png",
        "https://[::1/a.png",
        "gopher://shop.example/",
    ],
)
def test_only_plain_https_addresses_are_fetched(url: str) -> None:
    with pytest.raises(ForbiddenAddress):
        Web(resolve=lambda *_: [LOOPBACK], is_public=bool).fetch(url, 1000)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "10.0.0.8",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - it is refused
        "224.0.0.1",
        "255.255.255.255",
        "2130706433",
        "0x7f.1",
        "[::1]",
        "[::]",
        "[::ffff:169.254.169.254]",
        "[::ffff:10.0.0.1]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fec0::1]",
        "[fd00:ec2::254]",
        "[ff02::1]",
    ],
)
def test_private_addresses_are_refused_in_every_spelling(host: str) -> None:
    with pytest.raises(ForbiddenAddress):
        Web().fetch(f"https://{host}/latest/meta-data", 1000)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@given(st.ip_addresses(v=4, network="10.0.0.0/8"))
def test_a_private_address_stays_private_in_its_ipv6_clothes(
    address: ipaddress.IPv4Address,
) -> None:
    number = int(address)
    for clothes in (0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80):
        assert not is_public(ipaddress.IPv6Address(clothes))


def test_one_private_address_among_public_ones_refuses_the_name(internet: Internet) -> None:
    internet.names["mixed.example"] = [LOOPBACK, ipaddress.ip_address("10.0.0.1")]
    with pytest.raises(ForbiddenAddress):
        internet.web().fetch(internet.url("/shoe.png", "mixed.example"), 1000)


@pytest.mark.parametrize(
    "to", ["http://shop.example/a", "https://10.0.0.1:{port}/a", "https://inner:{port}/a"]
)
def test_a_redirect_to_a_forbidden_place_is_refused(internet: Internet, to: str) -> None:
    internet.names["10.0.0.1"] = internet.names["inner"] = [ipaddress.ip_address("10.0.0.1")]
    with pytest.raises(ForbiddenAddress):
        internet.web().fetch(internet.url("/away?" + to.format(port=internet.port)), 1000)


# --- buckets --------------------------------------------------------------------------------------


def test_an_object_of_an_allowed_bucket_is_read(tmp_path: Path) -> None:
    bucket = FolderBucket(tmp_path)
    bucket.write("raw/shoe.png", PICTURE)
    got = from_bucket("gs://photos/raw/shoe.png", {"photos"}, 1_000_000, lambda _: bucket)
    assert got == PICTURE


def test_another_bucket_is_not_even_opened() -> None:
    def open_bucket(address: str) -> FolderBucket:
        raise AssertionError(address)

    with pytest.raises(ForbiddenAddress, match="secrets"):
        from_bucket("gs://secrets/a.png", {"photos"}, 1000, open_bucket)


@pytest.mark.parametrize("name", ["gone.png", "", "../up.png"])
def test_an_object_that_is_not_there_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(FetchFailed, match="no object"):
        from_bucket(f"gs://photos/{name}", {"photos"}, 1000, lambda _: FolderBucket(tmp_path))


def test_an_object_above_the_limit_is_not_read(tmp_path: Path) -> None:
    bucket = FolderBucket(tmp_path)
    bucket.write("shoe.png", PICTURE)
    with pytest.raises(PictureTooLarge):
        from_bucket("gs://photos/shoe.png", {"photos"}, 10, lambda _: bucket)
