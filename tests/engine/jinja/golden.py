"""Writes the expected output of every case in *.txt with Python's Jinja2 as dbt sets it up.

A case is one or more lines `> template`, followed by lines `= output` or one line `! error message`.
Run it with a Python that has dbt-core: `python tests/engine/jinja/golden.py`. Tests only read the files.
"""
import itertools
import json
import pathlib

import jinja2
from dbt_common.clients.jinja import get_environment
from dbt.context.base import BaseContext

HERE = pathlib.Path(__file__).parent
ENV = get_environment(None)
CONTEXT = BaseContext({}).to_dict()
CONTEXT["modules"]["itertools"] = itertools  # without dbt's deprecation warning


def context():
    return {**CONTEXT, **json.loads((HERE / "context.json").read_text())}


def expected(template):
    try:
        return "".join(f"= {line}\n" for line in ENV.from_string(template).render(context()).split("\n"))
    except jinja2.TemplateSyntaxError as error:
        return f"! syntax: {error.message}\n"
    except Exception as error:
        lines = [line.strip() for line in str(error).split("\n") if line.strip()]
        return f"! {lines[1 if lines[0] == 'Compilation Error' else 0]}\n"


for path in sorted(HERE.glob("*.txt")):
    out, template = [], []

    def flush():
        if template:
            out.extend(f"> {line}\n" for line in template)
            out.append(expected("\n".join(template)))
            template.clear()

    for line in path.read_text().split("\n"):
        if line.startswith(">"):
            template.append(line[2:])
        elif line.startswith("=") or line.startswith("!"):
            flush()
        else:
            flush()
            if line or (out and out[-1] != "\n"):
                out.append(line + "\n")
    flush()
    path.write_text("".join(out).rstrip("\n") + "\n")
