//! Column types: the server's numbers, SQL names, and the names of psycopg2's type classes that dbt compares contracts by.

/// A result column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnInfo {
    /// Name; several columns of a result may have the same.
    pub name: String,
    /// Number of the type.
    pub oid: u32,
    /// Type modifier (length, precision); -1 if none.
    pub typmod: i32,
    /// SQL name of the type without modifier (`character varying`, `numeric`, `integer[]`).
    pub type_name: String,
}

/// Built-in types: number, SQL name, psycopg2's class.
#[rustfmt::skip]
const TYPES: &[(u32, &str, &str)] = &[
    (16, "boolean", "BOOLEAN"), (17, "bytea", "BINARY"), (18, "\"char\"", "STRING"), (19, "name", "STRING"),
    (20, "bigint", "LONGINTEGER"), (21, "smallint", "INTEGER"), (23, "integer", "INTEGER"), (25, "text", "STRING"),
    (26, "oid", "ROWID"), (114, "json", "JSON"), (142, "xml", ""), (199, "json[]", "JSONARRAY"),
    (600, "point", ""), (650, "cidr", ""), (651, "cidr[]", "CIDRARRAY"), (700, "real", "FLOAT"),
    (701, "double precision", "FLOAT"), (705, "unknown", "UNKNOWN"), (790, "money", ""), (829, "macaddr", ""),
    (869, "inet", ""), (1000, "boolean[]", "BOOLEANARRAY"), (1001, "bytea[]", "BINARYARRAY"),
    (1002, "\"char\"[]", "STRINGARRAY"), (1003, "name[]", "STRINGARRAY"), (1005, "smallint[]", "INTEGERARRAY"),
    (1007, "integer[]", "INTEGERARRAY"), (1009, "text[]", "STRINGARRAY"), (1014, "character[]", "STRINGARRAY"),
    (1015, "character varying[]", "STRINGARRAY"), (1016, "bigint[]", "LONGINTEGERARRAY"),
    (1021, "real[]", "FLOATARRAY"), (1022, "double precision[]", "FLOATARRAY"), (1028, "oid[]", "ROWIDARRAY"),
    (1040, "macaddr[]", "MACADDRARRAY"), (1041, "inet[]", "INETARRAY"), (1042, "character", "STRING"),
    (1043, "character varying", "STRING"), (1082, "date", "DATE"), (1083, "time without time zone", "TIME"),
    (1114, "timestamp without time zone", "DATETIME"), (1115, "timestamp without time zone[]", "DATETIMEARRAY"),
    (1182, "date[]", "DATEARRAY"), (1183, "time without time zone[]", "TIMEARRAY"),
    (1184, "timestamp with time zone", "DATETIMETZ"), (1185, "timestamp with time zone[]", "DATETIMETZARRAY"),
    (1186, "interval", "INTERVAL"), (1187, "interval[]", "INTERVALARRAY"), (1231, "numeric[]", "DECIMALARRAY"),
    (1266, "time with time zone", "TIME"), (1270, "time with time zone[]", "TIMEARRAY"), (1560, "bit", ""),
    (1562, "bit varying", ""), (1700, "numeric", "DECIMAL"), (2205, "regclass", ""), (2249, "record", ""),
    (2278, "void", ""), (2950, "uuid", ""), (2951, "uuid[]", ""), (3220, "pg_lsn", ""), (3614, "tsvector", ""),
    (3615, "tsquery", ""), (3802, "jsonb", "JSONB"), (3807, "jsonb[]", "JSONBARRAY"), (3904, "int4range", "type"),
    (3906, "numrange", "type"), (3908, "tsrange", "tsrange"), (3910, "tstzrange", "tstzrange"),
    (3912, "daterange", "daterange"), (3926, "int8range", "type"), (3905, "int4range[]", "typeARRAY"),
    (3907, "numrange[]", "typeARRAY"), (3909, "tsrange[]", "tsrangeARRAY"), (3911, "tstzrange[]", "tstzrangeARRAY"),
    (3913, "daterange[]", "daterangeARRAY"), (3927, "int8range[]", "typeARRAY"), (704, "tinterval", "INTERVAL"),
    (1006, "int2vector[]", "INTEGERARRAY"), (1013, "oidvector[]", "ROWIDARRAY"),
];

fn known(oid: u32) -> Option<&'static (u32, &'static str, &'static str)> {
    TYPES.iter().find(|(o, _, _)| *o == oid)
}

/// SQL name of a built-in type.
pub(super) fn name(oid: u32) -> Option<&'static str> {
    known(oid).map(|(_, name, _)| *name)
}

/// Element type of the array types that psycopg2 turns into lists.
pub(super) fn element(oid: u32) -> Option<u32> {
    let (_, name, class) = known(oid)?;
    let name = name.strip_suffix("[]")?;
    let listed = class.ends_with("ARRAY") && !class.contains("range") && !class.contains("type");
    TYPES
        .iter()
        .find(|(_, n, _)| listed && *n == name)
        .map(|(o, _, _)| *o)
}

impl ColumnInfo {
    /// Whether dbt's driver has a class for the type.
    pub fn is_known(&self) -> bool {
        known(self.oid).is_some_and(|(_, _, class)| !class.is_empty())
    }

    /// Name of psycopg2's class for the type, as dbt's contracts compare it (`INTEGER`, `STRING`, `DATETIMETZ`, …).
    pub fn driver_type(&self) -> String {
        match known(self.oid) {
            Some((_, _, class)) if self.is_known() => (*class).to_owned(),
            _ => format!("unknown type_code {}", self.oid),
        }
    }

    /// SQL type with its modifier, fit for a cast (`character varying(3)`, `numeric(10,2)`).
    pub fn sql_type(&self) -> String {
        let n = self.typmod - 4;
        match self.oid {
            1042 | 1043 if n >= 0 => format!("{}({n})", self.type_name),
            1700 if n >= 0 => format!("numeric({},{})", n >> 16 & 0xffff, scale(n)),
            1560 | 1562 if self.typmod >= 0 => format!("{}({})", self.type_name, self.typmod),
            1083 | 1114 | 1184 | 1266 if self.typmod >= 0 => {
                let (head, tail) = self
                    .type_name
                    .split_once(' ')
                    .unwrap_or((&self.type_name, ""));
                format!("{head}({}) {tail}", self.typmod)
            }
            _ => self.type_name.clone(),
        }
    }
}

/// Scale of a numeric's modifier: eleven bits with a sign, as PostgreSQL 15 has it.
fn scale(n: i32) -> i32 {
    ((n & 0x7ff) ^ 1024) - 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(oid: u32, typmod: i32) -> ColumnInfo {
        ColumnInfo {
            name: "c".into(),
            oid,
            typmod,
            type_name: name(oid).unwrap_or("my_enum").into(),
        }
    }

    #[test]
    fn names_for_casts_and_contracts() {
        assert_eq!(column(1043, 7).sql_type(), "character varying(3)");
        assert_eq!(column(1700, (10 << 16 | 2) + 4).sql_type(), "numeric(10,2)");
        assert_eq!(column(1114, 3).sql_type(), "timestamp(3) without time zone");
        assert_eq!(column(25, -1).sql_type(), "text");
        assert_eq!(column(20, -1).driver_type(), "LONGINTEGER");
        assert_eq!(column(2950, -1).driver_type(), "unknown type_code 2950");
        assert_eq!(column(99999, -1).driver_type(), "unknown type_code 99999");
        assert_eq!(element(1007), Some(23));
        assert_eq!(element(2951), None);
        assert_eq!(element(25), None);
    }
}
