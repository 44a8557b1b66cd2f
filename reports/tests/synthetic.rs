//! A run's folder made up from nothing: clients, faults and answers that look like a real cluster's.
//!
//! Deterministic, so that pages can be compared. It simulates no database: outcomes are dealt by
//! which fault is on, and the verdict is given.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use temblor_history::{
    Evidence, Expectations, Fault, FaultChange, FaultClass, FaultEvent, Happening, LoadSummary,
    Manifest, Measured, NodeInfo, PhaseKind, PhasePlan, PlanInfo, RunEvent, RunFolder, SystemInfo,
    Verdict,
};

pub(crate) const SECOND: i64 = 1_000_000_000;
pub(crate) const MILLISECOND: i64 = 1_000_000;

/// What to make up.
pub(crate) struct Synthetic {
    pub(crate) name: &'static str,
    pub(crate) seconds: i64,
    /// Intended operations a second.
    pub(crate) rate: i64,
    /// Stands in keys, values and errors.
    pub(crate) text: &'static str,
    pub(crate) faults: Vec<FaultEvent>,
}

/// A fault on one node, from `begin` to `end`, verified.
pub(crate) fn fault(
    name: &str,
    class: FaultClass,
    node: &str,
    begin: i64,
    end: i64,
) -> Vec<FaultEvent> {
    let event = |time: i64, change: FaultChange| FaultEvent {
        occurrence: format!("chaos.{name}#{begin}"),
        fault: name.to_owned(),
        class,
        detail: String::new(),
        optional: false,
        time,
        change,
    };
    let measured = |time: i64| Measured { earliest: time, latest: time + 3 * MILLISECOND };
    let seen = |expected: &str| {
        let others = ["n1", "n2", "n3"].into_iter().filter(|other| *other != node);
        let evidence = |other: &str| Evidence {
            what: format!("datagrams {node} → {other}"),
            expected: expected.to_owned(),
            observed: expected.to_owned(),
            holds: true,
        };
        others.map(evidence).collect()
    };
    let chosen = "leader (term 7; claimants n1)".to_owned();
    let because = "for".to_owned();
    let (nodes, links) = (vec![node.to_owned()], Vec::new());
    vec![
        event(begin, FaultChange::Resolved { nodes, links, chosen }),
        event(begin, FaultChange::Began { measured: measured(begin), evidence: seen("lost") }),
        event(
            end,
            FaultChange::Healed { measured: measured(end), evidence: seen("pass"), because },
        ),
    ]
}

/// A number below `most`, dealt by place.
fn dealt(place: u64, salt: u64, most: u64) -> u64 {
    let mut hash =
        place.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash ^= hash >> 31;
    hash = hash.wrapping_mul(0x94d0_49bb_1331_11eb);
    (hash ^ (hash >> 29)) % most
}

/// Whether clients of this node see trouble now: while it is faulted, and for a moment after.
fn trouble(faults: &[Fault], node: &str, time: i64) -> bool {
    faults.iter().any(|fault| {
        let began = fault.began.map_or(i64::MAX, |at| at.earliest);
        let healed = fault.healed.map_or(i64::MAX, |at| at.latest + SECOND / 3);
        // An isolated leader stops everybody until another one is elected.
        let everywhere = fault.fault == "isolate" && time - SECOND * 4 < began;
        let touched = everywhere || fault.nodes.iter().any(|on| on == node);
        (began..healed).contains(&time) && touched
    })
}

impl Synthetic {
    /// The usual run: 100 s at 500 a second, three faults.
    pub(crate) fn usual(name: &'static str) -> Self {
        let mut faults = fault("isolate", FaultClass::Link, "n1", 21 * SECOND, 36 * SECOND);
        faults.extend(fault("pause", FaultClass::Process, "n3", 48 * SECOND, 51 * SECOND));
        faults.extend(fault("kill", FaultClass::Process, "n2", 62 * SECOND, 65 * SECOND));
        Self { name, seconds: 100, rate: 500, text: "k", faults }
    }

