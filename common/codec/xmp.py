"""XMP: whether a picture, or a part of it, was generated, in the words of the IPTC.

References
----------
IPTC NewsCodes, Digital Source Type: https://cv.iptc.org/newscodes/digitalsourcetype
IPTC Photo Metadata Standard 2024.1, property ``Iptc4xmpExt:DigitalSourceType``.
"""

from __future__ import annotations

from xml.dom import minidom
from xml.dom.minidom import Document, Element
from xml.parsers.expat import ExpatError

TERMS = "http://cv.iptc.org/newscodes/digitalsourcetype/"
COMPOSITE = "compositeWithTrainedAlgorithmicMedia"
TRAINED = "trainedAlgorithmicMedia"

MOST_BYTES = 65_000  # what fits into one JPEG segment

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_EXIF = "http://ns.adobe.com/exif/1.0/"
_STALE = {  # what the pixels no longer are, and what is left behind
    ("http://ns.adobe.com/tiff/1.0/", "Orientation"),
    ("http://ns.adobe.com/tiff/1.0/", "ImageWidth"),
    ("http://ns.adobe.com/tiff/1.0/", "ImageLength"),
    (_EXIF, "PixelXDimension"),
    (_EXIF, "PixelYDimension"),
    ("http://ns.adobe.com/xap/1.0/", "Thumbnails"),
    ("http://ns.adobe.com/xmp/note/", "HasExtendedXMP"),
    (_EXT, "DigitalSourceType"),
}
_EMPTY = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}"/></x:xmpmeta>'
_BEGIN = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
_END = '<?xpacket end="w"?>'


def packet(source: bytes, term: str = "", *, keep: bool = True, with_gps: bool = False) -> bytes:
    """Return the XMP for a written picture; empty where there is nothing to tell.

    Parameters
    ----------
    source
        The packet that the picture came with.
    term
        One of the IPTC's terms, where pixels were generated.  A mark that the picture brought along
        is never taken off, whatever else is stripped.
    keep
        Whether the rest of the source's packet goes along.
    with_gps
        Whether the place does.
    """
    brought = _parsed(source)
    told = _weightier(term, "" if brought is None else _term_in(brought))
    if brought is None or not keep:
        return _written(_document(_EMPTY), told) if told else b""
    _strip(brought, with_gps=with_gps)
    whole = _written(brought, told)
    if len(whole) <= MOST_BYTES:
        return whole
    return _written(_document(_EMPTY), told) if told else b""


def term_in(source: bytes) -> str:
    """Return the IPTC's term in a packet, empty where there is none."""
    parsed = _parsed(source)
    return "" if parsed is None else _term_in(parsed)


def _weightier(made: str, brought: str) -> str:
    """Return the term that says more: what a model made all of stays that when it is edited."""
    return brought if brought == TRAINED or not made else made


def _document(text: str) -> Document:
    return minidom.parseString(text)  # noqa: S318 - the text is our own, or has no entities


def _parsed(source: bytes) -> Document | None:
    """Return the packet's tree; None where there is none, or none that is safe to read."""
    text = source.strip(b"\0 \r\n\t")
    if not text or b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        return None
    try:
        parsed = minidom.parseString(text)  # noqa: S318 - without a DOCTYPE there are no entities
    except (ExpatError, ValueError, LookupError):
        return None
    return parsed if parsed.getElementsByTagNameNS(_RDF, "RDF") else None


def _term_in(document: Document) -> str:
    for element in document.getElementsByTagNameNS(_RDF, "Description"):
        said = element.getAttributeNS(_EXT, "DigitalSourceType")
        if said:
            return str(said).rpartition("/")[2]
    for element in document.getElementsByTagNameNS(_EXT, "DigitalSourceType"):
        text = "".join(node.data for node in element.childNodes if node.nodeType == node.TEXT_NODE)
        said = element.getAttributeNS(_RDF, "resource") or text
        if said.strip():
            return str(said).strip().rpartition("/")[2]
    return ""


def _strip(document: Document, *, with_gps: bool) -> None:
    for element in document.getElementsByTagNameNS("*", "*"):
        if _goes(element.namespaceURI, element.localName, with_gps=with_gps):
            _taken_out(element)
            continue
        for attribute in list(element.attributes.values()):
            if _goes(attribute.namespaceURI, attribute.localName, with_gps=with_gps):
                element.removeAttributeNode(attribute)


def _taken_out(element: Element) -> None:
    if element.parentNode is not None:
        element.parentNode.removeChild(element)


def _goes(namespace: str | None, name: str, *, with_gps: bool) -> bool:
    is_place = namespace == _EXIF and name.startswith("GPS")
    return (namespace, name) in _STALE or (is_place and not with_gps)


def _written(document: Document, term: str) -> bytes:
    if term:
        rdf: Element = document.getElementsByTagNameNS(_RDF, "RDF")[0]
        rdf.appendChild(_description(document, term))
    body = document.documentElement.toxml() if document.documentElement else ""
    return f"{_BEGIN}{body}{_END}".encode()


def _description(document: Document, term: str) -> Element:
    made = document.createElementNS(_RDF, "rdf:Description")
    for name, value in (
        ("xmlns:rdf", _RDF),
        ("rdf:about", ""),
        ("xmlns:Iptc4xmpExt", _EXT),
        ("Iptc4xmpExt:DigitalSourceType", TERMS + term),
    ):
        made.setAttribute(name, value)
    return made
