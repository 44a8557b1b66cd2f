//! Flipping bits in frames: so that checksums find it, or so that they don't.
//!
//! The kernel may hand a frame over before its checksum is complete, as a note in the TAP's header.
//! A receiver believes such a note, so the checksum is completed before a bit is flipped.

use super::frame::{ETHERNET, is_fragment};
use crate::cluster::tap::HEADER;

const TCP: u8 = 6;
const UDP: u8 = 17;
/// Bits and fields of the TAP's header (`struct virtio_net_hdr`).
const NEEDS_CHECKSUM: u8 = 1;
const FLAGS: usize = 0;
const SEGMENTATION: usize = 1;
const CHECKSUM_START: usize = 6;
const CHECKSUM_OFFSET: usize = 8;

/// Where the parts of an IPv4 frame lie; each a range of its bytes.
struct Layout {
    protocol: u8,
    /// What the transport's checksum covers.
    segment: std::ops::Range<usize>,
    /// Where that checksum stands.
    checksum: Option<usize>,
    payload: std::ops::Range<usize>,
}

/// Whether it is a frame that the receiver's kernel would still cut up into packets.
pub(super) fn is_uncut(frame: &[u8]) -> bool {
    frame[SEGMENTATION] != 0
}

/// Flips a bit that `draw` chooses, of the transport's header or payload, checksum complete before
/// it. False: there is nothing that a checksum covers.
pub(super) fn corrupt(frame: &mut [u8], draw: u64) -> bool {
    let Some(layout) = layout(frame) else {
        return false;
    };
    if !has_checksum(frame, &layout) {
        return false;
    }
    complete_checksum(frame);
    // Of UDP the length and the checksum stay: without them a datagram is dropped uncounted, or
    // its payload accepted, for it is whole.
    let spared = if layout.protocol == UDP { 4..8 } else { 0..0 };
    let choices = layout.segment.len() - spared.len();
    let bit = (draw % (choices as u64 * 8)) as usize;
    let byte = bit / 8;
    let byte = if byte >= spared.start { byte + spared.len() } else { byte };
    frame[layout.segment.start + byte] ^= 1 << (bit % 8);
    true
}

/// Flips a bit of the payload that `draw` chooses, and makes the checksum right again. False: it
/// carries no payload, or is a fragment, whose checksum stands elsewhere.
pub(super) fn corrupt_silently(frame: &mut [u8], draw: u64) -> bool {
    let Some(layout) = layout(frame) else {
        return false;
    };
    let Some(checksum) = layout.checksum.filter(|_| !layout.payload.is_empty()) else {
        return false;
    };
    let bit = (draw % (layout.payload.len() as u64 * 8)) as usize;
    let at = layout.payload.start + bit / 8;
    let before = frame[at];
    frame[at] ^= 1 << (bit % 8);
    let incomplete = frame[FLAGS] & NEEDS_CHECKSUM != 0;
    let absent = layout.protocol == UDP && frame[checksum..checksum + 2] == [0, 0];
    if !incomplete && !absent {
        let even = (at - layout.segment.start).is_multiple_of(2);
        repair(frame, checksum, even, before, frame[at]);
    }
    true
}

/// Adjusts a checksum to one changed byte (RFC 1624, equation 3); `high`: it is the first of its
/// 16-bit word.
fn repair(frame: &mut [u8], checksum: usize, high: bool, before: u8, after: u8) {
    let word = |byte: u8| if high { u16::from(byte) << 8 } else { u16::from(byte) };
    let old = u16::from_be_bytes([frame[checksum], frame[checksum + 1]]);
    let sum = u32::from(!old) + u32::from(!word(before)) + u32::from(word(after));
    let new = match !fold(sum) {
        // To UDP a zero means no checksum; its other form means the same to everybody.
        0 => 0xffff,
        new => new,
    };
    frame[checksum..checksum + 2].copy_from_slice(&new.to_be_bytes());
}

/// Completes a checksum that the kernel has left to the hardware.
fn complete_checksum(frame: &mut [u8]) {
    if frame[FLAGS] & NEEDS_CHECKSUM == 0 {
        return;
    }
    let number = |at: usize| usize::from(u16::from_le_bytes([frame[at], frame[at + 1]]));
    let start = HEADER + number(CHECKSUM_START);
    let field = start + number(CHECKSUM_OFFSET);
    if field + 2 > frame.len() {
        return;
    }
    let end = layout(frame).map_or(frame.len(), |layout| layout.segment.end);
    let checksum = match !sum(&frame[start..end]) {
        0 => 0xffff,
        checksum => checksum,
    };
    frame[field..field + 2].copy_from_slice(&checksum.to_be_bytes());
    frame[FLAGS] &= !NEEDS_CHECKSUM;
}

/// The ones' complement sum of 16-bit words (RFC 1071).
fn sum(bytes: &[u8]) -> u16 {
    let words = bytes
        .chunks(2)
        .map(|word| u32::from(u16::from_be_bytes([word[0], word.get(1).copied().unwrap_or(0)])));
    fold(words.fold(0, |sum, word| u32::from(fold(sum)) + word))
}

fn fold(sum: u32) -> u16 {
    let sum = (sum & 0xffff) + (sum >> 16);
    ((sum & 0xffff) + (sum >> 16)) as u16
}

fn has_checksum(frame: &[u8], layout: &Layout) -> bool {
    layout.checksum.is_none_or(|at| {
        layout.protocol != UDP || frame[FLAGS] & NEEDS_CHECKSUM != 0 || frame[at..at + 2] != [0, 0]
    })
}

