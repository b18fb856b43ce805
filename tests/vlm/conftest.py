"""A Gemini on loopback for the whole session, since the SDK's client takes long to make."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from common.vlm.gemini import GeminiModel, Patience
from tests.support.gemini_server import KEY, GeminiServer
from tests.support.models import OwnTime

Make = Callable[..., GeminiModel]


@pytest.fixture(scope="session")
def _running() -> Iterator[GeminiServer]:
    with GeminiServer().running() as server:
        yield server


@pytest.fixture
def server(_running: GeminiServer) -> GeminiServer:
    """The loopback server with an empty script."""
    _running.script()
    return _running


@pytest.fixture
def own_time() -> OwnTime:
    return OwnTime()


@pytest.fixture
def gemini(server: GeminiServer, own_time: OwnTime) -> Make:
    """Make a model that talks to the server and waits in no real time."""
    patience = Patience(clock=own_time.clock, sleep=own_time.sleep, chance=lambda: 0.0)

    def make(**options: Any) -> GeminiModel:
        defaults: dict[str, Any] = {
            "api_key": KEY,
            "base_url": server.address,
            "patience": patience,
        }
        return GeminiModel(**(defaults | options))

    return make
