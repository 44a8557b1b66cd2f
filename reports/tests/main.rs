//! Whole reports of made-up runs: complete, well-formed, small, and safe whatever the data say.

mod synthetic;
mod verdicts;

use synthetic::Synthetic;
use temblor_reports::StoredRun;

#[test]
fn pages_of_every_outcome() {
    let pages = [
        ("pass", verdicts::pass()),
        ("violation", verdicts::violation("k")),
        ("inconclusive", verdicts::inconclusive()),
        ("error", verdicts::error()),
    ];
    for (name, verdict) in pages {
        let folder = Synthetic::usual(name).write(&verdict);
        let run = StoredRun::read(&folder).unwrap();
        let page = temblor_reports::html(&run).unwrap();
        std::fs::write(folder.report(), page).unwrap();
    }
}
