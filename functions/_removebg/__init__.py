"""``POST /v1.0/removebg``: the contract of remove.bg's API over the studio's own cutout.

Programs that were written for that API work when their host is changed: fields, headers and errors
bear the same names.  `fields` reads what is asked, `pictures` makes it, `serving` answers.
"""

from functions._removebg.serving import serve

__all__ = ["serve"]
