//! The one command of the page: requests of the engine's table, and a few of the shell's own.

use crate::{
    Runtime,
    app::{App, failure},
    shell,
};
use kerf_protocol::{Code, Failure, request::Request};
use serde_json::Value;
use tauri::{State, WebviewWindow};

/// Carries out `{"method": …, "params": …}`.
#[tauri::command]
pub(crate) async fn rpc(
    request: Value,
    window: WebviewWindow<Runtime>,
    app: State<'_, App>,
) -> Result<Value, Failure> {
    let of_shell = request["method"]
        .as_str()
        .is_some_and(|method| method.starts_with("shell/"));
    if of_shell {
        return shell::answer(read(request)?, &window, &app).await;
    }
    let request: Request = read(request)?;
    let engine = app.engine().await?;
    // In a task of its own: a page that is loaded again stops nothing, and a panic is an answer.
    tauri::async_runtime::spawn(async move { engine.dispatch(request).await })
        .await
        .unwrap_or_else(|error| {
            let message = format!("the request ended in an error of Kerf itself: {error}");
            Err(failure(Code::Internal, message))
        })
}

fn read<T: serde::de::DeserializeOwned>(request: Value) -> Result<T, Failure> {
    serde_json::from_value(request)
        .map_err(|error| failure(Code::Usage, format!("the request is not known: {error}")))
}
