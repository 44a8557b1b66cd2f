//! System files: what a system under test is, how it is started, asked and stopped.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use temblor_workloads::CLIENT_KINDS;

use super::{
    diagnostic::Diagnostic,
    entry::opening_comment,
    form::{Fields, Form, Formed},
    grammar::{SystemWords, exec_client},
    leaf::{DURATION, FLAG, TEXT},
    reading::Reader,
    resolved::{ClientChoice, Probe, ServerTemplate, System},
    shape::{Choice, Key, Presence, Shape, Variant},
    source::{Source, Span},
    template,
    yaml,
};

/// How long a cluster may take to be ready where its file doesn't say.
const READY_WITHIN: std::time::Duration = std::time::Duration::from_secs(30);

/// A system and the words that it adds to the grammar of plans.
#[derive(Debug, Clone)]
pub(crate) struct SystemFile {
    pub(crate) system: System,
    pub(crate) words: SystemWords,
    /// The comment at the top of its file.
    pub(crate) seen: String,
}

/// Reads a system file; `folder` is where a user's own file stands.
pub(crate) fn read(
    source: &Arc<Source>,
    path: Option<&Path>,
    consistency: &[&str],
) -> Result<SystemFile, Vec<Diagnostic>> {
    let document = yaml::read(source);
    let mut reader = Reader {
        diagnostics: document.diagnostics,
        whole: document.whole,
    };
    let Some(root) = document.root else {
        if reader.diagnostics.is_empty() {
            reader.diagnostics.push(Diagnostic::nowhere(format!("{} is empty", source.name)));
        }
        return Err(reader.diagnostics);
    };
    let Some(Formed { form: Form::Fields(fields), .. }) =
        reader.read(&shape(consistency), &root)
    else {
        return Err(reader.diagnostics);
    };
    let file = resolve(&fields, source, path);
    let mut diagnostics = reader.diagnostics;
    diagnostics.extend(check(&fields));
    if diagnostics.is_empty() { Ok(file) } else { Err(diagnostics) }
}

fn text() -> Shape {
    Shape::Leaf(&TEXT)
}

/// The grammar of system files.
pub(crate) fn shape(consistency: &[&str]) -> Shape {
    let claims = consistency.iter().map(|name| Choice {
        word: (*name).to_owned(),
        about: String::new(),
    });
    Shape::Map(vec![
        Key::needed("system", text(), "its name"),
        Key::needed("about", text(), "what it is, in one line"),
        Key::optional("install", Shape::list(Shape::list(text())), "commands that install it, each a list of words"),
        Key::optional("needs", Shape::list(text()), "programs that must be on the PATH; `@self` is temblor itself"),
        Key::optional("version", Shape::list(text()), "a command that prints its version"),
        Key::optional("ports", Shape::AnyKeys(Box::new(Shape::Count(1..=65535))), "its ports by name, the same on every node"),
        Key::optional("settings", Shape::AnyKeys(Box::new(Shape::Map(setting()))), "its parameters"),
        Key::needed("servers", Shape::list(Shape::Map(server())), "the server processes of a node, in order of start"),
        Key::needed("ready", Shape::Map(probe(true)), "how to ask a node whether the cluster is formed"),
        Key::optional("leader", Shape::Map(probe(false)), "how to ask a node whether it leads"),
        Key::needed("client", Shape::Variants("client", clients()), "the client that speaks to it"),
        Key::needed("functions", Shape::list(text()), "the functions that it offers, in the models' words"),
        Key::needed("claims", Shape::list(Shape::Word(claims.collect())), "the consistency that it promises"),
        Key::optional("durability", Shape::list(text()), "what decides whether acknowledged writes survive, in words"),
        Key::optional("limits", Shape::list(text()), "what its documentation permits, in words"),
        Key::optional("failure-detection", Shape::Leaf(&DURATION), "how long it takes to notice a lost node"),
        Key::optional("never", Shape::list(text()), "parts of log lines that must never appear"),
    ])
}

fn setting() -> Vec<Key> {
    vec![
        Key::needed("default", text(), "its value where a plan says nothing"),
        Key::needed("about", text(), "what it decides"),
        Key::optional("one-of", Shape::AnyKeys(Box::new(text())), "the values that it takes, each with what it means"),
    ]
}

fn server() -> Vec<Key> {
    vec![
        Key::needed("name", text(), "what it is called in reports"),
        Key::needed("run", Shape::list(text()), "its command line, word by word, each a template"),
        Key::optional("env", Shape::AnyKeys(Box::new(text())), "environment variables, each a template"),
        Key::optional("user", text(), "the user that it runs as; without it, the user of the run"),
        Key::optional("stop", Shape::words(&[("TERM", ""), ("INT", ""), ("QUIT", "")]), "the signal of a graceful stop; without it, TERM"),
    ]
}

