//! The scanner says what the parser says, or nothing.

use proptest::prelude::*;

use super::*;
use crate::history::line::parse;

const LINES: [&str; 9] = [
    r#"{"index":0,"time":5,"process":0,"type":"invoke","f":"write","key":"k","value":7,"node":"n1","intended":3}"#,
    r#"{"time":-7,"process":1,"type":"fail","f":"cas","key":3,"value":[7,"a"],"refused":true}"#,
    r#"{"process":2,"type":"info","f":"read","value":null,"error":"no answer","final":false}"#,
    r#"{"process":0,"type":"ok","f":"txn","value":[["append",1,2],["r",1,[1,2,3,4,5]],["r","x",[]]]}"#,
    r#" { "process" : 0 , "type" : "ok" , "f" : "txn" , "value" : [ [ "r" , 1 , [1,2,3,4,5,6 ] ] ] } "#,
    r#"{"process":0,"type":"ok","f":"txn","value":[["r",1,[1,2,3,4]],["r",1,[1,2,3,4,5,16]],["r",1,[1]]]}"#,
    r#"{"process":18446744073709551615,"type":"ok","f":"read","value":{"a":[1,1.5,-0,true]}}"#,
    r#"{"process":1,"type":"ok","f":"é\n","value":[9223372036854775807,-9223372036854775808,01]}"#,
    r#"{"process":"nemesis","type":"info","f":"start","extra":[{}],"value":[[[[[[[[[[1]]]]]]]]]]}"#,
];

/// What both make of lines read one after another: nothing must depend on what came before.
fn compare(lines: &[Vec<u8>]) -> Result<usize, TestCaseError> {
    let (mut scanner, mut names, mut values) =
        (Scanner::default(), Names::default(), Values::default());
    let (mut other_names, mut other_values) = (Names::default(), Values::default());
    let mut scanned = 0;
    for bytes in lines {
        let parsed = parse(bytes, &mut other_names, &mut other_values);
        let Some(line) = scanner.scan(bytes, &mut names, &mut values) else {
            // As the builder does.
            drop(parse(bytes, &mut names, &mut values));
            continue;
        };
        scanned += 1;
        let expected = match parsed {
            Ok(expected) => expected,
            Err(error) => {
                let text = String::from_utf8_lossy(bytes);
                return Err(TestCaseError::fail(format!("{text} was scanned: {error}")));
            }
        };
        prop_assert_eq!(values.value(line.value), other_values.value(expected.value));
        // Names are interned in the same order: the ids are the same. Those of values may differ.
        prop_assert_eq!(
            Line { value: ValueId::NULL, ..line },
            Line { value: ValueId::NULL, ..expected }
        );
    }
    Ok(scanned)
}

#[test]
fn plain_lines_are_scanned() {
    let lines = LINES.map(|line| line.as_bytes().to_vec());
    assert_eq!(compare(&lines).unwrap(), 6);
}

fn cases() -> ProptestConfig {
    let given = std::env::var("TEMBLOR_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig::with_cases(given.unwrap_or(4_000))
}

proptest! {
    #![proptest_config(cases())]

    /// Lines with bytes changed, left out and doubled.
    #[test]
    fn mutated_lines_mean_the_same_to_both(
        chosen in prop::collection::vec((0..LINES.len(), 0..120_usize, 0..4_u8, any::<u8>()), 1..6),
    ) {
        let meaningful = b"[]{}\":,0123456789-.eE \\ntf\x7f\xc3";
        let lines: Vec<Vec<u8>> = chosen
            .iter()
            .map(|&(line, at, change, byte)| {
                let mut bytes = LINES[line].as_bytes().to_vec();
                let at = at % bytes.len();
                let byte = meaningful.get(usize::from(byte) % 40).copied().unwrap_or(byte);
                match change {
                    0 => bytes[at] = byte,
                    1 => drop(bytes.remove(at)),
                    2 => bytes.insert(at, byte),
                    _ => bytes.truncate(at.max(1)),
                }
                bytes
            })
            .collect();
        compare(&lines)?;
    }

    /// Lists that grow and part, in the text that a recorder writes.
    #[test]
    fn lists_mean_the_same_to_both(
        lists in prop::collection::vec(prop::collection::vec(0..12_u32, 0..12), 1..30),
        growing in prop::collection::vec(0..30_u32, 1..30),
    ) {
        let growing = growing.iter().map(|length| (0..*length).collect::<Vec<u32>>());
        let lines: Vec<Vec<u8>> = growing
            .chain(lists)
            .map(|list| {
                format!("{{\"process\":0,\"type\":\"ok\",\"f\":\"txn\",\"value\":[[\"r\",1,{list:?}]]}}")
                    .replace(' ', "")
                    .into_bytes()
            })
            .collect();
        prop_assert_eq!(compare(&lines)?, lines.len());
    }
}
