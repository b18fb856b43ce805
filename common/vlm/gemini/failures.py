"""What each way of failing means: status, body and headers in, one typed failure out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from common.errors import (
    ModelBusy,
    ModelCredentials,
    ModelError,
    ModelGone,
    ModelLost,
    ModelQuotaExhausted,
    ModelRequestWrong,
    ModelTimeout,
    ModelUnavailable,
)

LONGEST_MESSAGE = 300  # characters of the provider's words in ours

_CREDENTIALS_ADVICE = (
    "The operator must mend the key, or the service account's role, and check that the API is "
    "enabled and billed."
)
_ELSEWHERE = frozenset({408, 409, 499})  # cancelled or aborted on the other side; it will pass


# --- statuses -------------------------------------------------------------------------------------


def failure_of_status(code: int, body: object, headers: Mapping[str, str]) -> ModelError:
    """Return what an HTTP status other than 200 means.

    Parameters
    ----------
    body
        The parsed JSON, ``{"error": {..}}``, or anything else.
    headers
        Of the answer; names in any case.
    """
    error = _error(body)
    said = _message(error)
    if code == 429:
        return _quota_failure(error, said, headers)
    if code in {401, 403} or _is_key_refused(error):
        return ModelCredentials(
            f"Gemini does not accept the credentials ({code}).{said}", advice=_CREDENTIALS_ADVICE
        )
    if code == 404:
        return ModelGone(
            f"Gemini knows no such model, or not at this place (404).{said}",
            advice="The operator must set another model id or location.",
        )
    if code >= 500 or code in _ELSEWHERE:
        return ModelUnavailable(
            f"Gemini is out of order ({code}).{said}",
            advice="Try again later.",
            retry_after=_retry_after(error, headers),
        )
    return ModelRequestWrong(
        f"Gemini did not accept the request ({code}).{said}",
        advice="The operator should check the model's id, its sizes and the address.",
    )


def _quota_failure(error: Mapping[str, Any], said: str, headers: Mapping[str, str]) -> ModelError:
    quotas = [_quota_name(violation) for violation in _violations(error)]
    named = f" Quota: {', '.join(quotas)}." if quotas else ""
    if any("perday" in quota.lower() for quota in quotas) or _is_zero(error):
        return ModelQuotaExhausted(
            f"Gemini's quota is used up, or is zero.{named}{said}",
            advice="Wait for the next day, or have the operator raise the quota.",
            details={"quotas": quotas},
        )
    return ModelBusy(
        f"Gemini takes no more requests at the moment.{named}{said}",
        advice="Try again in a minute.",
        retry_after=_retry_after(error, headers),
    )


def _quota_name(violation: Mapping[str, Any]) -> str:
    return str(violation.get("quotaId") or violation.get("quotaMetric") or "unnamed")


def _is_zero(error: Mapping[str, Any]) -> bool:
    values = {str(violation.get("quotaValue", "")) for violation in _violations(error)}
    return "0" in values or _LIMIT_ZERO.search(str(error.get("message", ""))) is not None


_LIMIT_ZERO = re.compile(r"\blimit: ?0\b(?!\.)")


def _violations(error: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = _detail(error, "QuotaFailure").get("violations", [])
    return [item for item in listed if isinstance(item, Mapping)] if _is_list(listed) else []


def _is_key_refused(error: Mapping[str, Any]) -> bool:
    """Tell a wrong API key, which arrives as a 400."""
    return str(_detail(error, "ErrorInfo").get("reason", "")).startswith("API_KEY_")


def _retry_after(error: Mapping[str, Any], headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the other side asked for, from the body or the header."""
    delay = str(_detail(error, "RetryInfo").get("retryDelay", ""))
    if match := _SECONDS.fullmatch(delay):
        return float(match[1])
    lowered = {name.lower(): value for name, value in headers.items()}
    return _seconds_until(lowered.get("retry-after", ""))


_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")


def _seconds_until(header: str) -> float | None:
    if header.strip().isdecimal():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _error(body: object) -> Mapping[str, Any]:
    inner = body.get("error", body) if isinstance(body, Mapping) else {}
    return inner if isinstance(inner, Mapping) else {}


def _detail(error: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    listed = error.get("details", [])
    for detail in listed if _is_list(listed) else []:
        if isinstance(detail, Mapping) and str(detail.get("@type", "")).endswith(f".{kind}"):
            return detail
    return {}


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _message(error: Mapping[str, Any]) -> str:
    """Return the provider's own words, shortened; a page of HTML says nothing."""
    words = " ".join(str(error.get("message") or "").split())
    if not words or words.startswith("<"):
        return ""
    return f" It said: {words[:LONGEST_MESSAGE]}"


# --- the way there --------------------------------------------------------------------------------


def failure_on_the_way(error: Exception) -> ModelError:
    """Return what an exception means that is no status: of the transport, the login, the parser.

    The HTTP library behind the SDK may be one of three, so its exceptions are told by their names.
    """
    names = {cls.__name__ for cls in type(error).__mro__}
    for known, kind, message, advice in _ON_THE_WAY:
        if known <= names:
            return kind(message, advice=advice)
    # Anything else may carry the request, and with it the key: its type is told, its text is not.
    return ModelError(
        f"The call to Gemini failed unexpectedly ({type(error).__name__}).",
        advice="The operator should check key, project and address.",
    )


_UNREACHED = ("Gemini is out of reach.", "Try again later.")
_LATE = (
    "Gemini did not answer in time; the call may have been billed.",
    "Try again, with a smaller picture if it was a large one.",
)
_BROKEN = ("The connection to Gemini broke.", "Try again.")
_ADDRESS = ("The address of Gemini makes no sense.", "The operator must mend it.")

# Names of an exception's class and of those above it; the first line that fits counts.
_ON_THE_WAY: tuple[tuple[set[str], type[ModelError], str, str], ...] = (
    (
        {"GoogleAuthError", "TransportError"},
        ModelUnavailable,
        "Google's login is out of reach.",
        "Try again later.",
    ),
    (
        {"GoogleAuthError"},
        ModelCredentials,
        "There are no usable Google credentials on this machine.",
        "Set GEMINI_API_KEY, or log in with an account that may use Vertex AI.",
    ),
    ({"ConnectError"}, ModelUnavailable, *_UNREACHED),
    ({"ConnectTimeout"}, ModelUnavailable, *_UNREACHED),
    ({"PoolTimeout"}, ModelUnavailable, *_UNREACHED),
    ({"TimeoutException"}, ModelTimeout, *_LATE),
    ({"Timeout"}, ModelTimeout, *_LATE),
    (
        {"JSONDecodeError"},
        ModelLost,
        "Something other than Gemini answered (no JSON).",
        "The operator should check the address, and proxies on the way.",
    ),
    ({"UnsupportedProtocol"}, ModelRequestWrong, *_ADDRESS),
    ({"InvalidURL"}, ModelRequestWrong, *_ADDRESS),
    ({"TransportError"}, ModelLost, *_BROKEN),
    ({"RequestException"}, ModelLost, *_BROKEN),
)
