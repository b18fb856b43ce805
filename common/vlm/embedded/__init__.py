"""The embedded engine: the default where there is neither key nor network."""

from common.vlm.embedded.model import EmbeddedModel
from common.vlm.embedded.sight import Sight

__all__ = ["EmbeddedModel", "Sight"]
