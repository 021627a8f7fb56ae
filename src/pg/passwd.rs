//! The system's user list (`/etc/passwd`): names, ids and home folders. Enough for a server's own users; directory
//! services are not asked.
use std::fs;

/// A line of the user list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Main group id.
    pub gid: u32,
}

/// The user of this name.
pub fn by_name(name: &str) -> Option<User> {
    find(&fs::read_to_string("/etc/passwd").ok()?, |u| u.name == name)
}

/// The name of the user with this id.
pub fn name_of(uid: u32) -> Option<String> {
    find(&fs::read_to_string("/etc/passwd").ok()?, |u| u.uid == uid).map(|u| u.name)
}

fn find(text: &str, wanted: impl Fn(&User) -> bool) -> Option<User> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        let mut ids = fields.skip(1).map(str::parse);
        let (uid, gid) = (ids.next()?.ok()?, ids.next()?.ok()?);
        Some(User { name, uid, gid }).filter(&wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_by_name_and_id() {
        let text = "root:x:0:0:root:/root:/bin/sh\nbroken\npostgres:x:101:104::/var/lib/postgresql:/bin/bash\n";
        let user = find(text, |u| u.name == "postgres").unwrap();
        assert_eq!((user.uid, user.gid), (101, 104));
        assert_eq!(find(text, |u| u.uid == 0).unwrap().name, "root");
        assert_eq!(find(text, |u| u.name == "broken"), None);
        assert_eq!(name_of(0).as_deref(), Some("root"));
    }
}
