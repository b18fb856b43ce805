"""The HTTP door: one request in, a picture, a report or a problem out.

`door` is the frame of every path: ids, problems, headers, the log.  `operations` is the way of a
request for an operation; the other rooms hold one concern each: who asks (`access`), what comes
back (`accept`, `replies`), at most once (`idempotency`), not too many at a time (`crowd`), and work
that is done later (`later`).
"""

from functions._http.operations import serve

__all__ = ["serve"]
