//! Identifiers that are the same for the same thing on every machine (UUID version 5, RFC 9562).
use sha1::{Digest, Sha1};

/// The namespace for URLs, as in RFC 9562.
const NAMESPACE: [u8; 16] = [
    0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8,
];

fn bytes(text: &str) -> [u8; 16] {
    let mut hash = Sha1::new();
    hash.update(NAMESPACE);
    hash.update(format!("tv1:{text}"));
    let digest = hash.finalize();
    let mut out = [0; 16];
    out.copy_from_slice(&digest[..16]);
    out[6] = (out[6] & 0x0f) | 0x50;
    out[8] = (out[8] & 0x3f) | 0x80;
    out
}

/// A UUID for a thing.
pub fn uuid(text: &str) -> String {
    uuid::Uuid::from_bytes(bytes(text)).to_string()
}

/// Twenty hexadecimal digits, as PBIR names pages and visuals.
pub fn short(text: &str) -> String {
    let hex: String = bytes(text).iter().map(|b| format!("{b:02x}")).collect();
    hex[..20].to_string()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_same_text_gives_the_same_identifier() {
        assert_eq!(super::uuid("tmeasures"), super::uuid("tmeasures"));
        assert_ne!(super::uuid("a"), super::uuid("b"));
        let parsed = uuid::Uuid::parse_str(&super::uuid("a")).unwrap();
        assert_eq!(parsed.get_version_num(), 5);
        assert_eq!(super::short("a").len(), 20);
    }
}
