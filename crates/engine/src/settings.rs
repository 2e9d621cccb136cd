//! The configuration file: endpoints and which of them is the default. Keys are never in it.
//!
//! ```toml
//! default = "local"
//!
//! [endpoints.local]
//! wire = "chat"
//! base_url = "http://127.0.0.1:11434/v1"
//! model = "qwen3-coder"
//! context_window = 131072
//! key = "keyring"            # or left out: no key
//!
//! [secrets]
//! show = ["/home/ada/app/.env.test"]  # may be read by models
//!
//! [network]
//! allow = ["crates.io", "*.crates.io"]  # where commands may connect to
//!
//! [rules]                     # see docs/rules.md
//! allow = ["Bash(cargo test:*)"]
//! ask = ["Bash(git push:*)"]
//! deny = ["Read(*.pem)"]
//!
//! [git.hosts."git.example.org"]  # where pull requests go, besides github.com and gitlab.com
//! kind = "gitlab"
//!
//! [app.appearance]            # what the window's settings change
//! theme = "dark"
//! ```

use kerf_protocol::{
    Code, Failure,
    endpoint::{Endpoint, EndpointOrigin, Wire},
    git::pull_request::HostKind,
    settings::{AppSettings, NetworkSettings},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};
use toml_edit::{DocumentMut, Item, Table, TableLike, Value, value};

/// The endpoint that the environment names, for scripts.
#[derive(Debug, Clone, Default)]
pub struct EnvironmentEndpoint {
    /// `KERF_BASE_URL`.
    pub base_url: Option<String>,
    /// `KERF_WIRE`: `chat`, `responses` or `anthropic`.
    pub wire: Option<String>,
    /// `KERF_MODEL`.
    pub model: Option<String>,
    /// `KERF_API_KEY`.
    pub key: Option<secrecy::SecretString>,
}

/// What the configuration file says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The endpoint that is used when none is named.
    #[serde(default)]
    pub(crate) default: Option<String>,
    #[serde(default)]
    pub(crate) endpoints: BTreeMap<String, EndpointSettings>,
    #[serde(default)]
    pub(crate) app: AppSettings,
    #[serde(default)]
    pub(crate) secrets: SecretSettings,
    #[serde(default)]
    pub(crate) network: NetworkSettings,
    #[serde(default)]
    pub(crate) rules: RuleSettings,
    #[serde(default)]
    pub(crate) git: GitSettings,
}

/// What the user says of git hosts.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct GitSettings {
    /// Hosts besides github.com and gitlab.com, by their names.
    pub(crate) hosts: BTreeMap<String, GitHost>,
}

/// A server that takes pull requests.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GitHost {
    pub(crate) kind: HostKind,
    /// The base URL of its API, when it is not where such servers have it.
    #[serde(default)]
    pub(crate) api: Option<String>,
}

/// The user's rules for all folders, as they are written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RuleSettings {
    pub(crate) allow: Vec<String>,
    pub(crate) ask: Vec<String>,
    pub(crate) deny: Vec<String>,
}

/// What the user decided about files that are withheld from models.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretSettings {
    /// Whole paths of files that may be read although their names say that they hold secrets.
    #[serde(default)]
    pub(crate) show: Vec<PathBuf>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndpointSettings {
    pub(crate) wire: Wire,
    pub(crate) base_url: String,
    #[serde(default)]
    pub(crate) model: String,
    #[serde(default)]
    pub(crate) context_window: Option<u64>,
    #[serde(default)]
    pub(crate) key: Option<KeyReference>,
}

/// Where a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyReference {
    /// In the keyring, under the endpoint's name.
    Keyring,
}

