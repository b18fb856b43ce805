"""`studio apikey NAME`: make a key for a program; it is shown once and kept nowhere."""

from __future__ import annotations

import argparse
import json

from common.apikeys import digest, make_key, read_keys


def run(arguments: argparse.Namespace) -> int:
    """Print a new key, and its entry for STUDIO_API_KEYS; return the exit code.

    Raises
    ------
    Misconfigured
        The name is none.
    """
    key = make_key()
    entry = json.dumps({"name": arguments.name, "sha256": digest(key)})
    read_keys(f"[{entry}]")  # refuses what the doors would
    print(f"Give this to whoever it is for; it is shown this once:\n\n  {key}\n")
    print(f"Add this to the JSON list in STUDIO_API_KEYS:\n\n  {entry}")
    return 0
