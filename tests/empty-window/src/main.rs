//! A window with a line of text and a field to type in: what the system's web view and Tauri cost before Kerf adds
//! anything.
//!
//! It is no part of the product and no test. The bench opens it beside the real window, on the same display and by the
//! same driver, so that the difference is Kerf's own. What it shows is in `page/`, its size in `tauri.conf.json`, and
//! it draws without a graphics card as Kerf's window does.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

fn main() -> tauri::Result<()> {
    #[cfg(target_os = "linux")]
    if !std::path::Path::new("/dev/dri").exists() {
        // A name and a value without NUL can always be set.
        let _ = gtk::glib::setenv("WEBKIT_DISABLE_COMPOSITING_MODE", "1", true);
    }
    tauri::Builder::default().run(tauri::generate_context!())
}
