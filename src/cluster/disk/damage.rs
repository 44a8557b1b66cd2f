//! Damage to the medium: bits that flip, files that lose their end. Nobody asked for it, and it
//! stays.

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use temblor_faults::PathPattern;
use temblor_history::{Evidence, Seed};

use super::{
    probe::is_ours,
    tree::{Id, Kind},
    volume::Volume,
};

/// Flips that evidence tells one by one.
const TOLD: usize = 4;

/// A file with a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Candidate {
    pub(super) place: PathBuf,
    pub(super) id: Id,
    size: u64,
}

/// A byte of which bits flip.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Flip {
    pub(super) file: Candidate,
    offset: u64,
    mask: u8,
    before: u8,
}

/// A file that loses its end.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Cut {
    pub(super) file: Candidate,
    size: u64,
}

impl Volume {
    /// Every file that has a name, ours left out.
    pub(super) fn files(&self) -> Vec<Candidate> {
        let tree = self.tree();
        let files = tree.nodes.iter().filter(|(_, node)| node.kind == Kind::File);
        let places = files.filter_map(|(id, _)| Some((*id, tree.place(*id)?)));
        let mut files: Vec<Candidate> = places
            .filter(|(_, place)| !place.iter().next().is_some_and(is_ours))
            .map(|(id, place)| Candidate { place, id, size: 0 })
            .collect();
        files.sort();
        files
    }
}

/// The files that may be damaged: not empty, and meant by the pattern.
pub(super) fn candidates(
    volume: &Volume,
    path: Option<&PathPattern>,
) -> io::Result<Vec<Candidate>> {
    let mut files = volume.files();
    files.retain(|file| path.is_none_or(|pattern| pattern.matches(&file.place)));
    for file in &mut files {
        file.size = volume.looks(file.id).map_or(0, |looks| looks.found.len());
    }
    files.retain(|file| file.size > 0);
    if files.is_empty() {
        let what = path.map_or("there is no file with bytes in it".into(), |pattern| {
            format!("no file with bytes in it is called {pattern}")
        });
        return Err(io::Error::other(what));
    }
    Ok(files)
}

/// Different bits, any of a chosen file as likely.
pub(super) fn choose_bits(files: &[Candidate], bits: u32, seed: Seed) -> Vec<Flip> {
    let room: u64 = files.iter().map(|file| file.size.saturating_mul(8)).sum();
    let wanted = u64::from(bits).min(room);
    let mut masks: BTreeMap<(usize, u64), u8> = BTreeMap::new();
    let (mut chosen, mut number) = (0, 0);
    while chosen < wanted {
        let draw = |what| seed.draw(what, number);
        let file = (draw("file") % files.len() as u64) as usize;
        let mask = masks.entry((file, draw("offset") % files[file].size)).or_default();
        let bit = 1 << (draw("bit") % 8);
        chosen += u64::from(*mask & bit == 0);
        *mask |= bit;
        number += 1;
    }
    let flip = |((file, offset), mask): ((usize, u64), u8)| Flip {
        file: files[file].clone(),
        offset,
        mask,
        before: 0,
    };
    masks.into_iter().map(flip).collect()
}

/// One of the files, cut by so many bytes.
pub(super) fn choose_cut(files: &[Candidate], bytes: u64, seed: Seed) -> Cut {
    let file = files[(seed.draw("file", 0) % files.len() as u64) as usize].clone();
    let size = file.size.saturating_sub(bytes);
    Cut { file, size }
}

/// Flips them, below the kernel.
pub(super) fn flip(volume: &Volume, flips: &mut [Flip]) -> io::Result<()> {
    for flip in flips {
        let path = volume.path(flip.file.id)?;
        let content = volume.content(flip.file.id)?;
        flip.before = content.damage(&path, flip.offset, flip.mask)?;
    }
    Ok(())
}

/// Cuts it, below the kernel.
pub(super) fn cut(volume: &Volume, cut: &Cut) -> io::Result<()> {
    let path = volume.path(cut.file.id)?;
    volume.content(cut.file.id)?.cut_off(&path, cut.size)
}

/// What servers find where bits flipped.
pub(super) fn flipped(data: &Path, flips: &[Flip]) -> io::Result<Evidence> {
    let mut found = Vec::new();
    for flip in flips {
        let mut byte = [0];
        File::open(data.join(&flip.file.place))?.read_exact_at(&mut byte, flip.offset)?;
        found.push((flip, byte[0]));
    }
    let holds = found.iter().all(|(flip, byte)| *byte == flip.before ^ flip.mask);
    let words = found.iter().take(TOLD).map(|(flip, byte)| {
        let Flip { file, offset, before, .. } = flip;
        format!("byte {offset} of {} was {before:02x}, is {byte:02x}", file.place.display())
    });
    let words: Vec<String> = words.collect();
    let more = flips.len().saturating_sub(TOLD);
    let more = if more > 0 { format!("; and {more} bytes more") } else { String::new() };
    let bits: u32 = flips.iter().map(|flip| flip.mask.count_ones()).sum();
    Ok(Evidence {
        what: "bytes read back through the data folder".into(),
        expected: format!("{bits} bits flipped"),
        observed: format!("{}{more}", words.join("; ")),
        holds,
    })
}

/// What servers find of a file that was cut.
pub(super) fn was_cut(data: &Path, cut: &Cut) -> io::Result<Evidence> {
    let size = std::fs::metadata(data.join(&cut.file.place))?.len();
    Ok(Evidence {
        what: format!("the size of {}", cut.file.place.display()),
        expected: format!("{} bytes, {} before", cut.size, cut.file.size),
        observed: format!("{size} bytes"),
        holds: size == cut.size && size < cut.file.size,
    })
}
