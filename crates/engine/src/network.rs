//! The network of commands: what the user allowed, by the settings or by an answer, decides; `egress` connects.
//!
//! Nothing of this comes from a model, a tool argument or a repository: the list is the user's, and a host that is not
//! on it is the user's to allow.

use kerf_agent::{Connected, HostAnswer, HostQuestion, NetworkCall};
use kerf_egress::{BadHost, BoxFuture, Caller, Doorkeeper, HostPattern, Hosts, Target, Tunnels};
use kerf_protocol::{SessionId, policy::NetworkLevel, rule::RuleVerdict};
use kerf_rules::{Entry, Rules};
use kerf_sandbox::{Network, Serving};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};

/// Refused hosts that are told of a command. More are not more news.
const MAX_REFUSED: usize = 20;
/// Hosts that one command may ask about. The user's patience is not a command's to spend.
const MAX_QUESTIONS: usize = 20;
/// Connections that one command may open in all: each has a row in the ledger, which is kept for ever.
const MAX_CONNECTIONS: u32 = 5_000;

/// The hosts of one session.
#[derive(Debug, Clone, Default)]
pub(crate) struct SessionHosts {
    /// By the settings, as they were when the turn began.
    listed: Arc<Mutex<Hosts>>,
    /// By answers, for the rest of the session.
    answered: Arc<Mutex<Hosts>>,
}

impl SessionHosts {
    /// Takes another list from now on, for commands that run too.
    pub(crate) fn list(&self, hosts: Hosts) {
        *lock(&self.listed) = hosts;
    }

    fn permits(&self, target: &Target) -> bool {
        lock(&self.listed).permit(target) || lock(&self.answered).permit(target)
    }

    /// How many entries there are.
    fn count(&self) -> usize {
        lock(&self.listed).len() + lock(&self.answered).len()
    }

    /// The network of a command; none when there is no host that it could reach.
    pub(crate) fn network(
        &self,
        session_id: SessionId,
        tunnels: &Tunnels,
        call: NetworkCall,
    ) -> Option<Connected> {
        let caller = Caller {
            session_id,
            turn_id: call.turn_id,
            item_id: call.item_id,
        };
        let (door, level) = self.door(call)?;
        let network = Arc::new(CommandNetwork {
            tunnels: tunnels.clone(),
            caller,
            door,
        });
        Some(Connected { network, level })
    }

    fn door(&self, call: NetworkCall) -> Option<(Arc<Door>, NetworkLevel)> {
        let hosts = if call.has_secrets {
            0
        } else {
            self.count() + allowing(&call.rules)
        };
        let level = NetworkLevel {
            hosts: u32::try_from(hosts).unwrap_or(u32::MAX),
            asks: call.ask.is_some(),
        };
        if level == NetworkLevel::default() {
            return None;
        }
        let door = Door {
            session: self.clone(),
            has_secrets: call.has_secrets,
            rules: call.rules,
            ask: call.ask,
            asking: AsyncMutex::default(),
            state: Mutex::default(),
        };
        Some((Arc::new(door), level))
    }
}

/// The hosts of the settings. What is wrong is left out, with a word in the log: it allows nothing.
pub(crate) fn read_hosts(entries: &[String]) -> Hosts {
    let read = entries.iter().filter_map(|entry| {
        let read = entry.parse::<HostPattern>();
        if let Err(error) = &read {
            tracing::warn!(entry, %error, "a host of the settings is left out");
        }
        read.ok()
    });
    read.collect()
}

/// The rule that allows a host for a project: at this port, or at the usual ones if it is one of them.
fn rule_for(target: &Target) -> String {
    if target.has_usual_port() {
        format!("Network({})", target.host())
    } else {
        format!("Network({target})")
    }
}

/// How many rules allow hosts.
fn allowing(rules: &Rules) -> usize {
    let allows =
        |entry: &&Entry| entry.verdict == RuleVerdict::Allow && entry.rule.network_host().is_some();
    rules.entries().iter().filter(allows).count()
}

/// The first entry that is none, and what is wrong with it.
pub(crate) fn first_bad(entries: &[String]) -> Option<(&str, BadHost)> {
    entries.iter().find_map(|entry| {
        let error = entry.parse::<HostPattern>().err()?;
        Some((entry.as_str(), error))
    })
}

/// The network of one command.
struct CommandNetwork {
    tunnels: Tunnels,
    caller: Caller,
    door: Arc<Door>,
}

/// Decides for one command.
struct Door {
    session: SessionHosts,
    /// No list counts then: what the user allowed, the user did not allow for secrets.
    has_secrets: bool,
    rules: Arc<Rules>,
    ask: Option<mpsc::Sender<HostQuestion>>,
    /// One question at a time. Connections to the same host share the answer.
    asking: AsyncMutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Allowed for this command alone.
    once: Hosts,
    /// What was asked about and refused, with the reason: it is not asked about again.
    refused: BTreeMap<Target, String>,
    /// How many hosts were asked about.
    questions: usize,
    /// How many connections were served.
    served: u32,
    /// What to tell at the end.
    told: Vec<String>,
    waited: Duration,
    waits_since: Option<Instant>,
}

