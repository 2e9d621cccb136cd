//! A context that fills up: outputs go first, then a summary takes the history's place.

use crate::kit::{Rig, failure, says, script};
use kerf_agent::{Control, TurnEnd};
use kerf_protocol::{
    Code, TurnId,
    event::{ContextUse, EventBody},
    item::{Comment, ItemBody},
    ledger::{FileRange, Purpose},
};
use kerf_test_support::{Reported, Script, Step, Tokens, Turn};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::join;

/// What a request for a summary says, in part.
const ASKS_FOR_SUMMARY: &str = "Write the notes from which you will go on";
const LEFT_OUT: &str = "was left out to save space";

fn too_long() -> Turn {
    let error = json!({"error": {"code": "context_length_exceeded", "message": "This model's maximum context length is 8192 tokens"}});
    Turn::status(400).body(error.to_string())
}

fn summary(text: &str) -> Turn {
    Turn::text(text).when_contains(ASKS_FOR_SUMMARY)
}

fn is_no_summary(request: &Value) -> bool {
    !request.to_string().contains(ASKS_FOR_SUMMARY)
}

/// Five reads of about 4 KiB each.
fn five_reads() -> (String, Vec<Turn>) {
    let line = "x".repeat(99);
    let file: String = (0..40).map(|_| format!("{line}\n")).collect();
    let tree = (0..5)
        .map(|number| format!("//- /{number}.txt\n{file}"))
        .collect();
    let read = |number| Turn::call("read_file", json!({"path": format!("{number}.txt")}));
    (tree, (0..5).map(read).collect())
}

/// Which of the results of the last request were left out.
fn left_out(rig: &Rig) -> Vec<bool> {
    rig.results()
        .iter()
        .map(|result| result.contains(LEFT_OUT))
        .collect()
}

#[tokio::test]
async fn old_outputs_go_first_oldest_first() {
    let (tree, turns) = five_reads();
    let mut rig = Rig::new(&tree, script(turns)).window(8_000);
    assert_eq!(rig.turn("read all").await, TurnEnd::Completed);
    assert_eq!(left_out(&rig), [true, true, false, false, false]);
    assert!(
        rig.result_at(0).contains("an output of 4111 bytes"),
        "{}",
        rig.result_at(0)
    );
    let last = rig.server.requests().last().unwrap().seen();
    assert_eq!(last.texts[0].1, "read all", "what was said stays");
    assert_eq!(last.calls.len(), 5, "the calls stay");
}

#[tokio::test]
async fn a_request_that_is_too_long_shrinks_and_goes_again() {
    let (tree, mut turns) = five_reads();
    turns.push(too_long());
    let mut rig = Rig::new(&tree, script(turns));
    assert_eq!(rig.turn("read all").await, TurnEnd::Completed);
    let requests = rig.server.requests();
    assert_eq!(requests.len(), 7);
    assert!(requests[6].body.len() < requests[5].body.len());
    assert!(!requests[5].seen().results[0].1.contains(LEFT_OUT));
    let left_out = left_out(&rig);
    assert!(left_out[0] && !left_out[4], "{left_out:?}");
}

#[tokio::test]
async fn a_long_output_that_just_came_can_go_as_well() {
    let long = "//- /long.txt\n".to_owned() + &"words and words\n".repeat(1_500);
    let turns = [
        Turn::call("read_file", json!({"path": "long.txt"})),
        Turn::call("list_dir", json!({})),
        too_long(),
    ];
    let mut rig = Rig::new(&long, script(turns));
    assert_eq!(rig.turn("read it").await, TurnEnd::Completed);
    assert_eq!(left_out(&rig), [true, false]);
}

#[tokio::test]
async fn what_cannot_shrink_fails_in_plain_words() {
    let mut rig = Rig::new("", Script::new().otherwise(too_long()));
    let failure = failure(rig.turn("hello").await);
    assert_eq!(failure.code, Code::ContextFull);
    assert!(!failure.hint.is_empty());
    assert_eq!(
        rig.server.requests().len(),
        1,
        "the same request is not sent twice"
    );
}

/// A session whose words fill the window of 8,440 tokens at the sixth message.
async fn talked(script: Script) -> Rig {
    let mut rig = Rig::new("", script).window(8_440);
    for number in 0..5 {
        let text = format!("message {number} {}", "word ".repeat(700));
        assert_eq!(rig.turn(&text).await, TurnEnd::Completed);
    }
    rig
}

