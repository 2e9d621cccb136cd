//! Which command an act is, and what it will do, in words. Nothing runs here.
//!
//! Names of branches and remotes come from the repository, which may be hostile: what git could take for an option, for a
//! forced push or for a program to run is refused.

use super::address;
use crate::{failure::failure, projects::from_git, settings::Settings};
use kerf_git::{Act, Change, Outgoing, Remote, Repo};
use kerf_protocol::{
    Code, Failure,
    git::command::{GitAct, GitPreview, GitRemote, PullHow},
};

/// Other repositories, at addresses that were not shown, are left alone whatever the settings say.
const ALONE: &str = "--no-recurse-submodules";
/// A longer message is refused: it has to fit into an argument on every system.
const MAX_MESSAGE_BYTES: usize = 16 * 1024;

/// What `act` is in this repository, now.
pub(super) fn plan(repo: &Repo, settings: &Settings, act: &GitAct) -> Result<GitPreview, Failure> {
    let mut preview = GitPreview {
        argv: Vec::new(),
        folder: repo.workdir().display().to_string(),
        words: String::new(),
        remote: None,
        programs: Vec::new(),
    };
    let programs = match act {
        GitAct::Fetch { remote } => {
            let remote = fetched(repo, remote.as_deref(), &mut preview)?;
            preview.argv = git(&["fetch", "--progress", ALONE, &remote.name]);
            preview.words = format!(
                "Asks `{}` at {} what is new. Your branch and your files stay as they are.",
                remote.name, remote.url
            );
            preview.remote = Some(remote);
            Act::Fetch
        }
        GitAct::Pull { how } => {
            pull(repo, *how, &mut preview)?;
            Act::Pull
        }
        GitAct::Push { remote } => {
            push(repo, remote.as_deref(), &mut preview)?;
            Act::Push
        }
        GitAct::Commit { message, amend } => {
            commit(repo, message, *amend, &mut preview)?;
            Act::Commit
        }
        GitAct::Continue => {
            go_on(repo, &mut preview)?;
            Act::Commit
        }
        GitAct::Abort => {
            let (verb, what) = under_way(repo)?;
            preview.argv = git(&[verb, "--abort"]);
            preview.words = format!(
                "Ends {what} and brings the branch and its files back to where they were before. \
                 What you resolved since then goes."
            );
            Act::Files
        }
        GitAct::LfsPull => {
            let remote = fetched(repo, None, &mut preview)?;
            preview.argv = git(&["lfs", "pull", &remote.name]);
            // A file of the repository that git's own settings do not tell of.
            if repo.workdir().join(".lfsconfig").exists() {
                preview
                    .programs
                    .push(".lfsconfig, which can name another server".to_owned());
            }
            preview.words = format!(
                "Git LFS fetches the large files of this commit from `{}` at {} and puts them in the place of their pointers.",
                remote.name, remote.url
            );
            preview.remote = Some(remote);
            Act::Pull
        }
        GitAct::OpenPull { .. } => {
            preview = crate::git::pull_request::plan(repo, settings, act, preview)?;
            // The program asks git how the working tree is.
            Act::Look
        }
    };
    preview
        .programs
        .extend(repo.programs(programs).map_err(from_git)?);
    tell_promisors(repo, &mut preview)?;
    Ok(preview)
}

fn git(words: &[&str]) -> Vec<String> {
    std::iter::once("git")
        .chain(words.iter().copied())
        .map(str::to_owned)
        .collect()
}

fn pull(repo: &Repo, how: PullHow, preview: &mut GitPreview) -> Result<(), Failure> {
    let outgoing = outgoing(repo)?;
    let branch = &outgoing.branch;
    let upstream = outgoing.upstream.as_ref().ok_or_else(|| {
        failure(
            Code::Usage,
            format!("the branch `{branch}` follows no branch of a remote"),
            "Push it first: from then on it follows the one that it is pushed to",
        )
    })?;
    nothing_under_way(repo)?;
    let remote = known(&remotes(repo)?, &upstream.remote)?;
    let from = fetch_address(&remote, preview)?;
    let there = short(&upstream.branch)?;
    let (option, does) = match how {
        PullHow::FastForward => (
            "--ff-only",
            "moves your branch forward to it; where both have commits of their own, nothing is changed",
        ),
        PullHow::Merge => (
            "--no-rebase",
            "merges it into your branch, with a commit where both have commits of their own",
        ),
        PullHow::Rebase => (
            "--rebase",
            "puts your branch's own commits on top of it, as new commits",
        ),
    };
    preview.argv = git(&[
        "pull",
        "--progress",
        ALONE,
        "--no-edit",
        option,
        &from.name,
        &upstream.branch,
    ]);
    if how == PullHow::Rebase {
        preview.argv.retain(|word| word != "--no-edit");
    }
    preview.words = format!(
        "Fetches `{there}` of `{}` at {} and {does}. Your branch: `{branch}`.",
        from.name, from.url
    );
    preview.remote = Some(from);
    Ok(())
}

