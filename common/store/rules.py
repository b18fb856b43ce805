"""What every bucket refuses alike: names that mean other things elsewhere, and too many bytes."""

from __future__ import annotations

from common.errors import BadObjectName, PictureTooLarge

MAX_BYTES = 1024  # of a whole name in UTF-8: Cloud Storage's limit
MAX_PART_BYTES = 255  # of what stands between two slashes: the limit of common file systems
_FIRST_PRINTABLE, _DELETE = " ", "\x7f"


def check_name(name: str) -> str:
    """Return `name` if an object may be called so.

    Any writing, composed or decomposed, and spaces are welcome; two names are the same only where
    every code point is.

    Raises
    ------
    BadObjectName
        The name is empty or too long, begins or ends with a slash, has an empty part or one that
        begins with a dot (so ``..`` too), or holds a backslash or a control character.
    """
    fault = _fault(name)
    if fault:
        raise BadObjectName(f"The name {_shown(name)} {fault}", advice="Rename the file.")
    return name


def is_hidden(name: str) -> bool:
    """Whether a part of `name` begins with a dot, as hidden files do."""
    return name.startswith(".") or "/." in name


def refuse_above(limit: int | None, name: str, size: int) -> None:
    """Refuse an object of `size` bytes where at most `limit` may be read.

    Raises
    ------
    PictureTooLarge
        It is larger.
    """
    if limit is not None and size > limit:
        raise PictureTooLarge(
            f"{name} has {size:,} bytes; the limit is {limit:,}.", advice="Send a smaller file."
        )


def _fault(name: str) -> str:
    parts = name.split("/")
    try:
        lengths = [len(part.encode()) for part in parts]
    except UnicodeEncodeError:
        return "is not valid Unicode."
    if not all(lengths):
        return "is empty, or has an empty part: slashes stand between two names."
    if is_hidden(name):
        return "has a part that begins with a dot; such names are kept for hidden files."
    if any(char < _FIRST_PRINTABLE or char in {_DELETE, "\\"} for char in name):
        return "holds a backslash or a control character."
    if max(lengths) > MAX_PART_BYTES or len(name.encode()) > MAX_BYTES:
        return f"is too long: {MAX_PART_BYTES} bytes a part, {MAX_BYTES} in all."
    return ""


def _shown(name: str) -> str:
    shown = ascii(name) if not name.isprintable() else repr(name)
    return shown if len(shown) <= 80 else f"{shown[:60]}…{shown[-16:]}"
