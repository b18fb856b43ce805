"""A photo, and the picture a perfect model would make of it, as files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from common import codec
from common.image import U8, Image
from tests.support.pictures import Scene, product

GREEN = (0, 250, 10)  # a model never hits the key exactly
WHOLE = "0,0,1000,1000"


@dataclass(frozen=True)
class Files:
    """A scene, its photo and its render as PNG; both show the whole picture."""

    scene: Scene
    photo: bytes
    render: bytes


def png(rgb: U8) -> bytes:
    """Return pixels as a file."""
    return codec.encode(Image(rgb), "png")


def product_files() -> Files:
    """Return the product's scene with its files."""
    scene = product()
    return Files(scene, png(scene.photo), png(scene.on(GREEN)))


@dataclass(frozen=True)
class Desk:
    """A folder in which somebody works: the product's photo, and its render."""

    folder: Path
    scene: Scene

    @property
    def photo(self) -> str:
        """The photo's path."""
        return self.at("shoe.png")

    @property
    def render(self) -> str:
        """The render's path."""
        return self.at("render.png")

    def at(self, name: str) -> str:
        """Return the path of a file in the folder."""
        return str(self.folder / name)

    def names(self, folder: str) -> list[str]:
        """Return the names of the files in a folder of the folder."""
        return sorted(path.name for path in (self.folder / folder).iterdir())

    def write(self, name: str, data: bytes) -> str:
        """Write a file into the folder; return its path."""
        (self.folder / name).write_bytes(data)
        return self.at(name)


def desk_in(folder: Path) -> Desk:
    """Return a desk in an empty folder."""
    files = product_files()
    made = Desk(folder, files.scene)
    made.write("shoe.png", files.photo)
    made.write("render.png", files.render)
    return made
