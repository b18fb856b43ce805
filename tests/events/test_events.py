"""The bucket door: which events are heard, which options hold, what becomes of failures."""

from __future__ import annotations

import base64
import json
import random
import threading
from typing import Any

import pytest
from cloudevents.http import CloudEvent

from common.errors import Claimed, ModelBusy
from common.jobs import find
from common.jobs.job import Source
from common.operations.options import CutoutOptions, ExpandOptions, PipelineOptions
from functions import _events
from functions._notice import DEAD_AFTER, FINALIZED, PUSHED, read_notice
from studio.watcher import push_body
from tests.support.jobs import assert_consistent, document, names
from tests.support.shop import Shop


def pushed(shop: Shop, name: str, dead_after: int = 0, **changes: str) -> CloudEvent:
    """Return the event that Pub/Sub pushes for an object, perhaps with other attributes."""
    stored = next(stored for stored in shop.buckets.input.list() if stored.name == name)
    body = json.loads(push_body(shop.buckets.input.name, stored, dead_after))
    body["message"]["attributes"] |= changes
    return CloudEvent({"type": PUSHED, "source": "//pubsub.googleapis.com/"}, body)


def finalized(shop: Shop, name: str) -> CloudEvent:
    """Return the event that Eventarc would deliver by itself."""
    message = pushed(shop, name).data["message"]
    resource = json.loads(base64.b64decode(message["data"]))
    return CloudEvent({"type": FINALIZED, "source": "//storage.googleapis.com/"}, resource)


def serve(shop: Shop, name: str, operation: str = "cutout") -> None:
    _events.serve(operation, pushed(shop, name), shop.workshop)


def results(shop: Shop) -> list[str]:
    return names(shop.buckets.output)


def said(shop: Shop, name: str) -> dict[str, Any]:
    return document(shop.buckets.output, name)


# --- what is an input -----------------------------------------------------------------------------


@pytest.mark.parametrize("make", [pushed, finalized])
def test_a_dropped_picture_becomes_a_result(shop: Shop, make: Any) -> None:
    generation = shop.put("cutout/summer/red shoe.jpg", b"pixels")
    _events.serve("cutout", make(shop, "cutout/summer/red shoe.jpg"), shop.workshop)
    assert results(shop) == ["cutout/summer/red shoe.json", "cutout/summer/red shoe.png"]
    assert shop.buckets.output.read("cutout/summer/red shoe.png")[0] == b"PIXELS"
    told = said(shop, "cutout/summer/red shoe.json")
    assert (told["operation"], told["engine"]) == ("cutout", "scripted")
    assert told["input"]["generation"] == str(generation)
    assert shop.calls[0].name == "cutout/summer/red shoe.jpg", "caps go by it"


def test_an_event_may_come_as_bytes_and_without_the_object_itself(shop: Shop) -> None:
    shop.put("cutout/shoe.jpg", b"pixels", params='{"key": "blue"}')
    event = pushed(shop, "cutout/shoe.jpg", payloadFormat="NONE")
    as_bytes = CloudEvent({"type": PUSHED, "source": "x"}, json.dumps(event.data).encode())
    _events.serve("cutout", as_bytes, shop.workshop)
    assert said(shop, "cutout/shoe.json")["input"]["options"]["key"] == "blue"


@pytest.mark.parametrize(
    "name",
    [
        "cutout/recipe.json",
        "cutout/deep/recipe.json",
        "cutout/placeholder.jpg",
        "cutouts/shoe.jpg",
        "erase/shoe.jpg",
        "shoe.jpg",
    ],
)
def test_what_is_no_input_is_left_alone(shop: Shop, name: str) -> None:
    shop.put(name, b"" if "placeholder" in name else b"{}")
    serve(shop, name)
    assert (results(shop), shop.calls) == ([], [])


