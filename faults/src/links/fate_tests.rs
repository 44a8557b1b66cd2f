//! The statistics of fates, and how faults compose.

use std::time::Duration;

use super::{
    super::{Burst, Flap, RateLimit},
    *,
};

const MS: i64 = 1_000_000;
const COUNT: usize = 20_000;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn hop(policy: LinkPolicy, seed: u64) -> Hop {
    Hop { policy, seed, since_ns: 0 }
}

/// The fates of packets of 1000 bytes that come `apart` nanoseconds apart.
fn fates(hops: &[Hop], apart_ns: i64) -> Vec<Vec<Fate>> {
    let mut path = Path::new(hops);
    (0..COUNT as i64)
        .map(|number| {
            let mut said = Vec::new();
            path.pass(1000, number * apart_ns, &mut |fate| said.push(fate));
            said
        })
        .collect()
}

fn share(fates: &[Vec<Fate>], which: impl Fn(&Fate) -> bool) -> f64 {
    let hits = fates.iter().flatten().filter(|fate| which(fate)).count();
    hits as f64 / fates.len() as f64
}

fn arrived(fate: &Fate) -> Option<Passage> {
    match fate {
        Fate::Arrives(passage) => Some(*passage),
        _ => None,
    }
}

/// Five standard deviations of a share of [`COUNT`]: fails by chance once in two million.
fn is_near(seen: f64, wanted: f64) -> bool {
    (seen - wanted).abs() <= 5.0 * (wanted * (1.0 - wanted) / COUNT as f64).sqrt()
}

#[test]
fn delays_follow_their_distributions() {
    let sampled = |distribution| {
        let policy =
            LinkPolicy { delay: ms(50), jitter: ms(10), distribution, ..LinkPolicy::default() };
        sampled_delays_ns(&[hop(policy, 1)], COUNT, 9)
    };
    let below = |delays: &[i64], ms: f64| {
        delays.partition_point(|delay| (*delay as f64) < ms * 1e6) as f64 / COUNT as f64
    };
    // The distribution functions at some points.
    let normal: [(f64, f64); 4] =
        [(40.0, 0.158_66), (50.0, 0.5), (60.0, 0.841_34), (70.0, 0.977_25)];
    for (at, wanted) in normal {
        let seen = below(&sampled(Distribution::Normal), at);
        assert!(is_near(seen, wanted), "normal: {seen} below {at} ms");
    }
    for at in [42.0_f64, 50.0, 55.0] {
        let seen = below(&sampled(Distribution::Uniform), at);
        assert!(is_near(seen, (at - 40.0) / 20.0), "uniform: {seen} below {at} ms");
    }
    for at in [51.0_f64, 60.0, 90.0, 230.0] {
        let seen = below(&sampled(Distribution::Pareto), at);
        let wanted = 1.0 - (1.0 + (at - 50.0) / 20.0).powi(-3);
        assert!(is_near(seen, wanted), "pareto: {seen} below {at} ms");
    }
    assert!(sampled(Distribution::Pareto)[0] >= 50 * MS);
    assert_eq!(sampled(Distribution::Fixed), vec![50 * MS; COUNT]);
}

#[test]
fn each_clause_hits_its_share() {
    let policy = |change: &dyn Fn(&mut LinkPolicy)| {
        let mut policy = LinkPolicy::default();
        change(&mut policy);
        fates(&[hop(policy, 5)], MS)
    };
    let lost = policy(&|policy| policy.loss = 0.1);
    assert!(is_near(share(&lost, |fate| *fate == Fate::Lost), 0.1));
    let corrupt = policy(&|policy| policy.corrupt = 0.02);
    let has = |fate: &Fate| arrived(fate).is_some_and(|passage| passage.corrupt.is_some());
    assert!(is_near(share(&corrupt, has), 0.02));
    let silent = policy(&|policy| policy.corrupt_silently = 0.3);
    let has = |fate: &Fate| arrived(fate).is_some_and(|passage| passage.corrupt_silently.is_some());
    assert!(is_near(share(&silent, has), 0.3));
    let twice = policy(&|policy| policy.duplicate = 0.2);
    assert!(is_near(share(&twice, |_| true) - 1.0, 0.2));
    let held = policy(&|policy| (policy.reorder, policy.reorder_by) = (0.1, ms(7)));
    let is_held = |fate: &Fate| arrived(fate).is_some_and(|passage| passage.held_ns == 7 * MS);
    assert!(is_near(share(&held, is_held), 0.1));
    let first = held.iter().flatten().position(is_held).unwrap();
    assert_eq!(arrived(&held[first][0]).unwrap().due_ns, (first as i64 + 7) * MS);
}

#[test]
fn bursts_lose_their_share_in_a_row() {
    let burst = Some(Burst { lasts: ms(20), loss: 1.0 });
    let bursts = fates(&[hop(LinkPolicy { loss: 0.2, burst, ..LinkPolicy::default() }, 5)], MS);
    let lost: Vec<bool> = bursts.iter().map(|said| said[0] == Fate::Lost).collect();
    let share = lost.iter().filter(|lost| **lost).count() as f64 / COUNT as f64;
    let runs = lost.windows(2).filter(|pair| !pair[0] && pair[1]).count();
    // About 200 bursts of 20 packets; by single lots there would be 3200 runs.
    assert!((0.13..0.27).contains(&share), "{share}");
    assert!((120..280).contains(&runs), "{runs}");
    assert!(lost[0], "a burst begins with the fault");
}

