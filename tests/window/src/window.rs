//! An open window.

use crate::{until, wire};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Child,
    time::Duration,
};

/// What the wire calls the key of an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
const LIMIT: Duration = Duration::from_secs(20);
/// Enter, as the wire types it.
pub const ENTER: &str = "\u{e007}";

/// An open window. Selectors that begin with `/` are XPath, others CSS.
pub struct Window {
    /// A driver has one session, and keeps it when the window dies; so each window has its own.
    process: Child,
    driver: SocketAddr,
    session: String,
}

impl Window {
    /// Opens a window by a driver that listens at this address, and that waits for pages as `page_load` says.
    pub(crate) fn open(
        process: Child,
        driver: SocketAddr,
        program: &Path,
        arguments: &[&Path],
        page_load: &str,
    ) -> Self {
        let mut window = Self {
            process,
            driver,
            session: String::new(),
        };
        until("the driver answers", || TcpStream::connect(driver).is_ok());
        let arguments: Vec<_> = arguments.iter().map(|one| one.to_string_lossy()).collect();
        let options = json!({ "binary": program.to_string_lossy(), "args": arguments });
        let wanted = json!({ "webkitgtk:browserOptions": options, "pageLoadStrategy": page_load });
        let wanted = json!({ "capabilities": { "alwaysMatch": wanted } });
        let made = wire::call(driver, "POST", "/session", &wanted)
            .unwrap_or_else(|error| panic!("the window does not open: {error}"));
        made["sessionId"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut window.session);
        window.call(
            "POST",
            "/timeouts",
            json!({ "script": 50_000, "implicit": 0 }),
        );
        window
    }

    /// Calls the driver.
    ///
    /// # Errors
    /// What the driver says is wrong.
    pub fn try_call(&self, method: &str, path: &str, body: Value) -> Result<Value, String> {
        let path = format!("/session/{}{path}", self.session);
        wire::call(self.driver, method, &path, &body)
    }

