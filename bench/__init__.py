"""Measurements: what the studio is worth, against peers, on pictures with a known truth."""
