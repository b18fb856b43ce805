"""All operations by name, as every door offers them."""

from __future__ import annotations

from typing import Any

from common.operations.base import Operation
from common.operations.check import CHECK
from common.operations.comply import complying
from common.operations.pipeline import PIPELINE, STEPS

OPERATIONS: dict[str, Operation[Any]] = {
    operation.name: complying(operation) for operation in (*STEPS.values(), PIPELINE)
} | {CHECK.name: CHECK}
