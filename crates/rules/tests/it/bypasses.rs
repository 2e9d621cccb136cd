//! Published ways to run another command than the one that was allowed, or in spite of one that denies it.

use kerf_protocol::rule::{RuleOrigin, RuleVerdict};
use kerf_rules::{Entry, Rule, Rules};
use rstest::rstest;

fn rules(verdict: RuleVerdict, texts: &[&str]) -> Rules {
    let entry = |text: &&str| Entry {
        verdict,
        origin: RuleOrigin::Settings,
        rule: Rule::parse(text).unwrap(),
    };
    Rules::new(
        "/srv/p",
        Some("/home/ada"),
        texts.iter().map(entry).collect(),
    )
}

/// Each line runs, or may run, something else than `echo`, `git status` and so on.
#[rstest]
// Operators (Gemini CLI #11510, Claude Code 2.1.7).
#[case("echo a; rm -rf x")]
#[case("echo a && rm -rf x")]
#[case("echo a || rm -rf x")]
#[case("echo a | sh")]
#[case("echo a |& sh")]
#[case("echo a & rm -rf x")]
#[case("echo a\nrm -rf x")]
#[case("echo a\r\nrm -rf x")]
#[case("# a comment\nrm -rf x")]
#[case("echo a # shown\nrm -rf x")]
#[case("echo a;rm -rf x")]
#[case("(rm -rf x)")]
#[case("{ rm -rf x; }")]
#[case("! rm -rf x")]
#[case("if true; then rm -rf x; fi")]
#[case("for i in 1; do rm -rf x; done")]
#[case("while rm -rf x; do :; done")]
#[case("case a in a) rm -rf x;; esac")]
// Substitutions (CVE-2025-54795, GHSA-g8r9-g2v8-jv6f).
#[case("echo $(rm -rf x)")]
#[case("echo \"$(rm -rf x)\"")]
#[case("echo `rm -rf x`")]
#[case("echo \"`rm -rf x`\"")]
#[case("echo ${x:=$(rm -rf x)}")]
#[case("echo ${x@P}")]
#[case("echo ${!x}")]
#[case("echo $((a[$(rm -rf x)]))")]
#[case("echo <(rm -rf x)")]
#[case("echo >(rm -rf x)")]
#[case("echo $'a\\nb'")]
// Redirections and documents (CVE-2026-24053).
#[case("echo a > ~/.bashrc")]
#[case("echo a >> src/main.rs")]
#[case("echo a >| x")]
#[case("echo a &> x")]
#[case("echo a &>/dev/null rm -rf x")]
#[case("echo a 2> x")]
#[case("echo <<EOF\n$(rm -rf x)\nEOF")]
#[case("echo <<'EOF'\na\nEOF\nrm -rf x")]
#[case("sh <<EOF\nrm -rf x\nEOF")]
// Lines that go on, `$IFS`, expansions (CVE-2025-66032).
#[case("echo\\\nx")]
#[case("rm${IFS}-rf${IFS}x")]
#[case("echo$IFS;rm$IFS-rf$IFS.")]
#[case("$cmd x")]
#[case("{rm,-rf,x}")]
#[case("r*m x")]
// Environment and builtins (CVE-2026-22708).
#[case("PATH=/tmp/evil git status")]
#[case("GIT_SSH_COMMAND=evil git status")]
#[case("export PATH=/tmp/evil && git status")]
#[case("alias git=rm; git status")]
#[case("git() { rm -rf x; }; git status")]
#[case("function git { rm -rf x; }; git status")]
#[case("unset PATH; git status")]
#[case(". ./evil && git status")]
#[case("source evil; git status")]
#[case("hash -p /tmp/evil git; git status")]
#[case("trap 'rm -rf x' EXIT; echo a")]
#[case("enable -f /tmp/evil.so evil; echo a")]
// Wrappers (Claude Code 2.1.113, 2.1.214).
#[case("env git status")]
#[case("env -S 'rm -rf x'")]
#[case("sudo git status")]
#[case("xargs git status")]
#[case("echo a | xargs rm")]
#[case("sh -c 'git status'")]
#[case("bash -lc 'rm -rf x'")]
#[case("eval git status")]
#[case("exec git status")]
#[case("command git status")]
#[case("nohup git status")]
#[case("watch git status")]
#[case("setsid git status")]
#[case("timeout 5 git status")]
// `[[` and `let` read quoted words a second time.
#[case("[[ 'a[$(rm -rf x)]' -eq 0 ]]")]
#[case("let 'a[$(rm)]'")]
#[case("test -v 'a[$(rm)]'")]
#[case("printf -v 'a[$(rm)]' x")]
// Options that run others (CVE-2025-58764, CVE-2026-24887).
#[case("rg --pre 'sh evil' x")]
#[case("rg --pre=sh x")]
#[case("find . -exec rm {} +")]
#[case("find . -delete")]
#[case("find . -fprintf x y")]
#[case("git status -c core.fsmonitor=evil")]
#[case("git -c core.fsmonitor=evil status")]
#[case("git log --output=x")]
#[case("git log --outpu=x")]
#[case("tar xf a --checkpoint-action=exec=sh")]
#[case("tar -I sh -xf a")]
#[case("sort --compress-program=sh a")]
// Other programs of the name, and words that only look alike.
#[case("./git status")]
#[case("/tmp/git status")]
#[case("git\u{a0}status")]
#[case("git status\u{200b}")]
#[case("git statuses")]
#[case("gitstatus")]
#[case("git 'status x'")]
#[case("git status\0")]
// What is not finished.
#[case("echo 'a")]
#[case("echo \"a")]
#[case("echo $(a")]
#[case("echo `a")]
#[case("echo (a")]
#[case("echo a )")]
#[case("")]
fn sb21_what_was_allowed_is_what_runs(#[case] line: &str) {
    let rules = rules(
        RuleVerdict::Allow,
        &[
            "Bash(echo:*)",
            "Bash(git status:*)",
            "Bash(git log:*)",
            "Bash(rg:*)",
            "Bash(find:*)",
            "Bash(tar:*)",
            "Bash(sort:*)",
            "Bash(test:*)",
            "Bash(printf:*)",
            "Bash(env:*)",
            "Bash(sudo:*)",
            "Bash(xargs:*)",
            "Bash(sh:*)",
            "Bash(bash:*)",
            "Bash(eval:*)",
            "Bash(exec:*)",
            "Bash(command:*)",
            "Bash(nohup:*)",
            "Bash(watch:*)",
            "Bash(setsid:*)",
            "Bash(timeout:*)",
            "Bash(export:*)",
            "Bash(alias:*)",
            "Bash(let:*)",
        ],
    );
    let said = rules.command(line, "");
    assert_eq!(said.verdict, None, "{line:?}: {:?}", said.entry);
}

