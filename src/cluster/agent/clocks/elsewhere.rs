//! Machines on which no clock can be moved yet: they say so. What x86-64 has in `x86_64` (the
//! replacing code, the jump, a thread's detour) is what another one needs to have.

use temblor_faults::ClockSeen;

use super::{Order, Refusal};

/// What a process's clock functions are: here always the kernel's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Own,
    #[expect(dead_code, reason = "no process gets there on this machine")]
    Moved,
}

pub(super) fn state(_: i32) -> Result<State, Refusal> {
    Ok(State::Own)
}

pub(super) fn operate(_: i32, _: &str, _: Order) -> Result<Option<ClockSeen>, Refusal> {
    let machine = std::env::consts::ARCH;
    Err(Refusal::Never(format!(
        "on {machine} a process's clock can't be moved yet, only on x86_64"
    )))
}
