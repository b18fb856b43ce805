"""What the engine sees with: networks where they are installed, classical ways elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, Self, TypeVar

import cv2
import numpy as np

from common.composite import over
from common.geometry import Size
from common.image import OPAQUE, U8, Image
from common.vlm.base import Sensitivity
from common.vlm.embedded.net import Net, shared_net
from common.vlm.embedded.salience import Salience, classical_salience, net_salience
from common.vlm.embedded.strokes import classical_text
from common.vlm.embedded.text import TextFinder, net_text
from common.vlm.embedded.weights import PP_OCR_DET, U2NETP, WeightFile, WeightsUnusable

See = TypeVar("See")

CLASSICAL = "classical"
PIXELS = 2_000_000  # of the picture in which subjects are told: the networks know far fewer

_WHITE = np.full(3, OPAQUE, np.uint8)


def on_white(image: Image) -> U8:
    """Return the picture's colours (H, W, 3), white where it is clear."""
    return over(image, _WHITE).rgb


def looked_at(image: Image) -> Image:
    """Return the picture as subjects are told in it: on white, by area no larger than `PIXELS`.

    It keeps its alpha; what belonged to the old pixels, deeper values and figures of their file,
    is dropped.
    """
    rgb, alpha = on_white(image), image.alpha
    if image.size.pixels > PIXELS:
        size = image.size.scaled((PIXELS / image.size.pixels) ** 0.5)
        rgb = _by_area(rgb, size)
        alpha = None if alpha is None else _by_area(alpha, size)
    told = replace(image.provenance, deep=None, file_bytes=None, jpeg_quality=None)
    return Image(rgb, alpha, told)


def _by_area(pixels: U8, size: Size) -> U8:
    out: U8 = cv2.resize(pixels, (size.width, size.height), interpolation=cv2.INTER_AREA)
    return out


@dataclass(frozen=True)
class Sense(Generic[See]):
    """One way to see, used inside a ``with``: what a network holds is dear, so it is then let go.

    Attributes
    ----------
    see
        The function.
    name
        What reports call it: the weights' name or ``classical``.
    notes
        Why it is not the better way, for the user.
    net
        What the function sees through, if through a network.
    """

    see: See
    name: str
    notes: tuple[str, ...] = ()
    net: Net | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.net is not None:
            self.net.let_go()

    @property
    def vouched(self) -> bool:
        """Whether a network sees; the classical ways are lost on clutter."""
        return self.name != CLASSICAL


@dataclass(frozen=True)
class Sight:
    """The weights the engine looks for; read when first needed, kept for the process."""

    subject_weights: WeightFile = U2NETP
    text_weights: WeightFile = PP_OCR_DET

    def of_subjects(self) -> Sense[Salience]:
        """Return the way to see what stands out."""
        return _sense(self.subject_weights, net_salience, classical_salience)

    def of_text(self, sensitivity: Sensitivity = "normal") -> Sense[TextFinder]:
        """Return the way to see writing; only the network is more or less sensitive."""
        through = partial(net_text, sensitivity=sensitivity)
        return _sense(self.text_weights, through, classical_text)


def _sense(weights: WeightFile, through: Callable[[Net], See], classical: See) -> Sense[See]:
    try:
        net = shared_net(weights)
    except WeightsUnusable as reason:
        note = f"{reason} A simpler method stood in, which is only good on calm backgrounds."
        return Sense(classical, CLASSICAL, (note,))
    return Sense(through(net), weights.name, net=net)
