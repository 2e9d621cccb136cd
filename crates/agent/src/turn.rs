//! A turn: requests and tool calls in turn, until the model has nothing more to do.

use crate::{
    calls::RawCall,
    context::Meter,
    control::{Control, UserInput},
    conversation::Conversation,
    host::{Host, HostError},
    instructions::{Instructions, UserInstructions},
    jobs::RunningJob,
    map::{self, GivenMap, InPlay},
    policy::Allowances,
    prompt,
    reads::Reads,
    repeats::Repeats,
    reply::now,
    set_up::SetUp,
    shape, tools,
};
use kerf_index::Index;
use kerf_model::{Door, ErrorKind, Part, Stop, Target};
use kerf_protocol::{
    Code, Failure, ItemId, SessionId, TurnId,
    endpoint::Usage,
    event::EventBody,
    item::{Item, ItemBody, ItemStatus},
    policy::{Policy, QuestionAbout},
    session::Turn,
};
use kerf_rules::Rules;
use kerf_sandbox::{Commits, Lent, Sandbox};
use kerf_secrets::Vault;
use kerf_workspace::Workspace;
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

/// So many replies in a row without one valid call end the turn: the model cannot use the tools.
const MAX_INVALID_REPLIES: u32 = 4;
/// So often an answer may miss the shape that was asked for.
const MAX_MISFITS: u32 = 2;

/// What a session works with.
pub struct Setup {
    /// Names the session to the ledger.
    pub session_id: SessionId,
    /// The opened folder.
    pub workspace: Workspace,
    /// The user's folder that the workspace was made of, when it is a worktree.
    pub made_of: Option<Workspace>,
    /// The folder's index; without one the tools that search read the folder.
    pub index: Option<Index>,
    /// Runs commands.
    pub sandbox: Sandbox,
    /// The way to the model.
    pub door: Door,
    /// The endpoint, the model and the key.
    pub target: Target,
    /// Where commits of commands go, when the workspace keeps them apart from its repository.
    pub commits: Option<Commits>,
    /// Folders that commands see elsewhere in the workspace, read-only.
    pub lent: Vec<Lent>,
    /// What the session may do.
    pub policy: Policy,
    /// The rules of the folder that count.
    pub rules: Arc<Rules>,
    /// The map of the repository that the session began with, as [`Host::keep_map`] was given it.
    pub map: Option<String>,
    /// The user's own instructions.
    pub user_instructions: Option<UserInstructions>,
    /// The shape that the last answer must have, as JSON Schema.
    pub output_schema: Option<serde_json::Value>,
    /// What placeholders of secrets are made from: a secret of the user's, always the same for a session.
    pub placeholder_key: [u8; 32],
    /// What is to run before the next turn's first request, because the workspace is new. Taken when it runs.
    pub set_up: Option<SetUp>,
    /// Whole paths of files that the user lets the model read although their names say that they hold secrets.
    pub show: Arc<[PathBuf]>,
}

/// How a turn ended.
#[derive(Debug, Clone, PartialEq)]
pub enum TurnEnd {
    /// The model was done.
    Completed,
    /// The user stopped it.
    Cancelled,
    /// It failed.
    Failed(Failure),
}

/// A session that can take turns.
pub struct Agent<H> {
    pub(crate) host: Arc<H>,
    pub(crate) setup: Setup,
    pub(crate) reads: Reads,
    pub(crate) repeats: Repeats,
    pub(crate) allowed: Allowances,
    pub(crate) instructions: Instructions,
    pub(crate) jobs: BTreeMap<u32, RunningJob>,
    pub(crate) next_job: u32,
    pub(crate) conversation: Conversation,
    pub(crate) meter: Meter,
    /// What the session was given of the repository; none as long as the index was not ready.
    pub(crate) map: Option<GivenMap>,
}

/// What goes on from step to step of a turn.
pub(crate) struct Progress {
    pub(crate) turn_id: TurnId,
    pub(crate) step: u32,
    pub(crate) usage: Usage,
    pub(crate) system: String,
    /// The shape that was asked for, as it is sent.
    pub(crate) output_schema: Option<serde_json::Value>,
    pub(crate) invalid_replies: u32,
    /// How often in a row the context was made smaller without a reply in between.
    pub(crate) squeezed: u32,
    /// How often the last answer did not fit the shape that was asked for.
    pub(crate) misfits: u32,
}

impl Progress {
    /// Counts the replies in a row whose calls could not be run. Some: there have been enough.
    fn is_hopeless(&mut self, valid: bool) -> Option<Failure> {
        self.invalid_replies = if valid { 0 } else { self.invalid_replies + 1 };
        (self.invalid_replies >= MAX_INVALID_REPLIES).then(|| Failure {
            code: Code::Endpoint,
            message: format!(
                "the model sent {MAX_INVALID_REPLIES} replies in a row whose tool calls are not valid"
            ),
            hint: "Choose a model that is made for tool use; nothing of these replies was run"
                .to_owned(),
        })
    }
}

