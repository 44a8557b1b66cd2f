//! Waits until the cluster is formed: every node says so in one round of questions.

use std::time::Duration;

use temblor_workloads::Endpoint;

use super::{context::Readiness, probe::Answer};
use crate::clock::monotonic_ns;

const ASK_EVERY: Duration = Duration::from_millis(100);

/// Waits until one node is ready.
///
/// # Errors
/// After `within`: what it last said.
pub(crate) async fn wait_for_one(
    readiness: &Readiness,
    node: &str,
    within: Duration,
) -> Result<(), String> {
    let this = readiness.asked.iter().filter(|(endpoint, _)| endpoint.node == node);
    let one = Readiness { asker: readiness.asker.clone(), asked: this.cloned().collect() };
    wait(&one, within).await
}

/// Waits until every node is ready at once.
///
/// # Errors
/// After `within`: which nodes are not ready, and what they last said.
pub(crate) async fn wait(readiness: &Readiness, within: Duration) -> Result<(), String> {
    let Readiness { asker, asked: endpoints } = readiness;
    let give_up = monotonic_ns() + within.as_nanos() as i64;
    loop {
        let asking = endpoints.iter().map(|(endpoint, argv)| asker.ask(endpoint, argv));
        let answers = futures_util::future::join_all(asking).await;
        let lacking = lacking(endpoints, &answers);
        if lacking.is_empty() {
            return Ok(());
        }
        if monotonic_ns() > give_up {
            return Err(format!("not ready within {within:?}: {}", lacking.join("; ")));
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

fn lacking(endpoints: &[(Endpoint, Vec<String>)], answers: &[Answer]) -> Vec<String> {
    let pairs = endpoints.iter().zip(answers);
    pairs
        .filter_map(|((endpoint, _), answer)| match answer {
            Answer::Yes { .. } => None,
            Answer::No(why) => Some(format!("{} ({why})", endpoint.node)),
        })
        .collect()
}
