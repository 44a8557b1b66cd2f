//! What moving a clock needs to know of x86-64: the code that takes the place of the vDSO's clock
//! functions, its parameters, the jump to it, and how to have a stopped thread call something.
//!
//! The code stands in a page of its own in the other process, followed by a page of parameters
//! (shared with the children that it forks) and a page that serves as a stack. It asks the kernel
//! for the time and adds what the parameters say, to CLOCK_REALTIME and its relatives only. The
//! first word of the parameters says which slot holds: a slot is written whole, then chosen by one
//! write of eight bytes, so that no reader sees half of a change.

#![expect(unsafe_code, reason = "the machine code is assembled into this program, and copied out")]

use std::{arch::global_asm, io};

use temblor_faults::Skew;

use super::{
    Skewing,
    trace::{self, Status},
};

/// Code, parameters, stack.
pub(super) const PAGE: u64 = 4096;
pub(super) const PAGES: u64 = 3;
/// Where in the first page the bytes that jumps have replaced are kept.
pub(super) const SAVED: u64 = 2048;
/// Bytes of a jump.
pub(super) const JUMP: usize = 12;
/// What the first page begins with.
pub(super) const MAGIC: [u8; 8] = *b"temblor\0";
/// The instruction that makes a system call.
pub(super) const SYSTEM_CALL: [u8; 2] = [0x0f, 0x05];
/// Bytes of a slot of parameters.
const SLOT: u64 = 64;
const SLOTS: u64 = PAGE / SLOT;
/// A stopped thread's own call takes some hundred instructions.
const STEPS: u32 = 100_000;

global_asm!(
    r#"
.pushsection .rodata.temblor_clock,"a",@progbits
.globl temblor_clock_begin
.hidden temblor_clock_begin
.globl temblor_clock_gettime
.hidden temblor_clock_gettime
.globl temblor_clock_gettimeofday
.hidden temblor_clock_gettimeofday
.globl temblor_clock_time
.hidden temblor_clock_time
.globl temblor_clock_trap
.hidden temblor_clock_trap
.globl temblor_clock_end
.hidden temblor_clock_end
.balign 16
temblor_clock_begin:
    .ascii "temblor\0"

    .balign 16
temblor_clock_gettime:          # (edi: clock, rsi: timespec)
    endbr64
    mov eax, 228
    syscall
    test eax, eax
    jnz 9f
    cmp edi, 0                  # CLOCK_REALTIME
    je 3f
    cmp edi, 5                  # CLOCK_REALTIME_COARSE
    je 3f
    cmp edi, 8                  # CLOCK_REALTIME_ALARM
    je 3f
    cmp edi, 11                 # CLOCK_TAI
    jne 9f
3:  imul r9, qword ptr [rsi], 1000000000
    add r9, qword ptr [rsi + 8]
    call 5f
    mov rax, r9
    xor edx, edx
    mov r8d, 1000000000
    div r8
    mov qword ptr [rsi], rax
    mov qword ptr [rsi + 8], rdx
    xor eax, eax
9:  ret

    # r9: nanoseconds of the clock edi, which are made wrong. Keeps rdi and rsi.
    .balign 16
5:  lea r8, [rip + temblor_clock_begin + 4096]
    add r8, qword ptr [r8]
    cmp dword ptr [r8], 3
    je 7f
    add r9, qword ptr [r8 + 8]
    cmp dword ptr [r8], 0
    je 8f
    push rdi
    push rsi
    sub rsp, 16
    mov edi, 1                  # CLOCK_MONOTONIC
    mov rsi, rsp
    mov eax, 228
    syscall
    imul r10, qword ptr [rsp], 1000000000
    add r10, qword ptr [rsp + 8]
    add rsp, 16
    pop rsi
    pop rdi
    sub r10, qword ptr [r8 + 24]
    mov rax, r10
    cmp dword ptr [r8], 2
    je 6f
    imul qword ptr [r8 + 16]    # drift: elapsed × rate / 2^32
    shrd rax, rdx, 32
    add r9, rax
    ret
6:  xor edx, edx                # strobe: every other turn is right
    div qword ptr [r8 + 32]
    test al, 1
    jz 8f
    sub r9, qword ptr [r8 + 8]
    ret
7:  mov r9, qword ptr [r8 + 40] # freeze
    cmp edi, 11
    jne 8f
    add r9, qword ptr [r8 + 48]
8:  ret

    .balign 16
temblor_clock_gettimeofday:     # (rdi: timeval, rsi: timezone)
    endbr64
    push rdi
    push rsi
    sub rsp, 16
    xor edi, edi
    mov rsi, rsp
    mov eax, 228
    syscall
    imul r9, qword ptr [rsp], 1000000000
    add r9, qword ptr [rsp + 8]
    call 5b
    add rsp, 16
    pop rsi
    pop rdi
    test rdi, rdi
    jz 3f
    mov rax, r9
    xor edx, edx
    mov r8d, 1000000000
    div r8
    mov qword ptr [rdi], rax
    mov rax, rdx
    xor edx, edx
    mov r8d, 1000
    div r8
    mov qword ptr [rdi + 8], rax
3:  xor eax, eax
    test rsi, rsi
    jz 9f
    xor edi, edi
    mov eax, 96
    syscall
9:  ret

    .balign 16
temblor_clock_time:             # (rdi: time_t)
    endbr64
    push rdi
    sub rsp, 16
    mov edi, 5
    mov rsi, rsp
    mov eax, 228
    syscall
    imul r9, qword ptr [rsp], 1000000000
    add r9, qword ptr [rsp + 8]
    call 5b
    add rsp, 16
    pop rdi
    mov rax, r9
    xor edx, edx
    mov r8d, 1000000000
    div r8
    test rdi, rdi
    jz 9f
    mov qword ptr [rdi], rax
9:  ret

    .balign 16
temblor_clock_trap:             # where a stopped thread's call returns to
    int3
temblor_clock_end:
.popsection
"#
);

