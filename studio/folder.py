"""The data folder: three buckets as plain folders, and the samples a newcomer begins with."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from common.errors import Misconfigured

SAMPLES = Path(__file__).parent / "samples"


@dataclass(frozen=True)
class DataFolder:
    """``input/<operation>/``, ``work`` and ``output`` in one folder."""

    root: Path

    @property
    def input(self) -> Path:
        """Where people drop files; the studio never writes there, but for samples."""
        return self.root / "input"

    @property
    def work(self) -> Path:
        """What the studio keeps for itself."""
        return self.root / "work"

    @property
    def output(self) -> Path:
        """Where results are found."""
        return self.root / "output"

    def environment(self) -> dict[str, str]:
        """Return the variables that make these folders the buckets of `common.settings`."""
        return {
            "STUDIO_INPUT_BUCKET": str(self.input),
            "STUDIO_WORK_BUCKET": str(self.work),
            "STUDIO_OUTPUT_BUCKET": str(self.output),
        }

    def prepare(self, operations: Iterable[str]) -> None:
        """Make the folders that are not there.

        Raises
        ------
        Misconfigured
            They cannot be made, or not written to.
        """
        try:
            for folder in (self.work, self.output, *(self.input / name for name in operations)):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Misconfigured(
                f"The data folder {self.root} cannot be made: {error.strerror or error}.",
                advice="Name another with --data.",
            ) from error
        if not os.access(self.root, os.W_OK):
            raise Misconfigured(
                f"The data folder {self.root} cannot be written to.",
                advice="Name another with --data.",
            )

    def add_samples(self, samples: Path = SAMPLES) -> int:
        """Put the samples where nothing was dropped yet; return how many pictures that were."""
        if any(path.is_file() for path in self.input.glob("[!.]*/*")):
            return 0
        # Recipes come first: a picture is worked on as soon as it is there.
        found = sorted(samples.glob("*/*"), key=lambda path: (path.suffix != ".json", path))
        for path in found:
            place = self.input / path.parent.name / path.name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
        return sum(path.suffix != ".json" for path in found)
