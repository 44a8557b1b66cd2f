//! Who led, and which fault was on which node: one lane a node.

use temblor_history::{Happening, RunEvent};

use crate::digest::Digest;
use crate::measure::{Window, touched_nodes};
use crate::svg::{Anchor, Band, LEFT, RIGHT, Svg, TimeAxis, WIDTH, draw_bands};
use crate::words;

use super::figures::Figure;

const ROW: f64 = 20.0;

/// A stretch of time in which a node claimed to lead.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Claim {
    node: String,
    window: Window,
    /// Whether it had the highest term; the others only still say that they lead.
    leads: bool,
    term: Option<u64>,
}

/// The lanes; none where there is neither a leader nor a fault.
pub(crate) fn leaders(digest: &Digest<'_>, axis: &TimeAxis) -> Option<Figure> {
    let claims = claims(&digest.run.events, digest.shown.to);
    let nodes: Vec<String> =
        digest.run.manifest.nodes.iter().map(|node| node.name.clone()).collect();
    if nodes.is_empty() || (claims.is_empty() && digest.run.faults.is_empty()) {
        return None;
    }
    let bottom = ROW * nodes.len() as f64 + 2.0;
    let mut svg = Svg::new(WIDTH, bottom + 22.0, "Which node led, and which fault was on it");
    for (row, node) in nodes.iter().enumerate() {
        let y = 4.0 + ROW * row as f64;
        svg.text("yl", (LEFT - 6.0, y + 10.0), Anchor::End, node);
        svg.rect("node", (LEFT, y), (RIGHT - LEFT, 13.0), "");
        for claim in claims.iter().filter(|claim| claim.node == *node) {
            draw_claim(&mut svg, claim, axis, y);
        }
        let touching =
            digest.run.faults.iter().filter(|fault| touched_nodes(fault, &nodes).contains(node));
        let bands: Vec<Band> =
            touching.filter_map(|fault| Band::of(fault, digest.shown.to)).collect();
        draw_bands(&mut svg, &bands, |time| axis.x(time), (y - 2.0, y + 15.0));
        draw_exits(&mut svg, &digest.run.events, node, axis, y);
    }
    axis.draw(&mut svg, bottom, true);
    let title = if claims.is_empty() { "Faults by node" } else { "Leader, and faults by node" };
    Some(Figure { title, drawing: svg.finish(), note: note(&claims, &digest.run.events) })
}

fn note(claims: &[Claim], events: &[RunEvent]) -> String {
    let mut note = Vec::new();
    if !claims.is_empty() {
        note.push("Dark: the node led.");
    }
    if claims.iter().any(|claim| !claim.leads) {
        note.push("Red: it still said so while another led with a higher term.");
    }
    if events.iter().any(|event| matches!(event.what, Happening::ServerExit { .. })) {
        note.push("×: a server ended (red: no fault caused it).");
    }
    note.join(" ")
}

/// Leader events as stretches: each holds until the next.
fn claims(events: &[RunEvent], end: i64) -> Vec<Claim> {
    let mut claims: Vec<Claim> = Vec::new();
    let leader = |event: &&RunEvent| matches!(event.what, Happening::Leader { .. });
    let changes: Vec<&RunEvent> = events.iter().filter(leader).collect();
    for (place, event) in changes.iter().enumerate() {
        let Happening::Leader { node, term, claimants } = &event.what else { continue };
        let to = changes.get(place + 1).map_or(end, |next| next.time);
        let window = Window { from: event.time, to };
        let mut who: Vec<&String> = claimants.iter().chain(node).collect();
        who.sort_unstable();
        who.dedup();
        for name in who {
            let leads = node.as_ref() == Some(name);
            let term = term.filter(|_| leads);
            extend(&mut claims, Claim { node: name.clone(), window, leads, term });
        }
    }
    claims
}

/// Joins a claim to the same one before it.
fn extend(claims: &mut Vec<Claim>, new: Claim) {
    let last = claims.iter_mut().rev().find(|claim| claim.node == new.node);
    match last {
        Some(claim)
            if claim.window.to == new.window.from
                && claim.leads == new.leads
                && claim.term == new.term =>
        {
            claim.window.to = new.window.to;
        }
        _ => claims.push(new),
    }
}

fn draw_claim(svg: &mut Svg, claim: &Claim, axis: &TimeAxis, y: f64) {
    let (from, to) = (axis.x(claim.window.from), axis.x(claim.window.to));
    let term = claim.term.map_or(String::new(), |term| format!(" (term {term})"));
    let (class, says) =
        if claim.leads { ("lead", "leads") } else { ("split", "still says it leads") };
    let (start, end) = (words::moment(claim.window.from), words::moment(claim.window.to));
    let title = format!("{} {says}{term}, {start} to {end}", claim.node);
    svg.rect(class, (from, y), ((to - from).max(1.0), 13.0), &title);
    if !claim.leads && to - from > 120.0 {
        svg.text("bl on", (from + 4.0, y + 10.5), Anchor::Start, says);
    }
}

fn draw_exits(svg: &mut Svg, events: &[RunEvent], node: &str, axis: &TimeAxis, y: f64) {
    for event in events {
        let Happening::ServerExit { node: of, server, status, caused_by } = &event.what else {
            continue;
        };
        if of == node {
            let x = axis.x(event.time);
            let class = if caused_by.is_some() { "exit" } else { "exit unexpected" };
            let path = format!("M{:.1} {:.1}l6 6m0 -6l-6 6", x - 3.0, y + 3.5);
            let at = words::moment(event.time);
            svg.path(class, &path, &format!("{server} on {of} ended at {at}: {status}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leader(time: i64, node: Option<&str>, term: u64, claimants: &[&str]) -> RunEvent {
        let claimants = claimants.iter().map(|name| (*name).to_owned()).collect();
        let node = node.map(String::from);
        RunEvent { time, what: Happening::Leader { node, term: Some(term), claimants } }
    }

    fn claim(node: &str, from: i64, to: i64, leads: bool, term: Option<u64>) -> Claim {
        Claim { node: node.into(), window: Window { from, to }, leads, term }
    }

    #[test]
    fn a_deposed_leader_that_does_not_know_still_claims() {
        let events = [
            leader(0, Some("n1"), 1, &["n1"]),
            leader(10, Some("n2"), 2, &["n1", "n2"]),
            leader(20, Some("n2"), 2, &["n2"]),
            leader(30, None, 2, &[]),
        ];
        let expected = [
            claim("n1", 0, 10, true, Some(1)),
            claim("n1", 10, 20, false, None),
            claim("n2", 10, 30, true, Some(2)),
        ];
        assert_eq!(claims(&events, 40), expected);
    }
}