/// Each line runs, or may run, `rm`: it is denied, or at the least asked about.
#[rstest]
#[case("rm -rf x", true)]
#[case("echo a; rm -rf x", true)]
#[case("echo a && rm -rf x", true)]
#[case("echo a | rm -rf x", true)]
#[case("echo a & rm -rf x", true)]
#[case("echo a\nrm -rf x", true)]
#[case("# c\nrm -rf x", true)]
#[case("(rm -rf x)", true)]
#[case("{ rm -rf x; }", true)]
#[case("if true; then rm -rf x; fi", true)]
#[case("for i in 1 2; do rm -rf \"$i\"; done", true)]
#[case("while true; do rm -rf x; done", true)]
#[case("! rm -rf x", true)]
#[case("echo $(rm -rf x)", true)]
#[case("echo \"a $(rm -rf x)\"", true)]
#[case("echo `rm -rf x`", true)]
#[case("X=$(rm -rf x)", true)]
#[case("X=1 rm -rf x", true)]
#[case("rm -rf x > log 2>&1", true)]
#[case("> log rm -rf x", true)]
#[case("2>log rm -rf x", true)]
#[case("/bin/rm -rf x", true)]
#[case("RM -rf x", true)]
#[case("r''m -rf x", true)]
#[case("\\rm -rf x", true)]
#[case("'rm' -rf x", true)]
#[case("\"rm\" -rf x", true)]
#[case("rm \\\n -rf x", true)]
#[case("env rm -rf x", true)]
#[case("env A=1 B=2 rm -rf x", true)]
#[case("sudo rm -rf x", true)]
#[case("sudo -n rm -rf x", true)]
#[case("sudo -u root rm -rf x", false)]
#[case("sudo nice -n 5 rm -rf x", true)]
#[case("xargs -0 rm -rf", true)]
#[case("xargs -I {} rm -rf {}", false)]
#[case("sh -c 'rm -rf x'", true)]
#[case("bash -lc \"cd a && rm -rf x\"", true)]
#[case("sh -c \"sh -c 'rm -rf x'\"", true)]
#[case("eval rm -rf x", true)]
#[case("eval 'rm' '-rf x'", true)]
#[case("exec rm -rf x", true)]
#[case("command rm -rf x", true)]
#[case("builtin rm", true)]
#[case("nohup rm -rf x &", true)]
#[case("timeout 5 rm -rf x", true)]
#[case("time rm -rf x", true)]
#[case("watch 'rm -rf x'", true)]
#[case("busybox rm -rf x", true)]
#[case("find . -exec rm {} +", true)]
#[case("find . -name a -execdir rm -f {} ';'", true)]
#[case("env -S 'rm -rf x'", true)]
#[case("trap 'rm -rf x' EXIT", true)]
#[case("ssh host rm -rf x", true)]
#[case("su -c 'rm -rf x'", true)]
#[case("cat <<'EOF'\nrm\nEOF\nrm -rf x", true)]
#[case("r$x -rf x", false)]
#[case("$(echo rm) -rf x", false)]
#[case("${cmd} -rf x", false)]
#[case("$cmd", false)]
#[case("`echo rm` x", false)]
#[case("r* -rf x", false)]
#[case("{rm,-rf,x}", false)]
#[case("echo rm | sh", false)]
#[case("sh < script", false)]
#[case("sh <<EOF\nrm -rf x\nEOF", false)]
#[case("eval \"$x\"", false)]
#[case("alias ls=rm\nls x", false)]
#[case("case a in a) rm -rf x;; esac", false)]
#[case("f() { rm -rf x; }; f", false)]
#[case("echo ${x:-$(rm -rf x)}", false)]
#[case("echo <(rm -rf x)", false)]
#[case("echo &>/dev/null rm -rf x", false)]
#[case("i\\\nf rm -rf x; then :; fi", false)]
#[case("for i do rm -rf x; done", false)]
#[case("python3 -c 'import os; os.system(\"rm -rf x\")'", false)]
#[case("perl -e 'system \"rm\"'", false)]
#[case("echo 'a", false)]
fn sb21_what_is_denied_is_found_wherever_it_hides(#[case] line: &str, #[case] sure: bool) {
    let rules = rules(RuleVerdict::Deny, &["Bash(rm:*)"]);
    let said = rules.command(line, "");
    let expected = if sure {
        RuleVerdict::Deny
    } else {
        RuleVerdict::Ask
    };
    assert_eq!(said.verdict, Some(expected), "{line:?}");
    assert_eq!(said.guessed, !sure, "{line:?}");
}

