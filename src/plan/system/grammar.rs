//! The grammar of system files, as tables.

use temblor_workloads::{CLIENT_KINDS, ClientOption};

use crate::plan::{
    leaf::{DURATION, FLAG, TEXT},
    shape::{Choice, Key, Shape, Variant},
};

pub(super) fn text() -> Shape {
    Shape::Leaf(&TEXT)
}

/// The grammar of system files.
pub(super) fn shape(consistency: &[&str]) -> Shape {
    let claims =
        consistency.iter().map(|name| Choice { word: (*name).to_owned(), about: String::new() });
    Shape::Map(vec![
        Key::needed("system", text(), "its name"),
        Key::needed("about", text(), "what it is, in one line"),
        Key::optional(
            "install",
            Shape::list(Shape::list(text())),
            "commands that install it, each a list of words",
        ),
        Key::optional(
            "needs",
            Shape::list(text()),
            "programs that must be on the PATH; `@self` is temblor itself",
        ),
        Key::optional("version", Shape::list(text()), "a command that prints its version"),
        Key::optional(
            "ports",
            Shape::AnyKeys(Box::new(Shape::Count(1..=65535))),
            "its ports by name, the same on every node",
        ),
        Key::optional(
            "settings",
            Shape::AnyKeys(Box::new(Shape::Map(setting()))),
            "its parameters",
        ),
        Key::needed(
            "servers",
            Shape::list(Shape::Map(server())),
            "the server processes of a node, in order of start",
        ),
        Key::needed(
            "ready",
            Shape::Map(probe(true)),
            "how to ask a node whether the cluster is formed",
        ),
        Key::optional("leader", Shape::Map(probe(false)), "how to ask a node whether it leads"),
        Key::needed("client", Shape::Variants("client", clients()), "the client that speaks to it"),
        Key::needed(
            "functions",
            Shape::list(text()),
            "the functions that it offers, in the models' words",
        ),
        Key::needed(
            "claims",
            Shape::list(Shape::Word("consistency model", claims.collect())),
            "the consistency that it promises",
        ),
        Key::optional(
            "durability",
            Shape::list(text()),
            "what decides whether acknowledged writes survive, in words",
        ),
        Key::optional("limits", Shape::list(text()), "what its documentation permits, in words"),
        Key::optional(
            "failure-detection",
            Shape::Leaf(&DURATION),
            "how long it takes to notice a lost node",
        ),
        Key::optional("never", Shape::list(text()), "parts of log lines that must never appear"),
        Key::optional("membership", Shape::Map(membership()), "how members are removed and added"),
        Key::optional("upgrade", Shape::Map(upgrade()), "other versions that it can be changed to"),
    ])
}

fn needs() -> [Key; 2] {
    [
        Key::optional("needs", Shape::list(text()), "programs that must be on the PATH for that"),
        Key::optional("install", Shape::list(Shape::list(text())), "commands that install them"),
    ]
}

fn membership() -> Vec<Key> {
    let command = |name, about| Key::needed(name, Shape::list(text()), about);
    let mut keys = vec![
        command(
            "members",
            "a command that lists the members, one a line; `{via}` is the address of the member \
             that is asked",
        ),
        Key::needed(
            "member",
            text(),
            "a regular expression for such a line, with groups called `id`, and `name` or `address`",
        ),
        command("remove", "a command that removes the node; `{id}` is what the list calls it"),
        command("add", "a command that adds the node"),
    ];
    keys.extend(needs());
    keys
}

fn upgrade() -> Vec<Key> {
    let version = vec![
        Key::needed(
            "programs",
            Shape::AnyKeys(Box::new(text())),
            "the program of each server that changes, by the server's name",
        ),
        Key::optional("install", Shape::list(Shape::list(text())), "commands that install it"),
    ];
    let mut keys = vec![
        Key::needed(
            "running",
            Shape::list(text()),
            "a command that has a node's server say its version",
        ),
        Key::needed(
            "version",
            text(),
            "a regular expression for what it says, with a group called `version`",
        ),
        Key::needed("to", Shape::AnyKeys(Box::new(Shape::Map(version))), "the versions by name"),
    ];
    keys.extend(needs());
    keys
}

