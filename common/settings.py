"""Environment -> one frozen `Settings`, read once, at the door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast, get_args
from urllib.parse import urlsplit

from common.apikeys import ApiKey, read_keys
from common.errors import Misconfigured

Engine = Literal["gemini", "embedded"]
Access = Literal["keys", "iam", "iap", "open"]


@dataclass(frozen=True)
class Settings:
    """Everything an operator may set.

    Attributes
    ----------
    engine
        The engine when a request names none.
    gemini_api_key, vertex_project, vertex_location
        Credentials of the Gemini API, or where Vertex AI answers; never printed.
    gemini_base_url
        Another address of the same API, for a proxy or a test double.
    image_model, fast_model, pro_model, text_model
        Model ids for pictures of each quality, and for facts.
    image_size
        The largest picture that is asked for: ``1K``, ``2K`` or ``4K``.
    model_seconds
        One deadline for a model call and its repetitions; below the function's own timeout.
    model_calls, images_a_minute
        Most calls at a time, and most pictures asked for in a minute, by this process.
    cap_request, cap_day, cap_prefixes
        Most dollars for one request, for a day, and for a day's pictures whose name begins so;
        None is no cap.
    max_bytes, max_megapixels
        Limits of a picture, checked before it is decoded.
    input_bucket, work_bucket, output_bucket
        ``gs://name`` or a folder; empty where a function has no need of it.
    sweep_seconds, sweep_inputs
        How long one sweep begins new work, and how many inputs it runs at most.
    webhook_secret
        Signs finished notices, as Standard Webhooks has it; never printed.
    allowed_buckets
        Names of buckets that ``image_uri`` may read from.
    project
        The Google Cloud project whose logs and traces these are.
    access
        Who may post to ``/v1``: holders of a key, whom Cloud Run's own check (iam) or
        Identity-Aware Proxy (iap) let through, or anybody (open).
    api_keys
        The keys, as `common.apikeys.read_keys` reads them; never printed.
    iap_audience
        Whom Identity-Aware Proxy's tokens must be for.
    upload_account
        The service account as which pictures that came by HTTP are put into the input bucket, and
        addresses for uploads are signed: no function's own account may write there.
    allowed_origins
        Web pages that may call from a browser: ``https://shop.example``.
    requests_together
        Requests that are worked on at a time by this process; others wait, or are told to.
    body_seconds
        How long a request may take to bring its body.
    """

    engine: Engine = "embedded"
    gemini_api_key: str = field(default="", repr=False)
    vertex_project: str = ""
    vertex_location: str = ""
    gemini_base_url: str = ""
    image_model: str = "gemini-nano-banana-2.1"
    fast_model: str = "gemini-3.1-flash-lite-image"
    pro_model: str = "gemini-3-pro-image"
    text_model: str = "gemini-3.8-flash"
    image_size: str = "4K"
    model_seconds: float = 120.0
    model_calls: int = 8
    images_a_minute: int = 60
    cap_request: float | None = None
    cap_day: float | None = None
    cap_prefixes: Mapping[str, float] = field(default_factory=dict)
    max_bytes: int = 50_000_000
    max_megapixels: float = 100.0
    input_bucket: str = ""
    work_bucket: str = ""
    output_bucket: str = ""
    sweep_seconds: float = 240.0
    sweep_inputs: int = 500
    webhook_secret: str = field(default="", repr=False)
    allowed_buckets: tuple[str, ...] = ()
    project: str = ""
    access: Access = "keys"
    api_keys: tuple[ApiKey, ...] = field(default=(), repr=False)
    iap_audience: str = ""
    upload_account: str = ""
    allowed_origins: tuple[str, ...] = ()
    requests_together: int = 4
    body_seconds: float = 60.0

    @property
    def gemini_is_set_up(self) -> bool:
        """Whether there is a key, or a Vertex AI project."""
        return bool(self.gemini_api_key or self.vertex_project)

    @staticmethod
    def from_environment(environ: Mapping[str, str]) -> Settings:
        """Read the environment.

        Raises
        ------
        Misconfigured
            A variable makes no sense, or the input and output buckets are one and the same.
        """
        read = _Reader(environ)
        key = read.text("GEMINI_API_KEY", read.text("GOOGLE_API_KEY"))
        project = read.text("STUDIO_VERTEX_PROJECT", read.text("GOOGLE_CLOUD_PROJECT"))
        wants_vertex = read.text("GOOGLE_GENAI_USE_VERTEXAI").lower() in {"1", "true", "yes"}
        project = project if wants_vertex or "STUDIO_VERTEX_PROJECT" in environ else ""
        settings = Settings(
            engine=read.engine("STUDIO_ENGINE", "gemini" if key or project else "embedded"),
            gemini_api_key=key,
            vertex_project=project,
            vertex_location=read.text("GOOGLE_CLOUD_LOCATION", "global") if project else "",
            gemini_base_url=read.text("STUDIO_GEMINI_BASE_URL"),
            image_model=read.text("STUDIO_IMAGE_MODEL", Settings.image_model),
            fast_model=read.text("STUDIO_FAST_MODEL", Settings.fast_model),
            pro_model=read.text("STUDIO_PRO_MODEL", Settings.pro_model),
            text_model=read.text("STUDIO_TEXT_MODEL", Settings.text_model),
            image_size=read.text("STUDIO_IMAGE_SIZE", Settings.image_size).upper(),
            model_seconds=read.number("STUDIO_MODEL_SECONDS", Settings.model_seconds),
            model_calls=read.count("STUDIO_MODEL_CALLS", Settings.model_calls),
            images_a_minute=read.count("STUDIO_IMAGES_A_MINUTE", Settings.images_a_minute),
            cap_request=read.cap("STUDIO_CAP_REQUEST_USD"),
            cap_day=read.cap("STUDIO_CAP_DAY_USD"),
            cap_prefixes=read.caps("STUDIO_CAP_PREFIX_USD"),
            max_bytes=int(read.number("STUDIO_MAX_BYTES", Settings.max_bytes)),
            max_megapixels=read.number("STUDIO_MAX_MEGAPIXELS", Settings.max_megapixels),
            input_bucket=read.text("STUDIO_INPUT_BUCKET"),
            work_bucket=read.text("STUDIO_WORK_BUCKET"),
            output_bucket=read.text("STUDIO_OUTPUT_BUCKET"),
            sweep_seconds=read.number("STUDIO_SWEEP_SECONDS", Settings.sweep_seconds),
            sweep_inputs=read.count("STUDIO_SWEEP_INPUTS", Settings.sweep_inputs),
            webhook_secret=read.text("STUDIO_WEBHOOK_SECRET"),
            allowed_buckets=tuple(read.text("STUDIO_ALLOWED_BUCKETS").replace(",", " ").split()),
            project=read.text("GOOGLE_CLOUD_PROJECT"),
            access=read.access("STUDIO_ACCESS", "keys"),
            api_keys=read_keys(read.text("STUDIO_API_KEYS")),
            iap_audience=read.text("STUDIO_IAP_AUDIENCE"),
            upload_account=read.text("STUDIO_UPLOAD_ACCOUNT"),
            allowed_origins=read.origins("STUDIO_ALLOWED_ORIGINS"),
            requests_together=read.count("STUDIO_REQUESTS_TOGETHER", Settings.requests_together),
            body_seconds=read.number("STUDIO_BODY_SECONDS", Settings.body_seconds),
        )
        settings._refuse_a_loop()
        return settings

    def _refuse_a_loop(self) -> None:
        if self.input_bucket and self.input_bucket in {self.output_bucket, self.work_bucket}:
            raise Misconfigured(
                "The input bucket is also an output or work bucket: results would come in again.",
                advice="Use three different buckets.",
            )


@dataclass(frozen=True)
class _Reader:
    environ: Mapping[str, str]

    def text(self, name: str, default: str = "") -> str:
        return self.environ.get(name, "").strip() or default

    def number(self, name: str, default: float) -> float:
        return _number(name, self.text(name) or str(default))

    def count(self, name: str, default: int) -> int:
        number = self.number(name, default)
        if number != int(number):
            raise Misconfigured(f"{name} must be a whole number, not {number}.")
        return int(number)

    def cap(self, name: str) -> float | None:
        """Read dollars; not set is no cap, and what cannot be read is never taken for none."""
        value = self.text(name)
        return _number(name, value) if value else None

    def caps(self, name: str) -> dict[str, float]:
        """Read ``cutout/shoes/=5 erase/=2``."""
        pairs = [entry.rpartition("=") for entry in self.text(name).replace(",", " ").split()]
        if not all(prefix for prefix, _, _ in pairs):
            raise Misconfigured(f"{name} must be written as PREFIX=DOLLARS, several with spaces.")
        return {prefix: _number(name, value) for prefix, _, value in pairs}

    def engine(self, name: str, default: str) -> Engine:
        match self.text(name, default):
            case "gemini":
                return "gemini"
            case "embedded":
                return "embedded"
            case other:
                raise Misconfigured(f"{name} must be gemini or embedded, not {other!r}.")

    def access(self, name: str, default: Access) -> Access:
        value = self.text(name, default)
        for access in get_args(Access):
            if value == access:
                return cast("Access", access)
        raise Misconfigured(f"{name} must be keys, iam, iap or open, not {value!r}.")

    def origins(self, name: str) -> tuple[str, ...]:
        """Read ``https://shop.example https://other.example``; there is no word for all."""
        origins = tuple(self.text(name).replace(",", " ").split())
        for origin in origins:
            parts = urlsplit(origin)
            if not parts.netloc or origin != f"{parts.scheme}://{parts.netloc}":
                raise Misconfigured(f"{name} holds {origin!r}, which is no origin of a page.")
        return origins


def _number(name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise Misconfigured(f"{name} must be a number above 0, not {value!r}.")
    return number
