//! One JSON array of events, read event by event.

use std::{
    cell::Cell,
    fmt,
    io::{BufRead, Read, Result},
};

use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeSeed, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use serde_json::Value;

use crate::history::build::{Builder, described};

/// Reads the array; it ends at the first place that is no JSON.
pub(super) fn read(reader: impl BufRead, builder: &mut Builder) {
    let line = Cell::new(1);
    let counting = Counting { reader, line: &line };
    let mut deserializer = serde_json::Deserializer::from_reader(counting);
    let read = Events { builder: &mut *builder, line: &line }.deserialize(&mut deserializer);
    if let Err(error) = read.and_then(|()| deserializer.end()) {
        let at = error.line().max(1) as u64;
        builder.fault(at, described(&error));
    }
}

/// Counts lines as they are read, byte by byte: the parser looks one byte ahead at most.
struct Counting<'a, R> {
    reader: R,
    line: &'a Cell<u64>,
}

impl<R: BufRead> Read for Counting<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let Some(first) = into.first_mut() else { return Ok(0) };
        let Some(&byte) = self.reader.fill_buf()?.first() else { return Ok(0) };
        self.reader.consume(1);
        if byte == b'\n' {
            self.line.set(self.line.get() + 1);
        }
        *first = byte;
        Ok(1)
    }
}

struct Events<'a> {
    builder: &'a mut Builder,
    line: &'a Cell<u64>,
}

impl<'de> DeserializeSeed<'de> for Events<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Events<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut events: A) -> std::result::Result<(), A::Error> {
        while let Some((line, event)) = events.next_element_seed(Placed(self.line))? {
            self.builder.imported(line, event);
        }
        Ok(())
    }
}

/// A value with the line on which it begins.
struct Placed<'a>(&'a Cell<u64>);

impl<'de> DeserializeSeed<'de> for Placed<'_> {
    type Value = (u64, Value);

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Placed<'_> {
    type Value = (u64, Value);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event, a JSON object")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(
        self,
        map: A,
    ) -> std::result::Result<Self::Value, A::Error> {
        let line = self.0.get();
        Ok((line, Value::deserialize(MapAccessDeserializer::new(map))?))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> std::result::Result<Self::Value, A::Error> {
        let line = self.0.get();
        Ok((line, Value::deserialize(SeqAccessDeserializer::new(list))?))
    }
}
