"""The Gemini provider, on google-genai.

    model -> choice (which model, which size) -> framing (pixels) -> calls (what to send, what next)
          -> errand (the loop, the bill) -> meters (money, pace) -> client (the SDK)
          -> reply | failures (what came back)
    or -> collected (calls that wait for a batch), whose jobs are sent through batches -> client

Only `client` imports the SDK, inside its first call; everything else is plain data and arithmetic.
"""

from common.vlm.gemini.batches import Batches
from common.vlm.gemini.client import Access
from common.vlm.gemini.collected import Collection, bill
from common.vlm.gemini.errand import Patience
from common.vlm.gemini.model import GeminiModel
from common.vlm.gemini.pace import Pacer

__all__ = ["Access", "Batches", "Collection", "GeminiModel", "Pacer", "Patience", "bill"]