fn push(repo: &Repo, wanted: Option<&str>, preview: &mut GitPreview) -> Result<(), Failure> {
    let outgoing = outgoing(repo)?;
    let head = repo.head().map_err(from_git)?;
    if head.commit.is_none() {
        return Err(failure(Code::Usage, "there is no commit to push yet", ""));
    }
    let (to, there) = destination(repo, &outgoing, wanted, preview)?;
    let follows = outgoing
        .upstream
        .as_ref()
        .is_some_and(|upstream| upstream.remote == to.name);
    let refspec = format!("refs/heads/{}:{there}", outgoing.branch);
    let mut words = vec!["push", "--progress", ALONE];
    if outgoing.upstream.is_none() {
        words.push("--set-upstream");
    }
    words.extend([to.name.as_str(), refspec.as_str()]);
    preview.argv = git(&words);
    let commits = match outgoing.ahead.filter(|_| follows) {
        Some(1) => "one commit of ".to_owned(),
        Some(count) if count > 0 => format!("{count} commits of "),
        _ => String::new(),
    };
    preview.words = format!(
        "Sends {commits}your branch `{}` to `{}` of `{}` at {}. Nothing there is overwritten: git refuses where it has commits that yours has not.",
        outgoing.branch,
        short(&there)?,
        to.name,
        to.url
    );
    if outgoing.upstream.is_none() {
        preview
            .words
            .push_str(" From then on your branch follows that one.");
    }
    preview.remote = Some(to);
    Ok(())
}

/// The remote that the branch goes to, and the short name of the branch there.
pub(in crate::git) fn push_target(
    repo: &Repo,
    wanted: Option<&str>,
) -> Result<(GitRemote, String), Failure> {
    let mut preview = GitPreview {
        argv: Vec::new(),
        folder: String::new(),
        words: String::new(),
        remote: None,
        programs: Vec::new(),
    };
    let (remote, there) = destination(repo, &outgoing(repo)?, wanted, &mut preview)?;
    Ok((remote, short(&there)?))
}

/// The remote that a branch goes to, and the branch there.
fn destination(
    repo: &Repo,
    outgoing: &Outgoing,
    wanted: Option<&str>,
    preview: &mut GitPreview,
) -> Result<(GitRemote, String), Failure> {
    let name = wanted.or(outgoing.push_remote.as_deref()).ok_or_else(|| {
        failure(
            Code::Usage,
            "this repository has no remote, or several and none of them is set for this branch",
            "Add one with `git remote add origin ADDRESS`",
        )
    })?;
    let remote = known(&remotes(repo)?, name)?;
    let to = shown(&remote.name, &remote.push_urls, preview)?;
    let there = outgoing
        .upstream
        .as_ref()
        .filter(|upstream| upstream.remote == name)
        .map_or_else(
            || format!("refs/heads/{}", outgoing.branch),
            |upstream| upstream.branch.clone(),
        );
    short(&there)?;
    Ok((to, there))
}

fn commit(
    repo: &Repo,
    message: &str,
    amend: bool,
    preview: &mut GitPreview,
) -> Result<(), Failure> {
    let message = message.trim();
    if message.is_empty() || message.len() > MAX_MESSAGE_BYTES || message.contains('\0') {
        return Err(failure(
            Code::Usage,
            "a commit needs a message, of 16 KiB at the most",
            "",
        ));
    }
    nothing_under_way(repo)?;
    preview.argv = git(&["commit"]);
    preview.argv.push(format!("--message={message}"));
    if amend {
        preview.argv.push("--amend".to_owned());
    }
    preview.words = if amend {
        "Makes the last commit anew, with what is staged and this message.".to_owned()
    } else {
        "Commits what is staged.".to_owned()
    };
    preview.words.push_str(
        " Hooks run, and may change files or refuse; the commit is signed where that is set up.",
    );
    if repo
        .commit_programs()
        .iter()
        .any(|program| program == "the signing program")
    {
        preview.programs.push("the signing program".to_owned());
    }
    Ok(())
}

fn go_on(repo: &Repo, preview: &mut GitPreview) -> Result<(), Failure> {
    let (verb, what) = under_way(repo)?;
    let changes = repo.changes().map_err(from_git)?;
    let open = changes
        .unstaged
        .iter()
        .filter(|changed| changed.change == Change::Conflicted)
        .count();
    if open > 0 {
        return Err(failure(
            Code::Conflict,
            format!("{open} files are still in conflict"),
            "Resolve them first",
        ));
    }
    preview.argv = git(&[verb, "--continue"]);
    preview.words = match verb {
        "merge" => "Ends the merge with a commit of what is staged.".to_owned(),
        _ => format!(
            "Commits what is staged and goes on with {what}, up to its end or the next conflict."
        ),
    };
    Ok(())
}

