//! What one process sees of its clock, changed and put right, and what is left of the change.

use std::process::{Child, Command};

use temblor_faults::Skew;

use super::*;

const SECOND: i64 = 1_000_000_000;

/// A process that does nothing, ended with the test.
struct Sleeper(Child);

impl Sleeper {
    fn new() -> Self {
        let sleeper = Self(Command::new("sleep").arg("1000").spawn().unwrap());
        // Until it has become that program, its clock functions are its parent's.
        while !sleeper.stat().contains("(sleep) S ") {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        sleeper
    }

    fn pid(&self) -> i32 {
        self.0.id() as i32
    }

    fn stat(&self) -> String {
        std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap()
    }

    fn maps(&self) -> String {
        std::fs::read_to_string(format!("/proc/{}/maps", self.pid())).unwrap()
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn skews() -> [Skew; 6] {
    [
        Skew::Jump { by_ns: 3600 * SECOND },
        Skew::Jump { by_ns: -30 * SECOND - 7 },
        Skew::Drift { ppb: 500_000_000 },
        Skew::Drift { ppb: -100_000 },
        Skew::Strobe { by_ns: SECOND, every_ns: 3_000_000 },
        Skew::Freeze,
    ]
}

#[test]
fn a_process_sees_each_skew_and_then_its_own_clock_again() {
    let sleeper = Sleeper::new();
    let (pid, maps) = (sleeper.pid(), sleeper.maps());
    for skew in skews() {
        let skewing = Skewing::begin(skew);
        let seen = operate(pid, "sleep", Order::Move(skewing, None)).unwrap().unwrap();
        assert!(seen.before.is_right() && skew.allows(&seen.after), "{skew}: {seen:?}");
        assert!(matches!(state(pid), Ok(State::Moved { .. })));
        assert_eq!(operate(pid, "sleep", Order::Move(skewing, None)), Ok(None), "it was done");
        std::thread::sleep(std::time::Duration::from_millis(20));
        let healed = operate(pid, "sleep", Order::Restore(Some(skewing))).unwrap().unwrap();
        assert!(skew.allows(&healed.before) && healed.after.is_right(), "{skew}: {healed:?}");
        for reading in [seen.before, seen.after, healed.before, healed.after] {
            assert!(reading.others_agree && reading.monotonic_agrees, "{skew}: {reading:?}");
        }
        assert_eq!(state(pid), Ok(State::Own), "{skew}");
        assert_eq!(sleeper.maps(), maps, "{skew}");
    }
}

#[test]
fn one_skew_follows_another_without_a_heal() {
    let sleeper = Sleeper::new();
    let mut was: Option<Skewing> = None;
    for (place, skew) in skews().into_iter().cycle().take(150).enumerate() {
        let skewing = Skewing::begin(skew);
        let order = Order::Move(skewing, was);
        let seen = operate(sleeper.pid(), "sleep", order).unwrap().unwrap();
        let before = was.is_none_or(|was| was.skew.allows(&seen.before));
        assert!(before && seen.before.others_agree, "{place}, {skew}: {seen:?}");
        was = Some(skewing);
        assert!(skew.allows(&seen.after), "{place}, {skew}: {seen:?}");
        assert!(seen.after.others_agree, "{place}, {skew}: {seen:?}");
    }
}

#[test]
fn a_stopped_process_stays_stopped() {
    let sleeper = Sleeper::new();
    let pid = nix::unistd::Pid::from_raw(sleeper.pid());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGSTOP).unwrap();
    let is_stopped = || sleeper.stat().contains(") T ");
    while !is_stopped() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let skewing = Skewing::begin(Skew::Freeze);
    for order in [Order::Move(skewing, None), Order::Restore(Some(skewing))] {
        assert!(operate(sleeper.pid(), "sleep", order).unwrap().is_some());
        std::thread::sleep(std::time::Duration::from_millis(5));
        assert!(is_stopped(), "after {order:?}");
    }
}

#[test]
fn what_is_gone_is_said_to_be() {
    let pid = {
        let sleeper = Sleeper::new();
        sleeper.pid()
    };
    assert_eq!(state(pid), Err(Refusal::Gone));
    assert_eq!(operate(pid, "sleep", Order::Restore(None)), Err(Refusal::Gone));
}