impl Settings {
    /// Reads the file; a missing one is an empty one.
    pub(crate) fn load(path: &Path) -> Result<Self, Failure> {
        match fs::read_to_string(path) {
            Ok(text) => toml_edit::de::from_str(&text).map_err(|error| broken(path, &error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Failure {
                code: Code::Configuration,
                message: format!(
                    "the configuration {} cannot be read: {error}",
                    path.display()
                ),
                hint: String::new(),
            }),
        }
    }

    pub(crate) fn endpoint(&self, name: &str) -> Option<Endpoint> {
        self.endpoints.get(name).map(|settings| Endpoint {
            name: name.to_owned(),
            wire: settings.wire,
            base_url: settings.base_url.clone(),
            model: settings.model.clone(),
            context_window: settings.context_window,
            origin: EndpointOrigin::Configured,
        })
    }

    pub(crate) fn has_key(&self, name: &str) -> bool {
        self.endpoints
            .get(name)
            .is_some_and(|settings| settings.key == Some(KeyReference::Keyring))
    }
}

fn broken(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure {
        code: Code::Configuration,
        message: format!("the configuration {} is not valid: {error}", path.display()),
        hint: "Mend the file, or move it away to start afresh".to_owned(),
    }
}

/// Sets a field or takes it out. A comment beside it stays.
fn set(table: &mut dyn TableLike, name: &str, new: Option<Value>) {
    match (table.get_mut(name).and_then(Item::as_value_mut), new) {
        (Some(old), Some(mut new)) => {
            *new.decor_mut() = old.decor().clone();
            *old = new;
        }
        (None, Some(new)) => {
            table.insert(name, Item::Value(new));
        }
        (_, None) => {
            table.remove(name);
        }
    }
}

/// Makes a table say `new`. What `default` says too need not be there; what only the file has goes.
fn put_table(place: &mut Table, new: &Table, default: &Table) {
    let gone: Vec<String> = place
        .iter()
        .map(|(name, _)| name.to_owned())
        .filter(|name| !new.contains_key(name))
        .collect();
    for name in gone {
        place.remove(&name);
    }
    for (name, item) in new {
        if let Some(table) = item
            .clone()
            .into_table()
            .ok()
            .filter(|_| item.is_table_like())
        {
            let old = default
                .get(name)
                .and_then(|item| item.clone().into_table().ok());
            let inner = place.entry(name).or_insert_with(|| {
                let mut table = Table::new();
                table.set_implicit(true);
                Item::Table(table)
            });
            if let Some(inline) = inner.as_inline_table() {
                *inner = Item::Table(inline.clone().into_table());
            }
            if let Some(inner) = inner.as_table_mut() {
                put_table(inner, &table, &old.unwrap_or_default());
            }
        } else if let Some(value) = item.as_value() {
            let same = default.get(name).and_then(Item::as_value);
            let is_default =
                same.is_some_and(|same| same.to_string().trim() == value.to_string().trim());
            set(place, name, (!is_default).then(|| value.clone()));
        }
    }
}

/// Writes to the configuration file; comments and order of what is there are kept.
pub(crate) struct Editor {
    path: PathBuf,
    document: DocumentMut,
}

impl Editor {
    pub(crate) fn open(path: PathBuf) -> Result<Self, Failure> {
        // A file that cannot be understood is not written over.
        Settings::load(&path)?;
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(broken(&path, &error)),
        };
        let document = text.parse().map_err(|error| broken(&path, &error))?;
        // A link stays one: what it leads to is replaced.
        let path = fs::canonicalize(&path).unwrap_or(path);
        Ok(Self { path, document })
    }

