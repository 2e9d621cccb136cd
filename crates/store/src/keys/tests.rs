//! Keys over keyrings that behave badly.

use super::*;
use std::sync::Condvar;

/// A keyring that works, does not answer, or refuses.
#[derive(Default)]
struct Fake {
    keys: Mutex<HashMap<String, String>>,
    refusal: Option<KeyError>,
    /// Calls wait while this is set.
    locked: Mutex<bool>,
    unlocked: Condvar,
}

impl Fake {
    fn ready(&self) -> Result<(), KeyError> {
        drop(
            self.unlocked
                .wait_while(lock(&self.locked), |locked| *locked)
                .unwrap(),
        );
        self.refusal.clone().map_or(Ok(()), Err)
    }

    fn unlock(&self) {
        *lock(&self.locked) = false;
        self.unlocked.notify_all();
    }
}

impl Keyring for Fake {
    fn get(&self, name: &str) -> Result<Option<SecretString>, KeyError> {
        self.ready()?;
        Ok(lock(&self.keys).get(name).map(|key| key.clone().into()))
    }

    fn set(&self, name: &str, key: &SecretString) -> Result<(), KeyError> {
        self.ready()?;
        lock(&self.keys).insert(name.to_owned(), key.expose_secret().to_owned());
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), KeyError> {
        self.ready()?;
        lock(&self.keys).remove(name);
        Ok(())
    }
}

fn keys(fake: Fake, patience: Duration) -> (Keys, Arc<Fake>) {
    let fake = Arc::new(fake);
    (Keys::with(fake.clone(), patience), fake)
}

async fn held(keys: &Keys) -> Option<String> {
    keys.get("a")
        .await
        .unwrap()
        .map(|key| key.expose_secret().to_owned())
}

#[tokio::test]
async fn a_keyring_that_works_holds_the_key() {
    let (keys, fake) = keys(Fake::default(), PATIENCE);
    assert_eq!(held(&keys).await, None);
    assert_eq!(keys.set("a", "one".into()).await, Ok(KeyPlace::Keyring));
    assert_eq!(keys.set("a", "two".into()).await, Ok(KeyPlace::Keyring));
    assert_eq!(held(&keys).await.as_deref(), Some("two"));
    assert!(
        keys.memory().is_empty(),
        "a key that is in the keyring needs no second place"
    );
    keys.delete("a").await.unwrap();
    keys.delete("a").await.unwrap();
    assert_eq!(held(&keys).await, None);
    assert!(lock(&fake.keys).is_empty());
}

#[rstest::rstest]
#[case::missing(keyring::Error::PlatformFailure("no session bus".into()), "no session bus")]
#[case::denied(keyring::Error::NoStorageAccess("the prompt was dismissed".into()), "the prompt was dismissed")]
#[case::none(
    keyring::Error::NoDefaultStore,
    "No default store has been set, so cannot search or create entries"
)]
#[tokio::test]
async fn without_a_keyring_the_key_stays_in_memory_and_the_reason_is_told(
    #[case] error: keyring::Error,
    #[case] reason: &str,
) {
    let refusal = key_error("a", &error);
    let (keys, fake) = keys(
        Fake {
            refusal: Some(refusal.clone()),
            ..Fake::default()
        },
        PATIENCE,
    );
    assert_eq!(keys.get("a").await.map(drop), Err(refusal.clone()));
    let place = keys.set("a", "one".into()).await.unwrap();
    assert_eq!(
        place,
        KeyPlace::Memory {
            reason: format!("the keyring cannot be used: {reason}")
        }
    );
    assert_eq!(held(&keys).await.as_deref(), Some("one"));
    assert_eq!(
        keys.delete("a").await,
        Err(refusal),
        "the keyring may have an older key of that name"
    );
    assert!(keys.memory().is_empty());
    assert!(lock(&fake.keys).is_empty());
}

#[tokio::test]
async fn a_locked_keyring_costs_one_wait_and_works_once_it_is_unlocked() {
    let (keys, fake) = keys(
        Fake {
            locked: Mutex::new(true),
            ..Fake::default()
        },
        Duration::from_millis(50),
    );
    let timed_out = KeyError::TimedOut { seconds: 0 };
    assert_eq!(keys.get("a").await.map(drop), Err(timed_out.clone()));
    assert_eq!(
        keys.get("a").await.map(drop),
        Err(timed_out),
        "the prompt still stands"
    );
    assert!(matches!(
        keys.set("a", "one".into()).await,
        Ok(KeyPlace::Memory { .. })
    ));
    assert_eq!(held(&keys).await.as_deref(), Some("one"));
    fake.unlock();
    while keys.inner.late.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    assert!(
        lock(&fake.keys).is_empty(),
        "what was given up on does not happen later"
    );
    assert_eq!(keys.set("a", "two".into()).await, Ok(KeyPlace::Keyring));
    assert_eq!(held(&keys).await.as_deref(), Some("two"));
}

#[tokio::test]
async fn a_damaged_entry_is_told_by_name() {
    let refusal = key_error("a", &keyring::Error::BadEncoding(b"\xffsecret".to_vec()));
    assert!(!format!("{refusal:?} {refusal}").contains("secret"));
    let (keys, _fake) = keys(
        Fake {
            refusal: Some(refusal.clone()),
            ..Fake::default()
        },
        PATIENCE,
    );
    assert_eq!(keys.get("a").await.map(drop), Err(refusal.clone()));
    assert_eq!(keys.set("a", "one".into()).await, Err(refusal));
}
