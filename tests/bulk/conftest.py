"""A Gemini with files and batches for the whole session, and a night for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from common.store.folder import FolderBucket
from tests.support.gemini_batches import Desk
from tests.support.gemini_server import GeminiServer
from tests.support.nights import Night, running_desk


@pytest.fixture(scope="session")
def _running() -> Iterator[tuple[GeminiServer, Desk]]:
    with running_desk() as running:
        yield running


@pytest.fixture
def server(_running: tuple[GeminiServer, Desk]) -> GeminiServer:
    _running[0].script()
    return _running[0]


@pytest.fixture
def desk(_running: tuple[GeminiServer, Desk]) -> Desk:
    _running[1].clear()
    return _running[1]


@pytest.fixture
def night(server: GeminiServer, desk: Desk, tmp_path: Path) -> Night:
    return Night(server, desk, FolderBucket(tmp_path / "work"))
