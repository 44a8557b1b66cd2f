//! From a plan to everything that a run needs, before any namespace is entered: the run's folder,
//! its manifest, the nodes with their command lines, the workload and its clients.

use std::{collections::BTreeMap, path::Path};

use sha2::{Digest, Sha256};
use temblor_history::{
    Expectations, Manifest, NodeInfo, PhasePlan, PlanInfo, RunFolder, Seed, SystemInfo,
};
use temblor_workloads::{Endpoint, Workload, connector, workload};

use super::{super::RunArguments, system};
use crate::{
    clock::WallTime,
    cluster::{self, ClusterSpec, DiskSpec, NodeSpec, Provider, ServerSpec},
    plan::{ClientChoice, Load, NodeAddress, NodeWords, Plan, Probe},
    runner::Prepared,
    store,
};

/// Makes the run's folder and everything that is known beforehand.
///
/// # Errors
/// In words.
pub(super) fn prepare(
    runs: &Path,
    arguments: &RunArguments,
    plan: Plan,
    provider: &Provider,
) -> Result<Prepared, String> {
    let started = WallTime::now();
    let folder = store::create(runs, &plan.name, &started.folder_name())
        .map_err(|error| error.to_string())?;
    store::write_whole(&folder.plan(), plan.text.as_bytes()).map_err(|error| error.to_string())?;
    let run = format!("{}-{}-{}", plan.name, started.folder_name(), std::process::id());
    let nodes = Nodes::new(&plan, provider, &run, &folder)?;
    let choice = &plan.workload;
    let system = &plan.system;
    let workload = workload(&choice.name, &choice.parameters, Seed(plan.seed), &system.functions)?;
    let client = &plan.client;
    let log = folder.path().join("client.log");
    let ClientChoice { kind, exec, multiplex, options } = client;
    let connector = connector(kind, workload.model(), options, exec, *multiplex, &log)?;
    let manifest = manifest(&plan, &nodes, provider, workload.as_ref(), &run, started);
    Ok(Prepared {
        cluster: ClusterSpec {
            run,
            nodes: nodes.specs()?,
            ledger: folder.ledger(),
            seed: plan.seed,
            never: system.never.clone(),
            disk: plan.disk_layer().map(|bytes_alone| DiskSpec { bytes_alone, seed: plan.seed }),
            keep_data: arguments.keep_data,
            traces: arguments.trace.then(|| folder.path().join("traces")),
        },
        endpoints: nodes.endpoints(),
        words: nodes.words.clone(),
        ready_argv: nodes.probe_commands(Some(&system.ready))?,
        leader_argv: nodes.probe_commands(system.leader.as_ref())?,
        manifest,
        workload,
        connector,
        folder,
        plan,
        online: None,
    })
}

/// The nodes of a run, and what their templates are filled in with.
struct Nodes<'a> {
    plan: &'a Plan,
    folder: &'a RunFolder,
    addresses: Vec<std::net::Ipv4Addr>,
    words: NodeWords,
}

impl<'a> Nodes<'a> {
    fn new(
        plan: &'a Plan,
        provider: &Provider,
        run: &str,
        folder: &'a RunFolder,
    ) -> Result<Self, String> {
        let own_program = std::env::current_exe().map_err(|error| error.to_string())?;
        let addresses = cluster::addresses(provider, run, plan.nodes);
        let name = |(place, address): (usize, &std::net::Ipv4Addr)| NodeAddress {
            name: format!("n{}", place + 1),
            address: address.to_string(),
        };
        let nodes: Vec<NodeAddress> = addresses.iter().enumerate().map(name).collect();
        let data = nodes.iter().map(|node| folder.node(&node.name).join("data"));
        let words = NodeWords {
            data: data.map(|data| data.display().to_string()).collect(),
            nodes,
            own_program: own_program.display().to_string(),
            ports: plan.system.ports.clone(),
            settings: plan.settings.clone(),
        };
        Ok(Self { plan, folder, addresses, words })
    }

    fn fill_in_all(&self, place: usize, templates: &[String]) -> Result<Vec<String>, String> {
        self.words.fill_in_all(place, templates)
    }

    fn fill_in_named(
        &self,
        place: usize,
        templates: &BTreeMap<String, String>,
    ) -> Result<Vec<(String, String)>, String> {
        let filled = |(name, template): (&String, &String)| {
            Ok((name.clone(), self.words.fill_in(place, template)?))
        };
        templates.iter().map(filled).collect()
    }

    fn specs(&self) -> Result<Vec<NodeSpec>, String> {
        (0..self.words.nodes.len()).map(|place| self.spec(place)).collect()
    }

