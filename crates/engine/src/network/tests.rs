//! What is allowed, to whom, and for how long.

use super::*;
use kerf_protocol::{ItemId, TurnId};

fn call(has_secrets: bool, ask: Option<mpsc::Sender<HostQuestion>>) -> NetworkCall {
    NetworkCall {
        turn_id: TurnId::new(),
        item_id: ItemId::new(),
        has_secrets,
        rules: Arc::new(rules()),
        ask,
    }
}

/// None of the user's.
fn rules() -> Rules {
    Rules::new("/project", None, Vec::new())
}

/// Answers in this order; counts what was asked.
fn user(answers: Vec<HostAnswer>) -> (mpsc::Sender<HostQuestion>, Arc<Mutex<Vec<String>>>) {
    let (ask, mut questions) = mpsc::channel::<HostQuestion>(8);
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let heard = Arc::clone(&asked);
    tokio::spawn(async move {
        let mut answers = answers.into_iter();
        while let Some(question) = questions.recv().await {
            lock(&heard).push(question.host);
            if let Some(answer) = answers.next() {
                let _ = question.reply.send(answer);
            }
        }
    });
    (ask, asked)
}

async fn let_to(door: &Door, target: &str) -> bool {
    let target = Target::parse(target).unwrap();
    door.permits(&target) || door.ask(&target).await.is_ok()
}

#[tokio::test]
async fn once_is_for_one_command_and_one_port() {
    let session = SessionHosts::default();
    let no = || HostAnswer::No("no".to_owned());
    let (ask, asked) = user(vec![HostAnswer::Once, no(), no(), HostAnswer::ForSession]);
    let (first, _) = session.door(call(false, Some(ask.clone()))).unwrap();
    assert!(let_to(&first, "one.test:443").await);
    assert!(let_to(&first, "ONE.test.:443").await, "it is the same host");
    assert!(!let_to(&first, "one.test:8443").await);
    assert!(
        !let_to(&first, "one.test:8443").await,
        "a no is not asked about again"
    );
    let (second, level) = session.door(call(false, Some(ask.clone()))).unwrap();
    assert_eq!(
        level,
        NetworkLevel {
            hosts: 0,
            asks: true
        }
    );
    assert!(
        !let_to(&second, "one.test:443").await,
        "nothing is inherited"
    );
    assert!(let_to(&second, "two.test:443").await);
    let (third, level) = session.door(call(false, None)).unwrap();
    assert_eq!(
        level,
        NetworkLevel {
            hosts: 1,
            asks: false
        }
    );
    assert!(let_to(&third, "two.test:443").await, "for the session");
    assert!(!let_to(&third, "one.test:443").await);
    let expected = [
        "one.test:443",
        "one.test:8443",
        "one.test:443",
        "two.test:443",
    ];
    assert_eq!(*lock(&asked), expected);
}

#[tokio::test]
async fn with_secrets_no_list_counts() {
    let session = SessionHosts::default();
    session.list(read_hosts(&["one.test".to_owned(), "no host".to_owned()]));
    assert!(
        session.door(call(true, None)).is_none(),
        "no network at all"
    );
    let (ask, asked) = user(vec![HostAnswer::ForSession]);
    let (door, level) = session.door(call(true, Some(ask))).unwrap();
    assert_eq!(
        level,
        NetworkLevel {
            hosts: 0,
            asks: true
        }
    );
    assert!(let_to(&door, "one.test:443").await);
    assert_eq!(lock(&asked).len(), 1);
    assert!(
        lock(&session.answered).is_empty(),
        "a yes to a secret is for this command"
    );
    let (plain, level) = session.door(call(false, None)).unwrap();
    assert_eq!(
        level,
        NetworkLevel {
            hosts: 1,
            asks: false
        }
    );
    assert!(let_to(&plain, "one.test:443").await);
}

