"""What Gemini answers, read from the wire's JSON.

The wire is read directly: of the SDK's own reading a finish reason that it does not know becomes a
warning, a blocked answer becomes None, and draft pictures come among the finished ones.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.errors import ModelAnswerUnreadable, ModelEmpty, ModelRefused
from common.vlm.prices import Tokens

MAX_TOKENS = "MAX_TOKENS"
LONGEST_QUOTE = 200  # characters of the model's own words in a message

# Parts of finish and block reasons, and what the user may change.  Unknown reasons pass through.
_REFUSALS = {
    "RECITATION": "The result would be too close to a known work; use another crop or other words.",
    "SPII": "The picture seems to hold personal data such as a card or a passport; cover it.",
    "BLOCKLIST": "A word in the request is on the provider's list; use other words.",
    "MODEL_ARMOR": "The organisation's own filter (Model Armor) declined; ask who runs it.",
    "JAILBREAK": "The words seem to talk the model out of its rules; use plainer ones.",
    "PROHIBITED": "The provider does not work on such content; use another picture.",
    "SAFETY": "Crop to the thing itself, or use other words; asking the same again will not help.",
}
_GENERAL_ADVICE = "Use another picture or other words, or the embedded engine."


@dataclass(frozen=True)
class Reply:
    """One answer.

    Attributes
    ----------
    text
        The answer's words, thoughts left out.
    picture
        The last finished picture as base64; empty where there is none.
    finish, blocked
        Why the answer ended, and why the request was not answered; empty where not told.
    said
        What the provider says about that.
    tokens
        What it took; None where not told.
    """

    text: str
    picture: str
    finish: str
    blocked: str
    said: str
    tokens: Tokens | None


def read_reply(body: object) -> Reply:
    """Read an answer of ``generateContent``; whatever is missing or odd reads as empty."""
    feedback = _member(body, "promptFeedback")
    candidate = _first(_member(body, "candidates"))
    parts = [part for part in _list(_member(candidate, "content", "parts")) if not _is_draft(part)]
    pictures = [_string(_member(part, "inlineData", "data")) for part in parts]
    return Reply(
        text="".join(_string(_member(part, "text")) for part in parts),
        picture=next((data for data in reversed(pictures) if data), ""),
        finish=_string(_member(candidate, "finishReason")),
        blocked=_string(_member(feedback, "blockReason")),
        said=_string(_member(candidate, "finishMessage"))
        or _string(_member(feedback, "blockReasonMessage")),
        tokens=_tokens(_member(body, "usageMetadata")),
    )


def picture_of(reply: Reply) -> bytes:
    """Return the finished picture's bytes.

    Raises
    ------
    ModelRefused, ModelEmpty, ModelAnswerUnreadable
    """
    _check_refusal(reply)
    if not reply.picture:
        told = f" It said: {_shortened(reply.text)}" if reply.text.strip() else ""
        raise ModelEmpty(
            f"The model answered without a picture ({reply.finish or 'no reason given'}).{told}",
            advice="Try again, or say in other words what the picture should show.",
            details={"reason": reply.finish},
        )
    try:
        # JSON of protocol buffers may use either alphabet; `replace` is faster than `translate`.
        return base64.b64decode(reply.picture.replace("-", "+").replace("_", "/"))
    except binascii.Error as error:
        raise ModelAnswerUnreadable("The model's picture came damaged.") from error


def text_of(reply: Reply) -> str:
    """Return the answer's words.

    Raises
    ------
    ModelRefused, ModelEmpty
    """
    _check_refusal(reply)
    if not reply.text.strip():
        raise ModelEmpty(
            f"The model answered nothing ({reply.finish or 'no reason given'}).",
            advice="Try again.",
            details={"reason": reply.finish},
        )
    return reply.text


def _check_refusal(reply: Reply) -> None:
    if reply.blocked and reply.blocked != "BLOCK_REASON_UNSPECIFIED":
        raise _refusal("the request", reply.blocked, reply.said)
    if any(word in reply.finish for word in _REFUSALS):
        raise _refusal("its own answer", reply.finish, reply.said)


def _refusal(what: str, reason: str, said: str) -> ModelRefused:
    advice = next((text for word, text in _REFUSALS.items() if word in reason), _GENERAL_ADVICE)
    told = f" It said: {_shortened(said)}" if said else ""
    return ModelRefused(
        f"The model declined {what} ({reason}).{told}", advice=advice, details={"reason": reason}
    )


def _shortened(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= LONGEST_QUOTE else words[: LONGEST_QUOTE - 1] + "…"


# --- tokens ---------------------------------------------------------------------------------------


def _tokens(usage: object) -> Tokens | None:
    if not isinstance(usage, Mapping) or not usage:
        return None
    kinds = _list(_member(usage, "candidatesTokensDetails"))
    words = sum(_count(kind, "tokenCount") for kind in kinds if _modality(kind) == "TEXT")
    picture = sum(_count(kind, "tokenCount") for kind in kinds if _modality(kind) == "IMAGE")
    return Tokens(
        taken=_count(usage, "promptTokenCount") + _count(usage, "toolUsePromptTokenCount"),
        words=words + _count(usage, "thoughtsTokenCount"),
        picture=picture,
        untold=max(0, _count(usage, "candidatesTokenCount") - words - picture),
    )


def _modality(kind: object) -> str:
    return _string(_member(kind, "modality"))


def _count(holder: object, name: str) -> int:
    value = _member(holder, name)
    return value if isinstance(value, int) and value > 0 else 0


# --- JSON of which nothing is certain -------------------------------------------------------------


def _is_draft(part: object) -> bool:
    return bool(_member(part, "thought"))


def _member(value: object, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _first(value: object) -> object:
    return next(iter(_list(value)), None)


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""