    fn call(&self, method: &str, path: &str, body: Value) -> Value {
        self.try_call(method, path, body)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// The value of a function body in the page.
    ///
    /// # Panics
    /// When it throws.
    pub fn eval(&self, body: &str) -> Value {
        self.call(
            "POST",
            "/execute/sync",
            json!({ "script": body, "args": [] }),
        )
    }

    /// Waits until an expression in the page is true, and gives its value back.
    ///
    /// # Panics
    /// When it is not after 20 s; the text of the page is told.
    pub fn wait(&self, expression: &str) -> Value {
        self.wait_for(expression, LIMIT).unwrap_or_else(|| {
            let text = self.eval("return document.body.innerText");
            panic!(
                "never so: {expression}\nthe page:\n{}",
                text.as_str().unwrap_or_default()
            )
        })
    }

    /// As [`Window::wait`], but none when it is not so in time.
    #[must_use]
    pub fn wait_for(&self, expression: &str, limit: Duration) -> Option<Value> {
        let script = format!(
            "const done = arguments[0], end = performance.now() + {};
             const look = () => {{
               let value; try {{ value = ({expression}); }} catch {{}}
               if (value || performance.now() > end) done(value || null); else setTimeout(look, 15);
             }};
             look();",
            limit.as_millis()
        );
        let body = json!({ "script": script, "args": [] });
        let mut value = Value::Null;
        until("the page is there to be asked", || {
            match self.try_call("POST", "/execute/async", body.clone()) {
                Ok(answer) => value = answer,
                // The page went away while it was asked, to be loaded again.
                Err(error) if error.contains("no such frame") => return false,
                Err(error) => panic!("{error}"),
            }
            true
        });
        (!value.is_null()).then_some(value)
    }

    /// Waits until the page shows a text.
    pub fn see(&self, text: &str) {
        self.wait(&format!(
            "document.body.innerText.includes({})",
            json!(text)
        ));
    }

    /// Waits for an element, and gives its place in the wire.
    fn element(&self, selector: &str) -> String {
        self.wait(&found(selector));
        let using = using(selector);
        let element = self.call(
            "POST",
            "/element",
            json!({ "using": using, "value": selector }),
        );
        format!("/element/{}", element[ELEMENT].as_str().unwrap_or_default())
    }

    /// Waits for an element that can be used, and clicks it.
    pub fn click(&self, selector: &str) {
        self.wait(&format!("!{}.disabled", found(selector)));
        // What moves, or is drawn anew, takes the click a little later.
        until(&format!("{selector} takes a click"), || {
            let element = self.element(selector);
            let clicked = self.try_call("POST", &format!("{element}/click"), json!({}));
            clicked.inspect_err(|error| eprintln!("{error}")).is_ok()
        });
    }

    /// Clicks until an expression holds: what asks for leave does not take a click that comes too early.
    pub fn click_until(&self, selector: &str, expression: &str) {
        for _ in 0..20 {
            let either = format!("({expression}) ? 'done' : {} && 'there'", found(selector));
            if self.wait(&either) == "done" {
                return;
            }
            // It may be gone by now, taken by the click before; a click that was taken needs no second one.
            let using = using(selector);
            let element = self.try_call(
                "POST",
                "/element",
                json!({ "using": using, "value": selector }),
            );
            if let Ok(element) = element {
                let element = element[ELEMENT].as_str().unwrap_or_default();
                let _missed =
                    self.try_call("POST", &format!("/element/{element}/click"), json!({}));
            }
            let gone = format!("({expression}) || !{}", found(selector));
            let _taken = self.wait_for(&gone, Duration::from_millis(500));
        }
        panic!("clicks on {selector} did not bring {expression}");
    }

    /// Types into an element.
    pub fn type_in(&self, selector: &str, text: &str) {
        // What is drawn anew takes no key, and takes them a little later.
        until(&format!("{selector} takes keys"), || {
            let element = self.element(selector);
            let typed = self.try_call("POST", &format!("{element}/value"), json!({ "text": text }));
            typed.inspect_err(|error| eprintln!("{error}")).is_ok()
        });
    }

    /// Presses keys together, wherever the focus is; `Control` is the last but one.
    pub fn press(&self, keys: &[&str]) {
        let press = |kind: &'static str| move |key: &&str| json!({ "type": kind, "value": key });
        let actions: Vec<Value> = keys
            .iter()
            .map(press("keyDown"))
            .chain(keys.iter().rev().map(press("keyUp")))
            .collect();
        let body = json!({ "actions": [{ "type": "key", "id": "keys", "actions": actions }] });
        self.call("POST", "/actions", body);
    }

    /// Turns the wheel over an element, so many times by so many pixels, one turn a frame of 60 Hz.
    pub fn wheel(&self, selector: &str, by: i64, times: i64) {
        let element = self.element(selector);
        let element = element.trim_start_matches("/element/");
        let turn = |number| {
            json!({
                // The driver turns by what this is more than the turn before.
                "type": "scroll", "x": 0, "y": 0, "deltaX": 0, "deltaY": by * number, "duration": 16,
                "origin": { ELEMENT: element },
            })
        };
        let turns: Vec<Value> = (1..=times).map(turn).collect();
        let wheel = json!({ "type": "wheel", "id": "wheel", "actions": turns });
        self.call("POST", "/actions", json!({ "actions": [wheel] }));
    }

    /// Makes the page this large.
    pub fn resize(&self, width: i64, height: i64) {
        // The menu's bar is a part of the window that the page does not have.
        for _ in 0..3 {
            let inner = self.eval("return [innerWidth, innerHeight]");
            let rect = self.call("GET", "/window/rect", json!({}));
            let size = |name: &str| rect[name].as_i64().unwrap_or_default();
            let (dx, dy) = (
                width - inner[0].as_i64().unwrap_or_default(),
                height - inner[1].as_i64().unwrap_or_default(),
            );
            if (dx, dy) == (0, 0) {
                return;
            }
            let to = json!({ "x": 0, "y": 0, "width": size("width") + dx, "height": size("height") + dy });
            self.call("POST", "/window/rect", to);
            let _reached = self.wait_for(
                &format!("innerWidth === {width} && innerHeight === {height}"),
                Duration::from_secs(2),
            );
        }
    }

    /// Writes what the page looks like to a PNG file.
    pub fn picture(&self, file: &Path) {
        // Two frames, so that what changed last is drawn; fades are over when nothing is animated any more.
        self.wait("document.getAnimations().every((one) => one.playState !== 'running' || one.effect.getTiming().iterations === Infinity)");
        self.call("POST", "/execute/async", json!({
            "script": "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done(1)))",
            "args": [],
        }));
        let picture = self.call("GET", "/screenshot", json!({}));
        let bytes = BASE64_STANDARD
            .decode(picture.as_str().unwrap_or_default())
            .unwrap_or_else(|error| panic!("the picture cannot be read: {error}"));
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{error}"));
        }
        fs::write(file, bytes).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // The window itself ends with its desk.
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

/// What the wire calls the kind of a selector.
fn using(selector: &str) -> &'static str {
    if selector.starts_with('/') {
        "xpath"
    } else {
        "css selector"
    }
}

/// An element as an expression in the page.
fn found(selector: &str) -> String {
    let text = json!(selector);
    if selector.starts_with('/') {
        format!("document.evaluate({text}, document, null, 9).singleNodeValue")
    } else {
        format!("document.querySelector({text})")
    }
}
