//! What the policy says about a tool call before it runs.

use kerf_protocol::{
    policy::{ApproveMode, Isolation, Policy, SandboxMode},
    rule::RuleVerdict,
};
use kerf_workspace::RelPath;
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
    /// Files that a rule asked about.
    pub(crate) paths: HashSet<RelPath>,
    pub(crate) commands: HashSet<String>,
}

/// A command that is to run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// As the model wrote it.
    pub(crate) command: &'a str,
    /// Whether values of secrets go into it.
    pub(crate) has_secrets: bool,
    /// What the rules say, where they deny nothing.
    pub(crate) said: Option<RuleVerdict>,
}

/// Why a question of a rule is a no where nobody can be asked.
const NOBODY: &str = "A rule asks the user about this, and nobody can be asked.";

/// May these files be edited? `said` is what the rules say, where they deny nothing.
pub(crate) fn edit(
    policy: Policy,
    said: Option<RuleVerdict>,
    paths: &[RelPath],
    allowed: &Allowances,
) -> Verdict {
    let is_allowed = || paths.iter().all(|path| allowed.paths.contains(path));
    match (policy.sandbox, policy.approve) {
        (SandboxMode::ReadOnly, _) => Verdict::Refuse(
            "The sandbox is read-only: files cannot be changed. Say what you would change instead."
                .to_owned(),
        ),
        (_, ApproveMode::Never) if said == Some(RuleVerdict::Ask) => {
            Verdict::Refuse(NOBODY.to_owned())
        }
        _ if said == Some(RuleVerdict::Ask) && !is_allowed() => Verdict::Ask,
        _ if said.is_some() => Verdict::Go,
        (_, ApproveMode::Ask) if !allowed.edits => Verdict::Ask,
        _ => Verdict::Go,
    }
}

/// May this command run, given the isolation that it would run under?
pub(crate) fn command(
    policy: Policy,
    isolation: &Isolation,
    asked: Asked<'_>,
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
    let is_allowed = allowed.commands.contains(asked.command);
    // Only full isolation keeps a command from the network for sure.
    let may_send = asked.has_secrets && *isolation != Isolation::Full;
    match policy.approve {
        _ if is_allowed => Verdict::Go,
        ApproveMode::Never if asked.said == Some(RuleVerdict::Ask) => {
            Verdict::Refuse(NOBODY.to_owned())
        }
        _ if asked.said == Some(RuleVerdict::Ask) => Verdict::Ask,
        // A rule that allows a command says nothing of the secrets that may go into it.
        _ if asked.said == Some(RuleVerdict::Allow) && !may_send => Verdict::Go,
        ApproveMode::Never if may_send => Verdict::Refuse(
            "This command would run with a secret in it and could reach the network, and nobody can be asked. \
             Let the command read the secret from the file that holds it."
                .to_owned(),
        ),
        ApproveMode::Ask => Verdict::Ask,
        ApproveMode::Auto if may_send => Verdict::Ask,
        ApproveMode::Auto | ApproveMode::Never => Verdict::Go,
    }
}

