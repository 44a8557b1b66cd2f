//! What others have on the machine stays as it is, whatever it is called.

use std::process::{Child, Command, Stdio};

use libtest_mimic::Failed;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{Run, children_of, no_data_is_left, start};
use crate::support::{Machine, Scratch, cluster_lock, ensure, run};

/// A network of somebody else's, with names that a careless search would take for ours: links with
/// queueing disciplines, a table of nftables, and a process.
struct Foreign {
    name: String,
    process: Child,
}

const MAKE: [&str; 7] = [
    "ip link add name temblor0 type veth peer name temblor1",
    "ip link set temblor0 up",
    "tc qdisc add dev temblor0 root tbf rate 1mbit burst 10kb latency 50ms",
    "tc qdisc add dev temblor1 root pfifo limit 7",
    "nft add table inet temblor",
    "nft add chain inet temblor guard { type filter hook input priority 0 ; }",
    "nft add rule inet temblor guard tcp dport 7000 counter drop",
];
const SHOW: [&str; 3] = ["ls /sys/class/net", "tc qdisc show", "nft list ruleset"];

impl Foreign {
    fn make() -> Result<Self, Failed> {
        let name = format!("tmbl-foreign-{}", std::process::id());
        output("ip", &["netns", "add", &name])?;
        let process = Command::new("ip")
            .args(["netns", "exec", &name, "sleep", "600"])
            .env("TEMBLOR_RUN", "of-nobody")
            .env("TEMBLOR_SERVER", "abd")
            .stdout(Stdio::null())
            .spawn()?;
        let foreign = Self { name, process };
        MAKE.iter().try_for_each(|command| foreign.inside(command).map(drop))?;
        Ok(foreign)
    }

    fn inside(&self, command: &str) -> Result<String, Failed> {
        let words: Vec<&str> =
            ["netns", "exec", &self.name].into_iter().chain(command.split(' ')).collect();
        output("ip", &words)
    }

    /// Everything there, in the words of the tools.
    fn state(&mut self) -> Result<String, Failed> {
        let lives = self.process.try_wait()?.is_none();
        let shown = SHOW.iter().map(|command| self.inside(command));
        let shown = shown.collect::<Result<Vec<String>, Failed>>()?;
        Ok(format!("{}its process lives: {lives}", shown.concat()))
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = output("ip", &["netns", "del", &self.name]);
    }
}

fn output(program: &str, words: &[&str]) -> Result<String, Failed> {
    let output = Command::new(program).args(words).output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure(output.status.success(), || format!("{program} {words:?}: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A run is killed with its guards and recovered, twice, beside all that.
pub(super) fn nothing_foreign_is_touched() -> Result<(), Failed> {
    let _lock = cluster_lock()?;
    let scratch = Scratch::new("foreign")?;
    let mut foreign = Foreign::make()?;
    let (before, state) = (Machine::now(), foreign.state()?);
    ensure(state.contains("qdisc tbf") && state.contains("dport 7000"), || state.clone())?;
    let mut runs = start(&scratch, 0..1)?;
    let run_of = &mut runs[0];
    await_guards(run_of)?;
    let guards = children_of(run_of.child.id() as i32, "guard");
    for guard in guards {
        kill(Pid::from_raw(guard), Signal::SIGKILL)?;
    }
    run_of.child.kill()?;
    run_of.child.wait()?;
    let first = run(&run_of.folder, &["recover"])?.must_exit(0)?;
    let after = foreign.state()?;
    ensure(after == state, || format!("before:\n{state}\nafter:\n{after}"))?;
    let again = run(&run_of.folder, &["recover"])?.must_exit(0)?;
    ensure(first.out != again.out, || format!("the second recovery said: {}", again.out))?;
    ensure(foreign.state()? == state, || "the second recovery touched it".into())?;
    before.must_be_restored(super::CLEAN_WITHIN)?;
    no_data_is_left(run_of)
}

/// Waits until every node has its guard.
fn await_guards(run: &Run) -> Result<(), Failed> {
    for _ in 0..500 {
        if children_of(run.child.id() as i32, "guard").len() == 3 {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    Err("three guards never lived".into())
}
