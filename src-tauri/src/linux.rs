//! What WebKitGTK needs.

use crate::Runtime;
use std::{cell::Cell, env, fs, path::Path};
use tauri::WebviewWindow;
use webkit2gtk::WebViewExt;

const NO_DMABUF: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
const NO_COMPOSITING: &str = "WEBKIT_DISABLE_COMPOSITING_MODE";
/// How often a page that crashes is loaded again.
const RELOADS: u32 = 5;

/// With NVIDIA's driver windows stay empty unless WebKit shares no buffers with the card; without any card it composes
/// frames at four times the cost. Whoever sets a variable decides. To be called before any thread is there.
pub(crate) fn prepare_graphics() {
    let nvidia = Path::new("/proc/driver/nvidia/version").exists();
    let mut nodes = fs::read_dir("/dev/dri").into_iter().flatten().flatten();
    let draws = nodes.any(|node| node.file_name().to_string_lossy().starts_with("render"));
    for (name, needed) in [(NO_DMABUF, nvidia), (NO_COMPOSITING, !nvidia && !draws)] {
        if needed && env::var_os(name).is_none() {
            // A name and a value without NUL can always be set.
            let _ = gtk::glib::setenv(name, "1", true);
        }
    }
}

/// Loads the page again when its process died; its state comes from the engine.
pub(crate) fn survive_crashes(window: &WebviewWindow<Runtime>) -> tauri::Result<()> {
    window.with_webview(|webview| {
        let reloads = Cell::new(0);
        webview
            .inner()
            .connect_web_process_terminated(move |view, reason| {
                tracing::warn!("the page's process ended: {reason:?}");
                if reloads.replace(reloads.get() + 1) < RELOADS {
                    view.reload();
                }
            });
    })
}
