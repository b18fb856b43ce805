"""A client of Cloud Storage that can sign and do nothing else: its key is made on the spot."""

from __future__ import annotations

from functools import cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


@cache
def signing_client() -> Any:
    """Return the client."""
    from google.cloud.storage import Client  # noqa: PLC0415 - as the store does it
    from google.oauth2.service_account import Credentials  # noqa: PLC0415

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    told = {
        "client_email": "signer@project.example",
        "private_key": pem.decode(),
        "token_uri": "https://localhost/token",
    }
    credentials = Credentials.from_service_account_info(told)  # type: ignore[no-untyped-call]
    return Client("project", credentials)