    pub(crate) fn put(&mut self, endpoint: &Endpoint, key: Option<KeyReference>, default: bool) {
        let wire = match endpoint.wire {
            Wire::Chat => "chat",
            Wire::Responses => "responses",
            Wire::Anthropic => "anthropic",
        };
        let model = (!endpoint.model.is_empty()).then(|| endpoint.model.as_str().into());
        let window = endpoint
            .context_window
            .and_then(|window| i64::try_from(window).ok());
        let fields = [
            ("wire", Some(wire.into())),
            ("base_url", Some(endpoint.base_url.as_str().into())),
            ("model", model),
            ("context_window", window.map(Value::from)),
            ("key", key.map(|KeyReference::Keyring| "keyring".into())),
        ];
        let endpoints = self.document.entry("endpoints").or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        if let Some(inline) = endpoints.as_inline_table() {
            // One line for all of them has no room for another.
            *endpoints = Item::Table(inline.clone().into_table());
        }
        let Some(endpoints) = endpoints.as_table_like_mut() else {
            return; // The file was read as settings, so it is a table.
        };
        let place = endpoints
            .entry(&endpoint.name)
            .or_insert_with(|| Item::Table(Table::new()));
        if let Some(table) = place.as_table_like_mut() {
            for (name, value) in fields {
                set(table, name, value);
            }
        }
        if default {
            self.put_default(&endpoint.name);
        }
    }

    pub(crate) fn put_default(&mut self, name: &str) {
        self.document["default"] = value(name);
    }

    /// What is as it is without a file is left out of it.
    pub(crate) fn put_app(&mut self, app: &AppSettings) -> Result<(), Failure> {
        let tables = |app: &AppSettings| {
            toml_edit::ser::to_document(app)
                .map(|document| document.as_table().clone())
                .map_err(|error| broken(&self.path, &error))
        };
        let (mut new, mut default) = (tables(app)?, tables(&AppSettings::default())?);
        // Where commands may connect to is not the window's alone, and has a table of its own.
        let mut part = |new: &mut Table, default: &mut Table, name: &str| {
            let taken = (new.remove(name), default.remove(name));
            let table = |item: Option<Item>| item.and_then(|item| item.into_table().ok());
            self.put_part(
                name,
                &table(taken.0).unwrap_or_default(),
                &table(taken.1).unwrap_or_default(),
            );
        };
        part(&mut new, &mut default, "network");
        self.put_part("app", &new, &default);
        Ok(())
    }

    /// Makes a table of the file say `new`.
    fn put_part(&mut self, name: &str, new: &Table, default: &Table) {
        if new.is_empty() && !self.document.contains_key(name) {
            return;
        }
        let place = self.document.entry(name).or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        if let Some(inline) = place.as_inline_table() {
            *place = Item::Table(inline.clone().into_table());
        }
        if let Some(place) = place.as_table_mut() {
            put_table(place, new, default);
        }
    }

    /// Returns whether there was such an endpoint.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        if self.document.get("default").and_then(Item::as_str) == Some(name) {
            self.remove_default();
        }
        self.document
            .get_mut("endpoints")
            .and_then(Item::as_table_like_mut)
            .is_some_and(|table| table.remove(name).is_some())
    }

    /// Takes the default out. The comment above it is often that of the whole file, so it stays, at the end.
    fn remove_default(&mut self) {
        let above = self
            .document
            .key("default")
            .and_then(|key| key.leaf_decor().prefix()?.as_str())
            .filter(|text| text.contains('#'))
            .map(str::to_owned);
        self.document.remove("default");
        if let Some(above) = above {
            let trailing = self.document.trailing().as_str().unwrap_or_default();
            let trailing = format!("{trailing}{above}");
            self.document.set_trailing(trailing);
        }
    }

    /// Replaces the file whole, or leaves it as it was.
    pub(crate) fn save(self) -> Result<(), Failure> {
        let folder = self.path.parent().map(Path::to_owned).unwrap_or_default();
        let write = || -> io::Result<()> {
            fs::create_dir_all(&folder)?;
            let temporary = self
                .path
                .with_extension(format!("toml.{}", std::process::id()));
            fs::write(&temporary, self.document.to_string())?;
            fs::File::open(&temporary)?.sync_all()?;
            fs::rename(&temporary, &self.path)
        };
        write().map_err(|error| Failure {
            code: Code::Storage,
            message: format!(
                "the configuration {} cannot be written: {error}",
                self.path.display()
            ),
            hint: "Check the folder's permissions and free space".to_owned(),
        })
    }
}
