"""Expand: the scene carried on to a larger canvas."""

import flask
import functions_framework
from cloudevents.http import CloudEvent

from functions import _events, _http, _wiring


@functions_framework.http
def expand(request: flask.Request) -> flask.Response:
    """Answer an HTTP request."""
    return _http.serve("expand", request)


@functions_framework.cloud_event
def expand_dropped(event: CloudEvent) -> None:
    """Work on a picture dropped into the input bucket."""
    _events.serve("expand", event, _wiring.workshop())
