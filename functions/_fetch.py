"""Fetch a picture from an address a stranger names, without becoming the stranger's hands.

Only https; the host's name is resolved once, every address it has must be a public one, and the
connection goes to the very address that was checked, so that a second answer of the name server
changes nothing.  Each redirect starts over.  Bytes and time are capped while reading.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from common import store
from common.errors import (
    BadObjectName,
    FetchFailed,
    ForbiddenAddress,
    ObjectMissing,
    PictureTooLarge,
)
from common.store import Bucket

MAX_REDIRECTS = 3
CONNECT_SECONDS = 5.0  # to connect, and again to agree on TLS
TOTAL_SECONDS = 30.0  # for what follows, redirects included: no drip holds a thread longer
MOST_ADDRESSES = 3  # of a host that are tried: a name may have a hundred that never answer
CHUNK = 1 << 16
URL_CHARACTERS = "!$%&'()*+,/:;=?@[]~"  # kept as they are; the rest is percent-encoded

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

T = TypeVar("T")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the open internet's, also where it wraps an IPv4 one."""
    if isinstance(address, ipaddress.IPv6Address):
        wrapped = _wrapped(address)
        if wrapped is not None:
            return is_public(wrapped)
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    return not (isinstance(address, ipaddress.IPv6Address) and address.is_site_local)


def _wrapped(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that a mapped, 6to4 or NAT64 address leads to."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def resolve(host: str, port: int) -> list[Address]:
    """Return every address of a host, once each.

    Raises
    ------
    OSError
        The name has none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ipaddress.ip_address(entry[4][0]) for entry in found))


@dataclass(frozen=True)
class Web:
    """The way to the open internet; tests put their own small internet in its place."""

    resolve: Callable[[str, int], list[Address]] = resolve
    is_public: Callable[[Address], bool] = is_public
    tls: Callable[[], ssl.SSLContext] = ssl.create_default_context
    seconds: float = TOTAL_SECONDS

    def fetch(self, url: str, max_bytes: int) -> bytes:
        """Return what `url` gives.

        Raises
        ------
        ForbiddenAddress
            Not https, or an address that is not public, here or behind a redirect.
        FetchFailed
            No answer, another answer than 200, or too many redirects.
        PictureTooLarge
            More than `max_bytes`; the rest was not read.
        """
        end = time.monotonic() + self.seconds
        for _ in range(1 + MAX_REDIRECTS):
            hop = _Hop(replace(self, seconds=end - time.monotonic()), _checked(url))
            got = hop.get(max_bytes)
            if isinstance(got, bytes):
                return got
            url = _joined(url, got.location)
        raise FetchFailed(
            f"The address redirects more than {MAX_REDIRECTS} times.",
            advice="Give the picture's own address.",
            field="image_url",
        )

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Send `body` to `url` and return the status of the answer; redirects are not followed.

        Raises
        ------
        ForbiddenAddress
            Not https, or an address that is not public.
        FetchFailed
            No answer.
        """
        return _Hop(self, _checked(url)).post(body, headers)


@dataclass(frozen=True)
class _Redirect:
    location: str


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise FetchFailed("The address redirects to nowhere.", field="image_url") from None


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ForbiddenAddress(
            "A picture is fetched from https addresses only.",
            advice="Give an address that begins with https://.",
            field="image_url",
        )
    if parts.username is not None or parts.password is not None:
        raise ForbiddenAddress(
            "An address with a user name or password in it is not fetched.", field="image_url"
        )
    return parts


class _PinnedConnection(http.client.HTTPSConnection):
    """TLS with one checked address; the certificate must still be the host's."""

    def __init__(self, host: str, port: int, address: Address, tls: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=CONNECT_SECONDS, context=tls)
        self._address = str(address)
        self._tls = tls

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), CONNECT_SECONDS)
        try:
            self.sock = self._tls.wrap_socket(
                plain, server_hostname=self.host, do_handshake_on_connect=False
            )
            with _deadline(self.sock, CONNECT_SECONDS):
                self.sock.do_handshake()
        except BaseException:
            (self.sock or plain).close()
            raise


