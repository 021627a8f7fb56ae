#!/usr/bin/env python3
"""A thousand tests on a hundred tables, and a large seed: tv1 beside dbt and beside psql, in one run.

    PGHOST=… PGPORT=… PGUSER=… PGDATABASE=… PGPASSWORD=… benches/against_dbt.py [--dbt PATH] [--threads 4] [--rows 1000000]

Makes two projects in a temporary folder, runs each program several times in turn, and prints the shortest wall time of
each and the ratios. Without --dbt only tv1 and psql are timed. The schema `tv1_bench` of the database is dropped.
"""
import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

TABLES = 100
ROWS_OF_A_TABLE = 1000
# Ten tests a table.
TESTS = """  - name: t{n}
    columns:
      - name: id
        data_tests: [unique, not_null]
      - name: parent
        data_tests:
          - not_null
          - relationships: {{arguments: {{to: ref('t{before}'), field: id}}}}
      - name: kind
        data_tests:
          - not_null
          - accepted_values: {{arguments: {{values: [a, b, c]}}}}
      - name: amount
        data_tests: [not_null, unique]
      - name: at
        data_tests:
          - not_null
          - not_null: {{name: at_of_t{n}_in_january, config: {{where: "at < '2025-02-01'"}}}}
"""
MODEL = """{{{{ config(materialized='table') }}}}
{hint}
select i as id, i as parent, (array['a', 'b', 'c'])[i % 3 + 1] as kind, i * 1.5 as amount,
       timestamp '2025-01-01' + i * interval '1 hour' as at
from generate_series(1, {rows}) as i
"""
PROFILE = """bench:
  target: dev
  outputs:
    dev:
      type: postgres
      host: "{{ env_var('PGHOST') }}"
      port: "{{ env_var('PGPORT') | int }}"
      user: "{{ env_var('PGUSER') }}"
      password: "{{ env_var('PGPASSWORD', 'none') }}"
      dbname: "{{ env_var('PGDATABASE') }}"
      schema: tv1_bench
      threads: 4
"""


def project(folder: pathlib.Path, files: dict) -> None:
    files = files | {"dbt_project.yml": "name: bench\nversion: '1.0'\nprofile: bench\n", "profiles.yml": PROFILE}
    for path, text in files.items():
        path = folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def timed(command: list, folder: pathlib.Path, shell=False) -> tuple:
    """Wall and CPU seconds of a command; stops the benchmark if it fails."""
    env = os.environ | {"DO_NOT_TRACK": "1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    done = subprocess.run(command, cwd=folder, shell=shell, env=env, capture_output=True, text=True)
    wall = time.monotonic() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"{command} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def table(title: str, runs: dict) -> None:
    print(f"\n{title}")
    base = min(w for w, _ in runs["tv1"])
    for name, times in runs.items():
        wall, cpu = min(w for w, _ in times), min(c for _, c in times)
        print(f"  {name:28} {wall:8.2f} s wall  {cpu:8.2f} s client CPU  {wall / base:6.2f} × tv1")


def in_turn(programs: dict, repeat: int, folder: pathlib.Path) -> dict:
    runs = {name: [] for name in programs}
    for _ in range(repeat):
        for name, (command, shell) in programs.items():
            runs[name].append(timed(command, folder, shell))
    return runs


def thousand_tests(args, root: pathlib.Path) -> None:
    folder = root / "tests"
    files = {
        f"models/t{n}.sql": MODEL.format(
            rows=ROWS_OF_A_TABLE, hint=f"-- depends_on: {{{{ ref('t{n - 1}') }}}}" if n else ""
        )
        for n in range(TABLES)
    }
    files["models/t.yml"] = "models:\n" + "".join(TESTS.format(n=n, before=max(n - 1, 0)) for n in range(TABLES))
    project(folder, files)
    timed([args.tv1, "--quiet", "run", "--threads", str(args.threads)], folder)
    timed([args.tv1, "--quiet", "test", "--threads", str(args.threads)], folder)
    results = json.loads((folder / "target/run_results.json").read_text())["results"]
    assert len(results) == 10 * TABLES and all(r["status"] == "pass" for r in results), "not what was to be measured"
    # The same queries on as many connections: what PostgreSQL itself needs for them.
    count = "select count(*) as failures, count(*) != 0 as should_warn, count(*) != 0 as should_error from (\n{}\n) q;\n"
    queries = [count.format(r["compiled_code"]) for r in results]
    for i in range(args.threads):
        (folder / f"part{i}.sql").write_text("".join(queries[i :: args.threads]))
    psql = " & ".join(f"psql -qAtX -v ON_ERROR_STOP=1 -f part{i}.sql >/dev/null" for i in range(args.threads))
    threads = ["--threads", str(args.threads)]
    programs = {"tv1": ([args.tv1, "--quiet", "test", *threads], False), "psql, the same queries": (f"{psql} & wait", True)}
    if args.dbt:
        programs["dbt"] = ([args.dbt, "--quiet", "test", *threads], False)
    table(f"{10 * TABLES} tests on {TABLES} tables, {args.threads} threads", in_turn(programs, args.repeat, folder))


def large_seed(args, root: pathlib.Path) -> None:
    def seed(rows: int) -> pathlib.Path:
        folder = root / f"seed{rows}"
        lines = (f"{i},name {i},{i % 97},{i * 0.25},2025-01-{i % 28 + 1:02}\n" for i in range(rows))
        project(folder, {"seeds/big.csv": "id,name,kind,amount,day\n" + "".join(lines)})
        return folder

    folder = seed(args.rows)
    columns = "id int, name text, kind int, amount float8, day date"
    copy = f"drop table if exists tv1_bench.copied; create table tv1_bench.copied ({columns}); "
    copied = [
        "psql", "-qX", "-c", "create schema if not exists tv1_bench", "-c", copy,
        "-c", "\\copy tv1_bench.copied from 'seeds/big.csv' csv header",
    ]
    programs = {"tv1": ([args.tv1, "--quiet", "seed"], False), "psql \\copy, types known": (copied, False)}
    table(f"a seed of {args.rows} rows", in_turn(programs, args.repeat, folder))
    if args.dbt:
        rows = min(args.rows, 50_000)
        programs = {"tv1": ([args.tv1, "--quiet", "seed"], False), "dbt": ([args.dbt, "--quiet", "seed"], False)}
        table(f"a seed of {rows} rows", in_turn(programs, 1, seed(rows)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tv1", default="target/release/tv1")
    parser.add_argument("--dbt", help="dbt's program; left out without it")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1_000_000)
    args = parser.parse_args()
    args.tv1 = str(pathlib.Path(args.tv1).resolve())
    os.environ.setdefault("PGPORT", "5432")
    drop = ["psql", "-qX", "-c", "set client_min_messages = warning; drop schema if exists tv1_bench cascade"]
    with tempfile.TemporaryDirectory() as root:
        subprocess.run(drop, check=True)
        thousand_tests(args, pathlib.Path(root))
        large_seed(args, pathlib.Path(root))
        subprocess.run(drop, check=True)


if __name__ == "__main__":
    main()
