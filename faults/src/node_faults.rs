//! The faults of one node, several at once.
//!
//! A node is down while any kill is active, and stands still while any pause is; a heal ends its
//! own fault only. The agent holds one of these and calls it.

use std::{collections::BTreeMap, io};

use serde::{Deserialize, Serialize};
use temblor_history::{Evidence, FaultClass};

use crate::{
    CrashLoop, DiskFault, Effect, Exec, Lack, NodeOps, Skew, Upgrade, clock, crash, crash_loop,
    crash_loop::Looping, disk, effect, exec, kill, membership, pause, power_loss, restart, starve,
    stop, upgrade,
};

/// What an agent does to its node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeFault {
    /// The servers are killed (SIGKILL); they start again at the heal.
    Kill,
    /// The servers stand still (SIGSTOP) until the heal.
    Pause,
    /// One process stands still until the heal: by its name, or by what its command line has.
    PauseOne(String),
    /// The servers are killed and started at once.
    Restart,
    /// The servers end by their own stop signals; they start again at the heal.
    Stop,
    /// The node falls silent and its servers die; all comes back at the heal.
    Crash,
    /// The servers are killed and started over and over until the heal.
    CrashLoop(CrashLoop),
    /// The servers lack something until the heal.
    Starve(Lack),
    /// The servers' wall clocks are wrong until the heal.
    Clock(Skew),
    /// The servers are killed, and the disk forgets what was not synced; they start again at the
    /// heal.
    PowerLoss {
        /// Each sector that was not synced is old or new.
        torn: bool,
        /// The sync of a file does not carry its name along.
        strict: bool,
    },
    /// Calls on the data folder fail or wait; bytes of it rot.
    Disk(DiskFault),
    /// Commands of the user's own.
    Exec(Box<Exec>),
    /// The node leaves the cluster; at the heal it comes back as a new member.
    Leave,
    /// Another version of the servers starts on their data.
    Upgrade(Upgrade),
}

impl NodeFault {
    /// What it acts on.
    pub fn class(&self) -> FaultClass {
        match self {
            Self::Kill
            | Self::Pause
            | Self::PauseOne(_)
            | Self::Restart
            | Self::Stop
            | Self::Crash
            | Self::CrashLoop(_)
            | Self::PowerLoss { .. }
            | Self::Upgrade(_) => FaultClass::Process,
            Self::Leave => FaultClass::Membership,
            Self::Starve(_) => FaultClass::Resource,
            Self::Disk(_) => FaultClass::Disk,
            Self::Clock(_) => FaultClass::Clock,
            Self::Exec(_) => FaultClass::Custom,
        }
    }

    /// Whether it lasts until a heal; else it is over at once.
    pub fn lasts(&self) -> bool {
        match self {
            Self::Restart | Self::Upgrade(_) => false,
            Self::Disk(fault) => fault.lasts(),
            Self::Exec(exec) => exec.heal.is_some(),
            _ => true,
        }
    }

    /// Whether it needs a layer of ours under the node's data folder.
    pub fn needs_disk_layer(&self) -> bool {
        matches!(self, Self::PowerLoss { .. } | Self::Disk(_) | Self::Starve(Lack::Io { .. }))
    }

    /// Its parameters as a reader wants them, each in a few words.
    pub fn details(&self) -> Vec<String> {
        match self {
            Self::Kill | Self::Pause | Self::Restart | Self::Stop | Self::Crash | Self::Leave => {
                Vec::new()
            }
            Self::PauseOne(process) => vec![format!("only {process}")],
            Self::CrashLoop(with) => {
                let [alive, down] = [with.alive_ns, with.down_ns].map(|ns| ns as f64 / 1e6);
                vec![format!("{alive} ms alive"), format!("{down} ms down")]
            }
            Self::Starve(lack) => vec![lack.words()],
            Self::PowerLoss { torn, strict } => {
                let words = [(torn, "torn writes"), (strict, "names need their folder's sync")];
                words.iter().filter(|(on, _)| **on).map(|(_, words)| (*words).into()).collect()
            }
            Self::Disk(fault) => fault.details(),
            Self::Clock(skew) => vec![skew.to_string()],
            Self::Exec(exec) => exec.details(),
            Self::Upgrade(upgrade) => vec![format!("to {}", upgrade.to)],
        }
    }

