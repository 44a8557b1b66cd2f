//! Whole reports of made-up runs: complete, well-formed, small, and safe whatever the data say.

#![expect(clippy::unwrap_used, reason = "a test that cannot write its run has failed")]

mod synthetic;
mod verdicts;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use quick_xml::events::Event;
use synthetic::Synthetic;
use temblor_history::{RunFolder, Verdict};
use temblor_reports::{SUMMARY_BYTES_MOST, StoredRun};

/// Markup, control characters, a terminal escape and reordered text in one name.
const HOSTILE: &str = "</title></svg><script>alert(1)</script>'\"&\0\x1b[31m\u{202e}|`@all`\n# x";

fn every_outcome(text: &str) -> [(&'static str, Verdict); 4] {
    [
        ("pass", verdicts::pass()),
        ("violation", verdicts::violation(text)),
        ("inconclusive", verdicts::inconclusive()),
        ("error", verdicts::error()),
    ]
}

fn read(folder: &RunFolder) -> [String; 3] {
    [folder.report(), folder.junit(), folder.summary()]
        .map(|path| std::fs::read_to_string(path).unwrap())
}

/// Every element opened is closed, in order, and no attribute is broken.
fn assert_well_formed(xml: &str) {
    let mut reader = quick_xml::Reader::from_str(xml);
    loop {
        match reader.read_event() {
            Ok(Event::Eof) => break,
            Ok(Event::Start(tag) | Event::Empty(tag)) => {
                for attribute in tag.attributes() {
                    attribute.unwrap();
                }
            }
            Ok(_) => {}
            Err(error) => panic!("at {}: {error}: {xml}", reader.error_position()),
        }
    }
}

fn figures(page: &str) -> Vec<&str> {
    page.split("<svg")
        .skip(1)
        .filter_map(|rest| rest.split_once("</svg>"))
        .map(|(svg, _)| svg)
        .collect()
}

#[test]
fn every_outcome_has_its_reports() {
    for (name, verdict) in every_outcome("k") {
        let folder = Synthetic::usual(name).write(&verdict);
        let files = temblor_reports::write_all(&folder).unwrap();
        assert_eq!(files[0], folder.report());
        let [page, junit, summary] = read(&folder);
        let terminal = temblor_reports::terminal(&StoredRun::read(&folder).unwrap(), false);
        for text in [&verdict.title, &verdict.sentence] {
            assert!(page.contains(text.as_str()), "{name}: {text}");
        }
        assert!(summary.contains(verdict.title.split(':').next().unwrap()), "{summary}");
        assert!(terminal.contains(&verdict.title), "{terminal}");
        assert!(page.contains("n3 second 99"), "the logs' ends");
        let near = ["second 22 ", "second 25 ", "second 26 "].map(|line| page.contains(line));
        assert_eq!(near, [name == "violation", name == "violation", false], "{name}");
        assert!(page.contains(&format!(r#"<header class="{name}">"#)));
        assert!(!page.contains("<script"));
        assert_well_formed(&junit);
        for svg in figures(&page) {
            assert_well_formed(&format!("<svg{svg}</svg>"));
        }
    }
}

#[test]
fn nothing_hostile_gets_through() {
    let mut run = Synthetic::usual("hostile");
    (run.text, run.seconds) = (HOSTILE, 30);
    let mut verdict = verdicts::violation(HOSTILE);
    for text in [&mut verdict.title, &mut verdict.sentence, &mut verdict.gates[0].detail] {
        HOSTILE.clone_into(text);
    }
    let anomaly = &mut verdict.checks[0].anomalies[0];
    HOSTILE.clone_into(&mut anomaly.kind);
    anomaly.explanation = format!("{HOSTILE}```");
    for event in &mut run.faults {
        HOSTILE.clone_into(&mut event.detail);
    }
    let folder = run.write(&verdict);
    temblor_reports::write_all(&folder).unwrap();
    let [page, junit, summary] = read(&folder);
    for text in [&page, &junit, &summary] {
        assert!(!text.contains("<script"), "{text}");
        assert!(!text.contains(['\0', '\x1b', '\u{202e}']));
    }
    assert!(!summary.contains("@all"));
    assert_well_formed(&junit);
    for svg in figures(&page) {
        assert_well_formed(&format!("<svg{svg}</svg>"));
    }
    let terminal = temblor_reports::terminal(&StoredRun::read(&folder).unwrap(), false);
    assert!(!terminal.contains(['\0', '\x1b', '\u{202e}']));
}

/// The limit of five megabytes holds for a million operations; the figures stop growing long before.
#[test]
fn a_large_run_has_a_small_page() {
    let mut run = Synthetic::usual("large");
    (run.seconds, run.rate) = (300, 1_000);
    let folder = run.write(&verdicts::violation("k"));
    let page = temblor_reports::html(&StoredRun::read(&folder).unwrap()).unwrap();
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
}

#[test]
fn a_summary_has_a_limit() {
    let mut verdict = verdicts::violation("k");
    for number in 0..2_000 {
        let mut gate = verdict.gates[0].clone();
        (gate.name, gate.holds) = (format!("gate-{number}"), false);
        verdict.gates.push(gate);
    }
    let folder = Synthetic::usual("summary").write(&verdict);
    let summary = temblor_reports::summary(&StoredRun::read(&folder).unwrap());
    assert!(summary.len() <= SUMMARY_BYTES_MOST);
    assert!(summary.contains("stale") && summary.contains("left out"), "{summary}");
}

/// A run whose controller was killed, or that never started, has a report that says so.
#[test]
fn a_run_with_missing_files_has_a_page() {
    let folder = Synthetic::usual("torn").write(&verdicts::error());
    for path in [folder.history(), folder.faults(), folder.events(), folder.plan()] {
        std::fs::remove_file(path).unwrap();
    }
    temblor_reports::write_all(&folder).unwrap();
    let [page, ..] = read(&folder);
    assert!(page.contains("The history could not be read"));
}

#[test]
fn another_reader_understands_the_latency_log() {
    let folder = Synthetic::usual("latency").write(&verdicts::pass());
    let run = StoredRun::read(&folder).unwrap();
    let log = temblor_reports::latency_log(&run).unwrap();
    let (mut recorded, mut slowest, mut tags) = (0, 0, std::collections::BTreeSet::new());
    for entry in IntervalLogIterator::new(&log) {
        let LogEntry::Interval(interval) = entry.unwrap() else { continue };
        tags.insert(interval.tag().unwrap().as_str().to_owned());
        let bytes = base64::Engine::decode(
            &base64::engine::general_purpose::STANDARD,
            interval.encoded_histogram(),
        );
        let histogram: Histogram<u64> =
            Deserializer::new().deserialize(&mut bytes.unwrap().as_slice()).unwrap();
        recorded += histogram.len();
        slowest = slowest.max(histogram.max());
    }
    assert_eq!(recorded, run.history.operations().len() as u64);
    // Every operation that was given up waited for a second and 20 µs; three digits are kept.
    assert_eq!(slowest / 1_000_000, 1_000);
    assert!(tags.contains("read.ok.steady") && tags.contains("write.unknown.chaos"), "{tags:?}");
}
