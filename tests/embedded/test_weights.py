from dataclasses import replace

import pytest

from common.vlm.embedded.weights import (
    PP_OCR_DET,
    U2NETP,
    WeightFile,
    WeightsUnusable,
    read_weights,
)


def test_weights_that_are_not_installed_are_named() -> None:
    with pytest.raises(WeightsUnusable, match="u2netp are not installed"):
        read_weights(replace(U2NETP, package="no_such_package_of_weights"))


def test_a_package_of_that_name_without_the_file_has_no_weights() -> None:
    with pytest.raises(WeightsUnusable, match="not installed"):
        read_weights(replace(PP_OCR_DET, package="common"))


def test_a_file_with_another_hash_is_refused() -> None:
    wrong = WeightFile("ours", "common", "__init__.py", "0" * 64)
    with pytest.raises(WeightsUnusable, match="not the expected file"):
        read_weights(wrong)