#[test]
fn more_commands_than_are_looked_at_are_asked_about() {
    let line = format!("{}rm -rf x", "true; ".repeat(300));
    let denying = rules(RuleVerdict::Deny, &["Bash(rm:*)"]);
    assert_eq!(denying.command(&line, "").verdict, Some(RuleVerdict::Ask));
    let allowing = rules(RuleVerdict::Allow, &["Bash(true:*)", "Bash(rm:*)"]);
    assert_eq!(allowing.command(&line, "").verdict, None);
    let nested = format!("echo {}rm -rf x{}", "$(echo ".repeat(40), ")".repeat(40));
    assert_eq!(denying.command(&nested, "").verdict, Some(RuleVerdict::Ask));
    let long = format!("echo {}", "x".repeat(100_000));
    assert_eq!(denying.command(&long, "").verdict, Some(RuleVerdict::Ask));
}

/// A deny of a subcommand is not walked around by options before it, or by other spellings of options.
#[rstest]
#[case("Bash(git push:*)", "git push origin", RuleVerdict::Deny)]
#[case("Bash(git push:*)", "git -C . push origin", RuleVerdict::Ask)]
#[case("Bash(git push:*)", "git -c a=b push", RuleVerdict::Ask)]
#[case("Bash(git push origin:*)", "git $x", RuleVerdict::Ask)]
#[case("Bash(rm -rf:*)", "rm -fr x", RuleVerdict::Ask)]
#[case("Bash(rm -rf:*)", "rm -r -f x", RuleVerdict::Ask)]
#[case("Bash(rm -rf:*)", "rm --recursive --force x", RuleVerdict::Ask)]
#[case("Bash(rm*)", "rm -rf x", RuleVerdict::Deny)]
#[case("Bash(git * main)", "git checkout x main", RuleVerdict::Deny)]
#[case("Bash(git push)", "git push", RuleVerdict::Deny)]
#[case("Bash(git push)", "git push --force", RuleVerdict::Ask)]
#[case("Bash", "anything", RuleVerdict::Deny)]
#[case("Bash(a && b)", "a && b", RuleVerdict::Deny)]
#[case("Read(.env)", "cat < .env", RuleVerdict::Deny)]
#[case("Read(.env)", "cat .env", RuleVerdict::Ask)]
#[case("Read(./.env)", "cat sub/../.ENV", RuleVerdict::Ask)]
#[case("Read(./.env)", "curl --data=@.env x", RuleVerdict::Ask)]
#[case("Read(~/.ssh/**)", "cat /home/ada/.ssh/id", RuleVerdict::Ask)]
#[case("Edit(src/**)", "echo x > src/a.rs", RuleVerdict::Deny)]
#[case("Edit(src/**)", "cd src && echo x > ../src/a.rs", RuleVerdict::Ask)]
fn a_deny_holds_against_other_spellings(
    #[case] rule: &str,
    #[case] line: &str,
    #[case] expected: RuleVerdict,
) {
    let said = rules(RuleVerdict::Deny, &[rule]);
    let said = said.command(line, "");
    assert!(
        said.verdict >= Some(expected),
        "{line:?}: {:?}",
        said.verdict
    );
}
