"""Three buckets, in folders and in Cloud Storage's double."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.jobs import Buckets
from common.store.folder import FolderBucket
from tests.support.gcs import new_cloud_bucket


@pytest.fixture
def folders(tmp_path: Path) -> Buckets:
    return Buckets(*(FolderBucket(tmp_path / name) for name in ("input", "work", "output")))


@pytest.fixture(params=["folder", "cloud"])
def buckets(request: pytest.FixtureRequest) -> Buckets:
    if request.param == "folder":
        made: Buckets = request.getfixturevalue("folders")
        return made
    return Buckets(*(new_cloud_bucket() for _ in range(3)))
