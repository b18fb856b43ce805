"""What the engine sees with: networks where they are installed, classical ways elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from common.vlm.base import Sensitivity
from common.vlm.embedded.net import Net, shared_net
from common.vlm.embedded.salience import Salience, classical_salience, net_salience
from common.vlm.embedded.strokes import classical_text
from common.vlm.embedded.text import TextFinder, net_text
from common.vlm.embedded.weights import PP_OCR_DET, U2NETP, WeightFile, WeightsUnusable

See = TypeVar("See")

CLASSICAL = "classical"


@dataclass(frozen=True)
class Sense(Generic[See]):
    """One way to see.

    Attributes
    ----------
    see
        The function.
    name
        What reports call it: the weights' name or ``classical``.
    notes
        Why it is not the better way, for the user.
    """

    see: See
    name: str
    notes: tuple[str, ...] = ()

    @property
    def vouched(self) -> bool:
        """Whether a network sees; the classical ways are lost on clutter."""
        return self.name != CLASSICAL


@dataclass(frozen=True)
class Sight:
    """The weights the engine looks for; loaded when first needed, kept for the process."""

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
        return Sense(through(shared_net(weights)), weights.name)
    except WeightsUnusable as reason:
        note = f"{reason} A simpler method stood in, which is only good on calm backgrounds."
        return Sense(classical, CLASSICAL, (note,))
