//! A check of a session, run again by the user's click: in the session's workspace, under its policy, as the user's own.
//!
//! No turn of any session begins in these files meanwhile, nor are they replaced, so that it sees one state of them. What
//! it changes there is the user's. Its end is an item of the last turn, so that the strip of checks, `kerf diff` and an export all know of it; the model does not hear
//! of it.

use super::{
    checks,
    run::{CheckPlace, checked, code_of},
};
use crate::{
    desk::Before,
    engine::{Engine, canonical_folder, now},
    failure::{failure, from_store},
    git::Holder,
    host::shortened,
    network::read_hosts,
    wake::Live,
};
use kerf_agent::{CHECK, Connected, Host as _, NetworkCall};
use kerf_protocol::{
    Code, Failure, ItemId, TurnId,
    attempt::Checked,
    event::EventBody,
    item::{Exit, FileChange, Item, ItemBody, ItemStatus, Secrets, ToolCall},
    policy::SandboxMode,
    review::Author,
    scope::RunAgain,
};
use kerf_rules::Rules;
use kerf_sandbox::End;
use serde_json::json;
use std::sync::{Arc, atomic::AtomicBool};

impl Engine {
    pub(crate) async fn review_check(
        &self,
        RunAgain {
            session_id,
            check: line,
        }: RunAgain,
    ) -> Result<Checked, Failure> {
        let live = self.live(session_id).await?;
        let transcript = self.store().transcript(session_id).await;
        let transcript = transcript.map_err(from_store)?;
        let is_known = checks(&transcript, 0)
            .iter()
            .any(|check| check.command == line.command && check.cwd == line.cwd);
        let last = transcript.turns.last().filter(|_| is_known);
        let Some(turn_id) = last.map(|turn| turn.id) else {
            return Err(failure(
                Code::NotFound,
                format!("no command of this session is the check `{}`", line.command),
                "`kerf diff --checks` lists what ran",
            ));
        };
        let session = live.session().clone();
        let hold = self.hold_files(&session.folder, Holder::Check).await?;
        let folder = canonical_folder(&session.folder)?;
        let rules = Arc::new(self.rules_for(&session).await?);
        let mode = session.policy.sandbox;
        self.allow_check(&line, mode, &rules)?;
        let running = self.begin_check(session.task_id, line.clone())?;
        // The files are let go of first: a message that waits for the check would be refused otherwise.
        let alone = (hold, live.pause()?);
        live.host.looked().await;
        let (item_id, created_at) = (ItemId::new(), now());
        self.keep_before_check(&live, turn_id, item_id, &line.command)
            .await?;
        let connected = self.connected(&live, turn_id, item_id, mode, &rules);
        let (network, level) = connected.map_or((None, None), |Connected { network, level }| {
            (Some(network), Some(level))
        });
        let (commits, lent) = live.reach();
        let withheld = self.withheld_from(&session, &folder).await?;
        let place = CheckPlace {
            folder,
            mode,
            network,
            commits,
            lent,
            withheld,
        };
        let ran = self.run_check(&running, &line, place).await;
        let changes = self.found_after_check(&live).await?;
        let outcome = ran?;
        let done = checked(&outcome, changes.len());
        let call = ToolCall {
            call_id: CHECK.to_owned(),
            tool: CHECK.to_owned(),
            arguments: json!({ "command": line.command, "cwd": line.cwd }),
            title: format!("Checked again: {}", shortened(&line.command)),
            output: done.output.clone(),
            quotes: Vec::new(),
            changes,
            exit: Some(Exit {
                code: code_of(&outcome),
                timed_out: matches!(outcome.end, End::TimedOut),
                isolation: outcome.isolation.clone(),
                network: level.unwrap_or_default(),
            }),
            duration_ms: Some(done.duration_ms),
            secrets: Secrets::default(),
        };
        let status = match outcome.end {
            End::Exited(0) => ItemStatus::Completed,
            End::Cancelled => ItemStatus::Cancelled,
            End::Exited(_) | End::Signalled(_) | End::TimedOut => ItemStatus::Failed,
        };
        // It is told of once, at its end: an item that begins tells the fronts that a turn goes on.
        let item = Item {
            id: item_id,
            turn_id,
            created_at,
            status,
            step: 0,
            part: 0,
            body: ItemBody::ToolCall(call),
        };
        // Who is told looks at the checks at once, and finds none running.
        drop(running);
        live.host.log.emit(EventBody::ItemCompleted { item });
        live.host.log.durable().await?;
        drop(alone);
        Ok(done)
    }

    /// Puts down to the user what they changed so far, and takes the checkpoint before the command.
    async fn keep_before_check(
        &self,
        live: &Live,
        turn_id: TurnId,
        item_id: ItemId,
        command: &str,
    ) -> Result<(), Failure> {
        let _naming = self.naming().read_owned().await;
        let before = Before {
            turn_id: Some(turn_id),
            item_id: Some(item_id),
            label: format!("Before your check {}", shortened(command)),
        };
        live.host
            .decide_at_desk(move |desk| {
                let mut writes = desk.look(&AtomicBool::new(false))?;
                writes.extend(desk.keep_checkpoint(&before)?);
                Ok(((), writes))
            })
            .await
    }

    async fn found_after_check(&self, live: &Live) -> Result<Vec<FileChange>, Failure> {
        let _naming = self.naming().read_owned().await;
        let changes = live
            .host
            .decide_at_desk(|desk| desk.after_anything(Author::User, &AtomicBool::new(false)))
            .await?;
        let paths = changes.iter().filter_map(|change| change.path.parse().ok());
        live.host.wrote(paths.collect());
        Ok(changes)
    }

    /// The hosts that the user listed or said yes to. Nobody is asked about others: the user waits for the check.
    fn connected(
        &self,
        live: &Live,
        turn_id: TurnId,
        item_id: ItemId,
        mode: SandboxMode,
        rules: &Arc<Rules>,
    ) -> Option<Connected> {
        if !self.sandbox().can_connect(mode) {
            return None;
        }
        // Settings that cannot be read just now leave what the user allowed before.
        if let Ok(settings) = self.settings() {
            live.host.hosts.list(read_hosts(&settings.network.allow));
        }
        live.host.network(NetworkCall {
            turn_id,
            item_id,
            has_secrets: false,
            rules: Arc::clone(rules),
            ask: None,
        })
    }
}
