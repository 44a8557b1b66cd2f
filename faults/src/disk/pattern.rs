//! Which files a disk fault means: a path below the data folder with `*` for any part of a name and
//! `**` for any folders.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// A pattern that is known to be one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PathPattern(String);

impl std::fmt::Display for PathPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl PathPattern {
    /// Reads a pattern; the error says what is wrong with it.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() || text.starts_with('/') {
            return Err("it is looked for below the data folder: begin with a name there");
        }
        let bad = |part: &str| part.is_empty() || part == "." || part == "..";
        if text.split('/').any(bad) {
            return Err("each part between slashes is a name, `*` in it stands for anything");
        }
        if text.split('/').any(|part| part.contains("**") && part != "**") {
            return Err("`**` stands for whole folders: put it between slashes");
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether a path below the data folder is meant.
    pub fn matches(&self, path: &Path) -> bool {
        let names: Vec<&str> = path.iter().filter_map(|name| name.to_str()).collect();
        let parts: Vec<&str> = self.0.split('/').collect();
        all(&parts, &names)
    }
}

fn all(parts: &[&str], names: &[&str]) -> bool {
    match parts.split_first() {
        None => names.is_empty(),
        Some((&"**", rest)) => (0..=names.len()).any(|skipped| all(rest, &names[skipped..])),
        Some((part, rest)) => names
            .split_first()
            .is_some_and(|(name, names)| one(part.as_bytes(), name.as_bytes()) && all(rest, names)),
    }
}

fn one(part: &[u8], name: &[u8]) -> bool {
    match part.split_first() {
        None => name.is_empty(),
        Some((b'*', rest)) => (0..=name.len()).any(|skipped| one(rest, &name[skipped..])),
        Some((byte, rest)) => name.first() == Some(byte) && one(rest, &name[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_shells_mean_by_them() {
        for (pattern, path, expected) in [
            ("log", "log", true),
            ("log", "log.new", false),
            ("log*", "log.new", true),
            ("*.aof", "appendonly.1.aof", true),
            ("*", "pg/base", false),
            ("**", "pg/base/1", true),
            ("pg/pg_wal/*", "pg/pg_wal/000000010000000000000001", true),
            ("pg/pg_wal/*", "pg/pg_wal/archive_status/1", false),
            ("**/wal/*.wal", "etcd/member/wal/0.wal", true),
            ("**/wal", "wal", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
        ] {
            let read = PathPattern::read(pattern).unwrap();
            assert_eq!(read.matches(Path::new(path)), expected, "{pattern} {path}");
        }
        for pattern in ["", "/var", "a//b", "../x", "a**"] {
            assert!(PathPattern::read(pattern).is_err(), "{pattern}");
        }
    }
}
