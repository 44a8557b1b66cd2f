//! The controller's side of a cluster.

use temblor_history::Evidence;
use tokio::sync::mpsc::UnboundedSender;

use super::{Applied, ClusterError, ClusterEvent, ClusterSpec, DownReport, Entered, ResolvedFault};

/// A cluster that is up.
#[derive(Debug)]
pub struct Cluster {}

impl Cluster {
    /// Makes nodes and links; starts no server.
    ///
    /// # Errors
    ///
    /// When a node cannot be made; what was made until then is cleared away.
    pub async fn up(
        entered: Entered,
        spec: ClusterSpec,
        events: UnboundedSender<ClusterEvent>,
    ) -> Result<Self, ClusterError> {
        let _ = (entered, spec, events);
        Err(ClusterError::new("this machine", "make a cluster", "not written yet"))
    }

    /// Starts the node's servers that do not run.
    pub async fn start_servers(&self, node: &str) -> Result<(), ClusterError> {
        Err(ClusterError::new(node, "start servers", "not written yet"))
    }

    /// Ends the node's servers with their stop signal, by force after ten seconds. Their exits
    /// are no events.
    pub async fn stop_servers(&self, node: &str) -> Result<(), ClusterError> {
        Err(ClusterError::new(node, "stop servers", "not written yet"))
    }

    /// Applies a fault and gathers evidence that it bites.
    pub async fn inject(
        &self,
        occurrence: &str,
        fault: &ResolvedFault,
    ) -> Result<Applied, ClusterError> {
        let _ = fault;
        Err(ClusterError::new(occurrence, "inject", "not written yet"))
    }

    /// Removes a fault and gathers evidence that nothing of it is left (other faults may be).
    pub async fn heal(&self, occurrence: &str) -> Result<Applied, ClusterError> {
        Err(ClusterError::new(occurrence, "heal", "not written yet"))
    }

    /// Removes every fault, and verifies that nothing is left: all links pass, no server is
    /// stopped, every server runs.
    pub async fn heal_all(&self) -> Result<Vec<Evidence>, ClusterError> {
        Err(ClusterError::new("this machine", "heal", "not written yet"))
    }

    /// Ends every node and says what is left of them.
    pub async fn down(self) -> DownReport {
        DownReport::default()
    }
}
