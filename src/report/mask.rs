//! Secrets that must never leave the process: everything that is printed, logged or written passes through here.
//!
//! Comes in: secret values (environment variables named `DBT_ENV_SECRET…`, the connection's password).
//! Goes out: text with `*****` in their place. Knows nothing of where the text goes.
use serde_json::Value;
use std::borrow::Cow;
use std::sync::{Arc, RwLock};

/// What stands in a secret's place.
pub const MASK: &str = "*****";

/// dbt's prefix of the names of environment variables that hold secrets.
const SECRET_PREFIX: &str = "DBT_ENV_SECRET";

/// A shorter password is masked nowhere: it would make every text unreadable and still be guessed.
const SHORTEST_PASSWORD: usize = 4;

/// The secrets known so far; cheap to clone, all clones share the same list.
#[derive(Debug, Clone, Default)]
pub struct Masks {
    secrets: Arc<RwLock<Vec<String>>>,
}

impl Masks {
    /// The secrets among variables: those that are called so.
    pub fn named_secret(vars: impl IntoIterator<Item = (String, String)>) -> Self {
        let masks = Self::default();
        for (name, value) in vars {
            if name.starts_with(SECRET_PREFIX) {
                masks.add(&value);
            }
        }
        masks
    }

    /// Adds a secret; blank ones are ignored.
    pub fn add(&self, secret: &str) {
        if secret.trim().is_empty() {
            return;
        }
        let Ok(mut secrets) = self.secrets.write() else {
            return;
        };
        for form in [secret.to_string(), percent_encoded(secret)] {
            if !secrets.contains(&form) {
                secrets.push(form);
            }
        }
        // The longest first: a secret may contain another.
        secrets.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    }

    /// Adds a password, unless it is very short or is no secret because it equals one of the `public` words
    /// (user, database, schema, host): masking those would garble every relation's name.
    pub fn add_password(&self, password: &str, public: &[&str]) {
        let known = ["postgres", "password"];
        let is_public = public
            .iter()
            .chain(&known)
            .any(|word| word.eq_ignore_ascii_case(password));
        if password.chars().count() >= SHORTEST_PASSWORD && !is_public {
            self.add(password);
        }
    }

    /// The text with every secret masked.
    pub fn apply<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let Ok(secrets) = self.secrets.read() else {
            return Cow::Borrowed(text);
        };
        let mut out = Cow::Borrowed(text);
        for secret in secrets.iter() {
            if out.contains(secret.as_str()) {
                out = Cow::Owned(out.replace(secret.as_str(), MASK));
            }
        }
        out
    }

    /// Whether a text of JSON holds a secret, as it is or as JSON writes it.
    pub fn touch(&self, json: &str) -> bool {
        let Ok(secrets) = self.secrets.read() else {
            return true;
        };
        secrets.iter().any(|secret| {
            let written = Value::from(secret.as_str()).to_string();
            let inside = &written[1..written.len() - 1];
            json.contains(inside) || json.contains(secret.as_str())
        })
    }

    /// Masks every text inside a JSON value, and numbers that are a secret; keys stay.
    pub fn apply_json(&self, value: &mut Value) {
        if self.secrets.read().is_ok_and(|s| s.is_empty()) {
            return;
        }
        match value {
            Value::String(text) => {
                if let Cow::Owned(masked) = self.apply(text) {
                    *text = masked;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|v| self.apply_json(v)),
            Value::Object(map) => map.values_mut().for_each(|v| self.apply_json(v)),
            Value::Number(n) => {
                let number = n.to_string();
                // A short one would stand in for counts.
                if number.len() >= SHORTEST_PASSWORD
                    && self.secrets.read().is_ok_and(|s| s.contains(&number))
                {
                    *value = Value::from(MASK);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }
}

/// A secret as it stands in a URL.
fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn masks(secrets: &[&str]) -> Masks {
        let masks = Masks::default();
        for secret in secrets {
            masks.add(secret);
        }
        masks
    }

    #[test]
    fn only_variables_named_as_secrets_are_masked() {
        let vars = [
            ("DBT_ENV_SECRET_TOKEN", "t0ken"),
            ("DBT_ENV_SECRET_EMPTY", " "),
            ("HOME", "/root"),
        ];
        let masks = Masks::named_secret(vars.map(|(k, v)| (k.to_string(), v.to_string())));
        assert_eq!(
            masks.apply("git clone https://t0ken@host /root"),
            "git clone https://*****@host /root"
        );
        assert_eq!(masks.apply("a b"), "a b");
    }

    #[test]
    fn a_secret_within_a_secret_leaves_nothing_behind() {
        assert_eq!(masks(&["abc", "abcdef"]).apply("abcdef abc"), "***** *****");
    }

    #[test]
    fn the_form_in_a_url_is_masked_too() {
        let m = masks(&["p@ss/wörd"]);
        assert_eq!(
            m.apply("postgres://u:p%40ss%2Fw%C3%B6rd@h/d and p@ss/wörd"),
            "postgres://u:*****@h/d and *****"
        );
    }

    #[test]
    fn a_password_that_everybody_can_see_is_no_secret() {
        let m = Masks::default();
        m.add_password("postgres", &["postgres"]);
        m.add_password("shop", &["me", "Shop"]);
        m.add_password("pw", &[]);
        assert_eq!(m.apply("postgres shop pw"), "postgres shop pw");
        m.add_password("s3cret!", &["me"]);
        assert_eq!(m.apply("s3cret!"), MASK);
    }

    #[test]
    fn texts_inside_json_are_masked_and_keys_are_not() {
        let mut value = json!({"t0ken": ["a t0ken", {"x": "t0ken"}, 1, null]});
        masks(&["t0ken"]).apply_json(&mut value);
        assert_eq!(
            value,
            json!({"t0ken": ["a *****", {"x": "*****"}, 1, null]})
        );
    }
}
