"""Which objects of the input bucket are pictures to work on."""

from __future__ import annotations

RECIPE = "recipe.json"


def is_input(name: str, size: int | None = None) -> bool:
    """Whether an object is a picture for the operation whose folder it stands in.

    Recipes, hidden files and empty objects, by which consoles and copying tools show folders, are
    none.  A name such as ``a/../b`` is one: it cannot be used, and somebody should hear of it.
    """
    *_, last = parts = name.split("/")
    hidden = any(part.startswith(".") and part not in {".", ".."} for part in parts)
    return not (hidden or last in {"", RECIPE} or size == 0)