impl<H: Host> Agent<H> {
    /// A session that goes on from `history`.
    pub fn new(setup: Setup, host: Arc<H>, history: &[Turn]) -> Self {
        let meter = Meter::new(setup.target.endpoint.context_window);
        Self {
            host,
            reads: Reads::default(),
            repeats: Repeats::default(),
            allowed: Allowances::default(),
            instructions: Instructions::default(),
            jobs: BTreeMap::new(),
            next_job: 0,
            conversation: Conversation::replay(history, Vault::new(setup.placeholder_key)),
            meter,
            map: setup.map.as_deref().and_then(GivenMap::kept),
            setup,
        }
    }

    /// What the session works with; changes count from the next request on.
    pub fn setup_mut(&mut self) -> &mut Setup {
        &mut self.setup
    }

    /// Takes one turn and tells the host all of it, the end included.
    pub async fn run_turn(
        &mut self,
        turn_id: TurnId,
        input: UserInput,
        control: &Control,
    ) -> TurnEnd {
        let (instructions, given) = Instructions::start(
            &self.setup.workspace,
            &self.guard(),
            self.setup.user_instructions.as_ref(),
        );
        self.instructions = instructions;
        let folder = self.setup.workspace.root().display().to_string();
        self.make_map(&input).await;
        let map = self.map.as_ref().map_or("", |map| &map.text);
        let mut system = prompt::system(&folder, self.setup.policy, &given.text, map);
        let mut output_schema = self.setup.output_schema.clone();
        self.conversation
            .conceal(&mut system, output_schema.as_mut());
        let mut progress = Progress {
            turn_id,
            step: 0,
            usage: Usage::default(),
            system,
            output_schema,
            invalid_replies: 0,
            squeezed: 0,
            misfits: 0,
        };
        self.host.emit(EventBody::TurnStarted {
            turn_id,
            instructions: given.loaded,
        });
        self.hear(turn_id, input);
        self.ask_about_interrupted(turn_id, control).await;
        let set_up = match self.setup.set_up.take() {
            Some(set_up) => self.set_up(turn_id, set_up, control).await,
            None => None,
        };
        let end = match set_up {
            Some(failure) => TurnEnd::Failed(failure),
            None => self.steps(&mut progress, control).await,
        };
        if end != TurnEnd::Completed {
            // After a stop or a failure nothing goes on by itself; what was said meanwhile waits for the next turn.
            for input in control.close() {
                self.hear(turn_id, input);
            }
        }
        self.tell_of_jobs(turn_id);
        let usage = progress.usage;
        match &end {
            TurnEnd::Completed => self.host.emit(EventBody::TurnCompleted {
                turn_id,
                usage,
                cancelled: false,
            }),
            TurnEnd::Cancelled => self.host.emit(EventBody::TurnCompleted {
                turn_id,
                usage,
                cancelled: true,
            }),
            TurnEnd::Failed(failure) => {
                self.show_failure(turn_id, failure);
                self.host.emit(EventBody::TurnFailed {
                    turn_id,
                    usage,
                    error: failure.clone(),
                });
            }
        }
        if let Err(HostError(failure)) = self.host.durable().await {
            return TurnEnd::Failed(failure);
        }
        end
    }

    /// Makes the map that the session has from now on, unless it has one.
    async fn make_map(&mut self, input: &UserInput) {
        if let (None, Some(index)) = (&self.map, &self.setup.index) {
            let comments = input.comments.iter().map(|comment| comment.path.clone());
            let in_play = InPlay {
                words: input.text.clone(),
                files: comments.collect(),
            };
            let map = map::make(index, self.guard(), in_play, self.meter.window()).await;
            // One that was not kept would not be the same when the session goes on.
            if let Some(map) = map
                && self.host.keep_map(&map.to_keep()).await.is_ok()
            {
                self.map = Some(map);
            }
        }
    }

    /// Keeps a failure as an item of the turn.
    pub(crate) fn show_failure(&self, turn_id: TurnId, failure: &Failure) {
        let item = Item {
            id: ItemId::new(),
            turn_id,
            created_at: now(),
            status: ItemStatus::Failed,
            step: 0,
            part: 0,
            body: ItemBody::Error {
                failure: failure.clone(),
            },
        };
        self.host
            .emit(EventBody::ItemStarted { item: item.clone() });
        self.host.emit(EventBody::ItemCompleted { item });
    }

    /// Asks about the calls that nobody saw end. They are never run again by themselves.
    async fn ask_about_interrupted(&mut self, turn_id: TurnId, control: &Control) {
        let action = control.begin_action();
        for (item_id, tool, detail) in self.conversation.take_interrupted() {
            let about = QuestionAbout::Interrupted { tool, detail };
            // Where nobody is there, the model is told that nobody knows, which is what the call's result says.
            let (asked, answer) = self.ask(turn_id, item_id, about.into(), &action).await;
            if let Some(Ok(answer)) = answer {
                self.conversation.push_answer(&answer, asked);
            }
        }
    }

