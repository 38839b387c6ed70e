"""matplotlib's SVG made fit for a page: the page's colours and letters, names of its own, and far fewer signs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from itertools import groupby
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

SVG, LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
UNUSED = {f"{SVG}metadata", f"{SVG}style"}
"""What a page has no use for; matplotlib's rule in ``style`` would reach every line of the page."""

LETTERS = {f"{SVG}text", f"{SVG}tspan"}


def plain(text: str, size: float, colours: Mapping[str, str]) -> str:
    """The SVG of a chart whose letters are ``size`` large; each of ``colours`` becomes what the page calls it.

    >>> path = '<path d="M 1.23456 2" style="stroke: #69707d"/>'
    >>> plain(f'<svg xmlns="http://www.w3.org/2000/svg"><g id="a">{path}</g></svg>', 10, {"#69707d": "currentColor"})
    '<svg xmlns="http://www.w3.org/2000/svg"><path d="M1.23 2" style="stroke:currentColor" /></svg>'
    """
    ElementTree.register_namespace("", SVG[1:-1])
    root = ElementTree.fromstring(text)
    for element in root.iter():
        _shorten(element, size, colours)
    _own_names(root)
    _unwrap(root)
    return ElementTree.tostring(root, encoding="unicode")


def _shorten(element: Element, size: float, colours: Mapping[str, str]) -> None:
    """Attributes in few signs: of places a hundredth of a point is enough. What stands between tags stays."""
    element.tail = None
    if element.tag not in LETTERS:
        element.text = None
    if LINK in element.attrib:
        element.set("href", "".join(element.attrib.pop(LINK).split()))
    for name, value in element.attrib.items():
        short = value if name in {"href", "id"} else re.sub(r"(?<=\d)(\.\d\d)\d+", r"\1", value)
        if name == "d":
            short = re.sub(r"\s*([A-Za-z])\s*", r"\1", short)
        if name == "style":
            rules = [re.sub(r"\s*:\s*", ":", rule.strip()) for rule in short.split(";")]
            left_out = ("", f"font-size:{size:g}px")
            short = ";".join(rule for rule in rules if rule not in left_out and not rule.startswith("font-family"))
            for colour, called in colours.items():
                short = short.replace(colour, called)
        element.set(name, short)
    if re.fullmatch(r"rotate\(-?0 [^)]*\)", element.get("transform", "")):
        del element.attrib["transform"]


def _own_names(root: Element) -> None:
    """Ids only where something refers to them, and none that another chart of the page could have."""
    whole = ElementTree.tostring(root, encoding="unicode")
    used = dict.fromkeys(re.findall(r'(?:url\(#|href="#)([^)"]+)', whole))
    mark = hashlib.sha256(whole.encode()).hexdigest()[:6]
    names = {name: f"c{mark}{number}" for number, name in enumerate(used)}
    for element in root.iter():
        for attribute, value in list(element.attrib.items()):
            if attribute == "id" and value not in names:
                del element.attrib["id"]
            elif attribute == "id":
                element.set("id", names[value])
            else:
                renamed = re.sub(r"(url\(#|^#)([\w-]+)", lambda found: found[1] + names.get(found[2], found[2]), value)
                element.set(attribute, renamed)


def _unwrap(parent: Element) -> None:
    """Take groups away that group nothing, and say once what several marks in a row have in common."""
    children: list[Element] = []
    for child in parent:
        _unwrap(child)
        is_bare = child.tag in {f"{SVG}g", f"{SVG}defs"} and (not len(child) or child.tag == f"{SVG}g")
        if child.tag not in UNUSED:
            children += list(child) if is_bare and not child.attrib else [child]
    parent[:] = []
    for style, group in groupby(children, lambda child: child.get("style", "") if child.tag == f"{SVG}use" else ""):
        alike = list(group)
        if style and len(alike) > 2:
            shared = ElementTree.SubElement(parent, f"{SVG}g", {"style": style})
            for each in alike:
                del each.attrib["style"]
            shared.extend(alike)
        else:
            parent.extend(alike)