@pytest.mark.parametrize("name", ["cutout/", "cutout/.DS_Store", "cutout/.trash/shoe.jpg"])
def test_folders_and_hidden_files_are_no_inputs(shop: Shop, name: str) -> None:
    shop.put("cutout/shoe.jpg", b"x")
    _events.serve("cutout", pushed(shop, "cutout/shoe.jpg", objectId=name), shop.workshop)
    assert results(shop) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"eventType": "OBJECT_DELETE"},
        {"eventType": "OBJECT_METADATA_UPDATE"},
        {"bucketId": "output"},
        {"objectGeneration": "many"},
    ],
)
def test_events_of_another_kind_are_done_at_once(shop: Shop, changes: dict[str, str]) -> None:
    shop.put("cutout/shoe.jpg", b"x")
    event = pushed(shop, "cutout/shoe.jpg")
    event.data["message"]["attributes"] |= changes
    _events.serve("cutout", event, shop.workshop)
    assert (results(shop), shop.calls) == ([], [])


@pytest.mark.parametrize(
    "data", [None, "", "no JSON", b"\xff", [], {}, {"message": None}, {"message": {"data": "?"}}]
)
@pytest.mark.parametrize("kind", [PUSHED, FINALIZED, "com.example.other"])
def test_what_is_no_event_of_cloud_storage_is_done_at_once(
    shop: Shop, kind: str, data: object
) -> None:
    _events.serve("cutout", CloudEvent({"type": kind, "source": "x"}, data), shop.workshop)
    assert results(shop) == []


@pytest.mark.parametrize("name", ["cutout/../../secret.jpg", "cutout//a.jpg", "cutout/a\\b.jpg"])
def test_a_name_that_cannot_be_used_is_refused_visibly(shop: Shop, name: str) -> None:
    shop.put("cutout/shoe.jpg", b"x")
    _events.serve("cutout", pushed(shop, "cutout/shoe.jpg", objectId=name), shop.workshop)
    (place,) = results(shop)
    assert place.startswith("cutout/unnamed-")
    assert (said(shop, place)["code"], said(shop, place)["input"]["name"]) == (
        "bad-object-name",
        name,
    )


# --- options --------------------------------------------------------------------------------------


def test_params_stand_over_the_recipe_and_the_recipe_over_the_defaults(shop: Shop) -> None:
    recipe = shop.put("cutout/recipe.json", {"key": "blue", "subject": "the shoe"})
    shop.put("cutout/shoe.jpg", b"x", params='{"key": "magenta"}')
    serve(shop, "cutout/shoe.jpg")
    options = shop.calls[0].options
    assert options == CutoutOptions(key="magenta", subject="the shoe")
    told = said(shop, "cutout/shoe.json")["input"]
    assert told["options"] == options.model_dump(mode="json")
    assert told["recipe"]["name"] == "cutout/recipe.json"
    assert told["recipe"]["generation"] == str(recipe)


def test_the_nearest_recipe_holds_alone(shop: Shop) -> None:
    shop.put("recipe.json", {"key": "green"})  # above the operation's folder: not looked at
    shop.put("cutout/recipe.json", {"key": "blue", "subject": "far"})
    shop.put("cutout/a/b/recipe.json", {"key": "magenta"})
    for name in ("cutout/a/b/c/1.jpg", "cutout/a/2.jpg"):
        shop.put(name, b"x")
        serve(shop, name)
    assert [call.options for call in shop.calls] == [
        CutoutOptions(key="magenta"),
        CutoutOptions(key="blue", subject="far"),
    ]


def test_a_pipeline_reads_its_steps_from_the_recipe(shop: Shop) -> None:
    shop.put("pipeline/recipe.json", {"steps": [{"operation": "cutout", "key": "blue"}]})
    shop.put("pipeline/shoe.jpg", b"x")
    serve(shop, "pipeline/shoe.jpg", "pipeline")
    (call,) = shop.calls
    assert isinstance(call.options, PipelineOptions)
    assert call.options.steps == [CutoutOptions(key="blue")]


def test_two_ways_to_say_the_same_are_one_job(shop: Shop) -> None:
    shop.put("expand/shoe.jpg", b"x", params='{"aspect": "16:9"}')
    event = pushed(shop, "expand/shoe.jpg")
    _events.serve("expand", event, shop.workshop)
    shop.put("expand/recipe.json", {"aspect": 16 / 9, "anchor": "center"})
    bare = json.loads(base64.b64decode(event.data["message"]["data"]))
    bare["metadata"] = {}
    event.data["message"]["data"] = base64.b64encode(json.dumps(bare).encode()).decode()
    _events.serve("expand", event, shop.workshop)
    assert [call.options for call in shop.calls] == [ExpandOptions(aspect="16:9")]