    /// Adds what the user said.
    fn hear(&mut self, turn_id: TurnId, input: UserInput) {
        let UserInput {
            text,
            images,
            comments,
        } = input;
        let item = Item {
            id: ItemId::new(),
            turn_id,
            created_at: now(),
            status: ItemStatus::Completed,
            step: 0,
            part: 0,
            body: ItemBody::UserMessage {
                text,
                images,
                comments,
            },
        };
        self.conversation.push_user(&item);
        self.repeats = Repeats::default();
        self.host
            .emit(EventBody::ItemStarted { item: item.clone() });
        self.host.emit(EventBody::ItemCompleted { item });
    }

    async fn steps(&mut self, progress: &mut Progress, control: &Control) -> TurnEnd {
        loop {
            for input in control.take_messages() {
                self.hear(progress.turn_id, input);
            }
            self.tell_of_jobs(progress.turn_id);
            if control.is_cancelled() {
                return TurnEnd::Cancelled;
            }
            if self.meter.is_full(self.context_bytes(&progress.system))
                && let Err(failure) = self.make_room(progress, control).await
            {
                if control.is_cancelled() {
                    return TurnEnd::Cancelled;
                }
                if failure.code == Code::Cancelled {
                    continue; // Interrupted by a message.
                }
                return TurnEnd::Failed(failure);
            }
            progress.step += 1;
            self.host.asks();
            let reply = match self.request(progress, control).await {
                Ok(reply) => reply,
                Err(error) if matches!(error.kind, ErrorKind::Cancelled) => {
                    if control.is_cancelled() {
                        return TurnEnd::Cancelled;
                    }
                    continue; // Interrupted by a message, which is read at the top of the loop.
                }
                Err(error)
                    if matches!(error.kind, ErrorKind::ContextFull { .. })
                        && progress.squeezed < 2 =>
                {
                    progress.squeezed += 1;
                    self.meter
                        .learn_too_many(self.context_bytes(&progress.system));
                    continue;
                }
                Err(error) if matches!(error.kind, ErrorKind::BadToolCall { .. }) => {
                    let failure = error.to_failure();
                    self.show_failure(progress.turn_id, &failure);
                    if let Some(failure) = progress.is_hopeless(false) {
                        return TurnEnd::Failed(failure);
                    }
                    let last = self.conversation.last_item();
                    self.conversation
                        .push_text(prompt::unreadable(&error.kind), last);
                    continue;
                }
                Err(error) => return TurnEnd::Failed(error.to_failure()),
            };
            progress.squeezed = 0;
            let calls: Vec<RawCall> = reply
                .parts
                .iter()
                .zip(1..)
                .filter_map(|(part, number)| match part {
                    Part::ToolCall {
                        call_id,
                        name,
                        arguments,
                    } => Some(RawCall {
                        part: number,
                        call_id: call_id.clone(),
                        name: name.clone(),
                        arguments: arguments.clone(),
                    }),
                    _ => None,
                })
                .collect();
            if calls.is_empty() {
                if reply.stop == Stop::Length {
                    return TurnEnd::Failed(Failure {
                        code: Code::Endpoint,
                        message: "the model's answer was cut at its length limit".to_owned(),
                        hint: "Ask it to go on, or to take smaller steps".to_owned(),
                    });
                }
                if let Some(schema) = &self.setup.output_schema
                    && let Some(misfit) = shape::misfit(schema, &reply)
                {
                    progress.misfits += 1;
                    if progress.misfits > MAX_MISFITS {
                        return TurnEnd::Failed(misfit);
                    }
                    // Kerf's own words, for the model alone: the answer that fits is what counts.
                    let last = self.conversation.last_item();
                    self.conversation.push_text(
                        format!(
                            "{}. Answer again with nothing but JSON that fits.",
                            misfit.message
                        ),
                        last,
                    );
                    continue;
                }
                if control.close_if_empty() {
                    return TurnEnd::Completed;
                }
                continue;
            }
            let ran = self
                .run_calls(progress.turn_id, progress.step, &calls, control)
                .await;
            self.conversation.push_results(
                ran.results
                    .iter()
                    .map(|ended| (&ended.call, ended.status, Some(&ended.seen))),
                ran.last_item,
            );
            if let Some(failure) = ran.fatal {
                return TurnEnd::Failed(failure);
            }
            if let Some(failure) = progress
                .is_hopeless(ran.valid)
                .or_else(|| self.repeats.hopeless())
            {
                return TurnEnd::Failed(failure);
            }
        }
    }

    pub(crate) fn context_bytes(&self, system: &str) -> usize {
        let tools: usize = tools::specs()
            .iter()
            .map(|spec| spec.description.len() + 300)
            .sum();
        system.len() + tools + self.conversation.bytes()
    }
}
