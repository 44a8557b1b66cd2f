//! Values that have the right shape: what the reading of shapes hands on.

use std::{collections::BTreeMap, time::Duration};

use temblor_faults::{DurationChoice, Grudge, Target, Trigger};

use super::{source::Span, value::Value};

/// A value of the right shape and its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Formed {
    /// Where it stands.
    pub(crate) span: Span,
    /// What it is.
    pub(crate) form: Form,
}

/// What a value is, read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Form {
    /// A text or a word.
    Text(String),
    /// True or false.
    Flag(bool),
    /// A whole number.
    Count(u64),
    /// A duration.
    Duration(Duration),
    /// A duration that the seed may draw.
    Durations(DurationChoice),
    /// A number of the smallest unit that may be less than zero: nanoseconds, parts per billion.
    Signed(i64),
    /// From 0 to 1.
    Share(f64),
    /// Whatever was written, for somebody else to read.
    Raw(Value),
    /// Any number from 0 on.
    Number(f64),
    /// Operations a second; none: closed loop.
    Rate(Option<f64>),
    /// Whom a fault acts on.
    Target(Target),
    /// What to wait for.
    Trigger(Trigger),
    /// Who can't hear whom.
    Grudge(Grudge),
    /// Several values.
    List {
        /// Those that could be read.
        items: Vec<Formed>,
        /// Whether there were others.
        unread: bool,
    },
    /// Named values.
    Fields(Fields),
    /// A name out of a catalogue and its own fields.
    Variant {
        /// The name.
        name: String,
        /// Where the name stands.
        name_span: Span,
        /// Its fields; empty where the name stood alone.
        fields: Fields,
    },
}

/// Named values, defaults included.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Fields {
    /// By name.
    pub(crate) entries: BTreeMap<String, Field>,
    /// Names that were given but could not be read: they are not missing, only unknown.
    pub(crate) unread: Vec<String>,
}

/// One named value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    /// Where its name stands; none for a default.
    pub(crate) key: Option<Span>,
    /// The value.
    pub(crate) value: Formed,
}

impl Fields {
    /// The value, given or default.
    pub(crate) fn value(&self, name: &str) -> Option<&Formed> {
        self.entries.get(name).map(|field| &field.value)
    }

    /// The value if the file gives it.
    pub(crate) fn given(&self, name: &str) -> Option<&Formed> {
        let field = self.entries.get(name)?;
        field.key.is_some().then_some(&field.value)
    }

    /// Where the name stands in the file.
    pub(crate) fn key(&self, name: &str) -> Option<&Span> {
        self.entries.get(name)?.key.as_ref()
    }

    /// Whether everything that was given could be read, down to the last detail.
    pub(crate) fn whole(&self) -> bool {
        self.unread.is_empty() && self.entries.values().all(|field| field.value.whole())
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match &self.value(name)?.form {
            Form::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.value(name), Some(Formed { form: Form::Flag(true), .. }))
    }

    pub(crate) fn count(&self, name: &str) -> Option<u64> {
        match self.value(name)?.form {
            Form::Count(count) => Some(count),
            _ => None,
        }
    }

    pub(crate) fn duration(&self, name: &str) -> Option<Duration> {
        match self.value(name)?.form {
            Form::Duration(duration) => Some(duration),
            _ => None,
        }
    }

    pub(crate) fn durations(&self, name: &str) -> Option<&DurationChoice> {
        match &self.value(name)?.form {
            Form::Durations(durations) => Some(durations),
            _ => None,
        }
    }

    pub(crate) fn signed(&self, name: &str) -> Option<i64> {
        match self.value(name)?.form {
            Form::Signed(number) => Some(number),
            _ => None,
        }
    }

    pub(crate) fn share(&self, name: &str) -> Option<f64> {
        match self.value(name)?.form {
            Form::Share(share) => Some(share),
            _ => None,
        }
    }

    pub(crate) fn raw(&self, name: &str) -> Option<&Value> {
        match &self.value(name)?.form {
            Form::Raw(value) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn target(&self, name: &str) -> Option<&Target> {
        match &self.value(name)?.form {
            Form::Target(target) => Some(target),
            _ => None,
        }
    }

    pub(crate) fn trigger(&self, name: &str) -> Option<&Trigger> {
        match &self.value(name)?.form {
            Form::Trigger(trigger) => Some(trigger),
            _ => None,
        }
    }

    pub(crate) fn list(&self, name: &str) -> &[Formed] {
        match self.value(name) {
            Some(Formed { form: Form::List { items, .. }, .. }) => items,
            _ => &[],
        }
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        self.list(name).iter().filter_map(Formed::text).map(str::to_owned).collect()
    }

    pub(crate) fn fields(&self, name: &str) -> Option<&Fields> {
        match &self.value(name)?.form {
            Form::Fields(fields) => Some(fields),
            _ => None,
        }
    }
}

impl Formed {
    fn whole(&self) -> bool {
        match &self.form {
            Form::Fields(fields) | Form::Variant { fields, .. } => fields.whole(),
            Form::List { items, unread } => !unread && items.iter().all(Self::whole),
            _ => true,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.form {
            Form::Text(text) => Some(text),
            _ => None,
        }
    }
}
