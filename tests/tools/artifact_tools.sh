#!/usr/bin/env bash
# Runs tools that others made for dbt's artefacts over those of a project, and fails where one of them does.
#
# usage: artifact_tools.sh PROJECT_FOLDER      (after `tv1 build` and `tv1 docs generate` in it)
#
# Needs, in the environment that PYTHON names (default python3): pip install dbt-artifacts-parser dbt-coverage dbterd
# pyyaml dbt-colibri. Each tool must also find something: a lineage without edges or a diagram without tables is a
# failure, as is a coverage without columns.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:?a project folder}"
python=${PYTHON:-python3}
bin=$(dirname "$("$python" -c 'import sys; print(sys.executable)')")
out=$(mktemp -d)
mkdir "$out/erd"
trap 'rm -rf "$out"' EXIT
export DO_NOT_TRACK=1

"$python" "$here/check_artifacts.py" target --require manifest run_results catalog

"$bin/dbterd" run -ad target -t mermaid -o "$out/erd" >"$out/dbterd.log" 2>&1 || { cat "$out/dbterd.log"; exit 1; }
tables=$(cat "$out"/erd/* | grep -c '{')
[ "$tables" -gt 0 ] || { echo "dbterd: no tables"; exit 1; }
echo "ok    dbterd: $tables tables"

for kind in doc test; do
  "$bin/dbt-coverage" compute "$kind" --cov-report "$out/$kind.json" >"$out/$kind.log" 2>&1 || { cat "$out/$kind.log"; exit 1; }
  total=$("$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["total"])' "$out/$kind.json")
  [ "$total" -gt 0 ] || { echo "dbt-coverage $kind: no columns"; exit 1; }
  echo "ok    dbt-coverage $kind: $total columns"
done

"$bin/colibri" generate --output-dir "$out/colibri" --disable-telemetry >"$out/colibri.log" 2>&1 || { cat "$out/colibri.log"; exit 1; }
edges=$("$python" -c 'import json, sys; print(len(json.load(open(sys.argv[1]))["lineage"]["edges"]))' "$out/colibri/colibri-manifest.json")
[ "$edges" -gt 0 ] || { echo "dbt-colibri: no edges"; exit 1; }
echo "ok    dbt-colibri: $edges edges of column lineage"
