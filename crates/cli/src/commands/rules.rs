//! `kerf rules`: what goes ahead unasked in the folder, what is asked about, what is denied.

use crate::{
    args::Rules,
    exit::Exit,
    output::{Output, visible},
};
use kerf_engine::Engine;
use kerf_protocol::{
    Failure,
    request::{Folder, method},
    rule::{Rule, RuleOrigin, RuleRef, RuleVerdict, TestRules, TestedCommand},
};

pub(crate) async fn run(
    engine: &Engine,
    folder: &str,
    command: Rules,
    output: &Output,
) -> Result<Exit, Failure> {
    match command {
        Rules::List => {
            let folder = folder.to_owned();
            let list = engine.call::<method::RulesList>(Folder { folder }).await?;
            if output.json() {
                output.object(&list);
            } else {
                list.rules.iter().for_each(|rule| print_rule(rule, output));
                for problem in &list.problems {
                    let text = if problem.text.is_empty() {
                        String::new()
                    } else {
                        format!("`{}`: ", problem.text)
                    };
                    output.line(&format!(
                        "does not count: {} {}{}",
                        visible(&problem.file),
                        visible(&text),
                        visible(&problem.message)
                    ));
                }
            }
        }
        Rules::Test { command } => {
            let test = TestRules {
                folder: folder.to_owned(),
                command,
            };
            let tested = engine.call::<method::RulesTest>(test).await?;
            if tested.is_empty() && !output.json() {
                output.line("no session of this folder has run a command");
            }
            tested
                .iter()
                .for_each(|tested| print_tested(tested, output));
        }
        Rules::Revoke { id } => {
            engine.call::<method::RulesRevoke>(RuleRef { id }).await?;
        }
    }
    output.flush();
    Ok(Exit::Done)
}

fn verdict(verdict: RuleVerdict) -> &'static str {
    match verdict {
        RuleVerdict::Allow => "allow",
        RuleVerdict::Ask => "ask",
        RuleVerdict::Deny => "deny",
    }
}

fn print_rule(rule: &Rule, output: &Output) {
    let whose = match &rule.origin {
        RuleOrigin::Kerf => "Kerf".to_owned(),
        RuleOrigin::Settings => "your settings".to_owned(),
        RuleOrigin::Answer { id, .. } => format!("your answer, number {id}"),
        RuleOrigin::Project { file } => file.clone(),
    };
    let waits = if rule.active {
        ""
    } else {
        ", waits for your trust"
    };
    output.line(&format!(
        "{:<5}  {}  ({}{waits})  {}",
        verdict(rule.verdict),
        visible(&rule.text),
        visible(&whose),
        visible(&rule.words),
    ));
}

fn print_tested(tested: &TestedCommand, output: &Output) {
    if output.json() {
        output.object(tested);
        return;
    }
    output.line(&format!(
        "{:<6}  {}\n        {}",
        tested.verdict.map_or("policy", verdict),
        visible(&tested.command),
        visible(&tested.words)
    ));
}