    fn spec(&self, place: usize) -> Result<NodeSpec, String> {
        let mut servers = Vec::new();
        for server in &self.plan.system.servers {
            let prepare = server.prepare.iter().map(|argv| self.fill_in_all(place, argv));
            servers.push(ServerSpec {
                name: server.name.clone(),
                argv: self.fill_in_all(place, &server.argv)?,
                join: self.fill_in_all(place, &server.join)?,
                env: self.fill_in_named(place, &server.env)?,
                files: self.fill_in_named(place, &server.files)?,
                prepare: prepare.collect::<Result<_, _>>()?,
                user: server.user.clone(),
                stop_signal: server.stop_signal.clone(),
            });
        }
        let name = self.words.nodes[place].name.clone();
        let logs = self.folder.node(&name).join("logs");
        let address = self.addresses[place];
        let data = self.folder.node(&name).join("data");
        Ok(NodeSpec { name, address, servers, data, logs })
    }

    fn endpoints(&self) -> Vec<Endpoint> {
        let pairs = self.words.nodes.iter().zip(&self.addresses);
        pairs
            .map(|(named, address)| Endpoint {
                node: named.name.clone(),
                address: *address,
                ports: self.plan.system.ports.clone(),
            })
            .collect()
    }

    /// For each node the command of an `exec` probe; nothing for other probes.
    fn probe_commands(&self, probe: Option<&Probe>) -> Result<Vec<Vec<String>>, String> {
        let Some(Probe::Exec(argv)) = probe else { return Ok(Vec::new()) };
        (0..self.words.nodes.len()).map(|place| self.fill_in_all(place, argv)).collect()
    }
}

fn manifest(
    plan: &Plan,
    nodes: &Nodes<'_>,
    provider: &Provider,
    workload: &dyn Workload,
    run: &str,
    started: WallTime,
) -> Manifest {
    let choice = &plan.workload;
    Manifest {
        format: 1,
        run: run.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        plan: PlanInfo {
            name: plan.name.clone(),
            fingerprint: fingerprint(&plan.text),
            about: plan.about.clone(),
        },
        command: command(plan),
        seed: plan.seed,
        system: system_info(plan, nodes),
        provider: provider.to_string(),
        nodes: node_infos(nodes),
        workload: choice.name.clone(),
        model: workload.model().to_owned(),
        consistency: plan.expect.consistency.clone(),
        functions: workload.functions().iter().map(|f| (*f).to_owned()).collect(),
        clients: (choice.clients_per_node * plan.nodes) as u64,
        rate: match choice.load {
            Load::Open { rate } => Some(rate),
            Load::Closed => None,
        },
        op_timeout_ns: choice.op_timeout.as_nanos() as i64,
        phases: plan
            .phases
            .iter()
            .map(|phase| PhasePlan {
                name: phase.name.clone(),
                kind: phase.kind,
                duration_ns: phase.duration.as_nanos() as i64,
            })
            .collect(),
        expect: expectations(plan),
        started: started.rfc3339(),
        duration_ns: None,
        load: None,
    }
}

fn system_info(plan: &Plan, nodes: &Nodes<'_>) -> SystemInfo {
    let version: Option<Vec<String>> =
        nodes.fill_in_all(0, &plan.system.version).ok().filter(|argv| !argv.is_empty());
    SystemInfo {
        name: plan.system.name.clone(),
        version: version.map(|argv| system::version(&argv)).unwrap_or_default(),
        claims: plan.system.claims.clone(),
        settings: settings(plan),
        durability: plan.system.durability.clone(),
        limits: plan.system.limits.clone(),
    }
}

/// Everything that was set, the client's options among it: a reader must be able to see them.
fn settings(plan: &Plan) -> BTreeMap<String, String> {
    let options = plan.client.options.iter();
    let options = options.map(|(name, value)| (format!("client.{name}"), value.clone()));
    plan.settings.clone().into_iter().chain(options).collect()
}

fn node_infos(nodes: &Nodes<'_>) -> Vec<NodeInfo> {
    let info =
        |node: &NodeAddress| NodeInfo { name: node.name.clone(), address: node.address.clone() };
    nodes.words.nodes.iter().map(info).collect()
}

fn expectations(plan: &Plan) -> Expectations {
    let ns = |duration: &std::time::Duration| duration.as_nanos() as i64;
    let expect = &plan.expect;
    Expectations {
        violation: expect.violation.clone(),
        availability_ok: expect.availability_ok,
        availability_during: expect.availability_during.clone(),
        longest_gap_ns: expect.longest_gap.as_ref().map(ns),
        latency: expect.latency.iter().map(|(percent, bound)| (*percent, ns(bound))).collect(),
        latency_during: expect.latency_during.clone(),
        gates: expect.gates.clone(),
    }
}

/// First hex digits of the SHA-256 of the plan's text.
fn fingerprint(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(6).fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// The command that makes this run again: what was typed, with the seed if it was drawn.
fn command(plan: &Plan) -> String {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    if !words.iter().any(|word| word == "--seed" || word.starts_with("--seed=")) {
        words.push(format!("--seed {}", plan.seed));
    }
    format!("temblor {}", words.join(" "))
}
