//! What the shapes of system files can't say: templates, ports that probes name, one kind of
//! probe, defaults that are allowed.

use std::path::{Component, Path};

use crate::plan::{
    diagnostic::Diagnostic,
    form::{Fields, Form, Formed},
    source::Span,
    template,
};

/// Every mistake of that kind.
pub(super) fn check(fields: &Fields) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let names = |name: &str| -> Vec<&str> {
        let inner = fields.fields(name);
        inner.map_or_else(Vec::new, |inner| {
            inner.entries.keys().chain(&inner.unread).map(String::as_str).collect()
        })
    };
    let (ports, settings) = (names("ports"), names("settings"));
    let mut templates: Vec<&Formed> = Vec::new();
    for server in fields.list("servers") {
        let Form::Fields(server) = &server.form else { continue };
        templates.extend(server.list("run"));
        templates.extend(server.list("join"));
        for named in ["env", "files"].iter().filter_map(|named| server.fields(named)) {
            templates.extend(named.entries.values().map(|field| &field.value));
        }
        for command in server.list("prepare") {
            let words = words(command);
            diagnostics.extend(words.is_empty().then(|| empty(Some(command))));
            templates.extend(words);
        }
        diagnostics.extend(check_files(server));
        if server.list("run").is_empty() && !server.unread.iter().any(|name| name == "run") {
            diagnostics.push(empty(server.value("run")));
        }
    }
    for name in ["ready", "leader"] {
        let Some(probe) = fields.fields(name) else { continue };
        templates.extend(probe.list("exec"));
        diagnostics.extend(check_probe(probe, fields.value(name), &ports));
    }
    templates.extend(fields.list("version"));
    for template in templates {
        diagnostics.extend(check_template(template, &[], &ports, &settings));
    }
    diagnostics.extend(super::members::check(fields, &ports, &settings));
    diagnostics.extend(check_defaults(fields));
    diagnostics
}

/// One word stands for a list of one.
fn words(command: &Formed) -> &[Formed] {
    match &command.form {
        Form::List { items, .. } => items,
        _ => std::slice::from_ref(command),
    }
}

/// A file lies below the data folder, which is removed with the node.
fn check_files(server: &Fields) -> Vec<Diagnostic> {
    let Some(files) = server.fields("files") else { return Vec::new() };
    let plain = |name: &str| {
        let mut parts = Path::new(name).components();
        !name.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)))
    };
    let outside = files.entries.keys().filter(|name| !plain(name)).filter_map(|name| {
        let message = format!("`{name}` does not lie below the data folder");
        Some(Diagnostic::error(files.key(name)?, message).help("a plain name, such as `hba.conf`"))
    });
    outside.collect()
}

fn empty(run: Option<&Formed>) -> Diagnostic {
    let message = "a command needs at least a program";
    match run {
        Some(run) => Diagnostic::error(&run.span, message),
        None => Diagnostic::nowhere(message),
    }
}

/// What is wrong with a command: its words, in which `more` variables may stand.
pub(super) fn check_words(
    value: Option<&Formed>,
    words: &[Formed],
    more: &[&str],
    ports: &[&str],
    settings: &[&str],
) -> Vec<Diagnostic> {
    let wrong = |word| check_template(word, more, ports, settings);
    match value {
        Some(_) if words.is_empty() => vec![empty(value)],
        _ => words.iter().flat_map(wrong).collect(),
    }
}

/// What is wrong with a template of a file; `{here}`, and `more` like it, are known before all
/// others.
pub(crate) fn check_template(
    template: &Formed,
    more: &[&str],
    ports: &[&str],
    settings: &[&str],
) -> Vec<Diagnostic> {
    let Some(text) = template.text() else { return Vec::new() };
    let blank = |text: String, name: &str| text.replace(name, &" ".repeat(name.len()));
    let filled =
        ["{here}"].iter().chain(more).fold(text.to_owned(), |text, name| blank(text, name));
    let errors = template::check(&filled, ports, settings);
    errors
        .into_iter()
        .map(|error| template_diagnostic(&template.span, &error, ports, settings))
        .collect()
}

fn template_diagnostic(
    span: &Span,
    error: &template::TemplateError,
    ports: &[&str],
    settings: &[&str],
) -> Diagnostic {
    let part = error.template.get(error.at.clone()).unwrap_or_default();
    let at = span.narrowed_to(part);
    let diagnostic = Diagnostic::error(&at, error.message.clone());
    if error.unknown.is_empty() {
        return diagnostic;
    }
    if part.starts_with("port.") {
        return diagnostic.did_you_mean(&error.unknown, ports.iter().copied());
    }
    if part.starts_with("setting.") {
        return diagnostic.did_you_mean(&error.unknown, settings.iter().copied());
    }
    let all = template::NAMES.into_iter().chain(["port.…", "setting.…", "nodes: …", "peers: …"]);
    diagnostic.did_you_mean(&error.unknown, all)
}

fn check_probe(probe: &Fields, formed: Option<&Formed>, ports: &[&str]) -> Vec<Diagnostic> {
    let Some(formed) = formed else { return Vec::new() };
    let kinds = ["http", "exec", "tcp"].iter().filter(|kind| probe.value(kind).is_some()).count();
    if kinds != 1 && probe.whole() {
        let message = "a probe is exactly one of `http`, `exec`, `tcp`";
        return vec![Diagnostic::error(&formed.span, message)];
    }
    let mut diagnostics = Vec::new();
    let http = probe.fields("http");
    let named = http.and_then(|http| http.value("port")).or(probe.value("tcp"));
    if let Some((named, port)) = named.and_then(|named| Some((named, named.text()?)))
        && !ports.contains(&port)
    {
        let message = format!("the system has no port `{port}`");
        diagnostics.push(
            Diagnostic::error(&named.span, message).did_you_mean(port, ports.iter().copied()),
        );
    }
    if let Some(http) = http
        && http.whole()
        && http.text("get").is_some() == http.text("post").is_some()
    {
        let message = "an HTTP probe is either `get: PATH` or `post: PATH`";
        diagnostics.push(Diagnostic::error(&formed.span, message));
    }
    diagnostics
}

/// A default must be one of the values that its setting takes.
fn check_defaults(fields: &Fields) -> Vec<Diagnostic> {
    let Some(settings) = fields.fields("settings") else { return Vec::new() };
    let mut diagnostics = Vec::new();
    for field in settings.entries.values() {
        let Form::Fields(setting) = &field.value.form else { continue };
        let (Some(default), Some(words)) = (setting.value("default"), setting.fields("one-of"))
        else {
            continue;
        };
        let text = default.text().unwrap_or_default();
        if !words.entries.contains_key(text) {
            let message = format!("the default `{text}` is not one of the values");
            let words = words.entries.keys().map(String::as_str);
            diagnostics.push(Diagnostic::error(&default.span, message).did_you_mean(text, words));
        }
    }
    diagnostics
}