    /// Writes the folder with this verdict.
    pub(crate) fn write(&self, verdict: &Verdict) -> RunFolder {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(self.name);
        std::fs::remove_dir_all(&path).ok();
        std::fs::create_dir_all(&path).unwrap();
        let folder = RunFolder::new(path);
        self.write_history(&folder.history());
        write_lines(&folder.faults(), &self.faults);
        write_lines(&folder.events(), &self.events());
        write_json(&folder.manifest(), &self.manifest());
        write_json(&folder.verdict(), verdict);
        std::fs::write(folder.plan(), "# Isolates the leader.\nsystem: abd\nnodes: 3\nseed: 7\n")
            .unwrap();
        self.write_logs(&folder);
        folder
    }

    fn write_logs(&self, folder: &RunFolder) {
        for node in ["n1", "n2", "n3"] {
            let logs = folder.node(node).join("logs");
            std::fs::create_dir_all(&logs).unwrap();
            let line = |second: i64| {
                let stamp = format!("2026-11-22T10:{:02}:{:02}.250Z", 4 + second / 60, second % 60);
                format!("{{\"ts\":\"{stamp}\",\"msg\":\"{node} second {second} {}\"}}\n", self.text)
            };
            let lines: String = (0..self.seconds.min(300)).map(line).collect();
            std::fs::write(logs.join("abd.log"), lines).unwrap();
        }
    }

    fn write_history(&self, path: &Path) {
        let mut file = BufWriter::new(std::fs::File::create(path).unwrap());
        let mut lines: Vec<(i64, Value)> = Vec::new();
        let faults = Fault::fold(&self.faults);
        let total = self.seconds * self.rate;
        let mut index = 0_u64;
        for number in 0..total {
            lines.extend(self.operation(&faults, number as u64, number * SECOND / self.rate));
            // Response times stay below three seconds: what is older may be written.
            if number % 10_000 == 0 || number == total - 1 {
                let until = if number == total - 1 {
                    i64::MAX
                } else {
                    number * SECOND / self.rate - 3 * SECOND
                };
                lines.sort_by_key(|(time, _)| *time);
                let done = lines.partition_point(|(time, _)| *time < until);
                for (_, mut line) in lines.drain(..done) {
                    line["index"] = json!(index);
                    index += 1;
                    serde_json::to_writer(&mut file, &line).unwrap();
                    file.write_all(b"\n").unwrap();
                }
            }
        }
        file.flush().unwrap();
    }

    /// Invocation and completion; nothing for what is shed.
    fn operation(&self, faults: &[Fault], number: u64, intended: i64) -> Vec<(i64, Value)> {
        let node = ["n1", "n2", "n3"][dealt(number, 1, 3) as usize];
        let troubled = trouble(faults, node, intended);
        if troubled && dealt(number, 2, 3) == 0 {
            return Vec::new();
        }
        let f = ["read", "write", "cas"][dealt(number, 3, 3) as usize];
        let value = match f {
            "read" => Value::Null,
            "write" => json!(number),
            _ => json!([number.saturating_sub(40), number]),
        };
        let spread = dealt(number, 4, 1000) as f64 / 1000.0;
        let service = (900_000.0 * (1.0 + 2.0 * spread + 12.0 * spread.powi(40))) as i64;
        let invoked = intended + 20_000;
        let (kind, refused, took) = match (troubled, f, dealt(number, 5, 10)) {
            (true, _, 0..6) => ("info", false, SECOND),
            (true, _, _) => ("fail", false, 300_000),
            (false, "cas", 0..5) => ("fail", true, service),
            _ => ("ok", false, service),
        };
        // One process an operation: the simplest way to keep each to one operation at a time.
        let mut invoke = json!({"process": number, "type": "invoke", "f": f, "value": value,
            "key": format!("{}{}", self.text, dealt(number, 6, 20)), "node": node,
            "time": invoked, "intended": intended});
        let mut complete = invoke.clone();
        complete["type"] = json!(kind);
        complete["time"] = json!(invoked + took);
        match kind {
            "ok" if f == "read" => complete["value"] = json!(number.saturating_sub(30)),
            "ok" => {}
            _ if refused => complete["refused"] = json!(true),
            _ => complete["error"] = json!(format!("{}: no answer", self.text)),
        }
        invoke["index"] = Value::Null;
        vec![(invoked, invoke), (invoked + took, complete)]
    }

