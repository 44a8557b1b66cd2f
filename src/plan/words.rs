//! What the templates of a run are filled in with, node by node, once its nodes have addresses.

use std::collections::BTreeMap;

use super::template::{NodeAddress, NodeContext, fill_in};

/// The values of all nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeWords {
    /// The nodes, in order.
    pub nodes: Vec<NodeAddress>,
    /// Their folders for data, in the same order.
    pub data: Vec<String>,
    /// The path of this program.
    pub own_program: String,
    /// The system's ports by name.
    pub ports: BTreeMap<String, u16>,
    /// The system's parameters, resolved.
    pub settings: BTreeMap<String, String>,
}

impl NodeWords {
    /// Which node has this name, from 0.
    pub fn place(&self, node: &str) -> Option<usize> {
        self.nodes.iter().position(|one| one.name == node)
    }

    /// A template with the values of one node.
    ///
    /// # Errors
    /// When it is no template, or there is no such node; loading has ruled both out.
    pub fn fill_in(&self, place: usize, template: &str) -> Result<String, String> {
        let data = self.data.get(place).ok_or("there is no such node")?;
        let context = NodeContext {
            nodes: &self.nodes,
            place,
            data,
            own_program: &self.own_program,
            ports: &self.ports,
            settings: &self.settings,
        };
        fill_in(template, &context).map_err(|error| error.to_string())
    }

    /// A command line with the values of one node, word by word.
    ///
    /// # Errors
    /// As [`fill_in`](Self::fill_in).
    pub fn fill_in_all(&self, place: usize, templates: &[String]) -> Result<Vec<String>, String> {
        templates.iter().map(|template| self.fill_in(place, template)).collect()
    }

    /// The values of one node as environment variables: for scripts, in which no value may stand
    /// as text.
    pub fn environment(&self, place: usize) -> Vec<(String, String)> {
        let Some((node, data)) = self.nodes.get(place).zip(self.data.get(place)) else {
            return Vec::new();
        };
        let port = |(name, port): (&String, &u16)| {
            let name = name.to_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
            (format!("TEMBLOR_PORT_{name}"), port.to_string())
        };
        let own = [("NODE", &node.name), ("ADDRESS", &node.address), ("DATA", data)];
        let own = own.map(|(name, value)| (format!("TEMBLOR_{name}"), value.clone()));
        own.into_iter().chain(self.ports.iter().map(port)).collect()
    }
}
