//! What the policy says about a tool call before it runs.

use kerf_protocol::policy::{ApproveMode, Isolation, Policy, SandboxMode};
use std::collections::HashSet;

/// The policy's word on an effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Go ahead.
    Go,
    /// Ask the user first.
    Ask,
    /// No; the model is told why.
    Refuse(String),
}

/// What the user allowed for the rest of the session.
#[derive(Debug, Default)]
pub(crate) struct Allowances {
    pub(crate) edits: bool,
    pub(crate) commands: HashSet<String>,
}

/// May files be edited?
pub(crate) fn edit(policy: Policy, allowed: &Allowances) -> Verdict {
    match (policy.sandbox, policy.approve) {
        (SandboxMode::ReadOnly, _) => Verdict::Refuse(
            "The sandbox is read-only: files cannot be changed. Say what you would change instead."
                .to_owned(),
        ),
        (_, ApproveMode::Ask) if !allowed.edits => Verdict::Ask,
        _ => Verdict::Go,
    }
}

/// May this command run, given the isolation that it would run under?
pub(crate) fn command(
    policy: Policy,
    isolation: &Isolation,
    command: &str,
    allowed: &Allowances,
) -> Verdict {
    if let Isolation::Unavailable { reason } = isolation {
        return match policy.approve {
            ApproveMode::Never => Verdict::Refuse(format!(
                "Commands cannot run: this machine has no sandbox ({reason}), and nobody can be asked to go without."
            )),
            // Without isolation each command is the user's own decision, so nothing is remembered.
            ApproveMode::Ask | ApproveMode::Auto => Verdict::Ask,
        };
    }
    match policy.approve {
        ApproveMode::Ask if !allowed.commands.contains(command) => Verdict::Ask,
        _ => Verdict::Go,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(sandbox: SandboxMode, approve: ApproveMode) -> Policy {
        Policy { sandbox, approve }
    }

    #[test]
    fn edits_are_refused_read_only_and_asked_about_once() {
        use {ApproveMode::*, SandboxMode::*};
        let fresh = Allowances::default();
        let allowed = Allowances {
            edits: true,
            ..Default::default()
        };
        for approve in [Ask, Auto, Never] {
            assert!(matches!(
                edit(policy(ReadOnly, approve), &allowed),
                Verdict::Refuse(_)
            ));
        }
        assert_eq!(edit(policy(WorkspaceWrite, Ask), &fresh), Verdict::Ask);
        assert_eq!(edit(policy(WorkspaceWrite, Ask), &allowed), Verdict::Go);
        assert_eq!(edit(policy(Off, Auto), &fresh), Verdict::Go);
        assert_eq!(edit(policy(WorkspaceWrite, Never), &fresh), Verdict::Go);
    }

    #[test]
    fn without_isolation_no_command_runs_unasked() {
        use {ApproveMode::*, SandboxMode::*};
        let none = Isolation::Unavailable {
            reason: "old kernel".to_owned(),
        };
        let allowed = Allowances {
            commands: HashSet::from(["ls".to_owned()]),
            ..Default::default()
        };
        assert_eq!(
            command(policy(WorkspaceWrite, Auto), &none, "ls", &allowed),
            Verdict::Ask
        );
        assert_eq!(
            command(policy(WorkspaceWrite, Ask), &none, "ls", &allowed),
            Verdict::Ask
        );
        assert!(matches!(
            command(policy(WorkspaceWrite, Never), &none, "ls", &allowed),
            Verdict::Refuse(_)
        ));
    }

    #[test]
    fn a_command_that_was_allowed_for_the_session_is_not_asked_about_again() {
        let allowed = Allowances {
            commands: HashSet::from(["ls".to_owned()]),
            ..Default::default()
        };
        let ask = policy(SandboxMode::WorkspaceWrite, ApproveMode::Ask);
        assert_eq!(command(ask, &Isolation::Full, "ls", &allowed), Verdict::Go);
        assert_eq!(
            command(ask, &Isolation::Full, "ls && rm x", &allowed),
            Verdict::Ask
        );
    }
}
