//! A node's registers on disk: a log of frames, each of them checksummed and synced whole.
//!
//! A frame is a line: eight hex digits of CRC-32, a space, JSON. The first frame tells the node's
//! life, every other one the records of one sync. Since a life begins by writing the log anew and
//! renaming it into place, only a later frame can be torn, and only the last.
//!
//! Who calls decides when; nothing here answers anybody.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{message::Record, replica::Replica};

/// The log is written anew when it is larger than this and twice as large as it need be, so that
/// each byte is rewritten about once.
const COMPACT_BYTES_MIN: u64 = 8 << 20;

/// Records in one frame of a log written anew.
const RECORDS_PER_FRAME: usize = 1000;

/// Eight hex digits and a space.
const CHECKSUM_BYTES: usize = 9;

/// The first frame.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    /// Lives of the node so far, the present one included.
    epoch: u64,
}

/// What a log held when it was opened.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Recovered {
    /// Lives of the node before.
    pub(super) epoch: u64,
    /// Its registers.
    pub(super) replica: Replica,
    /// Bytes of a torn end, dropped.
    pub(super) torn_bytes: usize,
}

/// A log, open for a life of its node.
#[derive(Debug)]
pub(super) struct Log {
    folder: PathBuf,
    file: File,
    /// Whether anything is synced; if not, that is the seeded bug `no-fsync`.
    syncs: bool,
    epoch: u64,
    bytes: u64,
    compact_at_bytes: u64,
}

impl Log {
    /// Reads what is in the folder and begins a new life. When this returns, everything recovered
    /// is on disk (it may not have been: a killed server's last writes are in memory only), and so
    /// is the number of the new life.
    pub(super) fn open(folder: &Path, syncs: bool) -> io::Result<(Self, Recovered)> {
        fs::create_dir_all(folder)?;
        let recovered = match fs::read(folder.join("log")) {
            Ok(bytes) => recover(&bytes).map_err(io::Error::other)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Recovered::default(),
            Err(error) => return Err(error),
        };
        let log = Self::write(folder, recovered.epoch + 1, &recovered.replica, syncs)?;
        Ok((log, recovered))
    }

    /// The present life's number.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Puts records on disk. After an error nobody knows what is on disk: this life must end.
    pub(super) fn append(&mut self, records: &[Record]) -> io::Result<()> {
        let frame = frame(&records)?;
        self.file.write_all(&frame)?;
        self.bytes += frame.len() as u64;
        if self.syncs { self.file.sync_data() } else { Ok(()) }
    }

    /// Writes the log anew if it has grown too long for what it holds.
    pub(super) fn compact(&mut self, replica: &Replica) -> io::Result<()> {
        if self.bytes > self.compact_at_bytes {
            *self = Self::write(&self.folder, self.epoch, replica, self.syncs)?;
        }
        Ok(())
    }

    /// Writes a whole log beside the old one and renames it into place: a crash at any moment
    /// leaves one of the two.
    fn write(folder: &Path, epoch: u64, replica: &Replica, syncs: bool) -> io::Result<Self> {
        let draft = folder.join("log.new");
        let mut file = File::create(&draft)?;
        let mut bytes = frame(&Header { epoch })?;
        let records: Vec<Record> = replica.records().collect();
        for chunk in records.chunks(RECORDS_PER_FRAME) {
            bytes.extend(frame(&chunk)?);
        }
        file.write_all(&bytes)?;
        if syncs {
            file.sync_all()?;
        }
        fs::rename(draft, folder.join("log"))?;
        if syncs {
            File::open(folder)?.sync_all()?;
        }
        let bytes = bytes.len() as u64;
        let compact_at_bytes = COMPACT_BYTES_MIN.max(2 * bytes);
        Ok(Self { folder: folder.to_owned(), file, syncs, epoch, bytes, compact_at_bytes })
    }
}

/// Reads a log's bytes back. A bad frame at the end is torn: it was never answered for. A bad one
/// before a good one is damage, and so is a bad first one.
fn recover(bytes: &[u8]) -> Result<Recovered, String> {
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let header = lines.next().and_then(parse::<Header>);
    let header =
        header.ok_or("the log's first line is damaged; its registers cannot be trusted")?;
    let mut recovered = Recovered { epoch: header.epoch, ..Recovered::default() };
    for (number, line) in (2..).zip(lines) {
        match parse::<Vec<Record>>(line) {
            Some(_) if recovered.torn_bytes > 0 => {
                return Err(format!("the log is damaged before line {number}, and not torn there"));
            }
            Some(records) => {
                for record in &records {
                    recovered.replica.absorb(record);
                }
            }
            None => recovered.torn_bytes += line.len(),
        }
    }
    Ok(recovered)
}

