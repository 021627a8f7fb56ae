#!/usr/bin/env python3
"""Whether the checks of the Power BI export find faults: each fault of mutants.json, put into a copy of an export.

usage: mutants.py EXPORT_DIR own=COMMAND [schema=DIR] [cli=COMMAND] [tom=COMMAND] [dax=COMMAND]

A COMMAND is run with the folder behind it and finds a fault if it ends with another code than 0. What the file says finds a
fault must find it, and every fault must be found by one check, unless it says why none can. Checks that are not given
are left out; what only they would find is listed.
"""
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

EXPORT = sys.argv[1]
GATES = dict(a.split("=", 1) for a in sys.argv[2:])
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "mutants.json"), encoding="utf-8") as f:
    MUTANTS = json.load(f)
if "schema" in GATES:
    import schemas

    KNOWN = schemas.registry(GATES["schema"])


def named(folder, pattern, within):
    """The file of a fault: by the end of its path, or `visual:KIND`; it has the text that the fault changes."""
    found = []
    for place, _, names in os.walk(folder):
        found += [os.path.join(place, n) for n in names]
    for path in sorted(found):
        if pattern.startswith("visual:"):
            if path.endswith("visual.json"):
                with open(path, encoding="utf-8") as file:
                    text = file.read()
                if json.loads(text)["visual"]["visualType"] == pattern[7:] and within in text:
                    return path
        elif path.endswith(pattern):
            return path
    sys.exit(f"{pattern} is not in {folder}")


def finds(gate, folder):
    if gate == "schema":
        return bool(schemas.faults(folder, KNOWN)[0])
    run = subprocess.run([*shlex.split(GATES[gate]), folder], capture_output=True, text=True, check=False, timeout=300)
    return run.returncode != 0


def mutate(folder, m):
    path = named(folder, m["file"], m.get("find", ""))
    if m.get("drop"):
        os.remove(path)
        return
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if m["find"] not in text:
        sys.exit(f"{m['name']}: `{m['find']}` is not in {path}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(m["find"], m["put"], 1))


for gate in GATES:
    if finds(gate, EXPORT):
        sys.exit(f"{gate} finds a fault in the export itself")
wrong, unseen, blind, count = 0, [], 0, {g: 0 for g in GATES}
for m in MUTANTS:
    with tempfile.TemporaryDirectory() as scratch:
        folder = os.path.join(scratch, "export")
        shutil.copytree(EXPORT, folder)
        mutate(folder, m)
        # The slow one only where it has something to find.
        asked = [g for g in GATES if g != "dax" or "dax" in m["by"]]
        found = [g for g in asked if finds(g, folder)]
    for g in found:
        count[g] += 1
    missed = [g for g in m["by"] if g in GATES and g not in found]
    more = [g for g in found if g not in m["by"]]
    if missed:
        wrong += 1
        print(f"{m['name']}: not found by {', '.join(missed)}")
    if more:
        print(f"{m['name']}: also found by {', '.join(more)}")
    if not found and m.get("blind"):
        blind += 1
    elif not found:
        (unseen.append(m["name"]) if not set(m["by"]) & set(GATES) else None)
        wrong += 0 if m["by"] else 1
summary = ", ".join(f"{g} {n}" for g, n in count.items())
print(f"{len(MUTANTS)} faults: {summary}; {blind} that nothing can find; {len(unseen)} that only a check left out finds")
for name in unseen:
    print(f"  left out: {name}")
sys.exit(1 if wrong else 0)
