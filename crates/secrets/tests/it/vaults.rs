//! What a vault promises of its placeholders.

use crate::tokens::Random;
use kerf_secrets::Vault;

fn github(seed: &str) -> String {
    Random::new(seed).token("gh|p_{A36}")
}

fn only(vault: &mut Vault, value: &str) -> String {
    vault.conceal(value).found[0].placeholder.clone()
}

#[test]
fn the_same_value_has_the_same_placeholder_also_in_another_vault_with_the_key() {
    let (one, two) = (github("one"), github("two"));
    let mut vault = Vault::new([1; 32]);
    let placeholder = only(&mut vault, &one);
    assert_ne!(placeholder, only(&mut vault, &two));
    assert_eq!(placeholder, only(&mut vault, &format!("again {one} here")));
    assert_eq!(vault.len(), 2);
    assert_eq!(placeholder, only(&mut Vault::new([1; 32]), &one));
    assert_ne!(placeholder, only(&mut Vault::new([2; 32]), &one));
}

#[test]
fn a_placeholder_says_what_it_stands_for_and_is_one_word() {
    let placeholder = only(&mut Vault::new([1; 32]), &github("one"));
    assert!(
        placeholder.starts_with("KERF_SECRET_github_pat_"),
        "{placeholder}"
    );
    assert!(
        placeholder
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
        "{placeholder}"
    );
    assert!(placeholder.len() < 64, "{placeholder}");
}

#[test]
fn only_own_whole_placeholders_are_put_back() {
    let value = github("one");
    let mut vault = Vault::new([1; 32]);
    let mine = only(&mut vault, &value);
    let foreign = only(&mut Vault::new([2; 32]), &value);
    let changed = mine.replace("github_pat", "github_oauth");
    let cut = &mine[..mine.len() - 1];
    for text in [
        foreign.clone(),
        changed,
        cut.to_owned(),
        format!("{mine}2"),
        format!("{mine}_old"),
        mine.to_lowercase(),
        "KERF_SECRET_".to_owned(),
        format!("KERF_SECRET_{}", "a".repeat(500)),
    ] {
        assert_eq!(vault.restore(&text), text);
    }
    for (text, expected) in [
        (mine.clone(), value.clone()),
        (format!("\\n{mine}\\n"), format!("\\n{value}\\n")),
        (format!("{mine}{{}}{mine}"), format!("{value}{{}}{value}")),
        (format!("é{mine}é"), format!("é{value}é")),
        (
            format!("KERF_SECRET_{mine}"),
            format!("KERF_SECRET_{value}"),
        ),
        (format!("{foreign} {mine}"), format!("{foreign} {value}")),
    ] {
        assert_eq!(vault.restore(&text), expected);
    }
}

#[test]
fn what_follows_a_value_in_its_word_belongs_to_it() {
    let value = github("one");
    for text in [
        format!("x{value}_suffix!"),
        format!("{value}ABC"),
        format!("{value}{value}"),
        format!("prefix_{value}."),
        format!("{value}\u{e9}"),
    ] {
        let mut vault = Vault::new([1; 32]);
        let concealed = vault.conceal(&text).text.into_owned();
        assert!(!concealed.contains(&value), "{concealed}");
        assert_eq!(vault.restore(&concealed), text);
    }
}

#[test]
fn a_value_inside_a_larger_one_goes_with_it() {
    let value = github("one");
    let text = format!("curl -u deploy:{value} https://example.org/a\n");
    let mut vault = Vault::new([1; 32]);
    let concealed = vault.conceal(&text);
    assert_eq!(concealed.found.len(), 1, "{concealed:?}");
    assert!(!concealed.text.contains(&value));
    assert_eq!(vault.restore(&concealed.text), text);
}

#[test]
fn an_edit_around_a_placeholder_keeps_the_value() {
    let (one, two) = (github("one"), github("two"));
    let file = format!("a = 1\ntoken = \"{one}\"\nb = 2\nother = \"{two}\"\n");
    let mut vault = Vault::new([1; 32]);
    let seen = vault.conceal(&file).text.into_owned();
    let edited = seen
        .replace("a = 1", "a = 10")
        .replace("token = ", "access_token = ")
        .replace("b = 2\n", "");
    assert_eq!(
        vault.restore(&edited),
        format!("a = 10\naccess_token = \"{one}\"\nother = \"{two}\"\n")
    );
}