/// A command that takes files away is asked about also where commands go ahead, unless nobody is ever asked: then the
/// checkpoint before it holds them. A sandbox that writes nothing keeps the files.
pub(crate) fn destroying(policy: Policy, verdict: Verdict, loses: bool) -> Verdict {
    let asks =
        loses && policy.approve != ApproveMode::Never && policy.sandbox != SandboxMode::ReadOnly;
    match verdict {
        Verdict::Go if asks => Verdict::Ask,
        verdict => verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(sandbox: SandboxMode, approve: ApproveMode) -> Policy {
        Policy { sandbox, approve }
    }

    fn plain(command: &str) -> Asked<'_> {
        Asked {
            command,
            has_secrets: false,
            said: None,
        }
    }

    #[test]
    fn a_secret_goes_to_where_the_network_may_be_only_by_the_user_s_word() {
        use {ApproveMode::*, SandboxMode::*};
        let with_secret = Asked {
            command: "curl x",
            has_secrets: true,
            said: None,
        };
        let fresh = Allowances::default();
        let reduced = Isolation::Reduced {
            missing: vec!["network".to_owned()],
        };
        for (isolation, approve, expected) in [
            (&Isolation::Full, Auto, Some(Verdict::Go)),
            (&Isolation::Full, Never, Some(Verdict::Go)),
            (&Isolation::Full, Ask, Some(Verdict::Ask)),
            (&reduced, Auto, Some(Verdict::Ask)),
            (&reduced, Never, None),
            (&Isolation::Off, Auto, Some(Verdict::Ask)),
            (&Isolation::Off, Ask, Some(Verdict::Ask)),
            (&Isolation::Off, Never, None),
        ] {
            let verdict = command(policy(Off, approve), isolation, with_secret, &fresh);
            match expected {
                Some(expected) => assert_eq!(verdict, expected, "{isolation:?} {approve:?}"),
                None => assert!(matches!(verdict, Verdict::Refuse(_)), "{isolation:?}"),
            }
        }
        let allowed = Allowances {
            commands: HashSet::from(["curl x".to_owned()]),
            ..Default::default()
        };
        let again = command(policy(Off, Auto), &Isolation::Off, with_secret, &allowed);
        assert_eq!(again, Verdict::Go);
    }

    #[test]
    fn what_takes_files_away_is_asked_about() {
        use {ApproveMode::*, SandboxMode::*};
        for (sandbox, approve, loses, expected) in [
            (WorkspaceWrite, Auto, true, Verdict::Ask),
            (WorkspaceWrite, Auto, false, Verdict::Go),
            (WorkspaceWrite, Never, true, Verdict::Go),
            (Off, Ask, true, Verdict::Ask),
            (ReadOnly, Auto, true, Verdict::Go),
        ] {
            let verdict = destroying(policy(sandbox, approve), Verdict::Go, loses);
            assert_eq!(verdict, expected, "{sandbox:?} {approve:?}");
        }
        let refused = Verdict::Refuse("no".to_owned());
        assert_eq!(
            destroying(policy(Off, Auto), refused.clone(), true),
            refused
        );
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
                edit(policy(ReadOnly, approve), None, &[], &allowed),
                Verdict::Refuse(_)
            ));
        }
        assert_eq!(
            edit(policy(WorkspaceWrite, Ask), None, &[], &fresh),
            Verdict::Ask
        );
        assert_eq!(
            edit(policy(WorkspaceWrite, Ask), None, &[], &allowed),
            Verdict::Go
        );
        assert_eq!(edit(policy(Off, Auto), None, &[], &fresh), Verdict::Go);
        assert_eq!(
            edit(policy(WorkspaceWrite, Never), None, &[], &fresh),
            Verdict::Go
        );
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
            command(policy(WorkspaceWrite, Auto), &none, plain("ls"), &allowed),
            Verdict::Ask
        );
        assert_eq!(
            command(policy(WorkspaceWrite, Ask), &none, plain("ls"), &allowed),
            Verdict::Ask
        );
        assert!(matches!(
            command(policy(WorkspaceWrite, Never), &none, plain("ls"), &allowed),
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
        assert_eq!(
            command(ask, &Isolation::Full, plain("ls"), &allowed),
            Verdict::Go
        );
        assert_eq!(
            command(ask, &Isolation::Full, plain("ls && rm x"), &allowed),
            Verdict::Ask
        );
    }

    #[test]
    fn a_rule_that_asks_counts_before_the_mode_and_one_that_allows_in_its_place() {
        use {ApproveMode::*, SandboxMode::*};
        let fresh = Allowances::default();
        let path: RelPath = "a.rs".parse().unwrap();
        let paths = std::slice::from_ref(&path);
        let known = Allowances {
            commands: HashSet::from(["ls".to_owned()]),
            paths: HashSet::from([path.clone()]),
            edits: true,
        };
        let asks = Some(RuleVerdict::Ask);
        let allows = Some(RuleVerdict::Allow);
        let run = |approve, isolation: &Isolation, has_secrets, said, allowed: &Allowances| {
            let asked = Asked {
                command: "ls",
                has_secrets,
                said,
            };
            command(policy(WorkspaceWrite, approve), isolation, asked, allowed)
        };
        for approve in [Ask, Auto] {
            assert_eq!(
                run(approve, &Isolation::Full, false, asks, &fresh),
                Verdict::Ask
            );
            assert_eq!(
                run(approve, &Isolation::Full, false, asks, &known),
                Verdict::Go
            );
            assert_eq!(
                run(approve, &Isolation::Full, false, allows, &fresh),
                Verdict::Go
            );
            assert_eq!(
                edit(policy(WorkspaceWrite, approve), asks, paths, &fresh),
                Verdict::Ask
            );
            assert_eq!(
                edit(policy(WorkspaceWrite, approve), asks, paths, &known),
                Verdict::Go
            );
            assert_eq!(
                edit(policy(WorkspaceWrite, approve), allows, paths, &fresh),
                Verdict::Go
            );
        }
        // That all edits are allowed for the session does not answer for a file that a rule asks about.
        let edits = Allowances {
            edits: true,
            ..Allowances::default()
        };
        assert_eq!(
            edit(policy(WorkspaceWrite, Ask), asks, paths, &edits),
            Verdict::Ask
        );
        assert!(matches!(
            run(Never, &Isolation::Full, false, asks, &fresh),
            Verdict::Refuse(_)
        ));
        assert!(matches!(
            edit(policy(WorkspaceWrite, Never), asks, paths, &fresh),
            Verdict::Refuse(_)
        ));
        assert_eq!(
            run(Never, &Isolation::Full, false, allows, &fresh),
            Verdict::Go
        );
        assert_eq!(
            run(Ask, &Isolation::Off, true, allows, &fresh),
            Verdict::Ask
        );
        let none = Isolation::Unavailable {
            reason: "old kernel".to_owned(),
        };
        assert_eq!(run(Ask, &none, false, allows, &fresh), Verdict::Ask);
        assert!(matches!(
            edit(policy(ReadOnly, Auto), allows, paths, &fresh),
            Verdict::Refuse(_)
        ));
    }
}
