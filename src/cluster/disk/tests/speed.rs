//! What the layer costs, beside the same folder without it:
//! `cargo test --release --lib disk_speed -- --ignored --nocapture`.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::FileExt,
    path::Path,
};

use super::{Folder, mounted::mounted};
use crate::clock::monotonic_ns;

const MIB: usize = 1 << 20;
const LARGE: usize = 512;
const SYNCS: usize = 3000;

fn seconds(work: impl FnOnce()) -> f64 {
    let at = monotonic_ns();
    work();
    (monotonic_ns() - at) as f64 / 1e9
}

/// MB/s written and read in one stream, writes of 4 KiB with a sync each a second, and small files
/// made and removed a second.
fn measure(folder: &Path) -> [f64; 4] {
    let path = folder.join("large");
    let block = vec![7_u8; MIB];
    let written = seconds(|| {
        let mut file = File::create(&path).unwrap();
        (0..LARGE).for_each(|_| file.write_all(&block).unwrap());
    });
    let read = seconds(|| {
        let mut file = File::open(&path).unwrap();
        let mut block = vec![0_u8; MIB];
        while file.read(&mut block).unwrap() > 0 {}
    });
    fs::remove_file(&path).unwrap();
    let synced = seconds(|| {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).open(&path).unwrap();
        for number in 0..SYNCS {
            file.write_all_at(&block[..4096], number as u64 * 4096).unwrap();
            file.sync_data().unwrap();
        }
    });
    let made = seconds(|| {
        for number in 0..SYNCS {
            let path = folder.join(number.to_string());
            fs::write(&path, "x").unwrap();
            fs::remove_file(path).unwrap();
        }
    });
    let rate = |count: usize, seconds: f64| count as f64 / seconds;
    [rate(LARGE, written), rate(LARGE, read), rate(SYNCS, synced), rate(SYNCS, made)]
}

#[test]
#[ignore = "it measures, and prints a table"]
fn disk_speed() {
    mounted("speed", false, |_, data| {
        let beside = Folder::new("speed-beside");
        let (ours, plain) = (measure(data), measure(&beside.0));
        let what = [
            "sequential write, MiB/s",
            "sequential read, MiB/s",
            "4 KiB write and fdatasync, 1/s",
            "small file made and removed, 1/s",
        ];
        println!("{:34} {:>12} {:>12}", "", "layer", "plain folder");
        for ((what, ours), plain) in what.into_iter().zip(ours).zip(plain) {
            println!("{what:34} {ours:12.0} {plain:12.0}");
        }
    });
}
