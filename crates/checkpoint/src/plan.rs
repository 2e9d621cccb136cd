//! What a restore may do to a file: a decision from what it held, what it holds, and what Kerf did to it in between.
//!
//! It is pure: contents are only compared. Three rules make it safe. What differs only because of the user stays, unless
//! the user names it. What the user changed in between stays too, unless named. And a file that Kerf did not make is never
//! deleted, named or not.

/// What Kerf did to a file at one time, by a tool, a command or a restore. None: there was nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done<C> {
    /// What it found.
    pub before: Option<C>,
    /// What it left.
    pub after: Option<C>,
}

/// What bringing a file back means for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// It is not there, and is made again.
    Make,
    /// It gets its earlier content.
    Write,
    /// It was not there, and goes.
    Delete,
}

/// What a restore may do to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What bringing it back means.
    pub act: Act,
    /// Whether the user has had a hand in what differs: then it is done only when the user names the file.
    pub of_the_user: bool,
    /// Whether it is never done: the file would be deleted, and Kerf did not make it.
    pub refused: bool,
}

/// What bringing a file back from `now` to `then` takes; none when they are the same.
///
/// `done` is what Kerf did to it since then, oldest first.
pub fn step<C: PartialEq>(then: Option<&C>, now: Option<&C>, done: &[Done<C>]) -> Option<Step> {
    if then == now {
        return None;
    }
    let (mut left, mut of_the_user, mut made_by_user) = (then, false, false);
    let found = done
        .iter()
        .map(|one| (one.before.as_ref(), one.after.as_ref()))
        .chain([(now, now)]);
    for (before, after) in found {
        if before != left {
            of_the_user = true;
            match before {
                Some(_) => made_by_user |= left.is_none(),
                // The user took away whatever was there.
                None => made_by_user = false,
            }
        }
        left = after;
    }
    let act = match (then, now) {
        (Some(_), None) => Act::Make,
        (None, Some(_)) => Act::Delete,
        _ => Act::Write,
    };
    Some(Step {
        act,
        of_the_user,
        refused: act == Act::Delete && made_by_user,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(text: &str) -> Vec<Done<char>> {
        let content = |char| (char != '-').then_some(char);
        text.split_whitespace()
            .map(|pair| {
                let mut chars = pair.chars();
                Done {
                    before: chars.next().and_then(content),
                    after: chars.next().and_then(content),
                }
            })
            .collect()
    }

    /// Contents are letters, `-` is nothing; each pair is what Kerf found and what it left.
    #[test]
    fn what_may_be_done() {
        let table = [
            ("a", "a", "", "same"),
            ("a", "b", "ab", "write"),
            ("a", "c", "ab bc", "write"),
            // The user edited it afterwards, before, or in between.
            ("a", "c", "ab", "write named"),
            ("a", "c", "bc", "write named"),
            ("a", "d", "ab cd", "write named"),
            // Nobody but the user changed it.
            ("a", "b", "", "write named"),
            ("a", "-", "", "make named"),
            ("-", "a", "", "delete never"),
            // Kerf made it, and it is as Kerf left it.
            ("-", "a", "-a", "delete"),
            ("-", "b", "-a ab", "delete"),
            ("a", "-", "a-", "make"),
            // The user edited a file that Kerf made.
            ("-", "b", "-a", "delete named"),
            // The user made it, and Kerf edited it, or took it away and made it again.
            ("-", "b", "ab", "delete never"),
            ("-", "b", "a- -b", "delete never"),
            ("-", "b", "-a a- ab", "delete never"),
            // The user took his own away, and then Kerf made one.
            ("-", "b", "ab -b", "delete named"),
            // A restore made it again and Kerf took it away again.
            ("a", "-", "a- -a a-", "make"),
        ];
        for (then, now, did, expected) in table {
            let content = |text: &str| text.chars().next().filter(|char| *char != '-');
            let step = step(content(then).as_ref(), content(now).as_ref(), &done(did));
            let told = step.map_or("same".to_owned(), |step| {
                let act = match step.act {
                    Act::Make => "make",
                    Act::Write => "write",
                    Act::Delete => "delete",
                };
                match (step.refused, step.of_the_user) {
                    (true, _) => format!("{act} never"),
                    (_, true) => format!("{act} named"),
                    _ => act.to_owned(),
                }
            });
            assert_eq!(told, expected, "{then} {now} {did}");
        }
    }
}
