"""JSON as text: where each value stands, so that one can be put in, changed or taken out and nothing else moves.

With comments where the program that owns the file takes them (Gemini CLI does; Claude Code and Codex do not).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from wa.provision.text_trouble import TextTrouble

MAX_DEPTH = 200
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_WORDS = {"true": True, "false": False, "null": None}
_BLANK = " \t\r\n"


class Node(NamedTuple):
    """A value, and where it stands: `text[start:end]`."""

    start: int
    end: int
    value: Any
    keys: tuple[str, ...] = ()
    """Of an object, in order."""
    starts: tuple[int, ...] = ()
    """Of an object: where each key begins."""
    children: tuple[Node, ...] = ()
    is_object: bool = False
    is_array: bool = False

    def child(self, key: str) -> Node | None:
        return self.children[self.keys.index(key)] if key in self.keys else None


def parse(text: str, *, comments: bool = False) -> Node:
    """The whole of *text*. Raises TextTrouble with the line; also for a key that stands twice, since programs differ about it."""
    reader = _Reader(text, comments)
    node = reader.value(reader.skip(1 if text.startswith("\ufeff") else 0), 0)
    end = reader.skip(node.end)
    if end != len(text):
        raise reader.trouble(end, "something stands behind the end")
    return node


class _Reader:
    def __init__(self, text: str, comments: bool) -> None:
        self._text = text
        self._comments = comments

    def trouble(self, at: int, reason: str) -> TextTrouble:
        return TextTrouble(self._text.count("\n", 0, at) + 1, reason)

    def skip(self, at: int) -> int:
        """Over blanks and comments."""
        text = self._text
        while at < len(text):
            if text[at] in _BLANK:
                at += 1
            elif (end := self.comment(at)) is not None:
                at = end
            else:
                break
        return at

    def comment(self, at: int) -> int | None:
        """Where the comment ends that begins here; that of a line before its line break."""
        if not self._text.startswith(("//", "/*"), at):
            return None
        if not self._comments:
            raise self.trouble(at, "a comment: the program that owns this file would not read it")
        if self._text.startswith("//", at):
            end = self._text.find("\n", at)
            end = len(self._text) if end < 0 else end
            return end - 1 if self._text[end - 1] == "\r" else end
        end = self._text.find("*/", at + 2)
        if end < 0:
            raise self.trouble(at, "a comment without an end")
        return end + 2

    def value(self, at: int, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise self.trouble(at, "nested too deep")
        text = self._text
        sign = text[at : at + 1]
        if sign == "{":
            return self._object(at, depth)
        if sign == "[":
            return self._array(at, depth)
        if sign == '"':
            found = self._string(at)
            return Node(at, found, json.loads(text[at:found]))
        for word, value in _WORDS.items():
            if text.startswith(word, at):
                return Node(at, at + len(word), value)
        number = _NUMBER.match(text, at)
        if number is None:
            raise self.trouble(at, "a value is missing" if not sign or sign in ",]}:" else f"{sign!r} begins no value")
        return Node(at, number.end(), json.loads(number[0]))

    def _string(self, at: int) -> int:
        found = _STRING.match(self._text, at)
        if found is None:
            raise self.trouble(at, "a text without an end, or with a character that must be escaped")
        return found.end()

    def _object(self, start: int, depth: int) -> Node:
        keys, starts, children = list[str](), list[int](), list[Node]()
        at = self.skip(start + 1)
        while self._text[at : at + 1] != "}":
            if self._text[at : at + 1] != '"':
                raise self.trouble(at, "a key in quotes is missing")
            end = self._string(at)
            key = json.loads(self._text[at:end])
            if key in keys:
                raise self.trouble(at, f"the key {key!r:.60} stands twice")
            colon = self.skip(end)
            if self._text[colon : colon + 1] != ":":
                raise self.trouble(colon, "a colon is missing")
            child = self.value(self.skip(colon + 1), depth + 1)
            keys.append(key)
            starts.append(at)
            children.append(child)
            at = self._next(child.end, "}")
        value = dict(zip(keys, (child.value for child in children), strict=True))
        return Node(start, at + 1, value, tuple(keys), tuple(starts), tuple(children), is_object=True)

    def _array(self, start: int, depth: int) -> Node:
        children = list[Node]()
        at = self.skip(start + 1)
        while self._text[at : at + 1] != "]":
            child = self.value(at, depth + 1)
            children.append(child)
            at = self._next(child.end, "]")
        value = [child.value for child in children]
        starts = tuple(child.start for child in children)
        return Node(start, at + 1, value, (), starts, tuple(children), is_array=True)

    def _next(self, end: int, close: str) -> int:
        """Where the next member begins, or the bracket."""
        at = self.skip(end)
        if self._text[at : at + 1] == close:
            return at
        if self._text[at : at + 1] != ",":
            raise self.trouble(at, f"a comma or {close!r} is missing")
        at = self.skip(at + 1)
        if self._text[at : at + 1] == close:
            raise self.trouble(at, f"a comma before {close!r}")
        return at


# -- changes -------------------------------------------------------------------------------------------------------------


def added(text: str, path: Sequence[str], key: str | None, value: object, *, comments: bool = False) -> str:
    """*text* with *value* put last into the object or (*key* None) the array at *path*, in the way its neighbours are laid out."""
    root = parse(text, comments=comments)
    box = _at(root, path)
    unit, line = _unit(text, root), "\r\n" if "\r\n" in text else "\n"
    head = "" if key is None else json.dumps(key, ensure_ascii=False) + ": "
    if box.children and "\n" not in text[box.start : box.end]:
        last = box.children[-1].end
        tight = '", "' not in text and '": ' not in text[box.start : box.end]
        shown = json.dumps(value, ensure_ascii=False, separators=(",", ":") if tight else None)
        return f"{text[:last]}{',' if tight else ', '}{head.rstrip() if tight else head}{shown}{text[last:]}"
    if box.children:
        indent = _indent(text, box.starts[-1])
        indent = (_indent(text, box.start, own_line=False) or "") + unit if indent is None else indent
    else:
        indent = (_indent(text, box.start, own_line=False) or "") + unit
    shown = head + json.dumps(value, ensure_ascii=False, indent=unit).replace("\n", f"\n{indent}")
    member = f"\n{indent}{shown}".replace("\n", line)
    if box.children:
        last = box.children[-1].end
        tail = _rest_of_line(text, last, comments)
        return f"{text[:last]},{text[last:tail]}{member}{text[tail:]}"
    inner = text[box.start + 1 : box.end - 1]
    outer = _indent(text, box.start, own_line=False) or ""
    if not inner.strip():
        return f"{text[: box.start + 1]}{member}{line}{outer}{text[box.end - 1 :]}"
    kept = inner.rstrip()
    rest = inner[len(kept) :]
    end = rest if "\n" in rest else f"{line}{outer}"
    return f"{text[: box.start + 1]}{kept}{member}{end}{text[box.end - 1 :]}"


def removed(text: str, path: Sequence[str], which: str | int, *, comments: bool = False) -> str:
    """*text* without the member called *which*, or without that item of an array; undoes `added`."""
    box = _at(parse(text, comments=comments), path)
    place = box.keys.index(which) if isinstance(which, str) else which
    start = box.starts[place]
    while text[start - 1] in _BLANK:
        start -= 1
    shorter = _without(text, box, place, start, comments)
    try:
        if len(_at(parse(shorter, comments=comments), path).children) == len(box.children) - 1:
            return shorter
    except (TextTrouble, KeyError):
        pass
    # The break before it ends a comment.
    return _without(text, box, place, box.starts[place], comments)


def _without(text: str, box: Node, place: int, start: int, comments: bool) -> str:
    reader, end = _Reader(text, comments), box.children[place].end
    if place + 1 < len(box.children):
        comma = reader.skip(end)
        return text[:start] + text[end:comma] + text[comma + 1 :]
    if place > 0:
        comma = reader.skip(box.children[place - 1].end)
        return text[:comma] + text[comma + 1 : start] + text[end:]
    inner = text[box.start + 1 : start] + text[end : box.end - 1]
    return text[: box.start + 1] + (inner if inner.strip() else "") + text[box.end - 1 :]


def replaced(text: str, path: Sequence[str], raw: str, *, comments: bool = False) -> str:
    """*text* with *raw*, which is JSON, in the place of the value at *path*."""
    node = _at(parse(text, comments=comments), path)
    return text[: node.start] + raw + text[node.end :]


def raw_at(text: str, path: Sequence[str], *, comments: bool = False) -> str:
    node = _at(parse(text, comments=comments), path)
    return text[node.start : node.end]


def _at(node: Node, path: Sequence[str]) -> Node:
    for key in path:
        found = node.child(key)
        if found is None:
            raise KeyError(key)
        node = found
    return node


def _unit(text: str, root: Node) -> str:
    """What one more level is indented by."""
    for start in root.starts:
        if indent := _indent(text, start):
            return indent
    return "  "


def _indent(text: str, at: int, *, own_line: bool = True) -> str | None:
    """The blanks that the line of *at* begins with. With *own_line*: None where something else stands before it."""
    begin = text.rfind("\n", 0, at) + 1
    blanks = re.match(r"[ \t]*", text[begin:at])
    indent = blanks[0] if blanks else ""
    return None if own_line and begin + len(indent) != at else indent


def _rest_of_line(text: str, at: int, comments: bool) -> int:
    """Behind what a person wrote about the value that ends at *at*, on its line."""
    reader = _Reader(text, comments)
    while comments:
        look = at
        while text[look : look + 1] in (" ", "\t"):
            look += 1
        end = reader.comment(look)
        if end is None or "\n" in text[look:end]:
            break
        at = end
    return at
