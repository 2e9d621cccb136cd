//! Hosts of pull requests: which one a remote is at, where its API is, and what its program is told. Nothing is sent here.

use crate::{
    failure::failure,
    git::command::{address, plan},
    projects::from_git,
    settings::Settings,
};
use kerf_git::Repo;
use kerf_protocol::{
    Code, Failure,
    git::{
        command::{GitAct, GitPreview},
        pull_request::{HostKind, PullTarget},
    },
};
use serde_json::Value;
use url::Url;

const MAX_TITLE_BYTES: usize = 256;
/// It has to fit into an argument on every system.
pub(super) const MAX_BODY_BYTES: usize = 16 * 1024;

/// What is known of a target without asking anybody.
pub(super) struct Found {
    pub(super) target: PullTarget,
    pub(super) api: Url,
}

/// Where a pull request of the branch goes, by the repository's settings and the user's.
pub(super) fn target(
    repo: &Repo,
    settings: &Settings,
    remote: Option<&str>,
) -> Result<Found, Failure> {
    let (remote, branch) = plan::push_target(repo, remote)?;
    let (host, project) = address::host_and_path(&remote.url).ok_or_else(|| {
        failure(
            Code::Usage,
            format!(
                "the address `{}` of `{}` names no host and project",
                remote.url, remote.name
            ),
            "Pull requests go to GitHub and GitLab",
        )
    })?;
    let known = settings.git.hosts.get(&host);
    let kind = match (host.as_str(), known) {
        (_, Some(known)) => known.kind,
        ("github.com", None) => HostKind::GitHub,
        ("gitlab.com", None) => HostKind::GitLab,
        _ => {
            return Err(failure(
                Code::Configuration,
                format!("Kerf does not know what speaks at {host}"),
                format!(
                    "Say so in the configuration: [git.hosts.\"{host}\"] with kind = \"github\" or \"gitlab\""
                ),
            ));
        }
    };
    let api = match known.and_then(|known| known.api.clone()) {
        Some(api) => api,
        None if host == "github.com" => "https://api.github.com".to_owned(),
        None if kind == HostKind::GitHub => format!("https://{host}/api/v3"),
        None => format!("https://{host}/api/v4"),
    };
    let api = Url::parse(api.trim_end_matches('/'))
        .ok()
        .filter(|url| url.has_host() && !url.cannot_be_a_base())
        .ok_or_else(|| {
            failure(
                Code::Configuration,
                format!("the API of {host} in the configuration is no address"),
                "Give one like https://git.example.org/api/v4",
            )
        })?;
    let base = repo
        .default_branch(&remote.name)
        .unwrap_or_else(|| "main".to_owned());
    if base == branch {
        return Err(failure(
            Code::Usage,
            format!("the branch is `{branch}` itself, where pull requests go"),
            "Make a branch of its own for this work",
        ));
    }
    let pushed = repo.is_pushed(&remote.name, &branch).map_err(from_git)?;
    let target = PullTarget {
        remote,
        kind,
        project,
        branch,
        base,
        pushed,
        program: None,
        api: authority(&api),
        token: false,
        host,
    };
    Ok(Found { target, api })
}

/// The command of the host's own program.
pub(in crate::git) fn plan(
    repo: &Repo,
    settings: &Settings,
    act: &GitAct,
    mut preview: GitPreview,
) -> Result<GitPreview, Failure> {
    let GitAct::OpenPull {
        remote,
        base,
        title,
        body,
    } = act
    else {
        return Ok(preview);
    };
    let (title, body) = words(title, body)?;
    let target = target(repo, settings, Some(remote))?.target;
    plan::tame("branch", base)?;
    if !target.pushed {
        return Err(failure(
            Code::Conflict,
            format!("`{remote}` has not all commits of the branch"),
            "Push it first",
        ));
    }
    let project = match target.kind {
        HostKind::GitHub => format!("--repo={}/{}", target.host, target.project),
        HostKind::GitLab => format!("--repo=https://{}/{}", target.host, target.project),
    };
    let words = match target.kind {
        HostKind::GitHub => vec![
            "gh".to_owned(),
            "pr".to_owned(),
            "create".to_owned(),
            "--draft".to_owned(),
            project,
            format!("--base={base}"),
            format!("--head={}", target.branch),
            format!("--title={title}"),
            format!("--body={body}"),
        ],
        HostKind::GitLab => vec![
            "glab".to_owned(),
            "mr".to_owned(),
            "create".to_owned(),
            "--draft".to_owned(),
            "--yes".to_owned(),
            project,
            format!("--target-branch={base}"),
            format!("--source-branch={}", target.branch),
            format!("--title={title}"),
            format!("--description={body}"),
        ],
    };
    preview.argv = words;
    preview.words = format!(
        "Opens a draft of a pull request at {}: the branch `{}` of `{}` into `{base}`. Title and text are sent there.",
        target.host, target.branch, target.project
    );
    preview.remote = Some(target.remote);
    Ok(preview)
}

