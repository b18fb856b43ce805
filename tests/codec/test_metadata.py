"""Metadata: the place stays at home, the turn is in the pixels, and marks of making are true."""

from __future__ import annotations

import io
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import PIL.Image
import pytest
from PIL import ExifTags
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from common.codec import COMPOSITE, TRAINED, Output, decode, encode, term_in
from common.codec.xmp import MOST_BYTES, packet
from common.geometry import Size
from common.image import Image
from tests.support.pictures import textured

PHOTO = PIL.Image.fromarray(textured(Size(64, 48)))
METADATA_FORMATS = ("jpeg", "png", "webp", "avif", "tiff")
EXT = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
TERMS = "http://cv.iptc.org/newscodes/digitalsourcetype/"
XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
 exif:GPSLatitude="52,31.2N" tiff:Orientation="6" dc:format="image/jpeg">
<exif:GPSLongitude>13,24.5E</exif:GPSLongitude><dc:creator>Ada</dc:creator>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


def photo() -> bytes:
    """A photo as a phone writes it: turned, placed, dated, with a resolution and a packet."""
    exif = PIL.Image.Exif()
    exif[ExifTags.Base.Make] = "Camera"
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.Exif)[0x9003] = "2026:01:02 03:04:05"
    exif.get_ifd(ExifTags.IFD.Exif)[0xA002] = 64
    exif.get_ifd(ExifTags.IFD.GPSInfo)[1] = "N"
    out = io.BytesIO()
    PHOTO.save(out, "JPEG", exif=exif, dpi=(300, 300), xmp=XMP)
    return out.getvalue()


def tags_of(data: bytes) -> tuple[dict[int, object], dict[int, object], dict[int, object]]:
    with PIL.Image.open(io.BytesIO(data)) as file:
        exif = file.getexif()
        return (
            dict(exif),
            dict(exif.get_ifd(ExifTags.IFD.Exif)),
            dict(exif.get_ifd(ExifTags.IFD.GPSInfo)),
        )


def term_of(data: bytes) -> str:
    """The term as somebody else's parser reads it."""
    with PIL.Image.open(io.BytesIO(data)) as file:
        found = file.info.get("xmp", b"")
    text = found.decode() if isinstance(found, bytes) else found
    if not text:
        return ""
    root = ET.fromstring(text.lstrip("\ufeff"))  # noqa: S314 - written by ourselves
    values = [element.get(EXT) for element in root.iter(f"{RDF}Description") if element.get(EXT)]
    assert len(values) <= 1
    return str(values[0]) if values else ""


# --- EXIF -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", METADATA_FORMATS)
def test_the_camera_and_the_date_stay_and_the_place_and_the_turn_go(format: str) -> None:
    image = decode(photo())
    assert image.size == Size(48, 64)
    main, camera, place = tags_of(encode(image, format))
    assert main[ExifTags.Base.Make] == "Camera"
    assert main.get(ExifTags.Base.Orientation, 1) == 1
    assert camera[0x9003] == "2026:01:02 03:04:05"
    assert camera[0xA002] == 48
    assert place == {}


def types_of(block: bytes) -> dict[int, int]:
    """The types of the camera's tags in an EXIF block, or a TIFF."""
    body = block.removeprefix(b"Exif\0\0")
    file, directories = io.BytesIO(body), []
    at = int.from_bytes(body[4:8], "little" if body[:2] == b"II" else "big")
    for _ in ("main", "camera"):
        directory = ImageFileDirectory_v2(body[:8])
        file.seek(at)
        directory.load(file)
        directories.append(directory)
        at = directory.get(ExifTags.IFD.Exif, 0)
    return dict(directories[1].tagtype)


@pytest.mark.parametrize("format", ["jpeg", "png", "tiff"])
def test_bytes_stay_bytes_and_signed_fractions_signed(format: str) -> None:
    exif = PIL.Image.Exif()
    camera = exif.get_ifd(ExifTags.IFD.Exif)
    camera[ExifTags.Base.ComponentsConfiguration] = b"\1\2\3\0"
    camera[ExifTags.Base.ExposureBiasValue] = 0.5
    out = io.BytesIO()
    PHOTO.save(out, "JPEG", exif=exif)
    data = encode(decode(out.getvalue()), format)
    block = data
    if format != "tiff":
        with PIL.Image.open(io.BytesIO(data)) as file:
            block = file.info["exif"]
    undefined, signed = 7, 10  # of EXIF 2.3, 4.6.2
    types = types_of(block)
    assert types[ExifTags.Base.ComponentsConfiguration] == undefined
    assert types[ExifTags.Base.ExposureBiasValue] == signed


