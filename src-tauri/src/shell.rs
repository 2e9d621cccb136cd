//! What the page asks of the program around it.

use crate::{
    Runtime,
    app::{App, Window, failure},
    menu,
};
use kerf_engine::{FeedMessage, Opened, VIEWER, allowed_link, read_picture};
use kerf_protocol::{Code, Failure};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::PathBuf;
use tauri::{
    Manager, WebviewWindow,
    ipc::{Channel, JavaScriptChannelId},
};
use tauri_plugin_dialog::DialogExt;
use tauri_plugin_opener::OpenerExt;
use tokio_util::task::AbortOnDropHandle;

#[derive(Deserialize)]
#[serde(tag = "method", content = "params")]
pub(crate) enum Request {
    /// Events, from now on, on the page's channel; it takes the place of an earlier one of the window.
    #[serde(rename = "shell/follow")]
    Follow { channel: JavaScriptChannelId },
    #[serde(rename = "shell/start_folders")]
    StartFolders {},
    #[serde(rename = "shell/open_link")]
    OpenLink { url: String },
    #[serde(rename = "shell/open_file")]
    OpenFile {
        folder: String,
        path: String,
        line: u32,
    },
    #[serde(rename = "shell/save_text")]
    SaveText { name: String, text: String },
    /// A picture that was dropped on the window.
    #[serde(rename = "shell/dropped_picture")]
    DroppedPicture { path: PathBuf },
    #[serde(rename = "shell/new_window")]
    NewWindow {},
}

pub(crate) async fn answer(
    request: Request,
    window: &WebviewWindow<Runtime>,
    app: &App,
) -> Result<Value, Failure> {
    match request {
        Request::Follow { channel } => follow(&channel, window, app).await?,
        Request::StartFolders {} => {
            let mut windows = app.windows();
            let known = windows.entry(window.label().to_owned()).or_default();
            known.listening = true;
            return Ok(json!(known.folders));
        }
        Request::OpenLink { url } => {
            let url = allowed_link(&url)?;
            window
                .opener()
                .open_url(url, None::<&str>)
                .map_err(internal)?;
        }
        Request::OpenFile { folder, path, line } => {
            let engine = app.engine().await?;
            if let Opened::BySystem(file) = engine.open_file(&folder, &path, line).await? {
                window.opener().open_path(file, VIEWER).map_err(internal)?;
            }
        }
        Request::SaveText { name, text } => return save_text(name, text, window).await,
        Request::DroppedPicture { path } => {
            let known = |window: &Window| window.dropped.contains(&path);
            if !app.windows().get(window.label()).is_some_and(known) {
                return Err(failure(Code::Denied, "this was not dropped on the window"));
            }
            let read = tokio::task::spawn_blocking(move || read_picture(&path));
            return serde_json::to_value(read.await.map_err(internal)??).map_err(internal);
        }
        Request::NewWindow {} => {
            let handle = window.app_handle().clone();
            let open = move || menu::chosen(&handle, menu::NEW_WINDOW);
            window.run_on_main_thread(open).map_err(internal)?;
        }
    }
    Ok(json!({}))
}

async fn follow(
    channel: &JavaScriptChannelId,
    window: &WebviewWindow<Runtime>,
    app: &App,
) -> Result<(), Failure> {
    let mut feed = app.engine().await?.feed();
    let channel: Channel<FeedMessage> = channel.channel_on(window.as_ref().clone());
    let task = tokio::spawn(async move { while channel.send(feed.next().await).is_ok() {} });
    let task = AbortOnDropHandle::new(task);
    if let Some(known) = app.windows().get_mut(window.label()) {
        known.follow = Some(task);
    }
    Ok(())
}

/// Asks the user for a place and writes a text there; the page never names the place. False: none was chosen.
async fn save_text(
    name: String,
    text: String,
    window: &WebviewWindow<Runtime>,
) -> Result<Value, Failure> {
    let dialog = window.dialog().file().set_parent(window);
    let ask = || dialog.set_file_name(name).blocking_save_file();
    let Some(path) = tokio::task::spawn_blocking(ask).await.map_err(internal)? else {
        return Ok(json!(false));
    };
    let path = path.into_path().map_err(internal)?;
    tokio::fs::write(&path, text).await.map_err(|error| {
        let message = format!("{} cannot be written: {error}", path.display());
        failure(Code::Storage, message)
    })?;
    Ok(json!(true))
}

fn internal(error: impl std::fmt::Display) -> Failure {
    failure(Code::Internal, error.to_string())
}
