//! What a git command asks (a password, a passphrase, whether a host is known) is asked in the window.
//!
//! Git and ssh start a program to ask for them: this same program, under another name. It carries the question over a
//! socket that only the user can reach, with a token that only the command's environment has, waits for the answer and
//! prints it. Nothing is kept, and nothing of it is logged.

mod ask;
mod place;

pub(crate) use ask::run_if_asked;

use blake3::Hash;
use place::Listener;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use std::{ffi::OsString, io, path::Path, sync::Arc};
use tokio::{
    io::{
        AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _,
        BufReader,
    },
    task::JoinSet,
};

/// Where to ask.
const PLACE: &str = "KERF_ASKPASS";
/// What shows that one may.
const TOKEN: &str = "KERF_ASKPASS_TOKEN";
/// The name that the asking program is started by, where a program can have several.
const NAME: &str = "kerf-askpass";
/// A longer question is cut.
const MAX_TEXT_BYTES: usize = 4 * 1024;
/// A message with the longest question, each byte of which JSON may write as six.
const MAX_MESSAGE_BYTES: u64 = 32 * 1024;
/// So many questions are open at a time.
const MAX_OPEN: usize = 8;

/// A question on its way.
#[derive(Serialize, Deserialize)]
struct Question {
    token: String,
    text: String,
    /// Whether a yes is all that is wanted.
    confirm: bool,
}

/// Its answer; none: the user gave none.
#[derive(Serialize, Deserialize)]
struct Reply {
    answer: Option<String>,
}

/// A question that came with the right token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) text: String,
    pub(crate) confirm: bool,
}

/// Answers the questions of one command.
pub(crate) trait Answers: Send + Sync + 'static {
    /// The user's answer, whenever it comes; none: there is none.
    fn ask(&self, asked: Asked) -> impl Future<Output = Option<SecretString>> + Send;
}

/// The place where one command asks.
pub(crate) struct Askpass {
    listener: Listener,
    token: Hash,
    variables: Vec<(OsString, OsString)>,
}

impl Askpass {
    /// Makes the place. `program` is one whose main calls [`run_if_asked`] first.
    pub(crate) fn open(program: &Path) -> io::Result<Self> {
        let random = || {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes).map_err(io::Error::other)?;
            Ok::<_, io::Error>(Hash::from_bytes(bytes).to_hex().to_string())
        };
        let token = random()?;
        let (listener, asking, place) = Listener::open(program, &random()?)?;
        let variables = [
            ("GIT_ASKPASS", asking.clone().into_os_string()),
            ("SSH_ASKPASS", asking.into_os_string()),
            ("SSH_ASKPASS_REQUIRE", "force".into()),
            // Nobody is at a terminal.
            ("GIT_TERMINAL_PROMPT", "0".into()),
            (PLACE, place),
            (TOKEN, token.clone().into()),
        ];
        Ok(Self {
            listener,
            token: blake3::hash(token.as_bytes()),
            variables: variables.map(|(name, value)| (name.into(), value)).into(),
        })
    }

    /// What the command's environment needs.
    pub(crate) fn variables(&self) -> Vec<(OsString, OsString)> {
        self.variables.clone()
    }

    /// Hands questions to `answers` until dropped. What has no token hears nothing.
    pub(crate) async fn serve(mut self, answers: Arc<impl Answers>) -> io::Error {
        let mut open = JoinSet::new();
        loop {
            let connection = match self.listener.accept().await {
                Ok(connection) => connection,
                Err(error) => return error,
            };
            while open.try_join_next().is_some() {}
            if open.len() >= MAX_OPEN {
                continue;
            }
            let (token, answers) = (self.token, Arc::clone(&answers));
            open.spawn(async move {
                // Who goes away without an answer has no use for an error.
                let _ = answer(connection, token, &*answers).await;
            });
        }
    }
}

async fn answer(
    mut connection: impl AsyncRead + AsyncWrite + Unpin,
    token: Hash,
    answers: &impl Answers,
) -> io::Result<()> {
    let mut line = Vec::new();
    let mut reader = BufReader::new(&mut connection).take(MAX_MESSAGE_BYTES);
    reader.read_until(b'\n', &mut line).await?;
    let question: Question = serde_json::from_slice(&line)?;
    // Hashes are compared in constant time.
    if blake3::hash(question.token.as_bytes()) != token {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let asked = Asked {
        text: cut(question.text),
        confirm: question.confirm,
    };
    let answer = {
        // The program that asked may be ended meanwhile: nobody then needs the answer.
        let mut gone = [0];
        tokio::select! {
            answer = answers.ask(asked) => answer,
            _ = connection.read(&mut gone) => return Ok(()),
        }
    };
    let reply = Reply {
        answer: answer.map(|answer| answer.expose_secret().to_owned()),
    };
    let mut bytes = serde_json::to_vec(&reply)?;
    bytes.push(b'\n');
    connection.write_all(&bytes).await?;
    connection.flush().await
}

fn cut(mut text: String) -> String {
    if text.len() > MAX_TEXT_BYTES {
        let mut end = MAX_TEXT_BYTES;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Yes;

    impl Answers for Yes {
        async fn ask(&self, asked: Asked) -> Option<SecretString> {
            Some(format!("yes to {}", asked.text).into())
        }
    }

    /// What whoever sends `message` hears.
    async fn heard(message: &[u8]) -> String {
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        let token = blake3::hash(b"the token");
        let serving = async {
            // What is wrong with a message is told to nobody.
            let _ = answer(server, token, &Yes).await;
        };
        let asking = async {
            client.write_all(message).await.unwrap();
            let mut line = String::new();
            client.read_to_string(&mut line).await.unwrap();
            line
        };
        tokio::join!(serving, asking).1
    }

    #[tokio::test]
    async fn only_who_has_the_token_is_answered() {
        let question = |token: &str| {
            let mut text = json!({"token": token, "text": "it?", "confirm": false}).to_string();
            text.push('\n');
            text.into_bytes()
        };
        assert_eq!(
            heard(&question("the token")).await,
            "{\"answer\":\"yes to it?\"}\n"
        );
        for message in [
            question("another"),
            question(""),
            b"{}\n".to_vec(),
            b"\xff\n".to_vec(),
            [b"[".repeat(40_000), b"\n".to_vec()].concat(),
        ] {
            assert_eq!(heard(&message).await, "", "{:?}", message.get(..40));
        }
    }
}
