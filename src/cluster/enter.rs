//! The controller's own step into the clients' network, before it has any thread.

use nix::sched::{CloneFlags, unshare};

use super::{ClusterError, Provider, namespaces, tap};

/// That this process stands in the clients' network. Only [`enter`] makes one.
#[derive(Debug)]
pub struct Entered {
    /// The provider that was entered.
    pub(super) provider: Provider,
}

impl Entered {
    /// The provider that was entered.
    pub fn provider(&self) -> Provider {
        self.provider
    }
}

/// Enters a user namespace (rootless) and a fresh network namespace for the clients; with
/// `Loopback` nothing. From here on this process reaches no network but its nodes.
///
/// # Errors
///
/// Must be called while the process has one thread, before any runtime: a user namespace cannot
/// be entered otherwise, and other threads would stay in the old network.
pub fn enter(provider: &Provider) -> Result<Entered, ClusterError> {
    if let Provider::Namespaces { rootless } = provider {
        single_threaded()?;
        if *rootless {
            namespaces::enter_user_namespace().map_err(|why| {
                failed("enter a user namespace", why).advise("run as root, or see `temblor doctor`")
            })?;
        }
        unshare(CloneFlags::CLONE_NEWNET).map_err(|why| {
            failed("enter a network namespace", why).advise("run as root, or see `temblor doctor`")
        })?;
        tap::loopback_up().map_err(|why| failed("bring the interface lo up", why))?;
    }
    Ok(Entered { provider: *provider })
}

fn single_threaded() -> Result<(), ClusterError> {
    let threads = std::fs::read_dir("/proc/self/task")
        .map_err(|why| failed("count this process's threads in /proc/self/task", why))?
        .count();
    if threads == 1 {
        return Ok(());
    }
    Err(failed("enter namespaces", format!("this process already has {threads} threads"))
        .advise("enter before any runtime or thread is started"))
}

fn failed(act: &str, why: impl ToString) -> ClusterError {
    ClusterError::new("this machine", act, why)
}
