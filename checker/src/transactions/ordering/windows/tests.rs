//! Windows against the definitions: what they find the whole has.

use temblor_history::History;

use super::*;
use crate::{
    Unlimited,
    register::random::{Random, cases},
    transactions::{
        classify::Order,
        extract::Model,
        oracle::{self, Ended, Micro, Respect, Txn},
        ordering::Isolation,
        properties::file,
        random::{Shape, Store, history, shapes},
        reads,
    },
};

fn found(txns: &[Txn], question: Question, sizes: &[usize]) -> Option<Core> {
    let meter = Meter::new(&Unlimited);
    let history = History::read(file(txns, false).as_bytes()).expect("a good history");
    let all = Transactions::of(&history, Model::RwRegister, &meter).expect("good transactions");
    let mut tally = reads::examine(&all, &|_| false, &meter).unwrap();
    let orders = Orders::infer(&all, &[], &|_| false, &mut tally, &meter).unwrap();
    // Where single reads are wrong no order is asked for.
    if !tally.names().is_empty() {
        return None;
    }
    search(&all, &orders, question, sizes, &meter).unwrap()
}

/// Whether the brute force says so too.
fn has_order(txns: &[Txn], question: Question) -> bool {
    let respect = match question.order {
        Order::Data => Respect::Nothing,
        Order::Process => Respect::Sessions,
        Order::Realtime => Respect::RealTime,
    };
    let snapshots = question.isolation == Isolation::Snapshots;
    oracle::holds(txns, oracle::Question { lists: false, snapshots, respect })
}

#[test]
fn what_a_window_shows_the_whole_has() {
    let mut random = Random::new(15);
    let (mut shown, mut unseen) = (0, 0);
    for _ in 0..cases(40) {
        for shape in shapes(false) {
            let txns = history(&mut random, shape);
            for (level, question) in Question::ALL {
                let truth = has_order(&txns, question);
                match found(&txns, question, &[2, 3]) {
                    Some(core) => {
                        assert!(!truth, "a false alarm at {level}: {txns:#?} {core:?}");
                        shown += 1;
                    }
                    None => unseen += usize::from(!truth),
                }
            }
        }
    }
    assert!(shown > 100, "{shown} shown, {unseen} not seen");
}

/// A read in the middle finds what another one found much earlier.
fn made_stale(mut txns: Vec<Txn>) -> Vec<Txn> {
    let first = |txn: &Txn| match txn.micro.first() {
        Some(Micro::Read(key, found)) if txn.ended == Ended::Ok => Some((*key, found.clone())),
        _ => None,
    };
    for late in txns.len() / 2..txns.len() {
        let Some((key, found)) = first(&txns[late]) else { continue };
        let alone = txns[late].micro.len() == 1;
        let mut earlier = txns[..late - 40].iter().filter_map(first);
        let old = earlier.rfind(|(other, _)| *other == key).map(|(_, found)| found);
        if let Some(old) = old.filter(|old| alone && *old != found) {
            txns[late].micro[0] = Micro::Read(key, old);
            break;
        }
    }
    txns
}

#[test]
fn a_large_history_shows_what_is_wrong_nearby() {
    let mut random = Random::new(16);
    let shape = Shape {
        store: Store::Serial,
        lists: false,
        transactions: 500,
        clients: 5,
        keys: 3,
        unclear: 0,
        wrong: 0,
    };
    for _ in 0..4 {
        let txns = history(&mut random, shape);
        let strict = Question { isolation: Isolation::Serial, order: Order::Realtime };
        assert!(found(&txns, strict, &SIZES).is_none(), "a false alarm");
        let core = found(&made_stale(txns), strict, &SIZES).expect("a stale read");
        assert!(core.transactions.len() < 12, "{core:?}");
    }
}
