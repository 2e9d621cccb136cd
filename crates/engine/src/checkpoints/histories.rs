//! Long random histories of one folder, against a simple model: agent, shell and user change files, changes are accepted,
//! rejected and taken back, git commits, the engine is opened anew, blobs are collected, and the folder goes back and
//! forth between its checkpoints. After every step not a byte of the folder may differ from the model.
//!
//! Each round has a seed, and the same seed gives the same steps; a failure names it. `KERF_LONG_TESTS` makes it 100,000
//! steps, `KERF_HISTORY_SEED` plays one round alone.

use crate::{Engine, EnvironmentEndpoint, Home, Options, desk::Before, wake::Live};
use kerf_agent::{Host as _, Scope};
use kerf_protocol::{
    Code, Failure, ItemId, SessionId, TurnId,
    checkpoint::{CheckpointRef, Restore, RestoreChoice, RestoreWhat},
    event::EventBody,
    request::{Decide, NewSession, SessionRef, method},
    review::{Author, Decision, Target},
};
use kerf_test_support::Fixture;
use kerf_workspace::RelPath;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
};

/// Plays one round alone, and tells all of its steps.
const SEED: &str = "KERF_HISTORY_SEED";
const PATHS: [&str; 6] = ["a", "b", "d/a", "d/b", "d/e/c", "x"];
/// A text has a line for each of who writes, with lines between them that nobody changes.
const WRITERS: [&str; 3] = ["agent", "shell", "user"];

/// What a path holds.
#[derive(Clone, PartialEq, Eq)]
enum Plain {
    File(Vec<u8>, u32),
    Link(String),
}

impl std::fmt::Debug for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(bytes, mode) => write!(f, "{mode:o} {:?}", String::from_utf8_lossy(bytes)),
            Self::Link(target) => write!(f, "link {target}"),
        }
    }
}

type Tree = BTreeMap<String, Plain>;

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

/// What is known of a checkpoint.
struct Point {
    id: i64,
    files: Tree,
    /// See [`Model::written`], of all that was on the disk.
    written: BTreeMap<String, u64>,
    /// What was on the disk, known or not.
    there: BTreeSet<String>,
    is_gone: bool,
}

/// What Kerf did to a file, behind so many checkpoints.
struct Done {
    points: usize,
    path: String,
    before: Option<Plain>,
    after: Option<Plain>,
}

#[derive(Default)]
struct Model {
    disk: Tree,
    /// The number of the write that each file comes from.
    written: BTreeMap<String, u64>,
    writes: u64,
    /// What the last look found. None: nobody has looked since the engine was opened.
    known: Option<Tree>,
    /// What tools, decisions and restores have written since.
    touched: BTreeSet<String>,
    points: Vec<Point>,
    done: Vec<Done>,
}

