"""A small internet on loopback, for what must go out to the open one and nowhere else."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from functions._fetch import Address, Web

SHOP = "shop.example"
LOOPBACK = ipaddress.ip_address("127.0.0.1")


class Internet:
    """One site on loopback under a public name, its certificate, and the names people look up."""

    def __init__(self, folder: Path, site: type[BaseHTTPRequestHandler]) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), site)
        self.server.socket = _tls(folder).wrap_socket(self.server.socket, server_side=True)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.trusts = folder / "shop.pem"
        self.names: dict[str, list[Address]] = {SHOP: [LOOPBACK]}
        self.looked_up: list[str] = []
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def resolve(self, host: str, port: int) -> list[Address]:
        assert port == self.port
        self.looked_up.append(host)
        if host not in self.names:
            raise socket.gaierror("no such name")
        return self.names[host]

    def web(self, seconds: float = 5.0) -> Web:
        """Return a way to it, for which loopback is the open internet and nothing else."""
        return Web(
            resolve=self.resolve,
            is_public=lambda address: address == LOOPBACK,
            tls=lambda: ssl.create_default_context(cafile=str(self.trusts)),
            seconds=seconds,
        )

    def close(self) -> None:
        """Take it down."""
        self.server.shutdown()
        self.server.server_close()

    def url(self, path: str, host: str = SHOP) -> str:
        return f"https://{host}:{self.port}{path}"


def _tls(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, SHOP)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(SHOP)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "shop.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret = folder / "shop.key"
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    return context
