//! What every randomised schedule keeps, whatever the seed: looked at moment by moment, node by
//! node, by nothing that deals them.

use std::time::Duration;

use temblor_history::Seed;

use super::*;
use crate::{DiskCall, DiskError, DiskFault, Exec, Lack, LinkPolicy, NodeFault, Skew, Upgrade};

fn nodes(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("n{number}")).collect()
}

fn seconds(least: u64, most: u64) -> DurationChoice {
    DurationChoice::Between { least: Duration::from_secs(least), most: Duration::from_secs(most) }
}

fn fault(kind: FaultKind, on: Where, end: End) -> FaultSpec {
    FaultSpec {
        place: String::new(),
        name: "fault".into(),
        kind,
        on,
        remember: None,
        start: Start::At(seconds(0, 0)),
        end,
        every: None,
        times: None,
        grouped: false,
        optional: false,
    }
}

/// One of each kind that there is, on targets of every sort.
fn everything() -> Vec<FaultSpec> {
    let on = |target| Where::Target(target);
    let partition = |grudge| FaultKind::Partition { grudge, one_way: false };
    let slow = LinkPolicy { delay: Duration::from_millis(50), ..LinkPolicy::default() };
    let eio =
        DiskFault::Error { error: DiskError::Eio, calls: [DiskCall::Fsync].into(), path: None };
    let rot = DiskFault::Corrupt { bits: 1, path: None };
    let upgrade = Upgrade { to: "2".into(), programs: std::collections::BTreeMap::new() };
    let exec = Exec {
        apply: vec!["true".into()],
        heal: Some(vec!["true".into()]),
        verify_on: None,
        verify_off: None,
        env: Vec::new(),
        at_most: Duration::from_secs(1),
    };
    vec![
        fault(FaultKind::node(NodeFault::Kill), on(Target::One), End::WithPhase),
        fault(FaultKind::node(NodeFault::Kill), on(Target::Minority), End::For(seconds(1, 9))),
        fault(FaultKind::node(NodeFault::Pause), on(Target::One), End::WithPhase),
        fault(FaultKind::node(NodeFault::Pause), on(Target::Leader), End::WithPhase),
        fault(FaultKind::node(NodeFault::Crash), on(Target::One), End::WithPhase),
        fault(FaultKind::node(NodeFault::Starve(Lack::Files)), on(Target::Two), End::WithPhase),
        fault(
            FaultKind::node(NodeFault::Clock(Skew::Freeze)),
            on(Target::Minority),
            End::WithPhase,
        ),
        fault(
            FaultKind::node(NodeFault::Clock(Skew::Drift { ppb: 5 })),
            on(Target::Leader),
            End::WithPhase,
        ),
        fault(FaultKind::node(NodeFault::Restart), on(Target::One), End::AtOnce),
        fault(FaultKind::node(NodeFault::Restart), on(Target::All), End::AtOnce),
        fault(
            FaultKind::node(NodeFault::PowerLoss { torn: true, strict: false }),
            on(Target::Minority),
            End::WithPhase,
        ),
        fault(
            FaultKind::node(NodeFault::Disk(DiskFault::Full)),
            on(Target::Leader),
            End::WithPhase,
        ),
        fault(FaultKind::node(NodeFault::Disk(eio)), on(Target::Two), End::For(seconds(1, 9))),
        fault(FaultKind::node(NodeFault::Disk(rot)), on(Target::One), End::AtOnce),
        fault(
            FaultKind::node(NodeFault::Starve(Lack::Io { bytes_per_s: 100_000 })),
            on(Target::One),
            End::WithPhase,
        ),
        fault(FaultKind::node(NodeFault::Leave), on(Target::One), End::WithPhase),
        fault(FaultKind::node(NodeFault::Exec(Box::new(exec))), on(Target::Two), End::WithPhase),
        fault(
            FaultKind::Node { fault: NodeFault::Upgrade(upgrade), rolling: true },
            on(Target::One),
            End::AtOnce,
        ),
        fault(FaultKind::Isolate { one_way: false }, on(Target::One), End::WithPhase),
        fault(FaultKind::Isolate { one_way: true }, on(Target::OneFollower), End::WithPhase),
        fault(partition(Grudge::MinorityThird), Where::Itself, End::WithPhase),
        fault(FaultKind::Link(slow), on(Target::Two), End::WithPhase),
    ]
}

fn schedule(seed: u64, at_most: usize, keep_majority: bool) -> Vec<FaultSpec> {
    let of = everything();
    let random = Random {
        place: "chaos.0".into(),
        weights: vec![1; of.len()],
        of,
        every: seconds(1, 6),
        lasts: seconds(2, 12),
        at_most,
        keep_majority,
    };
    expand(&random, Seed(seed), PHASE, &nodes(5))
}

