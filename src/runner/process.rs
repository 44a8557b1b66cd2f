//! One logical client: it performs operations on the node that it is pinned to, one at a time.

use std::{sync::Arc, time::Duration};

use temblor_workloads::{Answer, Client, Connector, Endpoint, Invocation, Outcome, Workload};

use super::recorder::Recorder;

/// What all logical clients share.
pub(crate) struct Stage {
    pub(crate) workload: Arc<dyn Workload>,
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) recorder: Recorder,
    /// The nodes, in order.
    pub(crate) endpoints: Vec<Endpoint>,
    /// When an operation is given up.
    pub(crate) op_timeout: Duration,
    /// How many processes act at once: an ended process is succeeded by the one this much higher.
    pub(crate) process_stride: u64,
}

/// A logical client with its connection. After an operation with an unknown outcome its process
/// never acts again: a fresh one takes its place, on a fresh connection.
pub(crate) struct Performer {
    stage: Arc<Stage>,
    process: u64,
    node: usize,
    connection: Option<Box<dyn Client>>,
}

impl Performer {
    pub(crate) fn new(stage: Arc<Stage>, process: u64, node: usize) -> Self {
        Self { stage, process, node, connection: None }
    }

    /// Performs one operation, recorded.
    pub(crate) async fn perform(
        &mut self,
        invocation: &Invocation,
        intended: Option<i64>,
    ) -> Outcome {
        let stage = Arc::clone(&self.stage);
        stage.recorder.invoke(self.process, self.node, intended, invocation);
        let outcome = self.attempt(invocation).await;
        stage.recorder.complete(self.process, self.node, invocation, &outcome);
        self.learn(invocation, &outcome);
        // A client that answers at once must not keep timers and other clients from running.
        tokio::task::coop::consume_budget().await;
        outcome
    }

    fn learn(&mut self, invocation: &Invocation, outcome: &Outcome) {
        match outcome {
            Outcome::Ok(result) => {
                self.stage.workload.observe(&Answer { invocation, result });
            }
            Outcome::Refused => {}
            Outcome::Fail(_) => {
                self.connection = self.connection.take().filter(|one| one.is_usable());
            }
            Outcome::Info(_) => {
                self.connection = None;
                self.process += self.stage.process_stride;
            }
        }
    }

    async fn attempt(&mut self, invocation: &Invocation) -> Outcome {
        if let Err(why) = self.connect().await {
            return Outcome::Fail(why);
        }
        let Some(client) = self.connection.as_mut() else {
            return Outcome::Fail("not connected".into());
        };
        match tokio::time::timeout(self.stage.op_timeout, client.invoke(invocation)).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::Info(format!("no answer within {:?}", self.stage.op_timeout)),
        }
    }

    /// Nothing has been sent when this fails, so the operation certainly did nothing.
    async fn connect(&mut self) -> Result<(), String> {
        if self.connection.is_some() {
            return Ok(());
        }
        let endpoint = &self.stage.endpoints[self.node];
        let opening = self.stage.connector.open(self.process, endpoint);
        match tokio::time::timeout(self.stage.op_timeout, opening).await {
            Ok(Ok(client)) => self.connection = Some(client),
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) => return Err(format!("no connection within {:?}", self.stage.op_timeout)),
        }
        Ok(())
    }
}
