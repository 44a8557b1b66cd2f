//! What the importers make of good, odd and broken files.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::Completion;

const PLAIN: ImportOptions =
    ImportOptions { format: Format::Auto, independent: false, cas_fail_refused: false };

fn import(text: &str, options: ImportOptions) -> Result<History, Vec<String>> {
    History::import(text.as_bytes(), &options).map_err(|errors| errors.lines())
}

/// Each operation as process, function, key, argument, result and outcome.
fn told(history: &History) -> Vec<String> {
    let operations = history.operations().iter();
    operations
        .map(|op| {
            let key = op.key.map(|key| format!(" of {}", history.key(key))).unwrap_or_default();
            format!(
                "{} {}{key} {} -> {} {:?}",
                op.process,
                history.function_name(op.f),
                history.value(op.argument),
                history.value(op.result),
                op.outcome
            )
        })
        .collect()
}

/// What is read of one EDN form.
fn edn(form: &str) -> Result<Value, Vec<String>> {
    let text = format!("{{:process 0, :type :invoke, :f :write, :value {form}}}");
    let history = import(&text, ImportOptions { format: Format::Edn, ..PLAIN })?;
    Ok(history.value(history.operations()[0].argument))
}

const REGISTER: &str = r#"
; etcd, one register
{:process 0, :type :invoke, :f :write, :value 3, :time 10, :index 0}
{:process :nemesis, :type :info, :f :start, :value nil}
{:process 0, :type :ok, :f :write, :value 3, :time 20, :index 1}
#jepsen.history.Op{:index 2, :time 30, :type :invoke, :process 1, :f :cas, :value [3 4]}
#_ {:process 9 :type :ok :f :read :value 1}
#jepsen.history.Op{:index 3, :time 40, :type :fail, :process 1, :f :cas, :value [3 4], :error [:timeout "x"]}
{:process 2, :type :invoke, :f :read, :value nil, :time 50}{:process 2, :type :ok, :f :read, :value nil, :time 50, :final? true}
"#;

