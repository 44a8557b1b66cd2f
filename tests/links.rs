//! Bad links under a real store: every fault verified and healed, the store unharmed, and a packet
//! trace of each that reads back.

use std::collections::BTreeSet;

use libtest_mimic::{Failed, Trial};

use crate::support::{Need, RunFolder, Scratch, cluster_lock, ensure, needing, run};

const NAMESPACES: &[Need] = &[Need::Namespaces];
/// The number that a pcap file begins with whose times have nanoseconds.
const NANOSECOND_PCAP: [u8; 4] = [0x4d, 0x3c, 0xb2, 0xa1];
/// LINUX_SLL2: packets say at which interface they were seen, and in which direction.
const SLL2: [u8; 4] = [20, 1, 0, 0];

pub(crate) fn trials() -> Vec<Trial> {
    vec![needing(NAMESPACES, "links::bad_ones_are_verified_mended_and_traced", bad_links)]
}

fn bad_links() -> Result<(), Failed> {
    let _lock = cluster_lock()?;
    let scratch = Scratch::new("links")?;
    run(scratch.path(), &["run", "abd-bad-links", "--seed", "1", "--trace"])?.must_exit(0)?;
    let folder = RunFolder::latest(scratch.path());
    folder.faults_must_be_verified(6)?;
    for number in 0..6 {
        let path = scratch.path().join(format!("runs/latest/traces/chaos.{number}-0.pcap"));
        let bytes = std::fs::read(&path).map_err(|why| format!("{}: {why}", path.display()))?;
        let packets = packets(&bytes).ok_or_else(|| format!("{} is cut short", path.display()))?;
        let directions: BTreeSet<u8> = packets.iter().map(|packet| packet.direction).collect();
        ensure(packets.len() > 100, || format!("{} packets in {}", packets.len(), path.display()))?;
        ensure(directions == [0, 4].into(), || "packets are sent, and arrive".into())?;
        let seconds = (packets[packets.len() - 1].at_ns - packets[0].at_ns) as f64 / 1e9;
        // The fault itself lasts at least three seconds; from before it to after it is longer.
        ensure((5.0..20.0).contains(&seconds), || format!("{seconds} s in {}", path.display()))?;
    }
    folder.reports_must_agree()
}

struct Packet {
    at_ns: u64,
    direction: u8,
}

/// Every packet of a whole file.
fn packets(file: &[u8]) -> Option<Vec<Packet>> {
    let number = |bytes: &[u8]| Some(u64::from(u32::from_le_bytes(bytes.try_into().ok()?)));
    if file.get(..4)? != NANOSECOND_PCAP || file.get(20..24)? != SLL2 {
        return None;
    }
    let (mut rest, mut packets) = (&file[24..], Vec::new());
    while !rest.is_empty() {
        let kept = number(rest.get(8..12)?)? as usize;
        let packet = rest.get(16..16 + kept)?;
        let at_ns = number(&rest[..4])? * 1_000_000_000 + number(&rest[4..8])?;
        packets.push(Packet { at_ns, direction: *packet.get(10)? });
        rest = &rest[16 + kept..];
    }
    Some(packets)
}
