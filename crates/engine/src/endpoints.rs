//! Endpoints: which one a session uses, and the requests about them.

use crate::{
    engine::Engine,
    failure::failure,
    ledger::StoreLedger,
    settings::{Editor, KeyReference, Settings},
};
use kerf_egress::{Allowed, Egress, EgressError, Tunnels};
use kerf_model::{DefaultPorts, Door, SecretString, Target};
use kerf_protocol::{
    Code, Failure,
    endpoint::{
        AddEndpoint, AddedEndpoint, Discovered, Endpoint, EndpointOrigin, EndpointRef, KeyPlace,
        ModelInfo, Preset, Wire,
    },
    request::Nothing,
    settings::Reach,
};
use std::sync::Arc;
use url::Url;

/// The name of the endpoint that the environment describes.
const ENVIRONMENT: &str = "environment";

impl Engine {
    /// The configured endpoints, and the one from the environment.
    pub(crate) fn endpoint_list(&self) -> Result<Vec<Endpoint>, Failure> {
        let settings = self.settings()?;
        let mut all: Vec<Endpoint> = self.environment_endpoint()?.into_iter().collect();
        all.extend(
            settings
                .endpoints
                .keys()
                .filter_map(|name| settings.endpoint(name)),
        );
        Ok(all)
    }

    /// Local servers on their default ports.
    pub(crate) async fn endpoint_discover(&self) -> Result<Vec<Discovered>, Failure> {
        let ports = DefaultPorts::default();
        let mut allowed = Allowed::none();
        for port in &ports.0 {
            allowed = allowed
                .with(&check_base_url(&format!("http://127.0.0.1:{port}"))?)
                .map_err(from_egress)?;
        }
        let egress = self.egress(allowed)?;
        Ok(kerf_model::discover(&egress, &ports).await)
    }

    pub(crate) fn endpoint_presets(&self) -> Vec<Preset> {
        kerf_model::presets()
    }

    /// Writes an endpoint to the configuration and its key to the keyring.
    pub(crate) async fn endpoint_add(&self, add: AddEndpoint) -> Result<AddedEndpoint, Failure> {
        let preset = kerf_model::presets()
            .into_iter()
            .find(|preset| preset.name == add.name);
        let valid_name = !add.name.is_empty()
            && add
                .name
                .chars()
                .all(|char| char.is_ascii_alphanumeric() || "-_.".contains(char));
        if !valid_name
            || add.name == ENVIRONMENT
            || add.name == kerf_model::practice_endpoint().name
        {
            return Err(failure(
                Code::Usage,
                format!("`{}` cannot be an endpoint's name", add.name),
                "Use letters, digits, `-`, `_` and `.`",
            ));
        }
        let base_url = match (&add.base_url, &preset) {
            (Some(url), _) => url.clone(),
            (None, Some(preset)) => preset.base_url.clone(),
            (None, None) => {
                return Err(failure(
                    Code::Usage,
                    format!(
                        "`{}` is no well-known endpoint, so it needs a base URL",
                        add.name
                    ),
                    "Give one with --base-url, as http://127.0.0.1:8000/v1",
                ));
            }
        };
        let base_url = base_url.trim_end_matches('/').to_owned();
        check_base_url(&base_url)?;
        let wire = add
            .wire
            .or(preset.map(|preset| preset.wire))
            .unwrap_or(Wire::Chat);
        let endpoint = Endpoint {
            name: add.name,
            wire,
            base_url,
            model: add.model.unwrap_or_default(),
            context_window: add.context_window,
            origin: EndpointOrigin::Configured,
        };
        let place = match add.key.filter(|key| !key.is_empty()) {
            None => KeyPlace::None,
            Some(key) => self
                .keys()
                .set(&endpoint.name, SecretString::from(key))
                .await
                .map_err(|error| from_keys(&error))?,
        };
        // Also for a key in memory: the file says that the endpoint wants one.
        let has_key = place != KeyPlace::None || self.keeps_key(&endpoint)?;
        let reference = has_key.then_some(KeyReference::Keyring);
        let _one = self.configuring().await;
        let mut editor = Editor::open(self.home().config())?;
        editor.put(&endpoint, reference, add.default);
        editor.save()?;
        Ok(AddedEndpoint {
            endpoint,
            key: place,
        })
    }

    /// Whether the key that an endpoint has is for it still: it goes to no other server.
    fn keeps_key(&self, new: &Endpoint) -> Result<bool, Failure> {
        let settings = self.settings()?;
        let Some(old) = settings.endpoint(&new.name) else {
            return Ok(false);
        };
        let same =
            check_base_url(&old.base_url)?.origin() == check_base_url(&new.base_url)?.origin();
        Ok(same && settings.has_key(&new.name))
    }