pub(super) fn words<'t>(title: &'t str, body: &'t str) -> Result<(&'t str, &'t str), Failure> {
    let (title, body) = (title.trim(), body.trim());
    let bad = title.is_empty()
        || title.len() > MAX_TITLE_BYTES
        || title.chars().any(char::is_control)
        || body.len() > MAX_BODY_BYTES
        || body.contains('\0');
    if bad {
        return Err(failure(
            Code::Usage,
            format!(
                "a pull request needs a title, of {MAX_TITLE_BYTES} bytes at the most, and a text of 16 KiB at the most"
            ),
            "",
        ));
    }
    Ok((title, body))
}

pub(super) fn request_url(api: &Url, target: &PullTarget) -> Result<Url, Failure> {
    let mut url = api.clone();
    {
        let mut parts = url.path_segments_mut().map_err(|()| {
            failure(
                Code::Configuration,
                "the API in the configuration is no address",
                "",
            )
        })?;
        parts.pop_if_empty();
        match target.kind {
            HostKind::GitHub => parts
                .push("repos")
                .extend(target.project.split('/'))
                .push("pulls"),
            // Pushed as one part, its slashes are written as %2F.
            HostKind::GitLab => parts
                .push("projects")
                .push(&target.project)
                .push("merge_requests"),
        };
    }
    Ok(url)
}

/// The page of what was opened, if it is at the host that it was sent to.
pub(super) fn page(answer: &Value, target: &PullTarget) -> Option<String> {
    let text = answer["html_url"].as_str().or(answer["web_url"].as_str())?;
    let url = Url::parse(text).ok()?;
    let ours = matches!(url.scheme(), "https" | "http") && authority(&url) == target.host;
    ours.then(|| url.into())
}

/// What a host says of a refusal, on one line and not long.
pub(super) fn said(answer: &Value) -> String {
    let text = match &answer["message"] {
        Value::String(text) => text.clone(),
        Value::Null => answer["error"]
            .as_str()
            .unwrap_or("it says nothing")
            .to_owned(),
        other => other.to_string(),
    };
    let detail = answer["errors"][0]["message"].as_str().unwrap_or_default();
    let text: String = format!("{text} {detail}")
        .chars()
        .filter(|char| !char.is_control())
        .take(400)
        .collect();
    text.trim().to_owned()
}

/// Host and port, the port only where it is not the usual one.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kerf_protocol::git::command::GitRemote;
    use serde_json::json;

    fn target(kind: HostKind, project: &str) -> PullTarget {
        PullTarget {
            remote: GitRemote {
                name: "origin".to_owned(),
                url: String::new(),
            },
            host: "git.example.org".to_owned(),
            kind,
            project: project.to_owned(),
            branch: "topic".to_owned(),
            base: "main".to_owned(),
            pushed: true,
            program: None,
            api: "git.example.org".to_owned(),
            token: false,
        }
    }

    #[test]
    fn a_request_goes_to_the_project_alone() {
        let api = Url::parse("https://git.example.org/api/v4/").unwrap();
        let of = |kind, project| {
            request_url(&api, &target(kind, project))
                .unwrap()
                .to_string()
        };
        assert_eq!(
            of(HostKind::GitHub, "ada/tool"),
            "https://git.example.org/api/v4/repos/ada/tool/pulls"
        );
        assert_eq!(
            of(HostKind::GitLab, "group/sub/tool"),
            "https://git.example.org/api/v4/projects/group%2Fsub%2Ftool/merge_requests"
        );
    }

    #[test]
    fn only_a_page_of_the_host_itself_is_shown() {
        let target = target(HostKind::GitHub, "ada/tool");
        for (url, shown) in [
            ("https://git.example.org/ada/tool/pull/1", true),
            ("https://evil.example/x", false),
            ("javascript:alert(1)", false),
        ] {
            assert_eq!(
                page(&json!({ "html_url": url }), &target).is_some(),
                shown,
                "{url}"
            );
        }
    }
}
