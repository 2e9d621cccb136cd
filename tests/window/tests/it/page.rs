//! The page: loaded again, dead, dropped on, and kept from everything that is not this program.

use kerf_test_support::{Fixture, ModelServer, Script, Step, Turn};
use serde_json::json;
use window_tests::{Desk, ENTER, until};

#[test]
fn a_stream_outlives_its_page() {
    let project = Fixture::new("//- /a.txt\na\n").git();
    let model = ModelServer::start(
        Script::new().turn(
            Turn::text("Alpha. ")
                .and(Step::Hold)
                .and_text("Beta. ")
                .and(Step::Hold)
                .and_text("Gamma."),
        ),
    );
    let desk = Desk::new(&model);
    let window = desk.open(&[project.path()]);
    window.type_in("textarea[aria-label=Message]", &format!("Tell me{ENTER}"));
    window.see("Alpha.");
    window.eval("location.reload()");
    window.wait("performance.getEntriesByType('navigation')[0].type === 'reload' && document.querySelector('[data-task]')");
    model.release();
    window.click("button[data-task]");
    window.see("Alpha. Beta.");
    model.release();
    window.see("Alpha. Beta. Gamma.");
    let log = "document.querySelector('[role=log]').innerText";
    let times = window.eval(&format!("return {log}.split('Alpha.').length - 1"));
    assert_eq!(times, 1, "nothing is there twice");

    let before = desk.processes("WebKitWebProcess");
    desk.kill("WebKitWebProcess");
    until("another process draws the page", || {
        let now = desk.processes("WebKitWebProcess");
        !now.is_empty() && now != before
    });
    assert_eq!(
        desk.processes("kerf-desktop").len(),
        1,
        "the program lives on"
    );
}

#[test]
fn dropped_folders_are_opened_and_the_root_asks_first() {
    let [one, two] =
        ["one", "two"].map(|name| Fixture::new(&format!("//- /{name}.txt\nx\n")).git());
    let model = ModelServer::start(Script::new());
    let desk = Desk::new(&model);
    let window = desk.open(&[]);
    // As Tauri hands on what the system tells it; the drag itself is the system's.
    let drop = |paths: &[&str]| {
        let payload = json!({ "paths": paths, "position": { "x": 9, "y": 9 } });
        window.eval(&format!(
            "const name = 'tauri://drag-drop';
             const ids = Object.getOwnPropertyNames(window.__internal_unstable_listeners_object_id__[name]);
             window.__internal_unstable_listeners_function_id__({{ event: name, payload: {payload} }}, ids);"
        ));
    };
    let [first, second] = [&one, &two].map(|fixture| fixture.path().to_str().unwrap());
    window.wait("window.__internal_unstable_listeners_object_id__?.['tauri://drag-drop']");
    drop(&[first, second]);
    window.wait(
        "document.querySelectorAll('[aria-label=Projects] [aria-label^=Remove]').length === 2",
    );
    drop(&["/"]);
    window.see("Open all of /?");
    let left = window.eval(
        "return document.querySelectorAll('[aria-label=Projects] [aria-label^=Remove]').length",
    );
    assert_eq!(left, 2, "nothing is opened before the answer");
}

#[test]
fn the_page_reaches_nothing_else() {
    let model = ModelServer::start(Script::new());
    let desk = Desk::new(&model);
    let window = desk.open(&[]);
    let remote = format!("{}/models", model.base_url());
    let asked = model.requests().len();
    // What the page's own scripts could try: the driver's stand outside of the policy, so they put a script in.
    window.eval(&format!(
        "window.told = [];
         addEventListener('securitypolicyviolation', (event) => told.push(event.effectiveDirective));
         fetch('{remote}').catch(() => {{}});
         const inline = document.createElement('script');
         inline.textContent = 'window.ran = true';
         document.body.append(inline);
         const picture = new Image(); picture.src = '{remote}';
         const frame = document.createElement('iframe'); frame.src = '{remote}'; document.body.append(frame);
         const link = document.createElement('button');
         link.setAttribute('onclick', 'window.ran = true');
         document.body.append(link); link.click(); link.remove();"
    ));
    for directive in [
        "connect-src",
        "script-src-elem",
        "script-src-attr",
        "img-src",
    ] {
        window.wait(&format!("told.includes('{directive}')"));
    }
    assert_eq!(
        window.eval("return window.ran ?? null"),
        json!(null),
        "no script of the page ran"
    );
    window.eval(&format!(
        "setTimeout(() => {{ window.opened = open('{remote}') === null; }})"
    ));
    window.wait("window.opened");
    window.eval(&format!(
        "setTimeout(() => {{ location.href = '{remote}'; window.gone = true; }})"
    ));
    window.wait("window.gone && location.protocol === 'tauri:' && document.querySelector('main')");
    assert_eq!(
        model.requests().len(),
        asked,
        "nothing reached the other server"
    );
}
