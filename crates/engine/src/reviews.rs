//! The requests about the review.

use crate::{
    checks::{checks, in_order},
    desk::{Desk, DeskDecision, Journal},
    engine::{Engine, now},
    failure::{failure, from_fs, from_panic, from_store},
    wake::Live,
};
use kerf_protocol::{
    Code, Failure, SessionId,
    desk::{AroundLines, EditHunk, FileRef, Notebook, Pictures, ReadAround},
    project::{CommitReview, Committed},
    request::{Decide, SessionRef},
    review::{Author, Decided, HunkParts, Outline, Review},
    scope::{OutlineReview, ReadHunks, Scope, ScopedReview, ShowScope, TaskCheck},
};
use kerf_store::{ReviewRow, Write};
use kerf_workspace::Workspace;
use std::{collections::BTreeSet, path::Path};

impl Engine {
    pub(crate) async fn review_show(
        &self,
        SessionRef { session_id }: SessionRef,
    ) -> Result<Review, Failure> {
        let scope = Scope::Task;
        let shown = self.review_scope(ShowScope { session_id, scope }).await?;
        Ok(shown.review)
    }

    pub(crate) async fn review_scope(
        &self,
        ShowScope { session_id, scope }: ShowScope,
    ) -> Result<ScopedReview, Failure> {
        self.look(session_id, |_| true, move |desk| desk.show(&scope))
            .await
    }

    pub(crate) async fn review_outline(
        &self,
        OutlineReview {
            session_id,
            known,
            scope,
        }: OutlineReview,
    ) -> Result<Outline, Failure> {
        self.look(
            session_id,
            |_| true,
            move |desk| desk.outline(&known, &scope),
        )
        .await
    }

    pub(crate) async fn review_lines(
        &self,
        ReadHunks {
            session_id,
            wanted,
            scope,
        }: ReadHunks,
    ) -> Result<HunkParts, Failure> {
        let paths: BTreeSet<String> = wanted.iter().map(|one| one.path.clone()).collect();
        self.look(
            session_id,
            move |path| paths.contains(path),
            move |desk| Ok((desk.lines(&wanted, &scope)?, Vec::new())),
        )
        .await
    }

    pub(crate) async fn review_around(&self, wanted: ReadAround) -> Result<AroundLines, Failure> {
        let path = wanted.path.clone();
        self.look(
            wanted.session_id,
            move |other| other == path,
            move |desk| Ok((desk.around(&wanted)?, Vec::new())),
        )
        .await
    }

    pub(crate) async fn review_pictures(
        &self,
        FileRef {
            session_id,
            path,
            scope,
        }: FileRef,
    ) -> Result<Pictures, Failure> {
        let this = path.clone();
        self.look(
            session_id,
            move |other| other == this,
            move |desk| Ok((desk.pictures(&path, &scope)?, Vec::new())),
        )
        .await
    }

    pub(crate) async fn review_notebook(
        &self,
        FileRef {
            session_id,
            path,
            scope,
        }: FileRef,
    ) -> Result<Notebook, Failure> {
        let this = path.clone();
        self.look(
            session_id,
            move |other| other == this,
            move |desk| Ok((desk.notebook(&path, &scope)?, Vec::new())),
        )
        .await
    }

    pub(crate) async fn review_checks(
        &self,
        SessionRef { session_id }: SessionRef,
    ) -> Result<Vec<TaskCheck>, Failure> {
        let store = self.store();
        let transcript = store.transcript(session_id).await.map_err(from_store)?;
        let decisions = store.decisions(session_id).await.map_err(from_store)?;
        let wrote = decisions.iter().filter(|decision| {
            let journal = serde_json::from_str::<Journal>(&decision.payload);
            // One that cannot be read may have written something.
            journal.map_or(true, |journal| journal.wrote)
        });
        let checkpoints = store.checkpoints(session_id).await.map_err(from_store)?;
        let restores = checkpoints.iter().filter(|kept| kept.is.turn_id.is_none());
        let changed_at = wrote
            .map(|decision| decision.created_at)
            .chain(restores.map(|kept| kept.is.created_at))
            .max();
        let mut found = checks(&transcript, changed_at.unwrap_or(0));
        if let Some(line) = self.checks().of(transcript.session.task_id) {
            let runs = |check: &TaskCheck| check.command == line.command && check.cwd == line.cwd;
            found
                .iter_mut()
                .for_each(|check| check.running = runs(check));
        }
        Ok(in_order(found))
    }

