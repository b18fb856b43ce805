"""The guard around the tests themselves: no credentials, no way out."""

from __future__ import annotations

import os
import socket

import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 443), ("8.8.8.8", 53), ("169.254.169.254", 80)])
def test_a_test_cannot_reach_beyond_this_machine(address: tuple[str, int]) -> None:
    with socket.socket() as way_out, pytest.raises(pytest.fail.Exception, match="beyond"):
        way_out.connect(address)


def test_asking_for_an_error_code_is_no_way_round() -> None:
    with socket.socket() as way_out, pytest.raises(pytest.fail.Exception, match="beyond"):
        way_out.connect_ex(("192.0.2.1", 443))


def test_no_library_swallows_the_guard() -> None:
    assert not issubclass(pytest.fail.Exception, Exception)


def test_loopback_stays_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


def test_no_credentials_of_this_machine_are_seen() -> None:
    assert not [name for name in os.environ if name.startswith(("GEMINI_", "GOOGLE_"))]
