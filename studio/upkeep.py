"""What the commands that look after a data folder share."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from common.errors import Misconfigured
from functions import _log
from studio.command import DATA
from studio.folder import DataFolder


def enter(data: str | None) -> None:
    """Make a data folder's buckets those of this process; the log tells of defects only.

    Parameters
    ----------
    data
        The folder; None takes the buckets that the environment names, else the usual folder.

    Raises
    ------
    Misconfigured
        There is no such folder.
    """
    _log.logger.setLevel(logging.ERROR)
    if data is None and "STUDIO_INPUT_BUCKET" in os.environ:
        return
    root = Path(data or DATA).resolve()
    folder = DataFolder(root)
    if not folder.input.is_dir():
        raise Misconfigured(
            f"There is no data folder {data or DATA}.",
            advice="Name it with --data; `studio serve` makes one.",
        )
    os.environ.update(folder.environment())
