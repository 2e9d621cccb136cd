//! The calls that do something: each goes through the policy, then the host keeps what it would destroy,
//! then it is done, then the host finds what changed.

use crate::{
    calls::Stop,
    host::{Host, Nobody, Scope},
    jobs::RunningJob,
    network, policy,
    reply::now,
    rules::{self, Asking, Said},
    secrets,
    tools::{Tool, ToolOutput, change::Plan, command},
    turn::Agent,
};
use kerf_protocol::{
    ItemId, TurnId,
    event::EventBody,
    item::{Item, ItemBody, ItemStatus},
    policy::{Answer, Isolation, QuestionAbout, SandboxMode},
    review::Author,
    rule::RuleVerdict,
};
use kerf_rules::{offer_command, offer_edit};
use kerf_workspace::{RelPath, write};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What of a command's output is shown while it runs, in bytes. The result has the rest.
const MAX_LIVE_OUTPUT: usize = 256 * 1024;

impl<H: Host> Agent<H> {
    pub(crate) async fn act(
        &mut self,
        turn_id: TurnId,
        item_id: ItemId,
        tool: Tool,
        action: &CancellationToken,
    ) -> Result<ToolOutput, Stop> {
        match tool {
            Tool::UpdatePlan(plan) => {
                let item = Item {
                    id: ItemId::new(),
                    turn_id,
                    created_at: now(),
                    status: ItemStatus::Completed,
                    step: 0,
                    part: 0,
                    body: ItemBody::Plan { steps: plan.steps },
                };
                self.host
                    .emit(EventBody::ItemStarted { item: item.clone() });
                self.host.emit(EventBody::ItemCompleted { item });
                Ok(ToolOutput::done("Shown."))
            }
            Tool::AskUser(ask) => {
                let about = QuestionAbout::Ask {
                    question: ask.question,
                    options: ask.options,
                };
                Ok(
                    match self.ask(turn_id, item_id, about.into(), action).await.1 {
                        None => {
                            ToolOutput::with_status(ItemStatus::Cancelled, "Stopped by the user.")
                        }
                        Some(Ok(Answer::Text { text })) => ToolOutput::done(text),
                        Some(Ok(
                            Answer::Allow | Answer::AllowForSession | Answer::AllowForProject,
                        )) => ToolOutput::done("Yes."),
                        Some(Ok(Answer::Deny { reason })) if reason.is_empty() => {
                            ToolOutput::done("No.")
                        }
                        Some(Ok(Answer::Deny { reason })) => {
                            ToolOutput::done(format!("No. {reason}"))
                        }
                        Some(Err(Nobody)) => ToolOutput::failed(
                            "Nobody is there to answer. Go on with your best judgement, and say at the end what you assumed.",
                        ),
                    },
                )
            }
            Tool::RunCommand(call) if call.job.is_some() => self.look_at_job(&call).await,
            Tool::RunCommand(call) => self.command(turn_id, item_id, call, action).await,
            Tool::EditFile(_) | Tool::WriteFile(_) | Tool::ApplyPatch(_) => {
                self.change(turn_id, item_id, tool, action).await
            }
            Tool::ReadFile(_)
            | Tool::ListDir(_)
            | Tool::FindFiles(_)
            | Tool::Grep(_)
            | Tool::SearchCode(_)
            | Tool::Symbols(_)
            | Tool::Outline(_) => Ok(ToolOutput::failed("this tool only looks")),
        }
    }

    /// Has the host keep what the coming change would destroy. `Some` ends the call: the user did not want to wait.
    async fn keep(
        &self,
        item_id: ItemId,
        scope: Scope<'_>,
        action: &CancellationToken,
    ) -> Result<Option<ToolOutput>, Stop> {
        let kept = tokio::select! {
            biased;
            () = action.cancelled() => return Ok(Some(ToolOutput::with_status(
                ItemStatus::Cancelled,
                "Not run: the user stopped before it.",
            ))),
            kept = self.host.before_change(item_id, scope) => kept,
        };
        kept.map_err(|error| Stop::Fatal(error.0))?;
        let durable = self.host.durable().await;
        durable.map_err(|error| Stop::Fatal(error.0))?;
        Ok(None)
    }

