"""What only Cloud Storage has: lost answers, servers that are away, a client slow to import."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
import requests

from common.errors import Misconfigured, PreconditionFailed, StoreError
from common.store import open_bucket
from common.store.cloud import CloudBucket
from common.store.folder import FolderBucket
from tests.support.gcs import bucket_at, lossy_proxy, new_bucket_name, new_cloud_bucket, server


def test_a_write_whose_answer_was_lost_is_still_ours() -> None:
    name = new_bucket_name()
    with lossy_proxy(lose=1) as address:
        written = bucket_at(address, name).write("claim", b"mine", if_generation=0)
    direct = bucket_at(server(), name)
    assert direct.read("claim") == (b"mine", written)
    assert written.metadata == {}
    with pytest.raises(PreconditionFailed):
        direct.write("claim", b"mine", if_generation=0)


def test_a_list_goes_on_over_pages() -> None:
    bucket = new_cloud_bucket()
    for number in range(12):
        bucket.write(f"a/{number:02}", b"x")
    pages = bucket._bucket().list_blobs(page_size=5).pages
    assert [len(list(page)) for page in pages] == [5, 5, 2]
    assert [stored.name for stored in bucket.list()] == [f"a/{n:02}" for n in range(12)]


def test_hidden_objects_are_not_told_and_placeholders_are() -> None:
    bucket = new_cloud_bucket()
    for name in ["cutout/", "cutout/.DS_Store", "cutout/a.jpg"]:
        bucket._bucket().blob(name).upload_from_string(b"")
    assert [stored.name for stored in bucket.list()] == ["cutout/", "cutout/a.jpg"]


def test_a_bucket_that_does_not_exist_is_a_passing_failure() -> None:
    bucket = bucket_at(server(), "nobody-made-this")
    with pytest.raises(StoreError) as caught:
        bucket.write("a", b"x")
    assert caught.value.retryable
    with pytest.raises(StoreError):
        list(bucket.list())


class _Refusing:
    """A client whose every call raises `error`."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def bucket(self, _name: str) -> object:
        raise self.error


def _failures() -> list[Exception]:
    api: Any = import_module("google.api_core.exceptions")
    auth: Any = import_module("google.auth.exceptions")
    storage: Any = import_module("google.cloud.storage.exceptions")
    return [
        api.Forbidden("no"),
        api.TooManyRequests("slow down"),
        api.ServiceUnavailable("away"),
        api.RetryError("gave up", None),
        auth.DefaultCredentialsError("who are you"),
        storage.InvalidResponse(None, "odd"),
        storage.DataCorruption(None, "garbled"),
        requests.ConnectionError("nobody there"),
        TimeoutError("too long"),
    ]


def test_whatever_the_client_raises_becomes_a_store_error() -> None:
    for failure in _failures():
        bucket = CloudBucket("b", _Refusing(failure))
        with pytest.raises(StoreError) as caught:
            bucket.stat("a")
        assert caught.value.retryable
        assert caught.value.__cause__ is failure


def test_addresses_open_the_bucket_they_name(tmp_path: object) -> None:
    cloud = open_bucket("gs://my-bucket.example")
    assert isinstance(cloud, CloudBucket)
    assert cloud.name == "my-bucket.example"
    for address in [f"{tmp_path}/my input", f"file://{tmp_path}/my%20input"]:
        folder = open_bucket(address)
        assert isinstance(folder, FolderBucket)
        assert folder.name == "my input"
        assert folder.root.is_dir()


@pytest.mark.parametrize("address", ["", "gs://", "gs://name/folder", "s3://name", "http://name"])
def test_an_address_of_another_kind_is_the_operators_fault(address: str) -> None:
    with pytest.raises(Misconfigured, match="not the address of a bucket"):
        open_bucket(address)


def test_opening_a_bucket_loads_no_client() -> None:
    program = (
        "import sys; from common.store import open_bucket; open_bucket('gs://b');"
        "print([name for name in sys.modules if name.startswith(('google.cloud.', 'google.api'))])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert result.stdout.strip() == b"[]"


def test_times_are_aware() -> None:
    assert new_cloud_bucket().write("a", b"").updated.astimezone(UTC) <= datetime.now(UTC)
