"""Detect: find objects and writing."""

import flask
import functions_framework
from cloudevents.http import CloudEvent

from functions import _events, _http, _wiring


@functions_framework.http
def detect(request: flask.Request) -> flask.Response:
    """Answer an HTTP request."""
    return _http.serve("detect", request)


@functions_framework.cloud_event
def detect_dropped(event: CloudEvent) -> None:
    """Work on a picture dropped into the input bucket."""
    _events.serve("detect", event, _wiring.workshop())
