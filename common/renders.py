"""What can be a render at all: told before anything is measured in it."""

from __future__ import annotations

import cv2
import numpy as np

from common.errors import UnfitRender
from common.fields import thinned
from common.geometry import Size, ratio_error
from common.image import U8

RATIO_TOLERANCE = 0.05  # models answer in ratios up to a few per cent off; more is another picture
_LEAST_SIDE = 16  # a smaller render carries no usable picture
_ONE_COLOUR = 16  # levels of 255: noise of compression stays below it
_SAMPLED = 5_000  # pixels that tell the most common colour
_LEAST_CONTENT = 1e-4  # share of pixels that must differ from the most common colour


def refuse_unfit(render: U8, size: Size) -> None:
    """Refuse what cannot be a render of a picture of `size` with something in it.

    Raises
    ------
    UnfitRender
        It is too small, of one colour, or of another ratio than was asked for.
    """
    refuse_misshapen(render, size)
    height, width = render.shape[:2]
    middle = np.median(render.reshape(-1, 3)[:: max(1, width * height // _SAMPLED)], axis=0)
    thin = thinned(render)
    alike: U8 = cv2.inRange(thin, middle - _ONE_COLOUR, middle + _ONE_COLOUR)
    if 1 - cv2.countNonZero(alike) / alike.size < _LEAST_CONTENT:
        raise UnfitRender(
            "The render is one flat colour: it shows nothing.",
            advice="Make the render again, or name another key colour.",
        )


def refuse_misshapen(render: U8, size: Size) -> None:
    """Refuse what cannot be a render of a picture of `size`, whatever it shows.

    Raises
    ------
    UnfitRender
        It is too small, or of another ratio than was asked for.
    """
    height, width = render.shape[:2]
    if min(height, width) < _LEAST_SIDE:
        raise UnfitRender(
            f"The render has only {width} x {height} pixels.",
            advice="Give the picture as the model made it, at its full size.",
        )
    if ratio_error(Size(width, height), size) > RATIO_TOLERANCE:
        raise UnfitRender(
            f"The render's ratio ({width}x{height}) is not that of what it should show ({size}).",
            advice="A render shows the whole photo, or exactly the box that was named.",
        )


def fit_render(render: U8, size: Size) -> U8:
    """Return a render resampled to `size`, whatever size it came in; a blank page may be one.

    Raises
    ------
    UnfitRender
        See `refuse_misshapen`.
    """
    refuse_misshapen(render, size)
    height, width = render.shape[:2]
    if (width, height) == (size.width, size.height):
        return render
    shrinks = width >= size.width
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    out: U8 = cv2.resize(render, (size.width, size.height), interpolation=how)
    return out
