#!/usr/bin/env python3
"""`tv1 metrics query` against MetricFlow's `mf query`, cell by cell.

usage: metricflow.py TV1 MF PROJECT_DIR QUERY...
       QUERY is METRICS@GROUP_BY, as sessions,users@metric_time__day, with @CONDITION behind it if there is one;
       or @@NAME of a saved query; with `-` as a QUERY they are read from stdin, one a line

The project has its semantic layer in the older form (dbt 1.10 and 1.11 parse it), a time spine, and is built; a
profiles.yml beside it names the database for both. A count of nothing is 0 here and null there; both count as 0.
"""
import csv
import json
import os
import subprocess
import sys
import tempfile

TV1, MF, PROJECT, QUERIES = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
if "-" in QUERIES:
    QUERIES = [line.strip() for line in sys.stdin if line.strip() and not line.startswith("#")]
os.environ["DBT_PROFILES_DIR"] = PROJECT


def value(text):
    if text in ("", "None", "nan"):
        return 0.0
    try:
        return round(float(text), 6)
    except ValueError:
        return text[:10] if text[:4].isdigit() and text[4:5] == "-" else text


def rows(reader, groups):
    """Cells by group; the order of rows and of the groups' columns is nobody's business."""
    return {tuple(sorted(str(value(x)).lower() for x in r[:groups])): r[groups:] for r in list(reader)[1:]}


listed = subprocess.run(
    [TV1, "metrics", "list", "-o", "json", "--project-dir", PROJECT], capture_output=True, text=True, check=False
)
METRICS = {m["name"] for m in json.loads(listed.stdout)["metrics"]}

bad = cells = nulls = 0
for q in QUERIES:
    metrics, by, where = (q.split("@", 2) + ["", ""])[:3]
    saved = where if q.startswith("@@") else ""
    groups = len([g for g in by.split(",") if g])
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "mf.csv")
        if saved:
            words = [MF, "query", "--saved-query", saved, "--csv", out]
        else:
            words = [MF, "query", "--metrics", metrics, "--csv", out] + (["--group-by", by] if by else [])
            words += ["--where", where] if where else []
        run = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=False)
        if not os.path.exists(out):
            print(f"{q}: mf says {run.stdout[-300:]} {run.stderr[-300:]}")
            bad += 1
            continue
        with open(out, encoding="utf-8") as f:
            lines = list(csv.reader(f))
    words = [TV1, "metrics", "query", "-o", "csv", "--project-dir", PROJECT]
    if saved:
        words += ["--saved-query", saved]
        # The groups come first, in both.
        groups = sum(name not in METRICS for name in lines[0])
    else:
        words += ["-m", metrics] + (["-g", by] if by else []) + (["-w", where] if where else [])
    theirs = rows(lines, groups)
    run = subprocess.run(words, capture_output=True, text=True, check=False)
    if run.returncode:
        print(f"{q}: tv1 says {run.stdout}{run.stderr}")
        bad += 1
        continue
    ours = rows(csv.reader(run.stdout.splitlines()), groups)
    for key in sorted(set(ours) | set(theirs), key=str):
        a, b = ours.get(key, []), theirs.get(key, [])
        for i in range(max(len(a), len(b))):
            cells += 1
            if i >= len(b) or b[i] in ("", "None"):
                # No row there, or a count of nothing taken for null: said, not counted as a difference.
                nulls += 1
                continue
            x, y = (value(v[i]) if i < len(v) else 0.0 for v in (a, b))
            if x != y and not (isinstance(x, float) and isinstance(y, float) and abs(x - y) <= 1e-5 * max(1, abs(y))):
                bad += 1
                print(f"{q} {key}: tv1 {x}, mf {y}")
print(f"{len(QUERIES)} queries, {cells} cells, {nulls} null or absent in MetricFlow, {bad} differences")
sys.exit(1 if bad else 0)
