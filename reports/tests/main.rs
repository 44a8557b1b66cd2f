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

/// Each test case with what became of it.
fn cases(junit: &str) -> Vec<String> {
    let mut reader = quick_xml::Reader::from_str(junit);
    let mut cases: Vec<String> = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return cases,
            Event::Start(tag) | Event::Empty(tag) if tag.name().as_ref() == b"testcase" => {
                let of = |name: &str| {
                    let attribute = tag.try_get_attribute(name).unwrap().unwrap();
                    String::from_utf8(attribute.value.into_owned()).unwrap()
                };
                cases.push(format!("{}: {}", of("classname"), of("name")));
            }
            Event::Start(tag) | Event::Empty(tag) => {
                let kind = String::from_utf8(tag.name().as_ref().to_vec()).unwrap();
                if ["failure", "error", "skipped"].contains(&kind.as_str()) {
                    let case = cases.last_mut().unwrap();
                    *case = format!("{case}: {kind}");
                }
            }
            _ => {}
        }
    }
}

fn cases_of(name: &'static str, verdict: &Verdict, expects: Option<&str>) -> Vec<String> {
    let mut run = Synthetic::usual(name);
    run.rate = 20;
    let folder = run.write(verdict);
    let mut run = StoredRun::read(&folder).unwrap();
    run.manifest.expect.violation = expects.map(String::from);
    cases(&temblor_reports::junit(&run).unwrap())
}

#[test]
fn junit_tells_failures_from_errors_from_what_was_not_decided() {
    let bad = |name, verdict: &Verdict| -> Vec<String> {
        let cases = cases_of(name, verdict, None);
        cases.into_iter().filter(|case| case.matches(": ").count() > 1).collect()
    };
    assert_eq!(bad("junit-pass", &verdicts::pass()), [""; 0]);
    assert_eq!(
        bad("junit-violation", &verdicts::violation("k")),
        ["consistency: linearizable: failure", "expectation: availability.ok: failure"]
    );
    assert_eq!(
        bad("junit-inconclusive", &verdicts::inconclusive()),
        ["consistency: linearizable: skipped", "validity: faults-verified: skipped"]
    );
    assert_eq!(bad("junit-error", &verdicts::error()), ["harness: the harness works: error"]);
}

/// A calibration plan succeeds by finding what it expects, and only so.
#[test]
fn an_expected_violation_is_a_success() {
    let mut found = verdicts::violation("k");
    found.expected = true;
    let cases = cases_of("junit-expected", &found, Some("stale-read"));
    assert_eq!(cases[0], "consistency: linearizable");
    assert!(cases.contains(&"expectation: violation stale-read".to_owned()), "{cases:?}");
    let missed = cases_of("junit-missed", &verdicts::pass(), Some("stale-read"));
    assert!(missed.contains(&"expectation: violation stale-read: failure".to_owned()));
}

/// A fault that was not removed is the harness's error, whatever was found.
#[test]
fn a_fault_that_stays_is_an_error() {
    let mut run = Synthetic::usual("junit-stays");
    run.faults.pop();
    run.rate = 20;
    let folder = run.write(&verdicts::pass());
    let run = StoredRun::read(&folder).unwrap();
    let cases = cases(&temblor_reports::junit(&run).unwrap());
    assert!(cases.contains(&"cleanup: every fault is healed: error".to_owned()), "{cases:?}");
    let terminal = temblor_reports::terminal(&run, false);
    assert!(terminal.contains("3 of 3 verified, 2 of 3 healed clean"), "{terminal}");
}

#[test]
fn the_terminal_says_it_all_in_a_screen() {
    let folder = Synthetic::usual("terminal").write(&verdicts::violation("k"));
    let terminal = temblor_reports::terminal(&StoredRun::read(&folder).unwrap(), false);
    let place = folder.path().display().to_string();
    insta::assert_snapshot!(terminal.replace(&place, "RUN"), @r"
    ✗ Violation: stale read  terminal · 22 Nov 2026, 10:04 UTC · 1 min 43 s
      Reads of k3 through n3 returned 7 up to 1.4 s after 9 had been acknowledged through n1, which
      was cut off from n2 and n3 at that time.

      claimed      linearizable
      found        stale reads on 3 of 20 keys
      certainty    definite: it rests on answers alone
      ✗            not kept: availability.ok
      stale-read   Client 4 read 7 from k3 through n3, 1.4 s after 9 had been acknowledged in its
                   place.
      operations   38,020 ok · 7,000 refused · 1,902 failed · 1,389 unknown · 400 shed
      available    74.9% of intended ok, 89.7% answered; longest gap without an ok 4 s
      latency      p50 1.9 ms · p99 ≥ 1 s · max ≥ 1 s (response time)
      faults       3 of 3 verified, 3 of 3 healed clean
                   isolate n1: 21.0 s to 36.0 s; every node ok 348 ms later
                   pause n3: 48.0 s to 51.0 s; every node ok 339 ms later
                   kill n2: 62.0 s to 65.0 s; every node ok 339 ms later
      report       RUN/report.html
    ");
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
    let mut run = Synthetic::usual("summary");
    run.rate = 20;
    let folder = run.write(&verdict);
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
