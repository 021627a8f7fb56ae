#!/usr/bin/env python3
"""Every measure of the exported Power BI model, evaluated from its DAX, against `tv1 metrics query`.

usage: dax_equals_sql.py TV1 PROJECT_DIR EXPORT_DIR DIMENSION... [--metrics A,B] [--values N]

Needs the Python package pbix-mcp (its DAX engine evaluates measures on plain tables). The project must be built.
A metric that has no DIMENSION is skipped for it. Counts: nothing (DAX) and zero (SQL) are equal. Exit code 1 on a
difference, 2 when something is missing.
"""
import datetime
import json
import os
import subprocess
import sys

try:
    from pbix_mcp.dax.engine import evaluate_measures_batch
    from pbix_mcp.formats.tmdl_reader import parse_tmdl_folder
except ImportError:
    print("SKIP: the Python package pbix-mcp is not installed", file=sys.stderr)
    sys.exit(2)

options = {"--metrics": None, "--values": "12"}
words = []
args = iter(sys.argv[1:])
for a in args:
    if a in options:
        options[a] = next(args)
    else:
        words.append(a)
TV1, PROJECT, EXPORT, DIMENSIONS = words[0], words[1], words[2], words[3:]


def tv1(*args):
    run = subprocess.run([TV1, *args, "--project-dir", PROJECT], capture_output=True, text=True, check=False)
    return run


def rows(sql):
    run = tv1("show", "--quiet", "--inline-direct", sql, "--limit", "-1", "--output", "json")
    if run.returncode:
        sys.exit(run.stdout + run.stderr)
    return json.loads(run.stdout)["show"]


def typed(value, kind):
    if value is None:
        return None
    if kind == "dateTime":
        return datetime.datetime.fromisoformat(str(value)[:19])
    if kind in ("double", "decimal"):
        return float(value)
    if kind == "int64":
        return int(value)
    return value


folder = next(f for f in os.listdir(EXPORT) if f.endswith(".SemanticModel"))
model = parse_tmdl_folder(os.path.join(EXPORT, folder, "definition"))
tables, kinds = {}, {}
for t in model["tables"]:
    text = open(os.path.join(EXPORT, folder, "definition", "tables", t["name"] + ".tmdl"), encoding="utf-8").read()
    if "PostgreSQL.Database" not in text:
        continue
    schema = text.split('Schema="')[1].split('"')[0]
    item = text.split('Item="')[1].split('"')[0]
    # name -> source column and type, straight from the text
    columns, name = [], None
    for line in text.splitlines():
        if line.startswith("\tcolumn "):
            name = line[8:].strip().strip("'")
        elif line.startswith("\t\tdataType: "):
            kind = line.split(": ")[1]
        elif line.startswith("\t\tsourceColumn: "):
            columns.append((name, line.split(": ")[1], kind))
    listed = ", ".join('"%s"' % c for _, c, _ in columns)
    data = rows(f'select {listed} from "{schema}"."{item}"')
    tables[t["name"]] = {
        "columns": [n for n, _, _ in columns],
        "rows": [[typed(r[c], k) for _, c, k in columns] for r in data],
    }
    for n, _, k in columns:
        kinds[(t["name"], n)] = k
measures = {m["name"]: m["expression"] for t in model["tables"] for m in t.get("measures", [])}
relationships = [
    {
        "FromTable": r["from_table"], "FromColumn": r["from_column"],
        "ToTable": r["to_table"], "ToColumn": r["to_column"],
        "IsActive": 1 if r.get("is_active", True) else 0,
        "CrossFilteringBehavior": r.get("cross_filtering_behavior", 1),
    }
    for r in model["relationships"]
]
catalogue = json.loads(tv1("metrics", "list", "-o", "json").stdout)
wanted = options["--metrics"].split(",") if options["--metrics"] else [m["name"] for m in catalogue["metrics"]]


def place(dimension):
    """Table and column of a dimension: the part after `=` if it is given, as `region=USERS.Region`."""
    return dimension.split("=", 1)[1].split(".", 1)


cells = differences = 0
for d in DIMENSIONS:
    name = d.split("=", 1)[0]
    table, column = place(d)
    for m in catalogue["metrics"]:
        if m["name"] not in wanted:
            continue
        label = next((n for n in [m["label"]["main"], *m["label"].values()] if n in measures), None)
        if label is None:
            continue
        run = tv1("metrics", "query", "-m", m["name"], "-g", name, "-o", "json")
        if run.returncode:
            continue
        answer = [list(r.values()) for r in json.loads(run.stdout)]
        for key, value in answer[: int(options["--values"])]:
            context = {f"{table}.{column}": [typed(key, kinds[(table, column)])]}
            found = evaluate_measures_batch([label], tables, measures, filter_context=context, relationships=relationships,
                                            # a guess at the date table would drop filters that reach it over two steps
                                            date_table="no such table")[label]
            cells += 1
            a, b = (0 if x is None else float(x) for x in (found, value))
            if abs(a - b) > 1e-6 * max(1, abs(b)):
                differences += 1
                print(f"{m['name']} by {name} = {key}: DAX {found}, SQL {value}")
print(f"{cells} cells compared, {differences} differences")
sys.exit(1 if differences or not cells else 0)
