//! `temblor explain`: one entry of the catalogue, or one topic, in words.

use std::fmt::Write;

use super::{
    catalogue::{Catalogue, stem},
    entry::opening_comment,
    grammar, group,
    list::{self, KINDS},
    nearest::nearest,
    shape::{Key, Presence, Shape},
    system::{self, SystemFile},
    target::GRUDGE_WORDS,
    template,
};

/// Topics that are no entries.
const TOPICS: [(&str, &str); 4] = [
    ("groups", include_str!("topics/groups.txt")),
    ("plans", include_str!("topics/plans.txt")),
    ("targets", include_str!("topics/targets.txt")),
    ("times", include_str!("topics/times.txt")),
];

/// The example of a user's own system file.
pub(crate) const OWN_SYSTEM: &str = include_str!("topics/my-db.yaml");

/// What an entry is, what it does, and how it is used.
///
/// # Errors
/// When there is no such entry, with the nearest one.
pub fn explain(catalogue: &Catalogue, name: &str) -> Result<String, String> {
    let found = [
        fault(catalogue, name),
        workload(catalogue, name),
        system(catalogue, name),
        plan(catalogue, name),
        consistency(catalogue, name),
        model(name),
        anomaly(catalogue, name),
        group(name),
        topic(name),
    ];
    let words: Vec<String> = found.into_iter().flatten().collect();
    if words.is_empty() { Err(unknown(catalogue, name)) } else { Ok(words.join("\n")) }
}

fn unknown(catalogue: &Catalogue, name: &str) -> String {
    let names = names(catalogue);
    match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("nothing is called `{name}`; did you mean `{near}`?"),
        None => format!(
            "nothing is called `{name}`: see `temblor list {}`, or the topics {}",
            KINDS.join("|"),
            topics().join(", ")
        ),
    }
}

/// Everything that can be explained.
pub(crate) fn names(catalogue: &Catalogue) -> Vec<String> {
    let entries = KINDS.iter().filter_map(|kind| list::entries(catalogue, kind)).flatten();
    let anomalies = catalogue.consistency.iter().flat_map(|one| one.anomalies);
    entries
        .map(|(name, _)| name)
        .chain(anomalies.map(|(name, _)| (*name).to_owned()))
        .chain(topics().into_iter().map(str::to_owned))
        .chain(group::variants(&[]).into_iter().map(|group| group.name))
        .collect()
}

fn topics() -> Vec<&'static str> {
    let topics = TOPICS.iter().map(|(name, _)| *name);
    topics.chain(["grudges", "system-files", "templates"]).collect()
}

fn topic(name: &str) -> Option<String> {
    match name {
        "grudges" => Some(grudges()),
        "system-files" => Some(system_files()),
        "templates" => Some(templates()),
        _ => TOPICS.iter().find(|(topic, _)| *topic == name).map(|(_, text)| (*text).to_owned()),
    }
}

/// Wraps a paragraph, with a margin.
fn wrapped(text: &str, margin: usize) -> String {
    const WIDTH: usize = 92;
    let mut lines = Vec::new();
    let mut line = " ".repeat(margin);
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut line, " ".repeat(margin)));
        }
        if line.len() > margin {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines.join("\n")
}

fn fault(catalogue: &Catalogue, name: &str) -> Option<String> {
    let fault = catalogue.faults.iter().find(|fault| fault.name == name)?;
    let mut out =
        format!("{name}: a fault of {} that {}\n\n{}\n", fault.acts_on, fault.about, fault.seen);
    let _ = writeln!(out, "\n  - {}\n", fault.example);
    out.push_str(&keys(&fault.parameters));
    out.push_str("its time (`temblor explain times`)\n");
    out.push_str(&keys(&grammar::timing(fault.lasts)));
    let _ = writeln!(out, "verified: {}", fault.verified);
    let _ = writeln!(out, "healed: {}", fault.healed);
    Some(out)
}

/// A way in which faults belong together.
fn group(name: &str) -> Option<String> {
    let group = group::variants(&[]).into_iter().find(|group| group.name == name)?;
    let mut out = format!("{name}: {} (`temblor explain groups`)\n\n", group.about);
    out.push_str(&keys(&group.keys));
    Some(out)
}