@pytest.mark.parametrize("format", METADATA_FORMATS)
def test_the_place_stays_where_it_is_asked_for(format: str) -> None:
    assert tags_of(encode(decode(photo()), Output(format, exif="keep")))[2][1] == "N"


@pytest.mark.parametrize("format", METADATA_FORMATS)
def test_nothing_of_it_stays_where_it_is_stripped(format: str) -> None:
    data = encode(decode(photo()), Output(format, exif="strip"))
    main, camera, place = tags_of(data)
    assert ExifTags.Base.Make not in main
    assert (camera, place) == ({}, {})
    assert b"Ada" not in data


@pytest.mark.parametrize("format", ["jpeg", "png", "tiff"])
def test_the_resolution_stays(format: str) -> None:
    back = decode(encode(decode(photo()), format))
    assert back.provenance.dpi == pytest.approx((300, 300), abs=0.1)


def test_a_thumbnail_that_shows_what_was_changed_stays_behind() -> None:
    small = io.BytesIO()
    PHOTO.resize((16, 12)).save(small, "JPEG")
    exif = PIL.Image.Exif()
    exif[ExifTags.Base.Make] = "Camera"
    raw = bytearray(exif.tobytes())
    image = decode(photo())
    came = replace(image.provenance, exif=bytes(raw) + small.getvalue())
    with_thumbnail = Image(image.rgb, provenance=came)
    assert small.getvalue() not in encode(with_thumbnail, "jpeg")


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow tells of it too
def test_exif_that_nobody_can_read_is_left_out() -> None:
    image = decode(photo())
    came = replace(image.provenance, exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    broken = Image(image.rgb, provenance=came)
    assert tags_of(encode(broken, "jpeg"))[0] == {}


# --- XMP ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", METADATA_FORMATS)
@pytest.mark.parametrize("term", [COMPOSITE, TRAINED])
def test_a_generated_picture_says_so_in_words_of_the_iptc(format: str, term: str) -> None:
    image = Image(np.asarray(PHOTO))
    assert term_of(encode(image, Output(format, digital_source=term))) == TERMS + term


@pytest.mark.parametrize("format", METADATA_FORMATS)
def test_a_picture_of_which_nothing_was_generated_says_nothing(format: str) -> None:
    assert term_of(encode(Image(np.asarray(PHOTO)), format)) == ""


@pytest.mark.parametrize("exif", ["keep", "no-gps", "strip"])
def test_a_mark_that_a_picture_brought_along_is_never_taken_off(exif: str) -> None:
    made = decode(encode(Image(np.asarray(PHOTO)), Output("jpeg", digital_source=TRAINED)))
    for own in ("", COMPOSITE):
        written = encode(made, Output("png", exif=exif, digital_source=own))  # type: ignore[arg-type]
        assert term_of(written) == TERMS + TRAINED


def test_an_edit_replaces_what_a_camera_said() -> None:
    shot = packet(b"", "digitalCapture")
    assert term_in(packet(shot)) == "digitalCapture"
    assert term_in(packet(shot, COMPOSITE)) == COMPOSITE


def test_a_mark_is_found_as_an_element_too() -> None:
    element = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description>'
        b'<e:DigitalSourceType xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
        + (TERMS + TRAINED).encode()
        + b"</e:DigitalSourceType></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    assert term_in(element) == TRAINED
    assert term_in(packet(element, COMPOSITE)) == TRAINED


def test_the_rest_of_the_packet_stays_without_the_place() -> None:
    kept = packet(XMP, COMPOSITE)
    assert b"Ada" in kept
    assert b"GPS" not in kept
    assert b"Orientation" not in kept
    assert b"GPSLatitude" in packet(XMP, with_gps=True)


@pytest.mark.parametrize(
    "hostile",
    [
        b"<x",
        b"\xff\xfe\x00",
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x:xmpmeta xmlns:x="adobe:ns:meta/">&a;</x:xmpmeta>',
        '<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'.encode("utf-16"),
        b"<html/>",
    ],
)
def test_a_packet_that_is_none_or_dangerous_is_left_out(hostile: bytes) -> None:
    assert packet(hostile) == b""
    assert term_in(packet(hostile, COMPOSITE)) == COMPOSITE


def test_a_packet_too_large_for_a_jpeg_gives_way_to_the_mark() -> None:
    vast = XMP.replace(b"Ada", b"Ada" * 30_000)
    assert len(packet(vast, COMPOSITE)) < MOST_BYTES
    assert term_in(packet(vast, COMPOSITE)) == COMPOSITE
    assert packet(vast) == b""
