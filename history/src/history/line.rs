//! One line, parsed in one pass: what it quotes is interned on the way, nothing is copied.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
        value::MapAccessDeserializer,
    },
};
use serde_json::Value;

use super::{
    ids::{FunctionId, KeyId, NodeId, TextId, ValueId},
    names::Names,
    values::Values,
};
use crate::{Event, EventType};

/// Who an event is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// A logical client.
    Client(u64),
    /// Somebody else, such as Jepsen's nemesis: no event of a client.
    Other,
}

/// What a line says; what it leaves out is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) process: Option<Who>,
    pub(super) kind: Option<EventType>,
    pub(super) f: Option<FunctionId>,
    pub(super) key: Option<KeyId>,
    pub(super) value: ValueId,
    pub(super) refused: bool,
    pub(super) final_read: bool,
    pub(super) error: Option<TextId>,
    pub(super) node: Option<NodeId>,
    pub(super) time: Option<i64>,
    pub(super) intended: Option<i64>,
}

impl Line {
    fn empty() -> Self {
        Self {
            process: None,
            kind: None,
            f: None,
            key: None,
            value: ValueId::NULL,
            refused: false,
            final_read: false,
            error: None,
            node: None,
            time: None,
            intended: None,
        }
    }

    /// An event of whom, with nothing else said yet.
    pub(super) fn of(process: Option<Who>) -> Self {
        Self { process, ..Self::empty() }
    }

    pub(super) fn of_event(event: &Event, names: &mut Names, values: &mut Values) -> Self {
        Self {
            process: Some(Who::Client(event.process)),
            kind: Some(event.kind),
            f: Some(names.intern_function(&event.f)),
            key: event.key.as_ref().map(|key| names.intern_key(key)),
            value: values.intern(&event.value),
            refused: event.refused,
            final_read: event.final_read,
            error: event.error.as_deref().map(|text| names.intern_error(text)),
            node: event.node.as_deref().map(|name| names.intern_node(name)),
            time: event.time,
            intended: event.intended,
        }
    }
}

/// Parses a line that is no header.
pub(super) fn parse(
    bytes: &[u8],
    names: &mut Names,
    values: &mut Values,
) -> Result<Line, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let line = LineSeed { names, values }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(line)
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Field {
    Process,
    Type,
    F,
    Value,
    Refused,
    Error,
    Key,
    Time,
    Final,
    Node,
    Intended,
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct LineSeed<'a> {
    names: &'a mut Names,
    values: &'a mut Values,
}

impl<'de> DeserializeSeed<'de> for LineSeed<'_> {
    type Value = Line;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Line, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for LineSeed<'_> {
    type Value = Line;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event, a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Line, A::Error> {
        let mut line = Line::empty();
        while let Some(field) = map.next_key()? {
            self.field(&mut line, &field, &mut map)?;
        }
        Ok(line)
    }
}

impl LineSeed<'_> {
    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        line: &mut Line,
        field: &Field,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match field {
            Field::Process => line.process = Some(map.next_value()?),
            Field::Type => line.kind = Some(map.next_value()?),
            Field::F => line.f = Some(self.names.intern_function(&map.next_value::<Text>()?.0)),
            Field::Value => {
                let seed = ValueSeed { values: self.values, behind: ValueId::NULL };
                line.value = map.next_value_seed(seed)?;
            }
            Field::Refused => line.refused = map.next_value::<Option<bool>>()?.unwrap_or(false),
            Field::Final => line.final_read = map.next_value::<Option<bool>>()?.unwrap_or(false),
            Field::Key => line.key = map.next_value_seed(KeySeed(self.names))?,
            Field::Time => line.time = map.next_value()?,
            Field::Intended => line.intended = map.next_value()?,
            Field::Error => {
                let text: Option<Text> = map.next_value()?;
                line.error = text.map(|text| self.names.intern_error(&text.0));
            }
            Field::Node => {
                let name: Option<Text> = map.next_value()?;
                line.node = name.map(|name| self.names.intern_node(&name.0));
            }
            Field::Unknown => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Who {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WhoVisitor)
    }
}

struct WhoVisitor;

impl Visitor<'_> for WhoVisitor {
    type Value = Who;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`process`, an integer from 0 on")
    }

    fn visit_u64<E: Error>(self, process: u64) -> Result<Who, E> {
        Ok(Who::Client(process))
    }

    fn visit_str<E: Error>(self, _name: &str) -> Result<Who, E> {
        Ok(Who::Other)
    }
}

struct KeySeed<'a>(&'a mut Names);

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Option<KeyId>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = Option<KeyId>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`key`, a string or a whole number")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(self.0.intern_key(&crate::Key::Number(number))))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        let number = i64::try_from(number).map_err(|_| E::custom("`key` is too large a number"))?;
        self.visit_i64(number)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(self.0.intern_text_key(text)))
    }
}

/// Interns a value while it is parsed.
struct ValueSeed<'a> {
    values: &'a mut Values,
    /// The value before it in an array.
    behind: ValueId,
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = ValueId;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<ValueId, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = ValueId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<ValueId, E> {
        Ok(ValueId::NULL)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<ValueId, E> {
        Ok(Values::bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<ValueId, E> {
        Ok(self.values.integer(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<ValueId, E> {
        Ok(self.values.intern(&Value::from(value)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<ValueId, E> {
        Ok(self.values.intern(&Value::from(value)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ValueId, E> {
        Ok(self.values.text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<ValueId, A::Error> {
        let mut elements = Vec::new();
        let mut behind = ValueId::NULL;
        while let Some(element) =
            sequence.next_element_seed(ValueSeed { values: self.values, behind })?
        {
            elements.push(element);
            behind = element;
        }
        Ok(self.values.array(self.behind, &elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ValueId, A::Error> {
        let value = Value::deserialize(MapAccessDeserializer::new(map))?;
        Ok(self.values.intern(&value))
    }
}
