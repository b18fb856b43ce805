"""Jobs of Gemini's batch API in file mode: requests go up as a file, answers come down as one.

Only the surface of the API key has files of its own.  Vertex AI reads and writes buckets in its own
name, tells no name of the file it wrote, and may answer one line many times; it is not spoken to.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from common.errors import Misconfigured, ModelError, ModelGone
from common.vlm.gemini.client import Access, Client

if TYPE_CHECKING:
    from io import BufferedIOBase

    from google.genai.types import BatchJob, HttpOptions

JSON_LINES = "application/jsonl"
PAGE = 100  # jobs a page of the list


class Phase(StrEnum):
    """How far a job is."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


# Names the SDK gives to the states that end a job; all others, unknown ones too, mean that it runs.
_ENDED = {
    "JOB_STATE_SUCCEEDED": Phase.SUCCEEDED,
    "JOB_STATE_PARTIALLY_SUCCEEDED": Phase.SUCCEEDED,
    "JOB_STATE_FAILED": Phase.FAILED,
    "JOB_STATE_CANCELLED": Phase.CANCELLED,
    "JOB_STATE_EXPIRED": Phase.EXPIRED,
}


@dataclass(frozen=True)
class Batch:
    """A job as the provider tells of it; `results` names its file of answers, if there is one."""

    name: str
    phase: Phase
    results: str = ""


class Batches:
    """The provider's jobs and files.

    Every method raises a `ModelError` by what went wrong.

    Parameters
    ----------
    access
        How Gemini is reached.
    seconds
        The timeout of one request.

    Raises
    ------
    Misconfigured
        There is no API key.
    """

    def __init__(self, access: Access, seconds: float) -> None:
        if not access.api_key:
            raise Misconfigured(
                "Batches need a key of the Gemini API; Vertex AI has no files of requests.",
                advice='Set GEMINI_API_KEY, or take "when" out of the recipe.',
            )
        self._client = Client(access)
        self._address = access.base_url or None
        self._milliseconds = max(1, round(seconds * 1000))

    def upload(self, lines: BufferedIOBase, name: str) -> str:
        """Upload a file of requests, shown as `name`; return its own name."""
        with self._client.typed() as sdk:
            from google.genai import types  # noqa: PLC0415 - slow; see `client`

            config = types.UploadFileConfig(
                display_name=name, mime_type=JSON_LINES, http_options=self._options()
            )
            return sdk.files.upload(file=lines, config=config).name or ""

    def forget(self, file: str) -> None:
        """Delete a file; one that is gone already is no failure."""
        with self._client.typed() as sdk:
            from google.genai import types  # noqa: PLC0415 - as above

            try:
                config = types.DeleteFileConfig(http_options=self._options())
                sdk.files.delete(name=file, config=config)
            except Exception as error:
                if getattr(error, "code", None) not in {403, 404}:  # 403: it is told so too
                    raise

    def create(self, model: str, file: str, name: str) -> Batch:
        """Begin a job over an uploaded file, shown as `name`.  Repeated, it begins another."""
        with self._client.typed() as sdk:
            from google.genai import types  # noqa: PLC0415 - as above

            config = types.CreateBatchJobConfig(display_name=name, http_options=self._options())
            return _batch(sdk.batches.create(model=model, src=file, config=config))

    def find(self, name: str) -> Batch | None:
        """Return the job that was begun under a display name."""
        with self._client.typed() as sdk:
            from google.genai import types  # noqa: PLC0415 - as above

            config = types.ListBatchJobsConfig(page_size=PAGE, http_options=self._options())
            listed = sdk.batches.list(config=config)
            return next((_batch(job) for job in listed if job.display_name == name), None)

    def get(self, name: str) -> Batch | None:
        """Return a job; None where there is none of that name any more."""
        try:
            with self._client.typed() as sdk:
                from google.genai import types  # noqa: PLC0415 - as above

                config = types.GetBatchJobConfig(http_options=self._options())
                return _batch(sdk.batches.get(name=name, config=config))
        except ModelGone:
            return None

    def download(self, file: str, to: BufferedIOBase) -> None:
        """Write the bytes of a file of answers, piece by piece."""
        with self._client.typed() as sdk:
            from google.genai import types  # noqa: PLC0415 - as above

            config = types.DownloadFileConfig(http_options=self._options())
            sdk.files.download(file=file, destination=to, config=config)

    def _options(self) -> HttpOptions:
        """Return fresh options: the SDK writes its own headers into those it is handed.

        Handed options, it forgets of its client's own where to upload.
        """
        from google.genai import types  # noqa: PLC0415 - as above

        return types.HttpOptions(base_url=self._address, timeout=self._milliseconds)


def _batch(job: BatchJob) -> Batch:
    if not job.name:
        raise ModelError("Gemini told of a batch without its name.")
    state = job.state.name if job.state else ""
    results = (job.dest.file_name if job.dest else "") or ""
    return Batch(job.name, _ENDED.get(state, Phase.RUNNING), results)
