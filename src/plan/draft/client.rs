//! `client:` of a plan: the system's own way, with options; or a program of the user's.

use super::{super::resolved::ClientChoice, Draft};
use crate::plan::{diagnostic::Diagnostic, system::rooted};

/// The system's client with the plan's options, or the plan's own program.
pub(super) fn resolve(
    draft: &Draft<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<ClientChoice> {
    let own = &draft.system?.system.client;
    let Some(fields) = draft.fields.fields("client") else { return Some(own.clone()) };
    let exec = fields.texts("exec");
    if let Some(given) = fields.given("exec") {
        if exec.is_empty() {
            let message = "a client program needs at least its name";
            diagnostics.push(Diagnostic::error(&given.span, message));
        }
        let other = |name: &&String| !["exec", "multiplex"].contains(&name.as_str());
        if let Some(option) = fields.entries.keys().find(other)
            && let Some(key) = fields.key(option)
        {
            let message = format!("`{option}` is an option of the `{}` client", own.kind);
            let help = "a program of your own takes its options on its command line";
            diagnostics.push(Diagnostic::error(key, message).help(help));
        }
        return Some(ClientChoice {
            kind: "exec".to_owned(),
            exec: rooted(exec, draft.here),
            multiplex: fields.flag("multiplex"),
            options: std::collections::BTreeMap::new(),
        });
    }
    let mut client = own.clone();
    if let Some(key) = fields.key("multiplex") {
        if own.kind == "exec" {
            client.multiplex = fields.flag("multiplex");
        } else {
            let message = "`multiplex` belongs to a client program";
            let help = "name the program: `client: { exec: [\"python3\", \"my_client.py\"] }`";
            diagnostics.push(Diagnostic::error(key, message).help(help));
        }
    }
    for option in fields.entries.keys() {
        if let Some(value) = fields.text(option) {
            client.options.insert(option.clone(), value.to_owned());
        }
    }
    Some(client)
}
