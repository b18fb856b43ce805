"""Everything goes wrong at once, and nothing is lost, doubled or hidden."""

from __future__ import annotations

from pathlib import Path

from tests.support.storm import BROKEN_EACH, Weather, assert_nothing_was_lost, storm

INPUTS = 50


def test_in_a_storm_every_input_ends_in_one_right_result_or_one_visible_failure(
    tmp_path: Path,
) -> None:
    after = storm(Weather(INPUTS, seed=7), tmp_path)
    assert len(after.outcomes) == INPUTS
    assert_nothing_was_lost(after)
    lost = sum(after.paid.values()) - sum(after.kept.values())
    assert lost <= 6 * after.kills, "only answers that died with their instance are paid again"
    assert list(after.outcomes.values()).count("failed") >= INPUTS // BROKEN_EACH
    # The storm was one.
    assert after.kills >= 2
    assert after.failed_requests > 10
    assert after.deliveries > INPUTS * 2