    /// Looks at the review of a session, wherever it is driven; of the files, those matter that are `of` interest.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        session_id: SessionId,
        of: impl Fn(&str) -> bool + Send + 'static,
        look: impl FnOnce(&mut Desk) -> Result<(T, Vec<Write>), Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let busy = match self.live(session_id).await {
            Ok(live) => return live.host.decide_at_desk(look).await,
            Err(failure) if failure.code == Code::Conflict => failure,
            Err(failure) => return Err(failure),
        };
        tracing::debug!(
            message = busy.message,
            "the review is looked at from beside"
        );
        // Another Kerf drives it. Reading disturbs nobody, and what is found is that one's to write down.
        let session = self.store().session(session_id).await.map_err(from_store)?;
        let rows = self
            .store()
            .review_files(session_id)
            .await
            .map_err(from_store)?;
        let aside = self.aside(session_id).await?;
        let beside = self.beside(&session).await?;
        let home = self.home().clone();
        tokio::task::spawn_blocking(move || {
            let workspace = Workspace::open(Path::new(&session.folder)).map_err(from_fs)?;
            let rows = rows.into_iter().filter(|(path, _)| of(path)).collect();
            let mut desk = Desk::open(session_id, workspace, &home, rows, None, beside)?;
            let (mut aside, head) = aside;
            aside.retain(|(path, _)| of(path));
            desk.remember(aside, head)?;
            desk.sync(Author::User)?;
            look(&mut desk).map(|(found, _)| found)
        })
        .await
        .map_err(from_panic)?
    }

    /// The reviews that are set aside, and the commit that was seen, as they are stored.
    pub(crate) async fn aside(
        &self,
        session_id: SessionId,
    ) -> Result<(Vec<(String, ReviewRow)>, Option<String>), Failure> {
        let store = self.store();
        let aside = store.reviews_aside(session_id).await.map_err(from_store)?;
        let head = store.review_head(session_id).await.map_err(from_store)?;
        Ok((aside, head))
    }

    pub(crate) async fn review_commit(
        &self,
        CommitReview {
            session_id,
            message,
        }: CommitReview,
    ) -> Result<Committed, Failure> {
        if message.trim().is_empty() {
            return Err(failure(Code::Usage, "the commit message is empty", ""));
        }
        let live = self.live(session_id).await?;
        let _one = live.host.deciding.lock().await;
        live.host
            .decide_at_desk(move |desk| desk.commit(&message))
            .await
    }

    pub(crate) async fn review_decide(
        &self,
        Decide {
            session_id,
            decision,
            target,
        }: Decide,
    ) -> Result<Decided, Failure> {
        self.decided(session_id, move |desk| desk.decide(decision, &target))
            .await
    }

    pub(crate) async fn review_edit(
        &self,
        EditHunk {
            session_id,
            path,
            hunk,
            id,
            text,
        }: EditHunk,
    ) -> Result<Decided, Failure> {
        self.decided(session_id, move |desk| desk.edit(&path, hunk, id, &text))
            .await
    }

    /// Decides, and writes down how that is taken back.
    pub(crate) async fn decided(
        &self,
        session_id: SessionId,
        decide: impl FnOnce(&mut Desk) -> Result<DeskDecision, Failure> + Send + 'static,
    ) -> Result<Decided, Failure> {
        let live = self.live(session_id).await?;
        let _one = live.host.deciding.lock().await;
        let _holds = self.hold_to_decide(&live)?;
        let done = live
            .host
            .decide_at_desk(move |desk| {
                let mut done = decide(desk)?;
                let mut writes = std::mem::take(&mut done.writes);
                // What decided nothing is nothing to be taken back.
                if !done.journal.is_empty() {
                    let payload = serde_json::to_string(&done.journal).map_err(|error| {
                        failure(
                            Code::Internal,
                            format!("the decision cannot be written down: {error}"),
                            "",
                        )
                    })?;
                    writes.push(Write::Decision {
                        session_id,
                        id: None,
                        created_at: now(),
                        payload,
                    });
                }
                Ok((done, writes))
            })
            .await?;
        if let Some(failed) = done.failed {
            return Err(failed);
        }
        // The newest is the one just made, because nobody else decides meanwhile.
        let decisions = self
            .store()
            .decisions(session_id)
            .await
            .map_err(from_store)?;
        let decision_id = match decisions.first() {
            Some(newest) if !done.journal.is_empty() => newest.id,
            _ => 0,
        };
        Ok(Decided {
            session_id,
            decision_id,
            hunks: done.hunks,
            held: done.held,
            written: done.written,
        })
    }

    pub(crate) async fn review_undo(
        &self,
        SessionRef { session_id }: SessionRef,
    ) -> Result<Decided, Failure> {
        let live = self.live(session_id).await?;
        let _one = live.host.deciding.lock().await;
        let _holds = self.hold_to_decide(&live)?;
        self.undo_last(&live).await
    }

    /// Takes back the last decision of something that did not come to its end, also while others hold the files: half of it
    /// must not stay.
    pub(crate) async fn take_back(&self, session_id: SessionId) -> Result<Decided, Failure> {
        let live = self.live(session_id).await?;
        let _one = live.host.deciding.lock().await;
        self.undo_last(&live).await
    }

    /// For who holds the lock on deciding.
    async fn undo_last(&self, live: &Live) -> Result<Decided, Failure> {
        let session_id = live.session().id;
        let decisions = self
            .store()
            .decisions(session_id)
            .await
            .map_err(from_store)?;
        let Some(last) = decisions.into_iter().next() else {
            return Err(failure(
                Code::NotFound,
                "nothing was decided in this session that could be taken back",
                "",
            ));
        };
        let journal: Journal = serde_json::from_str(&last.payload).map_err(|error| {
            failure(
                Code::Storage,
                format!("the stored decision is damaged: {error}"),
                "",
            )
        })?;
        let done = live
            .host
            .decide_at_desk(move |desk| {
                let mut done = desk.undo(&journal)?;
                let mut writes = std::mem::take(&mut done.writes);
                writes.push(Write::ForgetDecision {
                    session_id,
                    id: last.id,
                });
                Ok((done, writes))
            })
            .await?;
        Ok(Decided {
            session_id,
            decision_id: last.id,
            hunks: done.hunks,
            held: done.held,
            written: done.written,
        })
    }
}
