//! Files whose whole content is a secret. They are known by their names; their content is not looked at.

use std::fmt;

/// Why a file is withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Variables of an environment, passwords among them.
    Environment,
    /// A private key, or a store of keys.
    Key,
    /// Names and passwords for servers.
    Credentials,
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Environment => "it holds an environment's variables, passwords among them",
            Self::Key => "it holds private keys",
            Self::Credentials => "it holds credentials",
        })
    }
}

/// Examples of environments, which are made to be read.
const EXAMPLES: [&str; 5] = [".example", ".sample", ".template", ".dist", ".defaults"];

const KEY_NAMES: [&str; 6] = [
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ecdsa_sk",
    "id_ed25519",
    "id_ed25519_sk",
];
const KEY_ENDS: [&str; 12] = [
    ".pem",
    ".key",
    ".p8",
    ".p12",
    ".pfx",
    ".pkcs12",
    ".jks",
    ".jceks",
    ".keystore",
    ".bks",
    ".ppk",
    ".kdbx",
];
const CREDENTIAL_NAMES: [&str; 24] = [
    ".netrc",
    "_netrc",
    ".npmrc",
    ".pypirc",
    ".git-credentials",
    ".pgpass",
    "pgpass.conf",
    ".my.cnf",
    ".mylogin.cnf",
    ".htpasswd",
    ".dockercfg",
    ".dockerconfigjson",
    ".s3cfg",
    ".boto",
    ".vault-token",
    ".terraformrc",
    "terraform.rc",
    "credentials.tfrc.json",
    "application_default_credentials.json",
    "accesstokens.json",
    "azureprofile.json",
    "kubeconfig",
    ".kubeconfig",
    "client_secret.json",
];
/// In these folders files of these names; `*` is any.
const CREDENTIAL_PLACES: [(&str, &[&str]); 11] = [
    (".aws", &["credentials", "config"]),
    (".azure", &["*"]),
    (".docker", &["config.json"]),
    (".kube", &["config"]),
    (".cargo", &["credentials", "credentials.toml"]),
    (".gem", &["credentials"]),
    (".composer", &["auth.json"]),
    (
        "gcloud",
        &["credentials.db", "access_tokens.db", "legacy_credentials"],
    ),
    ("gh", &["hosts.yml"]),
    (".ssh", &["*"]),
    (".gnupg", &["*"]),
];
/// In `.ssh` these say nothing secret.
const PUBLIC_ENDS: [&str; 2] = [".pub", "known_hosts"];

/// Why the file at this path is withheld, if it is. The path has `/` or `\` between names; letters count the same in
/// whatever case, and so do the forms that some file systems take for the same name.
#[must_use]
pub fn withheld(path: &str) -> Option<Reason> {
    let mut names = path
        .rsplit(['/', '\\'])
        .map(fold)
        .filter(|name| !name.is_empty() && name != ".");
    let name = names.next()?;
    if is_environment(&name) {
        return Some(Reason::Environment);
    }
    let ends_with = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    if KEY_NAMES.contains(&name.as_str()) || ends_with(&KEY_ENDS) {
        return Some(Reason::Key);
    }
    if CREDENTIAL_NAMES.contains(&name.as_str()) {
        return Some(Reason::Credentials);
    }
    let above: Vec<String> = names.collect();
    let place = CREDENTIAL_PLACES.iter().find(|(folder, files)| {
        let within = if files == &["*"] { above.len() } else { 1 };
        above.iter().take(within).any(|name| name == folder)
            && (files == &["*"] || files.contains(&name.as_str()))
    });
    let (folder, _) = place?;
    match *folder {
        ".ssh" if ends_with(&PUBLIC_ENDS) => None,
        ".ssh" | ".gnupg" => Some(Reason::Key),
        _ => Some(Reason::Credentials),
    }
}

/// `.env`, `.env.local`, `.env-prod`, `.envrc`, `prod.env`; not `.env.example` and not `.environment`.
fn is_environment(name: &str) -> bool {
    if EXAMPLES.iter().any(|example| name.ends_with(example)) {
        return false;
    }
    let Some(rest) = name.strip_prefix(".env") else {
        return name.ends_with(".env");
    };
    rest == "rc" || !rest.starts_with(|char: char| char.is_alphabetic())
}

/// A name as the most forgiving file systems see it: case is nothing, nor are signs without width, nor dots and blanks
/// at the end, nor the name of a stream behind a colon.
fn fold(name: &str) -> String {
    let name = name.split(':').next().unwrap_or_default();
    let folded: String = name
        .chars()
        .filter(|char| !is_ignored(*char))
        // By way of the capital letter: `ſ` is an S there.
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect();
    folded.trim_end_matches(['.', ' ']).trim_start().to_owned()
}

/// What HFS+ leaves out when it compares names.
fn is_ignored(char: char) -> bool {
    matches!(char, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{200b}' | '\u{2060}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::environment(".env", Reason::Environment)]
    #[case::below("a/b/.env.local", Reason::Environment)]
    #[case::direnv(".envrc", Reason::Environment)]
    #[case::by_end("deploy/prod.env", Reason::Environment)]
    #[case::dashes(".env-staging", Reason::Environment)]
    #[case::capitals(".ENV", Reason::Environment)]
    #[case::no_width(".e\u{200c}nv", Reason::Environment)]
    #[case::dots_behind(".env. ", Reason::Environment)]
    #[case::stream(".env::$DATA", Reason::Environment)]
    #[case::windows(r"config\.env", Reason::Environment)]
    #[case::ssh_key("keys/id_rsa", Reason::Key)]
    #[case::long_s("id_r\u{17f}a", Reason::Key)]
    #[case::kelvin("server.\u{212a}ey", Reason::Key)]
    #[case::pem("tls/server.PEM", Reason::Key)]
    #[case::android("app/release.keystore", Reason::Key)]
    #[case::pkcs12("a.pfx", Reason::Key)]
    #[case::in_ssh(".ssh/work_key", Reason::Key)]
    #[case::npm(".npmrc", Reason::Credentials)]
    #[case::python("x/.pypirc", Reason::Credentials)]
    #[case::git(".git-credentials", Reason::Credentials)]
    #[case::netrc("_netrc", Reason::Credentials)]
    #[case::aws(".aws/credentials", Reason::Credentials)]
    #[case::azure(".azure/a/msal_token_cache.json", Reason::Credentials)]
    #[case::google("application_default_credentials.json", Reason::Credentials)]
    fn secret_files_are_withheld(#[case] path: &str, #[case] reason: Reason) {
        assert_eq!(withheld(path), Some(reason), "{path:?}");
    }

    #[rstest]
    #[case(".env.example")]
    #[case("web/.env.sample")]
    #[case(".env.local.template")]
    #[case(".environment.ts")]
    #[case("src/env.rs")]
    #[case("environment")]
    #[case("keys.rs")]
    #[case("monkey.py")]
    #[case("id_rsa.pub")]
    #[case(".ssh/known_hosts")]
    #[case("aws/config")]
    #[case("config.json")]
    #[case("src/credentials")]
    #[case("")]
    #[case(".")]
    #[case("/")]
    fn other_files_are_not(#[case] path: &str) {
        assert_eq!(withheld(path), None, "{path:?}");
    }
}
