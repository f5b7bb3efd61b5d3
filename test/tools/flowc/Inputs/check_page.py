"""Checks that a page of HTML is whole and asks for nothing: check_page.py FILE ...

Elements are closed in order, ids are unique and links inside of the page lead somewhere,
coordinates are numbers, and nothing names a place to load something from.
"""

import html.parser
import re
import sys

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.problems = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.look_at(tag, attributes)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.look_at(tag, attributes)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> at {self.getpos()} closes nothing")

    def look_at(self, tag, attributes):
        if tag in {"script", "link", "img", "iframe", "object"}:
            self.problems.append(f"<{tag}>")
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            elif name == "href":
                self.links.append(value)
            elif name in {"src", "srcset", "action", "xlink:href"} or name.startswith("on"):
                self.problems.append(f"{name}={value}")
            elif name in {"x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height", "points", "d", "viewbox"}:
                if not re.fullmatch(r"[-0-9., MhvzL]+", value):
                    self.problems.append(f"{name}={value}")


for name in sys.argv[1:]:
    text = open(name, encoding="utf-8").read()
    page = Page()
    page.feed(text)
    page.problems += [f"<{tag}> is not closed" for tag in page.open]
    page.problems += [f"id {name} twice" for name in set(page.ids) if page.ids.count(name) > 1]
    page.problems += [f"link to {link}" for link in page.links if link[:1] != "#" or link[1:] not in page.ids]
    page.problems += re.findall(r"url\([^)]*\)|@import", text)
    for problem in page.problems[:20]:
        print(f"{name}: {problem}")
    if not page.problems:
        print(f"whole, {text.count('<svg')} pictures, {text.count('<table')} tables: {', '.join(page.ids)}")