fn answers() -> Script {
    // Turns with a condition do not hold up those behind them.
    Script::new()
        .turn(summary("NOTES ONE"))
        .otherwise(Turn::text("Done."))
}

#[tokio::test]
async fn a_summary_takes_the_place_of_the_history() {
    let mut rig = talked(answers()).await;
    assert_eq!(
        rig.turn(&"last words ".repeat(300)).await,
        TurnEnd::Completed
    );
    let requests = rig.server.requests();
    assert_eq!(
        requests.len(),
        7,
        "five answers, the notes, the sixth answer"
    );
    let asked = requests[5].seen();
    assert!(asked.last_user_text().unwrap().contains(ASKS_FOR_SUMMARY));
    assert!(
        asked.texts[0].1.starts_with("message 0"),
        "the notes are made from all of it"
    );
    let after = requests[6].seen();
    assert_eq!(
        after.texts[0].1,
        "The conversation so far, summarised by you:\n\nNOTES ONE"
    );
    assert!(
        after
            .texts
            .iter()
            .all(|(_, text)| !text.starts_with("message 0"))
    );
    assert!(after.last_user_text().unwrap().starts_with("last words"));
    assert!(requests[6].body.len() < requests[5].body.len());
    // The items themselves stay.
    let items: Vec<_> = rig
        .host
        .turns()
        .into_iter()
        .flat_map(|turn| turn.items)
        .collect();
    let summaries = items
        .iter()
        .filter(|item| matches!(item.body, ItemBody::Summary { .. }));
    assert_eq!(summaries.count(), 1);
    assert!(items.iter().any(|item| matches!(&item.body, ItemBody::UserMessage { text, .. } if text.starts_with("message 0"))));
}

#[tokio::test]
async fn a_session_taken_up_after_a_summary_is_the_same_conversation() {
    let mut rig = talked(answers()).await;
    rig.turn(&"last words ".repeat(300)).await;
    rig.assert_replays(&[]).await;
}

#[tokio::test]
async fn a_summary_of_a_summary_counts_alone() {
    let script = Script::new()
        .turn(summary("NOTES ONE"))
        .turn(summary("NOTES TWO"))
        .otherwise(Turn::text("Done."));
    let mut rig = talked(script).await;
    for number in 0..6 {
        let text = format!("more {number} {}", "word ".repeat(600));
        assert_eq!(rig.turn(&text).await, TurnEnd::Completed);
    }
    let last = rig.server.requests().last().unwrap().seen();
    assert!(
        last.texts[0].1.ends_with("NOTES TWO"),
        "{}",
        last.texts[0].1
    );
    assert!(
        last.texts
            .iter()
            .all(|(_, text)| !text.contains("NOTES ONE"))
    );
    rig.assert_replays(&[]).await;
}

#[tokio::test]
async fn an_empty_summary_is_an_error_and_loses_nothing() {
    let mut rig = talked(
        Script::new()
            .turn(summary("  "))
            .turn(summary("NOTES"))
            .otherwise(Turn::text("Done.")),
    )
    .await;
    let failure = failure(rig.turn(&"last words ".repeat(300)).await);
    assert!(failure.message.contains("no summary"), "{failure}");
    assert_eq!(rig.turn("again").await, TurnEnd::Completed);
    let last = rig.server.requests().last().unwrap().seen();
    assert!(
        last.texts
            .iter()
            .any(|(_, text)| text.starts_with("last words"))
    );
}

#[tokio::test]
async fn a_message_that_interrupts_a_summary_does_not_end_the_turn() {
    let held = Turn::text("NOTES")
        .and(Step::Hold)
        .when_contains(ASKS_FOR_SUMMARY);
    let mut rig = talked(
        Script::new()
            .turn(held)
            .turn(summary("NOTES TWO"))
            .otherwise(Turn::text("Done.")),
    )
    .await;
    let control = Control::new();
    let (server, sender) = (&rig.server, control.clone());
    let text = "last words ".repeat(300);
    let (end, ()) = join!(
        rig.agent.run_turn(TurnId::new(), says(&text), &control),
        async {
            server.arrived(6).await;
            sender.send(says("be quick"), true).unwrap();
        }
    );
    assert_eq!(end, TurnEnd::Completed);
    let last = rig.server.requests().pop().unwrap();
    assert!(is_no_summary(&last.json()));
    assert_eq!(last.seen().last_user_text(), Some("be quick"));
}