fn layout(frame: &[u8]) -> Option<Layout> {
    let ip = HEADER + ETHERNET;
    let packet = frame.get(ip..).filter(|packet| packet.len() >= 20 && packet[0] >> 4 == 4)?;
    let header = usize::from(packet[0] & 15) * 4;
    // A length of nothing is one that is too long to be told: the rest of the frame.
    let total = match usize::from(u16::from_be_bytes([packet[2], packet[3]])) {
        0 => packet.len(),
        total => total.min(packet.len()),
    };
    if header < 20 || total <= header {
        return None;
    }
    let segment = ip + header..ip + total;
    let (checksum, payload) = match packet[9] {
        _ if is_fragment(packet) => (None, 0),
        TCP if segment.len() >= 20 => (Some(16), usize::from(frame[segment.start + 12] >> 4) * 4),
        UDP if segment.len() >= 8 => (Some(6), 8),
        _ => (None, 0),
    };
    let payload = (segment.start + payload).min(segment.end)..segment.end;
    Some(Layout {
        protocol: if checksum.is_some() { packet[9] } else { 0 },
        checksum: checksum.map(|at| segment.start + at),
        payload: if checksum.is_some() { payload } else { 0..0 },
        segment,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame with a right checksum; `partial` leaves it to the hardware, as a kernel does.
    fn frame(protocol: u8, payload: &[u8], partial: bool) -> Vec<u8> {
        let (header, at) = if protocol == TCP { (20, 16) } else { (8, 6) };
        let length = (header + payload.len()) as u16;
        let mut segment = vec![0; header];
        segment[..4].copy_from_slice(&[0x30, 0x39, 0, 80]);
        if protocol == TCP {
            segment[12] = 5 << 4;
        } else {
            segment[4..6].copy_from_slice(&length.to_be_bytes());
        }
        segment.extend(payload);
        let addresses = [10, 1, 1, 1, 10, 1, 1, 2];
        let mut pseudo = addresses.to_vec();
        pseudo.extend([0, protocol]);
        pseudo.extend(length.to_be_bytes());
        // A partial checksum is the sum of the pseudo header, not complemented.
        let partly = sum(&pseudo);
        let whole = !sum(&[pseudo, segment.clone()].concat());
        let checksum = if partial { partly } else { whole };
        segment[at..at + 2].copy_from_slice(&checksum.to_be_bytes());
        let mut packet = vec![0x45, 0];
        packet.extend((20 + length).to_be_bytes());
        packet.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
        packet.extend(addresses);
        let mut frame = vec![0; HEADER + ETHERNET];
        if partial {
            frame[FLAGS] = NEEDS_CHECKSUM;
            frame[CHECKSUM_START] = (ETHERNET + 20) as u8;
            frame[CHECKSUM_OFFSET] = at as u8;
        }
        frame.extend(packet);
        frame.extend(segment);
        frame
    }

    /// Whether a receiver would accept a frame.
    fn is_accepted(frame: &[u8]) -> bool {
        let ip = HEADER + ETHERNET;
        let segment = &frame[ip + 20..];
        let mut pseudo = frame[ip + 12..ip + 20].to_vec();
        pseudo.extend([0, frame[ip + 9]]);
        pseudo.extend((segment.len() as u16).to_be_bytes());
        frame[FLAGS] & NEEDS_CHECKSUM != 0 || sum(&[&pseudo, segment].concat()) == 0xffff
    }

    const PAYLOADS: [&[u8]; 4] = [b"x", b"even", b"uneven!", &[0xff; 64]];

    #[test]
    fn receivers_find_every_flipped_bit() {
        for protocol in [TCP, UDP] {
            for payload in PAYLOADS {
                for partial in [false, true] {
                    for draw in 0..1000 {
                        let mut frame = frame(protocol, payload, partial);
                        assert!(is_accepted(&frame));
                        assert!(corrupt(&mut frame, draw));
                        assert!(!is_accepted(&frame), "{protocol} {payload:?} {draw}");
                    }
                }
            }
        }
    }

    #[test]
    fn nobody_finds_a_silently_flipped_bit() {
        for protocol in [TCP, UDP] {
            for payload in PAYLOADS {
                for partial in [false, true] {
                    for draw in 0..1000 {
                        let sound = frame(protocol, payload, partial);
                        let mut flipped = sound.clone();
                        assert!(corrupt_silently(&mut flipped, draw));
                        assert!(is_accepted(&flipped), "{protocol} {payload:?} {draw}");
                        let (before, after) =
                            [&sound, &flipped].map(|f| &f[f.len() - payload.len()..]).into();
                        let bits = before.iter().zip(after).map(|(a, b)| (a ^ b).count_ones());
                        assert_eq!(bits.sum::<u32>(), 1);
                        complete_checksum(&mut flipped);
                        assert!(is_accepted(&flipped));
                    }
                }
            }
        }
    }

    #[test]
    fn what_has_no_payload_or_no_checksum_is_left_alone() {
        let empty = frame(TCP, b"", false);
        assert!(!corrupt_silently(&mut empty.clone(), 5));
        let mut unchecked = frame(UDP, b"data", false);
        let checksum = HEADER + ETHERNET + 20 + 6;
        unchecked[checksum..checksum + 2].copy_from_slice(&[0, 0]);
        assert!(!corrupt(&mut unchecked.clone(), 5), "nobody would find it");
        assert!(corrupt_silently(&mut unchecked, 5));
        let mut fragment = frame(UDP, b"data", false);
        fragment[HEADER + ETHERNET + 6] = 0x20;
        assert!(!corrupt_silently(&mut fragment, 5));
        assert!(!corrupt(&mut [0; HEADER + ETHERNET], 5));
    }
}
