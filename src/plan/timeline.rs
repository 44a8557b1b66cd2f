//! `temblor plan`: what a plan will do, as text. The same plan and seed give the same bytes.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use temblor_faults::{End, FaultKind, FaultSpec, Planned, Schedule, Start, Target, View, Where};

use temblor_history::PhaseKind;

use super::{
    Load, Phase, Plan, chart,
    scalar::{written, written_choice},
};

/// The plan's timeline. Times are since the phase began; what waits for events is said in words.
pub fn timeline(plan: &Plan) -> String {
    let mut out = String::new();
    if !plan.about.is_empty() {
        let _ = writeln!(out, "{}\n", plan.about);
    }
    head(&mut out, plan);
    let names: Vec<String> = (1..=plan.nodes).map(|number| format!("n{number}")).collect();
    for phase in &plan.phases {
        let _ = writeln!(out, "\n{}", phase_line(phase));
        if phase.faults.is_empty() {
            continue;
        }
        let schedule = Schedule::new(plan.seed, phase.duration);
        let all = schedule.timeline(&phase.faults, &phase.groups);
        out.push_str(&chart::chart(&phase.faults, &all, phase.duration));
        for planned in all {
            let Some(spec) = phase.faults.iter().find(|spec| spec.place == planned.place) else {
                continue;
            };
            let draw = schedule.target(spec, planned.occurrence);
            let _ = writeln!(out, "{}", fault_line(spec, &planned, &names, draw));
        }
    }
    tail(&mut out, plan);
    out
}

/// Whether two faults may want one node: then the seed's choice is not the last word.
fn may_pass_over(plan: &Plan) -> bool {
    let dealt = |spec: &FaultSpec| {
        matches!(
            &spec.on,
            Where::Target(Target::One | Target::Two | Target::Minority | Target::Majority)
        )
    };
    let crowded = |phase: &Phase| {
        phase.faults.iter().enumerate().any(|(place, spec)| {
            let others = phase.faults.iter().enumerate().filter(|(other, _)| *other != place);
            dealt(spec)
                && others.into_iter().any(|(_, other)| other.kind.contends(&spec.kind).is_some())
        })
    };
    plan.phases.iter().any(crowded)
}

fn head(out: &mut String, plan: &Plan) {
    let nodes = if plan.nodes == 1 { "node" } else { "nodes" };
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(out, "{name:<10} {value}");
    };
    line("plan", &plan.name);
    line("seed", &plan.seed.to_string());
    line("system", &format!("{} on {} {nodes}", plan.system.name, plan.nodes));
    let settings: Vec<String> =
        plan.settings.iter().map(|(name, value)| format!("{name} {value}")).collect();
    if !settings.is_empty() {
        line("settings", &settings.join(", "));
    }
    line("client", &client(plan));
    line("workload", &workload(plan));
    if plan.short_form {
        line("phases", "generated from the short form");
    }
}

fn client(plan: &Plan) -> String {
    let client = &plan.client;
    let mut words = vec![client.kind.clone()];
    words.extend((!client.exec.is_empty()).then(|| client.exec.join(" ")));
    words.extend(client.multiplex.then(|| "one program for all".to_owned()));
    words.extend(client.options.iter().map(|(name, value)| format!("{name} {value}")));
    words.join(", ")
}

fn workload(plan: &Plan) -> String {
    let workload = &plan.workload;
    let mut words = vec![workload.name.clone()];
    words.extend(workload.parameters.iter().map(|(name, value)| parameter(name, value)));
    words.push(match workload.load {
        Load::Open { rate } => format!("{rate} operations a second"),
        Load::Closed => "closed loop".to_owned(),
    });
    words.push(format!("{} clients per node", workload.clients_per_node));
    words.push(format!("op-timeout {}", written(workload.op_timeout)));
    words.push(format!("queue {}", workload.queue));
    words.join(", ")
}

/// A parameter in words; weights as percentages.
fn parameter(name: &str, value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => format!("{name} never"),
        serde_json::Value::Object(weights) => {
            let percent = |weight: &serde_json::Value| weight.as_f64().unwrap_or(0.0) * 100.0;
            let weights: Vec<String> = weights
                .iter()
                .map(|(of, weight)| format!("{of} {}%", (percent(weight) * 100.0).round() / 100.0))
                .collect();
            format!("{name} {}", weights.join(" "))
        }
        serde_json::Value::String(text) => format!("{name} {text}"),
        other => format!("{name} {other}"),
    }
}

