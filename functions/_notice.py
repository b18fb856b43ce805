"""What an event of Cloud Storage says: which object is new, and whether this is a dead letter."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cloudevents.http import CloudEvent

from common.jobs import Source

PUSHED = "google.cloud.pubsub.topic.v1.messagePublished"
FINALIZED = "google.cloud.storage.object.v1.finalized"
NEW_OBJECT = "OBJECT_FINALIZE"
DEAD_AFTER = "CloudPubSubDeadLetterSourceDeliveryCount"  # Pub/Sub's own mark on a dead letter


@dataclass(frozen=True)
class Notice:
    """What an event says.

    Attributes
    ----------
    source
        The new object.
    size
        In bytes; None where the event does not say.
    metadata
        The object's; None where the event does not say.
    dead_after
        How often it was delivered in vain, where this is a dead letter; else 0.
    """

    source: Source
    size: int | None = None
    metadata: Mapping[str, str] | None = None
    dead_after: int = 0


def read_notice(event: CloudEvent) -> Notice | None:
    """Return what an event says, None where it is not about a new object.

    Raises
    ------
    ValueError, KeyError, TypeError
        It is no event of Cloud Storage.
    """
    data = event.data
    if isinstance(data, str | bytes):
        data = json.loads(data)
    if event["type"] == FINALIZED:
        return _notice(data["bucket"], data["name"], data["generation"], data)
    if event["type"] != PUSHED:
        return None
    message = data["message"]
    attributes = message.get("attributes") or {}
    if attributes["eventType"] != NEW_OBJECT:
        return None
    text = base64.b64decode(message.get("data") or b"")
    resource = json.loads(text) if attributes.get("payloadFormat") == "JSON_API_V1" else {}
    return _notice(
        attributes["bucketId"],
        attributes["objectId"],
        attributes["objectGeneration"],
        resource,
        int(attributes.get(DEAD_AFTER, 0)),
    )


def _notice(
    bucket: str, name: str, generation: str, resource: Mapping[str, Any], dead_after: int = 0
) -> Notice:
    size = resource.get("size")
    return Notice(
        Source(str(bucket), str(name), int(generation)),
        None if size is None else int(size),
        (resource.get("metadata") or {}) if resource else None,
        dead_after,
    )
