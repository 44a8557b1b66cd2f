//! Clocks of real servers, seen wrong, wrong in another way, and right again, while the servers go
//! on: a Go program, a JVM, and two in C, one of which forks for every client.
//!
//! `TEMBLOR_CLOCKS=50` does it so often with each; the fifty of each are what the documentation
//! promises. Where a server can be asked for its time of day, it is.

mod scenario;
mod servers;

use std::process::Command;

use libtest_mimic::{Failed, Trial};

pub(crate) use self::scenario::play;
use crate::support::{Machine, Need, Scratch, cluster_lock, ensure, needing};

const REDIS: &[Need] = &[Need::Namespaces, Need::Program("redis-server", "redis-server")];
const ETCD: &[Need] = &[Need::Namespaces, Need::Program("etcd", "etcd-server")];
const POSTGRES: &[Need] =
    &[Need::Namespaces, Need::Program("/usr/lib/postgresql/15/bin/postgres", "postgresql-15")];
const ZOOKEEPER: &[Need] =
    &[Need::Namespaces, Need::Program("/usr/share/java/zookeeper.jar", "zookeeper")];

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        needing(REDIS, "clocks::of_redis_come_change_and_go", || of("redis")),
        needing(ETCD, "clocks::of_etcd_come_change_and_go", || of("etcd")),
        needing(POSTGRES, "clocks::of_postgres_come_change_and_go", || of("postgres")),
        needing(ZOOKEEPER, "clocks::of_zookeeper_come_change_and_go", || of("zookeeper")),
    ]
}

fn of(system: &str) -> Result<(), Failed> {
    let _lock = cluster_lock()?;
    let scratch = Scratch::new(&format!("clocks-{system}"))?;
    let before = Machine::now();
    let rounds = std::env::var("TEMBLOR_CLOCKS").unwrap_or_else(|_| "2".into());
    let output = Command::new(std::env::current_exe()?)
        .args(["clocks-scenario", system, &rounds])
        .arg(scratch.path())
        .output()?;
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    ensure(output.status.success(), || format!("{}\n{err}\n{out}", output.status))?;
    eprint!("{out}");
    before.must_be_restored(std::time::Duration::from_secs(2)).map(drop)
}
