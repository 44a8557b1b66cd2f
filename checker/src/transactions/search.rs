//! From a graph to the kinds of cycles in it, with examples.

use rayon::prelude::*;

use super::{
    classify::{Cycles, classify},
    components::components,
    graph::Graph,
    names,
    part::Part,
    shortest::{Cycle, shortest},
    tally::{Found, Tally},
};
use crate::{Exhausted, meter::Meter};

/// Of each kind, so many of the smallest regions of one component are searched for a cycle.
const SEARCHED: usize = 8;

/// So many components of a kind are searched.
const COMPONENTS: usize = 64;

/// The components of the graph that hold cycles.
pub(crate) fn parts(graph: &Graph, meter: &Meter<'_>) -> Result<Vec<Part>, Exhausted> {
    let mut share = meter.share();
    let found = components(graph, &mut share)?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let mut places = vec![u32::MAX; super::components::Adjacency::node_count(graph) as usize];
    let mut parts = Vec::with_capacity(found.len());
    for nodes in found {
        let bytes: usize = parts.iter().map(Part::bytes).sum();
        share.hold(graph.bytes() + bytes + 4 * places.len())?;
        parts.push(Part::cut(graph, nodes, &mut places));
    }
    Ok(parts)
}

/// All kinds of cycles of all components, with examples of the shortest.
pub(crate) fn cycles(
    parts: &[Part],
    is_preferred: &(impl Fn(u32) -> bool + Sync),
    meter: &Meter<'_>,
    tally: &mut Tally,
) -> Result<(), Exhausted> {
    let classified: Result<Vec<Vec<Cycles>>, Exhausted> =
        parts.par_iter().map(|part| classify(part, &mut meter.share())).collect();
    let mut pairs: Vec<(&Part, Cycles)> = Vec::new();
    for (part, kinds) in parts.iter().zip(classified?) {
        pairs.extend(kinds.into_iter().map(|cycles| (part, cycles)));
    }
    // The smallest are the clearest.
    pairs.sort_by_key(|(part, cycles)| (cycles.family, cycles.order, part.len()));
    let mut of_kind = 0;
    let mut last = None;
    for (part, cycles) in &pairs {
        let kind = (cycles.family, cycles.order);
        of_kind = if last.replace(kind) == Some(kind) { of_kind + 1 } else { 0 };
        let name = names::cycle(cycles.family, cycles.order);
        if of_kind >= COMPONENTS {
            tally.count(name, cycles.regions.len() as u64);
        } else {
            examples(part, cycles, name, is_preferred, meter, tally)?;
        }
    }
    Ok(())
}

fn examples(
    part: &Part,
    cycles: &Cycles,
    name: &'static str,
    is_preferred: &(impl Fn(u32) -> bool + Sync),
    meter: &Meter<'_>,
    tally: &mut Tally,
) -> Result<(), Exhausted> {
    let mut regions: Vec<&Vec<u32>> = cycles.regions.iter().collect();
    regions.sort_by_key(|region| region.len());
    let searched = regions.len().min(SEARCHED);
    let mut found: Vec<Cycle> = Vec::new();
    for region in &regions[..searched] {
        found.extend(shortest(part, cycles, region, &mut meter.share())?);
    }
    // A region of cycles with several `rw` edges need not hold one with a single one.
    for cycle in found {
        let transaction = cycle.steps[0].from;
        tally.add(name, transaction, is_preferred, || Found::Cycle(cycle));
    }
    tally.count(name, (regions.len() - searched) as u64);
    Ok(())
}