impl Model {
    /// These files are of now.
    fn wrote<'a>(&mut self, paths: impl IntoIterator<Item = &'a String>) {
        self.writes += 1;
        for path in paths {
            self.written.insert(path.clone(), self.writes);
        }
    }

    /// What a checkpoint held of a file. One that nobody had looked at, but that was there and was still the same when Kerf
    /// first changed it, is known from then; of a link nobody can tell since when it was there, and it stays.
    fn then(&self, point: usize, path: &str) -> Option<&Plain> {
        let held = self.points[point].files.get(path);
        if held.is_some() {
            return held;
        }
        let mut since = self.done.iter();
        let first = since.find(|one| one.points > point && one.path == path)?;
        let later = first.points - 1;
        if first.before.is_none() || later == point {
            return None;
        }
        let (then, later) = (&self.points[point], &self.points[later]);
        let same = then.written.get(path)? == later.written.get(path)?;
        let known = same && then.there.contains(path);
        later
            .files
            .get(path)
            .filter(|plain| known && matches!(plain, Plain::File(..)))
    }

    fn look(&mut self) {
        self.known = Some(self.disk.clone());
        self.touched.clear();
    }

    fn look_at(&mut self, path: &str) {
        let Some(known) = &mut self.known else {
            return self.look();
        };
        for path in std::mem::take(&mut self.touched)
            .iter()
            .map(String::as_str)
            .chain([path])
        {
            match self.disk.get(path) {
                Some(plain) => known.insert(path.to_owned(), plain.clone()),
                None => known.remove(path),
            };
        }
    }

    /// Kerf finds the disk changed, and puts it down to itself.
    fn kerf_did(&mut self, before: &Tree) {
        let paths: BTreeSet<&String> = before.keys().chain(self.disk.keys()).collect();
        let (mut done, mut changed) = (Vec::new(), Vec::new());
        for path in paths {
            if before.get(path) != self.disk.get(path) {
                self.touched.insert(path.clone());
                changed.push(path.clone());
                done.push(Done {
                    points: self.points.len(),
                    path: path.clone(),
                    before: before.get(path).cloned(),
                    after: self.disk.get(path).cloned(),
                });
            }
        }
        self.done.extend(done);
        self.wrote(&changed);
    }

    /// What a restore does to each file that is not as it was: whether it goes, goes if it is named, or stays.
    fn expected(&self, point: usize) -> BTreeMap<String, RestoreChoice> {
        let then = &self.points[point].files;
        let done = self.done.iter().map(|one| &one.path);
        let paths: BTreeSet<&String> = then.keys().chain(self.disk.keys()).chain(done).collect();
        let mut expected = BTreeMap::new();
        for path in paths {
            let now = self.disk.get(path);
            let then = self.then(point, path);
            let mut left = then;
            if left == now {
                continue;
            }
            let (mut users, mut made_by_user, mut any) = (false, false, false);
            let since = self
                .done
                .iter()
                .filter(|one| one.points > point && one.path == *path);
            let found = since.map(|one| (one.before.as_ref(), one.after.as_ref()));
            for (place, (before, after)) in found.chain([(now, now)]).enumerate() {
                any = place > 0;
                if before != left {
                    users = true;
                    made_by_user = before.is_some() && (made_by_user || left.is_none());
                }
                left = after;
            }
            let is_deleted = now.is_some() && then.is_none();
            let choice = match (is_deleted && made_by_user, users || !any) {
                (true, _) => RestoreChoice::Stays,
                (_, true) => RestoreChoice::IfNamed,
                _ => RestoreChoice::Goes,
            };
            expected.insert(path.clone(), choice);
        }
        expected
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
        let engine = Engine::open(options(home.path())).await.unwrap();
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

    async fn step(&mut self) {
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

    async fn restore(&mut self) {
        if self.model.points.is_empty() {
            return;
        }
        let point = self.dice.roll(self.model.points.len() as u64) as usize;
        let checkpoint_id = self.model.points[point].id;
        self.steps
            .push(format!("  checkpoint {checkpoint_id}, the {point}th"));
        let asked = CheckpointRef {
            session_id: self.session_id,
            checkpoint_id,
        };
        if self.model.points[point].is_gone {
            let restored = self.restored(checkpoint_id, None).await.unwrap_err();
            assert_eq!(restored.code, Code::NotFound, "{restored}");
            return;
        }
        let expected = self.model.expected(point);
        let preview = self
            .engine()
            .call::<method::CheckpointPreview>(asked)
            .await
            .unwrap();
        self.model.look();
        let told: BTreeMap<String, RestoreChoice> = preview
            .files
            .iter()
            .map(|file| (file.change.path.clone(), file.choice))
            .collect();
        if told != expected {
            self.explain(&told, &expected, checkpoint_id).await;
        }
        assert_eq!(told, expected, "what a preview tells");
        let named = self.dice.roll(3) == 0;
        let paths: Option<Vec<String>> = named.then(|| expected.keys().cloned().collect());
        let undo = self.restored(checkpoint_id, paths).await.unwrap();
        self.point().await;
        assert_eq!(undo, self.model.points.last().unwrap().id);
        let before = self.model.disk.clone();
        let then: BTreeMap<String, Option<Plain>> = expected
            .keys()
            .map(|path| (path.clone(), self.model.then(point, path).cloned()))
            .collect();
        for (path, choice) in expected {
            let goes = match choice {
                RestoreChoice::Goes => true,
                RestoreChoice::IfNamed => named,
                RestoreChoice::Stays => false,
            };
            if goes {
                match then[&path].clone() {
                    Some(plain) => self.model.disk.insert(path, plain),
                    None => self.model.disk.remove(&path),
                };
            }
        }
        self.model.kerf_did(&before);
        if self.dice.roll(2) == 0 {
            assert_eq!(tree_of(self.folder.path()), self.model.disk, "a restore");
            self.restored(undo, None).await.unwrap();
            self.model.look();
            self.point().await;
            let restored = std::mem::replace(&mut self.model.disk, before);
            self.model.kerf_did(&restored);
        }
    }

    /// What Kerf and the model know of files about which they differ.
    async fn explain(
        &mut self,
        told: &BTreeMap<String, RestoreChoice>,
        expected: &BTreeMap<String, RestoreChoice>,
        since: i64,
    ) {
        let store = self.engine().store().clone();
        let changes = store.file_changes(self.session_id, since).await.unwrap();
        for path in PATHS {
            if told.get(path) == expected.get(path) {
                continue;
            }
            let mut words = vec![format!("of {path}, now {:?}:", self.model.disk.get(path))];
            let known = changes.iter().filter(|one| one.path == path);
            words.extend(known.map(|one| format!("  Kerf {one:?}")));
            let done = self.model.done.iter().filter(|one| one.path == path);
            words.extend(done.map(|one| {
                let behind = self.model.points[one.points - 1].id;
                format!("  model {behind}: {:?} -> {:?}", one.before, one.after)
            }));
            self.steps.extend(words);
        }
    }

    async fn restored(
        &self,
        checkpoint_id: i64,
        paths: Option<Vec<String>>,
    ) -> Result<i64, Failure> {
        let restore = Restore {
            session_id: self.session_id,
            checkpoint_id,
            what: RestoreWhat::Files,
            paths,
        };
        let restored = self
            .engine()
            .call::<method::CheckpointRestore>(restore)
            .await?;
        Ok(restored.undo)
    }

    /// Another process goes on.
    async fn open_anew(&mut self) {
        self.count_followed();
        drop(self.open.take());
        let engine = Engine::open(options(self.home.path())).await.unwrap();
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

    fn count_followed(&mut self) {
        let followed = self.live().host.desk.lock().unwrap().followed();
        self.followed += followed;
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

/// The system is asked in this folder as in a large one, and is ready to answer.
pub(super) async fn always_follow(engine: &Engine, live: &Live, folder: &Path) {
    live.host.desk.lock().unwrap().always_follow();
    let indexed = engine.indexed(&folder.canonicalize().unwrap()).unwrap();
    live.host.follow(&indexed);
    indexed.begin_to_watch();
    while cfg!(target_os = "linux") && indexed.changes().is_none() {
        tokio::task::yield_now().await;
    }
}

pub(super) fn options(home: &Path) -> Options {
    Options {
        watch: false,
        home: Home::locate(Some(home.to_owned())).unwrap(),
        helper: "no-helper".into(),
        attended: true,
        // Nothing is asked of it.
        environment: EnvironmentEndpoint {
            base_url: Some("http://127.0.0.1:9/v1".to_owned()),
            model: Some("none".to_owned()),
            ..EnvironmentEndpoint::default()
        },
    }
}

/// A text with the line of one writer changed.
fn edited(old: Option<&str>, writer: &str, line: &str) -> Vec<u8> {
    let fresh = || {
        let lines = WRITERS.map(|writer| format!("{writer} 0\n-\n-\n-\n"));
        lines.concat()
    };
    let old = old.filter(|old| old.lines().any(|old| old.starts_with(writer)));
    let old = old.map_or_else(fresh, str::to_owned);
    let lines = old
        .split_inclusive('\n')
        .map(|old| match old.starts_with(writer) {
            true => line,
            false => old,
        });
    lines.collect::<String>().into_bytes()
}

/// Puts a content on the disk, as any program would.
fn put(folder: &Path, path: &str, plain: Option<&Plain>) {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let at = folder.join(path);
    if at.symlink_metadata().is_ok() {
        fs::remove_file(&at).unwrap();
    }
    match plain {
        Some(Plain::File(bytes, mode)) => {
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            fs::write(&at, bytes).unwrap();
            fs::set_permissions(&at, fs::Permissions::from_mode(*mode)).unwrap();
        }
        Some(Plain::Link(target)) => {
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            symlink(target, &at).unwrap();
        }
        None => {}
    }
}

/// All files, by plain reading.
fn tree_of(folder: &Path) -> Tree {
    use std::os::unix::fs::PermissionsExt as _;
    fn collect(folder: &Path, beneath: &str, tree: &mut Tree) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = format!("{beneath}{name}");
            let metadata = entry.metadata().unwrap();
            if name == ".git" {
                continue;
            }
            if metadata.is_dir() {
                collect(&entry.path(), &format!("{path}/"), tree);
            } else if metadata.is_symlink() {
                let target = fs::read_link(entry.path()).unwrap();
                tree.insert(path, Plain::Link(target.to_str().unwrap().to_owned()));
            } else {
                let mode = metadata.permissions().mode() & 0o777;
                tree.insert(path, Plain::File(fs::read(entry.path()).unwrap(), mode));
            }
        }
    }
    let mut tree = Tree::new();
    collect(folder, "", &mut tree);
    tree
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