    /// Why the two can't act on one node at once; none: they can.
    pub fn contends(&self, other: &Self) -> Option<&'static str> {
        use FaultClass::{Clock, Custom, Disk, Membership, Process, Resource};
        let absence = self.leaves_none() || other.leaves_none();
        match (self.class(), other.class()) {
            (Clock, Clock) => Some("a clock can't be wrong in two ways"),
            (Process, Process) => Some("nobody can pause or kill what is dead already"),
            (Clock, Process | Resource) | (Process | Resource, Clock) if absence => {
                Some("a dead process has no clock")
            }
            (Membership, _) | (_, Membership) => {
                Some("who is no member has nothing that could fail")
            }
            (Custom, Custom) => Some("two commands of your own may undo each other"),
            (Custom, Process) | (Process, Custom) => {
                Some("a command of your own may need the servers")
            }
            (Custom, _) | (_, Custom) if absence => {
                Some("a command of your own may need the servers")
            }
            (Disk, Resource) | (Resource, Disk) if self.starves_disk() || other.starves_disk() => {
                Some("both would be seen by how fast the disk is")
            }
            (Disk, Disk) => Some("what a call does that two faults want otherwise is not defined"),
            (Resource, Process) | (Process, Resource) => {
                Some("a server that starts meanwhile would not be starved")
            }
            (Resource, Resource) if absence => Some("a dead process lacks nothing"),
            (Resource, Resource) if self.lacks() == other.lacks() => {
                Some("it can't lack the same thing twice")
            }
            _ => None,
        }
    }

    /// Whether no server runs while it acts, or only now and then.
    fn leaves_none(&self) -> bool {
        matches!(
            self,
            Self::Kill
                | Self::Stop
                | Self::Crash
                | Self::CrashLoop(_)
                | Self::PowerLoss { .. }
                | Self::Leave
                | Self::Starve(Lack::Memory)
        )
    }

    fn starves_disk(&self) -> bool {
        matches!(self, Self::Starve(Lack::Io { .. }))
    }

    fn lacks(&self) -> Option<std::mem::Discriminant<Lack>> {
        match self {
            Self::Starve(lack) => Some(std::mem::discriminant(lack)),
            _ => None,
        }
    }
}

/// Those that are active on one node, by occurrence.
#[derive(Debug, Default)]
pub struct NodeFaults {
    active: BTreeMap<String, NodeFault>,
    loops: BTreeMap<String, Looping>,
    /// Some clock was made wrong once.
    skewed: bool,
}

impl NodeFaults {
    /// Applies a fault in the name of an occurrence.
    pub fn inject(
        &mut self,
        node: &mut dyn NodeOps,
        occurrence: &str,
        fault: &NodeFault,
    ) -> io::Result<Effect> {
        let was = self.skew();
        if fault.lasts() {
            self.active.insert(occurrence.into(), fault.clone());
        }
        match fault {
            NodeFault::Clock(skew) => {
                self.skewed = true;
                clock::inject(node, was, *skew)
            }
            NodeFault::Starve(lack) => starve::inject(node, occurrence, *lack),
            NodeFault::CrashLoop(with) => {
                let (effect, looping) = crash_loop::inject(node, occurrence, *with)?;
                self.loops.insert(occurrence.into(), looping);
                Ok(effect)
            }
            NodeFault::Stop => stop::inject(node, occurrence),
            NodeFault::Crash => crash::inject(node, occurrence),
            NodeFault::PauseOne(process) => pause::inject_one(node, process),
            NodeFault::Kill => kill::inject(node, occurrence),
            NodeFault::Pause => pause::inject(node),
            NodeFault::PowerLoss { torn, .. } => power_loss::inject(node, occurrence, *torn),
            NodeFault::Disk(fault) => disk::inject(node, occurrence, fault),
            NodeFault::Exec(exec) => exec::inject(node, occurrence, exec),
            NodeFault::Leave => membership::inject(node, occurrence),
            NodeFault::Upgrade(upgrade) => upgrade::inject(node, occurrence, upgrade),
            NodeFault::Restart if self.down() => kill::inject(node, occurrence),
            NodeFault::Restart => {
                let effect = restart::inject(node, occurrence)?;
                self.pause_again(node)?;
                Ok(effect)
            }
        }
    }