@dataclass
class _Hop:
    """One request to one host."""

    web: Web
    url: SplitResult
    host: str = field(init=False)
    port: int = field(init=False)

    def __post_init__(self) -> None:
        self.port = self.url.port or 443
        try:
            self.host = (self.url.hostname or "").encode("idna").decode()
        except UnicodeError:
            raise FetchFailed("The address's host is no name.", field="image_url") from None

    def get(self, max_bytes: int) -> bytes | _Redirect:
        """Return the answer's bytes, or where it sends us."""
        if self.web.seconds <= 0:
            raise FetchFailed("The address redirects for too long.", field="image_url")
        return self._exchange("GET", None, _HEADERS, lambda answer: _read(answer, max_bytes))

    def post(self, body: bytes, headers: Mapping[str, str]) -> int:
        """Return the answer's status."""
        return self._exchange("POST", body, {**_SENT, **headers}, lambda answer: answer.status)

    def _connected(self) -> _PinnedConnection:
        failure: Exception | None = None
        for address in self._addresses()[:MOST_ADDRESSES]:
            connection = _PinnedConnection(self.host, self.port, address, self.web.tls())
            try:
                connection.connect()
            except (OSError, ValueError) as error:
                failure = error
                continue
            return connection
        raise FetchFailed(
            f"{self.host} cannot be reached over https.",
            advice="Check the address, or send the picture itself.",
            field="image_url",
        ) from failure

    def _addresses(self) -> list[Address]:
        try:
            addresses = self.web.resolve(self.host, self.port)
        except (OSError, ValueError) as error:
            raise FetchFailed(f"There is no host {self.host}.", field="image_url") from error
        if not all(self.web.is_public(address) for address in addresses):
            raise ForbiddenAddress(
                f"{self.host} is not an address of the open internet.",
                advice="Send the picture itself.",
                field="image_url",
            )
        return addresses

    def _exchange(
        self,
        method: str,
        body: bytes | None,
        headers: Mapping[str, str],
        read: Callable[[http.client.HTTPResponse], T],
    ) -> T:
        connection = self._connected()
        try:
            with _deadline(connection.sock, self.web.seconds):
                connection.request(method, self._target(), body, headers)
                return read(connection.getresponse())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise FetchFailed(
                f"{self.host} broke off, or took more than {self.web.seconds:.3g} seconds.",
                advice="Try again, or send the picture itself.",
                field="image_url",
            ) from error
        finally:
            connection.close()

    def _target(self) -> str:
        target = self.url.path or "/"
        if self.url.query:
            target += f"?{self.url.query}"
        return quote(target, safe=URL_CHARACTERS)


_SENT = {"User-Agent": "visual-asset-studio", "Connection": "close"}
_HEADERS = {**_SENT, "Accept": "image/*", "Accept-Encoding": "identity"}


@contextmanager
def _deadline(connection: socket.socket, seconds: float) -> Iterator[None]:
    """Cut the connection when the time is over, whatever the other side is doing."""
    connection.settimeout(seconds)
    timer = threading.Timer(seconds, _cut, [connection])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it has ended by itself


def _read(response: http.client.HTTPResponse, max_bytes: int) -> bytes | _Redirect:
    location = response.getheader("Location")
    if response.status in _REDIRECTS and location:
        return _Redirect(location)
    if response.status != http.client.OK:
        raise FetchFailed(f"The address answered {response.status}.", field="image_url")
    data = bytearray()
    while chunk := response.read(min(CHUNK, max_bytes + 1 - len(data))):
        data += chunk
        if len(data) > max_bytes:
            raise PictureTooLarge(
                f"The file has more than {max_bytes:,} bytes; the rest was not read.",
                advice="Send a smaller file.",
                field="image_url",
            )
    if response.length:
        raise FetchFailed("The picture's file broke off in the middle.", field="image_url")
    return bytes(data)


# --- buckets --------------------------------------------------------------------------------------


def from_bucket(
    uri: str,
    allowed: Collection[str],
    max_bytes: int,
    open_bucket: Callable[[str], Bucket] = store.open_bucket,
) -> bytes:
    """Return the object at ``gs://bucket/name``.

    Raises
    ------
    ForbiddenAddress
        The bucket is not among `allowed`.
    FetchFailed
        There is no such object.
    PictureTooLarge
        It has more than `max_bytes`; none was read.
    StoreError
        The bucket cannot be reached.
    """
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    if bucket not in allowed:
        raise ForbiddenAddress(
            f"Pictures are not fetched from the bucket {bucket}.",
            advice="The operator allows buckets in STUDIO_ALLOWED_BUCKETS.",
            field="image_uri",
        )
    try:
        return open_bucket(f"gs://{bucket}").read(name, limit=max_bytes)[0]
    except (ObjectMissing, BadObjectName) as error:
        raise FetchFailed(f"There is no object {name} in {bucket}.", field="image_uri") from error
