//! What a change to an enforced contract breaks.
//!
//! In: the records of a model before and now. Out: whether the contract changed, and what in it is a breaking change.
//! Only what is taken away breaks: additions change a contract without breaking it.
use super::record::Record;
use serde_json::Value;

/// What happened to a contract.
#[derive(Debug, Default, PartialEq)]
pub struct ContractChange {
    /// Whether it differs at all.
    pub changed: bool,
    /// What breaks; empty for changes that only add.
    pub breaking: Vec<String>,
}

/// Compares the contracts of a model before and now.
pub fn compare(old: &Record, new: &Record) -> ContractChange {
    if !old.contract.enforced {
        return ContractChange {
            changed: new.contract.enforced,
            breaking: Vec::new(),
        };
    }
    let mut breaking = Vec::new();
    if !new.contract.enforced {
        breaking.push(
            "Contract enforcement was removed: Previously, this model had an enforced contract. It is no longer configured to enforce its contract, and this is a breaking change."
                .to_string(),
        );
    }
    let mut say = |what: &str, items: Vec<String>| {
        if !items.is_empty() {
            breaking.push(format!("{what}: {}", items.join(", ")));
        }
    };
    let (mut removed, mut retyped, mut freed) = (Vec::new(), Vec::new(), Vec::new());
    for (key, column) in &old.columns {
        let Some(own) = new.columns.get(key) else {
            removed.push(column.name.clone());
            continue;
        };
        if own.data_type != column.data_type {
            retyped.push(format!(
                "{} ({} -> {})",
                column.name,
                shown(column.data_type.as_deref()),
                shown(own.data_type.as_deref())
            ));
        }
        if enforces(old) {
            for constraint in missing(&column.constraints, &own.constraints) {
                freed.push(format!(
                    "`{}` constraint on column {}",
                    kind(constraint),
                    column.name
                ));
            }
        }
    }
    say("Columns were removed", removed);
    say("Columns with data_type changes", retyped);
    say("Enforced column level constraints were removed", freed);
    if enforces(old) {
        let freed = missing(&old.constraints, &new.constraints)
            .map(|c| {
                let columns = c.get("columns").and_then(Value::as_array);
                let names: Vec<&str> = columns
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect();
                format!("`{}` constraint on columns [{}]", kind(c), names.join(", "))
            })
            .collect();
        say("Enforced model level constraints were removed", freed);
        let constrained =
            !old.constraints.is_empty() || old.columns.values().any(|c| !c.constraints.is_empty());
        if constrained && !enforces(new) {
            say(
                "Materialization changed with enforced constraints",
                vec![format!("{} -> {}", old.materialized, new.materialized)],
            );
        }
    }
    ContractChange {
        changed: !breaking.is_empty() || old.contract.checksum != new.contract.checksum,
        breaking,
    }
}

/// Whether the relation of a model can hold constraints.
fn enforces(record: &Record) -> bool {
    matches!(record.materialized.as_str(), "table" | "incremental")
}

/// The constraints that PostgreSQL enforces and that are no longer there.
fn missing<'a>(old: &'a [Value], new: &'a [Value]) -> impl Iterator<Item = &'a Value> {
    const ENFORCED: [&str; 5] = ["check", "not_null", "unique", "primary_key", "foreign_key"];
    old.iter()
        .filter(|c| ENFORCED.contains(&kind(c)) && !new.contains(c))
}

fn kind(constraint: &Value) -> &str {
    constraint
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn shown(data_type: Option<&str>) -> &str {
    data_type.unwrap_or("none")
}
