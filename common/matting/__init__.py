"""From a render on a flat backing to a cutout that keeps the photo's own pixels."""

from common.matting.backing import find_key
from common.matting.keys import BLUE, GREEN, KEYS, MAGENTA, Key, choose_key
from common.matting.matte import Matte, cut, key_alone, witnessed

__all__ = [
    "BLUE",
    "GREEN",
    "KEYS",
    "MAGENTA",
    "Key",
    "Matte",
    "choose_key",
    "cut",
    "find_key",
    "key_alone",
    "witnessed",
]
