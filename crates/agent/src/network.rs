//! Hosts that a running command wants to connect to: the connection waits while the user is asked.

use crate::{
    host::{Connected, Host, HostAnswer, HostQuestion, NetworkCall},
    turn::Agent,
};
use kerf_protocol::{
    ItemId, TurnId,
    policy::{Answer, ApproveMode, QuestionAbout, SandboxMode},
};
use std::{future::Future, time::Duration};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How long a connection waits for the user.
const PATIENCE: Duration = Duration::from_secs(60);

/// Questions that wait at a time; the connections behind them wait too.
const QUESTIONS: usize = 8;

/// The command that the questions are about.
pub(crate) struct Asking<'a> {
    pub(crate) turn_id: TurnId,
    pub(crate) item_id: ItemId,
    /// As the model wrote it.
    pub(crate) command: &'a str,
    /// The placeholders in it.
    pub(crate) secrets: &'a [String],
}

impl<H: Host> Agent<H> {
    /// The network of a command under `mode`, where the host has one for it, and the hosts that it will ask about.
    ///
    /// A job in the background asks nothing: its questions would come while the turn is elsewhere, or over.
    pub(crate) fn connect(
        &self,
        mode: SandboxMode,
        about: &Asking<'_>,
        background: bool,
    ) -> (Option<Connected>, mpsc::Receiver<HostQuestion>) {
        let (ask, questions) = mpsc::channel(QUESTIONS);
        let asks = !background && self.setup.policy.approve != ApproveMode::Never;
        let connected = self.setup.sandbox.can_connect(mode).then(|| {
            self.host.network(NetworkCall {
                turn_id: about.turn_id,
                item_id: about.item_id,
                has_secrets: !about.secrets.is_empty(),
                ask: asks.then_some(ask),
            })
        });
        (connected.flatten(), questions)
    }

    /// Runs a command to its end, and puts its questions to the user meanwhile. A question that is open when the command
    /// ends is taken back.
    pub(crate) async fn ask_beside<T>(
        &self,
        run: impl Future<Output = T>,
        mut questions: mpsc::Receiver<HostQuestion>,
        about: &Asking<'_>,
        action: &CancellationToken,
    ) -> T {
        let over = action.child_token();
        let running = async {
            let result = run.await;
            over.cancel();
            result
        };
        let asking = async {
            loop {
                let next = tokio::select! {
                    biased;
                    () = over.cancelled() => return,
                    next = questions.recv() => next,
                };
                // No more can come.
                let Some(HostQuestion { host, reply }) = next else {
                    return;
                };
                let answer = self.ask_about(host, about, &over).await;
                // The connection may have been given up.
                let _ = reply.send(answer);
            }
        };
        tokio::join!(running, asking).0
    }

    async fn ask_about(
        &self,
        host: String,
        about: &Asking<'_>,
        over: &CancellationToken,
    ) -> HostAnswer {
        let question = QuestionAbout::Network {
            host,
            command: about.command.to_owned(),
            secrets: about.secrets.to_vec(),
        };
        let patience = over.child_token();
        let asked = self.ask(about.turn_id, about.item_id, question, &patience);
        tokio::pin!(asked);
        let answer = tokio::select! {
            (_, answer) = &mut asked => answer,
            () = tokio::time::sleep(PATIENCE) => {
                patience.cancel();
                asked.await.1
            }
        };
        match answer {
            Some(Ok(Answer::Allow)) => HostAnswer::Once,
            Some(Ok(Answer::AllowForSession)) => HostAnswer::ForSession,
            Some(Ok(Answer::Deny { reason } | Answer::Text { text: reason })) => {
                HostAnswer::No(if reason.is_empty() {
                    "the user refused it".to_owned()
                } else {
                    format!("the user refused it: {reason}")
                })
            }
            Some(Err(_)) => {
                HostAnswer::No("it is not listed, and nobody is there to ask".to_owned())
            }
            None => HostAnswer::No(format!(
                "it is not listed, and the user did not answer within {} seconds",
                PATIENCE.as_secs()
            )),
        }
    }
}
