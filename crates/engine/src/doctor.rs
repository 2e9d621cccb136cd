//! What works here and what does not, and why.

use crate::{
    engine::{Engine, canonical_folder},
    network::first_bad,
};
use kerf_protocol::{
    endpoint::EndpointOrigin,
    policy::{Isolation, SandboxMode},
    request::{Check, CheckState, Examine},
};
use std::path::Path;

impl Engine {
    /// Looks at each part. Sends nothing but the search for local servers.
    pub(crate) async fn doctor(&self, examine: &Examine) -> Vec<Check> {
        vec![
            self.check_data(examine.deep).await,
            self.check_room().await,
            self.check_configuration(),
            self.check_keyring().await,
            self.check_endpoint().await,
            self.check_sandbox(),
            self.check_network(),
            check_folder(&examine.folder),
        ]
    }

    fn check_configuration(&self) -> Check {
        let path = self.home().config().display().to_string();
        match self.settings() {
            Ok(settings) => check(
                "configuration",
                CheckState::Ok,
                format!("{path}: {} endpoints", settings.endpoints.len()),
                "",
            ),
            Err(failure) => check(
                "configuration",
                CheckState::Failed,
                failure.message,
                &failure.hint,
            ),
        }
    }

    async fn check_keyring(&self) -> Check {
        match self.keys().get("doctor").await {
            Ok(_) => check("keyring", CheckState::Ok, "answers".to_owned(), ""),
            Err(error) => check(
                "keyring",
                CheckState::Warning,
                error.to_string(),
                "Keys are kept in memory for one run; or set KERF_API_KEY",
            ),
        }
    }

    async fn check_endpoint(&self) -> Check {
        match self.choose_endpoint(None).await {
            Ok(endpoint) if endpoint.origin == EndpointOrigin::Practice => check(
                "endpoint",
                CheckState::Warning,
                "none configured and no local server found: the practice endpoint serves, which is not a language model".to_owned(),
                "`kerf endpoints add` adds one; or start Ollama, LM Studio, llama.cpp or vLLM",
            ),
            Ok(endpoint) => {
                let what = format!("{} at {} with {}", endpoint.name, endpoint.base_url, if endpoint.model.is_empty() { "no model chosen" } else { &endpoint.model });
                check("endpoint", CheckState::Ok, what, "")
            }
            Err(failure) => check("endpoint", CheckState::Failed, failure.message, &failure.hint),
        }
    }

    fn check_sandbox(&self) -> Check {
        let isolation = self.sandbox().isolation(SandboxMode::WorkspaceWrite);
        let (state, detail) = match &isolation {
            Isolation::Full => (CheckState::Ok, "full".to_owned()),
            Isolation::Reduced { missing } => (
                CheckState::Warning,
                format!("reduced; not covered: {}", missing.join("; ")),
            ),
            Isolation::Off => (CheckState::Warning, "off".to_owned()),
            Isolation::Unavailable { reason } => {
                (CheckState::Failed, format!("commands do not run: {reason}"))
            }
        };
        Check {
            isolation: Some(isolation),
            ..check("sandbox", state, detail, "")
        }
    }

    /// What commands can connect to.
    fn check_network(&self) -> Check {
        let entries = match self.settings() {
            Ok(settings) => settings.network.allow,
            Err(failure) => return check("network", CheckState::Failed, failure.message, ""),
        };
        if let Some((entry, error)) = first_bad(&entries) {
            let detail = format!("`{entry}` in the settings is left out: {error}");
            return check("network", CheckState::Warning, detail, "");
        }
        if !self.sandbox().can_connect(SandboxMode::WorkspaceWrite) {
            let detail = "off: this machine's sandbox cannot give commands a network of their own";
            return check("network", CheckState::Ok, detail.to_owned(), "");
        }
        let detail = match entries.len() {
            0 => "off; commands ask for each host".to_owned(),
            hosts => format!("{}; commands ask for others", count(hosts)),
        };
        check("network", CheckState::Ok, detail, "")
    }
}

fn count(hosts: usize) -> String {
    if hosts == 1 {
        "1 host".to_owned()
    } else {
        format!("{hosts} hosts")
    }
}

fn check_folder(folder: &str) -> Check {
    let path = match canonical_folder(folder) {
        Ok(path) => path,
        Err(failure) => return check("folder", CheckState::Failed, failure.message, &failure.hint),
    };
    let shown = path.display();
    match kerf_git::Repo::discover(Path::new(&path)) {
        Ok(Some(repo)) => {
            let branch = repo
                .head()
                .ok()
                .and_then(|head| head.branch)
                .unwrap_or_else(|| "no branch".to_owned());
            check(
                "folder",
                CheckState::Ok,
                format!("{shown}: a git repository on {branch}"),
                "",
            )
        }
        Ok(None) => check(
            "folder",
            CheckState::Ok,
            format!("{shown}: no git repository; Kerf works without"),
            "",
        ),
        Err(error) => check(
            "folder",
            CheckState::Warning,
            format!("{shown}: {error}"),
            "Kerf works without the repository",
        ),
    }
}

fn check(name: &str, state: CheckState, detail: String, hint: &str) -> Check {
    Check {
        name: name.to_owned(),
        state,
        detail,
        hint: hint.to_owned(),
        isolation: None,
    }
}
