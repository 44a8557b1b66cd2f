//! The clients by name, with the options that a plan may give them.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use super::{Connector, abd, etcd, exec as exec_client, noop, postgres, redis};

/// A kind of client, as the catalogue shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientKind {
    /// What plans and system files call it.
    pub name: &'static str,
    /// One line on what it speaks.
    pub about: &'static str,
    /// What may be set.
    pub options: &'static [ClientOption],
}

/// An option of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientOption {
    /// Its name.
    pub name: &'static str,
    /// What it decides.
    pub about: &'static str,
    /// The values that it takes; the first is the default.
    pub values: &'static [&'static str],
}

/// All kinds of client.
pub const CLIENT_KINDS: &[ClientKind] = &[
    ClientKind {
        name: "abd",
        about: "the embedded register store's line protocol: read, write",
        options: &[],
    },
    ClientKind {
        name: "etcd",
        about: "etcd's JSON gateway: read, write, cas on keys that hold JSON text",
        options: &[ClientOption {
            name: "reads",
            about: "linearizable reads ask a majority; serializable ones may be old",
            values: &["linearizable", "serializable"],
        }],
    },
    ClientKind {
        name: "exec",
        about: "a program in any language, over its stdin and stdout",
        options: &[],
    },
    ClientKind {
        name: "noop",
        about: "answers at once without a system, to measure the runner",
        options: &[],
    },
    ClientKind {
        name: "postgres",
        about: "PostgreSQL: read, write, cas; add and read of sets; txn of lists, as SQL on rows",
        options: &[ClientOption {
            name: "isolation",
            about: "the isolation level of every transaction",
            values: &postgres::ISOLATION,
        }],
    },
    ClientKind {
        name: "redis",
        about: "Redis's own protocol: read, write, cas; add and read of sets; txn of lists",
        options: &[],
    },
];

/// What opens clients of one kind.
///
/// `model` is that of the run's histories: a `read` means one thing of a register and another of a
/// set. `options` are the plan's, by name. `exec` (program and arguments), `multiplex` and `stderr` (the
/// file that takes what the program writes there) matter to the kind `exec` alone.
///
/// # Errors
///
/// An unknown kind, option or value, or an `exec` without a program; in words that list what is valid.
pub fn connector(
    kind: &str,
    model: &str,
    options: &BTreeMap<String, String>,
    exec: &[String],
    multiplex: bool,
    stderr: &Path,
) -> Result<Arc<dyn Connector>, String> {
    let Some(known) = CLIENT_KINDS.iter().find(|known| known.name == kind) else {
        return Err(format!(
            "no client `{kind}`; there are {}",
            listed(CLIENT_KINDS.iter().map(|kind| kind.name))
        ));
    };
    for (name, value) in options {
        known.check(name, value)?;
    }
    match kind {
        "noop" => Ok(Arc::new(noop::NoopConnector)),
        "abd" => Ok(Arc::new(abd::AbdConnector)),
        "etcd" => {
            let serializable = options.get("reads").is_some_and(|reads| reads == "serializable");
            Ok(Arc::new(etcd::EtcdConnector { serializable }))
        }
        "postgres" => {
            let isolation = options.get("isolation").map_or(postgres::ISOLATION[0], String::as_str);
            let connector =
                postgres::PostgresConnector { sets: model == "set", isolation: isolation.into() };
            Ok(Arc::new(connector))
        }
        "redis" => Ok(Arc::new(redis::RedisConnector { sets: model == "set" })),
        "exec" => Ok(Arc::new(exec_client::ExecConnector::new(exec, multiplex, stderr)?)),
        _ => Err(format!("client `{kind}` is listed, but nothing opens it")),
    }
}

impl ClientKind {
    /// Whether an option may have this value.
    fn check(&self, name: &str, value: &str) -> Result<(), String> {
        let Some(option) = self.options.iter().find(|option| option.name == name) else {
            let names = listed(self.options.iter().map(|option| option.name));
            return Err(format!("client `{}` has no option `{name}`; it has {names}", self.name));
        };
        if option.values.contains(&value) {
            return Ok(());
        }
        let values = listed(option.values.iter().copied());
        Err(format!("`{name}` of client `{}` is one of {values}, not `{value}`", self.name))
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: &str, options: &[(&str, &str)]) -> Option<String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let options = options.iter().map(owned).collect();
        connector(kind, "register", &options, &[], false, Path::new("/dev/null")).err()
    }

    #[test]
    fn every_kind_has_a_connector() {
        for kind in CLIENT_KINDS.iter().filter(|kind| kind.name != "exec") {
            assert_eq!(error(kind.name, &[]), None);
        }
        assert_eq!(error("etcd", &[("reads", "serializable")]), None);
    }

    #[test]
    fn mistakes_list_what_is_valid() {
        for (kind, options, expected) in [
            (
                "mysql",
                &[][..],
                "no client `mysql`; there are abd, etcd, exec, noop, postgres, redis",
            ),
            ("abd", &[("reads", "old")], "client `abd` has no option `reads`; it has none"),
            ("etcd", &[("read", "old")], "client `etcd` has no option `read`; it has reads"),
            (
                "etcd",
                &[("reads", "old")],
                "`reads` of client `etcd` is one of linearizable, serializable, not `old`",
            ),
            ("exec", &[], "client `exec` needs a program, as in [\"python3\", \"client.py\"]"),
        ] {
            assert_eq!(error(kind, options).as_deref(), Some(expected));
        }
    }
}
