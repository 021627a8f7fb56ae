#!/usr/bin/env python3
"""Every JSON file of a Power BI project against Microsoft's JSON Schemas (MIT), without a network.

usage: schemas.py SCHEMAS PROJECT_DIR...     SCHEMAS holds `fabric/…/schema.json`, as in microsoft/json-schemas

Needs the Python packages jsonschema and referencing. Exit code 1 on an error, a file without a schema, or no file at all.
"""
import json
import os
import sys

from jsonschema import validators
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

HOST = "https://developer.microsoft.com/json-schemas/"
# Files that have no schema: a theme is the user's, the other one is tv1's own.
WITHOUT = ("tv1.json", "StaticResources/RegisteredResources/")


def load(path):
    with open(path, encoding="utf-8-sig") as f:
        return json.load(f)


def registry(schemas):
    def retrieve(uri):
        if not uri.startswith(HOST):
            raise LookupError(uri)
        path = os.path.join(schemas, uri[len(HOST) :].split("#")[0])
        return Resource.from_contents(load(path), default_specification=DRAFT7)

    return Registry(retrieve=retrieve)


def faults(folder, known):
    """Messages about a folder, and how many files were looked at."""
    out, seen = [], 0
    for place, _, names in os.walk(folder):
        for name in sorted(names):
            if not name.endswith((".json", ".pbir", ".pbism", ".pbip")) and name != ".platform":
                continue
            path = os.path.relpath(os.path.join(place, name), folder)
            if path.startswith(WITHOUT[0]) or WITHOUT[1] in path:
                continue
            seen += 1
            try:
                value = load(os.path.join(folder, path))
                address = value["$schema"]
                schema = known.get_or_retrieve(address).value.contents
            except Exception as error:  # noqa: BLE001 - every kind is a fault of the file
                out.append(f"{path}: {type(error).__name__}: {error}")
                continue
            check = validators.validator_for(schema, default=validators.Draft7Validator)
            for e in check(schema, registry=known).iter_errors(value):
                at = "/".join(map(str, e.absolute_path))
                out.append(f"{path}: {at}: {e.message[:200]}")
    return out, seen


if __name__ == "__main__":
    known = registry(sys.argv[1])
    wrong = total = 0
    for folder in sys.argv[2:]:
        found, seen = faults(folder, known)
        wrong, total = wrong + len(found), total + seen
        print("\n".join(found), end="\n" if found else "")
    print(f"{total} files, {wrong} faults")
    sys.exit(1 if wrong or not total else 0)
