//! Tells why a read cannot be explained at any level.

use temblor_history::{History, Witness};

use super::{
    super::{
        observed::Observed,
        reads::{BadRead, Fault},
        sessions::Sessions,
    },
    Story,
};
use crate::{
    findings::Finding,
    transactions::extract::{Kind, MicroOp, NOBODY},
};

impl<'a> Story<'a> {
    /// The finding of one bad read: the reader, and whoever wrote what it found.
    pub(in crate::weak) fn bad_read(
        history: &'a History,
        observed: &'a Observed,
        sessions: &'a Sessions,
        bad: &BadRead,
    ) -> Finding {
        let telling = Telling::new(history, observed, sessions, bad);
        let witness = Witness {
            sentence: telling.sentence(),
            key: telling.story.object(telling.read.key),
            ops: telling.story.ops(Some(telling.reader)),
            proof: telling.proof(),
            legal: telling.legal(),
            minimal: true,
            edges: Vec::new(),
        };
        telling.story.finding(bad.fault.kind(), witness)
    }
}

struct Telling<'a> {
    story: Story<'a>,
    fault: Fault,
    read: MicroOp,
    /// Places among the history's operations.
    reader: u32,
    writer: Option<u32>,
    /// What should have been found: the reader's own write, or the writer's last one.
    instead: Option<MicroOp>,
}

impl<'a> Telling<'a> {
    fn new(
        history: &'a History,
        observed: &'a Observed,
        sessions: &'a Sessions,
        bad: &BadRead,
    ) -> Self {
        let places = observed.places_of(bad.reader);
        let place = bad.op as usize - places.start;
        let ops = observed.ops_of(bad.reader);
        let read = ops[place];
        let reader = observed.all()[bad.reader as usize].source;
        let writer = observed.writers().get(read.value as usize).copied();
        let writer = writer.filter(|writer| writer.transaction != NOBODY);
        let writes = |op: &&MicroOp| op.kind == Kind::Write && op.key == read.key;
        let instead = match (bad.fault, writer) {
            (Fault::Internal, _) => ops[..place].iter().rfind(writes).copied(),
            (Fault::Intermediate, Some(writer)) => {
                observed.ops_of(writer.transaction).iter().rfind(writes).copied()
            }
            _ => None,
        };
        let writer = match writer {
            Some(writer) => Some(observed.all()[writer.transaction as usize].source),
            None => observed.failed_writer(read.value).map(|failed| failed.source),
        };
        let sources = [Some(reader), writer].into_iter().flatten().collect();
        let story = Story::of(history, observed, sessions, sources).about([read.key]);
        Self { story, fault: bad.fault, read, reader, writer, instead }
    }

    fn pair(&self, op: &MicroOp) -> String {
        self.story.pair(op.key, &self.story.observed.value(self.story.history, op.value))
    }

    fn writer(&self) -> String {
        self.writer.map_or_else(String::new, |writer| self.story.number_of_source(writer))
    }

    fn instead(&self) -> String {
        self.instead.as_ref().map_or_else(String::new, |op| self.pair(op))
    }

    fn sentence(&self) -> String {
        let who = self.story.who_of_source(self.reader);
        let found = self.pair(&self.read);
        let by = self.writer.map(|writer| self.story.who_of_source(writer)).unwrap_or_default();
        let although = match self.fault {
            Fault::ThinAir => "which nobody ever wrote".to_owned(),
            Fault::Aborted => format!("although the write of it ({by}) failed"),
            Fault::Intermediate => {
                format!("which {by} overwrote with {} in the same transaction", self.instead())
            }
            Fault::Future => format!("which {by} wrote only later"),
            Fault::Internal => {
                format!("although its own transaction had just written {}", self.instead())
            }
        };
        format!("{who} found {found}, {although}")
    }

    fn proof(&self) -> Vec<String> {
        let (reader, writer) = (self.story.number_of_source(self.reader), self.writer());
        let found = self.pair(&self.read);
        let mut proof = vec![format!("{reader} found {found}.")];
        proof.push(match self.fault {
            Fault::ThinAir => format!("No operation of the history writes {found}."),
            Fault::Aborted => format!(
                "Only {writer} would have written it, and that certainly did not take effect."
            ),
            Fault::Intermediate => format!(
                "{writer} wrote it, and then {}: nobody else may see what came in between.",
                self.instead()
            ),
            Fault::Future => format!("Only {writer} writes it, and only after that read."),
            Fault::Internal => format!(
                "{reader} itself had written {} before: it has to see its own last write.",
                self.instead()
            ),
        });
        proof
    }

    fn legal(&self) -> Option<String> {
        let instead = self.instead.as_ref()?;
        let reader = self.story.number_of_source(self.reader);
        Some(format!("for {reader} to find {}", self.pair(instead)))
    }
}
