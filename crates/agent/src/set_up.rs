//! The user's command for a new worktree: it runs once, in the sandbox, before the model is first asked.
//!
//! It is the user's own by the settings, so nobody is asked; a rule that denies it counts all the same. It is an item of
//! the turn like a call of the model's, which it is not: the model hears in a sentence how it ended.

use crate::{
    control::Control,
    host::{Host, Scope},
    network::Wanting,
    reply::now,
    tools::command,
    turn::Agent,
};
use kerf_protocol::{
    Code, Failure, ItemId, TurnId,
    event::EventBody,
    item::{Item, ItemBody, ItemStatus, Secrets, ToolCall},
    policy::{Isolation, SandboxMode},
    review::Author,
    rule::RuleVerdict,
};
use kerf_sandbox::{End, Invocation, Job};
use serde_json::json;
use std::{sync::Arc, time::Duration, time::Instant};

/// The name of the item's tool. No model can call it.
pub const SET_UP: &str = "set_up";

/// One that takes longer is stopped.
const TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// What is kept of its output at each end, in bytes.
const OUTPUT_CAP: usize = 32 * 1024;
/// What of it is shown while it runs, in bytes.
const MAX_LIVE_OUTPUT: usize = 256 * 1024;
/// What the model reads of the output of one that failed, in bytes from its end.
const MAX_TOLD: usize = 2_000;

/// What runs in a new worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetUp {
    /// For the shell.
    pub command: String,
    /// Whether the turn goes on when it fails.
    pub go_on: bool,
}

impl<H: Host> Agent<H> {
    /// Runs the set-up command. Some: the turn ends with this failure.
    pub(crate) async fn set_up(
        &mut self,
        turn_id: TurnId,
        SetUp { command, go_on }: SetUp,
        control: &Control,
    ) -> Option<Failure> {
        let begun = Instant::now();
        let mut call = ToolCall {
            call_id: SET_UP.to_owned(),
            tool: SET_UP.to_owned(),
            arguments: json!({ "command": command }),
            title: format!("Set up the worktree: {command}"),
            output: String::new(),
            quotes: Vec::new(),
            changes: Vec::new(),
            exit: None,
            duration_ms: None,
            secrets: Secrets::default(),
        };
        let mut item = Item {
            id: ItemId::new(),
            turn_id,
            created_at: now(),
            status: ItemStatus::Running,
            step: 0,
            part: 0,
            body: ItemBody::ToolCall(call.clone()),
        };
        let item_id = item.id;
        self.host
            .emit(EventBody::ItemStarted { item: item.clone() });
        let ran = self.run_set_up(turn_id, item_id, command, control, &mut call);
        item.status = match ran.await {
            Ok(status) => status,
            Err(failure) => {
                call.output = failure.message;
                ItemStatus::Failed
            }
        };
        call.secrets = self.conversation.look_through(&call.output).secrets;
        call.duration_ms = u64::try_from(begun.elapsed().as_millis()).ok();
        item.body = ItemBody::ToolCall(call.clone());
        self.conversation.push_set_up(&call, item.status, item_id);
        let status = item.status;
        self.host.emit(EventBody::ItemCompleted { item });
        if status == ItemStatus::Completed || go_on || control.is_cancelled() {
            return None;
        }
        Some(Failure {
            code: Code::Configuration,
            message: format!(
                "the set-up command failed, so the task did not begin: {}",
                call.output.lines().next().unwrap_or_default()
            ),
            hint: "Mend it in the settings under Worktrees, or let tasks go on without it; a message tries again"
                .to_owned(),
        })
    }

    async fn run_set_up(
        &mut self,
        turn_id: TurnId,
        item_id: ItemId,
        command: String,
        control: &Control,
        call: &mut ToolCall,
    ) -> Result<ItemStatus, Failure> {
        let denied = |message: String| Failure {
            code: Code::Denied,
            message,
            hint: String::new(),
        };
        if self.setup.rules.command(&command, "").verdict == Some(RuleVerdict::Deny) {
            return Err(denied("a rule denies it".to_owned()));
        }
        let mode = self.setup.policy.sandbox;
        if mode == SandboxMode::ReadOnly {
            return Err(denied("nothing may be written in this session".to_owned()));
        }
        let isolation = self.setup.sandbox.isolation(mode);
        if let Isolation::Unavailable { reason } = &isolation {
            return Err(denied(format!("it cannot be isolated here: {reason}")));
        }
        let wanting = Wanting {
            turn_id,
            item_id,
            command: &command,
            secrets: &[],
        };
        let (connected, questions) = self.connect(mode, &wanting, false);
        let level = connected.as_ref().map(|connected| connected.level);
        let root = self.setup.workspace.root().to_owned();
        let job = Job {
            command: Invocation::Shell(command.clone()),
            cwd: root.clone(),
            workspace: root,
            mode,
            timeout: Some(TIMEOUT),
            env: Vec::new(),
            writable: Vec::new(),
            output_cap: OUTPUT_CAP,
            network: connected.map(|connected| connected.network),
            commits: self.setup.commits.clone(),
            // It makes its own.
            lent: Vec::new(),
            withheld: self.withheld(),
        };
        let kept = self.host.before_change(item_id, Scope::Anything).await;
        kept.map_err(|error| error.0)?;
        self.host.durable().await.map_err(|error| error.0)?;
        let action = control.begin_action();
        let host = Arc::clone(&self.host);
        let mut shown = 0;
        let run = self.setup.sandbox.run(job, action.clone(), |bytes| {
            if shown < MAX_LIVE_OUTPUT {
                shown += bytes.len();
                host.emit(EventBody::ItemUpdated {
                    item_id,
                    delta: String::from_utf8_lossy(bytes).into_owned(),
                });
            }
        });
        let ran = self.ask_beside(run, questions, &wanting, &action).await;
        let author = Author::Command { turn_id, item_id };
        let found = self.host.after_change(Scope::Anything, author).await;
        call.changes = found.map_err(|error| error.0)?;
        let outcome = ran.map_err(|error| denied(error.to_string()))?;
        call.output = command::describe(&outcome, &command, &self.setup.workspace);
        call.exit = Some(command::exit(
            &outcome.end,
            &outcome.isolation,
            level.unwrap_or_default(),
        ));
        Ok(match outcome.end {
            End::Exited(0) => ItemStatus::Completed,
            End::Cancelled => ItemStatus::Cancelled,
            End::Exited(_) | End::Signalled(_) | End::TimedOut => ItemStatus::Failed,
        })
    }
}

/// What the model hears of it, the same whenever the session is taken up.
pub(crate) fn note(call: &ToolCall, status: ItemStatus) -> String {
    let command = call.arguments["command"].as_str().unwrap_or_default();
    let begin = format!("[Before this, Kerf ran the user's set-up command `{command}` here");
    match status {
        ItemStatus::Completed => format!("{begin}; it passed.]"),
        ItemStatus::Interrupted | ItemStatus::Running | ItemStatus::Waiting => {
            format!("{begin}, and was stopped before it ended.]")
        }
        ItemStatus::Failed | ItemStatus::Denied | ItemStatus::Cancelled => {
            let from = call.output.len().saturating_sub(MAX_TOLD);
            let from = (from..call.output.len()).find(|at| call.output.is_char_boundary(*at));
            let told = &call.output[from.unwrap_or(call.output.len())..];
            format!("{begin}, and it did not pass. The end of what it said:\n{told}]")
        }
    }
}
