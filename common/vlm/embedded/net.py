"""A network in OpenCV's own runtime: loaded when it is called, kept until it is let go."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

import cv2
import numpy as np

from common.image import F32, U8
from common.vlm.embedded.weights import WeightFile, read_weights


class Net:
    """A feed-forward network whose first output is all that is wanted.

    `cv2.dnn` keeps the activations inside the network, hence the lock round a whole call.  They are
    fifty times the weights, while loading again takes a tenth of a call: so who has done looking
    lets go.

    Raises
    ------
    WeightsUnusable
        See `read_weights`.
    """

    def __init__(self, weights: WeightFile) -> None:
        self._weights: U8 = np.frombuffer(read_weights(weights), np.uint8)
        self._net: Any = None
        self._lock = threading.Lock()

    def __call__(self, batch: F32) -> F32:
        """Return the first output (N, C, h, w) for an input float32 (N, C, H, W)."""
        with self._lock:
            if self._net is None:
                self._net = cv2.dnn.readNetFromONNX(self._weights)
            self._net.setInput(batch)
            out: F32 = self._net.forward(self._net.getUnconnectedOutLayersNames()[0])
            return out.copy()

    @property
    def loaded(self) -> bool:
        """Whether it holds the memory of calls."""
        return self._net is not None

    def let_go(self) -> None:
        """Give the memory of calls back; another call is as good as the first, and as slow."""
        with self._lock:
            self._net = None


_loading = threading.Lock()


@cache
def _loaded(weights: WeightFile) -> Net:
    return Net(weights)


def shared_net(weights: WeightFile) -> Net:
    """Return the process's one network of these weights.

    Raises
    ------
    WeightsUnusable
        See `read_weights`; asked again next time, since a package may be installed meanwhile.
    """
    with _loading:
        return _loaded(weights)


def as_batch(rgb: U8, mean: tuple[float, ...], deviation: tuple[float, ...], scale: float) -> F32:
    """Return pixels (H, W, 3) as a batch (1, 3, H, W) of ``(rgb / scale - mean) / deviation``."""
    middle, spread = np.asarray(mean, np.float32), np.asarray(deviation, np.float32)
    normal: F32 = (rgb.astype(np.float32) / np.float32(scale) - middle) / spread
    return np.ascontiguousarray(normal.transpose(2, 0, 1)[None])
