//! For an edge that a level demands: whose read demands it, and how what was overwritten came to
//! be visible to that read. Only asked for the few edges that are shown.

use super::{
    edges::Edge,
    order::{Paths, Step, Why},
    sessions::Sessions,
};

/// What makes another transaction's writes visible to a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Visibility {
    /// The reader read from it before.
    ReadBefore,
    /// The reader read from it, or it is earlier in the reader's session.
    Direct,
    /// It is in the reader's causal past.
    Causal,
}

/// Why one transaction must come before another: `reader` found `after`'s write of `key`,
/// although `before`, which wrote `key` too, was visible to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Demand {
    pub(super) before: u32,
    /// [`super::sessions::INITIAL`] if the initial value was found.
    pub(super) after: u32,
    pub(super) reader: u32,
    pub(super) key: u32,
    /// From `before` to `reader`.
    pub(super) path: Vec<Step>,
}

/// How many more readers are tried, to find one to which the way is shorter.
const TRIED: usize = 4;

/// The demand behind an edge, with the shortest way among some readers. O(reads) and some searches.
pub(super) fn behind(
    sessions: &Sessions,
    edge: Edge,
    visibility: Visibility,
    paths: &mut Paths<'_>,
) -> Option<Demand> {
    let is_reader = |&reader: &u32| {
        reader != edge.before && sessions.reads(reader).iter().any(|read| read.writer == edge.after)
    };
    let others = (0..sessions.len() as u32).filter(is_reader).take(TRIED);
    let mut best: Option<Demand> = None;
    for reader in std::iter::once(edge.reader).chain(others) {
        let longest = best.as_ref().map_or(usize::MAX, |demand| demand.path.len() - 1);
        best = by(sessions, edge, reader, visibility, longest, paths).or(best);
    }
    best
}

/// The demand of one reader, by a way of at most `longest` steps.
fn by(
    sessions: &Sessions,
    edge: Edge,
    reader: u32,
    visibility: Visibility,
    longest: usize,
    paths: &mut Paths<'_>,
) -> Option<Demand> {
    let Edge { before, after, .. } = edge;
    for (place, read) in sessions.reads(reader).iter().enumerate() {
        if read.writer != after || !sessions.writes_key(before, read.key) {
            continue;
        }
        let path = match visibility {
            Visibility::Causal => paths.shortest(before, reader, false, longest),
            _ => direct(sessions, before, reader, place, visibility),
        };
        if let Some(path) = path.filter(|path| path.len() <= longest) {
            return Some(Demand { before, after, reader, key: read.key, path });
        }
    }
    None
}

fn direct(
    sessions: &Sessions,
    from: u32,
    reader: u32,
    place: usize,
    visibility: Visibility,
) -> Option<Vec<Step>> {
    let step = |why| Some(vec![Step { from, to: reader, why }]);
    let reads = sessions.reads(reader);
    let reads = if visibility == Visibility::ReadBefore { &reads[..place] } else { reads };
    if reads.iter().any(|read| read.writer == from) {
        return step(Why::ReadsFrom);
    }
    let same_session = sessions.session[from as usize] == sessions.session[reader as usize];
    let earlier = visibility == Visibility::Direct && same_session && from < reader;
    if earlier { step(Why::Session) } else { None }
}