    async fn change(
        &mut self,
        turn_id: TurnId,
        item_id: ItemId,
        tool: Tool,
        action: &CancellationToken,
    ) -> Result<ToolOutput, Stop> {
        let workspace = self.setup.workspace.clone();
        let reads = self.reads.clone();
        let guard = self.guard();
        let planned = blocking(move || match &tool {
            Tool::EditFile(call) => call.plan(&workspace, &guard),
            Tool::WriteFile(call) => call.plan(&workspace, &reads, &guard),
            Tool::ApplyPatch(call) => call.plan(&workspace, &guard),
            _ => Err("this tool changes no file".to_owned()),
        })
        .await;
        let Plan { writes, done } = match planned {
            Ok(plan) => plan,
            Err(error) => return Ok(ToolOutput::failed(error)),
        };
        let paths: Vec<RelPath> = writes.iter().map(|write| write.path.clone()).collect();
        let rules = Arc::clone(&self.setup.rules);
        let said = rules::edit(&rules, &self.setup.workspace, &paths);
        let verdict = said.refusal().unwrap_or_else(|| {
            policy::edit(self.setup.policy, said.verdict, &paths, &self.allowed)
        });
        let by_rule = said.verdict == Some(RuleVerdict::Ask);
        let asking = || Asking {
            about: QuestionAbout::Edit {
                diff: write::unified_diff(&writes),
            },
            session: Some(if by_rule {
                "changes of these files, until this session ends".to_owned()
            } else {
                "every change of files, until this session ends".to_owned()
            }),
            project: match paths.as_slice() {
                [path] => rules::offer(
                    &rules,
                    &said,
                    rules::slashed(path).and_then(|path| offer_edit(&path)),
                ),
                _ => None,
            },
            because: said.because(),
        };
        let remember = |allowed: &mut policy::Allowances| {
            if by_rule {
                allowed.paths.extend(paths.iter().cloned());
            } else {
                allowed.edits = true;
            }
        };
        if let Some(output) = self
            .settle(turn_id, item_id, verdict, asking, action, remember)
            .await?
        {
            return Ok(output);
        }
        let knows = self.reads.after(&writes);
        if let Some(stopped) = self.keep(item_id, Scope::Paths(&paths), action).await? {
            return Ok(stopped);
        }
        let workspace = self.setup.workspace.clone();
        let written = blocking(move || {
            write::write_all(&workspace, &writes).map_err(|error| error.to_string())
        })
        .await;
        // Also after a failure: what was put back must be seen to be back.
        let author = Author::Tool { turn_id, item_id };
        let changes = self
            .host
            .after_change(Scope::Paths(&paths), author)
            .await
            .map_err(|error| Stop::Fatal(error.0))?;
        // After a failure the files may be others than the model has read.
        let (mut output, stamps) = match written {
            Ok(stamps) => (ToolOutput::done(done), stamps),
            Err(error) => (ToolOutput::failed(error), Vec::new()),
        };
        output.changes = changes;
        for ((path, stamp), knows) in paths.iter().zip(stamps).zip(knows) {
            if let Some(stamp) = stamp {
                self.reads.add_written(path.clone(), stamp, knows);
            }
        }
        for path in &paths {
            self.note_instructions(path, &mut output);
        }
        Ok(output)
    }