fn setting() -> Vec<Key> {
    vec![
        Key::needed("default", text(), "its value where a plan says nothing"),
        Key::needed("about", text(), "what it decides"),
        Key::optional(
            "one-of",
            Shape::AnyKeys(Box::new(text())),
            "the values that it takes, each with what it means",
        ),
    ]
}

fn server() -> Vec<Key> {
    vec![
        Key::needed("name", text(), "what it is called in reports"),
        Key::needed("run", Shape::list(text()), "its command line, word by word, each a template"),
        Key::optional(
            "join",
            Shape::list(text()),
            "words at the end of its command line where it joins a cluster that is there, after \
             `membership`",
        ),
        Key::optional(
            "env",
            Shape::AnyKeys(Box::new(text())),
            "environment variables, each a template",
        ),
        Key::optional(
            "files",
            Shape::AnyKeys(Box::new(text())),
            "files that it needs, by name below the data folder, each text a template; written \
             once, before its first start",
        ),
        Key::optional(
            "prepare",
            Shape::list(Shape::list(text())),
            "commands that run once before its first start, one after the other, each word a \
             template; one that fails is an error",
        ),
        Key::optional("user", text(), "the user that it runs as; without it, the user of the run"),
        Key::optional(
            "stop",
            Shape::words("signal", &[("TERM", ""), ("INT", ""), ("QUIT", "")]),
            "the signal of a graceful stop; without it, TERM",
        ),
    ]
}

fn probe(within: bool) -> Vec<Key> {
    let http = vec![
        Key::optional("get", text(), "the path of a GET"),
        Key::optional("post", text(), "the path of a POST"),
        Key::optional("body", text(), "the body of a POST"),
        Key::needed("port", text(), "the port's name"),
        Key::optional(
            "is",
            Shape::AnyKeys(Box::new(text())),
            "a JSON pointer, and what must stand there: a text, or another pointer",
        ),
        Key::optional("term", text(), "a JSON pointer to the term"),
    ];
    let mut keys = vec![
        Key::optional("http", Shape::Map(http), "an HTTP request that is answered with a 2xx"),
        Key::optional(
            "exec",
            Shape::list(text()),
            "a command, each word a template, that exits 0 for yes",
        ),
        Key::optional("tcp", text(), "the name of a port that accepts connections"),
    ];
    if within {
        keys.push(Key::optional(
            "within",
            Shape::Leaf(&DURATION),
            "how long the whole cluster may take",
        ));
    }
    keys
}

fn clients() -> Vec<Variant> {
    let kinds = CLIENT_KINDS.iter().filter(|kind| kind.name != "exec").map(|kind| Variant {
        name: kind.name.to_owned(),
        about: kind.about.to_owned(),
        keys: options(kind.name),
    });
    let mut variants: Vec<Variant> = kinds.collect();
    variants.push(Variant {
        name: "exec".to_owned(),
        about: "a program of your own that speaks JSON Lines".to_owned(),
        keys: vec![
            Key::needed("run", Shape::list(text()), "the program and its arguments"),
            Key::optional("multiplex", Shape::Leaf(&FLAG), "one program for all logical clients"),
        ],
    });
    variants
}

/// The options of a kind of client, as keys with their defaults.
pub(super) fn options(kind: &str) -> Vec<Key> {
    let known = CLIENT_KINDS.iter().find(|known| known.name == kind);
    let options = known.map_or(&[][..], |known| known.options);
    let key = |option: &ClientOption| {
        let words: Vec<(&str, &str)> = option.values.iter().map(|value| (*value, "")).collect();
        Key::optional(option.name, Shape::words("value", &words), option.about)
    };
    options.iter().map(key).collect()
}
