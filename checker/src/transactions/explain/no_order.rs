//! Transactions that no order explains, in words: what is known, then case by case.

use temblor_history::WitnessEdge;

use super::{Context, Orders, Story, Told};
use crate::findings::capitalized;
use crate::transactions::{
    classify::Order,
    extract::INITIAL,
    graph::Edge,
    ordering::{
        Broken, Case, Choice, Core, End, Fact, Isolation, Moment, Question, Reason, Refutation,
        refute,
    },
    shortest::Step,
};

/// Where the cases would fill pages.
const TOO_MANY: &str = "Every order of them breaks a read; the cases are too many to tell.";

impl<'a> Context<'a> {
    pub(super) fn no_order(&self, question: Question, core: &Core) -> (Story<'a>, Told) {
        let Orders::Registers(orders) = self.orders else {
            unreachable!("lists have an order of their own")
        };
        let members = &core.transactions;
        let refutation = refute(self.all, orders, question, members);
        let mut sources: Vec<u32> = members.iter().map(|&one| self.source(one)).collect();
        for step in refutation.iter().flat_map(known) {
            sources.extend(self.why(&step).iter().flat_map(|why| self.witnesses(step.edge, why)));
        }
        let story = self.story(sources);
        let telling = Telling { context: self, question, story: &story };
        let (proof, edges) = match &refutation {
            Some(refutation) => (telling.proof(refutation), telling.edges(refutation)),
            None => (vec![TOO_MANY.to_owned()], Vec::new()),
        };
        let told = Told {
            sentence: telling.sentence(members),
            proof,
            minimal: core.minimal,
            edges,
            ..Told::default()
        };
        (story, told)
    }
}

/// The known facts that are needed, as steps of the graph.
fn known(refutation: &Refutation) -> impl Iterator<Item = Step> {
    let used = refutation.used.iter().map(|&number| &refutation.facts[number]);
    used.filter_map(|fact| match fact.reason {
        Reason::Known(edge) => {
            Some(Step { from: fact.from.transaction, edge, to: fact.to.transaction })
        }
        _ => None,
    })
}

struct Telling<'t, 'a> {
    context: &'t Context<'a>,
    question: Question,
    story: &'t Story<'a>,
}

impl Telling<'_, '_> {
    fn quoted(&self, transaction: u32) -> String {
        self.story.quoted(self.context.source(transaction))
    }

    fn sentence(&self, members: &[u32]) -> String {
        let clients = self.context.clients(members.iter().copied(), self.story);
        let what = match self.question.isolation {
            Isolation::Serial => "cannot have run one after another in any order",
            Isolation::Snapshots => {
                "cannot have read from snapshots, whenever they were taken and committed"
            }
        };
        let order = match self.question.order {
            Order::Data => "",
            Order::Process => ", each client's in turn",
            Order::Realtime => ", given real time",
        };
        format!("{clients} {what}{order}")
    }

    fn moment(&self, moment: Moment) -> String {
        let quoted = self.quoted(moment.transaction);
        match (self.question.isolation, moment.commits) {
            (Isolation::Serial, _) => quoted,
            (Isolation::Snapshots, false) => format!("the snapshot of {quoted}"),
            (Isolation::Snapshots, true) => format!("the commit of {quoted}"),
        }
    }

    fn comes_before(&self, fact: &Fact) -> String {
        format!("{} comes before {}", self.moment(fact.from), self.moment(fact.to))
    }

    fn reason(&self, step: &Step) -> String {
        self.context.reason(step, self.context.why(step).as_ref(), self.story)
    }

    fn edges(&self, refutation: &Refutation) -> Vec<WitnessEdge> {
        let number = |transaction| self.story.number(self.context.source(transaction));
        let edges = known(refutation).map(|step| WitnessEdge {
            from: number(step.from),
            to: number(step.to),
            kind: step.edge.name().to_owned(),
            reason: self.reason(&step),
        });
        edges.collect()
    }