/// What the context was said to be after each reply.
fn used(rig: &Rig) -> Vec<ContextUse> {
    let events = rig.host.events().into_iter();
    events
        .filter_map(|event| match event {
            EventBody::ContextUpdated { context, .. } => Some(context),
            _ => None,
        })
        .collect()
}

fn counted(input: u64) -> Turn {
    Turn::text("Done.").tokens(Tokens {
        input,
        output: 7,
        ..Tokens::default()
    })
}

#[rstest]
#[case::plausible(3_000)]
// Far more and far fewer bytes a token than an estimate takes for possible.
#[case::dense(60_000)]
#[case::thin(150)]
#[tokio::test]
async fn the_endpoint_s_own_count_is_shown_as_it_is(#[case] input: u64) {
    let mut rig = Rig::new("", script([counted(input)])).window(100_000);
    rig.turn("hello").await;
    assert_eq!(
        used(&rig),
        [ContextUse {
            tokens: input + 7,
            window: 100_000,
            estimated: false
        }]
    );
}

#[tokio::test]
async fn a_count_that_is_not_the_endpoint_s_is_said_to_be_an_estimate() {
    let turns = [
        Turn::text("Done.").reported(Reported::Absent),
        counted(3_000),
        Turn::text("Done.").reported(Reported::Absent),
        counted(3),
    ];
    let mut rig = Rig::new("", script(turns)).window(10_000);
    for _ in 0..4 {
        rig.turn("hello").await;
    }
    let used = used(&rig);
    let estimated: Vec<bool> = used.iter().map(|context| context.estimated).collect();
    assert_eq!(estimated, [true, false, true, true], "{used:?}");
    // What was counted before is learned from.
    assert!((3_000..3_200).contains(&used[2].tokens), "{used:?}");
    assert!((3_000..3_300).contains(&used[3].tokens), "{used:?}");
}

#[tokio::test]
async fn the_files_that_a_request_quotes_are_told_to_the_ledger() {
    let (tree, turns) = five_reads();
    let mut rig = Rig::new(&tree, script(turns)).window(8_000);
    rig.turn("read all").await;
    let sent = rig.sent();
    assert!(sent[0].files.is_empty());
    let paths = |number: usize| -> Vec<&str> {
        sent[number]
            .files
            .iter()
            .map(|file| file.path.as_str())
            .collect()
    };
    assert_eq!(paths(1), ["0.txt"]);
    assert_eq!(
        paths(5),
        ["2.txt", "3.txt", "4.txt"],
        "what was left out is not told"
    );
    assert!(sent.iter().all(|entry| entry.purpose == Purpose::Turn));
}

#[tokio::test]
async fn a_short_output_beside_one_that_was_left_out_is_still_told_to_the_ledger() {
    let (tree, turns) = five_reads();
    let first = turns[0]
        .clone()
        .and_call("read_file", json!({"path": "short.txt"}));
    let turns = std::iter::once(first).chain(turns.into_iter().skip(1));
    let mut rig = Rig::new(
        &format!("{tree}//- /short.txt\nshort\n"),
        script(turns.collect::<Vec<_>>()),
    )
    .window(8_000);
    rig.turn("read all").await;
    assert_eq!(left_out(&rig), [true, false, true, false, false, false]);
    let sent = rig.sent().pop().unwrap();
    let paths: Vec<&str> = sent.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["2.txt", "3.txt", "4.txt", "short.txt"]);
}

#[tokio::test]
async fn the_lines_that_a_comment_quotes_are_told_to_the_ledger() {
    let mut rig = Rig::new("", script([]));
    let mut input = says("look");
    let comment = |first_line, excerpt: &str| Comment {
        path: "a.txt".to_owned(),
        first_line,
        last_line: first_line + 1,
        excerpt: excerpt.to_owned(),
        text: "why?".to_owned(),
    };
    input.comments = vec![comment(3, "one\ntwo"), comment(7, "")];
    rig.agent
        .run_turn(TurnId::new(), input, &Control::new())
        .await;
    let told = FileRange {
        path: "a.txt".to_owned(),
        first_line: 3,
        last_line: 4,
    };
    assert_eq!(rig.sent()[0].files, [told]);
}