fn phase_line(phase: &Phase) -> String {
    let kind = match phase.kind {
        PhaseKind::Steady => "load",
        PhaseKind::Chaos => "load and faults",
        PhaseKind::Recover => "everything healed, then final reads; at most",
    };
    match phase.kind {
        PhaseKind::Recover => {
            format!("{}: {kind} {}", phase.name, written(phase.duration))
        }
        _ => format!("{}: {} of {kind}", phase.name, written(phase.duration)),
    }
}

/// One occurrence: when, what, whom, how long.
fn fault_line(spec: &FaultSpec, planned: &Planned, nodes: &[String], draw: u64) -> String {
    let begins = match (planned.begins, &spec.start) {
        (Some(begins), _) => clock(begins),
        (None, Start::After(trigger)) => format!("after {trigger}"),
        (None, Start::At(_)) => "in turn".to_owned(),
    };
    let mut line = format!("  {begins:>11}  {:<10} {}", spec.name, whom(spec, nodes, draw));
    for detail in details(spec) {
        let _ = write!(line, ", {detail}");
    }
    let _ = write!(line, "; {}", lasts(spec, planned));
    if planned.begins.is_none()
        && let Some(every) = &spec.every
    {
        let _ = write!(line, ", then every {}", written_choice(every));
    }
    if let Some(name) = &spec.remember {
        let _ = write!(line, "; remembered as {name}");
    }
    if spec.optional {
        line.push_str("; optional");
    }
    line
}

/// A moment as minutes and seconds, `1:40.458`.
fn clock(moment: Duration) -> String {
    let millis = moment.as_millis();
    format!("{}:{:02}.{:03}", millis / 60_000, millis / 1000 % 60, millis % 1000)
}

fn lasts(spec: &FaultSpec, planned: &Planned) -> String {
    match (&spec.end, planned.lasts) {
        (End::AtOnce, _) => "at once".to_owned(),
        (End::WithPhase, Some(rest)) => format!("to the end of the phase, for {}", written(rest)),
        (End::WithPhase, None) => "to the end of the phase".to_owned(),
        (End::Until { trigger, at_most }, _) => {
            format!("until {trigger}, at most {}", written(*at_most))
        }
        (End::For(choice), None) => format!("for {}", written_choice(choice)),
        (End::For(_), Some(lasts)) => format!("for {}", written(lasts)),
    }
}

/// Whom it acts on: the nodes, where the seed alone decides them; else what will decide them.
fn whom(spec: &FaultSpec, nodes: &[String], draw: u64) -> String {
    let view = View {
        nodes,
        leader: None,
        term: None,
        claimants: &[],
        remembered: &BTreeMap::new(),
        busy: &[],
    };
    if let Ok(placed) = temblor_faults::place(spec, &view, draw) {
        return placed.words;
    }
    match &spec.on {
        Where::Target(target) => late(target, nodes.len()),
        Where::Between { from, to, .. } => {
            format!("from {} to {}", late(from, nodes.len()), late(to, nodes.len()))
        }
        Where::Itself => String::new(),
    }
}

/// A target that is found only when its fault begins.
fn late(target: &Target, nodes: usize) -> String {
    match target {
        Target::Followers => format!("followers ({} of {nodes})", nodes.saturating_sub(1)),
        Target::ClientsOf(of) => format!("clients of {}", late(of, nodes)),
        _ => target.to_string(),
    }
}

/// The fault's own parameters; a partition's grudge says already whom it cuts.
fn details(spec: &FaultSpec) -> Vec<String> {
    let mut details = spec.kind.details();
    if matches!(spec.kind, FaultKind::Partition { .. }) {
        details.remove(0);
    }
    let both = matches!(spec.on, Where::Between { both: true, .. });
    details.extend(both.then(|| "both ways".to_owned()));
    details
}

