//! Addresses of remotes: shown without what is secret in them, and refused where they are a program to run.

use crate::failure::failure;
use kerf_protocol::{Code, Failure};
use url::Url;

/// The program `git-remote-NAME` that an address is for, if it is for one.
///
/// Errors: for those whose address is itself a program's command line.
pub(super) fn helper(address: &str) -> Result<Option<String>, Failure> {
    let refused = |why: &str| {
        Err(failure(
            Code::Denied,
            format!(
                "the address `{}` of the remote {why}",
                without_password(address)
            ),
            "Look at the repository's settings; if you want this, do it with git itself",
        ))
    };
    if address.starts_with('-') {
        return refused("would be taken for an option");
    }
    if address.chars().any(char::is_control) {
        return refused("holds control characters");
    }
    let Some((name, _)) = address.split_once("::") else {
        return Ok(None);
    };
    // Behind a slash or a bracket it is a path or an IPv6 address.
    if !name
        .chars()
        .all(|char| char.is_ascii_alphanumeric() || "-+._".contains(char))
    {
        return Ok(None);
    }
    match name.to_ascii_lowercase().as_str() {
        "ext" | "fd" => refused("is a program to run"),
        _ => Ok(Some(name.to_owned())),
    }
}

/// The address without a password.
pub(super) fn without_password(address: &str) -> String {
    if let Ok(mut url) = Url::parse(address)
        && url.has_host()
    {
        let has = url.password().is_some();
        // A token may stand in the place of the name.
        let long = url.username().len() > 20 && matches!(url.scheme(), "http" | "https");
        if !has && !long {
            return address.to_owned();
        }
        // An address with a host takes both.
        let _ = url.set_password(None);
        if long {
            let _ = url.set_username("");
        }
        return url.into();
    }
    match (address.find("://"), address.rfind('@')) {
        (Some(start), Some(end)) if start < end => {
            format!("{}://{}", &address[..start], &address[end + 1..])
        }
        _ => address.to_owned(),
    }
}

/// The host of an address and the path there: `https://HOST/PATH`, `ssh://USER@HOST:22/PATH` or `USER@HOST:PATH`.
pub(in crate::git) fn host_and_path(address: &str) -> Option<(String, String)> {
    let (host, path) = if address.contains("://") {
        let url = Url::parse(address).ok()?;
        if !matches!(
            url.scheme(),
            "https" | "http" | "ssh" | "git+ssh" | "ssh+git"
        ) {
            return None;
        }
        // The port of https belongs to the host; that of ssh does not.
        let host = match url.port() {
            Some(port) if matches!(url.scheme(), "https" | "http") => {
                format!("{}:{port}", url.host_str()?)
            }
            _ => url.host_str()?.to_owned(),
        };
        (host, url.path().to_owned())
    } else {
        let (host, path) = address.split_once(':')?;
        let host = host.rsplit('@').next()?;
        // A single letter is a drive, a slash begins a path.
        if host.len() < 2 || host.contains('/') || host.contains('\\') {
            return None;
        }
        (host.to_owned(), path.to_owned())
    };
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let parts: Vec<&str> = path.split('/').collect();
    let good = parts.len() >= 2
        && parts.iter().all(|part| {
            !part.is_empty()
                && *part != "."
                && *part != ".."
                && part
                    .chars()
                    .all(|char| char.is_ascii_alphanumeric() || "-_.~+".contains(char))
        });
    (good && !host.is_empty()).then(|| (host.to_ascii_lowercase(), path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("https://ada:secret@example.org/a/b", "https://ada@example.org/a/b")]
    #[case(
        "https://ghp_0123456789012345678901@example.org/a",
        "https://example.org/a"
    )]
    #[case("https://ada@example.org/a", "https://ada@example.org/a")]
    #[case("ssh://git@example.org/a", "ssh://git@example.org/a")]
    #[case("git@example.org:a/b.git", "git@example.org:a/b.git")]
    #[case("http://[bad:secret@host/x", "http://%5Bbad@host/x")]
    #[case("/srv/a@b", "/srv/a@b")]
    fn an_address_is_shown_without_its_password(#[case] address: &str, #[case] shown: &str) {
        assert_eq!(without_password(address), shown);
    }

    #[rstest]
    #[case("https://github.com/ada/tool.git", "github.com", "ada/tool")]
    #[case("ssh://git@GitHub.com:22/ada/tool", "github.com", "ada/tool")]
    #[case("git@gitlab.com:group/sub/tool.git", "gitlab.com", "group/sub/tool")]
    #[case("http://localhost:3000/ada/tool/", "localhost:3000", "ada/tool")]
    #[case("https://github.com/ada/tool?x=%2e", "github.com", "ada/tool")]
    fn the_host_is_found(#[case] address: &str, #[case] host: &str, #[case] path: &str) {
        assert_eq!(
            host_and_path(address),
            Some((host.to_owned(), path.to_owned()))
        );
    }

    #[rstest]
    #[case("/srv/git/tool.git")]
    #[case("file:///srv/git/tool.git")]
    #[case("C:\\git\\tool")]
    #[case("https://github.com/tool")]
    #[case("https://github.com/../tool")]
    #[case("https://github.com/ada/to%20ol")]
    #[case("git@github.com:ada/to ol")]
    #[case("")]
    fn what_has_no_host_has_none(#[case] address: &str) {
        assert_eq!(host_and_path(address), None);
    }

    #[test]
    fn an_address_that_is_a_program_is_refused() {
        for address in [
            "ext::sh -c evil",
            "EXT::x",
            "fd::7",
            "-oProxyCommand=x",
            "a\nb",
        ] {
            assert!(helper(address).is_err(), "{address:?} is refused");
        }
        assert_eq!(helper("hg::https://x/y").unwrap().as_deref(), Some("hg"));
        for address in [
            "ssh://[::1]/a",
            "https://example.org/a::b",
            "/srv/a",
            "git@[::1]:a",
        ] {
            assert_eq!(helper(address).unwrap(), None, "{address} is an address");
        }
    }
}
