"""Pipeline: several operations in one request."""

import flask
import functions_framework
from cloudevents.http import CloudEvent

from functions import _events, _http, _wiring


@functions_framework.http
def pipeline(request: flask.Request) -> flask.Response:
    """Answer an HTTP request."""
    return _http.serve("pipeline", request)


@functions_framework.cloud_event
def pipeline_dropped(event: CloudEvent) -> None:
    """Work on a picture dropped into the input bucket."""
    _events.serve("pipeline", event, _wiring.workshop())