fn workload(catalogue: &Catalogue, name: &str) -> Option<String> {
    let load = catalogue.workloads.iter().find(|load| load.name == name)?;
    let mut out = format!("{name}: a workload, {}\n\n{}\n", load.about, load.seen);
    let _ = writeln!(out, "\n  workload:\n    {}\n", load.example);
    out.push_str(&keys(&load.parameters));
    out.push_str("how operations come\n");
    out.push_str(&keys(&grammar::load()));
    let _ = writeln!(out, "model: {}", load.model);
    let _ = writeln!(out, "can be checked for: {}", catalogue.checks(&load.model).join(", "));
    Some(out)
}

/// Keys with what they say, and their defaults.
fn keys(keys: &[Key]) -> String {
    let width = keys.iter().map(|key| key.name.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for key in keys {
        let note = match &key.presence {
            Presence::Default(default) => format!(" (default {})", default.span.text().trim()),
            Presence::Needed => " (needed)".to_owned(),
            Presence::Later => " (not available yet)".to_owned(),
            Presence::Optional => String::new(),
        };
        let words = format!("{}{note}", key.about);
        let text = wrapped(&words, width + 4);
        let _ = writeln!(out, "  {:<width$}  {}", key.name, text.trim_start());
        if let Shape::Word(_, choices) = &key.shape {
            for choice in choices.iter().filter(|choice| !choice.about.is_empty()) {
                let _ = writeln!(out, "  {:<width$}    {}: {}", "", choice.word, choice.about);
            }
        }
    }
    out
}

fn system(catalogue: &Catalogue, name: &str) -> Option<String> {
    let source = catalogue.system(name)?;
    let names: Vec<&str> = catalogue.consistency.iter().map(|one| one.name).collect();
    let file = system::read(source, None, &names).ok()?;
    Some(system_words(&file))
}

fn system_words(file: &SystemFile) -> String {
    let system = &file.system;
    let mut out = format!("{}: a system, {}\n\n{}\n\n", system.name, system.about, file.seen);
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(out, "{name}: {value}");
        }
    };
    line("client", system.client.kind.clone());
    line("functions", system.functions.join(", "));
    line("claims", system.claims.join(", "));
    line("needs", system.needs.join(", "));
    line(
        "notices a lost node after",
        system.failure_detection.map_or_else(String::new, super::written),
    );
    line("has a leader", if system.leader.is_some() { "yes" } else { "no" }.to_owned());
    line("durability", system.durability.join("; "));
    line("limits", system.limits.join("; "));
    line("never in its logs", system.never.join(" · "));
    if !file.words.settings.is_empty() {
        let _ = write!(out, "\nsettings\n{}", keys(&file.words.settings));
    }
    if !file.words.client.is_empty() {
        let _ = write!(out, "\noptions of the client\n{}", keys(&file.words.client));
    }
    out
}

fn plan(catalogue: &Catalogue, name: &str) -> Option<String> {
    let source = catalogue.plan(name)?;
    let file = stem(&source.name);
    Some(format!(
        "{file}: a plan\n\n{}\n\n{}",
        opening_comment(&source.text),
        source.text.lines().skip_while(|line| line.starts_with('#')).collect::<Vec<_>>().join("\n")
    ))
}

fn consistency(catalogue: &Catalogue, name: &str) -> Option<String> {
    let one = catalogue.consistency.iter().find(|one| one.name == name)?;
    let mut out = format!("{name}: for {}\n\n{}\n\n", one.models.join(", "), wrapped(one.doc, 0));
    for (anomaly, about) in one.anomalies {
        let _ = writeln!(out, "  {anomaly}: {about}");
    }
    let _ = writeln!(out, "\nsource: {}", wrapped(one.source, 0));
    Some(out)
}

fn model(name: &str) -> Option<String> {
    let model = temblor_checker::models().iter().find(|model| model.name == name)?;
    let functions = model.functions.join("\n  ");
    Some(format!("{name}: a model\n\n{}\n\n  {functions}\n", wrapped(model.doc, 0)))
}