    /// Ends the fault of an occurrence. One that is not active (a restart is over at once) leaves
    /// its evidence all the same: the node is as the other faults want it.
    pub fn heal(&mut self, node: &mut dyn NodeOps, occurrence: &str) -> io::Result<Effect> {
        let was = self.active.remove(occurrence);
        match was {
            Some(NodeFault::Clock(skew)) => {
                if self.skew().is_some() {
                    return Ok(self.left_to_others(node));
                }
                return clock::heal(node, Some(skew));
            }
            Some(NodeFault::Starve(lack)) => return starve::heal(node, occurrence, lack),
            _ => {}
        }
        if let Some(looping) = self.loops.remove(occurrence) {
            return looping.heal(node);
        }
        if let Some(NodeFault::Disk(fault)) = &was {
            return disk::heal(node, occurrence, fault, self.down());
        }
        if let Some(NodeFault::Exec(exec)) = was {
            let healed = exec::heal(node, occurrence, &exec);
            if healed.is_err() {
                // It is still there, and is healed again with all others.
                self.active.insert(occurrence.into(), NodeFault::Exec(exec));
            }
            return healed;
        }
        if self.down() {
            return Ok(self.left_to_others(node));
        }
        let effect = match was {
            Some(NodeFault::Pause) if self.any(&NodeFault::Pause) => {
                return Ok(self.left_to_others(node));
            }
            Some(NodeFault::Pause | NodeFault::PauseOne(_)) => pause::heal(node)?,
            Some(NodeFault::Crash) => crash::heal(node)?,
            Some(NodeFault::Leave) => membership::heal(node)?,
            _ => kill::heal(node)?,
        };
        self.pause_again(node)?;
        Ok(effect)
    }

    /// Ends every fault and starts every server that does not run, also those that ended by
    /// themselves.
    pub fn heal_all(&mut self, node: &mut dyn NodeOps) -> io::Result<Effect> {
        let active = std::mem::take(&mut self.active);
        self.loops.clear();
        let earliest = node.now_ns();
        let (mut evidence, mut failed) = (Vec::new(), None);
        for (occurrence, fault) in &active {
            match fault {
                NodeFault::Disk(fault) => {
                    evidence.extend(disk::heal(node, occurrence, fault, true)?.evidence);
                }
                // What a command of the user's can't undo must not keep the rest.
                NodeFault::Exec(exec) => match exec::heal(node, occurrence, exec) {
                    Ok(healed) => evidence.extend(healed.evidence),
                    Err(why) => failed = failed.or(Some(why)),
                },
                _ => {}
            }
        }
        if !node.servers()?.is_empty() {
            pause::heal(node)?;
        }
        for (occurrence, fault) in active {
            if let NodeFault::Starve(lack) = fault {
                evidence.extend(starve::give_back(node, &occurrence, lack)?);
            }
        }
        if self.skewed {
            evidence.extend(clock::heal(node, None)?.evidence);
        }
        node.start_servers()?;
        evidence.push(effect::stays(node)?);
        failed.map_or_else(|| Ok(Effect::between(earliest, node.now_ns(), evidence)), Err)
    }

    /// When something is due by itself, by the machine's monotonic clock; none: nothing is.
    pub fn next_due_ns(&self) -> Option<i64> {
        self.loops.values().map(Looping::due_ns).min()
    }

    /// Does what is due by itself.
    pub fn turn(&mut self, node: &mut dyn NodeOps) {
        for (occurrence, looping) in &mut self.loops {
            looping.turn(node, occurrence);
        }
    }

    /// The skew that acts.
    fn skew(&self) -> Option<Skew> {
        self.active.values().find_map(|fault| match fault {
            NodeFault::Clock(skew) => Some(*skew),
            _ => None,
        })
    }

