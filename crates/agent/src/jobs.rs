//! Commands that run on in the background while the conversation goes on.

use crate::{
    calls::Stop,
    host::{Host, Scope},
    tools::{
        ToolOutput,
        command::{self, RunCommand},
    },
    turn::Agent,
};
use kerf_protocol::{Code, Failure, TurnId, review::Author};
use kerf_sandbox::{Background, Capped, End};
use kerf_workspace::Workspace;

/// A command in the background, and how far it was told of.
pub(crate) struct RunningJob {
    background: Background,
    /// How far its output was read, in bytes.
    read: u64,
    command: String,
    author: Author,
    /// Whether the user was told what it left.
    told: bool,
}

impl RunningJob {
    pub(crate) fn new(background: Background, command: String, author: Author) -> Self {
        Self {
            background,
            read: 0,
            command,
            author,
            told: false,
        }
    }

    /// What is new since the last look, and whether it goes on. What its line names of the withheld files was told when it
    /// began.
    fn news(&mut self, workspace: &Workspace) -> (String, bool) {
        // Asked first: what it says and leaves is then whole.
        let ended = self.background.ended();
        let (bytes, read) = self.background.output_since(self.read);
        self.read = read;
        let mut text = match ended {
            None => format!("`{}` is running", self.command),
            Some(End::Exited(code)) => format!("`{}` ended with exit code {code}", self.command),
            Some(End::Signalled(signal)) => {
                format!("`{}` was ended by signal {signal}", self.command)
            }
            Some(End::TimedOut | End::Cancelled) => format!("`{}` was stopped", self.command),
        };
        let output = Capped {
            head: bytes,
            tail: Vec::new(),
            omitted: 0,
        }
        .to_text();
        text.push('\n');
        text.push_str(if output.is_empty() {
            "(no new output)"
        } else {
            &output
        });
        text.push_str(&command::notes(self.background.findings()));
        let withheld = self.background.withheld();
        text.push_str(&command::note_withheld(
            withheld,
            &[output.as_str()],
            workspace,
        ));
        (text, ended.is_none())
    }
}

impl<H: Host> Agent<H> {
    pub(crate) async fn look_at_job(&mut self, call: &RunCommand) -> Result<ToolOutput, Stop> {
        let Some(number) = call.job else {
            return Ok(ToolOutput::failed("job is missing"));
        };
        let Some(job) = self.jobs.get_mut(&number) else {
            return Ok(ToolOutput::failed(format!("there is no job {number}")));
        };
        if call.stop {
            job.background.kill().await;
        }
        let (text, goes_on) = job.news(&self.setup.workspace);
        let author = job.author;
        if !goes_on {
            self.jobs.remove(&number);
        }
        let changes = self
            .host
            .after_change(Scope::Anything, author)
            .await
            .map_err(|error| Stop::Fatal(error.0))?;
        Ok(ToolOutput {
            changes,
            goes_on,
            ..ToolOutput::done(text)
        })
    }

    /// Tells the user what jobs left that have ended and that the model has not looked at.
    pub(crate) fn tell_of_jobs(&mut self, turn_id: TurnId) {
        let mut left = Vec::new();
        for (number, job) in &mut self.jobs {
            if job.told || job.background.ended().is_none() {
                continue;
            }
            job.told = true;
            let notes = command::notes(job.background.findings());
            if !notes.is_empty() {
                left.push(Failure {
                    code: Code::Denied,
                    message: format!("job {number}, `{}`, has ended{notes}", job.command),
                    hint: "Look at these places before other programs use them".to_owned(),
                });
            }
        }
        for failure in left {
            self.show_failure(turn_id, &failure);
        }
    }
}
