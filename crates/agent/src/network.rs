//! Hosts that a running command wants to connect to: the connection waits while the user is asked.

use crate::{
    host::{Connected, Host, HostAnswer, HostQuestion, NetworkCall},
    rules::Asking,
    turn::Agent,
};
use kerf_protocol::{
    ItemId, TurnId,
    policy::{Answer, ApproveMode, QuestionAbout, SandboxMode},
    rule::RuleOffer,
};
use kerf_rules::Rule;
use std::{future::Future, sync::Arc, time::Duration};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How long a connection waits for the user.
const PATIENCE: Duration = Duration::from_secs(60);

/// Questions that wait at a time; the connections behind them wait too.
const QUESTIONS: usize = 8;

/// The command that the questions are about.
pub(crate) struct Wanting<'a> {
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
        about: &Wanting<'_>,
        background: bool,
    ) -> (Option<Connected>, mpsc::Receiver<HostQuestion>) {
        let (ask, questions) = mpsc::channel(QUESTIONS);
        let asks = !background && self.setup.policy.approve != ApproveMode::Never;
        let connected = self.setup.sandbox.can_connect(mode).then(|| {
            self.host.network(NetworkCall {
                turn_id: about.turn_id,
                item_id: about.item_id,
                has_secrets: !about.secrets.is_empty(),
                rules: Arc::clone(&self.setup.rules),
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
        about: &Wanting<'_>,
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
                let Some(HostQuestion {
                    host,
                    rule,
                    because,
                    reply,
                }) = next
                else {
                    return;
                };
                let answer = self.ask_about(host, rule, because, about, &over).await;
                // The connection may have been given up.
                let _ = reply.send(answer);
            }
        };
        tokio::join!(running, asking).0
    }

    async fn ask_about(
        &self,
        host: String,
        rule: Option<String>,
        because: Option<String>,
        about: &Wanting<'_>,
        over: &CancellationToken,
    ) -> HostAnswer {
        // The folder is in the words, as in all that is offered.
        let offered = rule.and_then(|text| Rule::parse(&text).ok());
        let project = offered.as_ref().map(|rule| RuleOffer {
            text: rule.text().to_owned(),
            words: format!(
                "{}, in {}",
                rule.words(),
                self.setup.rules.folder_in_words()
            ),
        });
        let session = if about.secrets.is_empty() {
            format!("connections of commands to {host}, until this session ends")
        } else {
            format!("connections of this command to {host}")
        };
        let question = Asking {
            about: QuestionAbout::Network {
                host,
                command: about.command.to_owned(),
                secrets: about.secrets.to_vec(),
            },
            session: Some(session),
            project,
            because,
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
            Some(Ok(Answer::AllowForProject)) => match offered {
                // On disk before the connection is made. The rules of the next turn have it.
                Some(rule) => match self.host.keep_rule(rule.text()).await {
                    Ok(_) => HostAnswer::ForSession,
                    Err(error) => HostAnswer::No(format!("the rule cannot be kept: {error}")),
                },
                None => HostAnswer::Once,
            },
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
