"""A studio for each module, and the product's photo."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.files import WHOLE, Files, product_files
from tests.support.served import served


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with served(tmp_path_factory.mktemp("studio")) as client:
        yield client


@pytest.fixture(scope="session")
def files() -> Files:
    return product_files()


@pytest.fixture
def form(files: Files) -> Any:
    """Return a form with a photo and a render of it, so that no model is asked."""

    def made(**fields: Any) -> dict[str, Any]:
        return {
            "image": (io.BytesIO(files.photo), "photo.png"),
            "render": (io.BytesIO(files.render), "render.png"),
            "box": WHOLE,
        } | fields

    return made
