//! Many threads make of a file what one makes of it.

use proptest::prelude::*;

use super::*;
use crate::history::{HistoryErrors, Operation, ValueId};

const LINES: [&str; 14] = [
    r#"{"history":1,"model":"register"}"#,
    r#"{"time":5,"process":0,"type":"invoke","f":"write","key":"k","value":7,"node":"n1"}"#,
    r#"{"time":6,"process":0,"type":"ok","f":"write","key":"k","value":7,"node":"n1"}"#,
    r#"{"process":1,"type":"invoke","f":"read","key":3,"value":null}"#,
    r#"{"process":1,"type":"info","f":"read","value":null,"error":"no answer"}"#,
    r#"{"process":2,"type":"invoke","f":"txn","value":[["r","x",null],["append","x","é\n"]]}"#,
    r#"{"process":2,"type":"ok","f":"txn","value":[["r","x",[1,2,3,4,5]],["append","x","é\n"]]}"#,
    r#"{"process":2,"type":"ok","f":"txn","value":[["r","x",[1,2,3,4,5,6,7]],["r",2,[1,2,3,9]]]}"#,
    r#"{"process":2,"type":"fail","f":"txn","value":[["r","x",[1,2,3,8,8]],["r",[1],[1,2,3,4]]]}"#,
    r#"{"process":3,"type":"ok","f":"txn","value":[["r","x",[1,2,3,5,8]],["r","x",[1,2,3,6]]]}"#,
    r#"{"process":3,"type":"ok","f":"txn","value":{"a":[1,1.5,-4000000000,true]}}"#,
    r#"{"process":"nemesis","type":"info","f":"start","value":[{}]}"#,
    r#"{"process":4,"type":"ok","f":"#,
    "",
];

/// A history as what it says, whatever the ids.
fn told(read: Result<History, HistoryErrors>) -> String {
    let history = match read {
        Ok(history) => history,
        Err(errors) => return format!("{:#?}", errors.lines()),
    };
    let operations = history.operations().iter().map(|op| {
        let plain = Operation {
            argument: ValueId::NULL,
            result: ValueId::NULL,
            f: history.function_id("txn").unwrap_or(op.f),
            ..op.clone()
        };
        let key = op.key.map(|key| history.key(key).clone());
        let names = (history.function_name(op.f), key, op.node.map(|node| history.node_name(node)));
        let error = op.error.map(|error| history.error_text(error));
        let values = (history.value(op.argument), history.value(op.result));
        format!("{plain:?} {names:?} {error:?} {values:?}\n")
    });
    let head = format!("{:?} {:?} {}\n", history.header(), history.lines, history.has_times());
    head + &operations.collect::<String>() + &history.warnings().join("\n")
}

fn read_by(threads: usize, block: u64, text: &[u8]) -> String {
    let mut builder = Builder::default();
    builder.lines_by(threads, block, text);
    told(builder.finish())
}

proptest! {
    #[test]
    fn many_threads_read_what_one_reads(
        chosen in prop::collection::vec(0..LINES.len(), 0..40),
        clean in any::<bool>(),
        threads in 2..5_usize,
        block in 1..700_u64,
        torn in 0..30_usize,
    ) {
        let lines = chosen.iter().map(|&line| LINES[line]);
        let text: String = if clean {
            // One process a line, so that most files are good.
            let transactions = lines.filter(|line| line.contains("txn")).enumerate();
            let line = |(n, line): (usize, &str)| {
                let (before, after) = line.split_once("process\":").expect("it has one");
                format!("{before}process\":1{n}{}\n", &after[1..])
            };
            transactions.map(line).collect()
        } else {
            lines.flat_map(|line| [line, "\n"]).collect()
        };
        let text = &text.as_bytes()[..text.len().saturating_sub(torn)];
        let one = read_by(1, block, text);
        prop_assert_eq!(&one, &read_by(1, 1 << 20, text));
        prop_assert_eq!(one, read_by(threads, block, text));
    }
}

/// Ends in an error in the middle of a line.
struct Failing<'t>(&'t [u8]);

impl std::io::Read for Failing<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match self.0.len() {
            0 => Err(std::io::Error::other("the disk is gone")),
            _ => self.0.read(into),
        }
    }
}

#[test]
fn a_file_that_breaks_off_is_said_with_its_line() {
    let text = "{\"process\":0,\"type\":\"invoke\",\"f\":\"read\"}\n".repeat(3) + "{\"proc";
    for (threads, block) in [(1, 1 << 20), (1, 10), (2, 10), (2, 100)] {
        let mut builder = Builder::default();
        builder.lines_by(threads, block, std::io::BufReader::new(Failing(text.as_bytes())));
        let said = builder.finish().unwrap_err().lines().join("\n");
        assert!(said.contains("line 4: cannot be read: the disk is gone"), "{threads}: {said}");
    }
}
