//! The few calls of ptrace that moving a clock takes, one thread of a process each.
//!
//! It decides nothing: whom to stop, and when to let go, is said elsewhere. A tracer that ends,
//! however it ends, leaves its threads running: the kernel detaches them. (PTRACE_O_EXITKILL,
//! which would kill them, is never asked for.)

#![expect(unsafe_code, reason = "nix has neither a tracee's signal mask nor real-time signals")]

use std::{ffi::c_void, io, ptr};

use libc::{c_uint, user_regs_struct};

/// What a traced thread does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// It has not stopped yet.
    Runs,
    /// It stands still: before the delivery of a signal, or (`signal` 0) because it was told to.
    Stopped { signal: i32 },
    /// It has ended.
    Gone,
}

/// Every signal but SIGTRAP: the kernel resets the handler of a blocked SIGTRAP when a step or a
/// breakpoint raises it, and a server may have one.
pub(super) const ALL_BUT_TRAP: u64 = !(1 << (libc::SIGTRAP - 1));

/// Begins to trace a thread without stopping it.
pub(super) fn seize(thread: i32) -> io::Result<()> {
    call(libc::PTRACE_SEIZE, thread, ptr::null_mut(), ptr::null_mut())
}

/// Stops it soon.
pub(super) fn interrupt(thread: i32) -> io::Result<()> {
    call(libc::PTRACE_INTERRUPT, thread, ptr::null_mut(), ptr::null_mut())
}

/// Lets it execute one instruction.
pub(super) fn step(thread: i32) -> io::Result<()> {
    call(libc::PTRACE_SINGLESTEP, thread, ptr::null_mut(), ptr::null_mut())
}

/// Lets it go on until something stops it.
pub(super) fn resume(thread: i32) -> io::Result<()> {
    call(libc::PTRACE_CONT, thread, ptr::null_mut(), ptr::null_mut())
}

/// Lets it go for good, with the signal that it was stopped for (0: none). A process that a signal
/// had stopped stays stopped.
pub(super) fn detach(thread: i32, signal: i32) -> io::Result<()> {
    call(libc::PTRACE_DETACH, thread, ptr::null_mut(), signal as usize as *mut c_void)
}

/// The registers of a stopped thread.
pub(super) fn registers(thread: i32) -> io::Result<user_regs_struct> {
    // SAFETY: plain numbers, for which all zeros is a value.
    let mut registers: user_regs_struct = unsafe { std::mem::zeroed() };
    let into = (&raw mut registers).cast();
    call(libc::PTRACE_GETREGS, thread, ptr::null_mut(), into)?;
    Ok(registers)
}

/// Sets them.
pub(super) fn set_registers(thread: i32, registers: &user_regs_struct) -> io::Result<()> {
    let from = (&raw const *registers).cast_mut().cast();
    call(libc::PTRACE_SETREGS, thread, ptr::null_mut(), from)
}

/// The signals that a stopped thread blocks.
pub(super) fn signal_mask(thread: i32) -> io::Result<u64> {
    let mut mask = 0u64;
    let into = (&raw mut mask).cast();
    call(libc::PTRACE_GETSIGMASK, thread, size_of::<u64>() as *mut c_void, into)?;
    Ok(mask)
}

/// Sets them.
pub(super) fn set_signal_mask(thread: i32, mask: u64) -> io::Result<()> {
    let from = (&raw const mask).cast_mut().cast();
    call(libc::PTRACE_SETSIGMASK, thread, size_of::<u64>() as *mut c_void, from)
}

/// What a traced thread does now.
pub(super) fn look(thread: i32) -> Status {
    status(thread, libc::WNOHANG)
}

/// Waits until it has stopped or ended.
pub(super) fn wait(thread: i32) -> Status {
    loop {
        match status(thread, 0) {
            Status::Runs => {}
            done => return done,
        }
    }
}

fn status(thread: i32, options: i32) -> Status {
    let mut status = 0;
    // SAFETY: `status` outlives the call.
    let waited = unsafe { libc::waitpid(thread, &raw mut status, options | libc::__WALL) };
    match waited {
        0 => Status::Runs,
        -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => Status::Runs,
        -1 => Status::Gone,
        _ if !libc::WIFSTOPPED(status) => Status::Gone,
        // An event of ptrace's own, a stop on demand or by a stop signal, stands above the signal.
        _ if status >> 16 != 0 => Status::Stopped { signal: 0 },
        _ => Status::Stopped { signal: libc::WSTOPSIG(status) },
    }
}

fn call(request: c_uint, thread: i32, address: *mut c_void, data: *mut c_void) -> io::Result<()> {
    // SAFETY: the callers above pass what their request wants, and memory that outlives the call.
    let called = unsafe { libc::ptrace(request, thread, address, data) };
    if called < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
