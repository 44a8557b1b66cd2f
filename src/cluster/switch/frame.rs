//! What the switch reads of a frame: where it goes, and which flow it belongs to.

use crate::cluster::tap::{HEADER, mac};

const IPV4: [u8; 2] = [0x08, 0x00];
const ARP: [u8; 2] = [0x08, 0x06];
pub(super) const ETHERNET: usize = 14;

/// Where a frame goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Destination {
    /// To one port.
    One(usize),
    /// To all others.
    Others,
    /// Nowhere: not IPv4 and not ARP, or to nobody.
    Nowhere,
}

impl Destination {
    /// The one port, if it is one.
    pub(super) fn port(self) -> Option<usize> {
        match self {
            Self::One(port) => Some(port),
            Self::Others | Self::Nowhere => None,
        }
    }
}

/// Where a frame goes that a TAP has handed over (with its header before it).
pub(super) fn destination(frame: &[u8], ports: usize) -> Destination {
    let Some(ethernet) = frame.get(HEADER..HEADER + ETHERNET) else {
        return Destination::Nowhere;
    };
    if ethernet[12..14] != IPV4 && ethernet[12..14] != ARP {
        return Destination::Nowhere;
    }
    if ethernet[0] & 1 == 1 {
        return Destination::Others;
    }
    let port = ethernet[5];
    if ethernet[..6] == mac(port) && usize::from(port) < ports {
        Destination::One(usize::from(port))
    } else {
        Destination::Nowhere
    }
}

/// Hash of what makes packets belong together: addresses, protocol and ports. Of a fragment only
/// addresses and protocol, since not every fragment has the ports.
pub(super) fn flow(frame: &[u8]) -> u64 {
    let packet = frame.get(HEADER + ETHERNET..).unwrap_or(&[]);
    if packet.len() < 20 {
        return 0;
    }
    let header = usize::from(packet[0] & 15) * 4;
    let has_ports = matches!(packet[9], 6 | 17) && !is_fragment(packet);
    let ports = if has_ports { packet.get(header..header + 4) } else { None };
    let bytes = packet[12..20].iter().chain([&packet[9]]).chain(ports.unwrap_or(&[]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Whether an IPv4 packet is a part of a larger one.
pub(super) fn is_fragment(packet: &[u8]) -> bool {
    (packet[6] & 0x3f) | packet[7] != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(to: [u8; 6], kind: [u8; 2], port: u8, fragment: [u8; 2]) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 0, 0, 0, fragment[0], fragment[1], 64, 6, 0, 0];
        packet.extend([10, 1, 1, 1, 10, 1, 1, 2, 0, port, 0, 80]);
        [&[0; HEADER][..], &to, &mac(0), &kind, &packet].concat()
    }

    #[test]
    fn frames_go_by_their_mac() {
        let to = |mac, kind| destination(&frame(mac, kind, 1, [0, 0]), 3);
        assert_eq!(to(mac(2), IPV4), Destination::One(2));
        assert_eq!(to([0xff; 6], ARP), Destination::Others);
        assert_eq!(to(mac(3), IPV4), Destination::Nowhere);
        assert_eq!(to([2, 0, 0, 0, 0, 1], IPV4), Destination::Nowhere);
        assert_eq!(to(mac(1), [0x86, 0xdd]), Destination::Nowhere);
        assert_eq!(destination(&[0; 12], 3), Destination::Nowhere);
    }

    #[test]
    fn a_flow_is_five_numbers_and_of_fragments_three() {
        let of = |port, fragment| flow(&frame(mac(1), IPV4, port, fragment));
        assert_eq!(of(1, [0x40, 0]), of(1, [0, 0]));
        assert_ne!(of(1, [0, 0]), of(2, [0, 0]));
        assert_eq!(of(1, [0x20, 0]), of(2, [0, 9]));
    }
}
