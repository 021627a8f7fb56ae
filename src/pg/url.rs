//! The two texts that name a server: `postgresql://…` and `name=value …`; in, their settings by libpq's names, out.
use super::options::{Params, invalid, setting};
use crate::diag::Diagnostic;

/// What follows `postgresql://`. Values are never shown in errors: any of them may hold a password.
pub(super) fn parse(rest: &str) -> Result<Params, Diagnostic> {
    let mut params = Params::new();
    let mut put = |name, value: &str| -> Result<(), Diagnostic> {
        if !value.is_empty() {
            params.insert(name, decode(value)?);
        }
        Ok(())
    };
    let (main, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, name) = main.split_once('/').unwrap_or((main, ""));
    let (login, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    if host.contains(',') {
        return Err(invalid("the URL names more than one host".into()));
    }
    let (host, port) = match host.strip_prefix('[').and_then(|h| h.split_once(']')) {
        Some((address, after)) => (address, after.strip_prefix(':').unwrap_or("")),
        None => host.split_once(':').unwrap_or((host, "")),
    };
    for (key, value) in [
        ("user", user),
        ("password", password),
        ("host", host),
        ("port", port),
        ("dbname", name),
    ] {
        put(key, value)?;
    }
    for pair in query.split('&').filter(|p| !p.is_empty()) {
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| invalid("a setting after `?` has no `=`".into()))?;
        match key {
            "ssl" if value == "true" => put("sslmode", "require")?,
            _ => put(setting(key)?, value)?,
        }
    }
    Ok(params)
}

/// `key = value 'quoted \' value'` pairs.
pub(super) fn parse_pairs(text: &str) -> Result<Params, Diagnostic> {
    let mut params = Params::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').ok_or_else(|| {
            invalid("the connection text is neither a URL nor `name=value` pairs".into())
        })?;
        let key = setting(key.trim())?;
        let (value, after) = pair_value(after.trim_start())?;
        params.insert(key, value);
        rest = after.trim_start();
    }
    Ok(params)
}

fn pair_value(text: &str) -> Result<(String, &str), Diagnostic> {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut chars = text.char_indices().skip(usize::from(quoted));
    while let Some((i, c)) = chars.next() {
        match c {
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            '\'' if quoted => return Ok((value, &text[i + 1..])),
            c if c.is_whitespace() && !quoted => return Ok((value, &text[i..])),
            c => value.push(c),
        }
    }
    if quoted {
        return Err(invalid(
            "a quoted value of the connection text has no end".into(),
        ));
    }
    Ok((value, ""))
}

fn decode(text: &str) -> Result<String, Diagnostic> {
    let bad = || invalid("a `%` in the URL is not followed by two hexadecimal digits".into());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(b) = rest.next() {
        if b != b'%' {
            bytes.push(b);
            continue;
        }
        let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
        let (high, low) = (digit(rest.next()), digit(rest.next()));
        let (Some(high), Some(low)) = (high, low) else {
            return Err(bad());
        };
        bytes.push((high * 16 + low) as u8);
    }
    String::from_utf8(bytes).map_err(|_| bad())
}

/// Percent-encodes all that is not plain in every part of a URL.
pub(super) fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(b).to_string()
            }
            b => format!("%{b:02X}"),
        })
        .collect()
}
