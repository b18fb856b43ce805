"""The one place that touches google-genai, and that not before the first call.

Its import takes about a second and 50 MB, which no cold start should pay.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from common.errors import ModelCredentials, ModelError
from common.vlm.gemini.calls import Call
from common.vlm.gemini.failures import failure_of_status, failure_on_the_way

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.genai import Client as SdkClient

HIDDEN = "[hidden]"
PAGE = 1000  # models a page of the list: all there are


@dataclass(frozen=True)
class Access:
    """How Gemini is reached: by a key, or through Vertex AI in a project.

    Attributes
    ----------
    api_key
        Of the Gemini API; wins over a project.
    project, location
        Of Vertex AI; the location defaults to ``global``.
    credentials
        For Vertex AI; None takes those of the machine.
    base_url, api_version
        Another address or version of the same API; empty leaves it to the SDK.
    """

    api_key: str = field(default="", repr=False)
    project: str = ""
    location: str = ""
    credentials: Credentials | None = field(default=None, repr=False)
    base_url: str = ""
    api_version: str = ""


class Client:
    """The SDK's client: made at the first call, kept, shared by threads and equal accesses."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def send(self, call: Call[Any], seconds: float) -> object:
        """Send one request, once, and return the answer's JSON.

        Raises
        ------
        ModelError
            One of its children, by ``failures``; its text holds no secret.
        """
        with self.typed():
            return json.loads(self._answer(call, seconds))

    def models(self, seconds: float) -> frozenset[str]:
        """Return the ids of the models that the provider lists for these credentials.

        Raises
        ------
        ModelError
            As for `send`.
        """
        with self.typed() as sdk:
            from google.genai import types  # noqa: PLC0415 - see the file's head

            options = types.HttpOptions(timeout=max(1, round(seconds * 1000)))
            config = types.ListModelsConfig(page_size=PAGE, query_base=True, http_options=options)
            listed = sdk.models.list(config=config)
            return frozenset((model.name or "").rpartition("/")[2] for model in listed)

    @contextmanager
    def typed(self) -> Iterator[SdkClient]:
        """Give the SDK's client; what it raises inside the block becomes a `ModelError`."""
        try:
            yield _sdk(self._access)
        except ModelError:
            raise
        except Exception as error:  # noqa: BLE001 - the SDK raises whatever lies below it
            # "from None", since the original may print the request's headers.
            raise self._failure(error) from None

    def _answer(self, call: Call[Any], seconds: float) -> str:
        from google.genai import types  # noqa: PLC0415 - see the file's head

        config = types.GenerateContentConfig.model_validate(
            call.config()
            | {
                "http_options": {"timeout": max(1, round(seconds * 1000))},
                "should_return_http_response": True,
                "automatic_continuation": False,  # every further request is billed
                "automatic_function_calling": {"disable": True},
            }
        )
        content = types.Content.model_validate({"role": "user", "parts": call.parts})
        response = _sdk(self._access).models.generate_content(
            model=call.model,
            contents=content,
            config=config,
        )
        raw = response.sdk_http_response
        return (raw.body if raw else None) or ""

    def _failure(self, error: Exception) -> ModelError:
        from google.genai.errors import APIError  # noqa: PLC0415 - see the file's head

        if not isinstance(error, APIError):
            return failure_on_the_way(error)
        headers = getattr(error.response, "headers", None) or {}
        return self._hushed(failure_of_status(error.code, error.details, headers))

    def _hushed(self, failure: ModelError) -> ModelError:
        """Return the failure with the key struck out, should the provider have quoted it."""
        key = self._access.api_key.strip()
        if key and key in failure.message:
            failure.message = failure.message.replace(key, HIDDEN)
            failure.args = (failure.message,)
        return failure


def _sdk(access: Access) -> SdkClient:
    with _making:  # or else two first calls make two clients
        return _make(access)


_making = Lock()


@lru_cache(maxsize=4)  # making one takes 150 ms, most of it certificates
def _make(access: Access) -> SdkClient:
    if not access.api_key and not access.project:
        raise ModelCredentials(
            "Gemini has neither a key nor a project.",
            advice="Set GEMINI_API_KEY, or choose the embedded engine.",
        )
    from google.genai import Client as SdkClient  # noqa: PLC0415 - see the file's head
    from google.genai import types  # noqa: PLC0415

    options = types.HttpOptions(
        base_url=access.base_url or None,
        api_version=access.api_version or None,
        retry_options=types.HttpRetryOptions(attempts=1),  # `errand` repeats, knowing what costs
    )
    if access.api_key:
        return SdkClient(vertexai=False, api_key=access.api_key, http_options=options)
    return SdkClient(
        vertexai=True,
        project=access.project,
        location=access.location or "global",
        credentials=access.credentials,
        http_options=options,
    )