unsafe extern "C" {
    static temblor_clock_begin: u8;
    static temblor_clock_gettime: u8;
    static temblor_clock_gettimeofday: u8;
    static temblor_clock_time: u8;
    static temblor_clock_trap: u8;
    static temblor_clock_end: u8;
}

/// The functions of the vDSO that tell the wall clock, and where in the page each one's
/// replacement begins.
pub(super) fn functions() -> [(&'static str, u64); 3] {
    let begin = (&raw const temblor_clock_begin).addr();
    let place = |function: *const u8| (function.addr() - begin) as u64;
    [
        ("__vdso_clock_gettime", place(&raw const temblor_clock_gettime)),
        ("__vdso_gettimeofday", place(&raw const temblor_clock_gettimeofday)),
        ("__vdso_time", place(&raw const temblor_clock_time)),
    ]
}

/// The first page's content, but for the saved bytes.
pub(super) fn code() -> &'static [u8] {
    let begin = &raw const temblor_clock_begin;
    let length = (&raw const temblor_clock_end).addr() - begin.addr();
    // SAFETY: the assembler put exactly these bytes between its two labels, and nobody writes them.
    unsafe { std::slice::from_raw_parts(begin, length) }
}

/// `movabs rax, to; jmp rax`: the bytes that take the place of a function's first ones. It may use
/// rax, which every function call may change.
pub(super) fn jump(to: u64) -> [u8; JUMP] {
    let mut bytes = [0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0];
    bytes[2..10].copy_from_slice(&to.to_le_bytes());
    bytes
}

/// Where a jump goes; none: it is no jump of ours.
pub(super) fn jumps_to(bytes: &[u8]) -> Option<u64> {
    let to = u64::from_le_bytes(bytes.get(2..10)?.try_into().ok()?);
    (jump(to) == bytes.get(..JUMP)?).then_some(to)
}

