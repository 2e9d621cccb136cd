//! The native menu: one table. Keys are the page's, where the user can change them, so no item here has any,
//! but for those that macOS itself carries out.

use crate::{Runtime, windows};
use serde_json::json;
use tauri::{
    AppHandle,
    menu::{AboutMetadata, IsMenuItem, Menu, MenuItem, PredefinedMenuItem as Item, Submenu},
};

type Make = fn(&AppHandle<Runtime>) -> tauri::Result<Item<Runtime>>;

enum Entry {
    /// The page carries it out.
    Action(&'static str, &'static str),
    /// Everywhere but on macOS, which has it elsewhere.
    NotMac(&'static str, &'static str),
    /// The system carries it out.
    System(Make),
    /// The same, on macOS alone.
    Mac(Make),
}

use Entry::{Action, Mac, NotMac, System};

pub(crate) const NEW_WINDOW: &str = "app.newWindow";
const LINE: Entry = System(Item::separator);

const MENUS: &[(&str, &[Entry])] = &[
    #[cfg(target_os = "macos")]
    (
        "Kerf",
        &[
            Mac(about),
            Action("app.settings", "Settings…"),
            LINE,
            Mac(|app| Item::hide(app, None)),
            Mac(|app| Item::hide_others(app, None)),
            Mac(|app| Item::show_all(app, None)),
            Mac(|app| Item::quit(app, None)),
        ],
    ),
    (
        "File",
        &[
            Action("app.newTask", "New Task"),
            Action("app.openFolder", "Open Folder…"),
            Action(NEW_WINDOW, "New Window"),
            LINE,
            NotMac("app.settings", "Settings…"),
            Action("shell.close", "Close Window"),
            NotMac("shell.quit", "Quit"),
        ],
    ),
    (
        "Edit",
        &[
            Mac(|app| Item::undo(app, None)),
            Mac(|app| Item::redo(app, None)),
            Mac(|app| Item::cut(app, None)),
            Mac(|app| Item::copy(app, None)),
            Mac(|app| Item::paste(app, None)),
            Mac(|app| Item::select_all(app, None)),
            Action("review.undo", "Undo Decision"),
        ],
    ),
    (
        "View",
        &[
            Action("app.palette", "Command Palette…"),
            Action("view.toggleSidebar", "Tasks"),
            Action("view.toggleReview", "Review"),
            Action("app.ledger", "Ledger"),
            LINE,
            Action("shell.full_screen", "Full Screen"),
        ],
    ),
    (
        "Help",
        &[Action("app.keys", "Keyboard Shortcuts"), System(about)],
    ),
];

fn about(app: &AppHandle<Runtime>) -> tauri::Result<Item<Runtime>> {
    let metadata = AboutMetadata {
        name: Some("Kerf".to_owned()),
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        ..AboutMetadata::default()
    };
    Item::about(app, Some("About Kerf"), Some(metadata))
}

pub(crate) fn build(app: &AppHandle<Runtime>) -> tauri::Result<Menu<Runtime>> {
    let menu = Menu::new(app)?;
    for (title, entries) in MENUS {
        let submenu = Submenu::new(app, title, true)?;
        for entry in *entries {
            let mac = cfg!(target_os = "macos");
            let item: Box<dyn IsMenuItem<Runtime>> = match entry {
                NotMac(..) if mac => continue,
                Mac(_) if !mac => continue,
                Action(id, title) | NotMac(id, title) => {
                    Box::new(MenuItem::with_id(app, *id, title, true, None::<&str>)?)
                }
                System(make) | Mac(make) => Box::new(make(app)?),
            };
            submenu.append(item.as_ref())?;
        }
        menu.append(&submenu)?;
    }
    Ok(menu)
}

/// Carries an item out in the window that the user looks at, or hands it to its page.
pub(crate) fn chosen(app: &AppHandle<Runtime>, id: &str) {
    let Some(window) = windows::front(app) else {
        return;
    };
    let done = match id {
        NEW_WINDOW => windows::open(app, Vec::new()),
        "shell.close" => window.close(),
        "shell.full_screen" => window.set_fullscreen(!window.is_fullscreen().unwrap_or_default()),
        "shell.quit" => {
            app.exit(0);
            Ok(())
        }
        action => windows::ask(&window, json!({ "type": "action", "action": action })),
    };
    if let Err(error) = done {
        tracing::warn!("the menu's {id} was not carried out: {error}");
    }
}
