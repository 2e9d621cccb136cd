//! Runs the tool calls of one reply: validated first, then under the policy, looking in parallel and changing in order.

use crate::{
    control::Control,
    conversation::Conversation,
    host::Host,
    reply::now,
    secrets::{self, Seen},
    tools::{Effect, Tool, ToolOutput, search::Searched},
    turn::Agent,
    withheld::{Guard, withheld},
};
use futures_util::{StreamExt, stream};
use kerf_protocol::{
    Code, Failure, ItemId, TurnId,
    event::EventBody,
    item::{Item, ItemBody, ItemStatus, Secrets, ToolCall},
};
use kerf_sandbox::Withheld;
use kerf_secrets::Vault;
use kerf_workspace::RelPath;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// How many looking calls run at once.
const PARALLEL: usize = 8;
/// More calls than this in one message are not a plan but a runaway.
const MAX_CALLS: usize = 128;

/// A call as the model sent it.
#[derive(Debug, Clone)]
pub(crate) struct RawCall {
    /// Which part of the reply it is, counted from 1.
    pub(crate) part: u32,
    pub(crate) call_id: String,
    pub(crate) name: String,
    pub(crate) arguments: String,
}

/// How the calls of a reply ended.
pub(crate) struct Ran {
    /// The calls with their results, in the model's order.
    pub(crate) results: Vec<Ended>,
    /// The last call's item.
    pub(crate) last_item: ItemId,
    /// Whether all calls fitted their schemas.
    pub(crate) valid: bool,
    /// Why the turn cannot go on, if it cannot.
    pub(crate) fatal: Option<Failure>,
}

/// A call that has ended.
pub(crate) struct Ended {
    id: ItemId,
    pub(crate) call: ToolCall,
    pub(crate) status: ItemStatus,
    /// What of its output goes to the model.
    pub(crate) seen: Seen,
}

/// Ends a turn from inside a call.
pub(crate) enum Stop {
    Fatal(Failure),
}

/// A call on its way.
struct Running {
    item: Item,
    call: ToolCall,
    begun: Instant,
}

impl Running {
    fn new(turn_id: TurnId, step: u32, raw: &RawCall, title: String) -> Self {
        let call = ToolCall {
            call_id: raw.call_id.clone(),
            tool: raw.name.clone(),
            arguments: serde_json::from_str(&raw.arguments)
                .unwrap_or_else(|_| serde_json::Value::String(raw.arguments.clone())),
            title,
            output: String::new(),
            quotes: Vec::new(),
            changes: Vec::new(),
            exit: None,
            duration_ms: None,
            secrets: Secrets::default(),
        };
        let item = Item {
            id: ItemId::new(),
            turn_id,
            created_at: now(),
            status: ItemStatus::Running,
            step,
            part: raw.part,
            body: ItemBody::ToolCall(call.clone()),
        };
        Self {
            item,
            call,
            begun: Instant::now(),
        }
    }

    fn start<H: Host>(&self, host: &H) {
        host.emit(EventBody::ItemStarted {
            item: self.item.clone(),
        });
    }

    fn finish<H: Host>(
        mut self,
        host: &H,
        conversation: &mut Conversation,
        output: ToolOutput,
    ) -> Ended {
        let seen = conversation.look_through(&output.text);
        self.call.secrets = seen.secrets.clone();
        self.call.output = output.text;
        self.call.quotes = output.quotes;
        self.call.changes = output.changes;
        self.call.exit = output.exit;
        self.call.duration_ms = u64::try_from(self.begun.elapsed().as_millis()).ok();
        let item = Item {
            status: output.status,
            body: ItemBody::ToolCall(self.call.clone()),
            ..self.item
        };
        let id = item.id;
        host.emit(EventBody::ItemCompleted { item });
        Ended {
            id,
            call: self.call,
            status: output.status,
            seen,
        }
    }
}

/// A call whose arguments fit, ready to run.
struct Call {
    tool: Tool,
    /// With placeholders, for people.
    title: String,
}

impl Call {
    fn parse(raw: &RawCall, vault: &Vault) -> Result<Self, String> {
        let parse =
            |arguments: &str| Tool::parse(&raw.name, arguments).map_err(|error| error.to_string());
        let tool = parse(&raw.arguments)?;
        let title = tool.title();
        let restored = tool
            .takes_values()
            .then(|| secrets::restored(vault, &raw.arguments));
        let tool = match restored.flatten() {
            Some(arguments) => parse(&arguments)?,
            None => tool,
        };
        Ok(Self { tool, title })
    }
}

impl<H: Host> Agent<H> {
    /// Tells which files are withheld.
    pub(crate) fn guard(&self) -> Guard {
        Guard::new(
            &self.setup.workspace,
            self.setup.made_of.as_ref(),
            Arc::clone(&self.setup.show),
            Arc::clone(&self.setup.rules),
        )
    }

    /// What commands must not read.
    pub(crate) fn withheld(&self) -> Vec<Withheld> {
        let made_of = self.setup.made_of.as_ref();
        withheld(&self.setup.workspace, made_of, &self.setup.rules)
    }

