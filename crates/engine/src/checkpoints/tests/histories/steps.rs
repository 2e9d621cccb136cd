//! Of the tests: the steps of a history.

use super::{History, always_follow, folder::tree_of};
use crate::{Engine, Options, desk::Before};
use kerf_agent::{Host as _, Scope};
use kerf_protocol::{
    Code, ItemId, TurnId,
    event::EventBody,
    request::{Decide, SessionRef, method},
    review::{Author, Decision, Target},
};
use kerf_workspace::RelPath;
use std::sync::Arc;

impl History {
    pub(super) async fn step(&mut self) {
        let (kind, name) = match self.dice.roll(100) {
            0..22 => (0, "user"),
            22..40 => (1, "agent"),
            40..52 => (2, "shell"),
            52..60 => (3, "turn"),
            60..68 => (4, "decide"),
            68..73 => (5, "undo"),
            73..88 => (6, "restore"),
            88..92 => (7, "open anew"),
            92..97 => (8, "collect"),
            _ => (9, "commit"),
        };
        self.steps.push(name.to_owned());
        match kind {
            0 => {
                let path = self.dice.path();
                self.tick().await;
                self.write(&path, "user");
                self.tick().await;
            }
            1 => self.agent().await,
            2 => self.shell().await,
            3 => {
                self.live().host.begin_turn(Before::default()).await;
                self.live().host.looked().await;
                self.model.look();
                self.point().await;
            }
            4 => self.decide().await,
            5 => self.undo().await,
            6 => self.restore().await,
            7 => self.open_anew().await,
            8 => self.collect().await,
            _ => self.commit().await,
        }
        assert_eq!(tree_of(self.folder.path()), self.model.disk);
    }

    async fn agent(&mut self) {
        let path = self.dice.path();
        let (turn_id, item_id) = (TurnId::new(), ItemId::new());
        let rel: RelPath = path.parse().unwrap();
        let host = Arc::clone(&self.live().host);
        host.emit(EventBody::TurnStarted {
            turn_id,
            instructions: Vec::new(),
        });
        let scope = [rel];
        host.before_change(item_id, Scope::Paths(&scope))
            .await
            .unwrap();
        self.model.look_at(&path);
        self.point().await;
        self.model.touched.insert(path.clone());
        let before = self.model.disk.clone();
        self.write(&path, "agent");
        let author = Author::Tool { turn_id, item_id };
        host.after_change(Scope::Paths(&scope), author)
            .await
            .unwrap();
        self.model.kerf_did(&before);
        host.end_turn().await;
    }

    async fn shell(&mut self) {
        let (turn_id, item_id) = (TurnId::new(), ItemId::new());
        let host = Arc::clone(&self.live().host);
        host.emit(EventBody::TurnStarted {
            turn_id,
            instructions: Vec::new(),
        });
        host.before_change(item_id, Scope::Anything).await.unwrap();
        self.model.look();
        self.point().await;
        let before = self.model.disk.clone();
        for _ in 0..=self.dice.roll(3) {
            let path = self.dice.path();
            self.write(&path, "shell");
        }
        let author = Author::Command { turn_id, item_id };
        host.after_change(Scope::Anything, author).await.unwrap();
        self.model.kerf_did(&before);
        self.model.look();
        host.end_turn().await;
    }

    /// The disk is taken as it is when what a decision does is not for this model to say.
    fn take_disk(&mut self) {
        let before = std::mem::replace(&mut self.model.disk, tree_of(self.folder.path()));
        self.model.kerf_did(&before);
    }

    async fn decide(&mut self) {
        let decision = match self.dice.roll(2) {
            0 => Decision::Accept,
            _ => Decision::Reject,
        };
        let target = match self.dice.roll(2) {
            0 => Target::All,
            _ => Target::File {
                path: self.dice.path(),
            },
        };
        let decide = Decide {
            session_id: self.session_id,
            decision,
            target,
        };
        let done = self.engine().call::<method::ReviewDecide>(decide).await;
        let before = self.model.disk.clone();
        match (decision, &done) {
            // An error can be about one of several files, and the others are decided.
            (Decision::Accept, _) => {}
            (Decision::Reject, _) => self.take_disk(),
        }
        if decision == Decision::Reject
            && let Ok(done) = done
        {
            for (path, plain) in &before {
                if !done.written.contains(path) {
                    assert_eq!(
                        self.model.disk.get(path),
                        Some(plain),
                        "{path} was not rejected"
                    );
                }
            }
            // Taken back at once, all is as it was.
            if done.decision_id != 0 && self.dice.roll(3) == 0 {
                let session = SessionRef {
                    session_id: self.session_id,
                };
                self.engine()
                    .call::<method::ReviewUndo>(session)
                    .await
                    .unwrap();
                self.take_disk();
                assert_eq!(self.model.disk, before, "an undo takes a decision back");
            }
        }
    }

    async fn undo(&mut self) {
        let session = SessionRef {
            session_id: self.session_id,
        };
        let undone = self.engine().call::<method::ReviewUndo>(session).await;
        if undone.is_ok() {
            self.take_disk();
        }
    }

    async fn commit(&mut self) {
        if self.folder.exists(".git") {
            self.folder.commit("more");
        }
    }

    /// Another process goes on.
    async fn open_anew(&mut self) {
        self.count_followed();
        drop(self.open.take());
        let engine = Engine::open(Options::offline(self.home.path()))
            .await
            .unwrap();
        // The old one lets go of the session when nothing of it is left.
        let live = loop {
            match engine.live(self.session_id).await {
                Ok(live) => break live,
                Err(failure) => assert_eq!(failure.code, Code::Conflict, "{failure}"),
            }
            tokio::task::yield_now().await;
        };
        if self.follows {
            always_follow(&engine, &live, self.folder.path()).await;
        }
        self.open = Some((engine, live));
        self.model.known = None;
        self.model.touched.clear();
    }

    async fn collect(&mut self) {
        let room = match self.dice.roll(3) {
            0 => u64::MAX,
            1 => 0,
            _ => self.dice.roll(40_000),
        };
        let done = self.engine().collect_within(room).await.unwrap();
        assert_eq!(done.postponed, None);
        let listed = self.listed().await;
        for (point, (id, _, is_gone)) in self.model.points.iter_mut().zip(&listed) {
            assert_eq!(point.id, *id);
            assert!(*is_gone || !point.is_gone, "what is gone stays gone");
            point.is_gone = *is_gone;
        }
        let first = listed.iter().position(|(_, _, is_gone)| !is_gone);
        let kept = &listed[first.unwrap_or(listed.len())..];
        assert!(
            kept.iter().all(|(_, _, is_gone)| !is_gone),
            "a beginning is given up"
        );
        assert!(listed.is_empty() || !kept.is_empty(), "the newest stays");
        if room == u64::MAX {
            assert_eq!(done.checkpoints, 0);
        }
    }
}
