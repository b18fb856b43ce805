"""Named prompts with slots; no logic.

A prompt's version is part of a render's identity: change the words, raise the version.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import Template


@dataclass(frozen=True)
class Prompt:
    """Words for a model: which prompt, which version of it, and the text with its slots filled."""

    name: str
    version: int
    text: str


@dataclass(frozen=True)
class _Template:
    version: int
    text: str


_TEMPLATES = {
    "detect": _Template(
        3,
        """Find in this picture: $query
Answer with a JSON array and nothing else. Each entry is an object with these fields:
"box_2d": [ymin, xmin, ymax, xmax], integers from 0 to 1000 relative to the picture's height and width;
"label": a short name in the language of the request; tell repeated objects apart by what sets them apart;
"kind": "object" for a thing, "text" for one line of writing;
"text": the writing itself, in its own script, exactly as it stands, where kind is "text"; otherwise "";
"layer": "overlay" for writing and graphics that were laid over the finished picture (captions, badges, banners,
watermarks); "scene" for things in the scene and for what is printed or written on them;
"material": "opaque", "translucent" (glass, clear plastic, thin cloth) or "fine" (hair, fur, mesh, lace);
"colors": up to three main colours as "#RRGGBB";
"confidence": how sure you are, from 0 to 1.
The box covers the whole thing and fits it tightly, its thin and see-through parts included.
Give each thing one entry. Never return masks or code fencing. Limit to 25 entries.
An empty array means that nothing was found.""",
    ),
    "json_only": _Template(
        1,
        """Answer with the JSON array itself, starting with [ and ending with ]. If nothing was found, answer [].""",
    ),
    "repair": _Template(
        3,
        """The text between the lines was meant to be a JSON array of objects with the fields box_2d (four integers
from 0 to 1000: ymin, xmin, ymax, xmax), label, kind, text, layer, material, colors and confidence. It cannot be read.
-----
$answer
-----
Write the same entries again as one valid JSON array and nothing else. Leave out an entry that has no box.""",
    ),
    "cutout": _Template(
        2,
        """Using the provided photo, reproduce only $subject: the same shape, pose, proportions, size and position
in the frame, the same colours, materials, writing and lighting, with its complete silhouette.
Change everything else to one flat, evenly lit backing of pure $key_name ($key_hex) that fills the picture up to
every border, like a seamless digital fill. Openings through which the background shows (handles, gaps, mesh,
loose hair) show the same backing.
The backing has one single colour: no shadow, no glow, no reflection, no gradient, no floor line.
The subject itself carries none of the backing's colour. Keep the framing and the aspect ratio of the photo.""",
    ),
    "erase": _Template(
        3,
        """Using the provided image, change only $what ($where) to the bare surface that lies beneath it, as if
nothing had ever been printed there: the same texture, colour, light and grain carried on without a break.
Keep everything else in the image exactly the same, preserving the original style, lighting, composition and
framing.$keep""",
    ),
    "clean": _Template(
        1,
        """Using the provided image, remove only $what ($where), together with the shadows and reflections it throws.
Show what lies behind it as if it had never been there: the same surfaces, texture, colour, light and grain carried
on without a break. Add nothing new. Keep everything else in the image exactly the same, preserving the original
style, lighting, composition and framing.$keep""",
    ),
    "expand": _Template(
        2,
        """The provided image is a photo on a larger blank canvas. Seamlessly extend the photo to fill the entire blank
canvas up to every border: logically and stylistically continue the scene, its surfaces, light, perspective, focus
and grain. The photo itself keeps its place, its size and every detail. The new area holds only what surrounds the
scene; the subject of the photo appears once.""",
    ),
    "picture_only": _Template(
        1,
        """Answer with the finished picture itself, showing the whole frame as described; words are not needed.""",
    ),
}


def fill(name: str, /, **slots: str) -> Prompt:
    """Return the prompt `name` with every slot filled.

    Raises
    ------
    KeyError
        The prompt is unknown or one of its slots was left open.
    """
    template = _TEMPLATES[name]
    return Prompt(name, template.version, Template(template.text).substitute(slots))


def names() -> tuple[str, ...]:
    """Return the names of all prompts."""
    return tuple(_TEMPLATES)