fn anomaly(catalogue: &Catalogue, name: &str) -> Option<String> {
    let of = |one: &&temblor_checker::ConsistencyEntry| {
        one.anomalies.iter().any(|(known, _)| *known == name)
    };
    let levels: Vec<&str> = catalogue.consistency.iter().filter(of).map(|one| one.name).collect();
    let all = catalogue.consistency.iter().flat_map(|one| one.anomalies);
    let (_, about) = all.into_iter().find(|(known, _)| *known == name)?;
    Some(format!("{name}: an anomaly, {about}\n\nforbidden by: {}\n", levels.join(", ")))
}

fn grudges() -> String {
    let mut out = "Who can't hear whom in a `partition`.\n\n".to_owned();
    for (word, about, _) in &GRUDGE_WORDS {
        let _ = writeln!(out, "  {word:<20}{about}");
    }
    out.push_str("  [[n1], [n2, n3]]    these groups; who is in none hears everybody\n");
    out
}

fn system_files() -> String {
    format!(
        "A system file says how a database is installed, started, asked and stopped. Adding one is\n\
         this file, and a client only where it speaks no protocol that temblor speaks.\n\n{}\n{}",
        OWN_SYSTEM,
        templates()
    )
}

fn templates() -> String {
    let names = template::NAMES.map(|name| format!("{{{name}}}")).join(", ");
    format!(
        "Words of command lines and values of `env` are templates:\n\n\
         \x20 {names}\n\
         \x20 {{port.NAME}}, {{setting.NAME}}\n\
         \x20 {{nodes: BODY | SEPARATOR}}: the body for every node, `space` for a space between\n\
         \x20 {{peers: BODY | SEPARATOR}}: the same for every other node\n\
         \x20 {{{{ and }}}}: braces\n"
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{super::source::Source, *};

    #[test]
    fn everything_that_is_listed_is_explained() {
        let catalogue = Catalogue::embedded();
        for name in names(&catalogue) {
            let words = explain(&catalogue, &name).unwrap();
            assert!(words.len() > 60, "{name}: {words}");
        }
    }

    #[test]
    fn near_names_are_suggested() {
        let catalogue = Catalogue::embedded();
        assert_eq!(
            explain(&catalogue, "isolat").unwrap_err(),
            "nothing is called `isolat`; did you mean `isolate`?"
        );
        assert_eq!(
            list::list(&catalogue, "fault").unwrap_err(),
            "there is no list `fault`; did you mean `faults`? \
             There are faults, workloads, systems, plans, consistency, models"
        );
    }

    #[test]
    fn the_example_of_a_system_file_is_sound() {
        let source = Arc::new(Source { name: "my-db.yaml".into(), text: OWN_SYSTEM.into() });
        let path = std::path::Path::new("/plans/my-db.yaml");
        let file = system::read(&source, Some(path), &["linearizable"]).unwrap();
        assert_eq!(file.system.client.exec, ["python3", "/plans/my_client.py"]);
    }

    #[test]
    fn a_fault_in_words() {
        insta::assert_snapshot!(explain(&Catalogue::embedded(), "slow").unwrap(), @"
        slow: a fault of links that delays packets; the short form of `link` for slow links

        Requests through the target take longer by a few of its delays; elections may follow if they take too long.
        Nothing is lost, so everything should still succeed, only later.

          - slow: { target: leader, delay: 300ms, for: 10s }

          target        every link between these nodes and all others, both ways; or the links of
                        `clients of …` (default one)
          from          instead of `target`, the senders of the links; needs `to`
          to            the receivers of the links; needs `from`
          both-ways     with `from` and `to`, the other direction too (default false)
          delay         how much later every packet arrives; the order within a flow is kept
                        (default 100ms)
          jitter        how far the delay is spread; without it, a fifth of the delay
          distribution  how it is spread; without it, `uniform`. See `link`
        its time (`temblor explain times`)
          at        how long after its phase began it begins; without it, at once
          after     what has to happen in its phase before it begins
          for       how long it lasts; without it, to the end of its phase
          until     what ends it; needs `at-most`
          at-most   how long it lasts when what ends it does not happen
          every     from the beginning of one occurrence to that of the next, which also waits for
                    the end of the last
          times     with `every`: how many occurrences at most
          as        a name for it and its target: others may act on the same nodes, or wait for its
                    end
          optional  the run may pass though it could not happen (default false)
        verified: datagrams on the links arrive late, by about as much as the fault says
        healed: datagrams cross every link at once
        ");
    }
}