#[test]
fn edn_maps_one_after_another() {
    let history = import(REGISTER, PLAIN).unwrap();
    assert_eq!(
        told(&history),
        ["0 write 3 -> 3 Ok", "1 cas [3,4] -> null Fail", "2 read null -> null Ok",]
    );
    let lines: Vec<u64> = (0..6).map(|event| history.line_of(event)).collect();
    assert_eq!(lines, [3, 5, 6, 8, 9, 9]);
    let cas = &history.operations()[1];
    assert_eq!(cas.error.map(|id| history.error_text(id)), Some(r#"["timeout","x"]"#));
    assert!(history.operations()[2].final_read && history.has_times());
    let refused = import(REGISTER, ImportOptions { cas_fail_refused: true, ..PLAIN }).unwrap();
    assert_eq!(refused.operations()[1].outcome, Completion::Refused);
}

#[test]
fn edn_vectors_of_transactions() {
    let history = import(
        "[{:process 0 :type :invoke :f :txn :value ([:append :x 1] [:r :y nil])}
          {:process 0 :type :ok :f :txn :value [[:append :x 1] [:r :y]]}
          {:process 1 :type :ok :f :txn :value [[:r 5 (1 2)]]}]",
        PLAIN,
    )
    .unwrap();
    assert_eq!(
        told(&history),
        [
            r#"0 txn [["append","x",1],["r","y",null]] -> [["append","x",1],["r","y",null]] Ok"#,
            r#"1 txn [["r",5,[1,2]]] -> [["r",5,[1,2]]] Ok"#,
        ]
    );
    assert_eq!(history.warnings().len(), 1);
    assert!(!history.has_times());
}

#[test]
fn json_arrays() {
    let history = import(
        r#"[
            {"process": 0, "type": ":invoke", "f": ":txn", "value": [[":r", "x"]]},
            {"process": "nemesis", "type": "info", "f": "start"},
            {":process": 0, ":type": ":ok", ":f": "txn", ":value": [["r", "x", [1]]]},
            {"process": 1,
             "type": "began", "f": "txn"}
        ]"#,
        PLAIN,
    );
    assert_eq!(
        history.unwrap_err(),
        ["line 5: unknown `type` `began`; it is invoke, ok, fail or info"]
    );
    let history = import(
        r#"[{"history": 1, "model": "list-append"},
            {"process": 0, "type": ":invoke", "f": ":txn", "value": [[":r", "x"]]},
            {":process": 0, ":type": ":ok", ":f": "txn", ":value": [["r", "x", [1]]]}]"#,
        PLAIN,
    )
    .unwrap();
    assert_eq!(told(&history), [r#"0 txn [["r","x",null]] -> [["r","x",[1]]] Ok"#]);
    assert_eq!(history.header().unwrap().model.as_deref(), Some("list-append"));
}

#[test]
fn tuples_of_independent_keys() {
    let independent = ImportOptions { independent: true, ..PLAIN };
    let text = "{:process 0 :type :invoke :f :write :value [7 1]}
                {:process 0 :type :ok :f :write :value [7 1]}
                {:process 1 :type :invoke :f :read :value [:k nil]}
                {:process 1 :type :info :f :read :value nil}
                {:process 2 :type :invoke :f :read :value [[1 2] nil]}";
    assert_eq!(
        told(&import(text, independent).unwrap()),
        [
            "0 write of 7 1 -> 1 Ok",
            "1 read of k null -> null Info",
            "2 read of [1,2] null -> null Info"
        ]
    );
    let lines = r#"{"process":0,"type":"invoke","f":"write","value":[7,1]}
                   {"process":1,"type":"invoke","f":"write","value":1}"#;
    assert_eq!(
        import(lines, independent).unwrap_err(),
        ["line 2: with independent keys, a value is [key, value]"]
    );
}

#[test]
fn edn_values() {
    let forms = [
        ("nil", json!(null)),
        ("[true false]", json!([true, false])),
        (":a.b/c", json!("a.b/c")),
        ("some-symbol", json!("some-symbol")),
        (r#""a\n\"\u00e9 \uD83D\uDE00é""#, json!("a\n\"é 😀é")),
        (r"[\a \newline \space \u00e9 \o101 \[ \\]", json!(["a", "\n", " ", "é", "A", "[", "\\"])),
        ("[1 -1 +1 2N 3M 0x1f -0]", json!([1, -1, 1, 2, 3, 31, 0])),
        ("[1.5 1e3 1/2 2.5M -1.5e-1]", json!([1.5, 1000.0, 0.5, 2.5, -0.15])),
        ("18446744073709551615", json!(u64::MAX)),
        ("-99999999999999999999N", json!("-99999999999999999999")),
        ("(1, 2,,3)", json!([1, 2, 3])),
        ("#{1 2}", json!([1, 2])),
        ("{:a {0 1} [1] #{}}", json!({"a": {"0": 1}, "[1]": []})),
        (r#"[#inst "1985" #a.b.C[1 2] #"x\"y" ##Inf]"#, json!(["1985", [1, 2], "x\\\"y", "##Inf"])),
        ("[#_1 2 #_ #_ 3 4 5 #_{:a #_b c}] ; end\n", json!([2, 5])),
        ("#object[clojure.lang.Foo 0x2a \"foo\"]", json!(["clojure.lang.Foo", 42, "foo"])),
    ];
    for (form, value) in forms {
        assert_eq!(edn(form), Ok(value), "{form}");
    }
}

#[test]
fn broken_edn_says_where() {
    let deep = "[".repeat(200);
    let mistakes = [
        ("[1}", "`}` where `]` should close what line 1, column 47 opened"),
        ("{:a}", "a map with a key that has no value"),
        ("{:a 1 :a 2}", "the key `a` stands twice in one map"),
        ("12x", "`12x` is no number"),
        ("1/0", "`1/0` is no number"),
        ("@x", "`@x` is no EDN: it is for Clojure's reader"),
        (r"\longname", r"`\longname` is no character"),
        (r#""\q""#, r"`\q` is no escape"),
        (r#""\uD83D""#, "half of a UTF-16 pair stands alone"),
        ("# 1", "`#` without a tag"),
        ("[#_]", "nothing stands behind a `#`"),
        (&deep, "nested deeper than 128"),
    ];
    for (form, what) in mistakes {
        let errors = edn(form).unwrap_err();
        assert!(errors.len() == 1 && errors[0].ends_with(what), "{form}: {errors:?}");
        assert!(errors[0].starts_with("line 1: column "), "{form}: {errors:?}");
    }
    assert_eq!(import("[{:process 0\n", PLAIN).unwrap_err().len(), 1);
    assert_eq!(
        import("[] ]", ImportOptions { format: Format::Edn, ..PLAIN }).unwrap_err(),
        ["line 1: column 4: `]` closes nothing"]
    );
}

#[test]
fn every_wrong_event_is_named() {
    let text = "{:process -1 :type :invoke :f :read}
        {:process 0 :type :invoke}
        {:process 0 :f :read}
        {:type :invoke :f :read}
        17
        {:process 0 :type :invoke :f :read :time 1.5}
        {:process 0 :type :ok :f :read}
        {:process 1 :type :invoke :f [1]}";
    assert_eq!(
        import(text, PLAIN).unwrap_err(),
        [
            "line 1: `process` is an integer from 0 on, not `-1`",
            "line 2: `f` is missing",
            "line 3: `type` is missing",
            "line 4: `process` is missing",
            "line 5: an event is a map, not `17`",
            "line 6: `time` is a whole number of ns, not `1.5`",
            "line 7: process 0 completes what it has not invoked",
            "line 8: `f` is a name, not an array",
        ]
    );
}

#[test]
fn a_torn_end_is_dropped() {
    let history = import(&REGISTER[..REGISTER.len() - 3], PLAIN).unwrap();
    assert_eq!(history.operations().len(), 3);
    assert_eq!(history.warnings(), ["line 9: the last line is torn and was dropped"]);
}

#[test]
fn formats_are_told_apart_by_their_beginning() {
    let beginnings = [
        ("", Format::JsonLines),
        ("  {\"process\": 0}", Format::JsonLines),
        ("{}", Format::JsonLines),
        ("nonsense", Format::JsonLines),
        ("[{\"process\": 0}]", Format::Json),
        ("[]", Format::Json),
        ("\n [ {:process 0}]", Format::Edn),
        ("{ :process 0}", Format::Edn),
        ("; jepsen\n{:process 0}", Format::Edn),
        ("#jepsen.history.Op{:process 0}", Format::Edn),
        ("({:process 0})", Format::Edn),
    ];
    for (text, format) in beginnings {
        assert_eq!(format_of(text.as_bytes()), format, "{text}");
    }
}

/// A JSON value as EDN.
fn as_edn(value: &Value) -> String {
    let all = |list: &[Value]| list.iter().map(as_edn).collect::<Vec<_>>().join(" ");
    match value {
        Value::Null => "nil".to_owned(),
        Value::Array(list) => format!("({})", all(list)),
        Value::Object(map) => {
            let entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{key:?} {}", as_edn(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        simple => simple.to_string(),
    }
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        "[ -~é\\n]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{0,3}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever the bytes are: an answer, and no panic. Most of these bytes mean something to EDN.
    #[test]
    fn no_bytes_make_a_reader_panic(
        bytes in prop::collection::vec(
            prop_oneof![
                prop::sample::select(b"[](){}#_\"\\:; \n,nil0123.eNM/-+ux".to_vec()),
                any::<u8>(),
            ],
            0..60,
        ),
        independent: bool,
    ) {
        for format in [Format::Auto, Format::JsonLines, Format::Json, Format::Edn] {
            let options = ImportOptions { format, independent, cas_fail_refused: true };
            drop(History::import(bytes.as_slice(), &options));
        }
    }

    /// A good file with one byte changed, cut or added: no panic either, in small chunks too.
    #[test]
    fn no_mutation_makes_edn_panic(at in 0..REGISTER.len(), byte: u8, cut: bool) {
        let mut bytes = REGISTER.as_bytes().to_vec();
        bytes[at] = byte;
        if cut {
            bytes.truncate(at);
        }
        let options = ImportOptions { format: Format::Edn, ..PLAIN };
        let whole = History::import(bytes.as_slice(), &options);
        let chunked = BufReader::with_capacity(3, bytes.as_slice());
        let chunked = History::import(chunked, &options);
        prop_assert_eq!(
            whole.map(|history| told(&history)).map_err(|errors| errors.lines()),
            chunked.map(|history| told(&history)).map_err(|errors| errors.lines())
        );
    }

    #[test]
    fn values_survive_edn(value in values()) {
        prop_assert_eq!(edn(&as_edn(&value)), Ok(value));
    }
}

#[test]
fn micro_operations_need_no_function() {
    let text = "{:process 0 :type :invoke :value [[:append 1 2] [:r 1]]}
        {:process 0 :type :ok :value [[:append 1 2] [:r 1 [2]]]}";
    let history = History::import(text.as_bytes(), &PLAIN).unwrap();
    let operation = &history.operations()[0];
    assert_eq!(history.function_name(operation.f), "txn");
    assert_eq!(
        history.value(operation.result),
        serde_json::json!([["append", 1, 2], ["r", 1, [2]]])
    );
}

/// Fields of events, good and bad, as EDN writes them.
fn fields() -> impl Strategy<Value = String> {
    let fields: Vec<String> = [
        ":type", ":f", ":value", ":process", ":time", ":index", ":key", ":error", ":node",
        ":final?", ":refused", ":else", "\"f\"",
    ]
    .map(str::to_owned)
    .to_vec();
    let values: Vec<String> = [
        "0",
        "1",
        "-1",
        "007",
        "+3",
        "1.5",
        "99999999999999999999",
        "nil",
        "true",
        "falsey",
        ":r",
        ":append",
        ":txn",
        ":write",
        "\"f\"",
        "\":f\"",
        "\"a\\\\nb\"",
        "[:r 1]",
        "[[:r 1 nil]]",
        "[[:append 1 2], [:r 1 [2 3 4 5]]]",
        "[[:r 1 [2 3 4 5 6]]]",
        "(:r 1 2)",
        "#{1}",
        "{:a 1}",
        "\\\\c",
        "[1 2",
        "[[[[[[[[[[1]]]]]]]]]]",
        "n1",
        ":a:b",
        "1;x",
    ]
    .map(str::to_owned)
    .to_vec();
    (prop::sample::select(fields), prop::sample::select(values))
        .prop_map(|(field, value)| format!("{field} {value}"))
}

/// Events of two processes, mostly in order, with some fields changed or added.
fn events() -> impl Strategy<Value = Vec<String>> {
    let event = (0..2_u8, prop::bool::ANY, prop::collection::vec(fields(), 0..3));
    prop::collection::vec(event, 1..6).prop_map(|events| {
        let mut open = [false; 2];
        let told = events.into_iter().map(|(process, certain, more)| {
            let open = &mut open[usize::from(process)];
            *open = !*open;
            let kind = if *open { "invoke" } else { "ok" };
            let value = if certain { ":value [[:append 1 2] [:r 1 [1 2 3 4]]] " } else { "" };
            format!(":process {process} :type :{kind}, :f :txn, {value}{}", more.join(", "))
        });
        told.collect()
    })
}

proptest! {
    /// The short way reads what the long one reads, mistakes included.
    #[test]
    fn plain_events_are_read_alike(events in events()) {
        let file = |before: &str| {
            let lines = events.iter().map(|event| format!("{before}{{{event}}}\n"));
            lines.collect::<String>()
        };
        let read = |text: String| {
            let options = ImportOptions { format: Format::Edn, ..PLAIN };
            let history = import(&text, options);
            history.map(|history| told(&history)).map_err(|errors| {
                // Columns differ by what stands before.
                errors.iter().map(|error| error.split("column").next().unwrap_or("").to_owned()).collect::<Vec<_>>()
            })
        };
        prop_assert_eq!(read(file("")), read(file("#_ 0 ")));
    }
}
