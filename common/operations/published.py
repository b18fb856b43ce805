"""The option that makes assets of a result, for every place of publication it names."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field, model_validator

from common.presets import MOST, PresetsOption

_OF_THE_FILE = {"format": None, "file_quality": None, "profile": "keep"}


class Published(BaseModel):
    """Where the result is to be published."""

    preset: PresetsOption = Field(
        default_factory=list,
        max_length=MOST,
        description="make assets for these places of publication, like amazon-main,ebay",
    )

    @model_validator(mode="after")
    def _preset_says_the_file(self) -> Self:
        for name, usual in _OF_THE_FILE.items():
            if self.preset and getattr(self, name, usual) != usual:
                raise ValueError(f"A preset says how the file is written: leave {name} out.")
        return self
