"""``/openapi.json``: the contract as OpenAPI 3.1, made of the same models that read the requests.

`document` puts it together, `operations` describes the paths of the operations, `others` the other
paths, `parts` what they share.
"""

from functions._openapi.document import build, serve

__all__ = ["build", "serve"]