    fn events(&self) -> Vec<RunEvent> {
        let phase = |time: i64, phase: &str| RunEvent {
            time,
            what: Happening::PhaseBegan { phase: phase.to_owned() },
        };
        let (chaos, recover) = (self.seconds / 10, self.seconds * 7 / 10);
        let mut events = vec![
            phase(0, "steady"),
            phase(chaos * SECOND, "chaos"),
            phase(recover * SECOND, "recover"),
            phase(self.seconds * SECOND, "final-reads"),
        ];
        let faults = Fault::fold(&self.faults);
        for second in 1..=self.seconds {
            let time = second * SECOND;
            let troubled =
                ["n1", "n2", "n3"].iter().filter(|node| trouble(&faults, node, time)).count();
            let shed = self.rate as u64 * troubled as u64 / 9;
            events.push(RunEvent {
                time,
                what: Happening::Load { intended: self.rate as u64, shed },
            });
        }
        for (time, node, term, claimants) in [
            (0, "n1", 7, vec!["n1"]),
            (27 * SECOND, "n2", 8, vec!["n1", "n2"]),
            (36 * SECOND, "n2", 8, vec!["n2"]),
            (64 * SECOND, "n3", 9, vec!["n3"]),
        ] {
            let claimants = claimants.into_iter().map(String::from).collect();
            let (node, term) = (Some(node.to_owned()), Some(term));
            events.push(RunEvent { time, what: Happening::Leader { node, term, claimants } });
        }
        events.push(RunEvent {
            time: 62 * SECOND,
            what: Happening::ServerExit {
                node: "n2".into(),
                server: "abd".into(),
                status: "signal 9 (SIGKILL)".into(),
                caused_by: Some("chaos.kill#62".into()),
            },
        });
        events.push(RunEvent { time: (self.seconds + 3) * SECOND, what: Happening::RunEnded });
        events.sort_by_key(|event| event.time);
        events
    }

    fn manifest(&self) -> Manifest {
        let phase = |name: &str, kind: PhaseKind, seconds: i64| PhasePlan {
            name: name.to_owned(),
            kind,
            duration_ns: seconds * SECOND,
        };
        let node =
            |name: &str| NodeInfo { name: name.into(), address: format!("10.77.0.{}", &name[1..]) };
        let owned =
            |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        Manifest {
            format: 1,
            run: format!("{}-20261122-100400", self.name),
            version: "0.1.0".into(),
            plan: PlanInfo {
                name: self.name.into(),
                fingerprint: "4f1c09be77aa".into(),
                about: "Isolates the leader with its clients: acknowledged writes must survive."
                    .into(),
            },
            command: format!("temblor run {} --seed 7", self.name),
            seed: 7,
            system: SystemInfo {
                name: "abd".into(),
                version: "0.1.0".into(),
                claims: owned(&["linearizable"]),
                settings: [("bug".to_owned(), "ack-early".to_owned())].into(),
                durability: owned(&["every replica syncs its log before it answers"]),
                limits: owned(&[
                    "none: it promises linearizability under every fault of this plan",
                ]),
            },
            provider: "namespaces (rootless)".into(),
            nodes: ["n1", "n2", "n3"].map(node).to_vec(),
            workload: "register".into(),
            model: "cas-register".into(),
            consistency: owned(&["linearizable", "no-lost-writes"]),
            functions: owned(&["read", "write", "cas"]),
            clients: 6,
            rate: Some(self.rate as f64),
            op_timeout_ns: SECOND,
            phases: vec![
                phase("steady", PhaseKind::Steady, self.seconds / 10),
                phase("chaos", PhaseKind::Chaos, self.seconds * 6 / 10),
                phase("recover", PhaseKind::Recover, self.seconds * 3 / 10),
            ],
            expect: Expectations::default(),
            started: "2026-11-22T10:04:00Z".into(),
            duration_ns: Some((self.seconds + 3) * SECOND),
            load: Some(LoadSummary::default()),
        }
    }
}

fn write_lines<T: serde::Serialize>(path: &Path, lines: &[T]) {
    let lines: String =
        lines.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect();
    std::fs::write(path, lines).unwrap();
}

fn write_json<T: serde::Serialize>(path: &Path, value: &T) {
    std::fs::write(path, serde_json::to_vec_pretty(value).unwrap()).unwrap();
}
