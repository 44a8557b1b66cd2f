//! Disk faults of a plan: which one, on which calls and files.

use std::{collections::BTreeSet, time::Duration};

use temblor_faults::{DiskCall, DiskError, DiskFault, PathPattern};

use crate::plan::{diagnostic::Diagnostic, form::Fields, nearest::nearest, source::Span};

/// A call that waits longer holds the agent's own probes up too long.
const SLOWEST: Duration = Duration::from_secs(2);
/// What a disk fault can be.
const KINDS: [&str; 5] = ["error", "slow", "full", "corrupt", "truncate"];

/// Reads one; a harmless fault stands for what can't be read, and the mistakes are reported.
pub(super) fn resolve(
    fields: &Fields,
    name: &Span,
    diagnostics: &mut Vec<Diagnostic>,
) -> DiskFault {
    let mut reading = Reading { fields, name, diagnostics };
    reading.check_kind();
    let path = reading.path();
    let fault = if let Some(text) = fields.text("error") {
        let error = reading.error(text);
        let usual = match error {
            DiskError::Eio => [DiskCall::Read, DiskCall::Write, DiskCall::Fsync].into(),
            DiskError::Enospc => [DiskCall::Write, DiskCall::Create].into(),
        };
        DiskFault::Error { error, calls: reading.calls(usual), path }
    } else if let Some(delay) = fields.duration("slow") {
        let usual = [DiskCall::Read, DiskCall::Write, DiskCall::Fsync].into();
        DiskFault::Slow { delay: reading.delay(delay), calls: reading.calls(usual), path }
    } else if let Some(bits) = fields.fields("corrupt").and_then(|of| of.count("bits")) {
        DiskFault::Corrupt { bits: bits as u32, path }
    } else if let Some(bytes) = fields.fields("truncate").and_then(|of| of.count("bytes")) {
        DiskFault::Truncate { bytes, path }
    } else {
        DiskFault::Full
    };
    reading.check_rest(&fault);
    fault
}

struct Reading<'r> {
    fields: &'r Fields,
    name: &'r Span,
    diagnostics: &'r mut Vec<Diagnostic>,
}

impl Reading<'_> {
    fn refuse(&mut self, field: &str, message: impl Into<String>, help: impl Into<String>) {
        let value = self.fields.given(field).map(|value| &value.span);
        let at = value.or(self.fields.key(field)).unwrap_or(self.name);
        self.diagnostics.push(Diagnostic::error(at, message).help(help));
    }

    fn has(&self, field: &str) -> bool {
        self.fields.key(field).is_some() || self.fields.unread.iter().any(|name| name == field)
    }

    /// Exactly one thing happens to the disk.
    fn check_kind(&mut self) {
        let given: Vec<&str> = KINDS.into_iter().filter(|kind| self.has(kind)).collect();
        match given[..] {
            [] => self.refuse(
                "",
                "this `disk` does nothing",
                "give it one of `error`, `slow`, `full`, `corrupt`, `truncate`",
            ),
            [_] => {}
            [_, second, ..] => {
                self.refuse(second, "a disk fault is one thing", "write two faults of them");
            }
        }
        if given == ["full"] && !self.fields.flag("full") && self.fields.whole() {
            self.refuse("full", "this `disk` does nothing", "write `full: true`");
        }
    }

    fn error(&mut self, text: &str) -> DiskError {
        match text {
            "EIO" => DiskError::Eio,
            "ENOSPC" => DiskError::Enospc,
            _ => {
                let message = format!("`{text}` is no error that disks make");
                self.refuse("error", message, "choose `EIO` or `ENOSPC`");
                DiskError::Eio
            }
        }
    }

    fn delay(&mut self, delay: Duration) -> Duration {
        if delay > SLOWEST {
            let help = "to stop a disk for longer, `pause` the node";
            self.refuse("slow", "a call may wait 2s at most", help);
            return SLOWEST;
        }
        delay
    }

    fn calls(&mut self, usual: BTreeSet<DiskCall>) -> BTreeSet<DiskCall> {
        let mut calls = BTreeSet::new();
        for text in self.fields.texts("calls") {
            if let Some((_, call)) = DiskCall::ALL.iter().find(|(name, _)| *name == text) {
                calls.insert(*call);
                continue;
            }
            let names = DiskCall::ALL.map(|(name, _)| name);
            let help = nearest(&text, names).map_or_else(
                || format!("choose from {}", names.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            self.refuse("calls", format!("there is no call `{text}`"), help);
        }
        if calls.is_empty() { usual } else { calls }
    }

    fn path(&mut self) -> Option<PathPattern> {
        let text = self.fields.text("path")?;
        match PathPattern::read(text) {
            Ok(pattern) => Some(pattern),
            Err(why) => {
                self.refuse("path", format!("`{text}` is no path of a data folder"), why);
                None
            }
        }
    }

    /// What this kind of fault has no use for.
    fn check_rest(&mut self, fault: &DiskFault) {
        let idle: &[&str] = match fault {
            DiskFault::Error { .. } | DiskFault::Slow { .. } => &[],
            DiskFault::Full => &["calls", "path"],
            DiskFault::Corrupt { .. } | DiskFault::Truncate { .. } => {
                &["calls", "for", "until", "at-most"]
            }
        };
        let why =
            if fault.lasts() { "a full disk is full for all" } else { "damage stays for good" };
        for field in idle {
            if self.has(field) {
                self.refuse(field, format!("`{field}` means nothing here"), why);
            }
        }
    }
}
