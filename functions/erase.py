"""Erase: the picture without its writing."""

import flask
import functions_framework
from cloudevents.http import CloudEvent

from functions import _events, _http, _wiring


@functions_framework.http
def erase(request: flask.Request) -> flask.Response:
    """Answer an HTTP request."""
    return _http.serve("erase", request)


@functions_framework.cloud_event
def erase_dropped(event: CloudEvent) -> None:
    """Work on a picture dropped into the input bucket."""
    _events.serve("erase", event, _wiring.workshop())
