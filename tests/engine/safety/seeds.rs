//! Seeds stream from their file to the server; types and values are dbt's, as recorded from dbt-core 1.10.
use crate::project::Project;

/// File, columns with types, and rows.
const CASES: &[(&str, &str, &str, &str)] = &[
    (
        "blank",
        "a,b\n1,x\n\n2,y\n   ,  \n3,null\n4, NULL \n",
        "a integer,b text",
        "1|x null|null 2|y null|null 3|null 4|null",
    ),
    (
        "nums",
        "a,b,c,d,e,f,g,h\n1_000,1e5,1.50,$1,\"1,000\",007,+5,12%\n2,2,2,2,2,2,-7, 3 \n",
        "a integer,b integer,c double precision,d integer,e integer,f integer,g integer,h integer",
        "1000|100000|1.5|1|1000|7|5|12 2|2|2.0|2|2|2|-7|3",
    ),
    (
        "dates",
        "d,dt,iso,isoz,mix,t,iso2\n2024-01-02,2024-01-02 03:04:05,2024-01-02T03:04:05,2024-01-02T03:04:05+02:00,2024-01-02,12:30,2024-01-02T03:04:05.123456\n\
         2024-1-3,2024-01-02 3:4:5,2024-01-02T03:04,2024-01-02T03:04:05Z,2024-01-02 00:00:00,1:2,2024-01-02T03:04:05\n",
        "d date,dt timestamp without time zone,iso timestamp without time zone,isoz timestamp without time zone,mix text,t text,iso2 timestamp without time zone",
        "2024-01-02|2024-01-02 03:04:05|2024-01-02 03:04:05|2024-01-02 01:04:05|2024-01-02|12:30|2024-01-02 03:04:05.123456 \
         2024-01-03|2024-01-02 03:04:05|2024-01-02 03:04:00|2024-01-02 03:04:05|2024-01-02 00:00:00|1:2|2024-01-02 03:04:05",
    ),
    (
        "bools",
        "a,b,c,d,e\ntrue,t,yes,1,True\nFALSE,f,no,0, false \n",
        "a boolean,b text,c text,d integer,e boolean",
        "t|t|yes|1|t f|f|no|0|f",
    ),
    (
        "texts",
        "a,b\n\" sp \",\"line\nbreak\"\n\"q\"\"q\",tab\there\n\\N,back\\slash\n\"\",é\n",
        "a text,b text",
        " sp |line\nbreak q\"q|tab\there \\N|back\\slash null|é",
    ),
    (
        "dup",
        "a,a,,b,,a\n1,2,3,4,5,6\n",
        "a integer,a_2 integer,c integer,b integer,e integer,a_3 integer",
        "1|2|3|4|5|6",
    ),
    (
        "short",
        "a,b,c\n1\n2,x\n",
        "a integer,b text,c integer",
        "1|null|null 2|x|null",
    ),
    (
        "bom",
        "\u{feff}a,b\r\n1,2\r\n",
        "a integer,b integer",
        "1|2",
    ),
    ("empty", "a,b\n", "a integer,b integer", ""),
    ("sp", " a , b\n1,2\n", " a  integer, b integer", "1|2"),
    ("semi", "a;b\n1;x,y\n2;z\n", "a integer,b text", "1|x,y 2|z"),
    (
        "typed",
        "zip,amt,j,v,n,ts\n01234,1.5,\"{\"\"a\"\":1}\",abc,,2024-01-02T03:04:05+02:00\n99999,2,null,null,NULL,2024-01-02\n",
        "zip character varying(5),amt numeric(10,2),j jsonb,v text,n integer,ts timestamp without time zone",
        "01234|1.50|{\"a\": 1}|abc|null|2024-01-02 03:04:05 99999|2.00|null|null|null|2024-01-02 00:00:00",
    ),
];

#[test]
fn types_and_values_are_dbts() {
    let p = Project::new(&[(
        "seeds/s.yml",
        "seeds:\n  - name: typed\n    config: {column_types: {zip: varchar(5), amt: \"numeric(10,2)\", j: jsonb, v: text, n: int, ts: timestamp}}\n\
         \x20 - name: semi\n    config: {delimiter: \";\"}\n",
    )]);
    for (name, text, _, _) in CASES {
        p.write(&format!("seeds/{name}.csv"), text);
    }
    p.tv1(&["seed", "--vars", "{}"]).expect(0, &["PASS=12"]);
    for again in [false, true] {
        for (name, _, columns, rows) in CASES {
            let sql = format!(
                "select string_agg(attname || ' ' || format_type(atttypid, atttypmod), ',' order by attnum) \
                 from pg_attribute where attrelid = '{name}'::regclass and attnum > 0"
            );
            assert_eq!(&p.rows(&sql), columns, "{name}");
            assert_eq!(
                &p.rows(&format!("select * from {name}")),
                rows,
                "{name}, again: {again}"
            );
        }
        // Emptied and filled: the same rows, not twice.
        p.tv1(&["seed"]).expect(0, &["INSERT 6", "PASS=12"]);
    }
}

#[test]
fn mistakes_name_line_and_column() {
    let p = Project::new(&[("seeds/codes.csv", "code,n\n1,2\n")]);
    p.tv1(&["seed"]).expect(0, &[]);
    p.write("seeds/codes.csv", "code,n\n\"a\nb\",2\n3,4,5\n");
    p.tv1(&["seed"]).expect(
        1,
        &[
            "Row 1 has 3 values, but Table only has 2 columns.",
            "seeds/codes.csv:4",
        ],
    );
    p.write(
        "seeds/s.yml",
        "seeds:\n  - name: codes\n    config: {column_types: {n: integer}}\n",
    );
    p.write("seeds/codes.csv", "code,n\n\n1,2\n2,x\n");
    p.tv1(&["seed"]).expect(
        1,
        &[
            "invalid input syntax for type integer: \"x\"",
            "column n",
            "seeds/codes.csv, line 4",
        ],
    );
    p.write("seeds/codes.csv", "code,n\n12345678901234567890,1\n");
    p.tv1(&["seed"]).expect(
        1,
        &["out of range for type integer", "seeds/codes.csv, line 2"],
    );
    assert_eq!(p.rows("select * from codes"), "1|2");
}

#[test]
fn a_project_may_load_its_seeds_itself() {
    let p = Project::new(&[
        ("seeds/codes.csv", "code,name\n1,a\n2,b\n"),
        ("seeds/plain.csv", "Code,b c\n1,x\n"),
        (
            "seeds/s.yml",
            "seeds:\n  - name: plain\n    config: {quote_columns: true}\n",
        ),
        (
            "macros/load.sql",
            "{% macro default__load_csv_rows(model, agate_table) %}\n\
             {% set sql %}insert into {{ this }} values {% for r in agate_table.rows %}({{ r[0] * 10 }}, '{{ r[1] }}!'){{ ',' if not loop.last }}{% endfor %}{% endset %}\n\
             {% do adapter.add_query(sql) %}{{ return(sql) }}\n{% endmacro %}\n",
        ),
    ]);
    p.tv1(&["seed"]).expect(0, &["INSERT 2"]);
    assert_eq!(p.rows("select * from codes"), "10|a! 20|b!");
    assert_eq!(p.rows("select \"Code\", \"b c\" from plain"), "10|x!");
}
