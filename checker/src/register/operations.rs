//! What operations say of one register, and nothing else: the form that the algorithms work on.

pub(crate) use crate::objects::{NEVER, Timed};

/// A value of one key: 0 is the initial one, the others count from 1.
pub(crate) type ValueNumber = u32;

/// The initial value.
pub(crate) const INITIAL: ValueNumber = 0;

/// What an operation does to the register, or learns of it, at one moment of its interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// The value is this.
    Read(ValueNumber),
    /// The value is anything but this: a refused cas.
    Differs(ValueNumber),
    /// The value becomes this.
    Write(ValueNumber),
    /// The value is `old` and becomes `new`; they differ.
    Cas {
        /// What it has to be.
        old: ValueNumber,
        /// What it becomes.
        new: ValueNumber,
    },
}

impl Effect {
    /// The value that this operation leaves behind, if it changes it.
    pub(crate) fn written(self) -> Option<ValueNumber> {
        match self {
            Self::Write(value) | Self::Cas { new: value, .. } => Some(value),
            Self::Read(_) | Self::Differs(_) => None,
        }
    }

    /// The value that the register must hold for it.
    pub(crate) fn demanded(self) -> Option<ValueNumber> {
        match self {
            Self::Read(value) | Self::Cas { old: value, .. } => Some(value),
            Self::Write(_) | Self::Differs(_) => None,
        }
    }

    /// The value that this operation asks about, whichever answer it wants.
    pub(crate) fn tested(self) -> Option<ValueNumber> {
        match self {
            Self::Differs(value) => Some(value),
            _ => self.demanded(),
        }
    }
}

/// One operation on one register.
pub(crate) type RegisterOp = Timed<Effect>;