    /// Runs the calls of one reply.
    pub(crate) async fn run_calls(
        &mut self,
        turn_id: TurnId,
        step: u32,
        raw: &[RawCall],
        control: &Control,
    ) -> Ran {
        let action = control.begin_action();
        let host = Arc::clone(&self.host);
        // What is shown of a call, and kept, is as the model wrote it.
        let parsed: Vec<Result<Call, String>> = raw
            .iter()
            .map(|call| Call::parse(call, self.conversation.vault()))
            .collect();
        let mut ran = Ran {
            results: Vec::with_capacity(raw.len()),
            last_item: ItemId::new(),
            valid: true,
            fatal: None,
        };
        if raw.len() > MAX_CALLS || parsed.iter().any(Result::is_err) {
            ran.valid = false;
            for (call, tool) in raw.iter().zip(parsed) {
                let (title, text) = match tool {
                    Err(error) => (call.name.clone(), error),
                    Ok(call) if raw.len() > MAX_CALLS => (
                        call.title,
                        format!(
                            "Not run: {} calls in one message are more than {MAX_CALLS}",
                            raw.len()
                        ),
                    ),
                    Ok(call) => (
                        call.title,
                        "Not run: another call of this message was not valid. Send it again."
                            .to_owned(),
                    ),
                };
                let running = Running::new(turn_id, step, call, title);
                running.start(&*host);
                ran.push(running.finish(&*host, &mut self.conversation, ToolOutput::failed(text)));
            }
            return ran;
        }
        self.repeats.next_reply();
        let mut calls = raw.iter().zip(parsed.into_iter().flatten()).peekable();
        while let Some((call, Call { tool, title })) = calls.next() {
            if tool.effect() == Effect::Reads && ran.fatal.is_none() && !action.is_cancelled() {
                let mut batch = vec![(call, tool, title)];
                while let Some((call, next)) =
                    calls.next_if(|(_, next)| next.tool.effect() == Effect::Reads)
                {
                    batch.push((call, next.tool, next.title));
                }
                self.look(turn_id, step, batch, &action, &mut ran).await;
                continue;
            }
            let running = Running::new(turn_id, step, call, title);
            running.start(&*host);
            let mut output = if ran.fatal.is_some() {
                ToolOutput::with_status(ItemStatus::Cancelled, "Not run: the turn ended before it.")
            } else if action.is_cancelled() {
                ToolOutput::with_status(
                    ItemStatus::Cancelled,
                    "Not run: the user stopped before it.",
                )
            } else {
                match self.act(turn_id, running.item.id, tool, &action).await {
                    Ok(output) => output,
                    Err(Stop::Fatal(failure)) => {
                        let status = if failure.code == Code::Denied {
                            ItemStatus::Denied
                        } else {
                            ItemStatus::Failed
                        };
                        let output = ToolOutput::with_status(status, failure.message.clone());
                        ran.fatal = Some(failure);
                        output
                    }
                }
            };
            self.repeats.see(&running.call, &mut output);
            ran.push(running.finish(&*host, &mut self.conversation, output));
        }
        ran
    }

    /// Runs calls that only look, in parallel; results keep the model's order.
    async fn look(
        &mut self,
        turn_id: TurnId,
        step: u32,
        batch: Vec<(&RawCall, Tool, String)>,
        action: &CancellationToken,
        ran: &mut Ran,
    ) {
        let host = Arc::clone(&self.host);
        let mut jobs = Vec::with_capacity(batch.len());
        for (raw, tool, title) in batch {
            let running = Running::new(turn_id, step, raw, title);
            running.start(&*host);
            jobs.push((running, tool));
        }
        let at = Searched {
            workspace: self.setup.workspace.clone(),
            index: self.setup.index.clone(),
            guard: self.guard(),
        };
        let jobs: Vec<_> = jobs
            .into_iter()
            .map(|(running, tool)| {
                let at = at.clone();
                async move {
                    let stop = Arc::new(AtomicBool::new(false));
                    let flag = Arc::clone(&stop);
                    let work = tokio::task::spawn_blocking(move || match &tool {
                        Tool::ReadFile(call) => call.run(&at.workspace, &at.guard),
                        Tool::ListDir(call) => (call.run(&at.workspace, &at.guard), None),
                        Tool::FindFiles(call) => (call.run(&at, &flag), None),
                        Tool::Grep(call) => (call.run(&at, &flag), None),
                        Tool::SearchCode(call) => (call.run(&at, &flag), None),
                        Tool::Symbols(call) => (call.run(&at, &flag), None),
                        Tool::Outline(call) => (call.run(&at, &flag), None),
                        _ => (ToolOutput::failed("this tool does not only look"), None),
                    });
                    let (output, read) = tokio::select! {
                        biased;
                        () = action.cancelled() => {
                            stop.store(true, Ordering::Relaxed);
                            (ToolOutput::with_status(ItemStatus::Cancelled, "Stopped by the user."), None)
                        }
                        done = work => done.unwrap_or_else(|panic| (ToolOutput::failed(format!("the tool failed inside Kerf: {panic}")), None)),
                    };
                    (running, output, read)
                }
            })
            .collect();
        let mut done = stream::iter(jobs).buffered(PARALLEL);
        while let Some((running, mut output, read)) = done.next().await {
            if let Some(shown) = read {
                self.note_instructions(&shown.path, &mut output);
                self.reads.add(shown);
            }
            self.repeats.see(&running.call, &mut output);
            ran.push(running.finish(&*host, &mut self.conversation, output));
        }
    }

    /// Gives the instructions of the folder that the work came to, behind the output.
    pub(crate) fn note_instructions(&mut self, path: &RelPath, output: &mut ToolOutput) {
        let guard = self.guard();
        let given = self
            .instructions
            .on_the_way_to(&self.setup.workspace, &guard, path);
        if !given.loaded.is_empty() {
            if !given.text.is_empty() {
                output
                    .text
                    .push_str("\n(The project's instructions for this folder:)\n");
                output.text.push_str(&given.text);
            }
            self.host.emit(EventBody::InstructionsLoaded {
                instructions: given.loaded,
            });
        }
    }
}

impl Ran {
    fn push(&mut self, ended: Ended) {
        self.last_item = ended.id;
        self.results.push(ended);
    }
}
