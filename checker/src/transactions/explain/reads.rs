//! What single reads show, in words.

use super::{Context, Found, Story, Told};

impl<'a> Context<'a> {
    /// Anything but a cycle.
    pub(super) fn read(&self, found: &Found) -> (Story<'a>, Told) {
        match *found {
            Found::AbortedRead { op, version } => self.aborted(op, version),
            Found::ThinAir { op, version } => self.thin_air(op, version),
            Found::IntermediateRead { op, version } => self.intermediate(op, version),
            Found::Internal { op, before } => self.internal(op, before),
            Found::FutureRead { op, write } => self.future(op, write),
            Found::DuplicateElements { op, version } => self.duplicate(op, version),
            Found::IncompatibleOrder { op } => self.incompatible(op),
            Found::Reordered { first, second } => self.reordered(first, second),
            Found::LostUpdate { key, first, second } => self.lost_update(key, first, second),
            Found::DirtyUpdate { failed, later } => self.dirty_update(failed, later),
            Found::CyclicVersions { .. } | Found::Cycle(_) | Found::NoOrder { .. } => {
                unreachable!("told elsewhere")
            }
        }
    }

    /// The story of a read and of other transactions, by source; and the read's source.
    fn of_read(&self, op: u32, others: impl IntoIterator<Item = u32>) -> (Story<'a>, u32) {
        let transaction = self.story(Vec::new()).transaction_of(op);
        let source = self.source(transaction);
        (self.story(std::iter::once(source).chain(others).collect()), source)
    }

    fn told(&self, op: u32, culprit: u32, sentence: String, proof: Vec<String>) -> Told {
        Told {
            sentence,
            proof,
            culprit: Some(culprit),
            key: Some(self.all.key(self.history, self.all.ops[op as usize].key)),
            minimal: true,
            ..Told::default()
        }
    }

    fn aborted(&self, op: u32, version: u32) -> (Story<'a>, Told) {
        let key = self.all.ops[op as usize].key;
        let (mut story, reader) = self.of_read(op, self.writer(version));
        story.matters(key, version);
        let failed = self.writer(version).unwrap_or(reader);
        let sentence = format!(
            "{} found {} in {}, although the only attempt to write it ({}) failed",
            story.who(reader),
            story.value(version),
            story.key(key),
            story.who(failed),
        );
        let proof = vec![
            format!("{} certainly did nothing: it failed.", story.quoted(failed)),
            format!(
                "{} read {} as {}, and nobody else {} {} there.",
                story.quoted(reader),
                story.key(key),
                story.found(op),
                story.wrote(),
                story.value(version),
            ),
        ];
        let mut told = self.told(op, reader, sentence, proof);
        told.legal = Some(format!("{} without {}", story.key(key), story.value(version)));
        (story, told)
    }

    fn thin_air(&self, op: u32, version: u32) -> (Story<'a>, Told) {
        let key = self.all.ops[op as usize].key;
        let (mut story, reader) = self.of_read(op, None);
        story.matters(key, version);
        let (key, value) = (story.key(key), story.value(version));
        let sentence =
            format!("{} found {value} in {key}, which nobody ever wrote", story.who(reader));
        let proof = vec![format!(
            "No transaction of this history, failed or not, {} {value} to {key}; but {} found {}.",
            story.wrote(),
            story.quoted(reader),
            story.found(op),
        )];
        let told = self.told(op, reader, sentence, proof);
        (story, told)
    }

    fn intermediate(&self, op: u32, version: u32) -> (Story<'a>, Told) {
        let key = self.all.ops[op as usize].key;
        let writer = self.all.writers[version as usize];
        let source = self.source(writer.transaction);
        let (mut story, reader) = self.of_read(op, Some(source));
        story.matters(key, version);
        let mut own = self.all.ops_of(writer.transaction).iter();
        let last = own.rfind(|own| own.key == key && own.kind == super::Kind::Write);
        let last = last.map_or(version, |last| last.value);
        let sentence = format!(
            "{} found {} in {}, a state that existed only within the transaction of {}",
            story.who(reader),
            story.value(version),
            story.key(key),
            story.who(source),
        );
        let proof = vec![
            format!(
                "{} {} {} to {}, and later {}: others may only see the last.",
                story.quoted(source),
                story.wrote(),
                story.value(version),
                story.key(key),
                story.value(last),
            ),
            format!("{} read {} as {}.", story.quoted(reader), story.key(key), story.found(op)),
        ];
        let told = self.told(op, reader, sentence, proof);
        (story, told)
    }

