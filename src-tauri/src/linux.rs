//! What WebKitGTK needs.

use crate::Runtime;
use std::{cell::Cell, env, path::Path};
use tauri::WebviewWindow;
use webkit2gtk::WebViewExt;

const NO_DMABUF: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
/// How often a page that crashes is loaded again.
const RELOADS: u32 = 5;

/// With NVIDIA's driver windows stay empty unless WebKit shares no buffers with the graphics card. Whoever sets the
/// variable decides. To be called before any thread is there.
pub(crate) fn prepare_graphics() {
    if env::var_os(NO_DMABUF).is_none() && Path::new("/proc/driver/nvidia/version").exists() {
        // A name and a value without NUL can always be set.
        let _ = gtk::glib::setenv(NO_DMABUF, "1", true);
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