    /// Whether a fault wants the servers dead.
    fn down(&self) -> bool {
        let kills = |active: &NodeFault| {
            let (class, none) = (active.class(), active.leaves_none());
            none && matches!(class, FaultClass::Process | FaultClass::Membership)
        };
        self.active.values().any(kills)
    }

    fn any(&self, fault: &NodeFault) -> bool {
        self.active.values().any(|active| active == fault)
    }

    fn pause_again(&self, node: &mut dyn NodeOps) -> io::Result<()> {
        if self.any(&NodeFault::Pause) {
            pause::inject(node)?;
        }
        Ok(())
    }

    fn left_to_others(&self, node: &dyn NodeOps) -> Effect {
        let others: Vec<&str> = self.active.keys().map(String::as_str).collect();
        let evidence = Evidence {
            what: "other faults on this node".into(),
            expected: "the servers are left as these want them".into(),
            observed: others.join(", "),
            holds: !others.is_empty(),
        };
        let now = node.now_ns();
        Effect::between(now, now, vec![evidence])
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{ServerProcess, ServerState, Signal};

    /// One server that does what it is told, and whom its end was laid to.
    #[derive(Default)]
    struct Fake {
        server: Option<ServerProcess>,
        started: i32,
        blamed: Vec<String>,
        /// A command of the user's own has been applied.
        acts: bool,
        ends: Vec<Option<String>>,
        clock_ns: i64,
    }

    impl NodeOps for Fake {
        fn servers(&mut self) -> io::Result<Vec<ServerProcess>> {
            Ok(self.server.clone().into_iter().collect())
        }
        fn signal(&mut self, _: &ServerProcess, signal: Signal) -> io::Result<()> {
            match (signal, &mut self.server) {
                (Signal::Kill, server @ Some(_)) => {
                    *server = None;
                    self.ends.push(self.blamed.last().cloned());
                }
                (Signal::Stop, Some(server)) => server.state = ServerState::Stopped,
                (Signal::Continue, Some(server)) => server.state = ServerState::Alive,
                _ => {}
            }
            Ok(())
        }
        fn blame(&mut self, occurrence: &str) {
            self.blamed.push(occurrence.into());
        }
        fn forgive(&mut self, occurrence: &str) {
            self.blamed.retain(|blamed| blamed != occurrence);
        }
        fn start_servers(&mut self) -> io::Result<()> {
            if self.server.is_none() {
                self.started += 1;
                let (pid, start, name) = (self.started, 0, "server".into());
                self.server = Some(ServerProcess { pid, start, name, state: ServerState::Alive });
            }
            Ok(())
        }
        fn servers_down(&mut self) -> io::Result<Vec<String>> {
            Ok(self.server.is_none().then(|| "server".into()).into_iter().collect())
        }
        fn wait(
            &mut self,
            at_most: Duration,
            until: &mut dyn FnMut(&[ServerProcess]) -> bool,
        ) -> io::Result<bool> {
            self.clock_ns += at_most.as_nanos() as i64;
            Ok(until(&self.servers()?))
        }
        fn command_line(&self, server: &ServerProcess) -> String {
            format!("/usr/bin/{} --now", server.name)
        }
        fn ask_to_stop(&mut self) -> io::Result<()> {
            let server = self.server.clone();
            server.map_or(Ok(()), |server| self.signal(&server, Signal::Kill))
        }
        fn starve(&mut self, lack: Lack) -> io::Result<Vec<Evidence>> {
            if lack == Lack::Memory {
                self.ask_to_stop()?;
            }
            Ok(Vec::new())
        }
        fn feed(&mut self, _: Lack) -> io::Result<Vec<Evidence>> {
            Ok(Vec::new())
        }
        fn set_clock(&mut self, _: Option<crate::Skew>) -> io::Result<crate::ClockChange> {
            Ok(crate::ClockChange::default())
        }
        fn run(&mut self, command: &crate::Command) -> io::Result<crate::Ran> {
            let word = command.argv[0].as_str();
            self.acts = (self.acts || word == "apply") && word != "heal";
            let well = match word {
                "on" => self.acts,
                "off" => !self.acts,
                word => word != "false",
            };
            Ok(crate::Ran { well, words: word.into() })
        }
        fn now_ns(&self) -> i64 {
            self.clock_ns
        }
    }

    /// `state` after each step: which process, and whether it is stopped.
    fn after(steps: &[(&str, Option<NodeFault>)]) -> Vec<(i32, bool)> {
        let (mut node, mut faults) = (Fake::default(), NodeFaults::default());
        node.start_servers().unwrap();
        let mut states = Vec::new();
        for (occurrence, step) in steps {
            let effect = match step {
                Some(fault) => faults.inject(&mut node, occurrence, fault),
                None => faults.heal(&mut node, occurrence),
            };
            assert!(effect.unwrap().evidence.iter().all(|seen| seen.holds), "{occurrence}");
            let state = node
                .server
                .as_ref()
                .map_or((0, false), |server| (server.pid, server.state == ServerState::Stopped));
            states.push(state);
        }
        states
    }

    const KILL: Option<NodeFault> = Some(NodeFault::Kill);
    const PAUSE: Option<NodeFault> = Some(NodeFault::Pause);
    const RESTART: Option<NodeFault> = Some(NodeFault::Restart);

    #[test]
    fn each_heal_ends_its_own_fault_only() {
        assert_eq!(after(&[("k", KILL), ("k", None)]), [(0, false), (2, false)]);
        assert_eq!(after(&[("p", PAUSE), ("p", None)]), [(1, true), (1, false)]);
        assert_eq!(after(&[("r", RESTART)]), [(2, false)]);
        let overlapping = [("p", PAUSE), ("k", KILL), ("k", None), ("r", RESTART), ("p", None)];
        assert_eq!(after(&overlapping), [(1, true), (0, false), (2, true), (3, true), (3, false)]);
        let twice = [("p", PAUSE), ("q", PAUSE), ("p", None), ("q", None)];
        assert_eq!(after(&twice), [(1, true), (1, true), (1, true), (1, false)]);
        let paused_while_down = [("p", PAUSE), ("k", KILL), ("p", None), ("k", None)];
        assert_eq!(after(&paused_while_down), [(1, true), (0, false), (0, false), (2, false)]);
    }

    #[test]
    fn what_leaves_no_server_comes_back_with_its_heal() {
        for fault in [NodeFault::Stop, NodeFault::Crash, NodeFault::Starve(Lack::Memory)] {
            let states = after(&[("x", Some(fault)), ("x", None)]);
            assert_eq!(states, [(0, false), (2, false)]);
        }
        let one = NodeFault::PauseOne("--now".into());
        assert_eq!(after(&[("p", Some(one)), ("p", None)]), [(1, true), (1, false)]);
    }

    #[test]
    fn a_loop_kills_and_starts_until_its_heal() {
        let (mut node, mut faults) = (Fake::default(), NodeFaults::default());
        node.start_servers().unwrap();
        let with = CrashLoop { alive_ns: 1_000_000_000, down_ns: 500_000_000 };
        faults.inject(&mut node, "l", &NodeFault::CrashLoop(with)).unwrap();
        for _ in 0..6 {
            node.clock_ns = faults.next_due_ns().unwrap();
            faults.turn(&mut node);
        }
        assert_eq!((node.started, node.ends.len()), (4, 4));
        assert!(node.ends.iter().all(|cause| cause.as_deref() == Some("l")));
        let healed = faults.heal(&mut node, "l").unwrap();
        assert!(healed.evidence.iter().all(|seen| seen.holds), "{healed:?}");
        assert_eq!((faults.next_due_ns(), node.server.is_some()), (None, true));
    }

    #[test]
    fn contentions_have_reasons() {
        let clock = NodeFault::Clock(Skew::Freeze);
        let [cpu, files, memory] = [Lack::Cpu { permille: 5 }, Lack::Files, Lack::Memory];
        let starve = NodeFault::Starve;
        for (one, other, defined) in [
            (clock.clone(), NodeFault::Pause, true),
            (clock.clone(), NodeFault::Restart, true),
            (clock.clone(), NodeFault::Stop, false),
            (clock.clone(), clock.clone(), false),
            (clock.clone(), starve(cpu), true),
            (clock, starve(memory), false),
            (starve(cpu), starve(files), true),
            (starve(cpu), starve(Lack::Cpu { permille: 9 }), false),
            (starve(files), NodeFault::Restart, false),
            (NodeFault::Crash, NodeFault::Stop, false),
        ] {
            assert_eq!(one.contends(&other).is_none(), defined, "{one:?} {other:?}");
            assert_eq!(other.contends(&one), one.contends(&other));
        }
    }

    #[test]
    fn ends_are_laid_to_the_fault_that_caused_them() {
        let (mut node, mut faults) = (Fake::default(), NodeFaults::default());
        node.start_servers().unwrap();
        faults.inject(&mut node, "r", &NodeFault::Restart).unwrap();
        faults.inject(&mut node, "k", &NodeFault::Kill).unwrap();
        assert_eq!(node.ends, [Some("r".into()), Some("k".into())]);
        assert!(node.blamed.is_empty(), "{:?}", node.blamed);
    }

    #[test]
    fn a_fault_that_finds_nothing_has_no_evidence() {
        let (mut node, mut faults) = (Fake::default(), NodeFaults::default());
        for fault in [NodeFault::Kill, NodeFault::Pause] {
            let effect = faults.inject(&mut node, "x", &fault).unwrap();
            assert!(effect.evidence.iter().any(|seen| !seen.holds));
        }
    }

    #[test]
    fn heal_all_leaves_everything_running() {
        let (mut node, mut faults) = (Fake::default(), NodeFaults::default());
        node.start_servers().unwrap();
        faults.inject(&mut node, "p", &NodeFault::Pause).unwrap();
        faults.inject(&mut node, "k", &NodeFault::Kill).unwrap();
        let healed = faults.heal_all(&mut node).unwrap();
        assert!(healed.evidence.iter().all(|seen| seen.holds));
        assert_eq!(node.server.unwrap().state, ServerState::Alive);
    }

    #[test]
    fn commands_of_the_users_own_are_green_only_where_somebody_looked() {
        let words = |words: &str| (!words.is_empty()).then(|| vec![words.to_owned()]);
        // What applies, heals, shows that it is on, and off; which evidence holds then.
        let cases = [
            (["apply", "heal", "on", "off"], "true true", "true true true"),
            (["false", "heal", "on", "off"], "false", "true true true"),
            (["apply", "heal", "false", "off"], "true false", "true true true"),
            (["apply", "heal", "", ""], "true false", "true false true"),
            (["apply", "heal", "on", "false"], "true true", "true false true"),
            (["apply", "false", "on", "off"], "true true", "not healed"),
            // There is nothing to heal, and a command says so.
            (["false", "false", "on", "off"], "false", "true true"),
            // What ends well in any case shows nothing.
            (["apply", "heal", "true", "off"], "true false true", "true true true"),
        ];
        for (commands, begun, healed) in cases {
            let [apply, heal, verify_on, verify_off] = commands;
            let exec = NodeFault::Exec(Box::new(Exec {
                apply: vec![apply.into()],
                heal: words(heal),
                verify_on: words(verify_on),
                verify_off: words(verify_off),
                env: Vec::new(),
                at_most: Duration::from_secs(1),
            }));
            let (mut node, mut faults) = (Fake::default(), NodeFaults::default());
            node.start_servers().unwrap();
            let holds = |effect: Effect| -> String {
                let holds = effect.evidence.iter().map(|seen| seen.holds.to_string());
                holds.collect::<Vec<_>>().join(" ")
            };
            let seen = faults.inject(&mut node, "a", &exec).map(holds).unwrap();
            let gone = faults.heal(&mut node, "a").map_or("not healed".into(), holds);
            assert_eq!((seen.as_str(), gone.as_str()), (begun, healed), "{commands:?}");
            // What could not be healed is tried again with all others.
            assert_eq!(faults.heal_all(&mut node).is_err(), healed == "not healed");
        }
    }
}
