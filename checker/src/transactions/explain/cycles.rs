//! Cycles of transactions, in words: each step with its reason.

use temblor_history::WitnessEdge;

use super::{Context, Orders, Story, Told};
use crate::transactions::{
    extract::{Kind, Model},
    graph::Edge,
    lists::Why,
    shortest::{Cycle, Step},
};

impl<'a> Context<'a> {
    pub(super) fn cycle(&self, kind: &'static str, cycle: &Cycle) -> (Story<'a>, Told) {
        let whys: Vec<Option<Why>> = cycle.steps.iter().map(|step| self.why(step)).collect();
        let mut sources: Vec<u32> = cycle.steps.iter().map(|step| self.source(step.from)).collect();
        for (step, why) in cycle.steps.iter().zip(&whys) {
            sources.extend(why.iter().flat_map(|why| self.witnesses(step.edge, why)));
        }
        let mut story = self.story(sources);
        for why in whys.iter().flatten() {
            for place in [why.from, why.to] {
                let op = self.all.ops[place as usize];
                match (op.kind, self.all.model) {
                    (Kind::Read, Model::ListAppend) => {
                        if let Some(&last) = self.all.list(op.value).last() {
                            story.matters(op.key, last);
                        }
                    }
                    _ => story.matters(op.key, op.value),
                }
            }
        }
        let told = self.tell(kind, cycle, &whys, &story);
        (story, told)
    }

    fn tell(
        &self,
        kind: &'static str,
        cycle: &Cycle,
        whys: &[Option<Why>],
        story: &Story<'_>,
    ) -> Told {
        let steps: Vec<(&Step, &Option<Why>)> = cycle.steps.iter().zip(whys).collect();
        let reasons: Vec<String> =
            steps.iter().map(|(step, why)| self.reason(step, why.as_ref(), story)).collect();
        let number = |transaction| story.number(self.source(transaction));
        let edges = steps.iter().zip(&reasons).map(|((step, _), reason)| WitnessEdge {
            from: number(step.from),
            to: number(step.to),
            kind: step.edge.name().to_owned(),
            reason: reason.clone(),
        });
        let mut proof: Vec<String> = steps
            .iter()
            .zip(&reasons)
            .map(|((step, _), reason)| {
                format!("({}) comes before ({}): {reason}.", number(step.from), number(step.to))
            })
            .collect();
        proof.push(self.conclusion(kind, cycle, story));
        Told {
            sentence: self.sentence(kind, &steps, story),
            proof,
            culprit: self.culprit(cycle),
            legal: self.legal(&steps, story),
            minimal: cycle.shortest,
            edges: edges.collect(),
            key: None,
        }
    }

    /// The reader that missed something, if there is one.
    fn culprit(&self, cycle: &Cycle) -> Option<u32> {
        let mut missing = cycle.steps.iter().filter(|step| step.edge == Edge::Rw);
        let first = missing.next()?;
        missing.next().is_none().then(|| self.source(first.from))
    }

    pub(super) fn why(&self, step: &Step) -> Option<Why> {
        self.orders.why(step.from, step.to, step.edge)
    }

    /// Why one transaction comes before another.
    pub(super) fn reason(&self, step: &Step, why: Option<&Why>, story: &Story<'_>) -> String {
        let [from, to] = [step.from, step.to].map(|transaction| self.source(transaction));
        let (a, b) = (story.quoted(from), story.quoted(to));
        match (step.edge, why) {
            (Edge::Process, _) => {
                format!("client {} ran {a} and then {b}", story.operation(from).process)
            }
            (Edge::Realtime, _) => format!(
                "{a} had completed{} when {b} was invoked{}",
                story.at(story.operation(from).completed),
                story.at(Some(story.operation(to).invoked)),
            ),
            (edge, Some(why)) => self.dependency(edge, why, &a, &b, story),
            (edge, None) => format!("{b} depends on {a} ({})", edge.name()),
        }
    }

    fn dependency(&self, edge: Edge, why: &Why, a: &str, b: &str, story: &Story<'_>) -> String {
        let key = story.key(why.key);
        let value = |place: u32| story.value(self.all.ops[place as usize].value);
        match (edge, self.all.model) {
            (Edge::Wr, Model::ListAppend) => {
                format!(
                    "{b} read {key} as {}, and its last element came from {a}",
                    story.found(why.to)
                )
            }
            (Edge::Wr, Model::RwRegister) => {
                format!("{b} read {key} = {}, which {a} had written", value(why.to))
            }
            (Edge::Rw, Model::ListAppend) => format!(
                "{a} read {key} as {}, without {}, which {b} appended",
                story.found(why.from),
                value(why.to),
            ),
            (Edge::Ww, Model::ListAppend) => self.appended_after(why, a, b, story),
            (edge, _) => {
                let (first, second) = (value(why.from), value(why.to));
                let did = if edge == Edge::Rw { "read" } else { "wrote" };
                let precedes = self.precedes(why).map_or(String::new(), |precedes| {
                    format!(": {}", self.preceding(why.key, &first, &second, precedes, story))
                });
                format!(
                    "{a} {did} {key} = {first}, and {b} wrote {second}, which came later{precedes}"
                )
            }
        }
    }

