//! Secrets in files that may use them (profiles.yml, packages.yml): templates see a stand-in, which is replaced after
//! rendering. So a filter that changes a text cannot let a secret past the masks: it changes the stand-in, which then
//! stays what it is, as in dbt.
use crate::yaml::{Kind, Node};
use std::collections::BTreeMap;

const PREFIX: &str = "DBT_ENV_SECRET_";

fn stand_in(name: &str) -> String {
    format!("$$$DBT_SECRET_START$$${name}$$$DBT_SECRET_END$$$")
}

/// The variables as templates see them.
pub(super) fn hidden(env: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let seen = |(name, value): (&String, &String)| {
        let secret = name.starts_with(PREFIX);
        let value = if secret {
            stand_in(name)
        } else {
            value.clone()
        };
        (name.clone(), value)
    };
    env.iter().map(seen).collect()
}

/// A rendered value with the secrets themselves.
pub(super) fn revealed(value: Kind, env: &BTreeMap<String, String>) -> Kind {
    let within = |node: Node| Node {
        kind: revealed(node.kind, env),
        ..node
    };
    match value {
        Kind::Str(text) => Kind::Str(filled(text, env)),
        Kind::Seq(items) => Kind::Seq(items.into_iter().map(within).collect()),
        Kind::Map(entries) => {
            let both = entries.into_iter().map(|(k, v)| (within(k), within(v)));
            Kind::Map(both.collect())
        }
        other => other,
    }
}

fn filled(text: String, env: &BTreeMap<String, String>) -> String {
    if !text.contains(PREFIX) {
        return text;
    }
    let secrets = env.iter().filter(|(name, _)| name.starts_with(PREFIX));
    secrets.fold(text, |text, (name, value)| {
        text.replace(&stand_in(name), value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_there_whole_or_not_at_all() {
        let env = BTreeMap::from([
            ("DBT_ENV_SECRET_A".to_string(), "s3".to_string()),
            ("DBT_ENV_SECRET_AB".to_string(), "x".to_string()),
            ("HOME".to_string(), "/h".to_string()),
        ]);
        let seen = hidden(&env);
        assert_eq!(seen["HOME"], "/h");
        let text = format!(
            "{}:{}@{}",
            seen["DBT_ENV_SECRET_A"], seen["DBT_ENV_SECRET_AB"], seen["HOME"]
        );
        assert_eq!(
            revealed(Kind::Seq(vec![Node::bare(Kind::Str(text))]), &env),
            Kind::Seq(vec![Node::bare(Kind::Str("s3:x@/h".to_string()))])
        );
        let spaced: Vec<String> = seen["DBT_ENV_SECRET_A"].chars().map(String::from).collect();
        let spaced = spaced.join(" ");
        assert_eq!(revealed(Kind::Str(spaced.clone()), &env), Kind::Str(spaced));
    }
}