@pytest.mark.parametrize(
    ("recipe", "params", "field"),
    [
        ({"colour": "red"}, "", "colour"),
        ({"key": "pink"}, "", "key"),
        ({}, '{"key": ', "params"),
        ({}, '["key"]', "params"),
        ({}, "[" * 100_000, "params"),
        (b"\xff\xfe", "", "cutout/recipe.json"),
        (b"[1]", "", "cutout/recipe.json"),
        ({"background": "backdrops/none.jpg"}, "", "background"),
    ],
)
def test_options_that_are_not_understood_are_told_in_the_output(
    shop: Shop, recipe: Any, params: str, field: str
) -> None:
    shop.put("cutout/recipe.json", recipe)
    shop.put("cutout/shoe.jpg", b"x", params=params)
    serve(shop, "cutout/shoe.jpg")
    told = said(shop, "cutout/shoe.json")
    assert (told["code"], told["field"], shop.calls) == ("bad-options", field, [])
    assert told["input"]["recipe"]["name"] == "cutout/recipe.json"


def test_a_background_is_a_picture_of_the_input_bucket(shop: Shop) -> None:
    generation = shop.put("backdrops/loft.jpg", b"loft")
    shop.put("cutout/shoe.jpg", b"x", params='{"background": "backdrops/loft.jpg"}')
    serve(shop, "cutout/shoe.jpg")
    assert shop.calls[0].backdrop == b"loft"
    told = said(shop, "cutout/shoe.json")["input"]["backdrop"]
    assert (told["name"], told["generation"]) == ("backdrops/loft.jpg", str(generation))


def test_a_new_backdrop_is_another_job(shop: Shop) -> None:
    shop.put("cutout/shoe.jpg", b"x", params='{"background": "loft.jpg"}')
    for backdrop in (b"old", b"new", b"new"):
        if not shop.calls or shop.calls[-1].backdrop != backdrop:
            shop.put("loft.jpg", backdrop)
        serve(shop, "cutout/shoe.jpg")
    assert [call.backdrop for call in shop.calls] == [b"old", b"new"]


def test_a_mask_is_a_picture_of_the_input_bucket_and_another_one_is_another_job(
    shop: Shop,
) -> None:
    shop.put("erase/shoe.jpg", b"x", params='{"mask": "masks/shoe.png"}')
    for mask in (b"old", b"new", b"new"):
        if not shop.calls or shop.calls[-1].mask != mask:
            shop.put("masks/shoe.png", mask)
        serve(shop, "erase/shoe.jpg", "erase")
    assert [call.mask for call in shop.calls] == [b"old", b"new"]
    assert said(shop, "erase/shoe.json")["input"]["mask"]["name"] == "masks/shoe.png"


def test_a_mask_that_is_not_there_is_told(shop: Shop) -> None:
    shop.put("erase/shoe.jpg", b"x", params='{"mask": "masks/none.png"}')
    serve(shop, "erase/shoe.jpg", "erase")
    told = said(shop, "erase/shoe.json")
    assert (told["code"], told["field"]) == ("bad-options", "mask")
    assert "masks/none.png" in told["detail"]


def test_colours_are_no_pictures(shop: Shop) -> None:
    shop.put("cutout/shoe.jpg", b"x", params='{"background": "#ffffff"}')
    serve(shop, "cutout/shoe.jpg")
    assert shop.calls[0].backdrop is None


# --- failures and repetition ----------------------------------------------------------------------


def test_a_broken_picture_answers_and_leaves_a_problem(shop: Shop) -> None:
    shop.put("cutout/shoe.jpg", b"broken")
    serve(shop, "cutout/shoe.jpg")
    told = said(shop, "cutout/shoe.json")
    assert told["code"] == "broken-picture"
    assert told["detail"] == "The file ends too early. Export it again."
    assert told["picture"] is None


def test_a_picture_above_the_limit_is_refused_unread(shop: Shop) -> None:
    shop.put("cutout/shoe.jpg", b"x" * 1001)
    serve(shop, "cutout/shoe.jpg")
    assert said(shop, "cutout/shoe.json")["code"] == "picture-too-large"
    assert shop.calls == []


