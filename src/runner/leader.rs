//! Who leads: asks every node now and then, and says when the answer changes.

use std::{sync::Arc, time::Duration};

use temblor_history::Happening;
use temblor_workloads::{Endpoint, LeaderClaim};
use tokio::sync::watch;

use super::{bus::Bus, probe::Asker};

/// From one round of questions to the next.
const ASK_EVERY: Duration = Duration::from_millis(150);

/// Who leads, as far as the nodes themselves say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Leadership {
    /// The claimant with the highest term.
    pub(crate) leader: Option<String>,
    /// Its term.
    pub(crate) term: Option<u64>,
    /// All who claim.
    pub(crate) claimants: Vec<String>,
}

/// Of several claimants the one with the highest term leads: the others have not heard yet.
pub(crate) fn elect(claims: &[(String, LeaderClaim)]) -> Leadership {
    let claimants = claims.iter().filter(|(_, claim)| claim.leads);
    let leader = claimants.clone().max_by_key(|(_, claim)| claim.term);
    Leadership {
        leader: leader.map(|(node, _)| node.clone()),
        term: leader.and_then(|(_, claim)| claim.term),
        claimants: claimants.map(|(node, _)| node.clone()).collect(),
    }
}

/// Asks until the watcher is dropped. Between two leaders there may be none: only a new one
/// changes the leader for those who wait.
pub(crate) async fn follow(
    asker: Asker,
    endpoints: Arc<Vec<(Endpoint, Vec<String>)>>,
    bus: Arc<Bus>,
    leadership: watch::Sender<Leadership>,
) {
    while !leadership.is_closed() {
        let found = elect(&claims(&asker, &endpoints).await);
        if *leadership.borrow() != found {
            bus.say(Happening::Leader {
                node: found.leader.clone(),
                term: found.term,
                claimants: found.claimants.clone(),
            });
            leadership.send_replace(found);
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

async fn claims(
    asker: &Asker,
    endpoints: &[(Endpoint, Vec<String>)],
) -> Vec<(String, LeaderClaim)> {
    let asking = endpoints.iter().map(|(endpoint, argv)| async move {
        (endpoint.node.clone(), LeaderClaim::from(asker.ask(endpoint, argv).await))
    });
    futures_util::future::join_all(asking).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(node: &str, leads: bool, term: u64) -> (String, LeaderClaim) {
        (node.into(), LeaderClaim { leads, term: Some(term) })
    }

    #[test]
    fn the_highest_term_leads() {
        let found = elect(&[claim("n1", true, 3), claim("n2", true, 4), claim("n3", false, 9)]);
        assert_eq!(found.leader.as_deref(), Some("n2"));
        assert_eq!(found.claimants, ["n1", "n2"]);
        assert_eq!(elect(&[claim("n1", false, 3)]), Leadership::default());
    }
}
