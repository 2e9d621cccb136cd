//! Copies of the database, and what the user is told when one had to serve.

use crate::engine::Engine;
use jiff::{Timestamp, tz::TimeZone};
use kerf_protocol::{
    UnixMillis,
    request::{Check, CheckState},
};
use kerf_store::{Recovery, StoreError};
use std::time::Duration;

/// So many titles are named; of the others the number is told.
const NAMED: usize = 5;

/// How long after the start, and how often from then on, a long-lived front asks whether a backup is due.
const ASK_EVERY: Duration = Duration::from_secs(10 * 60);

impl Engine {
    /// What goes on beside the work of a front that lives long, and never ends: the login shell's `PATH` is asked for, and from
    /// then on the database is copied once a day, and checkpoints are kept within their room.
    pub async fn tend(&self) {
        self.use_login_path().await;
        loop {
            tokio::time::sleep(ASK_EVERY).await;
            self.back_up_daily().await;
            self.collect_when_idle().await;
        }
    }

    /// Copies the database once a day, after looking through it. Reads the whole file: to be called some time after the start,
    /// beside other work.
    pub async fn back_up_daily(&self) {
        match self.store().back_up_daily().await {
            Ok(made) => tracing::debug!(made, "daily backup"),
            // The next start goes back to the copy before, and tells.
            Err(error @ StoreError::Damaged { .. }) => {
                tracing::error!(%error, "the database is damaged")
            }
            Err(error) => tracing::warn!(%error, "there is no backup of today"),
        }
    }

    /// What the user must know of a database that was found damaged at this start. None: it was not.
    #[must_use]
    pub fn recovery_notice(&self) -> Option<String> {
        self.recovery().map(notice)
    }

    /// Whether the database is whole: as of the last backup, which looked through it; or now, when all of it is to be read.
    pub(crate) async fn check_data(&self, deep: bool) -> Check {
        let path = self.home().data().display().to_string();
        let check = |state, detail, hint: &str| Check {
            name: "data".to_owned(),
            state,
            detail,
            hint: hint.to_owned(),
            isolation: None,
        };
        if let Some(notice) = self.recovery_notice() {
            return check(CheckState::Warning, notice, "");
        }
        if deep {
            return match self.store().check().await {
                Ok(()) => check(
                    CheckState::Ok,
                    format!("{path}; all of the database was read and is whole"),
                    "",
                ),
                Err(error @ StoreError::Damaged { .. }) => check(
                    CheckState::Failed,
                    format!("{path}: {error}"),
                    "Close every window of Kerf, then start it again: it sets the damaged file aside and goes back to the last backup",
                ),
                Err(error) => check(
                    CheckState::Failed,
                    format!("{path}: the database was not looked through: {error}"),
                    "Ask again; nothing is known of the database until then",
                ),
            };
        }
        match self.store().backed_up_today() {
            Ok(Some(at)) => check(
                CheckState::Ok,
                format!("{path}, looked through and backed up {}", time(at)),
                "",
            ),
            Ok(None) => check(
                CheckState::Ok,
                format!("{path}; the database opens, and was not looked through within a day"),
                "`kerf doctor --deep` reads all of it",
            ),
            Err(error) => check(
                CheckState::Warning,
                format!("{path}: {error}"),
                "Free the folder for backups",
            ),
        }
    }
}

fn notice(recovery: &Recovery) -> String {
    let mut text = format!("The database was damaged ({}). ", recovery.reason);
    match recovery.backup_at {
        Some(at) => {
            text += &format!("The backup of {} serves now. ", time(at));
            text += &match (named(&recovery.sessions), recovery.requests) {
                (None, Some(0)) => "Nothing that can still be read is missing. ".to_owned(),
                (None, None) => "What happened since then is missing. ".to_owned(),
                (Some(titles), _) => format!("What happened since then in {titles} is missing. "),
                (None, Some(_)) => String::new(),
            };
            if let Some(requests @ 1..) = recovery.requests {
                text += &format!("The ledger lacks its newest {requests} rows. ");
            }
        }
        None => text += "There was no good backup, so it begins empty. ",
    }
    text + &format!(
        "The damaged file is kept in {}.",
        recovery.set_aside.display()
    )
}

fn named(titles: &[String]) -> Option<String> {
    let mut text = titles
        .iter()
        .take(NAMED)
        .map(|title| format!("“{title}”"))
        .collect::<Vec<_>>()
        .join(", ");
    if titles.len() > NAMED {
        text += &format!(" and {} more", titles.len() - NAMED);
    }
    (!titles.is_empty()).then_some(text)
}

/// A time as the user's clock shows it.
fn time(at: UnixMillis) -> String {
    Timestamp::from_millisecond(at).map_or_else(
        |_| "an unknown time".to_owned(),
        |at| {
            at.to_zoned(TimeZone::system())
                .strftime("%Y-%m-%d %H:%M")
                .to_string()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    #[tokio::test]
    async fn only_damage_is_called_damage() {
        let home = tempfile::tempdir().unwrap();
        let engine = Engine::open(Options::offline(home.path())).await.unwrap();
        let whole = engine.check_data(true).await;
        assert_eq!(whole.state, CheckState::Ok, "{whole:?}");
        engine.store().clone().close().await.unwrap();
        let closed = engine.check_data(true).await;
        assert_eq!(closed.state, CheckState::Failed, "{closed:?}");
        assert!(!closed.hint.contains("sets"), "{closed:?}");
    }

    #[test]
    fn the_notice_says_what_is_missing() {
        let recovery = |backup_at, titles: &[&str], requests| Recovery {
            reason: "row 3".to_owned(),
            set_aside: "/data/damaged/1".into(),
            backup_at,
            sessions: titles.iter().map(ToString::to_string).collect(),
            requests,
        };
        let many = ["a", "b", "c", "d", "e", "f", "g"];
        let table = [
            (
                recovery(None, &["a"], Some(3)),
                "no good backup, so it begins empty. The damaged file is kept in /data/damaged/1.",
            ),
            (
                recovery(Some(0), &["a", "b"], Some(3)),
                "in “a”, “b” is missing. The ledger lacks its newest 3 rows.",
            ),
            (
                recovery(Some(0), &many, Some(0)),
                "“e” and 2 more is missing. The damaged",
            ),
            (
                recovery(Some(0), &[], Some(2)),
                "serves now. The ledger lacks its newest 2 rows.",
            ),
            (
                recovery(Some(0), &[], Some(0)),
                "Nothing that can still be read is missing.",
            ),
            (
                recovery(Some(0), &[], None),
                "What happened since then is missing.",
            ),
        ];
        for (recovery, expected) in table {
            let notice = notice(&recovery);
            assert!(notice.contains(expected), "{notice}");
            assert!(notice.contains("(row 3)"), "{notice}");
        }
    }
}
