"""Options of the file that a picture is written as; what they mean is the codec's business."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

FormatName = Literal["png", "jpeg", "webp", "avif", "tiff", "zip", "alpha"]
ProfileName = Literal["keep", "srgb"]
ExifName = Literal["no-gps", "keep", "strip"]


class Written(BaseModel):
    """How the result is written; a step of a pipeline writes nothing."""

    format: FormatName | None = Field(
        default=None,
        description="of the file: png, jpeg, webp, avif, tiff, zip (colour.jpg and alpha.png) or"
        " alpha; by default what its name or the reader asks for",
    )
    file_quality: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="of jpeg, webp, avif and zip, 1 to 100; webp at 100 is lossless; by default 92",
    )
    profile: ProfileName = Field(
        default="keep", description="colours: keep (the photo's own profile) or srgb"
    )
    exif: ExifName = Field(
        default="no-gps", description="metadata: no-gps (all but the place), keep or strip"
    )


def is_told(options: BaseModel) -> bool:
    """Whether any option of the file was given."""
    return bool(options.model_fields_set & Written.model_fields.keys())
