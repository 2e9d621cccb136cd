//! Of the tests: going back to a checkpoint, and forth again.

use super::{
    History,
    folder::{PATHS, Plain, tree_of},
};
use kerf_protocol::{
    Code, Failure,
    checkpoint::{CheckpointRef, Restore, RestoreChoice, RestoreWhat},
    request::method,
};
use std::collections::BTreeMap;

impl History {
    pub(super) async fn restore(&mut self) {
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
}
