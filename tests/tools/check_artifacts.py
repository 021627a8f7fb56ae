#!/usr/bin/env python3
"""Checks the artefacts in a target folder with the readers that other tools use.

usage: check_artifacts.py TARGET_FOLDER [--require NAME ...]

Needs `pip install dbt-artifacts-parser` (pydantic models made from dbt's published JSON schemas, which refuse unknown
and missing fields). Where dbt-core is importable too, its own readers are asked as well. Every artefact that is there
is checked; `--require manifest run_results` makes missing ones an error. Exit code 0 means that every reader accepted
every artefact.
"""

import argparse
import json
import pathlib
import sys

NAMES = ["manifest", "run_results", "catalog", "sources"]


def published_schema(name, content):
    """Reads an artefact with the models of the published schemas."""
    from dbt_artifacts_parser import parser

    parse = {
        "manifest": parser.parse_manifest,
        "run_results": parser.parse_run_results,
        "catalog": parser.parse_catalog,
        "sources": parser.parse_sources,
    }[name]
    return parse(content)


def dbt_reader(name, path):
    """Reads an artefact the way dbt reads its own (`--state`, `retry`, `source_status:`)."""
    from dbt.artifacts.schemas.catalog import CatalogArtifact
    from dbt.artifacts.schemas.freshness import FreshnessExecutionResultArtifact
    from dbt.artifacts.schemas.manifest import WritableManifest
    from dbt.artifacts.schemas.run import RunResultsArtifact

    if name == "catalog":
        # The catalogue's class has no reader of versions; its fields are checked all the same.
        return CatalogArtifact.from_dict(json.loads(path.read_text()))
    reader = {
        "manifest": WritableManifest,
        "run_results": RunResultsArtifact,
        "sources": FreshnessExecutionResultArtifact,
    }[name]
    return reader.read_and_check_versions(str(path))


def consistent(artifacts):
    """Yields what the artefacts say against each other or themselves."""
    manifest = artifacts.get("manifest")
    if manifest is None:
        return
    graph = ["nodes", "sources", "exposures", "metrics", "saved_queries", "semantic_models", "unit_tests"]
    known = {i for key in graph for i in manifest[key]}
    for key in ["parent_map", "child_map"]:
        for missing in sorted(known - set(manifest[key])):
            yield f"{key} has no entry for {missing}"
    for child, parents in manifest["parent_map"].items():
        for parent in parents:
            if child not in manifest["child_map"].get(parent, [child]):
                yield f"child_map of {parent} lacks {child}"
    for result in artifacts.get("run_results", {}).get("results", []):
        if result["unique_id"] not in known and not result["unique_id"].startswith("operation."):
            yield f"run_results names {result['unique_id']}, which the manifest does not know"
    catalog = artifacts.get("catalog", {})
    for entry in [*catalog.get("nodes", {}), *catalog.get("sources", {})]:
        if entry not in known:
            yield f"catalog names {entry}, which the manifest does not know"


def importable(module):
    try:
        __import__(module)
    except ImportError:
        return False
    return True


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("target", type=pathlib.Path)
    arguments.add_argument("--require", nargs="*", default=[], choices=NAMES)
    options = arguments.parse_args()

    readers = []
    if importable("dbt_artifacts_parser"):
        readers.append(("published schema", lambda name, path, content: published_schema(name, content)))
    if importable("dbt.artifacts"):
        readers.append(("dbt", lambda name, path, content: dbt_reader(name, path)))
    if not readers:
        sys.exit("neither dbt-artifacts-parser nor dbt-core can be imported")

    bad, artifacts, checks = [], {}, 0
    for name in NAMES:
        path = options.target / f"{name}.json"
        if not path.exists():
            if name in options.require:
                bad.append(f"{path} is missing")
            continue
        content = artifacts[name] = json.loads(path.read_text())
        for reader, read in readers:
            checks += 1
            try:
                read(name, path, content)
                print(f"ok    {name}: {reader}")
            except Exception as error:  # any refusal counts, whatever the reader raises
                bad.append(f"{name}: {reader}: {type(error).__name__}: {error}")
    bad.extend(consistent(artifacts))
    for problem in bad:
        print(f"error {problem}")
    if not checks:
        sys.exit(f"no artefact in {options.target}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