    async fn command(
        &mut self,
        turn_id: TurnId,
        item_id: ItemId,
        call: command::RunCommand,
        action: &CancellationToken,
    ) -> Result<ToolOutput, Stop> {
        if call.command.trim().is_empty() {
            return Ok(ToolOutput::failed("command is empty"));
        }
        let cwd = match call.folder(&self.setup.workspace) {
            Ok(cwd) => cwd,
            Err(error) => return Ok(ToolOutput::failed(error)),
        };
        // The command is shown and kept as the model wrote it; what runs has the values.
        let (command, secrets) = match secrets::for_shell(self.conversation.vault(), &call.command)
        {
            Ok(command) => command,
            Err(error) => return Ok(ToolOutput::failed(error)),
        };
        let isolation = self.setup.sandbox.isolation(self.setup.policy.sandbox);
        let rules = Arc::clone(&self.setup.rules);
        let inside = cwd
            .strip_prefix(self.setup.workspace.root())
            .unwrap_or(&cwd)
            .to_string_lossy()
            .into_owned();
        let said = Said::new(&rules.command(&call.command, &inside));
        let asked = policy::Asked {
            command: &call.command,
            has_secrets: !secrets.is_empty(),
            said: said.verdict,
        };
        // Where nothing can isolate, this one command is the user's own decision.
        let mode = match isolation {
            Isolation::Unavailable { .. } => SandboxMode::Off,
            _ => self.setup.policy.sandbox,
        };
        let wanting = network::Wanting {
            turn_id,
            item_id,
            command: &call.command,
            secrets: &secrets,
        };
        let (connected, questions) = self.connect(mode, &wanting, call.background);
        let level = connected.as_ref().map(|connected| connected.level);
        let level = level.unwrap_or_default();
        let loses = self.host.would_lose(item_id, &call.command, &inside).await;
        let verdict = said.refusal().unwrap_or_else(|| {
            policy::command(self.setup.policy, &isolation, asked, &self.allowed)
        });
        let verdict = policy::destroying(self.setup.policy, verdict, loses.is_some());
        // Without isolation each command is the user's own decision, so nothing is remembered. What it takes away may be
        // something else the next time.
        let is_kept = !matches!(isolation, Isolation::Unavailable { .. }) && loses.is_none();
        let asking = || Asking {
            session: is_kept.then(|| "exactly this command, until this session ends".to_owned()),
            project: rules::offer(
                &rules,
                &said,
                offer_command(&call.command).filter(|_| is_kept && secrets.is_empty()),
            ),
            because: said.because(),
            about: QuestionAbout::Command {
                command: call.command.clone(),
                cwd: call.cwd.clone(),
                isolation: isolation.clone(),
                network: level,
                secrets: secrets.clone(),
                loses: loses.clone(),
            },
        };
        let remember = |allowed: &mut policy::Allowances| {
            allowed.commands.insert(call.command.clone());
        };
        if let Some(output) = self
            .settle(turn_id, item_id, verdict, asking, action, remember)
            .await?
        {
            return Ok(output);
        }
        let mut job = call.job(command, &self.setup.workspace, cwd, mode);
        job.network = connected.map(|connected| connected.network);
        job.commits = self.setup.commits.clone();
        job.lent = self.setup.lent.clone();
        job.withheld = self.withheld();
        if let Some(stopped) = self.keep(item_id, Scope::Anything, action).await? {
            return Ok(stopped);
        }
        let author = Author::Command { turn_id, item_id };
        if call.background {
            let background = match self.setup.sandbox.start(job).await {
                Ok(background) => background,
                Err(error) => return Ok(ToolOutput::failed(error.to_string())),
            };
            let (withheld, said) = (background.withheld(), [&*call.command]);
            let note = command::note_withheld(withheld, &said, &self.setup.workspace);
            self.next_job += 1;
            let number = self.next_job;
            self.jobs
                .insert(number, RunningJob::new(background, call.command, author));
            return Ok(ToolOutput::done(format!(
                "Job {number} runs. Call run_command with job {number} to see its output, with stop to end it.{note}"
            )));
        }
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
        let result = self.ask_beside(run, questions, &wanting, action).await;
        let changes = self
            .host
            .after_change(Scope::Anything, author)
            .await
            .map_err(|error| Stop::Fatal(error.0))?;
        Ok(match result {
            Ok(outcome) => {
                let status = match &outcome.end {
                    kerf_sandbox::End::Exited(0) => ItemStatus::Completed,
                    kerf_sandbox::End::Cancelled => ItemStatus::Cancelled,
                    _ => ItemStatus::Failed,
                };
                let mut output = ToolOutput::with_status(
                    status,
                    command::describe(&outcome, &call.command, &self.setup.workspace),
                );
                output.exit = Some(command::exit(&outcome.end, &outcome.isolation, level));
                output.changes = changes;
                output
            }
            Err(error) => ToolOutput {
                changes,
                ..ToolOutput::failed(error.to_string())
            },
        })
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(panic) => Err(format!("the tool failed inside Kerf: {panic}")),
    }
}
