#!/usr/bin/env python3
"""Reading large projects: `parse` of N models with properties and tests, tv1 beside dbt in one run.

    benches/parse_models.py [--tv1 target/release/tv1] [--dbt PATH] [--models 1000,5000] [--runs 3]

Makes each project in a temporary folder and needs no database. Prints the shortest wall time, the CPU time and the peak
memory of each program; dbt reads without what it has kept of an earlier run (`--no-partial-parse`).
"""
import argparse
import os
import pathlib
import subprocess
import tempfile
import time

PROFILE = """bench:
  target: dev
  outputs:
    dev: {type: postgres, host: localhost, port: 5432, user: u, password: p, dbname: d, schema: s, threads: 4}
"""
PROPERTIES = """  - name: m{n}
    description: Model {n} of the benchmark.
    columns:
      - name: id
        description: The key.
        data_tests: [unique, not_null]
      - name: parent
        data_tests:
          - relationships: {{arguments: {{to: ref('m{before}'), field: id}}}}
"""


def project(folder: pathlib.Path, models: int) -> None:
    """Models that refer to the ones before them, twenty to a folder and a properties file."""
    (folder / "dbt_project.yml").write_text("name: bench\nprofile: bench\nmodels: {bench: {+materialized: table}}\n")
    (folder / "profiles.yml").write_text(PROFILE)
    for start in range(0, models, 20):
        area = folder / "models" / f"area_{start // 20}"
        area.mkdir(parents=True)
        entries = []
        for n in range(start, min(start + 20, models)):
            before = max(n - 7, 0)
            sql = "select 1 as id, 1 as parent" if n == before else f"select id, id as parent from {{{{ ref('m{before}') }}}}"
            area.joinpath(f"m{n}.sql").write_text(f"{{{{ config(tags=['area_{start // 20}']) }}}}\n{sql}\n")
            if n != before:
                entries.append(PROPERTIES.format(n=n, before=before))
        if entries:
            area.joinpath("_models.yml").write_text("models:\n" + "".join(entries))


def timed(command: list[str], folder: pathlib.Path, runs: int) -> tuple[float, float, int]:
    """Shortest wall time and its CPU time in seconds, and the peak memory in MiB."""
    best = (float("inf"), 0.0, 0)
    for _ in range(runs):
        begun = time.monotonic()
        child = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, env={**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"})
        _, status, usage = os.wait4(child.pid, 0)
        if status:
            raise SystemExit(f"{command} ended with {os.waitstatus_to_exitcode(status)}")
        wall = time.monotonic() - begun
        best = min(best, (wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024))
    return best


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--tv1", default="target/release/tv1")
    words.add_argument("--dbt")
    words.add_argument("--models", default="1000,5000")
    words.add_argument("--runs", type=int, default=3)
    given = words.parse_args()
    for models in map(int, given.models.split(",")):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            project(folder, models)
            tv1 = timed([str(pathlib.Path(given.tv1).resolve()), "parse", "--quiet"], folder, given.runs)
            print(f"{models} models: tv1 {tv1[0]:.2f} s wall, {tv1[1]:.2f} s CPU, {tv1[2]} MiB")
            if given.dbt:
                dbt = timed([given.dbt, "--quiet", "--no-partial-parse", "parse"], folder, 1)
                print(f"{models} models: dbt {dbt[0]:.2f} s wall, {dbt[1]:.2f} s CPU, {dbt[2]} MiB; {dbt[0] / tv1[0]:.0f} ×")


if __name__ == "__main__":
    main()
