"""Clean: the picture without its clutter, on an even backdrop."""

import flask
import functions_framework
from cloudevents.http import CloudEvent

from functions import _events, _http, _wiring


@functions_framework.http
def clean(request: flask.Request) -> flask.Response:
    """Answer an HTTP request."""
    return _http.serve("clean", request)


@functions_framework.cloud_event
def clean_dropped(event: CloudEvent) -> None:
    """Work on a picture dropped into the input bucket."""
    _events.serve("clean", event, _wiring.workshop())
