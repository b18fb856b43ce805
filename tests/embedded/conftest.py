"""The engine with and without its weights."""

from __future__ import annotations

from dataclasses import replace

import pytest

from common.vlm.embedded.net import Net, shared_net
from common.vlm.embedded.sight import Sight
from common.vlm.embedded.weights import PP_OCR_DET, U2NETP, WeightFile, WeightsUnusable


def absent(weights: WeightFile) -> WeightFile:
    return replace(weights, package="no_such_package_of_weights")


@pytest.fixture
def no_weights() -> Sight:
    """What an engine sees with where the weights were never installed."""
    return Sight(absent(U2NETP), absent(PP_OCR_DET))


def _net(weights: WeightFile) -> Net:
    try:
        return shared_net(weights)
    except WeightsUnusable as reason:
        pytest.skip(f"{reason} `make install` brings them.")


@pytest.fixture
def u2netp() -> Net:
    return _net(U2NETP)


@pytest.fixture
def text_net() -> Net:
    return _net(PP_OCR_DET)
