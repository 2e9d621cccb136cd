//! The request table: one line a request.

use crate::{engine::Engine, failure::failure};
use kerf_protocol::{
    Code, Failure,
    request::{Method, Request},
};
use serde::Serialize;

/// Answers as they travel.
type Answered = Result<serde_json::Value, Failure>;

fn answered<T: Serialize>(answer: Result<T, Failure>) -> Answered {
    serde_json::to_value(answer?).map_err(|error| {
        failure(
            Code::Internal,
            format!("the answer cannot be written as JSON: {error}"),
            "",
        )
    })
}

impl Engine {
    /// Carries a request out.
    ///
    /// # Errors
    /// The failure to show.
    pub async fn dispatch(&self, request: Request) -> Answered {
        match request {
            Request::SessionNew(params) => answered(self.session_new(params).await),
            Request::SessionPrompt(params) => answered(self.session_prompt(params).await),
            Request::SessionCancel(params) => answered(self.session_cancel(params).await),
            Request::SessionAnswer(params) => answered(self.session_answer(params).await),
            Request::SessionEvents(params) => answered(self.session_events(params).await),
            Request::SessionAttach(params) => answered(self.session_attach(params).await),
            Request::SessionConfigure(params) => answered(self.session_configure(params).await),
            Request::SessionShow(params) => answered(self.session_show(params).await),
            Request::SessionList(params) => answered(self.session_list(params).await),
            Request::SessionSearch(params) => answered(self.session_search(params).await),
            Request::SessionRename(params) => answered(self.session_rename(params).await),
            Request::SessionArchive(params) => answered(self.session_archive(params).await),
            Request::SessionDelete(params) => answered(self.session_delete(params).await),
            Request::SessionImport(params) => answered(self.session_import(params).await),
            Request::ReviewShow(params) => answered(self.review_show(params).await),
            Request::ReviewScope(params) => answered(self.review_scope(params).await),
            Request::ReviewChecks(params) => answered(self.review_checks(params).await),
            Request::ReviewCheck(params) => answered(self.review_check(params).await),
            Request::ReviewComments(params) => answered(self.review_comments(params).await),
            Request::ReviewOutline(params) => answered(self.review_outline(params).await),
            Request::ReviewLines(params) => answered(self.review_lines(params).await),
            Request::ReviewDecide(params) => answered(self.review_decide(params).await),
            Request::ReviewEdit(params) => answered(self.review_edit(params).await),
            Request::ReviewAround(params) => answered(self.review_around(params).await),
            Request::ReviewPictures(params) => answered(self.review_pictures(params).await),
            Request::ReviewNotebook(params) => answered(self.review_notebook(params).await),
            Request::ReviewUndo(params) => answered(self.review_undo(params).await),
            Request::ReviewComment(params) => answered(self.review_comment(params).await),
            Request::ReviewCommit(params) => answered(self.review_commit(params).await),
            Request::CheckpointList(params) => answered(self.checkpoint_list(params).await),
            Request::CheckpointPreview(params) => answered(self.checkpoint_preview(params).await),
            Request::CheckpointRestore(params) => answered(self.checkpoint_restore(params).await),
            Request::AttemptsStart(params) => answered(self.attempts_start(params).await),
            Request::AttemptsCompare(params) => answered(self.attempts_compare(params).await),
            Request::AttemptsPreview(params) => answered(self.attempts_preview(params).await),
            Request::AttemptsTry(params) => answered(self.attempts_try(params).await),
            Request::AttemptsTake(params) => answered(self.attempts_take(params).await),
            Request::AttemptsCheck(params) => answered(self.attempts_check(params).await),
            Request::AttemptsStopCheck(params) => answered(self.attempts_stop_check(params)),
            Request::WorktreeList(params) => answered(self.worktree_list(params).await),
            Request::WorktreeRemove(params) => answered(self.worktree_remove(params).await),
            Request::WorktreeRestore(params) => answered(self.worktree_restore(params).await),
            Request::GitStatus(params) => answered(self.git_status(params).await),
            Request::GitDiff(params) => answered(self.git_diff(params).await),
            Request::GitStage(params) => answered(self.git_stage(params).await),
            Request::GitCommit(params) => answered(self.git_commit(params).await),
            Request::GitBranches(params) => answered(self.git_branches(params).await),
            Request::GitSwitch(params) => answered(self.git_switch(params).await),
            Request::GitDeleteBranch(params) => answered(self.git_delete_branch(params).await),
            Request::GitStashes(params) => answered(self.git_stashes(params).await),
            Request::GitStash(params) => answered(self.git_stash(params).await),
            Request::GitUnstash(params) => answered(self.git_unstash(params).await),
            Request::GitLog(params) => answered(self.git_log(params).await),
            Request::GitBlame(params) => answered(self.git_blame(params).await),
            Request::GitDraftMessage(params) => answered(self.git_draft_message(params).await),
            Request::GitPreview(params) => answered(self.git_preview(params).await),
            Request::GitRun(params) => answered(self.git_run(params).await),
            Request::GitRunning(params) => answered(self.git_running(params).await),
            Request::GitAnswer(params) => answered(self.git_answer(params).await),
            Request::GitConflict(params) => answered(self.git_conflict(params).await),
            Request::GitResolve(params) => answered(self.git_resolve(params).await),
            Request::GitPullTarget(params) => answered(self.git_pull_target(params).await),
            Request::GitDraftPull(params) => answered(self.git_draft_pull(params).await),
            Request::GitOpenPull(params) => answered(self.git_open_pull(params).await),
            Request::ProjectList(_) => answered(self.project_list().await),
            Request::ProjectOpen(params) => answered(self.project_open(params).await),
            Request::ProjectRemove(params) => answered(self.project_remove(params).await),
            Request::ProjectStatus(params) => answered(self.project_status(params).await),
            Request::ProjectRead(params) => answered(self.project_read(params).await),
            Request::SearchRun(params) => answered(self.search_run(params).await),
            Request::IndexStatus(params) => answered(self.index_status(params).await),
            Request::IndexRebuild(params) => answered(self.index_rebuild(params).await),
            Request::IndexStop(params) => answered(self.index_stop(params).await),
            Request::IndexLeftOut(params) => answered(self.index_left_out(params).await),
            Request::EndpointList(_) => answered(self.endpoint_list()),
            Request::EndpointDiscover(_) => answered(self.endpoint_discover().await),
            Request::EndpointPresets(_) => answered(Ok(self.endpoint_presets())),
            Request::EndpointAdd(params) => answered(self.endpoint_add(params).await),
            Request::EndpointRemove(params) => answered(self.endpoint_remove(params).await),
            Request::EndpointChosen(_) => answered(self.choose_endpoint(None).await),
            Request::EndpointDefault(params) => answered(self.endpoint_default(&params).await),
            Request::EndpointModels(params) => answered(self.endpoint_models(params).await),
            Request::LedgerList(params) => answered(self.ledger_list(params).await),
            Request::LedgerShow(params) => answered(self.ledger_show(params).await),
            Request::LedgerTotals(params) => answered(self.ledger_totals(params).await),
            Request::LedgerVerify(params) => answered(self.ledger_verify(params).await),
            Request::RulesList(params) => answered(self.rules_list(params).await),
            Request::RulesTest(params) => answered(self.rules_test(params).await),
            Request::RulesRevoke(params) => answered(self.rules_revoke(params).await),
            Request::TrustShow(params) => answered(self.trust_show(params).await),
            Request::TrustSet(params) => answered(self.trust_set(params).await),
            Request::TrustRevoke(params) => answered(self.trust_revoke(params).await),
            Request::TrustList(_) => answered(self.trust_list().await),
            Request::SettingsShow(_) => answered(self.settings_show()),
            Request::SettingsChange(params) => answered(self.settings_change(params).await),
            Request::DataShow(_) => answered(self.data_show().await),
            Request::DataCollect(_) => answered(self.data_collect().await),
            Request::Doctor(params) => answered(Ok(self.doctor(&params).await)),
        }
    }

    /// The same for a front in this process, with types: `engine.call::<method::SessionList>(params)`.
    ///
    /// # Errors
    /// The failure to show.
    pub async fn call<M: Method>(&self, params: M::Params) -> Result<M::Answer, Failure>
    where
        Request: From<Call<M>>,
    {
        let answer = self.dispatch(Call::<M>(params).into()).await?;
        serde_json::from_value(answer).map_err(|error| {
            failure(
                Code::Internal,
                format!("the answer of {} does not fit: {error}", M::NAME),
                "",
            )
        })
    }
}

use kerf_protocol::request::Call;
