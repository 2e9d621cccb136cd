//! How a front that is a program of its own sets the engine up: from its environment.

use crate::{EnvironmentEndpoint, Home, Options, failure::failure};
use kerf_protocol::{Code, Failure};
use kerf_workspace::SleepClock;
use std::env;

impl Options {
    /// What the variables of this process say; this program is the sandbox helper too.
    ///
    /// # Errors
    /// When there is no home folder, or this program cannot be found.
    pub fn of_this_process(attended: bool) -> Result<Self, Failure> {
        let text = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let helper = env::current_exe().map_err(|error| {
            failure(
                Code::Internal,
                format!("Kerf cannot find its own program: {error}"),
                "",
            )
        })?;
        Ok(Self {
            home: Home::of_this_process()?,
            helper,
            attended,
            watch: true,
            sleep_clock: SleepClock::default(),
            environment: EnvironmentEndpoint {
                base_url: text("KERF_BASE_URL"),
                wire: text("KERF_WIRE"),
                model: text("KERF_MODEL"),
                key: text("KERF_API_KEY").map(secrecy::SecretString::from),
            },
        })
    }
}

#[cfg(test)]
impl Options {
    /// For tests that ask no model and run no program.
    pub(crate) fn offline(home: &std::path::Path) -> Self {
        Self {
            watch: false,
            home: Home::locate(Some(home.to_owned())).unwrap(),
            helper: "no-helper".into(),
            attended: true,
            sleep_clock: SleepClock::default(),
            environment: EnvironmentEndpoint {
                base_url: Some("http://127.0.0.1:9/v1".to_owned()),
                model: Some("none".to_owned()),
                ..EnvironmentEndpoint::default()
            },
        }
    }
}

impl Home {
    /// The folder that `KERF_HOME` names, or the platform's.
    ///
    /// # Errors
    /// When the platform names no home folder.
    pub fn of_this_process() -> Result<Self, Failure> {
        Self::locate(env::var_os("KERF_HOME").map(Into::into))
    }
}