    /// Makes an endpoint the one that is used when none is named.
    pub(crate) async fn endpoint_default(
        &self,
        EndpointRef { name }: &EndpointRef,
    ) -> Result<Nothing, Failure> {
        let _one = self.configuring().await;
        let mut editor = Editor::open(self.home().config())?;
        if self.settings()?.endpoint(name).is_none() {
            return Err(no_such_endpoint(name));
        }
        editor.put_default(name);
        editor.save()?;
        Ok(Nothing {})
    }

    /// Takes an endpoint out of the configuration and its key out of the keyring.
    pub(crate) async fn endpoint_remove(
        &self,
        EndpointRef { name }: EndpointRef,
    ) -> Result<Nothing, Failure> {
        let _one = self.configuring().await;
        let had_key = self.settings()?.has_key(&name);
        let mut editor = Editor::open(self.home().config())?;
        if !editor.remove(&name) {
            return Err(no_such_endpoint(&name));
        }
        editor.save()?;
        if had_key {
            // An endpoint can be got rid of also where the keyring cannot be used.
            self.keys().delete(&name).await.map_err(|error| {
                failure(
                    Code::Configuration,
                    format!(
                        "`{name}` is removed, but its key may still be in the keyring: {error}"
                    ),
                    "Unlock the keyring and delete the entry of Kerf there",
                )
            })?;
        }
        Ok(Nothing {})
    }

    /// Asks an endpoint for its models.
    pub(crate) async fn endpoint_models(
        &self,
        EndpointRef { name }: EndpointRef,
    ) -> Result<Vec<ModelInfo>, Failure> {
        let endpoint = self.choose_endpoint(Some(&name)).await?;
        let (door, target) = self.open_door(endpoint).await?;
        kerf_model::models(&door, &target)
            .await
            .map_err(|error| error.to_failure())
    }

    /// The endpoint that is named; else the environment's, the configured default, a local server, or practice.
    pub(crate) async fn choose_endpoint(&self, name: Option<&str>) -> Result<Endpoint, Failure> {
        let settings = self.settings()?;
        if let Some(name) = name {
            return self.named_endpoint(&settings, name).await;
        }
        if let Some(endpoint) = self.environment_endpoint()? {
            return Ok(endpoint);
        }
        if let Some(default) = &settings.default {
            return settings.endpoint(default).ok_or_else(|| {
                failure(
                    Code::Configuration,
                    format!("the default endpoint `{default}` is not configured"),
                    "`kerf endpoints list` shows those that are",
                )
            });
        }
        if let Some(name) = settings.endpoints.keys().next() {
            return settings
                .endpoint(name)
                .ok_or_else(|| no_such_endpoint(name));
        }
        let found = self.endpoint_discover().await?;
        Ok(found
            .into_iter()
            .find_map(ready)
            .unwrap_or_else(kerf_model::practice_endpoint))
    }

    /// The endpoint of a session as it is configured now. A stored address is not followed: it may have moved, and a
    /// session that was imported could name any place.
    pub(crate) fn endpoint_now(&self, stored: Endpoint) -> Result<Endpoint, Failure> {
        let current = match stored.origin {
            EndpointOrigin::Practice => return Ok(kerf_model::practice_endpoint()),
            EndpointOrigin::Environment => self.environment_endpoint()?.ok_or_else(|| {
                failure(
                    Code::Configuration,
                    "the session's endpoint came from KERF_BASE_URL, which is not set",
                    "Set it and its companions as before, or begin a new session",
                )
            })?,
            EndpointOrigin::Configured => self
                .settings()?
                .endpoint(&stored.name)
                .ok_or_else(|| no_such_endpoint(&stored.name))?,
            EndpointOrigin::Discovered => {
                let is_here = match check_base_url(&stored.base_url)?.host() {
                    Some(url::Host::Ipv4(host)) => host.is_loopback(),
                    Some(url::Host::Ipv6(host)) => host.is_loopback(),
                    _ => false,
                };
                return if is_here {
                    Ok(stored)
                } else {
                    Err(no_such_endpoint(&stored.name))
                };
            }
        };
        // A session is a conversation with one model, so that stays.
        if stored.model.is_empty() {
            return Ok(current);
        }
        let same = stored.model == current.model;
        Ok(Endpoint {
            model: stored.model,
            context_window: current
                .context_window
                .filter(|_| same)
                .or(stored.context_window),
            ..current
        })
    }

    async fn named_endpoint(&self, settings: &Settings, name: &str) -> Result<Endpoint, Failure> {
        if let Some(endpoint) = settings.endpoint(name) {
            return Ok(endpoint);
        }
        if name == kerf_model::practice_endpoint().name {
            return Ok(kerf_model::practice_endpoint());
        }
        if name == ENVIRONMENT
            && let Some(endpoint) = self.environment_endpoint()?
        {
            return Ok(endpoint);
        }
        let found = self.endpoint_discover().await?;
        found
            .into_iter()
            .filter(|found| found.endpoint.name == name)
            .find_map(ready)
            .ok_or_else(|| no_such_endpoint(name))
    }

