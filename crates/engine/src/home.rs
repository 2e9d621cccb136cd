//! Where Kerf keeps its things.

use etcetera::{AppStrategy, AppStrategyArgs, choose_app_strategy};
use kerf_protocol::{Code, Failure, SessionId};
use std::path::PathBuf;

/// The folders of Kerf's data and configuration. Nothing is created before it is needed.
#[derive(Debug, Clone)]
pub struct Home {
    data: PathBuf,
    config: PathBuf,
}

impl Home {
    /// The folder `kerf_home` for everything, or the platform's folders.
    ///
    /// # Errors
    /// When the platform names no home folder.
    pub fn locate(kerf_home: Option<PathBuf>) -> Result<Self, Failure> {
        if let Some(home) = kerf_home.filter(|path| !path.as_os_str().is_empty()) {
            let home = std::path::absolute(&home).unwrap_or(home);
            return Ok(Self {
                data: home.clone(),
                config: home,
            });
        }
        let strategy = choose_app_strategy(AppStrategyArgs {
            top_level_domain: "dev".to_owned(),
            author: "kerf".to_owned(),
            app_name: "kerf".to_owned(),
        })
        .map_err(|error| Failure {
            code: Code::Configuration,
            message: format!("there is no home folder: {error}"),
            hint: "Set KERF_HOME to a folder for Kerf's data".to_owned(),
        })?;
        Ok(Self {
            data: strategy.data_dir(),
            config: strategy.config_dir(),
        })
    }

    /// The folder of the data.
    #[must_use]
    pub fn data(&self) -> &std::path::Path {
        &self.data
    }

    /// All folders of Kerf's own, which no command has to see.
    #[must_use]
    pub fn folders(&self) -> Vec<PathBuf> {
        vec![self.data.clone(), self.config.clone()]
    }

    /// All places in these folders but that of the worktrees.
    #[must_use]
    pub(crate) fn places(&self) -> Vec<PathBuf> {
        let mut places: Vec<PathBuf> = ["kerf.db-wal", "kerf.db-shm", "backups", "records"]
            .iter()
            .map(|name| self.data.join(name))
            .collect();
        places.extend([
            self.database(),
            self.blobs(),
            self.indexes(),
            self.watch(),
            self.placeholder_key(),
            self.logs(),
            self.config(),
            self.instructions(),
            self.worktrees().join(".locks"),
        ]);
        places
    }

    /// The worktrees that sessions work in.
    #[must_use]
    pub fn worktrees(&self) -> PathBuf {
        self.data.join("worktrees")
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.data.join("kerf.db")
    }

    /// Content-addressed file contents.
    #[must_use]
    pub fn blobs(&self) -> PathBuf {
        self.data.join("blobs")
    }

    /// The indexes, a folder for each repository, or for each folder that is in none.
    #[must_use]
    pub fn indexes(&self) -> PathBuf {
        self.data.join("index")
    }

    /// Where files come and go by which Kerf knows what it was told of changes elsewhere.
    #[must_use]
    pub(crate) fn watch(&self) -> PathBuf {
        self.data.join("watch")
    }

    /// The secret from which placeholders are made.
    #[must_use]
    pub fn placeholder_key(&self) -> PathBuf {
        self.data.join("placeholder.key")
    }

    /// What the folder of a session held before a command that is running; nothing is there otherwise.
    #[must_use]
    pub fn record(&self, session_id: SessionId) -> PathBuf {
        self.records().join(session_id.to_string())
    }

    /// The records of all sessions.
    #[must_use]
    pub(crate) fn records(&self) -> PathBuf {
        self.data.join("records")
    }

    /// What programs without a terminal write down when something goes wrong.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.data.join("logs")
    }

    /// The configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// The user's own instructions.
    #[must_use]
    pub fn instructions(&self) -> PathBuf {
        self.config.join("AGENTS.md")
    }
}
