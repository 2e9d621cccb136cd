//! The rule files as they are written.

use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct RuleFile {
    #[serde(default)]
    pub(super) allowlist: AllowRow,
    pub(super) rules: Vec<RuleRow>,
}

/// Kerf's own file: rules, and what is decided about all rules.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KerfFile {
    pub(super) decide: DecideRow,
    pub(super) rules: Vec<RuleRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DecideRow {
    pub(super) warn: Vec<String>,
    pub(super) by_code: Vec<String>,
}

/// A rule. What it says of paths is not used: a text that goes to a model has none.
#[derive(Deserialize)]
pub(super) struct RuleRow {
    pub(super) id: String,
    pub(super) regex: Option<String>,
    #[serde(default)]
    pub(super) entropy: f64,
    #[serde(default)]
    pub(super) keywords: Vec<String>,
    #[serde(rename = "secretGroup")]
    pub(super) secret_group: Option<usize>,
    #[serde(default)]
    pub(super) allowlists: Vec<AllowRow>,
}

/// What is no secret although a rule finds it.
#[derive(Default, Deserialize)]
pub(super) struct AllowRow {
    #[serde(default)]
    pub(super) regexes: Vec<String>,
    #[serde(default, rename = "regexTarget")]
    pub(super) target: Target,
    #[serde(default)]
    pub(super) stopwords: Vec<String>,
    /// Files in which nothing is a secret. With `condition = "AND"` they limit the rest.
    #[serde(default)]
    pub(super) paths: Vec<String>,
    #[serde(default)]
    pub(super) condition: Condition,
}

/// What the expressions of an allow-list are tried on.
#[derive(Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Target {
    #[default]
    Secret,
    Match,
    Line,
}

#[derive(Default, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Condition {
    #[default]
    #[serde(rename = "OR")]
    Or,
    #[serde(rename = "AND")]
    And,
}

#[cfg(test)]
impl RuleFile {
    pub(super) fn of(text: &str) -> Self {
        toml::from_str(text).unwrap()
    }
}