fn probe(within: bool) -> Vec<Key> {
    let http = vec![
        Key::optional("get", text(), "the path of a GET"),
        Key::optional("post", text(), "the path of a POST"),
        Key::optional("body", text(), "the body of a POST"),
        Key::needed("port", text(), "the port's name"),
        Key::optional("is", Shape::AnyKeys(Box::new(text())), "a JSON pointer, and what must stand there: a text, or another pointer"),
        Key::optional("term", text(), "a JSON pointer to the term"),
    ];
    let mut keys = vec![
        Key::optional("http", Shape::Map(http), "an HTTP request that is answered with a 2xx"),
        Key::optional("exec", Shape::list(text()), "a command, each word a template, that exits 0 for yes"),
        Key::optional("tcp", text(), "the name of a port that accepts connections"),
    ];
    if within {
        keys.push(Key::optional("within", Shape::Leaf(&DURATION), "how long the whole cluster may take"));
    }
    keys
}

fn clients() -> Vec<Variant> {
    let kinds = CLIENT_KINDS.iter().filter(|kind| kind.name != "exec").map(|kind| Variant {
        name: kind.name.to_owned(),
        about: kind.about.to_owned(),
        keys: options(kind.name),
        available: true,
    });
    let mut variants: Vec<Variant> = kinds.collect();
    variants.push(Variant {
        name: "exec".to_owned(),
        about: "a program of your own that speaks JSON Lines".to_owned(),
        keys: vec![
            Key::needed("run", Shape::list(text()), "the program and its arguments"),
            Key::optional("multiplex", Shape::Leaf(&FLAG), "one program for all logical clients"),
        ],
        available: true,
    });
    variants
}

/// The options of a kind of client, as keys with their defaults.
pub(crate) fn options(kind: &str) -> Vec<Key> {
    let known = CLIENT_KINDS.iter().find(|known| known.name == kind);
    let options = known.map_or(&[][..], |known| known.options);
    let key = |option: &temblor_workloads::ClientOption| {
        let words: Vec<(&str, &str)> = option.values.iter().map(|value| (*value, "")).collect();
        Key::optional(option.name, Shape::words(&words), option.about)
    };
    options.iter().map(key).collect()
}

fn resolve(fields: &Fields, source: &Source, path: Option<&Path>) -> SystemFile {
    let here = path.and_then(Path::parent).map_or_else(String::new, |folder| {
        std::path::absolute(folder).unwrap_or_else(|_| folder.into()).display().to_string()
    });
    let settings = settings(fields);
    let word = |name: &str| fields.text(name).unwrap_or_default().to_owned();
    let client = client(fields, &here);
    let words = SystemWords {
        settings,
        client: options(&client.kind),
    };
    let system = System {
        name: word("system"),
        path: path.map(Path::to_owned),
        about: word("about"),
        install: fields.list("install").iter().map(texts).collect(),
        needs: fields.texts("needs"),
        version: rooted(fields.texts("version"), &here),
        servers: fields.list("servers").iter().filter_map(|one| server_of(one, &here)).collect(),
        ports: ports(fields),
        ready: probe_of(fields, "ready", &here).unwrap_or(Probe::Tcp { port: String::new() }),
        ready_within: fields
            .fields("ready")
            .and_then(|ready| ready.duration("within"))
            .unwrap_or(READY_WITHIN),
        leader: probe_of(fields, "leader", &here),
        client,
        functions: fields.texts("functions"),
        claims: fields.texts("claims"),
        settings: defaults(&words),
        durability: fields.texts("durability"),
        limits: fields.texts("limits"),
        failure_detection: fields.duration("failure-detection"),
        never: fields.texts("never"),
    };
    SystemFile {
        system,
        words,
        seen: opening_comment(&source.text),
    }
}

fn texts(formed: &Formed) -> Vec<String> {
    match &formed.form {
        Form::List(items) => items.iter().filter_map(Formed::text).map(str::to_owned).collect(),
        Form::Text(text) => vec![text.clone()],
        _ => Vec::new(),
    }
}

/// `{here}` is known as soon as the file is read.
fn rooted(argv: Vec<String>, here: &str) -> Vec<String> {
    argv.into_iter().map(|word| word.replace("{here}", here)).collect()
}

fn settings(fields: &Fields) -> Vec<Key> {
    let Some(settings) = fields.fields("settings") else { return Vec::new() };
    let mut keys = Vec::new();
    for (name, field) in &settings.entries {
        let Form::Fields(setting) = &field.value.form else { continue };
        let about = setting.text("about").unwrap_or_default();
        let shape = match setting.fields("one-of") {
            None => text(),
            Some(words) => Shape::Word(choices(words)),
        };
        let default = setting.text("default").unwrap_or_default();
        keys.push(Key {
            name: name.clone(),
            about: about.to_owned(),
            shape,
            presence: Presence::Default(yaml::scalar(default)),
        });
    }
    keys
}

