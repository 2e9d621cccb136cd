//! Pictures of every view, for eyes, in `target/screenshots/window`:
//! `cargo test --package window-tests --features pictures pictures`.
//! The README's `docs/window.png` is `review-dark.png`, as `pngquant` or `convert -colors 256` makes it small.

use crate::ledgerd;
use std::{env, path::PathBuf};
use window_tests::{Desk, ENTER, Window};

const CONTROL: &str = "\u{e009}";
const ESCAPE: &str = "\u{e00c}";

fn folder() -> PathBuf {
    let test = env::current_exe().unwrap();
    let target = test
        .ancestors()
        .find(|folder| folder.join("debug").is_dir() || folder.join("release").is_dir());
    target.unwrap().join("screenshots/window")
}

/// Runs an action of the palette.
fn run(window: &Window, title: &str) {
    window.press(&[CONTROL, "k"]);
    window.type_in("[role=combobox]", &format!(">{title}"));
    window.wait(&format!(
        "document.querySelector('[role=option]').innerText.includes('{title}')"
    ));
    window.type_in("[role=combobox]", ENTER);
    window.wait("!document.querySelector('[role=combobox]')");
}

/// The view in both themes.
fn both(window: &Window, name: &str) {
    for (theme, title) in [("light", "Light theme"), ("dark", "Dark theme")] {
        run(window, title);
        window.wait(&format!(
            "document.documentElement.dataset.theme === '{theme}'"
        ));
        window.picture(&folder().join(format!("{name}-{theme}.png")));
    }
}

fn hunk(path: &str, number: u32, button: &str) -> String {
    format!(
        "//*[@aria-label='Hunk {number} of {path}']//button[starts-with(normalize-space(),'{button}')]"
    )
}

#[test]
fn pictures_of_every_view() {
    let model = ledgerd::model();
    let desk = Desk::new(&model);
    let project = ledgerd::project(&desk);
    let window = desk.open(&[]);
    window.resize(1440, 900);
    window.see("Drop a folder here");
    both(&window, "welcome");

    assert!(desk.start_again(&[&project]).success());
    window.wait("document.querySelector('textarea[aria-label=Message]')");
    both(&window, "new-task");
    window.type_in(
        "textarea[aria-label=Message]",
        &format!("{}{ENTER}", ledgerd::PROMPT),
    );
    window.see("Allow once");
    both(&window, "approval");

    let allowed = "document.querySelector('[data-path=\"CHANGELOG.md\"]')";
    let allow = "//button[normalize-space()='Allow for this session']";
    window.click_until(allow, allowed);
    window.click_until(
        "//button[normalize-space()='Allow once']",
        "document.body.innerText.includes('so it is gone')",
    );
    let money = "crates/money/src/money.rs";
    window.click(&hunk(money, 1, "Accept"));
    window.wait(&format!("document.querySelector(\"[aria-label='Hunk 1 of {money}']\").innerText.includes('accepted')"));
    window.click(&hunk(money, 2, "Comment"));
    window.type_in(
        "textarea[aria-label^='Comment on']",
        "Give the remainder to the last part, as payouts do.",
    );
    window.click("//button[starts-with(normalize-space(),'Save comment')]");
    window.see("sends with your next");
    window.eval("document.activeElement.blur()");
    both(&window, "review");

    run(&window, "Show or hide the review");
    both(&window, "conversation");
    window.resize(900, 900);
    both(&window, "conversation-900");
    window.resize(1440, 900);
    for size in 11..=20 {
        window.press(&[CONTROL, "="]);
        window.wait(&format!(
            "document.documentElement.style.getPropertyValue('--scale') === String({size} / 10)"
        ));
    }
    both(&window, "conversation-200-percent");
    window.press(&[CONTROL, "0"]);

    run(&window, "Show the ledger");
    window.wait("document.querySelector('[aria-label=Requests]')");
    both(&window, "ledger");
    window.press(&[ESCAPE]);
    window.press(&[CONTROL, ","]);
    window.wait("document.querySelector('nav[aria-label=Settings]')");
    let parts = window.eval("return [...document.querySelectorAll('nav[aria-label=Settings] button')].map((one) => one.innerText)");
    for part in parts
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|part| part.as_str())
    {
        window.click(&format!(
            "//nav[@aria-label='Settings']//button[normalize-space()='{part}']"
        ));
        let name = part.split(' ').next().unwrap_or_default().to_lowercase();
        both(&window, &format!("settings-{name}"));
    }
    window.press(&[CONTROL, "k"]);
    window.wait("document.querySelector('[role=option]')");
    window.picture(&folder().join("palette-dark.png"));
}
