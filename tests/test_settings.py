"""Settings: the environment, read once."""

import pytest

from common.errors import Misconfigured
from common.settings import Settings


def read(**environ: str) -> Settings:
    return Settings.from_environment(environ)


def test_an_empty_environment_is_the_embedded_engine() -> None:
    settings = read()
    assert settings == Settings()
    assert settings.engine == "embedded"
    assert not settings.gemini_is_set_up


@pytest.mark.parametrize("name", ["GEMINI_API_KEY", "GOOGLE_API_KEY"])
def test_a_key_chooses_gemini(name: str) -> None:
    settings = read(**{name: "secret"})
    assert settings.engine == "gemini"
    assert settings.gemini_is_set_up


def test_a_key_is_never_printed() -> None:
    settings = read(GEMINI_API_KEY="secret")
    assert "secret" not in repr(settings)
    assert "secret" not in str(settings)


def test_vertex_is_a_project_and_a_location() -> None:
    settings = read(
        GOOGLE_GENAI_USE_VERTEXAI="true",
        GOOGLE_CLOUD_PROJECT="shop",
        GOOGLE_CLOUD_LOCATION="europe-west4",
    )
    assert settings.engine == "gemini"
    assert (settings.vertex_project, settings.vertex_location) == ("shop", "europe-west4")


def test_a_project_alone_does_not_start_to_cost_money() -> None:
    settings = read(GOOGLE_CLOUD_PROJECT="shop", GOOGLE_CLOUD_LOCATION="europe-west4")
    assert settings.engine == "embedded"
    assert not settings.gemini_is_set_up


def test_the_studios_own_project_needs_no_further_word() -> None:
    settings = read(STUDIO_VERTEX_PROJECT="shop")
    assert settings.engine == "gemini"
    assert settings.vertex_location == "global"


def test_the_operators_word_on_the_engine_is_the_last() -> None:
    assert read(GEMINI_API_KEY="secret", STUDIO_ENGINE="embedded").engine == "embedded"


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_variable_is_no_variable(blank: str) -> None:
    names = ("GEMINI_API_KEY", "STUDIO_ENGINE", "STUDIO_MAX_BYTES", "STUDIO_INPUT_BUCKET")
    assert read(**dict.fromkeys(names, blank)) == Settings()


def test_numbers_and_lists_are_read() -> None:
    settings = read(
        STUDIO_MODEL_SECONDS="30.5",
        STUDIO_MAX_BYTES="1e6",
        STUDIO_MAX_MEGAPIXELS="24",
        STUDIO_IMAGE_SIZE="2k",
        STUDIO_ALLOWED_BUCKETS="one, two three",
    )
    assert settings.model_seconds == 30.5
    assert settings.max_bytes == 1_000_000
    assert settings.max_megapixels == 24
    assert settings.image_size == "2K"
    assert settings.allowed_buckets == ("one", "two", "three")


@pytest.mark.parametrize(
    "name", ["STUDIO_MODEL_SECONDS", "STUDIO_MAX_BYTES", "STUDIO_MAX_MEGAPIXELS"]
)
@pytest.mark.parametrize("value", ["many", "0", "-1", "nan", "inf"])
def test_a_limit_that_limits_nothing_is_refused(name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=name):
        read(**{name: value})


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(Misconfigured, match="STUDIO_ENGINE"):
        read(STUDIO_ENGINE="magic")


@pytest.mark.parametrize("other", ["STUDIO_OUTPUT_BUCKET", "STUDIO_WORK_BUCKET"])
def test_results_may_not_come_in_again(other: str) -> None:
    with pytest.raises(Misconfigured, match="input bucket"):
        read(**{"STUDIO_INPUT_BUCKET": "gs://photos", other: "gs://photos"})


def test_no_cap_is_set_unless_somebody_sets_one() -> None:
    settings = read()
    assert (settings.cap_request, settings.cap_day, settings.cap_prefixes) == (None, None, {})


def test_caps_are_dollars_for_a_request_a_day_and_prefixes() -> None:
    settings = read(
        STUDIO_CAP_REQUEST_USD="0.25",
        STUDIO_CAP_DAY_USD="20",
        STUDIO_CAP_PREFIX_USD="cutout/shoes/=5, erase/a=b/=0.5",
    )
    assert settings.cap_request == 0.25
    assert settings.cap_day == 20
    assert settings.cap_prefixes == {"cutout/shoes/": 5, "erase/a=b/": 0.5}


@pytest.mark.parametrize("name", ["STUDIO_CAP_REQUEST_USD", "STUDIO_CAP_DAY_USD"])
@pytest.mark.parametrize("value", ["much", "0", "-1", "nan", "inf", "$5"])
def test_a_cap_that_cannot_be_read_is_not_taken_for_none(name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=name):
        read(**{name: value})


@pytest.mark.parametrize("value", ["5", "=5", "cutout/=", "cutout/=much", "cutout/ = 5"])
def test_a_prefix_without_its_cap_is_refused(value: str) -> None:
    with pytest.raises(Misconfigured, match="STUDIO_CAP_PREFIX_USD"):
        read(STUDIO_CAP_PREFIX_USD=value)


@pytest.mark.parametrize("value", ["0", "1.5", "many"])
def test_a_pace_is_a_whole_number(value: str) -> None:
    assert read(STUDIO_MODEL_CALLS="3", STUDIO_IMAGES_A_MINUTE="20").images_a_minute == 20
    for name in ("STUDIO_MODEL_CALLS", "STUDIO_IMAGES_A_MINUTE"):
        with pytest.raises(Misconfigured, match=name):
            read(**{name: value})
