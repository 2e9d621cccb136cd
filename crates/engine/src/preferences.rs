//! The requests about the user's settings, and about Kerf's data.

use crate::{
    engine::Engine,
    failure::{failure, from_panic, from_store},
    network::first_bad,
    settings::Editor,
};
use kerf_protocol::{
    Code, Failure,
    request::{ListSessions, Nothing},
    settings::{AppSettings, DataUse},
};
use std::{fs, path::Path};

impl Engine {
    pub(crate) fn settings_show(&self) -> Result<AppSettings, Failure> {
        let settings = self.settings()?;
        Ok(AppSettings {
            network: settings.network,
            ..settings.app
        })
    }

    pub(crate) async fn settings_change(&self, new: AppSettings) -> Result<Nothing, Failure> {
        if let Some((entry, error)) = first_bad(&new.network.allow) {
            return Err(failure(
                Code::Usage,
                format!("`{entry}` is no host for the list: {error}"),
                "",
            ));
        }
        let path = self.home().config();
        let _one = self.configuring().await;
        tokio::task::spawn_blocking(move || {
            let mut editor = Editor::open(path)?;
            editor.put_app(&new)?;
            editor.save()
        })
        .await
        .map_err(from_panic)??;
        self.heed_reach()?;
        Ok(Nothing {})
    }

    pub(crate) async fn data_show(&self) -> Result<DataUse, Failure> {
        let all = ListSessions {
            archived: true,
            ..ListSessions::default()
        };
        let sessions = self.store().sessions(&all).await.map_err(from_store)?;
        let (home, blob_room) = (self.home().clone(), self.room());
        tokio::task::spawn_blocking(move || DataUse {
            blob_room,
            folder: home.data().display().to_string(),
            configuration: home.config().display().to_string(),
            // The write-ahead log counts too.
            database_bytes: bytes_of(home.data(), &|name| name.starts_with("kerf.db")),
            blob_bytes: bytes_of(&home.blobs(), &|_| true),
            sessions: sessions.len() as u64,
        })
        .await
        .map_err(from_panic)
    }
}

/// The bytes of the files in a folder whose names count, and of all in its folders. What cannot be read counts nothing.
fn bytes_of(folder: &Path, counts: &dyn Fn(&str) -> bool) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    entries
        .filter_map(Result::ok)
        .filter(|entry| counts(&entry.file_name().to_string_lossy()))
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => bytes_of(&entry.path(), &|_| true),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}
