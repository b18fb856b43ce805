"""The Gemini provider, on google-genai.

    model -> framing (pixels) -> calls (what to send, and what next) -> errand (the loop, the bill)
          -> client (the SDK) -> reply | failures (what came back)

Only `client` imports the SDK, inside its first call; everything else is plain data and arithmetic.
"""

from common.vlm.gemini.errand import Patience
from common.vlm.gemini.model import GeminiModel

__all__ = ["GeminiModel", "Patience"]
