//! The template language of system files: command lines with names in braces.
//!
//! | written | becomes |
//! | --- | --- |
//! | `{node}` | the node's name, `n1` |
//! | `{index}` | its number, from 1 |
//! | `{address}` | its address |
//! | `{data}` | its own folder for data, which exists |
//! | `{self}` | this program |
//! | `{here}` | the folder of the system file |
//! | `{port.NAME}` | a port of the system |
//! | `{setting.NAME}` | a parameter of the system |
//! | `{nodes: BODY \| SEPARATOR}` | the body for every node, in order, with a separator between; `space` is one |
//! | `{peers: BODY \| SEPARATOR}` | the same for every other node |
//! | `{{`, `}}` | a brace |
//!
//! In the body of a list `{node}`, `{index}` and `{address}` are those of the node that the list
//! has come to. There is nothing else: no conditions, no arithmetic, no shell.

use std::{collections::BTreeMap, ops::Range};

/// What a template is filled in with, on one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeContext<'a> {
    /// All nodes, in order.
    pub nodes: &'a [NodeAddress],
    /// Which of them this is, from 0.
    pub place: usize,
    /// The node's folder for data.
    pub data: &'a str,
    /// The path of this program.
    pub own_program: &'a str,
    /// The system's ports by name.
    pub ports: &'a BTreeMap<String, u16>,
    /// The system's parameters, resolved.
    pub settings: &'a BTreeMap<String, String>,
}

/// A node's name and address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeAddress {
    /// n1…
    pub name: String,
    /// Where it listens, a literal address.
    pub address: String,
}

