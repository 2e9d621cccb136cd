//! Windows keeps and hides nothing yet.

use super::Guard;
use crate::{Finding, SandboxError, Withheld};
use std::path::PathBuf;

/// Remembers nothing.
#[derive(Debug, Default)]
pub(crate) struct Watchman;

/// Nothing was looked at.
#[derive(Debug, Default)]
pub(crate) struct Before;

impl Watchman {
    pub(crate) fn new(_hidden: Vec<PathBuf>) -> Self {
        Self
    }

    pub(crate) fn rules(
        &self,
        _roots: &[PathBuf],
        _writes: bool,
        _withheld: &[Withheld],
    ) -> Result<(Guard, Before), SandboxError> {
        Ok(Default::default())
    }

    pub(crate) fn findings(&self, _before: &Before) -> Vec<Finding> {
        Vec::new()
    }
}
