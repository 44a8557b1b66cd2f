//! The parts of a system file that say how members come and go, and which other versions there are.

use super::{check::check_words, rooted, texts};
use crate::plan::{
    diagnostic::Diagnostic,
    form::{Fields, Form, Formed},
    resolved::{Membership, UpgradePaths, Version},
};

/// `membership:`, if the file has it.
pub(super) fn membership(fields: &Fields, here: &str) -> Option<Membership> {
    let of = fields.fields("membership")?;
    let command = |name: &str| rooted(of.texts(name), here);
    Some(Membership {
        needs: of.texts("needs"),
        install: install(of, here),
        members: command("members"),
        member: of.text("member").unwrap_or_default().to_owned(),
        remove: command("remove"),
        add: command("add"),
    })
}

/// `upgrade:`, if the file has it.
pub(super) fn upgrade(fields: &Fields, here: &str) -> Option<UpgradePaths> {
    let of = fields.fields("upgrade")?;
    let version = |to: &Fields| {
        let programs = to.fields("programs").map(|programs| {
            let program = |(name, field): (&String, &crate::plan::form::Field)| {
                let program = field.value.text().unwrap_or_default();
                (name.clone(), program.replace("{here}", here))
            };
            programs.entries.iter().map(program).collect()
        });
        Version { programs: programs.unwrap_or_default(), install: install(to, here) }
    };
    let versions = of.fields("to").map(|to| {
        let named = to.entries.keys().filter_map(|name| Some((name.clone(), to.fields(name)?)));
        named.map(|(name, fields)| (name, version(fields))).collect()
    });
    Some(UpgradePaths {
        needs: of.texts("needs"),
        install: install(of, here),
        running: rooted(of.texts("running"), here),
        version: of.text("version").unwrap_or_default().to_owned(),
        to: versions.unwrap_or_default(),
    })
}

fn install(of: &Fields, here: &str) -> Vec<Vec<String>> {
    of.list("install").iter().map(|argv| rooted(texts(argv), here)).collect()
}

/// What is wrong with them.
pub(super) fn check(fields: &Fields, ports: &[&str], settings: &[&str]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if let Some(of) = fields.fields("membership") {
        for (name, more) in
            [("members", &["{via}"][..]), ("remove", &["{via}", "{id}"]), ("add", &["{via}"])]
        {
            found.extend(check_words(of.value(name), of.list(name), more, ports, settings));
        }
        found.extend(check_pattern(of.value("member"), &["id"]));
    }
    if let Some(of) = fields.fields("upgrade") {
        let (value, words) = (of.value("running"), of.list("running"));
        found.extend(check_words(value, words, &[], ports, settings));
        found.extend(check_pattern(of.value("version"), &["version"]));
        found.extend(of.fields("to").into_iter().flat_map(|to| check_versions(fields, to)));
    }
    found
}

fn check_pattern(pattern: Option<&Formed>, groups: &[&str]) -> Option<Diagnostic> {
    let pattern = pattern?;
    let regex = match regex::Regex::new(pattern.text()?) {
        Ok(regex) => regex,
        Err(why) => {
            let message = format!("this is no regular expression: {why}");
            return Some(Diagnostic::error(&pattern.span, message));
        }
    };
    let has = |group: &&&str| regex.capture_names().flatten().any(|name| name == **group);
    let missing = groups.iter().find(|group| !has(group))?;
    let message = format!("the expression has no group called `{missing}`");
    let help = format!("write `(?<{missing}>…)` around that part of it");
    Some(Diagnostic::error(&pattern.span, message).help(help))
}

/// The programs of a version belong to servers that there are.
fn check_versions(fields: &Fields, to: &Fields) -> Vec<Diagnostic> {
    let name = |server: &Formed| match &server.form {
        Form::Fields(server) => server.text("name").map(str::to_owned),
        _ => None,
    };
    let servers: Vec<String> = fields.list("servers").iter().filter_map(name).collect();
    let mut found = Vec::new();
    for programs in to.entries.keys().filter_map(|name| to.fields(name)?.fields("programs")) {
        for server in programs.entries.keys().filter(|name| !servers.contains(name)) {
            let Some(at) = programs.key(server) else { continue };
            let diagnostic = Diagnostic::error(at, format!("the system has no server `{server}`"));
            found.push(diagnostic.did_you_mean(server, servers.iter().map(String::as_str)));
        }
    }
    found
}