/// The word for git and the words for the user.
fn under_way(repo: &Repo) -> Result<(&'static str, &'static str), Failure> {
    let what = repo.under_way().ok_or_else(|| {
        failure(
            Code::Conflict,
            "nothing is under way in this repository any more",
            "",
        )
    })?;
    let verb = match what {
        "a merge" => "merge",
        "a revert" => "revert",
        "a cherry-pick" => "cherry-pick",
        "a rebase" => "rebase",
        _ => "am",
    };
    Ok((verb, what))
}

fn nothing_under_way(repo: &Repo) -> Result<(), Failure> {
    match repo.under_way() {
        None => Ok(()),
        Some(what) => Err(failure(
            Code::Conflict,
            format!("{what} is under way"),
            "Continue or abort it first",
        )),
    }
}

fn outgoing(repo: &Repo) -> Result<Outgoing, Failure> {
    let outgoing = repo.outgoing().map_err(from_git)?;
    let outgoing = outgoing.ok_or_else(|| {
        failure(
            Code::Usage,
            "no branch is checked out",
            "Switch to one, or make one here",
        )
    })?;
    tame("branch", &outgoing.branch)?;
    Ok(outgoing)
}

fn remotes(repo: &Repo) -> Result<Vec<Remote>, Failure> {
    repo.remotes().map_err(from_git)
}

fn known(remotes: &[Remote], name: &str) -> Result<Remote, Failure> {
    tame("remote", name)?;
    remotes
        .iter()
        .find(|remote| remote.name == name)
        .cloned()
        .ok_or_else(|| {
            failure(
                Code::NotFound,
                format!("there is no remote `{name}` with an address in this repository"),
                "`git remote -v` lists those that there are",
            )
        })
}

/// The remote that is asked: the one that is named, else that of the branch, else `origin` or the only one.
fn fetched(
    repo: &Repo,
    wanted: Option<&str>,
    preview: &mut GitPreview,
) -> Result<GitRemote, Failure> {
    let all = remotes(repo)?;
    let outgoing = repo.outgoing().map_err(from_git)?;
    let of_branch = outgoing
        .as_ref()
        .and_then(|outgoing| outgoing.upstream.as_ref())
        .map(|upstream| upstream.remote.as_str())
        .filter(|name| *name != ".");
    let usual = || {
        let is_origin = |remote: &&Remote| remote.name == "origin";
        all.iter().find(is_origin).or(all.first())
    };
    let name = wanted
        .or(of_branch)
        .or_else(|| usual().map(|remote| remote.name.as_str()))
        .ok_or_else(|| {
            failure(
                Code::Usage,
                "this repository has no remote",
                "Add one with `git remote add origin ADDRESS`",
            )
        })?;
    let remote = known(&all, name)?;
    fetch_address(&remote, preview)
}

fn fetch_address(remote: &Remote, preview: &mut GitPreview) -> Result<GitRemote, Failure> {
    shown(&remote.name, std::slice::from_ref(&remote.url), preview)
}

/// A remote as the user sees it. A program that its address names is told of; one that could be anything is refused.
fn shown(name: &str, urls: &[String], preview: &mut GitPreview) -> Result<GitRemote, Failure> {
    for url in urls {
        if let Some(helper) = address::helper(url)? {
            preview.programs.push(format!("git-remote-{helper}"));
        }
    }
    let urls: Vec<String> = urls
        .iter()
        .map(|url| address::without_password(url))
        .collect();
    Ok(GitRemote {
        name: name.to_owned(),
        url: urls.join(" and "),
    })
}

/// Tells of the remotes that git asks for objects that are missing here, whatever it was begun for.
fn tell_promisors(repo: &Repo, preview: &mut GitPreview) -> Result<(), Failure> {
    for (name, url) in repo.promisors().map_err(from_git)? {
        let at = match url {
            Some(url) => {
                let remote = shown(&name, &[url], preview)?;
                if preview.remote.as_ref() == Some(&remote) {
                    continue;
                }
                remote.url
            }
            None => "an address that cannot be told".to_owned(),
        };
        preview.programs.push(format!(
            "`{name}` at {at}, which git asks for objects that are missing here"
        ));
    }
    Ok(())
}

/// The short name of a branch of a remote.
fn short(full: &str) -> Result<String, Failure> {
    let name = full.strip_prefix("refs/heads/").ok_or_else(|| {
        failure(
            Code::Usage,
            format!("the branch follows `{full}`, which is no branch"),
            "Do it with git itself",
        )
    })?;
    tame("branch", name)?;
    Ok(name.to_owned())
}

/// Refuses a name that git would take for something else.
pub(in crate::git) fn tame(what: &str, name: &str) -> Result<(), Failure> {
    let strange = name.is_empty()
        || name.starts_with(['-', '+'])
        || name
            .chars()
            .any(|char| char.is_control() || char.is_whitespace() || ":?*[\\^~".contains(char));
    if strange {
        return Err(failure(
            Code::Usage,
            format!("the {what} `{name}` has a name that git could take for something else"),
            "Do it with git itself",
        ));
    }
    Ok(())
}
