//! Faults: what each does, on whom, and when.
//!
//! A fault is a pair of files: `partition.yaml` (parameters, defaults, what the reader will see)
//! beside `src/partition.rs` (what it does). What a fault needs of a machine is a trait here
//! ([`NodeOps`], [`Links`]); the harness implements it. Schedules, targets and grudges are pure:
//! seed in, times and nodes out.

pub mod clock;
pub mod crash;
pub mod crash_loop;
mod deal;
pub mod disk;
mod effect;
pub mod exec;
mod group;
mod grudge;
pub mod isolate;
pub mod kill;
pub mod link;
mod links;
pub mod membership;
mod node_faults;
mod node_ops;
pub mod partition;
pub mod pause;
pub mod power_loss;
mod random;
pub mod regions;
pub mod restart;
mod schedule;
mod spec;
pub mod starve;
pub mod stop;
mod target;
mod trigger;
pub mod upgrade;

pub use clock::{ClockChange, ClockReading, ClockSeen, Skew};
pub use crash_loop::CrashLoop;
pub use disk::{
    Damage, DiskAct, DiskCall, DiskError, DiskFault, DiskOps, DiskRule, PathPattern, PowerLost,
    Tried,
};
pub use effect::Effect;
pub use exec::{Command, Exec, Ran};
pub use group::{Choice, Group, Rounds, Step};
pub use grudge::{cuts, least_nodes};
pub use links::{
    Burst, Distribution, Fate, Flap, Hop, LinkPolicy, Links, Outages, Passage, Path, Port,
    RateLimit, sampled_delays_ns,
};
pub use node_faults::{NodeFault, NodeFaults};
pub use node_ops::{NodeOps, ServerProcess, ServerState, Signal};
pub use random::{Random, expand, leaves_majority};
pub use schedule::{Planned, Schedule};
pub use spec::{DurationChoice, End, FaultKind, FaultSpec, Grudge, Start, Target, Where};
pub use starve::Lack;
pub use target::{Chosen, NoTarget, Placed, View, minority, place, resolve};
pub use trigger::Trigger;
pub use upgrade::Upgrade;