    fn appended_after(&self, why: &Why, a: &str, b: &str, story: &Story<'_>) -> String {
        let (from, to) = (self.all.ops[why.from as usize], self.all.ops[why.to as usize]);
        let key = story.key(why.key);
        let (first, second) = (story.value(from.value), story.value(to.value));
        let Some(longest) = self.longest_read(why.key) else { return String::new() };
        let reader = story.quoted(self.source(story.transaction_of(longest)));
        let list = story.found(longest);
        let is_placed = match self.orders {
            Orders::Lists(orders) => orders.is_placed(why.key, to.value),
            Orders::Registers(_) => true,
        };
        if is_placed {
            format!(
                "{b} appended {second} to {key} after {a} had appended {first}, as {reader} read it: {list}"
            )
        } else {
            format!(
                "{a} appended {first} to {key}, and {b} appended {second}, which is not in the longest \
                 list that was read, by {reader}: {list}; so it came later than all of that"
            )
        }
    }

    fn conclusion(&self, kind: &str, cycle: &Cycle, story: &Story<'_>) -> String {
        let chain: Vec<String> =
            cycle.steps.iter().map(|step| story.quoted(self.source(step.from))).collect();
        let missed = cycle.steps.iter().filter(|step| step.edge == Edge::Rw).count();
        let why = match missed {
            0 => "No order of these transactions agrees with all of that",
            1 => {
                "One read missed what it should have seen, and everything else would fit: no \
                  consistent state was like that"
            }
            _ if kind.starts_with("G-nonadjacent") => {
                "Each read missed something, but never two in a row: no snapshots were like that"
            }
            _ => "No order of these transactions agrees with all of that",
        };
        format!("So {} come before each other in a circle. {why}.", chain.join(", "))
    }

    fn sentence(&self, kind: &str, steps: &[(&Step, &Option<Why>)], story: &Story<'_>) -> String {
        let clients = self.clients(steps.iter().map(|(step, _)| step.from), story);
        let missed = steps.iter().find(|(step, _)| step.edge == Edge::Rw);
        if let (true, Some((step, Some(why)))) = (kind.starts_with("G-single"), missed) {
            let write = self.all.ops[why.to as usize];
            return format!(
                "{} did not see {} by {}, although {}",
                story.who(self.source(step.from)),
                story.write(why.key, write.value),
                story.who(self.source(step.to)),
                Self::nevertheless(steps),
            );
        }
        let what = match kind.split('-').take(2).collect::<Vec<_>>().join("-").as_str() {
            "G0" | "G0-process" | "G0-realtime" => "overwrote each other in a circle",
            "G-nonadjacent" => "saw each other's writes in different orders",
            "G2-item" if steps.len() == 2 => "each missed what the other wrote",
            "G2-item" => "each read or wrote before the next, in a circle",
            _ => "each saw or overwrote what the next one did, in a circle",
        };
        format!("{clients} {what}")
    }

    /// What a read that missed something should have followed.
    fn nevertheless(steps: &[(&Step, &Option<Why>)]) -> &'static str {
        let others = || steps.iter().map(|(step, _)| step.edge).filter(|edge| *edge != Edge::Rw);
        match (steps.len(), others().next()) {
            (2, Some(Edge::Realtime)) => "that had completed before it began",
            (2, Some(Edge::Process)) => "the same client had done that before",
            (2, Some(Edge::Wr)) => "it saw something else of the same transaction",
            (2, Some(Edge::Ww)) => "it overwrote what the same transaction had written",
            _ if others().any(|edge| edge == Edge::Realtime) => "what it saw or did came later",
            _ => "it saw or overwrote what came after that",
        }
    }

    /// `3 transactions of clients 1, 3 and 4`.
    pub(super) fn clients(
        &self,
        transactions: impl Iterator<Item = u32> + Clone,
        story: &Story<'_>,
    ) -> String {
        let count = transactions.clone().count();
        let processes = transactions.map(|one| story.operation(self.source(one)).process);
        let mut clients: Vec<u64> = processes.collect();
        clients.sort_unstable();
        clients.dedup();
        let names: Vec<String> = clients.iter().map(ToString::to_string).collect();
        match names.split_last() {
            None => String::new(),
            Some((only, [])) => format!("{count} transactions of client {only}"),
            Some((last, rest)) => {
                format!("{count} transactions of clients {} and {last}", rest.join(", "))
            }
        }
    }

    /// With one read that missed something, it could have seen it: the dependency turns round, and
    /// nothing is left of the cycle.
    fn legal(&self, steps: &[(&Step, &Option<Why>)], story: &Story<'_>) -> Option<String> {
        let mut missing = steps.iter().filter(|(step, _)| step.edge == Edge::Rw);
        let (step, why) = missing.next()?;
        let (why, None) = (why.as_ref()?, missing.next()) else { return None };
        let write = self.all.ops[why.to as usize];
        Some(format!(
            "for {} to find {} in {}",
            story.quoted(self.source(step.from)),
            story.value(write.value),
            story.key(why.key),
        ))
    }
}