    fn environment_endpoint(&self) -> Result<Option<Endpoint>, Failure> {
        let environment = &self.options().environment;
        let Some(base_url) = environment
            .base_url
            .as_deref()
            .filter(|url| !url.is_empty())
        else {
            return Ok(None);
        };
        let wire = match environment.wire.as_deref().unwrap_or("chat") {
            "chat" | "" => Wire::Chat,
            "responses" => Wire::Responses,
            "anthropic" => Wire::Anthropic,
            other => {
                return Err(failure(
                    Code::Configuration,
                    format!("KERF_WIRE is `{other}`"),
                    "It can be chat, responses or anthropic",
                ));
            }
        };
        let base_url = base_url.trim_end_matches('/').to_owned();
        check_base_url(&base_url)?;
        Ok(Some(Endpoint {
            name: ENVIRONMENT.to_owned(),
            wire,
            base_url,
            model: environment.model.clone().unwrap_or_default(),
            context_window: None,
            origin: EndpointOrigin::Environment,
        }))
    }

    /// The way to an endpoint, with its key and only its host allowed.
    pub(crate) async fn open_door(&self, endpoint: Endpoint) -> Result<(Door, Target), Failure> {
        if endpoint.origin == EndpointOrigin::Practice {
            return Ok((
                Door::Practice,
                Target {
                    endpoint,
                    key: None,
                },
            ));
        }
        let key = match endpoint.origin {
            EndpointOrigin::Environment => self.options().environment.key.clone(),
            EndpointOrigin::Configured if self.settings()?.has_key(&endpoint.name) => {
                match (
                    self.keys().get(&endpoint.name).await,
                    &self.options().environment.key,
                ) {
                    (Ok(Some(key)), _) => Some(key),
                    // Where the keyring does not help, the key that the user gave this run does.
                    (_, Some(key)) => Some(key.clone()),
                    (Ok(None), None) => None,
                    (Err(error), None) => return Err(from_keys(&error)),
                }
            }
            EndpointOrigin::Configured | EndpointOrigin::Discovered | EndpointOrigin::Practice => {
                None
            }
        };
        let base = check_base_url(&endpoint.base_url)?;
        let egress = self.egress(Allowed::none().with(&base).map_err(from_egress)?)?;
        Ok((Door::Egress(egress), Target { endpoint, key }))
    }

    /// The door for commands.
    pub(crate) fn tunnels(&self) -> Tunnels {
        let ledger = Arc::new(StoreLedger(self.store().clone()));
        Tunnels::new(ledger, self.local_only().clone())
    }

    pub(crate) fn egress(&self, allowed: Allowed) -> Result<Egress, Failure> {
        self.heed_reach()?;
        Egress::new(allowed, Arc::new(StoreLedger(self.store().clone())))
            .map(|egress| egress.under(self.local_only().clone()))
            .map_err(from_egress)
    }

    /// Lets requests go as far as the settings say now, which another Kerf may have changed.
    pub(crate) fn heed_reach(&self) -> Result<(), Failure> {
        let reach = self.settings()?.app.reach;
        self.local_only().set(reach == Reach::ThisComputer);
        Ok(())
    }
}

/// A found server that can be used without typing: its first model.
fn ready(found: Discovered) -> Option<Endpoint> {
    let model = found.models.into_iter().next()?;
    Some(Endpoint {
        model: model.id,
        context_window: model.context_window,
        ..found.endpoint
    })
}

fn check_base_url(text: &str) -> Result<Url, Failure> {
    let hint = "Give one like https://api.openai.com/v1 or http://127.0.0.1:11434/v1";
    let wrong = |why: &str| {
        failure(
            Code::Configuration,
            format!("`{text}` is no base URL of an endpoint: {why}"),
            hint,
        )
    };
    // These may hold a key, which is not to be shown.
    let secret = |why: &str| {
        failure(
            Code::Configuration,
            format!("this is no base URL of an endpoint: {why}"),
            hint,
        )
    };
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) if text.contains(['@', '?', '#']) => return Err(secret(&error.to_string())),
        Err(error) => return Err(wrong(&error.to_string())),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(secret("a key does not belong into a URL"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(secret("it must end with its path, without `?` or `#`"));
    }
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("it must begin with http:// or https://"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(wrong("it names no host"));
    }
    Ok(url)
}

fn no_such_endpoint(name: &str) -> Failure {
    failure(
        Code::Configuration,
        format!("there is no endpoint `{name}`"),
        "`kerf endpoints list` shows the endpoints, `kerf endpoints add` makes one",
    )
}

fn from_egress(error: EgressError) -> Failure {
    failure(Code::Configuration, error.to_string(), "")
}

fn from_keys(error: &kerf_store::KeyError) -> Failure {
    failure(
        Code::Configuration,
        error.to_string(),
        "Set KERF_API_KEY for this run, or unlock the keyring and try again",
    )
}
