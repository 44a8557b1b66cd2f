//! A member leaves and comes back: its own servers by its agent, the members' list by commands of
//! the system's file, run here and answered by another member.
//!
//! A command that fails is tried again for a while, after a look at the list: it may have worked,
//! and a system may refuse changes until all others are well.

use std::time::Duration;

use regex::Regex;
use temblor_history::Evidence;

use super::{commands, context::Context, rolling};
use crate::{
    cluster::{Applied, ClusterError, ResolvedFault},
    plan::Membership,
};

/// How long the others may take to remove or add a member.
const BOUND: Duration = Duration::from_secs(20);
/// How long a new member may take to be ready.
const READY: Duration = Duration::from_secs(30);
/// How long one command may take.
const ANSWER: Duration = Duration::from_secs(3);
/// Between two tries.
const AGAIN: Duration = Duration::from_millis(300);

/// Stops the node's servers, has the others strike it off, and takes its data from it.
pub(super) async fn leave(
    context: &Context,
    name: &str,
    fault: &ResolvedFault,
) -> Result<Applied, ClusterError> {
    let list = List::of(context, name, fault)?;
    let mut applied = context.cluster.inject(name, fault).await?;
    let seen = list.change(false).await;
    if seen.holds {
        // Who is a member still must keep what it has promised to keep.
        context.cluster.forget(&list.node).await?;
    }
    applied.evidence.push(seen);
    applied.begun.latest = crate::clock::monotonic_ns();
    Ok(applied)
}

/// Has the others list the node again, starts its servers, and waits until they are ready.
pub(super) async fn come_back(
    context: &Context,
    name: &str,
    fault: &ResolvedFault,
) -> Result<Applied, ClusterError> {
    let list = List::of(context, name, fault)?;
    let added = list.change(true).await;
    // Whatever has become of that: the servers run again.
    let mut applied = context.cluster.heal(name).await?;
    if !added.holds {
        let why = format!("{}: {}", added.what, added.observed);
        return Err(ClusterError::new(list.node, "add it to its cluster again", why));
    }
    let expected = "ready, as a new member";
    let ready = rolling::ready_again(context, &list.node, READY, expected).await;
    applied.begun.latest = crate::clock::monotonic_ns();
    applied.evidence.extend([added, ready, list.seen(true).await]);
    Ok(applied)
}

/// What a member's list calls the node, if it lists it; or why that is not known.
type Told = Result<Option<String>, String>;

/// The members' list, as far as one node is concerned.
struct List<'c> {
    context: &'c Context,
    how: &'c Membership,
    member: Regex,
    node: String,
    place: usize,
}

impl<'c> List<'c> {
    fn of(context: &'c Context, name: &str, fault: &ResolvedFault) -> Result<Self, ClusterError> {
        let failed = |why: String| ClusterError::new(name, "change the members", why);
        let [node] = fault.nodes.as_slice() else {
            let why = format!("members leave one at a time, and these are {}", fault.nodes.len());
            return Err(failed(why));
        };
        let how = context.membership.as_ref();
        let how = how.ok_or_else(|| failed("the system's file does not say how".into()))?;
        let member = Regex::new(&how.member).map_err(|error| failed(error.to_string()))?;
        let place = context.words.place(node);
        let place = place.ok_or_else(|| failed(format!("there is no node {node}")))?;
        Ok(Self { context, how, member, node: node.clone(), place })
    }

