//! Every level against its definition, by brute force on small histories; the papers' figures; and
//! what follows from what.

mod eventual;
mod larger;
mod notation;
mod oracle;
mod outcomes;
mod random;
mod single;
mod single_oracle;
mod transactional;
mod witnesses;
