//! Faults of the user's own: commands that must be commands, with values that are there, and no
//! shell that reads one of these values as text.

use std::time::Duration;

use temblor_faults::{Exec, FaultKind, NodeFault};

use super::{Parts, fault::DraftFault};
use crate::plan::{
    diagnostic::Diagnostic,
    form::{Fields, Formed},
    source::Span,
    system::{check_template, rooted},
};

/// The agent's channel waits so long for two of them.
const LONGEST: Duration = Duration::from_secs(10);
const DEFAULT: Duration = Duration::from_secs(5);
const COMMANDS: [&str; 4] = ["apply", "heal", "verify-on", "verify-off"];
/// Programs whose arguments may be programs again.
const SHELLS: [&str; 6] = ["sh", "bash", "dash", "ksh", "zsh", "busybox"];

/// Reads one; what is missing is reported.
pub(super) fn resolve(
    fields: &Fields,
    name: &Span,
    diagnostics: &mut Vec<Diagnostic>,
) -> NodeFault {
    let command = |name: &str| fields.value(name).map(|_| fields.texts(name));
    if command("apply").is_none() && !unread(fields, "apply") {
        let help = "say what to run, word by word: `apply: [touch, \"{data}/flag\"]`";
        diagnostics.push(Diagnostic::error(name, "this `exec` does nothing").help(help));
    }
    let at_most = fields.duration("timeout").unwrap_or(DEFAULT);
    if let Some(given) = fields.given("timeout")
        && at_most > LONGEST
    {
        let help = "let it begin the work, and `verify-on` wait for its effect";
        let message = "a command may take 10s at most";
        diagnostics.push(Diagnostic::error(&given.span, message).help(help));
    }
    for name in COMMANDS {
        diagnostics
            .extend(fields.given(name).and_then(|given| check_words(given, fields.list(name))));
    }
    let heal = command("heal");
    if heal.is_none() && !unread(fields, "heal") {
        for name in ["verify-off", "for", "until", "at-most"] {
            let Some(key) = fields.key(name) else { continue };
            let message = format!("`{name}` means nothing here");
            let help = "without `heal` the fault is over at once";
            diagnostics.push(Diagnostic::error(key, message).help(help));
        }
    }
    NodeFault::Exec(Box::new(Exec {
        apply: command("apply").unwrap_or_default(),
        heal,
        verify_on: command("verify-on"),
        verify_off: command("verify-off"),
        env: Vec::new(),
        at_most: at_most.min(LONGEST),
    }))
}

fn unread(fields: &Fields, name: &str) -> bool {
    fields.unread.iter().any(|unread| unread == name)
}

fn check_words(given: &Formed, words: &[Formed]) -> Option<Diagnostic> {
    let program = words.first().and_then(Formed::text).unwrap_or_default();
    if program.is_empty() {
        let message = "a command needs at least a program";
        return Some(Diagnostic::error(&given.span, message));
    }
    if words.len() == 1 && program.contains(char::is_whitespace) {
        let message = format!("`{program}` is one word, and no program has this name");
        let words: Vec<&str> = program.split_whitespace().collect();
        let help = format!(
            "a command is a list of words, and no shell reads it: `[{}]`",
            words.join(", ")
        );
        return Some(Diagnostic::error(&given.span, message).help(help));
    }
    None
}

/// `{here}` is the folder of the plan.
pub(super) fn root(kind: &mut FaultKind, here: &str) {
    if let FaultKind::Node { fault: NodeFault::Exec(exec), .. } = kind
        && let Ok(rooted) =
            exec.try_map(|argv| Ok::<_, std::convert::Infallible>(rooted(argv.to_vec(), here)))
    {
        **exec = rooted;
    }
}

/// What is wrong with the templates of such faults, and whether anybody will see them act.
pub(super) fn check(parts: &Parts<'_>, diagnostics: &mut Vec<Diagnostic>) {
    let Some(system) = parts.draft.system.map(|file| &file.system) else { return };
    let ports: Vec<&str> = system.ports.keys().map(String::as_str).collect();
    let settings: Vec<&str> = system.settings.keys().map(String::as_str).collect();
    for fault in parts.phases.iter().flat_map(|phase| &phase.faults) {
        let Some(NodeFault::Exec(exec)) = fault.spec.kind.node_fault() else { continue };
        for name in COMMANDS {
            let words = fault.fields.list(name);
            for word in words {
                diagnostics.extend(check_template(word, &[], &ports, &settings));
            }
            diagnostics.extend(check_shell(words));
        }
        if fault.fields.whole() {
            diagnostics.extend(unseen(fault, exec));
        }
    }
}

/// The script of a shell has no values in it: they would be read as part of it.
fn check_shell(words: &[Formed]) -> Option<Diagnostic> {
    let text = |place: usize| words.get(place).and_then(Formed::text).unwrap_or_default();
    let is_shell =
        |place: &usize| SHELLS.contains(&text(*place).rsplit('/').next().unwrap_or_default());
    let shell = (0..words.len()).find(is_shell)?;
    let spoils = |place: &usize| {
        let word = text(*place).replace("{{", "").replace("}}", "");
        let whole = word.starts_with('{') && word.ends_with('}') && word.matches('{').count() == 1;
        let option = text(place - 1);
        let is_script = option.starts_with('-') && option.contains('c');
        word.contains('{') && (is_script || !whole)
    };
    let place = (shell + 1..words.len()).find(spoils)?;
    let message = "a shell would read this value as part of its script";
    let help = "let the script read it from the environment: `\"$TEMBLOR_DATA\"` \
                (`temblor explain exec`); a brace is written `{{` or `}}`";
    Some(Diagnostic::error(&words[place].span, message).help(help))
}

fn unseen(fault: &DraftFault, exec: &Exec) -> Option<Diagnostic> {
    let missing = match exec {
        Exec { verify_on: None, .. } => "verify-on",
        Exec { heal: Some(_), verify_off: None, .. } => "verify-off",
        _ => return None,
    };
    let message = format!(
        "nothing shows what this `exec` does, so that no run with it passes: it has no `{missing}`"
    );
    let help = format!("give `{missing}:` a command that ends with exit code 0 when it is so");
    Some(Diagnostic::warning(&fault.span, message).help(help))
}
