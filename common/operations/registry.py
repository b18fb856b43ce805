"""All operations by name, as every door offers them."""

from __future__ import annotations

from typing import Any

from common.operations.base import Operation
from common.operations.pipeline import PIPELINE, STEPS

OPERATIONS: dict[str, Operation[Any]] = {**STEPS, PIPELINE.name: PIPELINE}
