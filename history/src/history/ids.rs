//! Small numbers that stand for what events quote.

use std::num::NonZeroU32;

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(NonZeroU32);

        impl $name {
            /// Numbers from 0, in order of first appearance.
            pub fn index(self) -> usize {
                self.0.get() as usize - 1
            }

            pub(super) fn new(index: u32) -> Self {
                Self(NonZeroU32::MIN.saturating_add(index))
            }
        }
    };
}

name_id!(
    /// A function of the model.
    FunctionId
);
name_id!(
    /// An object.
    KeyId
);
name_id!(
    /// A node.
    NodeId
);
name_id!(
    /// An error's words.
    TextId
);

/// A value. Small integers stand in the id itself, everything else in a table. Two ids of values that
/// are no arrays are equal exactly when their JSON is; one array may have several ids
/// ([`History::same`](crate::History::same) compares them).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(u32);

/// Ids with this bit hold an integer in their other bits.
const INLINE: u32 = 1 << 31;

impl ValueId {
    /// JSON's null.
    pub const NULL: Self = Self(0);
    /// JSON's false.
    pub const FALSE: Self = Self(1);
    /// JSON's true.
    pub const TRUE: Self = Self(2);

    pub(super) fn small_integer(value: u64) -> Option<Self> {
        (value < u64::from(INLINE)).then_some(Self(value as u32 | INLINE))
    }

    pub(super) fn in_table(place: u32) -> Self {
        assert!(place < INLINE, "too many different values in one history");
        Self(place)
    }

    pub(super) fn as_small_integer(self) -> Option<i64> {
        (self.0 & INLINE != 0).then_some(i64::from(self.0 & !INLINE))
    }

    pub(super) fn place(self) -> usize {
        self.0 as usize
    }

    /// What stands for the same where the table's places are these.
    pub(super) fn at_home(self, places: &[Self]) -> Self {
        if self.as_small_integer().is_some() { self } else { places[self.place()] }
    }

    pub(super) fn bits(self) -> u32 {
        self.0
    }
}
