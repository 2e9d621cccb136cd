//! Where people's keys and passwords are kept: places below the home folder that no command has to see.
//!
//! Only what holds secrets or a browser's life is listed. A tool's ordinary settings and caches stay visible, because
//! builds need them.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// Below the home folder.
const AT_HOME: &[&str] = &[
    // Keys and their agents.
    ".ssh",
    ".gnupg",
    ".pki",
    ".password-store",
    ".local/share/keyrings",
    ".local/share/kwalletd",
    ".local/share/gnupg",
    ".age",
    // Clouds and clusters.
    ".aws",
    ".azure",
    ".kube",
    ".docker",
    ".oci",
    ".s3cfg",
    ".boto",
    ".vault-token",
    ".terraformrc",
    ".terraform.d/credentials.tfrc.json",
    // Package registries and code hosts.
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".git-credentials",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".gem/credentials",
    ".m2/settings.xml",
    ".m2/settings-security.xml",
    ".composer/auth.json",
    ".hex/hex.config",
    // Databases.
    ".pgpass",
    ".my.cnf",
    ".mongorc.js",
    // What was typed, passwords among it.
    ".bash_history",
    ".zsh_history",
    ".python_history",
    ".node_repl_history",
    ".psql_history",
    ".mysql_history",
    ".local/share/fish/fish_history",
    // Other agents' keys and conversations.
    ".claude",
    ".claude.json",
    ".codex",
    ".gemini",
    ".cursor",
    ".local/share/opencode",
    // Browsers and mail.
    ".mozilla",
    ".thunderbird",
    ".var/app/org.mozilla.firefox",
    ".var/app/org.chromium.Chromium",
    ".var/app/com.google.Chrome",
    "snap/firefox",
    "snap/chromium",
    "Library/Keychains",
    "Library/Cookies",
    "Library/Safari",
    "Library/Mail",
    "Library/Messages",
    "Library/Application Support/Google/Chrome",
    "Library/Application Support/Chromium",
    "Library/Application Support/BraveSoftware",
    "Library/Application Support/Microsoft Edge",
    "Library/Application Support/Firefox",
];

/// Below the folder of configuration.
const IN_CONFIGURATION: &[&str] = &[
    "gh",
    "glab-cli",
    "hub",
    "gcloud",
    "op",
    "rclone",
    "doctl",
    "git/credentials",
    "composer/auth.json",
    "containers/auth.json",
    "github-copilot",
    "sops",
    "Bitwarden",
    "1Password",
    "keepassxc",
    "google-chrome",
    "chromium",
    "BraveSoftware",
    "microsoft-edge",
    "vivaldi",
    "opera",
    "Signal",
];

/// Variables that name such a place elsewhere, and a name below it where the place itself holds more than secrets.
const NAMED: &[(&str, &str)] = &[
    ("GNUPGHOME", ""),
    ("DOCKER_CONFIG", ""),
    ("KUBECONFIG", ""),
    ("AZURE_CONFIG_DIR", ""),
    ("CLOUDSDK_CONFIG", ""),
    ("GH_CONFIG_DIR", ""),
    ("AWS_SHARED_CREDENTIALS_FILE", ""),
    ("NETRC", ""),
    ("NPM_CONFIG_USERCONFIG", ""),
    ("PGPASSFILE", ""),
    ("PASSWORD_STORE_DIR", ""),
    ("CARGO_HOME", "credentials"),
    ("CARGO_HOME", "credentials.toml"),
];

/// The places of the user who runs this process. Some may not exist.
pub(super) fn of_this_user() -> Vec<PathBuf> {
    let home = env::home_dir().filter(|home| home.is_absolute());
    places(home.as_deref(), |name| env::var_os(name))
}

fn places(home: Option<&Path>, variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let absolute = |name: &str| {
        variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let mut places = Vec::new();
    if let Some(home) = home {
        places.extend(AT_HOME.iter().map(|name| home.join(name)));
    }
    let configuration = absolute("XDG_CONFIG_HOME").or_else(|| home.map(|it| it.join(".config")));
    if let Some(configuration) = configuration {
        places.extend(IN_CONFIGURATION.iter().map(|name| configuration.join(name)));
    }
    for (name, below) in NAMED {
        if let Some(path) = absolute(name) {
            places.push(if below.is_empty() {
                path
            } else {
                path.join(below)
            });
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_move_the_places() {
        let variable = |name: &str| match name {
            "XDG_CONFIG_HOME" => Some("/conf".into()),
            "CARGO_HOME" => Some("/cargo".into()),
            "GNUPGHOME" => Some("relative".into()),
            "KUBECONFIG" => Some("/k/config".into()),
            _ => None,
        };
        let places = places(Some(Path::new("/home/ada")), variable);
        for place in [
            "/home/ada/.ssh",
            "/conf/gh",
            "/cargo/credentials.toml",
            "/k/config",
        ] {
            assert!(places.contains(&PathBuf::from(place)), "{place} is missing");
        }
        assert!(places.iter().all(|place| place.is_absolute()));
        assert!(!places.contains(&PathBuf::from("/home/ada/.config/gh")));
    }

    #[test]
    fn without_a_home_nothing_is_guessed() {
        assert!(places(None, |_| None).is_empty());
    }
}