#[tokio::test]
async fn connections_share_an_answer_and_the_wait_is_counted() {
    let session = SessionHosts::default();
    let (ask, mut questions) = mpsc::channel(8);
    let (door, _) = session.door(call(false, Some(ask))).unwrap();
    let both = async { tokio::join!(let_to(&door, "one.test:443"), let_to(&door, "one.test:443")) };
    let user = async {
        let HostQuestion { reply, .. } = questions.recv().await.unwrap();
        let before = door.waited();
        tokio::task::yield_now().await;
        assert!(door.waited() > before, "it goes on");
        reply.send(HostAnswer::Once).unwrap();
    };
    assert_eq!(tokio::join!(both, user).0, (true, true));
    assert!(questions.try_recv().is_err(), "asked once");
    let waited = door.waited();
    assert!(waited > Duration::ZERO);
    tokio::task::yield_now().await;
    assert_eq!(door.waited(), waited, "it stands still");
}

#[tokio::test]
async fn without_a_list_and_without_anybody_there_is_none() {
    let session = SessionHosts::default();
    assert!(session.door(call(false, None)).is_none());
    assert_eq!(
        first_bad(&["one.test".to_owned(), "*".to_owned()]),
        Some(("*", BadHost::Star))
    );
}

#[tokio::test]
async fn rules_count_before_the_list() {
    let session = SessionHosts::default();
    session.list(read_hosts(&[
        "denied.test".to_owned(),
        "asked.test".to_owned(),
    ]));
    let mut rules = rules();
    for (verdict, text) in [
        (RuleVerdict::Allow, "Network(*.allowed.test)"),
        (RuleVerdict::Allow, "Network(port.test:8443)"),
        (RuleVerdict::Deny, "Network(evil.allowed.test)"),
        (RuleVerdict::Deny, "Network(denied.test)"),
        (RuleVerdict::Ask, "Network(asked.test)"),
    ] {
        rules.add(Entry {
            verdict,
            origin: kerf_protocol::rule::RuleOrigin::Settings,
            rule: kerf_rules::Rule::parse(text).unwrap(),
        });
    }
    let (ask, mut questions) = mpsc::channel::<HostQuestion>(8);
    let with_rules = |has_secrets| NetworkCall {
        rules: Arc::new(rules.clone()),
        ..call(has_secrets, Some(ask.clone()))
    };
    let (door, level) = session.door(with_rules(false)).unwrap();
    assert_eq!(
        level,
        NetworkLevel {
            hosts: 4,
            asks: true
        }
    );
    let permits = |door: &Door, target: &str| door.permits(&Target::parse(target).unwrap());
    for (target, expected) in [
        ("a.allowed.test:443", true),
        ("A.ALLOWED.test.:80", true),
        ("a.allowed.test:22", false),
        ("port.test:8443", true),
        ("port.test:443", false),
        ("evil.allowed.test:443", false),
        ("denied.test:443", false),
        ("denied.test:8443", false),
        ("asked.test:443", false),
    ] {
        assert_eq!(permits(&door, target), expected, "{target}");
    }
    assert!(!let_to(&door, "denied.test:443").await);
    assert!(
        questions.try_recv().is_err(),
        "what is denied is not asked about"
    );
    let user = async {
        let question = questions.recv().await.unwrap();
        assert_eq!((question.rule, question.because.is_some()), (None, true));
        question.reply.send(HostAnswer::ForSession).unwrap();
        let question = questions.recv().await.unwrap();
        assert_eq!(question.rule.as_deref(), Some("Network(new.test)"));
        question.reply.send(HostAnswer::Once).unwrap();
    };
    let command = async {
        let asked = let_to(&door, "asked.test:443").await;
        (asked, let_to(&door, "new.test:443").await)
    };
    assert_eq!(tokio::join!(command, user).0, (true, true));
    assert!(permits(&door, "asked.test:443"), "for the session");
    let (with_secrets, _) = session.door(with_rules(true)).unwrap();
    assert!(!permits(&with_secrets, "a.allowed.test:443"));
}
