//! Windows: how one is made, what its page may do, and which one is meant.

use crate::{
    Runtime,
    app::{self, App},
};
use serde_json::{Value, json};
use tauri::{
    AppHandle, DragDropEvent, Emitter, Manager, WebviewUrl, WebviewWindow, WebviewWindowBuilder,
    WindowEvent,
    webview::{NewWindowResponse, PermissionResponse},
};

/// Opens a window with folders. To be called on the main thread.
pub(crate) fn open(handle: &AppHandle<Runtime>, folders: Vec<String>) -> tauri::Result<()> {
    let app = handle.state::<App>();
    let label = app.add_window(folders);
    let mut builder = WebviewWindowBuilder::new(handle, label, WebviewUrl::default())
        .title("Kerf")
        .inner_size(1360.0, 860.0)
        .min_inner_size(760.0, 480.0)
        .on_navigation(kerf_engine::is_own_page)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_download(|_, _| false)
        .on_permission_request(|_, _| PermissionResponse::Deny);
    if let Some(data) = app::data() {
        builder = builder.data_directory(data);
    }
    let window = builder.build()?;
    #[cfg(target_os = "linux")]
    crate::linux::survive_crashes(&window)?;
    drop(window);
    Ok(())
}

/// The window that the user looks at, or else the oldest.
pub(crate) fn front(handle: &AppHandle<Runtime>) -> Option<WebviewWindow<Runtime>> {
    let mut windows: Vec<_> = handle.webview_windows().into_values().collect();
    windows.sort_by_key(|window| window.label().to_owned());
    let focused = windows
        .iter()
        .position(|window| window.is_focused().unwrap_or_default());
    (!windows.is_empty()).then(|| windows.swap_remove(focused.unwrap_or_default()))
}

/// Brings a window to the front and opens folders in it.
pub(crate) fn show(handle: &AppHandle<Runtime>, paths: Vec<String>) {
    let Some(window) = front(handle) else { return };
    // What a desktop does not let a program do is not done.
    let _ = window.unminimize();
    let _ = window.set_focus();
    if paths.is_empty() {
        return;
    }
    let app = handle.state::<App>();
    let mut windows = app.windows();
    let known = windows.entry(window.label().to_owned()).or_default();
    known.folders.extend(paths.iter().cloned());
    if known.listening {
        // A page that does not hear is being loaded, and asks by itself.
        let _ = ask(&window, json!({ "type": "open", "paths": paths }));
    }
}

/// Asks the page of one window for something.
pub(crate) fn ask(window: &WebviewWindow<Runtime>, what: Value) -> tauri::Result<()> {
    window.emit_to(window.label(), "asked", what)
}

/// Notes what was dropped on a window, whose page may ask for it, and forgets a window that is gone.
pub(crate) fn happened(window: &tauri::Window<Runtime>, event: &WindowEvent) {
    let app = window.state::<App>();
    match event {
        WindowEvent::DragDrop(DragDropEvent::Drop { paths, .. }) => {
            if let Some(known) = app.windows().get_mut(window.label()) {
                known.dropped.clone_from(paths);
            }
        }
        WindowEvent::Destroyed => {
            app.windows().remove(window.label());
        }
        _ => {}
    }
}