fn choices(words: &Fields) -> Vec<Choice> {
    let choice = |(word, field): (&String, &super::form::Field)| Choice {
        word: word.clone(),
        about: field.value.text().unwrap_or_default().to_owned(),
    };
    words.entries.iter().map(choice).collect()
}

fn defaults(words: &SystemWords) -> BTreeMap<String, String> {
    let default = |key: &Key| match &key.presence {
        Presence::Default(value) => {
            Some((key.name.clone(), value.scalar().unwrap_or_default().to_owned()))
        }
        _ => None,
    };
    words.settings.iter().filter_map(default).collect()
}

fn ports(fields: &Fields) -> BTreeMap<String, u16> {
    let Some(ports) = fields.fields("ports") else { return BTreeMap::new() };
    let port = |name: &String| Some((name.clone(), u16::try_from(ports.count(name)?).ok()?));
    ports.entries.keys().filter_map(port).collect()
}

fn server_of(formed: &Formed, here: &str) -> Option<ServerTemplate> {
    let Form::Fields(fields) = &formed.form else { return None };
    let env = fields.fields("env").map_or_else(BTreeMap::new, |env| {
        let value = |name: &String| (name.clone(), env.text(name).unwrap_or_default().replace("{here}", here));
        env.entries.keys().map(value).collect()
    });
    Some(ServerTemplate {
        name: fields.text("name")?.to_owned(),
        argv: rooted(fields.texts("run"), here),
        env,
        user: fields.text("user").map(str::to_owned),
        stop_signal: fields.text("stop").unwrap_or("TERM").to_owned(),
    })
}

fn probe_of(fields: &Fields, name: &str, here: &str) -> Option<Probe> {
    let probe = fields.fields(name)?;
    if let Some(http) = probe.fields("http") {
        let path = http.text("post").or(http.text("get"))?.to_owned();
        let is = http.fields("is").and_then(|is| {
            let (pointer, field) = is.entries.first_key_value()?;
            Some((pointer.clone(), field.value.text()?.to_owned()))
        });
        return Some(Probe::Http {
            method: if http.text("post").is_some() { "POST" } else { "GET" }.to_owned(),
            port: http.text("port")?.to_owned(),
            path,
            body: http.text("body").unwrap_or_default().to_owned(),
            is,
            term: http.text("term").map(str::to_owned),
        });
    }
    if let Some(port) = probe.text("tcp") {
        return Some(Probe::Tcp { port: port.to_owned() });
    }
    let argv = probe.texts("exec");
    (!argv.is_empty()).then(|| Probe::Exec(rooted(argv, here)))
}

fn client(fields: &Fields, here: &str) -> ClientChoice {
    let Some(Formed { form: Form::Variant { name, fields, .. }, .. }) = fields.value("client")
    else {
        return ClientChoice::default();
    };
    let option = |option: &String| Some((option.clone(), fields.text(option)?.to_owned()));
    ClientChoice {
        kind: name.clone(),
        exec: rooted(fields.texts("run"), here),
        multiplex: fields.flag("multiplex"),
        options: fields.entries.keys().filter_map(option).collect(),
    }
}

/// What the shapes can't say: templates, ports that probes name, one kind of probe.
fn check(fields: &Fields) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let names = |name: &str| -> Vec<&str> {
        let inner = fields.fields(name);
        inner.map_or_else(Vec::new, |inner| inner.entries.keys().map(String::as_str).collect())
    };
    let (ports, settings) = (names("ports"), names("settings"));
    let mut templates: Vec<&Formed> = Vec::new();
    for server in fields.list("servers") {
        let Form::Fields(server) = &server.form else { continue };
        templates.extend(server.list("run"));
        templates.extend(server.fields("env").iter().flat_map(|env| env.entries.values().map(|field| &field.value)));
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
        diagnostics.extend(check_template(template, &ports, &settings));
    }
    diagnostics.extend(check_defaults(fields));
    diagnostics
}

fn empty(run: Option<&Formed>) -> Diagnostic {
    let message = "a command needs at least a program";
    match run {
        Some(run) => Diagnostic::error(&run.span, message),
        None => Diagnostic::nowhere(message),
    }
}

fn check_template(template: &Formed, ports: &[&str], settings: &[&str]) -> Vec<Diagnostic> {
    let Some(text) = template.text() else { return Vec::new() };
    // `{here}` is filled in before all others.
    let filled = text.replace("{here}", " here ");
    let errors = template::check(&filled, ports, settings);
    errors.into_iter().map(|error| template_diagnostic(&template.span, &error, ports, settings)).collect()
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
        let (Some(default), Some(words)) = (setting.value("default"), setting.fields("one-of")) else {
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