    fn internal(&self, op: u32, before: u32) -> (Story<'a>, Told) {
        let (story, reader) = self.of_read(op, None);
        let (read, earlier) = (self.all.ops[op as usize], self.all.ops[before as usize]);
        let key = story.key(read.key);
        let did = match earlier.kind {
            super::Kind::Read => format!("had read it as {}", story.found(before)),
            super::Kind::Write => {
                format!("had just {} {}", story.wrote(), story.value(earlier.value))
            }
        };
        let sentence = format!(
            "{} read {key} as {}, although the same transaction {did}",
            story.who(reader),
            story.found(op),
        );
        let proof = vec![format!(
            "Within {} nobody else may change {key}: it {did}, and then found {}.",
            story.quoted(reader),
            story.found(op),
        )];
        let legal =
            format!("for {} to find {} in {key}", story.quoted(reader), self.expected(op, &story));
        let mut told = self.told(op, reader, sentence, proof);
        told.legal = Some(legal);
        (story, told)
    }

    /// What a read should have found by what its transaction did before.
    fn expected(&self, op: u32, story: &Story<'_>) -> String {
        let read = self.all.ops[op as usize];
        let first = self.all.starts[self.transaction_of(op) as usize];
        let before = self.all.ops[first as usize..op as usize].iter().rev();
        let mut before = before.filter(|earlier| earlier.key == read.key);
        if self.all.model == super::Model::RwRegister {
            return story.value(before.next().map_or(read.value, |earlier| earlier.value));
        }
        let mut appended = Vec::new();
        let found = loop {
            match before.next() {
                Some(earlier) if earlier.kind == super::Kind::Write => appended.push(earlier.value),
                found => break found,
            }
        };
        appended.reverse();
        match found {
            Some(found) => {
                let list = self.all.list(found.value);
                story.list(read.key, &[list, &appended[..]].concat())
            }
            None => format!("a list that ends in {}", story.list(read.key, &appended)),
        }
    }

    fn future(&self, op: u32, write: u32) -> (Story<'a>, Told) {
        let (mut story, reader) = self.of_read(op, None);
        let written = self.all.ops[write as usize];
        story.matters(written.key, written.value);
        let (key, value) = (story.key(written.key), story.value(written.value));
        let sentence = format!(
            "{} found {value} in {key} before the same transaction {} it",
            story.who(reader),
            story.wrote(),
        );
        let proof = vec![format!(
            "{} read {key} as {}, and {} {value} only after that.",
            story.quoted(reader),
            story.found(op),
            story.wrote(),
        )];
        let told = self.told(op, reader, sentence, proof);
        (story, told)
    }

    fn duplicate(&self, op: u32, version: u32) -> (Story<'a>, Told) {
        let key = self.all.ops[op as usize].key;
        let (mut story, reader) = self.of_read(op, self.writer(version));
        story.matters(key, version);
        let (name, value) = (story.key(key), story.value(version));
        let sentence = format!("{} found {value} more than once in {name}", story.who(reader));
        let proof = vec![format!(
            "{value} was appended to {name} once at most, but {} read it as {}.",
            story.quoted(reader),
            story.found(op),
        )];
        let told = self.told(op, reader, sentence, proof);
        (story, told)
    }

