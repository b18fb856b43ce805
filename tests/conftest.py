"""What holds for every test: no account of this machine is used, and nothing outside is reached."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

# The same examples every time, however slow the machine; nothing is left behind in the repository.
settings.register_profile("studio", deadline=None, derandomize=True, database=None)
settings.load_profile("studio")

# Credentials, projects, addresses and engine choices of whoever runs the tests.
_PERSONAL = ("GEMINI_", "GOOGLE_", "GCLOUD_", "CLOUDSDK_", "STUDIO_")

_guarding = False


@pytest.fixture(scope="session", autouse=True)
def nothing_outside_is_reached() -> Iterator[None]:
    """Clear the environment of credentials, and fail a test that connects beyond loopback.

    A paid model can therefore not be asked, whatever a test does.
    """
    global _guarding  # noqa: PLW0603 - an audit hook can be added, never removed
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith(_PERSONAL)]:
            environment.delenv(name)
        environment.setenv("STUDIO_ACCESS", "open")  # who may ask is tested by tests of its own
        _guarding = True
        yield
        _guarding = False


def _guard(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect" or not _guarding:
        return
    _, address = arguments
    if isinstance(address, tuple) and not _is_loopback(str(address[0])):
        # Not an Exception: no retry loop and no "except Exception" may swallow it.
        pytest.fail(f"A test tried to reach {address[0]}:{address[1]}, beyond this machine.")


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host == "localhost"
    return address.is_loopback or address.is_unspecified


sys.addaudithook(_guard)