    fn proof(&self, refutation: &Refutation) -> Vec<String> {
        let mut proof: Vec<String> = known(refutation)
            .map(|step| {
                let reads = |transaction| Moment { transaction, commits: false };
                let writes = |transaction| Moment { transaction, commits: true };
                let (from, to) = if step.edge == Edge::Rw {
                    (reads(step.from), writes(step.to))
                } else {
                    (writes(step.from), reads(step.to))
                };
                let (from, to) = (self.moment(from), self.moment(to));
                capitalized(&format!("{from} comes before {to}: {}.", self.reason(&step)))
            })
            .collect();
        self.case(refutation, &refutation.case, "", &mut proof);
        if matches!(refutation.case.end, End::Split(..)) {
            proof.push("Each case ends in a circle: there is no such order.".to_owned());
        }
        proof
    }

    /// The steps of a case; cases are called A, B, AA, AB and so on.
    fn case(&self, refutation: &Refutation, case: &Case, name: &str, proof: &mut Vec<String>) {
        let prefix = if name.is_empty() { String::new() } else { format!("Case {name}. ") };
        for &number in &case.facts {
            let fact = &refutation.facts[number];
            let so = self.comes_before(fact);
            let step = match fact.reason {
                Reason::Supposed(choice) => {
                    format!("{}. Suppose that {so}.", self.choice(choice))
                }
                Reason::Left(choice, _) if fact.against.is_empty() => {
                    format!("{}: so {so}.", self.choice(choice))
                }
                Reason::Left(choice, left) => format!(
                    "{}. Not the {}, since {}; so {so}.",
                    self.choice(choice),
                    if left == 0 { "latter" } else { "former" },
                    self.way(refutation, &fact.against)
                ),
                Reason::Own | Reason::Known(_) => continue,
            };
            proof.push(capitalized(&format!("{prefix}{step}")));
        }
        match &case.end {
            End::Circle(circle) => {
                let way = self.way(refutation, circle);
                proof.push(capitalized(&format!("{prefix}{way}: a circle.")));
            }
            End::Split(one, other) => {
                self.case(refutation, one, &format!("{name}A"), proof);
                self.case(refutation, other, &format!("{name}B"), proof);
            }
        }
    }

    /// `(1) → (2) → (3)`.
    fn way(&self, refutation: &Refutation, facts: &[usize]) -> String {
        let mut facts = facts.iter().map(|&number| &refutation.facts[number]);
        let mut moments: Vec<String> = facts.clone().map(|fact| self.moment(fact.from)).collect();
        moments.extend(facts.next_back().map(|last| self.moment(last.to)));
        moments.join(" → ")
    }

    /// What has to be chosen, and why.
    fn choice(&self, choice: Choice) -> String {
        let key = self.story.key(choice.key);
        match choice.about {
            Broken::Read { reader, writer, between } => {
                let (reads, writes) = (self.quoted(reader), self.quoted(between));
                let found = self.found(reader, choice.key);
                match writer {
                    Some(writer) => format!(
                        "{reads} read {key} = {found} from {wrote}, and {writes} wrote {key} too: \
                         either before {wrote} wrote it, or after {reads} had read it",
                        wrote = self.quoted(writer)
                    ),
                    None => format!(
                        "{reads} read {key} = {found}, before anybody had written it, and {writes} \
                         wrote {key}"
                    ),
                }
            }
            Broken::Overlap { one, other } => format!(
                "{one} and {other} both wrote {key}: either {one} had committed before {other} took \
                 its snapshot, or the other way round",
                one = self.quoted(one),
                other = self.quoted(other)
            ),
        }
    }

    fn found(&self, reader: u32, key: u32) -> String {
        let Orders::Registers(orders) = self.context.orders else { return String::new() };
        let mut touches = orders.touches_of(reader).iter();
        let read = touches.find(|touch| touch.key == key).and_then(|touch| touch.read);
        self.story.value(read.unwrap_or(INITIAL))
    }
}
