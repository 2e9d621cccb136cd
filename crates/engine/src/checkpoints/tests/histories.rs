//! Tests by long random histories of one folder, against a simple model: agent, shell and user change files, changes are accepted,
//! rejected and taken back, git commits, the engine is opened anew, blobs are collected, and the folder goes back and
//! forth between its checkpoints. After every step not a byte of the folder may differ from the model.
//!
//! Each round has a seed, and the same seed gives the same steps; a failure names it. `KERF_LONG_TESTS` makes it 100,000
//! steps, `KERF_HISTORY_SEED` plays one round alone.

mod folder;
mod model;
mod restores;
mod steps;

use self::{
    folder::{PATHS, Plain, edited, put, tree_of},
    model::{Model, Point},
};
use crate::{Engine, Options, wake::Live};
use kerf_protocol::{
    SessionId,
    request::{NewSession, SessionRef, method},
};
use kerf_test_support::Fixture;
use std::{fs, path::Path, sync::Arc};

/// Plays one round alone, and tells all of its steps.
const SEED: &str = "KERF_HISTORY_SEED";

/// Numbers that a seed gives.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn path(&mut self) -> String {
        PATHS[self.roll(PATHS.len() as u64) as usize].to_owned()
    }
}

/// A session, and the model of it.
struct History {
    home: tempfile::TempDir,
    folder: Fixture,
    open: Option<(Engine, Arc<Live>)>,
    session_id: SessionId,
    model: Model,
    dice: Dice,
    /// Grows, so that no two writes are of the same text.
    texts: u64,
    steps: Vec<String>,
    /// Whether the system is asked what has changed before a call.
    follows: bool,
    /// How often its word was enough.
    followed: usize,
}

impl History {
    async fn new(seed: u64, follows: bool) -> Self {
        let mut dice = Dice(seed);
        let mut folder = Fixture::new("//- /a\none\n//- /d/a\ntwo\n");
        if dice.roll(2) == 0 {
            folder = folder.git();
        }
        let home = tempfile::tempdir().unwrap();
        let engine = Engine::open(Options::offline(home.path())).await.unwrap();
        let new = NewSession {
            folder: folder.path().display().to_string(),
            ..NewSession::default()
        };
        let session_id = engine.call::<method::SessionNew>(new).await.unwrap().id;
        let live = engine.live(session_id).await.unwrap();
        if follows {
            always_follow(&engine, &live, folder.path()).await;
        }
        let model = Model {
            disk: tree_of(folder.path()),
            ..Model::default()
        };
        Self {
            home,
            folder,
            open: Some((engine, live)),
            session_id,
            model,
            dice,
            texts: 0,
            steps: Vec::new(),
            follows,
            followed: 0,
        }
    }

    fn engine(&self) -> &Engine {
        &self.open.as_ref().unwrap().0
    }

    fn live(&self) -> &Arc<Live> {
        &self.open.as_ref().unwrap().1
    }

    /// Another content for a path, and it is on the disk.
    fn write(&mut self, path: &str, writer: &str) {
        self.texts += 1;
        let text = format!("{writer} {}\n", self.texts);
        let plain = match self.dice.roll(12) {
            0 => None,
            1 => Some(Plain::File(Vec::new(), 0o644)),
            2 => Some(Plain::File(format!("\0{text}").into_bytes(), 0o644)),
            3 => Some(Plain::Link(format!("to-{}", self.texts))),
            // What was there before.
            4 => {
                let point = self.dice.roll(self.model.points.len().max(1) as u64) as usize;
                let point = self.model.points.get(point);
                point.and_then(|point| point.files.get(path).cloned())
            }
            kind => {
                let old = match self.model.disk.get(path) {
                    Some(Plain::File(bytes, _)) => String::from_utf8(bytes.clone()).ok(),
                    _ => None,
                };
                let mode = if kind == 5 { 0o755 } else { 0o644 };
                Some(Plain::File(edited(old.as_deref(), writer, &text), mode))
            }
        };
        self.steps
            .push(format!("  {writer} writes {path}: {plain:?}"));
        put(self.folder.path(), path, plain.as_ref());
        match plain {
            Some(plain) => self.model.disk.insert(path.to_owned(), plain),
            None => self.model.disk.remove(path),
        };
        self.model.wrote([&path.to_owned()]);
    }

