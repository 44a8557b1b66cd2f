//! The pcap format (libpcap's classic one, with nanoseconds), link type LINUX_SLL2: each packet
//! says at which interface it was seen and in which direction, as `tcpdump -i any` has it.
//! The interface's number is the port of the switch, counted from 1: n1 is 1.

/// Magic number of files whose times have nanoseconds.
const MAGIC: u32 = 0xa1b2_3c4d;
const VERSION: [u16; 2] = [2, 4];
const LINUX_SLL2: u32 = 276;
const ETHERNET: usize = 14;
const SLL2: usize = 20;
/// Directions of LINUX_SLL2.
const TO_US: u8 = 0;
const BY_US: u8 = 4;
const ARPHRD_ETHER: u16 = 1;

/// An Ethernet frame at a port.
pub(super) struct Frame<'a> {
    /// Nanoseconds since 1970.
    pub(super) at_ns: i64,
    pub(super) port: usize,
    pub(super) arrived: bool,
    /// Its whole length.
    pub(super) length: usize,
    /// Its first bytes.
    pub(super) bytes: &'a [u8],
}

/// What a file begins with; `snap` is the most that is kept of a frame.
pub(super) fn header(snap: usize) -> Vec<u8> {
    let mut header = MAGIC.to_le_bytes().to_vec();
    header.extend(VERSION.iter().flat_map(|number| number.to_le_bytes()));
    // Times are UTC, and nothing is said of their accuracy.
    header.extend([0; 8]);
    header.extend(((snap + SLL2 - ETHERNET) as u32).to_le_bytes());
    header.extend(LINUX_SLL2.to_le_bytes());
    header
}

/// One frame. Its Ethernet header becomes one of LINUX_SLL2.
pub(super) fn record(frame: &Frame<'_>) -> Vec<u8> {
    let payload = frame.bytes.get(ETHERNET..).unwrap_or(&[]);
    let length = frame.length.saturating_sub(ETHERNET) + SLL2;
    let mut record = Vec::with_capacity(16 + SLL2 + payload.len());
    let (seconds, nanos) = (frame.at_ns / 1_000_000_000, frame.at_ns % 1_000_000_000);
    for number in [seconds as u32, nanos as u32, (SLL2 + payload.len()) as u32, length as u32] {
        record.extend(number.to_le_bytes());
    }
    record.extend(frame.bytes.get(12..ETHERNET).unwrap_or(&[0; 2]));
    record.extend([0; 2]);
    record.extend((frame.port as u32 + 1).to_be_bytes());
    record.extend(ARPHRD_ETHER.to_be_bytes());
    record.push(if frame.arrived { TO_US } else { BY_US });
    record.push(6);
    record.extend(frame.bytes.get(6..12).unwrap_or(&[0; 6]));
    record.extend([0; 2]);
    record.extend(payload);
    record
}

/// A record as it stands in a file; `bytes` of the packet after its Ethernet header are there, of
/// `length`.
#[cfg(test)]
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) at_ns: i64,
    pub(super) port: usize,
    pub(super) arrived: bool,
    pub(super) length: usize,
    pub(super) bytes: usize,
}

/// Reads a whole file; none: it is no such file.
#[cfg(test)]
pub(super) fn read(file: &[u8]) -> Option<Vec<Record>> {
    let word = |bytes: &[u8], at: usize| -> Option<u32> {
        Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
    };
    if word(file, 0)? != MAGIC || word(file, 20)? != LINUX_SLL2 {
        return None;
    }
    let (mut rest, mut records) = (&file[24..], Vec::new());
    while !rest.is_empty() {
        let kept = word(rest, 8)? as usize;
        let packet = rest.get(16..16 + kept)?;
        let port = u32::from_be_bytes(packet.get(4..8)?.try_into().ok()?);
        records.push(Record {
            at_ns: i64::from(word(rest, 0)?) * 1_000_000_000 + i64::from(word(rest, 4)?),
            port: port as usize - 1,
            arrived: packet[10] == TO_US,
            length: word(rest, 12)? as usize - SLL2,
            bytes: kept - SLL2,
        });
        rest = &rest[16 + kept..];
    }
    Some(records)
}
