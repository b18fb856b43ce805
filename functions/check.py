"""Check: a picture against what marketplaces ask for."""

import flask
import functions_framework
from cloudevents.http import CloudEvent

from functions import _events, _http, _wiring


@functions_framework.http
def check(request: flask.Request) -> flask.Response:
    """Answer an HTTP request."""
    return _http.serve("check", request)


@functions_framework.cloud_event
def check_dropped(event: CloudEvent) -> None:
    """Work on a picture dropped into the input bucket."""
    _events.serve("check", event, _wiring.workshop())
