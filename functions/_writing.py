"""How a result is to be written: what the options say, else what the reader asks for."""

from __future__ import annotations

from common import codec
from common.codec import Output
from common.operations.options import Options
from common.operations.published import Published
from common.operations.written import Written

WHITE = (255, 255, 255)


def profile_of(options: Options) -> codec.Profile:
    """Return the space that the options want the picture in.

    Presets name their colours in sRGB, and their files are written in it.
    """
    if isinstance(options, Published) and options.preset:
        return "srgb"
    return options.profile if isinstance(options, Written) else "keep"


def output_of(options: Options, format: str, digital_source: str) -> Output:
    """Return how a result is to be written.

    Parameters
    ----------
    format
        Where the options name none.
    digital_source
        The IPTC's term where pixels were generated; see `common.report.Report`.
    """
    plain = Output(format=format, background=WHITE, digital_source=digital_source)
    if not isinstance(options, Written):
        return plain
    return Output(
        format=options.format or format,
        quality=options.file_quality or plain.quality,
        profile=options.profile,
        exif=options.exif,
        background=WHITE,
        digital_source=digital_source,
    )