    /// Makes the node a member, or makes it none, and looks whether it is.
    async fn change(&self, wanted: bool) -> Evidence {
        let argv = if wanted { &self.how.add } else { &self.how.remove };
        let ends_ns = self.context.clock.now_ns() + BOUND.as_nanos() as i64;
        let mut trouble = String::new();
        loop {
            let told = self.ask_all().await;
            if let Some(words) = self.agreed(&told, wanted) {
                return self.evidence(wanted, words, true);
            }
            for (via, told) in told {
                let done = match told {
                    Ok(id) if id.is_some() == wanted => continue,
                    Ok(id) => self.change_via(via, argv, id.as_deref()).await,
                    Err(why) => Err(why),
                };
                match done {
                    Ok(()) => break,
                    Err(why) => trouble = why,
                }
            }
            if self.context.clock.now_ns() >= ends_ns {
                return self.evidence(wanted, trouble, false);
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn change_via(
        &self,
        via: usize,
        argv: &[String],
        id: Option<&str>,
    ) -> Result<(), String> {
        let argv = self.command(via, argv, id.unwrap_or_default())?;
        commands::output(&argv, ANSWER).await.map(drop)
    }

    /// Waits until the others' lists say so.
    async fn seen(&self, wanted: bool) -> Evidence {
        let ends_ns = self.context.clock.now_ns() + BOUND.as_nanos() as i64;
        loop {
            let told = self.ask_all().await;
            if let Some(words) = self.agreed(&told, wanted) {
                return self.evidence(wanted, words, true);
            }
            if self.context.clock.now_ns() >= ends_ns {
                let words = told.iter().map(|(via, told)| self.words_of(*via, told));
                return self.evidence(wanted, words.collect::<Vec<_>>().join(", "), false);
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// What the list of each other member calls the node.
    async fn ask_all(&self) -> Vec<(usize, Told)> {
        let asked = self.others().map(async |via| (via, self.listed(via).await));
        futures_util::future::join_all(asked).await
    }

    /// The words of those who say so, if they are more than half of all: one alone may have been cut
    /// off from the others, and not know yet.
    fn agreed(&self, told: &[(usize, Told)], wanted: bool) -> Option<String> {
        let says = |told: &Told| told.as_ref().is_ok_and(|id| id.is_some() == wanted);
        let all: Vec<&(usize, Told)> = told.iter().filter(|(_, told)| says(told)).collect();
        let enough = (self.context.nodes.len() / 2 + 1).min(told.len().max(1));
        let words = all.iter().map(|(via, told)| self.words_of(*via, told));
        (all.len() >= enough).then(|| words.collect::<Vec<_>>().join(", "))
    }

    fn words_of(&self, via: usize, told: &Told) -> String {
        let teller = &self.context.nodes[via];
        match told {
            Ok(Some(id)) => format!("{teller} lists it, as {id}"),
            Ok(None) => format!("{teller} does not list it"),
            Err(why) => format!("{teller}: {why}"),
        }
    }

    fn evidence(&self, wanted: bool, observed: String, holds: bool) -> Evidence {
        Evidence {
            what: format!("{} in the others' lists of members", self.node),
            expected: if wanted { "a member" } else { "no member" }.into(),
            observed,
            holds,
        }
    }

    fn others(&self) -> impl Iterator<Item = usize> {
        let own = self.place;
        (0..self.context.nodes.len()).filter(move |place| *place != own)
    }

    /// What a member's list calls the node; none: it is no member.
    async fn listed(&self, via: usize) -> Told {
        let argv = self.command(via, &self.how.members, "")?;
        let said = commands::output(&argv, ANSWER).await?;
        let own = &self.context.words.nodes[self.place];
        let (id, others) = find(&self.member, &said, &own.name, &own.address);
        if id.is_none() && others == 0 {
            return Err(format!("no line of `{}` fits `member:`: {said}", argv.join(" ")));
        }
        Ok(id)
    }

    fn command(&self, via: usize, argv: &[String], id: &str) -> Result<Vec<String>, String> {
        let address = &self.context.words.nodes[via].address;
        let id = id.replace('{', "{{").replace('}', "}}");
        let known = |word: &String| word.replace("{via}", address).replace("{id}", &id);
        let argv: Vec<String> = argv.iter().map(known).collect();
        self.context.words.fill_in_all(self.place, &argv)
    }
}

/// What a list calls the node of this name or address; and how many other lines have a member.
fn find(member: &Regex, list: &str, name: &str, address: &str) -> (Option<String>, usize) {
    let (mut id, mut others) = (None, 0);
    for found in list.lines().filter_map(|line| member.captures(line)) {
        let is =
            |group: &str, own: &str| found.name(group).is_some_and(|said| said.as_str() == own);
        if is("name", name) || is("address", address) {
            id = found.name("id").map(|id| id.as_str().to_owned());
        } else {
            others += 1;
        }
    }
    (id, others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_by_name_or_address() {
        let list = "\
3c0a, started, n1, http://10.0.0.1:2380, http://10.0.0.1:2379, false
77ff, unstarted, , http://10.0.0.12:2380, , false
";
        let member =
            Regex::new(r"^(?<id>[0-9a-f]+), \w+, [^,]*, http://(?<address>[0-9.]+):").unwrap();
        let id = |address| find(&member, list, "n1", address);
        assert_eq!(id("10.0.0.1"), (Some("3c0a".into()), 1));
        assert_eq!(id("10.0.0.12"), (Some("77ff".into()), 1));
        assert_eq!(id("10.0.0.2"), (None, 2));
        let named = Regex::new(r"^(?<id>\w+) (?<name>\w+)$").unwrap();
        assert_eq!(find(&named, "a n1\nb n2\n", "n2", ""), (Some("b".into()), 1));
    }
}
