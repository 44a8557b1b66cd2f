//! `temblor agent`: starts, signals and reaps the servers of one node.
//!
//! One thread and no runtime, since it is PID 1 of its node: JSON lines on standard input and
//! output, one request at a time, and between requests the deaths of children, the servers'
//! output and the datagrams of probes. When its channel closes it ends whatever it started.
//! What a fault does to servers is not here but in `temblor_faults`.

mod aside;
mod clocks;
mod commands;
mod node;
mod output;
mod servers;
mod starving;

use std::{
    io::{self, Write},
    os::fd::AsFd,
    time::Duration,
};

use nix::sys::prctl::set_child_subreaper;
use temblor_faults::{NodeFaults, NodeOps};

use self::node::Node;
use super::{
    ClusterError, channel,
    channel::Lines,
    message::{Answer, Ask, Request, Say, Setup},
    namespaces, tap,
};
use crate::clock::monotonic_ns;

/// The agent's whole life; returns the exit code. `args` are those after `agent`.
pub fn agent_main(args: &[String]) -> i32 {
    let own_namespaces = args.first().is_some_and(|arg| arg == "namespaces");
    match Agent::begin(own_namespaces).and_then(|agent| agent.map_or(Ok(()), Agent::serve)) {
        Ok(()) => 0,
        Err(why) => {
            let _ = writeln!(io::stderr(), "agent: {why}");
            255
        }
    }
}

struct Agent {
    lines: Lines,
    node: Node,
    faults: NodeFaults,
}

impl Agent {
    /// Waits for the first request, which says what node this is; none: it never came.
    fn begin(own_namespaces: bool) -> io::Result<Option<Self>> {
        let mut lines = Lines::default();
        let Some(Request { id, ask: Ask::Setup(setup) }) = first_request(&mut lines)? else {
            return Ok(None);
        };
        let made = make_node(*setup, own_namespaces);
        let (node, answer) = match made {
            Ok((node, Some(cable))) => {
                let ready = Say::Answer { id, answer: Answer::Ready };
                channel::write_line_with(io::stdout().as_fd(), &ready, cable.as_fd())?;
                (node, None)
            }
            Ok((node, None)) => (node, Some(Answer::Ready)),
            Err(why) => {
                channel::write_line(&io::stdout(), &Say::Answer { id, answer: failed(why) })?;
                return Ok(None);
            }
        };
        if let Some(answer) = answer {
            channel::write_line(&io::stdout(), &Say::Answer { id, answer })?;
        }
        Ok(Some(Self { lines, node, faults: NodeFaults::default() }))
    }

    fn serve(mut self) -> io::Result<()> {
        let served = self.serve_until_told();
        self.node.end_all();
        served
    }

    fn serve_until_told(&mut self) -> io::Result<()> {
        let stdin = io::stdin();
        while !self.node.told_to_end() {
            let due = self.faults.next_due_ns();
            let wait = due.map(|due| Duration::from_nanos((due - now_ns()).max(0) as u64));
            let asked = self.node.turn(Some(stdin.as_fd()), wait)?;
            self.faults.turn(&mut self.node);
            if !asked {
                continue;
            }
            let mut bytes = [0; 4096];
            let count = nix::unistd::read(&stdin, &mut bytes)?;
            if count == 0 {
                break;
            }
            self.lines.feed(&bytes[..count]);
            while let Some(Request { id, ask }) = self.lines.next()? {
                let answer = self.answer(ask).unwrap_or_else(failed);
                channel::write_line(&io::stdout(), &Say::Answer { id, answer })?;
            }
        }
        Ok(())
    }

    fn answer(&mut self, ask: Ask) -> Result<Answer, ClusterError> {
        let name = self.node.name.clone();
        let failed = |act: &'static str| {
            let name = name.clone();
            move |why: io::Error| ClusterError::new(name, act, why)
        };
        match ask {
            Ask::Setup(_) => Err(ClusterError::new(name, "set up a node", "it is set up already")),
            Ask::StartServers => self.node.start().map(|()| Answer::Done),
            Ask::StopServers { grace_ms } => {
                self.node.stop(grace_ms).map(|()| Answer::Done).map_err(failed("stop servers"))
            }
            Ask::Forget => self.node.forget().map(|()| Answer::Done),
            Ask::Inject { occurrence, fault } => {
                self.node.about_to(&format!("inject {occurrence}: {fault:?}"))?;
                let effect = self.faults.inject(&mut self.node, &occurrence, &fault);
                effect.map(applied).map_err(failed("inject a fault"))
            }
            Ask::Heal { occurrence } => {
                self.node.about_to(&format!("heal {occurrence}"))?;
                let effect = self.faults.heal(&mut self.node, &occurrence);
                effect.map(applied).map_err(failed("heal a fault"))
            }
            Ask::HealAll => {
                self.node.about_to("heal everything")?;
                let effect = self.faults.heal_all(&mut self.node);
                effect.map(applied).map_err(failed("heal every fault"))
            }
            Ask::Ping => Ok(Answer::Clock { at_ns: self.node.now_ns() }),
            Ask::Probe(volley) => self.node.fire(&volley).map(|()| Answer::Done),
            Ask::Arrivals { volley } => self.node.arrivals(volley),
        }
    }
}

fn first_request(lines: &mut Lines) -> io::Result<Option<Request>> {
    loop {
        if let Some(request) = lines.next()? {
            return Ok(Some(request));
        }
        let mut bytes = [0; 4096];
        match nix::unistd::read(io::stdin(), &mut bytes)? {
            0 => return Ok(None),
            count => lines.feed(&bytes[..count]),
        }
    }
}

/// The node, and the cable of its interface where it has one of its own.
fn make_node(
    setup: Setup,
    own_namespaces: bool,
) -> Result<(Node, Option<std::os::fd::OwnedFd>), ClusterError> {
    let name = setup.node.clone();
    let failed = |act: &str| {
        let (name, act) = (name.clone(), act.to_string());
        move |why: io::Error| ClusterError::new(name, act, why)
    };
    let mut cable = None;
    if own_namespaces {
        namespaces::make_mounts_private().map_err(failed("make its mounts private"))?;
        namespaces::mount_proc().map_err(failed("mount its own /proc"))?;
        nix::unistd::sethostname(&name).map_err(|why| failed("set its host name")(why.into()))?;
        tap::loopback_up().map_err(failed("bring the interface lo up"))?;
    } else {
        set_child_subreaper(true).map_err(|why| failed("adopt orphans")(why.into()))?;
    }
    if let Some(network) = &setup.network {
        let made = tap::create_port(network).map_err(|why| {
            failed("make its network interface by /dev/net/tun")(why).advise("see `temblor doctor`")
        })?;
        cable = Some(made);
    }
    Ok((Node::new(setup, own_namespaces)?, cable))
}

fn applied(effect: temblor_faults::Effect) -> Answer {
    Answer::Applied { begun: effect.measured, evidence: effect.evidence }
}

fn failed(error: ClusterError) -> Answer {
    Answer::Failed { act: error.act, why: error.why, advice: error.advice }
}

/// The node's clock is this machine's.
fn now_ns() -> i64 {
    monotonic_ns()
}
