"""Where Cloud Run functions start: the one of `functions/` that FUNCTION_TARGET names.

Every function is deployed from the same zip, of which this file is the root, so that `common` and
`functions` are found beside it.  Only the module that is asked for is imported.
"""

import importlib
import os

from common.allocator import keep_freed

keep_freed()
target = os.environ["FUNCTION_TARGET"]  # an entry point: cutout, cutout_dropped
module = importlib.import_module(f"functions.{target.removesuffix('_dropped')}")
globals()[target] = getattr(module, target)
