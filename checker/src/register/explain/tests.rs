//! What is said of each kind of violation, whole.

use insta::assert_snapshot;

use crate::{Request, Unlimited, check, notation::history};

fn said(drawing: &str) -> String {
    let request = Request::new("cas-register", "linearizable");
    let report = check(&history(drawing), &request, &Unlimited);
    let said: Vec<String> = report
        .anomalies
        .into_iter()
        .map(|found| format!("{}: {}", found.kind, found.explanation))
        .collect();
    said.join("\n")
}

#[test]
fn a_stale_read() {
    assert_snapshot!(said("
        0@n1: |w17@k-|        |w21@k-|
        3@n2:        |r17@k-|
        4@n2:                               |r17@k--|
        5@n3:                     |r21@k-|
        6@n3:                       |w25@k--------------|
    "), @r#"
    stale-read: Read of k by client 4 on n2 returned 17, although the write of 21 (client 0 on n1) had been acknowledged 700 ms before it began.

      (1) client 0 on n1: write 17, ok (1.400 s – 2.100 s)
      (2) client 0 on n1: write 21, ok (3.000 s – 3.700 s)
      (3) client 4 on n2: read, returned 17 (4.400 s – 5.200 s)

      1. (1) wrote 17 and was acknowledged at 2.100 s, before (2) began at 3.000 s: so 17 was there before 21.
      2. (2) wrote 21 and was acknowledged at 3.700 s, before (3) began at 4.400 s: so 21 was there before (3) looked.
      3. 17 was not written again, so it was gone for good when 21 was there; but (3) found it.

    Legal would have been for (3) to find 25 or 21 from (2).
    "#);
}

#[test]
fn a_read_of_the_initial_value() {
    assert_snapshot!(said("
        0@n1: |w17-|
        4@n2:               |r_-|
    "), @r#"
    stale-read: Read by client 4 on n2 returned null, although the write of 17 (client 0 on n1) had been acknowledged 900 ms before it began.

      (1) client 0 on n1: write 17, ok (1.400 s – 1.900 s)
      (2) client 4 on n2: read, returned null (2.800 s – 3.200 s)

      1. null is the initial value: it was there before 17.
      2. (1) wrote 17 and was acknowledged at 1.900 s, before (2) began at 2.800 s: so 17 was there before (2) looked.
      3. null was not written again, so it was gone for good when 17 was there; but (2) found it.

    Legal would have been for (2) to find 17 from (1).
    "#);
}

#[test]
fn a_newer_value_was_seen_before() {
    assert_snapshot!(said("
        0@n1: |w17-|  |w21------------------|
        1@n2:               |r21-|
        2@n3:                       |r17-|
    "), @r#"
    non-linearizable: Read by client 2 on n3 returned 17, although a read by client 1 on n2 had returned 21, which is newer, 300 ms before it began.

      (1) client 0 on n1: write 17, ok (1.400 s – 1.900 s)
      (2) client 0 on n1: write 21, ok (2.200 s – 4.400 s)
      (3) client 1 on n2: read, returned 21 (2.800 s – 3.300 s)
      (4) client 2 on n3: read, returned 17 (3.600 s – 4.100 s)

      1. (1) wrote 17 and was acknowledged at 1.900 s, before (3) began at 2.800 s: so 17 was there before 21.
      2. (3) had returned 21 at 3.300 s, before (4) began at 3.600 s: so 21 was there before (4) looked.
      3. 17 was not written again, so it was gone for good when 21 was there; but (4) found it.

    Legal would have been for (4) to find 21 from (2).
    "#);
}

#[test]
fn a_lost_write() {
    assert_snapshot!(said("
        0@n1: |w17-|  |w21-| |w22-|
        1@n2:                           |R17-|
        2@n3:                              |R17-|
    "), @r#"
    lost-write: The write of 22 (client 0 on n1) was acknowledged and is lost: the final reads returned 17, which is older (2 acknowledged writes are lost).

      (1) client 0 on n1: write 17, ok (1.400 s – 1.900 s)
      (2) client 0 on n1: write 22, ok (2.900 s – 3.400 s)
      (3) client 2 on n3: read, returned 17 (4.300 s – 4.800 s)

      1. (1) wrote 17 and was acknowledged at 1.900 s, before (2) began at 2.900 s: so 17 was there before 22.
      2. (2) wrote 22 and was acknowledged at 3.400 s.
      3. (3) began at 4.300 s, later, and returned 17; so did every final read after (2), or a value as old.

    Legal would have been for (3) to find 22, or a value written at the same time or later.

    stale-read: Final read by client 1 on n2 returned 17, although the write of 22 (client 0 on n1) had been acknowledged 600 ms before it began.

      (1) client 0 on n1: write 17, ok (1.400 s – 1.900 s)
      (2) client 0 on n1: write 22, ok (2.900 s – 3.400 s)
      (3) client 1 on n2: read, returned 17 (4.000 s – 4.500 s)

      1. (1) wrote 17 and was acknowledged at 1.900 s, before (2) began at 2.900 s: so 17 was there before 22.
      2. (2) wrote 22 and was acknowledged at 3.400 s, before (3) began at 4.000 s: so 22 was there before (3) looked.
      3. 17 was not written again, so it was gone for good when 22 was there; but (3) found it.

    Legal would have been for (3) to find 22 from (2).
    "#);
}

#[test]
fn a_read_before_its_write() {
    assert_snapshot!(said("
        0@n1:           |w17-|
        1@n2:  |r17-|
    "), @r#"
    non-linearizable: Read by client 1 on n2 returned 17 before the write of 17 (client 0 on n1) began.

      (1) client 1 on n2: read, returned 17 (1.500 s – 2.000 s)
      (2) client 0 on n1: write 17, ok (2.400 s – 2.900 s)

      1. Nobody began to write 17 before (2) did at 2.400 s.
      2. (1) had returned 17 at 2.000 s, before that.

    Legal would have been for (1) to find null.
    "#);
}

#[test]
fn a_read_of_an_older_value_in_a_chain_of_cas() {
    assert_snapshot!(said("
        0@n1: |w17---|
        1@n2:   |c17>21-|
        2@n3:                |r17-|
    "), @r#"
    stale-read: Read by client 2 on n3 returned 17, although the cas from 17 to 21 (client 1 on n2) had been acknowledged 500 ms before it began.

      (1) client 0 on n1: write 17, ok (1.400 s – 2.100 s)
      (2) client 1 on n2: cas [17,21], ok (1.600 s – 2.400 s)
      (3) client 2 on n3: read, returned 17 (2.900 s – 3.400 s)

      1. (2) is a cas: nothing came between 17 and 21.
      2. (2) changed 17 to 21 and was acknowledged at 2.400 s, before (3) began at 2.900 s: so 21 was there before (3) looked.
      3. 17 was not written again, so it was gone for good when 21 was there; but (3) found it.

    Legal would have been for (3) to find 21 from (2).
    "#);
}

#[test]
fn chains_of_cas_in_conflict() {
    assert_snapshot!(said("
        0@n1: |w1------------------------|
        1@n2:   |c1>2---------------------------|
        2@n3:     |r1-|
        3@n4:           |w9-|
        4@n5:                   |r2-|    |r9-|
    "), @r#"
    stale-read: Read by client 4 on n5 returned 2, although the write of 9 (client 3 on n4) had been acknowledged 400 ms before it began.

      (1) client 0 on n1: write 1, ok (1.400 s – 4.100 s)
      (2) client 1 on n2: cas [1,2], ok (1.600 s – 4.800 s)
      (3) client 2 on n3: read, returned 1 (1.800 s – 2.200 s)
      (4) client 3 on n4: write 9, ok (2.400 s – 2.800 s)
      (5) client 4 on n5: read, returned 2 (3.200 s – 3.600 s)

      1. (2) is a cas: nothing came between 1 and 2.
      2. (3) had returned 1 at 2.200 s, before (4) began at 2.400 s: so 1 was there before 9.
      3. (4) wrote 9 and was acknowledged at 2.800 s, before (5) began at 3.200 s: so 9 was there before (5) looked.
      4. 2 was not written again, so it was gone for good when 9 was there; but (5) found it.

    Legal would have been for (5) to find 9 from (4).
    "#);
}

#[test]
fn two_cas_from_one_value() {
    assert_snapshot!(said("
        0@n1: |w17-|  |c17>21-|
        1@n2:           |c17>30-|
    "), @r#"
    non-linearizable: Two cas from 17 succeeded (client 0 on n1; client 1 on n2), although 17 was not written again in between.

      (1) client 0 on n1: write 17, ok (1.400 s – 1.900 s)
      (2) client 0 on n1: cas [17,21], ok (2.200 s – 3.000 s)
      (3) client 1 on n2: cas [17,30], ok (2.400 s – 3.200 s)

      1. (1) wrote 17, and nobody wrote it again.
      2. (2) and (3) each found 17 and replaced it; whichever came second cannot have found it.

    Legal would have been for (3) to be refused.
    "#);
}

#[test]
fn cas_that_explain_each_other() {
    assert_snapshot!(said("
        0@n1: |c1>2-|
        1@n2: |c2>1-|
    "), @r#"
    non-linearizable: Cas from 1 to 2 by client 0 on n1 succeeded, although nobody wrote a value that 1 could come from.

      (1) client 0 on n1: cas [1,2], ok (1.400 s – 2.000 s)
      (2) client 1 on n2: cas [2,1], ok (1.400 s – 2.000 s)

      1. (1) is a cas: nothing came between 1 and 2.
      2. (2) is a cas: nothing came between 2 and 1.
      3. Followed back from 1, these cas lead to no write and not to the initial value.

    Legal would have been for (1) to be refused.
    "#);
}

#[test]
fn a_cas_of_a_value_that_was_overwritten() {
    assert_snapshot!(said("
        0@n1: |w17-|  |w21-|
        1@n2:                 |c17>30-|
    "), @r#"
    non-linearizable: Cas from 17 to 30 by client 1 on n2 succeeded, although the write of 21 (client 0 on n1) had been acknowledged 300 ms before it began.

      (1) client 0 on n1: write 17, ok (1.400 s – 1.900 s)
      (2) client 0 on n1: write 21, ok (2.200 s – 2.700 s)
      (3) client 1 on n2: cas [17,30], ok (3.000 s – 3.800 s)

      1. (3) is a cas: nothing came between 17 and 30.
      2. (1) wrote 17 and was acknowledged at 1.900 s, before (2) began at 2.200 s: so 17 was there before 21.
      3. (2) wrote 21 and was acknowledged at 2.700 s, before (3) began at 3.000 s: so 21 was there before (3) looked.
      4. 17 was not written again, so it was gone for good when 21 was there; but (3) found it.

    Legal would have been for (3) to be refused.
    "#);
}

#[test]
fn a_read_of_a_failed_write() {
    assert_snapshot!(said("
        0@n1: |w17@k-| |w21@k-x
        1@n2:                 |r21@k-|
    "), @r#"
    G1a: Read of k by client 1 on n2 returned 21, although the only attempt to write 21 (client 0 on n1) failed.

      (1) client 0 on n1: write 21, failed (2.300 s – 3.000 s)
      (2) client 1 on n2: read, returned 21 (3.000 s – 3.700 s)

      1. (1) certainly did nothing, and nobody else wrote 21; but (2) found it.
    "#);
}

#[test]
fn a_read_of_what_nobody_wrote() {
    assert_snapshot!(said("
        0@n1: |w17-|
        1@n2:                 |r21-|
    "), @r#"
    thin-air: Read by client 1 on n2 returned 21, which nobody ever wrote.

      (1) client 1 on n2: read, returned 21 (3.000 s – 3.500 s)

      1. No operation of this history writes 21; but (1) found it.
    "#);
}

#[test]
fn a_refused_cas_that_should_have_succeeded() {
    assert_snapshot!(said("
        0@n1: |w17-|
        1@n2:        |c17>30-!
        2@n2:     |w3@other-|
    "), @r#"
    non-linearizable: Cas from 17 by client 1 on n2 was refused, which no order of the other operations explains.

      (1) client 0 on n1: write 17, ok (1.400 s – 1.900 s)
      (2) client 1 on n2: cas [17,30], refused (2.100 s – 2.900 s)

      1. Whichever way operations that overlap are placed, the register holds 17 as long as (2) is open.
      2. (2) was refused: it found another value than 17.

    Legal would have been for (2) to succeed.
    "#);
}

#[test]
fn repeated_values() {
    assert_snapshot!(said("
        0@n1: |w1-|     |w1-|
        1@n2:     |w2-|       |r2-|
    "), @r#"
    stale-read: Read by client 1 on n2 returned 2, although the write of 1 (client 0 on n1) had been acknowledged 200 ms before it began.

      (1) client 1 on n2: write 2, ok (1.800 s – 2.200 s)
      (2) client 0 on n1: write 1, ok (2.400 s – 2.800 s)
      (3) client 1 on n2: read, returned 2 (3.000 s – 3.400 s)

      1. (1) wrote 2 and was acknowledged at 2.200 s, before (2) began at 2.400 s: so 2 was there before 1.
      2. (2) wrote 1 and was acknowledged at 2.800 s, before (3) began at 3.000 s: so 1 was there before (3) looked.
      3. 2 was not written again, so it was gone for good when 1 was there; but (3) found it.

    Legal would have been for (3) to find 1 from (2).
    "#);
}

#[test]
fn repeated_values_that_only_a_search_decides() {
    assert_snapshot!(said("
        0@n1: |w1----------------------|
        1@n2: |w2----------------------|
        2@n3: |w1----------------------|
        3@n4:   |r1-| |r2-| |r1-| |r2-|
    "), @r#"
    non-linearizable: Read by client 3 on n4 returned 2, which no order of the other operations explains.

      (1) client 0 on n1: write 1, ok (1.400 s – 3.900 s)
      (2) client 1 on n2: write 2, ok (1.400 s – 3.900 s)
      (3) client 2 on n3: write 1, ok (1.400 s – 3.900 s)
      (4) client 3 on n4: read, returned 2 (2.200 s – 2.600 s)
      (5) client 3 on n4: read, returned 1 (2.800 s – 3.200 s)
      (6) client 3 on n4: read, returned 2 (3.400 s – 3.800 s)

      1. Whichever way operations that overlap are placed, the register holds 1 as long as (6) is open.
      2. (6) found 2.

    Legal would have been for (6) to find 1 from (1).
    "#);
}