#[test]
fn a_rate_is_kept_and_its_queue_is_bounded() {
    let rate = Some(RateLimit { bits: 8_000_000, queue: ms(50) });
    let limited = |apart| fates(&[hop(LinkPolicy { rate, ..LinkPolicy::default() }, 5)], apart);
    // 1000 bytes take 1 ms. At half the rate nothing waits.
    for (number, said) in limited(2 * MS).iter().enumerate() {
        assert_eq!(arrived(&said[0]).unwrap().due_ns, (2 * number as i64 + 1) * MS);
    }
    // At twice the rate half of it passes, none waits longer than the queue, and none is faster.
    let fast = limited(MS / 2);
    let passed: Vec<(usize, i64)> = fast
        .iter()
        .enumerate()
        .filter_map(|(number, said)| Some((number, arrived(&said[0])?.due_ns)))
        .collect();
    assert!((9_900..10_200).contains(&passed.len()), "{} of {COUNT}", passed.len());
    assert!(passed.windows(2).all(|pair| pair[1].1 - pair[0].1 >= MS));
    assert!(passed.iter().all(|(number, due)| due - *number as i64 * MS / 2 <= 52 * MS));
}

#[test]
fn a_flapping_link_passes_all_or_nothing() {
    let flap = Some(Flap { down: ms(40), up: ms(60) });
    let flapping = hop(LinkPolicy { flap, ..LinkPolicy::default() }, 5);
    let mut downs = flapping.flaps().unwrap();
    for (number, said) in fates(&[flapping], MS).iter().enumerate() {
        let down = downs.is_bad(number as i64 * MS);
        assert_eq!(said[0] == Fate::Cut, down, "at {number} ms");
    }
}

#[test]
fn hops_compose_like_wires_in_a_row() {
    let base = LinkPolicy::default();
    let hops = |policies: &[LinkPolicy]| {
        let hops = policies.iter().zip(1..);
        hops.map(|(policy, seed)| hop(*policy, seed)).collect::<Vec<Hop>>()
    };
    // Any cut cuts.
    let cut = fates(&hops(&[LinkPolicy { delay: ms(5), ..base }, LinkPolicy::cut()]), MS);
    assert!(cut.iter().all(|said| said == &[Fate::Cut]));
    // Losses are independent.
    let lossy = LinkPolicy { loss: 0.5, ..base };
    let lost = share(&fates(&hops(&[lossy, lossy]), MS), |fate| *fate == Fate::Lost);
    assert!(is_near(lost, 0.75), "{lost}");
    // Delays add up, and so do their variances.
    let slow =
        LinkPolicy { delay: ms(30), jitter: ms(3), distribution: Distribution::Normal, ..base };
    let slower = LinkPolicy { delay: ms(50), jitter: ms(4), ..slow };
    let delays = sampled_delays_ns(&hops(&[slow, slower]), COUNT, 3);
    let below = delays.partition_point(|delay| *delay < 85 * MS) as f64 / COUNT as f64;
    assert!(is_near(below, 0.841_34), "{below} below 80 + √(3² + 4²) ms");
    // Copies multiply.
    let twice = LinkPolicy { duplicate: 1.0, ..base };
    assert_eq!(fates(&hops(&[twice, twice]), MS)[0].len(), 4);
    // The lower rate decides, whichever comes first.
    let rate = |bits| LinkPolicy { rate: Some(RateLimit { bits, queue: ms(50) }), ..base };
    for policies in [[rate(8_000_000), rate(16_000_000)], [rate(16_000_000), rate(8_000_000)]] {
        let passed = share(&fates(&hops(&policies), MS / 2), |fate| arrived(fate).is_some());
        assert!((0.49..0.51).contains(&passed), "{passed}");
    }
    // What both damage is damaged both ways.
    let damaged =
        [LinkPolicy { corrupt: 1.0, ..base }, LinkPolicy { corrupt_silently: 1.0, ..base }];
    let both = arrived(&fates(&hops(&damaged), MS)[0][0]).unwrap();
    assert!(both.corrupt.is_some() && both.corrupt_silently.is_some() && !both.is_whole());
}

#[test]
fn other_faults_coming_and_going_change_no_dice() {
    let (lossy, slow) = (
        hop(LinkPolicy { loss: 0.5, ..LinkPolicy::default() }, 5),
        hop(LinkPolicy { delay: ms(3), ..LinkPolicy::default() }, 6),
    );
    let (mut alone, mut with_others) = (Path::new(&[lossy]), Path::new(&[lossy]));
    for number in 0..300 {
        match number {
            100 => with_others.update(&[lossy, slow]),
            200 => with_others.update(&[lossy]),
            _ => {}
        }
        let lost = |path: &mut Path| {
            let mut lost = false;
            path.pass(100, number * MS, &mut |fate| lost = fate == Fate::Lost);
            lost
        };
        assert_eq!(lost(&mut alone), lost(&mut with_others), "packet {number}");
    }
    with_others.update(&[]);
    assert!(with_others.is_clear() && alone.is_per_packet() && !alone.is_cut());
}