    /// Whether a file was there at a checkpoint that did not hold it is told by its time: the clock of the files goes on.
    async fn tick(&self) {
        let probe = self.home.path().join("probe");
        let begun = crate::engine::now();
        let of_file = || {
            fs::write(&probe, "").unwrap();
            let modified = fs::metadata(&probe).unwrap().modified().unwrap();
            modified
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap()
                .as_millis()
        };
        while of_file() <= u128::from(begun.unsigned_abs()) {
            tokio::task::yield_now().await;
        }
    }

    fn count_followed(&mut self) {
        let followed = self.live().host.desk.lock().unwrap().followed();
        self.followed += followed;
    }

    /// The checkpoint that Kerf has just taken.
    async fn point(&mut self) {
        let listed = self.listed().await;
        assert_eq!(
            listed.len(),
            self.model.points.len() + 1,
            "one checkpoint was taken"
        );
        let files = self.model.known.clone().unwrap();
        assert_eq!(
            listed.last().unwrap().1,
            files.len() as u64,
            "its number of files"
        );
        self.model.points.push(Point {
            id: listed.last().unwrap().0,
            files,
            written: self.model.written.clone(),
            there: self.model.disk.keys().cloned().collect(),
            is_gone: false,
        });
    }

    /// The checkpoints: number, files, whether it is gone.
    async fn listed(&self) -> Vec<(i64, u64, bool)> {
        let session = SessionRef {
            session_id: self.session_id,
        };
        let found = self
            .engine()
            .call::<method::CheckpointList>(session)
            .await
            .unwrap();
        found
            .checkpoints
            .iter()
            .map(|one| (one.id, one.files, one.gone_at.is_some()))
            .collect()
    }
}

/// The system is asked in this folder as in a large one, and is ready to answer.
pub(super) async fn always_follow(engine: &Engine, live: &Live, folder: &Path) {
    live.host.desk.lock().unwrap().always_follow();
    let indexed = engine.indexed(&folder.canonicalize().unwrap()).unwrap();
    live.host.follow(&indexed);
    indexed.begin_to_watch();
    #[cfg(target_os = "linux")]
    {
        let changes = indexed.changes_once_watched().await;
        changes.expect("the file system of the temporary folder does not tell of its changes");
    }
}

/// Returns how often the system's word was enough.
async fn play(seed: u64, steps: usize, follows: bool) -> usize {
    let mut history = History::new(seed, follows).await;
    let told = std::panic::AssertUnwindSafe(async {
        for _ in 0..steps {
            history.step().await;
        }
    });
    let played = futures_util::FutureExt::catch_unwind(told).await;
    if let Err(panic) = played {
        let steps = &history.steps;
        let shown = match std::env::var_os(SEED) {
            Some(_) => usize::MAX,
            None => 60,
        };
        let last = steps.len().saturating_sub(shown);
        eprintln!(
            "seed {seed}, {} steps:\n{}",
            steps.len(),
            steps[last..].join("\n")
        );
        std::panic::resume_unwind(panic);
    }
    history.count_followed();
    history.followed
}

#[tokio::test]
async fn not_a_byte_differs() {
    assert_eq!(play_all(false).await, 0);
}

#[tokio::test]
async fn not_a_byte_differs_by_the_systems_word() {
    let followed = play_all(true).await;
    // Elsewhere nothing is promised of the order in which the system tells.
    assert!(followed > 0 || !cfg!(target_os = "linux"));
}

async fn play_all(follows: bool) -> usize {
    let alone = std::env::var(SEED).ok();
    if let Some(seed) = alone.and_then(|seed| seed.parse().ok()) {
        return play(seed, 500, follows).await;
    }
    let rounds = if kerf_test_support::faults::long() {
        200
    } else {
        6
    };
    let steps = if kerf_test_support::faults::long() {
        500
    } else {
        50
    };
    let mut followed = 0;
    for seed in 0..rounds {
        followed += play(seed, steps, follows).await;
    }
    followed
}