/// Why a template can't be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("in the template `{template}`: {message}")]
pub struct TemplateError {
    /// The whole template.
    pub template: String,
    /// Where in it.
    pub at: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What was written where a name was expected; empty for other mistakes.
    pub unknown: String,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Variable(Variable, Range<usize>),
    Each { others_only: bool, body: Vec<Piece>, separator: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Variable {
    Node,
    Index,
    Address,
    Data,
    Own,
    Port(String),
    Setting(String),
}

/// Names that may stand in braces, ports and settings aside.
pub(crate) const NAMES: [&str; 6] = ["node", "index", "address", "data", "self", "here"];

/// Fills a template in.
///
/// # Errors
/// When it is no template, or names what the system doesn't have; loading a system file has ruled
/// out both.
pub fn fill_in(template: &str, context: &NodeContext<'_>) -> Result<String, TemplateError> {
    let mut parser = Parser { template, rest: 0, unknown: Vec::new() };
    let pieces = parser.pieces(false)?;
    if let Some(unknown) = parser.unknown.pop() {
        return Err(unknown);
    }
    let mut out = String::new();
    for piece in &pieces {
        piece.write(&mut out, context, context.place).map_err(|(message, at)| TemplateError {
            template: template.to_owned(),
            at,
            message,
            unknown: String::new(),
        })?;
    }
    Ok(out)
}

/// Every mistake of a template: syntax, and names that the system doesn't have.
pub(crate) fn check(template: &str, ports: &[&str], settings: &[&str]) -> Vec<TemplateError> {
    let mut parser = Parser { template, rest: 0, unknown: Vec::new() };
    let pieces = match parser.pieces(false) {
        Ok(pieces) => pieces,
        Err(error) => return vec![error],
    };
    let mut errors = parser.unknown;
    check_pieces(&pieces, &mut |kind, name, at| {
        let known = if kind == "port" { ports } else { settings };
        if !known.contains(&name) {
            errors.push(TemplateError {
                template: template.to_owned(),
                at,
                message: format!("the system has no {kind} `{name}`"),
                unknown: name.to_owned(),
            });
        }
    });
    errors
}

fn check_pieces(pieces: &[Piece], found: &mut impl FnMut(&str, &str, Range<usize>)) {
    for piece in pieces {
        match piece {
            Piece::Variable(Variable::Port(name), at) => found("port", name, at.clone()),
            Piece::Variable(Variable::Setting(name), at) => found("setting", name, at.clone()),
            Piece::Each { body, .. } => check_pieces(body, found),
            Piece::Text(_) | Piece::Variable(..) => {}
        }
    }
}

impl Piece {
    fn write(
        &self,
        out: &mut String,
        context: &NodeContext<'_>,
        place: usize,
    ) -> Result<(), (String, Range<usize>)> {
        match self {
            Self::Text(text) => out.push_str(text),
            Self::Variable(variable, at) => {
                let value = variable.value(context, place);
                out.push_str(&value.map_err(|message| (message, at.clone()))?);
            }
            Self::Each { others_only, body, separator } => {
                let mut first = true;
                for other in 0..context.nodes.len() {
                    if *others_only && other == context.place {
                        continue;
                    }
                    if !std::mem::take(&mut first) {
                        out.push_str(separator);
                    }
                    for piece in body {
                        piece.write(out, context, other)?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl Variable {
    fn value(&self, context: &NodeContext<'_>, place: usize) -> Result<String, String> {
        let node = context.nodes.get(place).ok_or("there is no such node")?;
        let missing = |kind: &str, name: &str| format!("the system has no {kind} `{name}`");
        Ok(match self {
            Self::Node => node.name.clone(),
            Self::Index => (place + 1).to_string(),
            Self::Address => node.address.clone(),
            Self::Data => context.data.to_owned(),
            Self::Own => context.own_program.to_owned(),
            Self::Port(name) => {
                context.ports.get(name).ok_or_else(|| missing("port", name))?.to_string()
            }
            Self::Setting(name) => {
                context.settings.get(name).ok_or_else(|| missing("setting", name))?.clone()
            }
        })
    }
}

struct Parser<'t> {
    template: &'t str,
    rest: usize,
    /// Variables that don't exist; reading goes on behind them.
    unknown: Vec<TemplateError>,
}

impl Parser<'_> {
    /// Pieces up to the end, or in a list up to its `|`.
    fn pieces(&mut self, in_list: bool) -> Result<Vec<Piece>, TemplateError> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        while let Some(next) = self.template[self.rest..].chars().next() {
            let doubled =
                self.template[self.rest..].starts_with(if next == '{' { "{{" } else { "}}" });
            match next {
                '{' | '}' if doubled => {
                    text.push(next);
                    self.rest += 2;
                }
                '{' => {
                    let literal = std::mem::take(&mut text);
                    pieces.extend((!literal.is_empty()).then_some(Piece::Text(literal)));
                    pieces.push(self.braces(in_list)?);
                }
                '|' if in_list => break,
                '}' => {
                    let end = if in_list {
                        "a list needs its separator: `{nodes: … | ,}`"
                    } else {
                        "a `}` without its `{`"
                    };
                    return Err(self.error(self.rest..self.rest + 1, end));
                }
                _ => {
                    text.push(next);
                    self.rest += next.len_utf8();
                }
            }
        }
        pieces.extend((!text.is_empty()).then_some(Piece::Text(text)));
        Ok(pieces)
    }

    /// One `{…}`.
    fn braces(&mut self, in_list: bool) -> Result<Piece, TemplateError> {
        let start = self.rest;
        let inner = &self.template[start + 1..];
        for (word, others_only) in [("nodes:", false), ("peers:", true)] {
            if inner.starts_with(word) {
                if in_list {
                    return Err(self.error(start..start + 1, "a list inside a list"));
                }
                self.rest = start + 1 + word.len();
                return self.list(start, others_only);
            }
        }
        let Some(length) = inner.find('}') else {
            return Err(self.error(start..self.template.len(), "a `{` without its `}`"));
        };
        let at = start + 1..start + 1 + length;
        self.rest = at.end + 1;
        Ok(self.variable(at))
    }

    fn list(&mut self, start: usize, others_only: bool) -> Result<Piece, TemplateError> {
        let mut body = self.pieces(true)?;
        trim(&mut body);
        let separator_start = self.rest + 1;
        let end = self.template.get(separator_start..).and_then(|rest| rest.find('}'));
        let Some(length) = end else {
            return Err(self.error(start..self.template.len(), "a `{` without its `}`"));
        };
        let separator = &self.template[separator_start..separator_start + length];
        self.rest = separator_start + length + 1;
        let separator = match separator.trim() {
            "space" => " ",
            other => other,
        };
        Ok(Piece::Each { others_only, body, separator: separator.to_owned() })
    }

    fn variable(&mut self, at: Range<usize>) -> Piece {
        let name = &self.template[at.clone()];
        let variable = match name {
            "node" => Variable::Node,
            "index" => Variable::Index,
            "address" => Variable::Address,
            "data" => Variable::Data,
            "self" => Variable::Own,
            _ => match name.split_once('.') {
                Some(("port", port)) => Variable::Port(port.to_owned()),
                Some(("setting", setting)) => Variable::Setting(setting.to_owned()),
                _ => {
                    let mut error = self.error(at, &format!("there is no variable `{name}`"));
                    name.clone_into(&mut error.unknown);
                    self.unknown.push(error);
                    return Piece::Text(String::new());
                }
            },
        };
        Piece::Variable(variable, at)
    }

    fn error(&self, at: Range<usize>, message: &str) -> TemplateError {
        TemplateError {
            template: self.template.to_owned(),
            at,
            message: message.to_owned(),
            unknown: String::new(),
        }
    }
}

/// Spaces around a list's body are for the reader.
fn trim(body: &mut [Piece]) {
    if let Some(Piece::Text(first)) = body.first_mut() {
        *first = first.trim_start().to_owned();
    }
    if let Some(Piece::Text(last)) = body.last_mut() {
        *last = last.trim_end().to_owned();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(template: &str) -> Result<String, String> {
        let nodes = ["10.1.0.1", "10.1.0.2", "10.1.0.3"];
        let nodes: Vec<NodeAddress> = (1..)
            .zip(nodes)
            .map(|(number, address)| NodeAddress {
                name: format!("n{number}"),
                address: address.to_owned(),
            })
            .collect();
        let context = NodeContext {
            nodes: &nodes,
            place: 1,
            data: "/run/n2",
            own_program: "/bin/temblor",
            ports: &BTreeMap::from([("peer".to_owned(), 2380)]),
            settings: &BTreeMap::from([("bug".to_owned(), "none".to_owned())]),
        };
        fill_in(template, &context).map_err(|error| format!("{} at {:?}", error.message, error.at))
    }

    #[test]
    fn templates_are_filled_in() {
        let cases = [
            ("{self} --id={index} --name={node}", "/bin/temblor --id=2 --name=n2"),
            ("http://{address}:{port.peer}", "http://10.1.0.2:2380"),
            (
                "{nodes: {node}={address}:{port.peer} | ,}",
                "n1=10.1.0.1:2380,n2=10.1.0.2:2380,n3=10.1.0.3:2380",
            ),
            ("{peers: {node} | space}!", "n1 n3!"),
            ("{{x}} {setting.bug}", "{x} none"),
        ];
        for (template, expected) in cases {
            assert_eq!(rendered(template).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn mistakes_have_a_place() {
        let cases = [
            ("a {nod}", "there is no variable `nod` at 3..6"),
            ("{node", "a `{` without its `}` at 0..5"),
            ("node}", "a `}` without its `{` at 4..5"),
            ("{nodes: {node}}", "a list needs its separator: `{nodes: … | ,}` at 14..15"),
            ("{nodes: {peers: x | ,} | ,}", "a list inside a list at 8..9"),
            ("{port.x}", "the system has no port `x` at 1..7"),
        ];
        for (template, expected) in cases {
            assert_eq!(rendered(template), Err(expected.to_owned()));
        }
        let unknown = check("{port.peeer} {setting.bug}", &["peer"], &[]);
        let messages: Vec<&str> = unknown.iter().map(|error| error.message.as_str()).collect();
        assert_eq!(messages, ["the system has no port `peeer`", "the system has no setting `bug`"]);
    }
}