/// What is checked and expected.
fn tail(out: &mut String, plan: &Plan) {
    let expect = &plan.expect;
    if may_pass_over(plan) {
        let _ = writeln!(
            out,
            "\nNodes in brackets are the seed's choice; one that another fault holds is passed over."
        );
    }
    let _ = writeln!(out, "\nchecked: {}", expect.consistency.join(", "));
    let mut lines: Vec<String> = Vec::new();
    if let Some(violation) = &expect.violation {
        lines.push(format!("violation: {violation} must be found"));
    }
    let during = |phase: &Option<String>| {
        phase.as_ref().map_or_else(|| "the whole run".to_owned(), |phase| format!("during {phase}"))
    };
    let over = during(&expect.availability_during);
    if let Some(share) = expect.availability_ok {
        lines.push(format!("availability: {}% or more ok, {over}", (share * 1e4).round() / 100.0));
    }
    if let Some(gap) = expect.longest_gap {
        lines.push(format!("longest gap: {} at most, {over}", written(gap)));
    }
    for (percentile, bound) in &expect.latency {
        let over = during(&expect.latency_during);
        lines.push(format!("latency: p{percentile} {} at most, {over}", written(*bound)));
    }
    lines.extend(expect.gates.iter().map(|(name, number)| match number {
        0 => format!("gate {name}: off"),
        _ => format!("gate {name}: {number} or more"),
    }));
    for line in lines {
        let _ = writeln!(out, "expected: {line}");
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Catalogue, PlanSource, load};

    #[test]
    fn the_timeline_of_the_etcd_plan() {
        let source = PlanSource::Catalogue("etcd-faults".into());
        let loaded = load(&source, &[], &Catalogue::embedded(), 7).unwrap();
        insta::assert_snapshot!(super::timeline(&loaded.plan), @"
        Three etcd nodes under kills, pauses, an isolated leader and slow links: elections come and go.

        plan       etcd-faults
        seed       7
        system     etcd on 3 nodes
        settings   election-timeout 1000, heartbeat-interval 100
        client     etcd, reads linearizable
        workload   register, keys 8, mix cas 20% read 50% write 30%, retire-after 500, skew 0.9, 500 operations a second, 4 clients per node, op-timeout 1s, queue 100

        steady: 5s of load

        chaos: 60s of load and faults
          isolate          ···███████·····················███████······················
          kill             ··············███·························████··············
          pause            ····················███·························███·········
          slow             ·························████························████···
                           0                                                        60s

             0:03.000  isolate    leader; for 7.61s
             0:14.000  kill       leader; for 3.714s
             0:20.000  pause      one (n2); for 3.548s
             0:25.000  slow       one (n2), delay 50ms ± 20ms; for 4s
             0:31.000  isolate    leader; for 7.451s
             0:42.000  kill       leader; for 4.151s
             0:48.000  pause      one (n2); for 3.083s
             0:53.000  slow       one (n3), delay 50ms ± 20ms; for 4s

        recover: everything healed, then final reads; at most 30s

        Nodes in brackets are the seed's choice; one that another fault holds is passed over.

        checked: linearizable, no-lost-writes
        expected: availability: 40% or more ok, the whole run
        expected: longest gap: 10s at most, the whole run
        ");
    }

    #[test]
    fn groups_and_randomised_schedules() {
        let text = "\
            system: etcd\nnodes: 5\nworkload: register\nphases:\n  - chaos: 40s\n    faults:\n      \
            - sequence:\n          of:\n            \
            - isolate: { target: n1, for: 5s, as: cut }\n            \
            - parallel: { of: [ { kill: { target: cut, at: 1s, for: 3s } }, { slow: { for: 2s } } ] }\n          \
            every: 15s\n          times: 2\n      \
            - one-of: { of: [ { pause: { for: 2s } }, restart ], weights: [1, 1], repeat: 3, after: { end-of: cut } }\n  \
            - chaos: 60s\n    faults:\n      \
            random: { of: [kill, partition], every: 5s..9s, keep: majority }\n  \
            - recover: 10s\n";
        let source = std::sync::Arc::new(super::super::Source {
            name: "plan.yaml".into(),
            text: text.into(),
        });
        let plan = super::super::load::load_source(&source, &[], &Catalogue::embedded(), 7);
        let timeline = super::timeline(&plan.unwrap().plan);
        insta::assert_snapshot!(timeline.split_once("\nchaos").unwrap().1, @"
        : 40s of load and faults
          isolate          ███████···············████████······························
          kill             ·········████··················█████························
          slow             ·······███····················███···························
          pause            ····························································
          restart          ???
                           0                                                        40s

              in turn  restart    one (n4); at once
             0:00.000  isolate    n1; for 5s; remembered as cut
             0:05.000  slow       one (n3), delay 100ms ± 20ms; for 2s
             0:06.000  kill       cut; for 3s
             0:15.000  isolate    n1; for 5s; remembered as cut
             0:20.000  slow       one (n3), delay 100ms ± 20ms; for 2s
             0:21.000  kill       cut; for 3s

        chaos-2: 60s of load and faults
          partition        ·····█████··█████··█████████████████████████████████········
                           0                                                        60s

             0:05.128  partition  halves (n1, n3 | n5, n2, n4); for 5.436s
             0:12.852  partition  halves (n3, n5 | n2, n1, n4); for 4.33s
             0:19.654  partition  halves (n4, n5 | n2, n1, n3); for 8.435s
             0:28.089  partition  halves (n2, n4 | n1, n5, n3); for 9.449s
             0:37.538  partition  halves (n4, n2 | n3, n5, n1); for 6.207s
             0:43.745  partition  halves (n3, n1 | n5, n2, n4); for 5.831s
             0:49.845  partition  halves (n2, n5 | n4, n1, n3); for 3.023s

        recover: everything healed, then final reads; at most 10s

        Nodes in brackets are the seed's choice; one that another fault holds is passed over.

        checked: linearizable
        ");
    }

    #[test]
    fn the_expansion_of_the_short_form() {
        let source = PlanSource::Catalogue("random-everything".into());
        let loaded = load(&source, &[], &Catalogue::embedded(), 7).unwrap();
        insta::assert_snapshot!(super::timeline(&loaded.plan), @"
        Every fault in turn, at moments and on nodes that the seed draws, for as long as `run-for` says.

        plan       random-everything
        seed       7
        system     abd on 5 nodes
        settings   bug none, round-timeout-ms 1000
        client     abd
        workload   register, keys 8, mix read 62.5% write 37.5%, retire-after 500, skew 0.9, 300 operations a second, 2 clients per node, op-timeout 1s, queue 100
        phases     generated from the short form

        steady: 10s of load

        chaos: 2m50s of load and faults
          kill             █····················································█······
          pause            ···██···················································██··
          isolate          ·······██···················································
          slow             ···········█················································
          partition        ··············█·············································
          lossy            ·················██·········································
          kill             ·····················█······································
          isolate          ·························█··································
          partition        ····························██······························
          restart          ································▪···························
          partition        ···································█························
          link             ·······································██···················
          kill             ··········································█·················
          slow             ··············································█·············
          pause            ·················································█··········
                           0                                                      2m50s

             0:01.028  kill       one (n5); for 4.512s
             0:11.247  pause      one (n4); for 3.393s
             0:22.070  isolate    one (n2); for 3.869s
             0:31.848  slow       one (n5), delay 100ms ± 20ms; for 4.488s
             0:42.209  partition  majorities-ring (n2, n3, n1, n4, n5); for 2.89s
             0:50.709  lossy      one (n1), loss 20%; for 3.795s
             1:01.199  kill       minority (n2, n5); for 3.24s
             1:11.435  isolate    one (n2), one way; for 2.828s
             1:20.915  partition  bridge (n3, n1 | n2, n5 | n4 between); for 4.449s
             1:32.466  restart    all, one after the other; at once
             1:40.458  partition  halves (n1, n5 | n4, n3, n2), one way; for 3.714s
             1:52.188  link       from one (n1) to one (n4), delay 50ms ± 50ms, loss 10%; for 4.839s
             2:00.411  kill       all; for 4.194s
             2:11.019  slow       clients of one (n4), delay 50ms ± 10ms; for 3.888s
             2:20.119  pause      majority (n1, n3, n5); for 2.884s
             2:31.028  kill       one (n3); for 4.314s
             2:41.247  pause      one (n4); for 3.938s

        recover: everything healed, then final reads; at most 30s

        Nodes in brackets are the seed's choice; one that another fault holds is passed over.

        checked: linearizable
        ");
    }
}