#[test]
fn what_looks_like_a_placeholder_and_is_none_stays() {
    let text = "KERF_SECRET_github_pat_aaaaaaaaaa and KERF_SECRET_x and KERF_SECRET__zzzzzzzzzz";
    let mut vault = Vault::new([1; 32]);
    let concealed = vault.conceal(text).text.into_owned();
    assert_eq!(concealed, text);
    assert_eq!(vault.restore(&concealed), text);
}

#[test]
fn the_placeholders_of_a_text_are_told() {
    let mut vault = Vault::new([1; 32]);
    let (one, two) = (
        only(&mut vault, &github("one")),
        only(&mut vault, &github("two")),
    );
    let text = format!("curl -H {one} -H {two} {one} KERF_SECRET_no_aaaaaaaaaa");
    assert_eq!(vault.used(&text), [one.as_str(), two.as_str()]);
}

#[test]
fn debug_shows_no_value() {
    let value = github("one");
    let mut vault = Vault::new([1; 32]);
    let concealed = format!("{:?}", vault.conceal(&value));
    assert!(!concealed.contains(&value), "{concealed}");
    assert!(!format!("{vault:?}").contains(&value[4..]));
}

#[test]
fn hostile_texts_are_searched_to_their_end() {
    let many = |part: &str| part.repeat(400_000 / part.len());
    for part in [
        "ghp_",
        "eyeyey",
        "ey.",
        "sk-ant-",
        "-----BEGIN PRIVATE KEY-----\n",
        "-----END PRIVATE KEY-----",
        "-----",
        "secret",
        "curl -u a:b ",
        "KERF_SECRET_",
        "xoxb-1234567890-",
        "api_key = ",
        "://:",
        "s.s.",
        "T3BlbkFJ",
        "airtable",
        "Q~",
        "é",
        "\\",
        "\\n",
        "data: kind: secret\n",
    ] {
        let text = many(part);
        let mut vault = Vault::new([1; 32]);
        let concealed = vault.conceal(&text).text.into_owned();
        assert!(vault.restore(&concealed) == text, "{part}");
    }
}

/// Two lines of a key that touch, and a line that touches a placeholder: as one word nobody could tell them apart.
#[test]
fn values_that_touch_come_back() {
    let line = "+Xy9".repeat(12);
    let text = format!("{line}_{line}\n-----END PRIVATE KEY-----\n");
    let mut vault = Vault::new([1; 32]);
    let concealed = vault.conceal(&text).text.into_owned();
    assert!(
        !concealed.contains("Xy9Xy9") && !concealed.contains(&line),
        "{concealed}"
    );
    assert_eq!(vault.restore(&concealed), text);

    // Found by fuzzing.
    for text in [
        "-----BEGIN PRIVXy+y+9Xy9+Xy+y+9Xy+9Xy+9Xy+9Xy+9Xy9+Xy+9Xy+9X_+xyy+9Xy+9Xy+9\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\0\0\0\0\0\0\0\0CRET_github_pat_k4m9\x7f\0\0\0x2c7q_/Ab1/Ab1/Ab1/Ab1/+9Xy+9Xy+9Xy+\0\
         Xy+9Xy+9Xy+9Xy+9Xy+9Xy+9Xy+9\n-----END PRIVATE KEY-----\n",
    ] {
        let mut vault = Vault::new([1; 32]);
        let concealed = vault.conceal(text).text.into_owned();
        assert_eq!(vault.restore(&concealed), text, "{concealed}");
    }

    let token = github("a");
    let placeholder = only(&mut vault, &token);
    let text = format!("{placeholder}{line}\n{line}\n-----END PRIVATE KEY-----\n");
    let concealed = vault.conceal(&text).text.into_owned();
    assert_eq!(vault.used(&concealed).len(), 2, "{concealed}");
    let restored = vault.restore(&concealed).into_owned();
    assert_eq!(restored, text.replace(&placeholder, &token));
}