fn frame<T: Serialize>(content: &T) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(content)?;
    let mut line = checksum_of(&json).into_bytes();
    line.extend(json);
    line.push(b'\n');
    Ok(line)
}

/// The content of a whole, undamaged line.
fn parse<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    let (checksum, json) = line.strip_suffix(b"\n")?.split_at_checked(CHECKSUM_BYTES)?;
    let whole = checksum == checksum_of(json).as_bytes();
    if whole { serde_json::from_slice(json).ok() } else { None }
}

/// What stands before a frame's JSON.
fn checksum_of(json: &[u8]) -> String {
    format!("{:08x} ", crc32(json))
}

/// CRC-32 as in IEEE 802.3, bit by bit: a frame is short.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), step);
    !bytes.iter().fold(!0, byte)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use temblor_history::Key;

    use super::{
        super::version::{Tag, Version},
        *,
    };

    fn record(key: &str, counter: u64) -> Record {
        let tag = Tag { counter, node: "n1".into(), epoch: 1, sequence: counter };
        Record { key: Key::Text(key.into()), version: Version { tag, value: json!(counter) } }
    }

    fn replica(records: &[Record]) -> Replica {
        let mut replica = Replica::default();
        for record in records {
            replica.absorb(record);
        }
        replica
    }

    /// A folder of the test's own, removed at its end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(test: &str) -> Self {
            let name = format!("temblor-abd-log-{test}-{}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            let _ = fs::remove_dir_all(&folder);
            Self(folder)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn crc32_is_the_standards_own() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    /// Cuts a log of three syncs at every byte: what was synced before the cut is all there.
    #[test]
    fn a_torn_end_costs_only_the_last_frame() {
        let syncs =
            [vec![record("a", 1)], vec![record("a", 2), record("b", 1)], vec![record("c", 7)]];
        let mut bytes = frame(&Header { epoch: 4 }).unwrap();
        let mut ends = vec![bytes.len()];
        for sync in &syncs {
            bytes.extend(frame(sync).unwrap());
            ends.push(bytes.len());
        }
        for cut in 0..=bytes.len() {
            let recovered = recover(&bytes[..cut]);
            let Some(whole) = ends.iter().rposition(|end| *end <= cut) else {
                assert!(recovered.is_err(), "cut at {cut}: no header");
                continue;
            };
            let expected = Recovered {
                epoch: 4,
                replica: replica(&syncs[..whole].concat()),
                torn_bytes: cut - ends[whole],
            };
            assert_eq!(recovered, Ok(expected), "cut at {cut}");
        }
    }

    /// Flips each bit of a log's middle frame (but its line's end): the good frame after it shows
    /// that it isn't torn.
    #[test]
    fn damage_is_not_a_torn_end() {
        let header = frame(&Header { epoch: 1 }).unwrap();
        let middle = frame(&[record("a", 1)]).unwrap();
        let bytes = [header.clone(), middle.clone(), frame(&[record("a", 2)]).unwrap()].concat();
        for bit in 0..8 * (middle.len() - 1) {
            let mut damaged = bytes.clone();
            damaged[header.len() + bit / 8] ^= 1 << (bit % 8);
            assert!(recover(&damaged).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn each_life_keeps_the_registers_and_counts_on() {
        let folder = Folder::new("lives");
        let records = [record("a", 1), record("b", 2)];
        for life in 1..=3u64 {
            let (mut log, recovered) = Log::open(&folder.0, true).unwrap();
            assert_eq!((log.epoch(), recovered.epoch), (life, life - 1));
            let before = &records[..records.len().min(life as usize - 1)];
            assert_eq!(recovered.replica, replica(before));
            if let Some(record) = records.get(life as usize - 1) {
                log.append(std::slice::from_ref(record)).unwrap();
            }
        }
    }

    #[test]
    fn a_long_log_is_written_anew() {
        let folder = Folder::new("compact");
        let (mut log, _) = Log::open(&folder.0, true).unwrap();
        log.compact_at_bytes = 2000;
        let mut longest = 0;
        for counter in 1..=200 {
            log.append(&[record("a", counter)]).unwrap();
            longest = longest.max(log.bytes);
            let replica = replica(&[record("a", counter)]);
            let before = log.bytes;
            log.compact(&replica).unwrap();
            if log.bytes < before {
                log.compact_at_bytes = 2000;
            }
        }
        assert!(longest < 2200, "{longest}");
        let recovered = Log::open(&folder.0, true).unwrap().1;
        assert_eq!(recovered.replica, replica(&[record("a", 200)]));
    }
}
