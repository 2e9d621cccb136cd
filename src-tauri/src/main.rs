//! The desktop window: what only a window can do, and a way into the engine.
//!
//! It holds no logic. Every request of the page goes through the one command in `rpc.rs` to the engine, and every
//! event comes back on one ordered channel a window; what the page cannot do itself (dialogs, the editor, more
//! windows) is in `shell.rs`. It reaches no network and starts nothing but the program that the user chose.
//!
//! Start with [`main`], which opens the engine beside the first window, then `windows.rs` and `rpc.rs`.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod app;
#[cfg(target_os = "linux")]
mod linux;
mod menu;
mod rpc;
mod shell;
mod windows;

use app::App;
use tauri_plugin_window_state::StateFlags;

/// The one place that names what draws the window.
type Runtime = tauri::Wry;

fn main() -> anyhow::Result<()> {
    // A sandboxed command is started by this same program.
    kerf_engine::run_if_helper();
    #[cfg(target_os = "linux")]
    linux::prepare_graphics();
    // Without a data folder there is no place for a log; the window says what is wrong with it.
    let _ = kerf_engine::Home::of_this_process().is_ok_and(|home| kerf_engine::log_to_files(&home));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    tauri::async_runtime::set(runtime.handle().clone());
    let arguments = std::env::args_os().skip(1).map(Into::into);
    let folders = kerf_engine::folders_among(arguments, &std::env::current_dir()?);

    let builder = tauri::Builder::<Runtime>::new()
        // First, since in a second start nothing else may run.
        .plugin(tauri_plugin_single_instance::init(
            |handle, arguments, folder| {
                let arguments = arguments.into_iter().skip(1).map(Into::into);
                let folders = kerf_engine::folders_among(arguments, folder.as_ref());
                windows::show(handle, folders);
            },
        ))
        .plugin(window_state())
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_opener::init())
        .plugin(tauri_plugin_notification::init())
        .manage(App::open())
        .invoke_handler(tauri::generate_handler![rpc::rpc])
        .menu(menu::build)
        .on_menu_event(|handle, event| menu::chosen(handle, event.id().as_ref()))
        .on_window_event(windows::happened)
        .setup(move |app| Ok(windows::open(app.handle(), folders)?));
    #[cfg(target_os = "macos")]
    let builder = builder.on_web_content_process_terminate(|webview| {
        // What cannot be loaded again stays empty; there is nothing better to show.
        let _ = webview.reload();
    });
    builder
        .build(tauri::generate_context!())?
        .run(|_handle, _event| {
            #[cfg(target_os = "macos")]
            if let tauri::RunEvent::Opened { urls } = _event {
                let paths = urls.iter().filter_map(|url| url.to_file_path().ok());
                windows::show(_handle, kerf_engine::folders_among(paths, "".as_ref()));
            }
        });
    Ok(())
}

/// Where windows were and how large, below Kerf's data. All windows share one memory.
fn window_state() -> tauri::plugin::TauriPlugin<Runtime> {
    let mut state = tauri_plugin_window_state::Builder::new()
        .with_state_flags(StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED)
        .map_label(|_| "window");
    if let Some(file) =
        app::data().and_then(|data| Some(data.join("windows.json").to_str()?.to_owned()))
    {
        state = state.with_filename(file);
    }
    state.build()
}