impl Door {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// What the rules say. One without a port denies and asks about every port, and allows the usual ones.
    fn said(&self, target: &Target) -> Option<RuleVerdict> {
        let at_port = self.rules.network(&target.to_string()).verdict;
        let host = self.rules.network(&target.host()).verdict;
        match (at_port, host) {
            (Some(RuleVerdict::Deny), _) | (_, Some(RuleVerdict::Deny)) => Some(RuleVerdict::Deny),
            (Some(RuleVerdict::Ask), _) | (_, Some(RuleVerdict::Ask)) => Some(RuleVerdict::Ask),
            (Some(RuleVerdict::Allow), _) => Some(RuleVerdict::Allow),
            (None, host) => host.filter(|_| target.has_usual_port()),
        }
    }

    /// Counts a connection. False: there were enough.
    fn counts(&self) -> bool {
        let mut state = self.state();
        state.served += 1;
        state.served <= MAX_CONNECTIONS
    }

    fn tell(&self, what: String) {
        let mut state = self.state();
        if state.told.len() < MAX_REFUSED && !state.told.contains(&what) {
            state.told.push(what);
        }
    }

    async fn decide(&self, target: &Target) -> Result<(), String> {
        let said = self.said(target);
        if said == Some(RuleVerdict::Deny) {
            return Err("a rule denies it".to_owned());
        }
        let Some(ask) = &self.ask else {
            return Err("it is not among the hosts that the user allows".to_owned());
        };
        let _one = self.asking.lock().await;
        // The answer to the one before may have been about this host too.
        if self.permits(target) {
            return Ok(());
        }
        if let Some(reason) = self.state().refused.get(target) {
            return Err(reason.clone());
        }
        {
            let mut state = self.state();
            state.questions += 1;
            if state.questions > MAX_QUESTIONS {
                return Err("the command has asked about too many hosts".to_owned());
            }
            state.waits_since = Some(Instant::now());
        }
        let _waits = Waits(self);
        let (reply, answer) = oneshot::channel();
        let question = HostQuestion {
            host: target.to_string(),
            rule: (said.is_none() && !self.has_secrets).then(|| rule_for(target)),
            because: (said == Some(RuleVerdict::Ask))
                .then(|| "A rule asks about this host".to_owned()),
            reply,
        };
        let asked = ask.send(question).await.is_ok();
        let answer = match asked {
            true => answer.await.ok(),
            false => None,
        };
        match answer {
            Some(HostAnswer::Once) => self.state().once.insert(target.pattern()),
            Some(HostAnswer::ForSession) if self.has_secrets => {
                self.state().once.insert(target.pattern());
            }
            Some(HostAnswer::ForSession) => lock(&self.session.answered).insert(target.pattern()),
            Some(HostAnswer::No(reason)) => {
                self.state().refused.insert(target.clone(), reason.clone());
                return Err(reason);
            }
            None => return Err("the command ended before it was answered".to_owned()),
        }
        Ok(())
    }
}

/// Counts the time until it is dropped.
struct Waits<'a>(&'a Door);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        if let Some(since) = state.waits_since.take() {
            state.waited += since.elapsed();
        }
    }
}

impl Doorkeeper for Door {
    fn permits(&self, target: &Target) -> bool {
        let said = self.said(target);
        if said == Some(RuleVerdict::Deny) {
            return false;
        }
        if self.state().once.permit(target) {
            return true;
        }
        // What was allowed, was not allowed for secrets.
        !self.has_secrets
            && match said {
                Some(RuleVerdict::Allow) => true,
                Some(_) => lock(&self.session.answered).permit(target),
                None => self.session.permits(target),
            }
    }

    fn ask<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(self.decide(target))
    }
}

impl Door {
    fn waited(&self) -> Duration {
        let state = self.state();
        let now = state.waits_since.map(|since| since.elapsed());
        state.waited + now.unwrap_or_default()
    }
}

impl Network for CommandNetwork {
    fn serve(&self, connection: tokio::net::TcpStream) -> Serving {
        let (tunnels, caller, door) = (self.tunnels.clone(), self.caller, Arc::clone(&self.door));
        Box::pin(async move {
            if !door.counts() {
                // Closing it is the answer.
                return door.tell("more: the command has opened too many connections".to_owned());
            }
            if let Err(error) = tunnels.serve(connection, caller, &*door).await {
                door.tell(error.to_string());
            }
        })
    }

    fn waited(&self) -> Duration {
        self.door.waited()
    }

    fn refused(&self) -> Vec<String> {
        self.door.state().told.clone()
    }
}

impl fmt::Debug for CommandNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandNetwork")
            .field("caller", &self.caller)
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panicking thread left is a set of hosts, each of which was allowed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
