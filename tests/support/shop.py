"""A workshop without models: real buckets, real options, work that upper-cases bytes."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.errors import BrokenPicture
from common.image import Image
from common.jobs import Buckets
from common.operations.base import Models, Operation, Outcome
from common.operations.options import (
    CutoutOptions,
    DetectOptions,
    EraseOptions,
    ExpandOptions,
    Options,
    PipelineOptions,
)
from common.report import PictureFacts, Report
from common.store.folder import FolderBucket
from functions._workshop import Workshop


def _never(
    image: Image,
    options: Any,
    models: Models,
    backdrop: Image | None = None,
    mask: Image | None = None,
) -> Outcome:
    raise AssertionError("the shop's own run stands for the operation's")


OPERATIONS: dict[str, Operation[Any]] = {
    name: Operation(name, name, options, _never)
    for name, options in {
        "cutout": CutoutOptions,
        "detect": DetectOptions,
        "erase": EraseOptions,
        "expand": ExpandOptions,
        "pipeline": PipelineOptions,
    }.items()
}


@dataclass(frozen=True)
class Product:
    """A finished result."""

    picture: bytes | None
    content_type: str
    suffix: str
    report: Report


@dataclass(frozen=True)
class Call:
    """What was asked of the shop."""

    operation: str
    data: bytes
    options: Options
    backdrop: bytes | None
    name: str
    mask: bytes | None = None


@dataclass
class Shop:
    """Runs what it is asked, and remembers it; raises the next of `troubles` where there is one."""

    buckets: Buckets
    troubles: list[Exception] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def workshop(self) -> Workshop:
        return Workshop(self.buckets, OPERATIONS.__getitem__, self.run, max_bytes=1000)

    def run(
        self,
        operation: Operation[Any],
        data: bytes,
        options: Options,
        *,
        backdrop: bytes | None = None,
        mask: bytes | None = None,
        name: str = "",
    ) -> Product:
        with self.lock:
            self.calls.append(Call(operation.name, data, options, backdrop, name, mask))
            if self.troubles:
                raise self.troubles.pop(0)
        if data.startswith(b"broken"):
            raise BrokenPicture("The file ends too early.", advice="Export it again.")
        source = PictureFacts(width=1, height=1, format="jpeg")
        report = Report(operation=operation.name, engine="scripted", source=source)
        picture = None if operation.name == "detect" else data.upper()
        return Product(picture, "image/png", ".png", report)

    def put(self, name: str, content: bytes | dict[str, Any], **metadata: str) -> int:
        """Put an object into the input bucket; return its generation."""
        data = json.dumps(content).encode() if isinstance(content, dict) else content
        return self.buckets.input.write(name, data, metadata=metadata).generation


def new_shop(root: Path) -> Shop:
    """Return a shop with empty folders."""
    return Shop(Buckets(*(FolderBucket(root / name) for name in ("input", "work", "output"))))


CURRENT: list[Shop] = []  # the shop of a function that a framework loads from a file

# What a function's file holds in a test; the framework loads it from a path.
FUNCTION = """
import functions_framework
from functions import _events
from tests.support import shop

@functions_framework.cloud_event
def cutout_dropped(event):
    _events.serve("cutout", event, shop.CURRENT[0].workshop)
"""
