"""Pictures that come cut out already: their own alpha is the answer, and no model is asked."""

from __future__ import annotations

import numpy as np

from common.image import OPAQUE, U8, Image
from common.operations.base import Outcome
from common.operations.options import CutoutOptions
from common.operations.record import Record
from common.report import Fidelity

ENGINE = "source"

CLEAR = 8  # levels of alpha up to which nothing is seen
LEAST_BORDER = 0.5  # share of the border that must be clear: round corners alone are no cutout
LEAST_SUBJECT = 1e-3  # share of the picture that must be solid


def is_cut_out(image: Image, options: CutoutOptions) -> bool:
    """Whether the picture's own alpha does what the options ask for.

    It does where the subject stands on transparency: half of the border is clear, and something is
    solid.  Where the options name a subject or a box, something is to be cut out of it yet.
    """
    if image.alpha is None or options.subject or options.box is not None:
        return False
    solid = float((image.alpha == OPAQUE).mean())
    return solid >= LEAST_SUBJECT and _clear_border(image.alpha) >= LEAST_BORDER


def as_it_is(record: Record, image: Image) -> Outcome:
    """Return the picture and its report."""
    record.warnings.append(
        "The picture was transparent already: its own alpha was kept, and no model was asked."
    )
    kept = Fidelity(equal_share=1.0, largest_difference=0)
    return Outcome(image, record.report(ENGINE, image, fidelity=kept))


def _clear_border(alpha: U8) -> float:
    border = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
    return float((border <= CLEAR).mean())
