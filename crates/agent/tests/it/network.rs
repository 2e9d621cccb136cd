//! Commands that want to connect, and the user who is asked meanwhile.
#![cfg(target_os = "linux")]

use crate::kit::{Rig, Say, script};
use kerf_agent::{Connected, HostQuestion, NetworkCall, TurnEnd};
use kerf_protocol::{
    item::{ItemBody, ItemStatus},
    policy::{Answer, ApproveMode, Isolation, NetworkLevel, QuestionAbout, SandboxMode},
};
use kerf_sandbox::{Network, Serving};
use kerf_test_support::Turn;
use rstest::rstest;
use serde_json::json;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    sync::{mpsc, oneshot},
};

/// Asks about each connection, and writes the answer on it.
#[derive(Debug)]
struct Asks {
    ask: Option<mpsc::Sender<HostQuestion>>,
    refused: Arc<Mutex<Vec<String>>>,
}

impl Network for Asks {
    fn serve(&self, mut connection: TcpStream) -> Serving {
        let ask = self.ask.clone();
        let refused = Arc::clone(&self.refused);
        Box::pin(async move {
            let said = match ask {
                None => "nobody to ask".to_owned(),
                Some(ask) => {
                    let (reply, answer) = oneshot::channel();
                    let host = "one.test:443".to_owned();
                    let question = HostQuestion {
                        host,
                        rule: Some("Network(one.test)".to_owned()),
                        because: None,
                        reply,
                    };
                    ask.send(question).await.unwrap();
                    format!("{:?}", answer.await)
                }
            };
            refused
                .lock()
                .unwrap()
                .push(format!("`one.test:443`: {said}"));
            let _ = connection.write_all(said.as_bytes()).await;
        })
    }

    fn refused(&self) -> Vec<String> {
        self.refused.lock().unwrap().clone()
    }

    fn waited(&self) -> Duration {
        Duration::ZERO
    }
}

fn connect(call: NetworkCall) -> Option<Connected> {
    let asks = call.ask.is_some();
    Some(Connected {
        network: Arc::new(Asks {
            ask: call.ask,
            refused: Arc::default(),
        }),
        level: NetworkLevel { hosts: 0, asks },
    })
}

const DIAL: &str = "bash -c 'exec 3<>/dev/tcp/127.0.0.1/3128; cat <&3'";

/// A session whose commands are isolated and have a network. None: this machine cannot.
fn rig(approve: ApproveMode, command: serde_json::Value) -> Option<Rig> {
    let mut rig = Rig::new(
        "//- /a.txt\none\n",
        script([Turn::call("run_command", command)]),
    )
    .policy(SandboxMode::WorkspaceWrite, approve);
    let isolation = rig
        .agent
        .setup_mut()
        .sandbox
        .isolation(SandboxMode::WorkspaceWrite);
    if isolation != Isolation::Full {
        eprintln!("skipped 1: {isolation:?}");
        return None;
    }
    rig.host.connect(connect);
    Some(rig)
}

#[rstest]
#[case::once(Some(Say::Answer(Answer::Allow)), "Ok(Once)", ItemStatus::Completed)]
#[case::session(
    Some(Say::Answer(Answer::AllowForSession)),
    "Ok(ForSession)",
    ItemStatus::Completed
)]
#[case::no(Some(Say::Answer(Answer::Deny { reason: "use the cache".to_owned() })), "refused it: use the cache", ItemStatus::Denied)]
#[case::words_are_no_yes(Some(Say::Answer(Answer::Text { text: "yes".to_owned() })), "refused it: yes", ItemStatus::Denied)]
#[case::nobody(None, "nobody is there to ask", ItemStatus::Denied)]
#[tokio::test]
async fn a_connection_waits_for_the_user(
    #[case] say: Option<Say>,
    #[case] said: &str,
    #[case] status: ItemStatus,
) {
    let Some(mut rig) = rig(ApproveMode::Auto, json!({ "command": DIAL })) else {
        return;
    };
    if let Some(say) = say {
        rig.host.say(say);
    }
    assert_eq!(rig.turn("go").await, TurnEnd::Completed);
    let result = rig.result();
    assert!(result.contains(said), "{result}");
    assert!(
        result.contains("note: the network refused `one.test:443`"),
        "{result}"
    );
    let questions = rig.host.questions();
    let QuestionAbout::Network { host, command, .. } = &questions[0].about else {
        panic!("{questions:?}");
    };
    assert_eq!((host.as_str(), command.as_str()), ("one.test:443", DIAL));
    let turns = rig.host.turns();
    let asked = turns[0]
        .items
        .iter()
        .find(|item| matches!(item.body, ItemBody::Approval { .. }));
    assert_eq!(asked.unwrap().status, status);
    let call = &rig.host.calls()[0].0;
    let level = NetworkLevel {
        hosts: 0,
        asks: true,
    };
    assert_eq!(call.exit.as_ref().unwrap().network, level);
}

/// A command that does not wait for its connection leaves no question behind.
#[tokio::test]
async fn a_question_ends_with_its_command() {
    let line = "bash -c 'exec 3<>/dev/tcp/127.0.0.1/3128; while [ ! -e asked ]; do read -t 0.02 <> <(:); done'";
    let Some(mut rig) = rig(ApproveMode::Auto, json!({ "command": line })) else {
        return;
    };
    rig.host.say(Say::Nothing);
    let asked = rig.fixture.path().join("asked");
    rig.host.on_event(move |event| {
        if matches!(
            event,
            kerf_protocol::event::EventBody::ApprovalRequested { .. }
        ) {
            std::fs::write(&asked, "").unwrap();
        }
    });
    assert_eq!(rig.turn("go").await, TurnEnd::Completed);
    assert!(rig.result().starts_with("exit code"), "{}", rig.result());
    let turns = rig.host.turns();
    let asked = turns[0]
        .items
        .iter()
        .find(|item| matches!(item.body, ItemBody::Approval { .. }));
    assert_eq!(asked.unwrap().status, ItemStatus::Cancelled);
}

/// Where nobody shall be asked, and for what goes on in the background, nobody is.
#[rstest]
#[case::never(ApproveMode::Never, json!({ "command": DIAL }))]
#[case::background(ApproveMode::Auto, json!({ "command": format!("{DIAL} > said"), "background": true }))]
#[tokio::test]
async fn nobody_is_asked(#[case] approve: ApproveMode, #[case] call: serde_json::Value) {
    let Some(mut rig) = rig(approve, call) else {
        return;
    };
    assert_eq!(rig.turn("go").await, TurnEnd::Completed);
    assert!(rig.host.questions().is_empty());
    if approve == ApproveMode::Never {
        assert!(rig.result().contains("nobody to ask"), "{}", rig.result());
    }
}