    fn incompatible(&self, op: u32) -> (Story<'a>, Told) {
        let key = self.all.ops[op as usize].key;
        let longest = self.longest_read(key);
        let probe = self.story(Vec::new());
        let other = longest.map(|place| self.source(probe.transaction_of(place)));
        let (mut story, reader) = self.of_read(op, other);
        let list = self.all.list(self.all.ops[op as usize].value);
        let order = self.all.order(key);
        let differ = list.iter().zip(order).position(|(one, other)| one != other).unwrap_or(0);
        story.matters(key, list[differ]);
        story.matters(key, order[differ]);
        let name = story.key(key);
        let sentence = format!(
            "{} and {} read {name} in orders that contradict each other",
            story.who(reader),
            other.map_or_else(String::new, |other| story.who(other)),
        );
        let proof = vec![
            format!("{} read {name} as {}.", story.quoted(reader), story.found(op)),
            format!(
                "{} read it as {}. The element at place {} is {} in one and {} in the other; lists \
                 only grow at their end, so one of the two never was the state of {name}.",
                other.map_or_else(String::new, |other| story.quoted(other)),
                story.list(key, order),
                differ + 1,
                story.value(list[differ]),
                story.value(order[differ]),
            ),
        ];
        let told = self.told(op, reader, sentence, proof);
        (story, told)
    }

    fn reordered(&self, first: u32, second: u32) -> (Story<'a>, Told) {
        let [one, other] = [first, second].map(|place| self.all.ops[place as usize]);
        let longest = self.longest_read(one.key).unwrap_or(first);
        let writer = self.source(self.transaction_of(first));
        let (mut story, reader) = self.of_read(longest, Some(writer));
        story.matters(one.key, one.value);
        story.matters(one.key, other.value);
        let (key, before, after) =
            (story.key(one.key), story.value(one.value), story.value(other.value));
        let sentence = format!(
            "{} appended {before} and then {after} to {key}, and they stand there the other way \
             round",
            story.who(writer),
        );
        let proof = vec![format!(
            "{} appended {before} first, and {after} after it; {} read {key} as {}.",
            story.quoted(writer),
            story.quoted(reader),
            story.found(longest),
        )];
        let told = self.told(first, reader, sentence, proof);
        (story, told)
    }

    fn lost_update(&self, key: u32, first: u32, second: u32) -> (Story<'a>, Told) {
        let sources = [first, second].map(|transaction| self.source(transaction));
        let mut story = self.story(sources.to_vec());
        let read = |transaction| {
            let mut places = self.all.places_of(transaction);
            let place = places.find(|&place| {
                let op = self.all.ops[place];
                op.key == key && op.kind == super::Kind::Read
            });
            place.map_or(0, |place| place as u32)
        };
        let read = read(second);
        if let Some(&last) = (self.all.model == super::Model::ListAppend)
            .then(|| self.all.list(self.all.ops[read as usize].value))
            .and_then(<[u32]>::last)
        {
            story.matters(key, last);
        }
        let (name, found) = (story.key(key), story.found(read));
        let sentence = format!(
            "{} and {} both read {name} as {found} and then changed it: neither saw the other, and \
             one of the updates was based on what was no longer there",
            story.who(sources[0]),
            story.who(sources[1]),
        );
        let proof = vec![format!(
            "{} and {} read {name} as {found}, and both {} to it. Whichever wrote second overwrote \
             a version that it had not seen.",
            story.quoted(sources[0]),
            story.quoted(sources[1]),
            story.wrote(),
        )];
        let told = self.told(read, sources[1], sentence, proof);
        (story, told)
    }

    fn dirty_update(&self, failed: u32, later: u32) -> (Story<'a>, Told) {
        let key = self.all.key_of(failed);
        let (fails, writer) = (self.writer(failed), self.writer(later));
        let longest = self.longest_read(key).unwrap_or_default();
        let (mut story, reader) = self.of_read(longest, fails.into_iter().chain(writer));
        story.matters(key, failed);
        story.matters(key, later);
        let (fails, writer) = (fails.unwrap_or(reader), writer.unwrap_or(reader));
        let (name, value) = (story.key(key), story.value(failed));
        let sentence = format!(
            "{} appended {} to {name} after {value}, which {} had failed to append",
            story.who(writer),
            story.value(later),
            story.who(fails),
        );
        let proof = vec![
            format!("{} certainly did nothing: it failed.", story.quoted(fails)),
            format!(
                "{} read {name} as {}: {}, which {} appended, stands after {value}.",
                story.quoted(reader),
                story.found(longest),
                story.value(later),
                story.quoted(writer),
            ),
        ];
        let told = self.told(longest, writer, sentence, proof);
        (story, told)
    }
}