/// A slot of parameters.
pub(super) fn slot(skewing: &Skewing) -> [u8; SLOT as usize] {
    let (kind, base, rate, period) = match skewing.skew {
        Skew::Jump { by_ns } => (0, by_ns, 0, 1),
        Skew::Drift { ppb } => (1, 0, (i128::from(ppb) << 32) / 1_000_000_000, 1),
        Skew::Strobe { by_ns, every_ns } => (2, by_ns, 0, every_ns),
        Skew::Freeze => (3, 0, 0, 1),
    };
    let words = [
        kind,
        base,
        rate as i64,
        skewing.monotonic_ns,
        period.max(1),
        skewing.wall_ns,
        skewing.tai_less_wall_ns,
        0,
    ];
    let mut bytes = [0; SLOT as usize];
    for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// Where the slot after this one begins, from the beginning of the page; the first place is that
/// of the word that chooses.
pub(super) fn slot_after(chosen: u64) -> u64 {
    match chosen / SLOT + 1 {
        next if next < SLOTS => next * SLOT,
        _ => SLOT,
    }
}

/// Whether a word that stands in a thread's memory, with the two after it, is where a signal
/// handler will return to: the frame of an interrupted thread has its instruction pointer, its
/// flags, and the segments of user code, which nothing else looks like.
pub(super) fn returns_to(words: &[u64]) -> Option<u64> {
    const SEGMENTS: u64 = 0x002b_0000_0000_0033;
    (words.get(2) == Some(&SEGMENTS)).then(|| words[0])
}

/// Where a stopped thread is, and how deep its stack.
pub(super) fn place_of(thread: i32) -> io::Result<(u64, u64)> {
    let registers = trace::registers(thread)?;
    Ok((registers.rip, registers.rsp))
}

/// Whether the thread was stopped within a system call: then it is in no restartable sequence,
/// which a detour would break.
pub(super) fn is_in_system_call(thread: i32) -> bool {
    trace::registers(thread).is_ok_and(|registers| registers.orig_rax as i64 >= 0)
}

/// Has a stopped thread make a system call, by an instruction that stands at `instruction`.
pub(super) fn system_call(
    thread: i32,
    instruction: u64,
    number: i64,
    arguments: [u64; 6],
) -> io::Result<i64> {
    detour(thread, |registers| {
        registers.rip = instruction;
        registers.rax = number as u64;
        [registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8, registers.r9] =
            arguments;
        trace::set_registers(thread, registers)?;
        loop {
            trace::step(thread)?;
            if stopped(thread)? != libc::SIGTRAP {
                continue;
            }
            let now = trace::registers(thread)?;
            if now.rip != instruction + SYSTEM_CALL.len() as u64 {
                return Err(io::Error::other("a system call went astray"));
            }
            return Ok(now.rax as i64);
        }
    })
}

/// Has a stopped thread call a function with two arguments, on the stack page at `base`, and
/// returns what it returned.
pub(super) fn call(
    thread: i32,
    base: u64,
    memory: &super::memory::Memory,
    function: u64,
    arguments: [u64; 2],
) -> io::Result<i64> {
    let begin = (&raw const temblor_clock_begin).addr() as u64;
    let trap = base + (&raw const temblor_clock_trap).addr() as u64 - begin;
    let stack = base + PAGES * PAGE - 64 - 8;
    memory.write(stack, &trap.to_le_bytes())?;
    detour(thread, |registers| {
        registers.rip = function;
        (registers.rdi, registers.rsi) = (arguments[0], arguments[1]);
        registers.rsp = stack;
        trace::set_registers(thread, registers)?;
        for _ in 0..STEPS {
            trace::resume(thread)?;
            stopped(thread)?;
            let now = trace::registers(thread)?;
            if now.rip == trap + 1 {
                return Ok(now.rax as i64);
            }
        }
        Err(io::Error::other("a clock function did not return"))
    })
}

/// Lets a thread do something else, undisturbed by signals, and puts it back where it was.
fn detour(
    thread: i32,
    act: impl FnOnce(&mut libc::user_regs_struct) -> io::Result<i64>,
) -> io::Result<i64> {
    let registers = trace::registers(thread)?;
    let mask = trace::signal_mask(thread)?;
    trace::set_signal_mask(thread, trace::ALL_BUT_TRAP)?;
    let mut changed = registers;
    // So that the kernel does not take the detour for an interrupted system call to begin again.
    changed.orig_rax = u64::MAX;
    let done = act(&mut changed);
    trace::set_registers(thread, &registers)?;
    trace::set_signal_mask(thread, mask)?;
    done
}

fn stopped(thread: i32) -> io::Result<i32> {
    match trace::wait(thread) {
        Status::Stopped { signal } => Ok(signal),
        _ => Err(io::Error::other("the thread ended")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jumps_read_back() {
        assert_eq!(jumps_to(&jump(0x1234_5678_9abc)), Some(0x1234_5678_9abc));
        assert_eq!(jumps_to(&[0; JUMP]), None);
    }

    #[test]
    fn the_code_fits_and_slots_go_round() {
        assert!(code().len() < SAVED as usize && code().starts_with(&MAGIC));
        let round: Vec<u64> =
            std::iter::successors(Some(0), |at| Some(slot_after(*at))).take(130).collect();
        assert_eq!((round[1], round[63], round[64], round[127]), (64, 63 * 64, 64, 64));
        assert!(round[1..].iter().all(|at| *at >= SLOT && *at < PAGE));
    }
}