def test_a_defect_is_logged_with_its_cause_and_told_without(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.troubles = [ZeroDivisionError("inside")]
    shop.put("cutout/shoe.jpg", b"x")
    serve(shop, "cutout/shoe.jpg")
    assert "ZeroDivisionError: inside" in capsys.readouterr().out
    assert "inside" not in json.dumps(said(shop, "cutout/shoe.json"))


def test_a_busy_model_raises_and_the_next_delivery_succeeds(shop: Shop) -> None:
    shop.troubles = [ModelBusy("Too many requests.")]
    shop.put("cutout/shoe.jpg", b"x")
    with pytest.raises(ModelBusy):
        serve(shop, "cutout/shoe.jpg")
    assert results(shop) == []
    serve(shop, "cutout/shoe.jpg")
    assert said(shop, "cutout/shoe.json")["job"]["outcome"] == "done"


def test_a_dead_letter_becomes_a_failed_result_with_the_last_reason(shop: Shop) -> None:
    shop.troubles = [ModelBusy("Too many requests.")]
    shop.put("cutout/shoe.jpg", b"x")
    with pytest.raises(ModelBusy):
        serve(shop, "cutout/shoe.jpg")
    _events.serve("cutout", pushed(shop, "cutout/shoe.jpg", dead_after=10), shop.workshop)
    told = said(shop, "cutout/shoe.json")
    assert (told["code"], told["attempts"]) == ("model-busy", 10)
    assert len(shop.calls) == 1, "a dead letter runs nothing"


def test_an_overwritten_or_deleted_input_is_quietly_done(shop: Shop) -> None:
    shop.put("cutout/shoe.jpg", b"old")
    late = pushed(shop, "cutout/shoe.jpg")
    shop.put("cutout/shoe.jpg", b"new")
    _events.serve("cutout", late, shop.workshop)
    deleted = pushed(shop, "cutout/shoe.jpg")
    shop.buckets.input.delete("cutout/shoe.jpg")
    _events.serve("cutout", deleted, shop.workshop)
    assert (results(shop), shop.calls) == ([], [])


@pytest.mark.parametrize("seed", range(4))
def test_events_in_any_number_and_order_run_each_generation_once(shop: Shop, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - for shuffling, not for secrets
    events: list[CloudEvent] = []
    for number in range(5):
        name = f"cutout/{number}.jpg"
        for generation in range(chance.randint(1, 2)):
            shop.put(name, f"picture {number} {generation}".encode())
            events += [pushed(shop, name)] * chance.randint(1, 4)
    chance.shuffle(events)
    _deliver_all(shop, events)
    newest = {stored.name: stored for stored in shop.buckets.input.list()}
    assert sorted(call.data for call in shop.calls) == sorted(
        shop.buckets.input.read(name)[0] for name in newest
    )
    for name, stored in newest.items():
        source = Source("input", name, stored.generation)
        found = find(shop.buckets.output, "cutout", source)
        assert found is not None
        assert found.source == source
    assert_consistent(shop.buckets.output)


def _deliver_all(shop: Shop, events: list[CloudEvent]) -> None:
    """Deliver from four threads; what is claimed by another comes again, as Pub/Sub does it."""
    lock = threading.Lock()

    def deliver() -> None:
        while events:
            with lock:
                if not events:
                    return
                event = events.pop()
            try:
                _events.serve("cutout", event, shop.workshop)
            except Claimed:
                with lock:
                    events.insert(0, event)

    threads = [threading.Thread(target=deliver) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_the_event_says_what_was_written(shop: Shop) -> None:
    generation = shop.put("cutout/ä b.jpg", b"12345", params="{}")
    notice = read_notice(pushed(shop, "cutout/ä b.jpg", dead_after=3))
    assert notice is not None
    assert notice.source == Source("input", "cutout/ä b.jpg", generation)
    assert (notice.size, notice.metadata, notice.dead_after) == (5, {"params": "{}"}, 3)
    assert DEAD_AFTER in pushed(shop, "cutout/ä b.jpg", dead_after=3).data["message"]["attributes"]
