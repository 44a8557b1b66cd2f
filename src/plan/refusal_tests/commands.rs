//! Faults that run commands, members that leave, versions that change: what plans are refused for.

use super::{fault, in_chaos};

#[test]
fn members_and_versions_that_cannot_be() {
    let cases = [
        "membership: { remove: two, for: 3s }",
        "membership: { remove: [n1, n2], for: 3s }",
        "membership: { target: n1, for: 3s }",
        "upgrade: { target: n1 }",
        "upgrade: { to: \"3.6\" }",
        "upgrade: { to: \"3.5\", every: 10s }",
        "upgrade: { to: \"3.5\", for: 10s }",
    ];
    let said: Vec<String> = cases.iter().map(|case| fault(case)).collect();
    insta::assert_snapshot!(said.concat(), @r#"
        - membership: { remove: two, for: 3s }
            members leave one at a time; give each a fault of its own, one after the other
        - membership: { remove: [n1, n2], for: 3s }
            members leave one at a time; give each a fault of its own, one after the other
        - membership: { target: n1, for: 3s }
            unknown key `target`; choose one of `remove`, `at`, `after`, `for`, `until`, `at-most`, `every`, `times`, `as`, `optional`
        - upgrade: { target: n1 }
            this `upgrade` leads nowhere; say to which version: `to: …`
        - upgrade: { to: "3.6" }
            `etcd` has no version `3.6` to be upgraded to; did you mean `3.5`?
        - upgrade: { to: "3.5", every: 10s }
            an upgrade happens once; give each version a fault of its own
        - upgrade: { to: "3.5", for: 10s }
            unknown key `for`; choose one of `target`, `to`, `at`, `after`, `every`, `times`, `as`, `optional`
        "#);
    let elsewhere = [
        in_chaos("etcd", 1, &["membership: { for: 3s }"]),
        in_chaos("abd", 3, &["membership: { for: 3s }"]),
        in_chaos("abd", 3, &["upgrade: { to: \"2\" }"]),
        in_chaos(
            "etcd",
            3,
            &["membership: { remove: n1 }", "slow: n1", "pause: { target: n1, for: 3s }"],
        ),
    ];
    insta::assert_snapshot!(elsewhere.concat(), @r#"
        - membership: { for: 3s }
            2 clients are unlikely to carry 500 operations a second: each would have 4.0 ms for one; what they can't carry is shed, not queued; try `clients: 3 per node`
            the only node can't leave: nobody would be left to ask; give the cluster more `nodes`
        - membership: { for: 3s }
            nobody knows how a member of `abd` is removed; its system file has no `membership:` (`temblor explain system-files`)
        - upgrade: { to: "2" }
            no other version of `abd` is known; its system file has no `upgrade:` (`temblor explain system-files`)
        - membership: { remove: n1 }
              - slow: n1
              - pause: { target: n1, for: 3s }
            expected a map of what `slow` does; write `slow: { target: … }`
            `membership` and `pause` may act on one node at once, 0s into the phase: who is no member has nothing that could fail; let one end before the other begins, or choose targets that can't meet
        "#);
}

#[test]
fn commands_that_cannot_be() {
    let seen = "verify-on: [test, -e, x], verify-off: [test, x], for: 1s";
    let cases = [
        "exec: { target: n1 }".to_owned(),
        "exec: { apply: [], heal: [\"\"] }".to_owned(),
        "exec: { apply: touch /tmp/x, verify-on: [\"true\"] }".to_owned(),
        "exec: { apply: [touch, x], for: 3s, verify-off: [test, x], verify-on: [test, x] }"
            .to_owned(),
        format!(
            "exec: {{ apply: [touch, \"{{dta}}/x\", \"{{port.x}}\", \"{{\"], heal: [rm, x], {seen} }}"
        ),
        format!("exec: {{ apply: [sh, -c, \"rm {{data}}/x\"], heal: [rm, x], {seen} }}"),
        format!("exec: {{ apply: [env, /bin/bash, -ec, \"{{node}}\"], heal: [rm, x], {seen} }}"),
        format!("exec: {{ apply: [sh, -c, \"rm $1\", sh, \"{{data}}\"], heal: [rm, x], {seen} }}"),
        "exec: { apply: [touch, x], heal: [rm, x], timeout: 11s, for: 2s, verify-on: [test, x] }"
            .to_owned(),
        "exec: { apply: [touch, x] }".to_owned(),
    ];
    let said: Vec<String> = cases.iter().map(|case| fault(case)).collect();
    insta::assert_snapshot!(said.concat(), @r#"
        - exec: { target: n1 }
            this `exec` does nothing; say what to run, word by word: `apply: [touch, "{data}/flag"]`
            nothing shows what this `exec` does, so that no run with it passes: it has no `verify-on`; give `verify-on:` a command that ends with exit code 0 when it is so
        - exec: { apply: [], heal: [""] }
            nothing shows what this `exec` does, so that no run with it passes: it has no `verify-on`; give `verify-on:` a command that ends with exit code 0 when it is so
            a command needs at least a program; 
            a command needs at least a program; 
        - exec: { apply: touch /tmp/x, verify-on: ["true"] }
            `touch /tmp/x` is one word, and no program has this name; a command is a list of words, and no shell reads it: `[touch, /tmp/x]`
        - exec: { apply: [touch, x], for: 3s, verify-off: [test, x], verify-on: [test, x] }
            `for` means nothing here; without `heal` the fault is over at once
            `verify-off` means nothing here; without `heal` the fault is over at once
        - exec: { apply: [touch, "{dta}/x", "{port.x}", "{"], heal: [rm, x], verify-on: [test, -e, x], verify-off: [test, x], for: 1s }
            there is no variable `dta`; did you mean `data`?
            the system has no port `x`; choose one of `client`, `peer`
            a `{` without its `}`; 
        - exec: { apply: [sh, -c, "rm {data}/x"], heal: [rm, x], verify-on: [test, -e, x], verify-off: [test, x], for: 1s }
            a shell would read this value as part of its script; let the script read it from the environment: `"$TEMBLOR_DATA"` (`temblor explain exec`); a brace is written `{{` or `}}`
        - exec: { apply: [env, /bin/bash, -ec, "{node}"], heal: [rm, x], verify-on: [test, -e, x], verify-off: [test, x], for: 1s }
            a shell would read this value as part of its script; let the script read it from the environment: `"$TEMBLOR_DATA"` (`temblor explain exec`); a brace is written `{{` or `}}`
        - exec: { apply: [sh, -c, "rm $1", sh, "{data}"], heal: [rm, x], verify-on: [test, -e, x], verify-off: [test, x], for: 1s }
            
        - exec: { apply: [touch, x], heal: [rm, x], timeout: 11s, for: 2s, verify-on: [test, x] }
            nothing shows what this `exec` does, so that no run with it passes: it has no `verify-off`; give `verify-off:` a command that ends with exit code 0 when it is so
            a command may take 10s at most; let it begin the work, and `verify-on` wait for its effect
        - exec: { apply: [touch, x] }
            nothing shows what this `exec` does, so that no run with it passes: it has no `verify-on`; give `verify-on:` a command that ends with exit code 0 when it is so
        "#);
    let heal = "exec: { target: n1, apply: [a], heal: [b], verify-on: [c], verify-off: [d] }";
    let others = ["kill: { target: n1 }", "starve: { target: n1, memory: true }", heal];
    let together = others.map(|other| in_chaos("etcd", 3, &[heal, other]));
    insta::assert_snapshot!(together.concat(), @"
        - exec: { target: n1, apply: [a], heal: [b], verify-on: [c], verify-off: [d] }
              - kill: { target: n1 }
            `exec` and `kill` may act on one node at once, 0s into the phase: a command of your own may need the servers; let one end before the other begins, or choose targets that can't meet
        - exec: { target: n1, apply: [a], heal: [b], verify-on: [c], verify-off: [d] }
              - starve: { target: n1, memory: true }
            `exec` and `starve` may act on one node at once, 0s into the phase: a command of your own may need the servers; let one end before the other begins, or choose targets that can't meet
        - exec: { target: n1, apply: [a], heal: [b], verify-on: [c], verify-off: [d] }
              - exec: { target: n1, apply: [a], heal: [b], verify-on: [c], verify-off: [d] }
            `exec` and `exec` may act on one node at once, 0s into the phase: two commands of your own may undo each other; let one end before the other begins, or choose targets that can't meet
        ");
}
