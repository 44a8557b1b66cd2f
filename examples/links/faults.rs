//! Each fault of links: what it did to datagrams of a client of its own, beside what it was told
//! to; how long applying and healing took; and whether the harness's own evidence held.

use std::{net::Ipv4Addr, time::Duration};

use temblor::cluster::{Applied, Cluster, ResolvedFault};
use temblor_faults::{Burst, Distribution, FaultKind, Flap, LinkPolicy, Port, RateLimit};

use super::{peers, words};

const COUNT: u32 = 20_000;
/// Between two datagrams, nanoseconds.
const APART: i64 = 200_000;
/// How often each fault is applied and healed.
const TIMES: u32 = 5;

/// What to read off.
#[derive(Debug, Clone, Copy)]
enum Reading {
    Delay,
    Lost,
    Twice,
    Overtaken,
    Damaged,
    Rate,
}

/// A fault, in words what it should make of datagrams, and how to send them.
struct Row {
    policy: LinkPolicy,
    wanted: &'static str,
    reading: Reading,
}

fn rows() -> Vec<Row> {
    let (base, ms) = (LinkPolicy::default(), Duration::from_millis);
    let slow = LinkPolicy { delay: ms(50), jitter: ms(10), ..base };
    let spread = |distribution| LinkPolicy { distribution, ..slow };
    let row = |policy, wanted, reading| Row { policy, wanted, reading };
    let burst = Some(Burst { lasts: ms(50), loss: 1.0 });
    let rate = Some(RateLimit { bits: 10_000_000, queue: ms(200) });
    let flap = Some(Flap { down: ms(200), up: ms(200) });
    vec![
        row(LinkPolicy::cut(), "100 % lost", Reading::Lost),
        row(LinkPolicy { jitter: ms(0), ..slow }, "mean 50 ms, sd 0", Reading::Delay),
        row(slow, "mean 50 ms, sd 5.77", Reading::Delay),
        row(spread(Distribution::Normal), "mean 50 ms, sd 10", Reading::Delay),
        row(spread(Distribution::Pareto), "mean 60 ms, sd 17.3", Reading::Delay),
        row(LinkPolicy { loss: 0.1, ..base }, "10 % lost", Reading::Lost),
        row(LinkPolicy { loss: 0.1, burst, ..base }, "10 % lost", Reading::Lost),
        row(LinkPolicy { duplicate: 0.1, ..base }, "10 % twice", Reading::Twice),
        row(
            LinkPolicy { reorder: 0.1, reorder_by: ms(10), ..base },
            "10 % overtaken",
            Reading::Overtaken,
        ),
        row(LinkPolicy { corrupt: 0.1, ..base }, "10 % lost", Reading::Lost),
        row(LinkPolicy { corrupt_silently: 0.1, ..base }, "10 % damaged", Reading::Damaged),
        row(LinkPolicy { rate, ..base }, "10 Mbit/s", Reading::Rate),
        row(LinkPolicy { flap, ..base }, "50 % lost", Reading::Lost),
    ]
}

pub(super) async fn table(cluster: &Cluster, nodes: &[Ipv4Addr]) -> Result<(), String> {
    println!(
        "| fault of a link | commanded | measured on {COUNT} datagrams | applied | healed | verified |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for (number, row) in rows().into_iter().enumerate() {
        let (mut applied, mut healed, mut verified) = (Vec::new(), Vec::new(), 0);
        let mut measured = String::new();
        for time in 0..TIMES {
            let name = format!("f{number}#{time}");
            let fault = ResolvedFault {
                kind: FaultKind::Link(row.policy),
                nodes: Vec::new(),
                cuts: vec![(Port::Clients, Port::Node("n1".into()))],
            };
            let began = cluster.inject(&name, &fault).await.map_err(words)?;
            if time == 0 {
                measured = measure(nodes[0], row.reading, row.policy).await?;
            }
            // What is still on its way is not the next one's.
            let ended = cluster.heal(&name).await.map_err(words)?;
            verified += u32::from(holds(&began) && holds(&ended));
            applied.push(took_ms(&began));
            healed.push(took_ms(&ended));
        }
        println!(
            "| {} | {} | {measured} | {:.0} ms | {:.0} ms | {verified} of {TIMES} |",
            row.policy.details().join(", "),
            row.wanted,
            median(&mut applied),
            median(&mut healed)
        );
    }
    Ok(())
}

fn holds(applied: &Applied) -> bool {
    !applied.evidence.is_empty() && applied.evidence.iter().all(|line| line.holds)
}

/// From the command to the observation that confirms it.
fn took_ms(applied: &Applied) -> f64 {
    (applied.begun.latest - applied.begun.earliest) as f64 / 1e6
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

async fn measure(node: Ipv4Addr, reading: Reading, policy: LinkPolicy) -> Result<String, String> {
    tokio::task::spawn_blocking(move || {
        if policy.drop {
            // Nobody could ask: the question would be cut, too.
            return Ok("see verified".to_owned());
        }
        peers::taken(node)?;
        match reading {
            Reading::Rate => peers::send(node, 4_000, 1, 1_200, 500_000)?,
            // Of one flow, so that there is an order.
            Reading::Overtaken => peers::send(node, COUNT, 1, 96, APART)?,
            _ => peers::send(node, COUNT, 800, 96, APART)?,
        }
        std::thread::sleep(Duration::from_secs(1));
        let taken = peers::taken(node)?;
        let share =
            |count: u64, of: u64| format!("{:.2} %", count as f64 * 100.0 / of.max(1) as f64);
        Ok(match reading {
            Reading::Delay => format!("mean {:.2} ms, sd {:.2}", taken.mean, taken.sd),
            Reading::Lost => {
                format!("{} lost", share(u64::from(COUNT) - taken.came, u64::from(COUNT)))
            }
            Reading::Twice => format!("{} twice", share(taken.copies, taken.came)),
            Reading::Overtaken => format!("{} overtaken", share(taken.overtaken, taken.came)),
            Reading::Damaged => format!("{} damaged", share(taken.damaged, taken.came)),
            Reading::Rate => format!("{:.2} Mbit/s", taken.bits / 1e6),
        })
    })
    .await
    .map_err(words)?
}