const PHASE: Duration = Duration::from_secs(120);

/// From when to when it acts.
fn window(spec: &FaultSpec) -> (Duration, Duration) {
    let Start::At(begins) = &spec.start else { panic!("{spec:?} waits for something") };
    let begins = begins.most();
    match &spec.end {
        End::For(lasts) => (begins, begins + lasts.most()),
        End::AtOnce => (begins, begins + DISTURBS),
        other => panic!("{other:?} has no time"),
    }
}

/// The nodes that a fault may touch, at worst: every set that a late target can turn out to be.
fn touched(spec: &FaultSpec, leader: &str) -> Vec<String> {
    let (all, none) = (nodes(5), std::collections::BTreeMap::new());
    let view = View {
        nodes: &all,
        leader: Some(leader),
        term: None,
        claimants: &[],
        remembered: &none,
        busy: &[],
    };
    let draw = crate::Schedule::new(0, PHASE).target(spec, 0);
    place(spec, &view, draw).map(|placed| placed.nodes).unwrap_or_default()
}

/// Whether some three of five nodes are untouched and uncut by all of these.
fn majority_is_left(acting: &[&FaultSpec], leader: &str, seed: u64) -> bool {
    let all = nodes(5);
    let mut gone = std::collections::BTreeSet::new();
    let mut cut = Vec::new();
    for spec in acting {
        if matches!(spec.kind, FaultKind::Partition { .. }) {
            let draw = crate::Schedule::new(seed, PHASE).target(spec, 0);
            cut.extend(cuts(&spec.kind, &[], &all, draw).unwrap());
        } else {
            gone.extend(touched(spec, leader));
        }
    }
    let hears = |a: &String, b: &String| {
        !cut.contains(&(Port::Node(a.clone()), Port::Node(b.clone())))
            && !cut.contains(&(Port::Node(b.clone()), Port::Node(a.clone())))
    };
    (0u32..32).filter(|set| set.count_ones() >= 3).any(|set| {
        let members: Vec<&String> =
            (0..5).filter(|place| set >> place & 1 == 1).map(|place| &all[place]).collect();
        members.iter().all(|node| !gone.contains(*node))
            && members.iter().all(|a| members.iter().all(|b| hears(a, b)))
    })
}

#[test]
fn a_thousand_seeds_keep_their_word() {
    let mut dealt = 0;
    for seed in 0..1_000 {
        let (at_most, keep) = (1 + seed as usize % 3, seed % 2 == 0);
        let specs = schedule(seed, at_most, keep);
        assert_eq!(specs, schedule(seed, at_most, keep), "one seed, one schedule");
        dealt += specs.len();
        for spec in &specs {
            let (begins, ends) = window(spec);
            assert!(begins < ends && ends <= PHASE, "{seed}: {spec:?} is not healed in its phase");
            let acting: Vec<&FaultSpec> = specs
                .iter()
                .filter(|other| window(other).0 <= begins && begins < window(other).1)
                .collect();
            assert!(acting.len() <= at_most, "{seed}: {} at once", acting.len());
            for leader in ["n1", "n4"] {
                undefined_overlaps(seed, &acting, leader);
                assert!(!keep || majority_is_left(&acting, leader, seed), "{seed}: {acting:#?}");
            }
        }
    }
    assert!(dealt > 10_000, "only {dealt} faults in a thousand schedules");
}

fn undefined_overlaps(seed: u64, acting: &[&FaultSpec], leader: &str) {
    for (place, one) in acting.iter().enumerate() {
        for other in &acting[place + 1..] {
            let shared = touched(one, leader);
            let shared = shared.iter().any(|node| touched(other, leader).contains(node));
            let undefined = shared.then(|| one.kind.contends(&other.kind)).flatten();
            assert_eq!(undefined, None, "{seed}: {one:?} and {other:?}");
            assert!(!one.kind.takes_turns(&other.kind), "{seed}: {one:?} and {other:?}");
        }
    }
}

#[test]
fn every_kind_gets_its_turn() {
    let mut kinds = std::collections::BTreeSet::new();
    for seed in 0..100 {
        let words = |spec: FaultSpec| format!("{:?}", spec.kind);
        kinds.extend(schedule(seed, 2, false).into_iter().map(words));
    }
    assert_eq!(kinds.len(), 19);
}

#[test]
fn some_grudges_leave_no_majority() {
    let left = |grudge: Grudge| [3, 4, 5].map(|count| leaves_majority(&grudge, &nodes(count)));
    assert_eq!(left(Grudge::Halves), [true, false, true]);
    assert_eq!(left(Grudge::MinorityThird), [true, true, true]);
    assert_eq!(left(Grudge::Bridge), [true, true, true]);
    assert_eq!(left(Grudge::MajoritiesRing), [true, false, false]);
}
