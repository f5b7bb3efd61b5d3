#!/usr/bin/env python3
# ===- rooms_test.py - Libraries use those below them ----------------------===#
#
# Part of flowc, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===-----------------------------------------------------------------------===#
#
#   rooms_test.py SOURCE
#
# Reads the table of rooms in docs/Architecture.md and compares it with what files
# include and what libraries link. A room uses rooms above it in the table only, and
# all and only those that its row names. `--print` writes the rows as they would be.
#
# ===-----------------------------------------------------------------------===#

import pathlib
import re
import sys

INCLUDE = re.compile(r'^#include "(flowc/[^"]+)"', re.M)
# The header for users includes what is above it, too.
UMBRELLA = "include/flowc/flowc.h"
ROW = re.compile(r"^\| \*\*(\w+)\*\* \| ([^|]*) \| ([^|]*) \|", re.M)


class Room:
    def __init__(self, name, where, uses):
        self.name = name
        self.prefixes = re.findall(r"`([^`]+)`", where)
        self.uses = [use.strip() for use in uses.split(",") if use.strip() not in ("", "-")]


def rooms_of(page):
    return [Room(*match.groups()) for match in ROW.finditer(page)]


def room_of_path(rooms, path):
    """The room with the longest prefix of `path`, which is relative to the source."""
    matches = [(len(prefix), room) for room in rooms for prefix in room.prefixes if path.startswith(prefix)]
    return max(matches, key=lambda match: match[0])[1] if matches else None


def sources_of(source):
    for folder in ("lib", "include"):
        for path in sorted((source / folder).rglob("*")):
            if path.suffix in (".cpp", ".h", ".def"):
                yield path.relative_to(source).as_posix(), path.read_text(encoding="utf-8")


def libraries_of(source):
    """Name, sources and linked libraries of each library."""
    for path in [*(source / "lib").rglob("CMakeLists.txt"), *(source / "lib").rglob("*.cmake")]:
        text = re.sub(r"#.*", "", path.read_text(encoding="utf-8"))
        for call in re.finditer(r"add_flowc_library\(([^)]*)\)", text):
            words = call[1].split()
            links = words[words.index("LINK") + 1 :] if "LINK" in words else []
            folder = path.parent.relative_to(source).as_posix()
            yield words[0], [f"{folder}/{word}" for word in words[1:] if word.endswith(".cpp")], links


def check(source):
    rooms = rooms_of((source / "docs/Architecture.md").read_text(encoding="utf-8"))
    if not rooms:
        return ["docs/Architecture.md has no table of rooms"], {}
    order = {room.name: i for i, room in enumerate(rooms)}
    problems, used = [], {room.name: set() for room in rooms}
    for room in rooms:
        for use in room.uses:
            if use not in order:
                problems.append(f"the row of {room.name} names '{use}', which is no room")
            elif order[use] >= order[room.name]:
                problems.append(f"the row of {room.name} names {use}, which is not above it")
    for path, text in sources_of(source):
        room = room_of_path(rooms, path)
        if room is None:
            problems.append(f"{path} is in no room")
            continue
        for include in INCLUDE.findall(text):
            other = room_of_path(rooms, f"include/{include}")
            if other is None:
                problems.append(f"{path} includes {include}, which is in no room")
            elif other is not room and not (path == UMBRELLA and order[other.name] > order[room.name]):
                used[room.name].add(other.name)
                if other.name not in room.uses:
                    problems.append(f"{path} includes {include}: {room.name} does not use {other.name}")
    for room in rooms:
        for use in room.uses:
            if use not in used[room.name]:
                problems.append(f"the row of {room.name} names {use}, of which nothing is included")
    problems += check_links(source, rooms, order)
    return problems, used


def check_links(source, rooms, order):
    problems, home = [], {}
    libraries = list(libraries_of(source))
    for name, files, _ in libraries:
        room = room_of_path(rooms, files[0]) if files else None
        if room is None:
            problems.append(f"the library {name} is in no room")
        home[name] = room
    for name, _, links in libraries:
        for link in links:
            if home.get(name) and home.get(link) and order[home[link].name] > order[home[name].name]:
                problems.append(f"{name} links {link}: {home[link].name} is above {home[name].name}")
    return problems


def main():
    source = pathlib.Path(sys.argv[1])
    problems, used = check(source)
    if "--print" in sys.argv:
        for name, uses in used.items():
            print(f"{name}: {', '.join(sorted(uses)) or '-'}")
    for problem in problems:
        print(f"rooms_test.py: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
