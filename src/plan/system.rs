//! System files: what a system under test is, how it is started, asked and stopped.

mod check;
mod grammar;
mod members;

use std::{collections::BTreeMap, path::Path, sync::Arc};

pub(crate) use check::check_template;

use super::{
    diagnostic::Diagnostic,
    entry::opening_comment,
    form::{Field, Fields, Form, Formed},
    grammar::SystemWords,
    reading::Reader,
    resolved::{ClientChoice, Probe, ServerTemplate, System},
    shape::{Choice, Key, Presence, Shape},
    source::Source,
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
    let mut reader = Reader { diagnostics: document.diagnostics, whole: document.whole };
    let Some(root) = document.root else {
        if reader.diagnostics.is_empty() {
            reader.diagnostics.push(Diagnostic::nowhere(format!("{} is empty", source.name)));
        }
        return Err(reader.diagnostics);
    };
    let Some(Formed { form: Form::Fields(fields), .. }) =
        reader.read(&grammar::shape(consistency), &root)
    else {
        return Err(reader.diagnostics);
    };
    let file = resolve(&fields, source, path);
    let mut diagnostics = reader.diagnostics;
    diagnostics.extend(check::check(&fields));
    if diagnostics.is_empty() { Ok(file) } else { Err(diagnostics) }
}

fn resolve(fields: &Fields, source: &Source, path: Option<&Path>) -> SystemFile {
    let here = path.and_then(Path::parent).map_or_else(String::new, absolute);
    let settings = settings(fields);
    let word = |name: &str| fields.text(name).unwrap_or_default().to_owned();
    let client = client(fields, &here);
    let words = SystemWords { settings, client: grammar::options(&client.kind) };
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
        membership: members::membership(fields, &here),
        upgrade: members::upgrade(fields, &here),
    };
    SystemFile { system, words, seen: opening_comment(&source.text) }
}

fn texts(formed: &Formed) -> Vec<String> {
    match &formed.form {
        Form::List { items, .. } => {
            items.iter().filter_map(Formed::text).map(str::to_owned).collect()
        }
        Form::Text(text) => vec![text.clone()],
        _ => Vec::new(),
    }
}

/// A folder as `{here}` says it, whatever the run's own folder will be.
pub(crate) fn absolute(folder: &Path) -> String {
    std::path::absolute(folder).unwrap_or_else(|_| folder.into()).display().to_string()
}

/// `{here}` is known as soon as the file is read.
pub(crate) fn rooted(argv: Vec<String>, here: &str) -> Vec<String> {
    argv.into_iter().map(|word| word.replace("{here}", here)).collect()
}

fn settings(fields: &Fields) -> Vec<Key> {
    let Some(settings) = fields.fields("settings") else { return Vec::new() };
    let mut keys = Vec::new();
    for (name, field) in &settings.entries {
        let Form::Fields(setting) = &field.value.form else { continue };
        let about = setting.text("about").unwrap_or_default();
        let shape = match setting.fields("one-of") {
            None => grammar::text(),
            Some(words) => Shape::Word("value", choices(words)),
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
    let choice = |(word, field): (&String, &Field)| Choice {
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
    let named = |field: &str| {
        let named = fields.fields(field)?;
        let text = |name: &String| {
            (name.clone(), named.text(name).unwrap_or_default().replace("{here}", here))
        };
        Some(named.entries.keys().map(text).collect())
    };
    let prepare = fields.list("prepare").iter().map(|argv| rooted(texts(argv), here));
    Some(ServerTemplate {
        name: fields.text("name")?.to_owned(),
        argv: rooted(fields.texts("run"), here),
        join: rooted(fields.texts("join"), here),
        env: named("env").unwrap_or_default(),
        files: named("files").unwrap_or_default(),
        prepare: prepare.collect(),
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
