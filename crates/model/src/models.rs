//! The list of an endpoint's models, in the shapes that servers give it.

use crate::{
    call::{Door, Target},
    error::{ErrorKind, ModelError},
    practice,
    retry::Pace,
    source::{Source, open},
    stream::is_local,
    vendor_error, wire,
};
use bytes::Bytes;
use kerf_egress::{About, Outbound};
use kerf_protocol::{
    endpoint::{ModelInfo, Wire},
    ledger::Purpose,
};
use serde_json::Value;
use std::time::Duration;

/// The most bytes of a list.
const MAX_LIST: usize = 8 * 1024 * 1024;

/// Where servers put the size of the context window, the one in force before the one the model was trained with.
const WINDOWS: &[&[&str]] = &[
    &["loaded_context_length"],
    &["max_model_len"],
    &["meta", "n_ctx"],
    &["context_length"],
    &["context_window"],
    &["max_context_length"],
    &["max_input_tokens"],
    &["meta", "n_ctx_train"],
    &["top_provider", "context_length"],
    &["limits", "max_context_window_tokens"],
];

/// The models that the endpoint lists, in its order.
///
/// # Errors
/// The endpoint cannot be reached, refuses the key, or answers with something that is no list of models.
pub async fn models(door: &Door, target: &Target) -> Result<Vec<ModelInfo>, ModelError> {
    let Door::Egress(egress) = door else {
        return Ok(practice::models());
    };
    let endpoint = &target.endpoint;
    let fail = |kind: ErrorKind| ModelError::new(&endpoint.name, kind.cleaned(target.key.as_ref()));
    let mut url = wire::url(endpoint, "models").map_err(fail)?;
    if endpoint.wire == Wire::Anthropic {
        // Otherwise the list comes in pages of twenty.
        url.query_pairs_mut().append_pair("limit", "1000");
    }
    let mut timeouts = Pace::new(is_local(&url)).timeouts;
    timeouts.first_byte = Duration::from_secs(30);
    timeouts.idle = Duration::from_secs(30);
    let outbound = Outbound {
        method: http::Method::GET,
        url,
        headers: wire::headers(target).map_err(fail)?,
        body: Bytes::new(),
        about: About {
            purpose: Purpose::Models,
            session_id: None,
            turn_id: None,
            files: Vec::new(),
        },
        timeouts,
    };
    let source = open(egress, outbound)
        .await
        .map_err(|fault| fail(fault.kind))?;
    let text = text(source).await.map_err(fail)?;
    read(&text).map_err(fail)
}

async fn text(mut source: Source) -> Result<String, ErrorKind> {
    let mut bytes = Vec::new();
    while let Some(chunk) = source.chunk().await.map_err(|fault| fault.kind)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_LIST {
            return Err(ErrorKind::TooLarge {
                reason: format!("a list of models of more than {} MiB", MAX_LIST >> 20),
            });
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The models in a list: `{"data": […]}`, `{"models": […]}` or a bare array.
pub(crate) fn read(text: &str) -> Result<Vec<ModelInfo>, ErrorKind> {
    let not_a_list = |reason: &str| ErrorKind::NotThisApi {
        reason: reason.to_owned(),
    };
    let json: Value = serde_json::from_str(text).map_err(|_| {
        not_a_list(if vendor_error::looks_like_html(text) {
            "an HTML page instead of a list of models"
        } else {
            "something that is not JSON instead of a list of models"
        })
    })?;
    let list = [&json["data"], &json["models"], &json]
        .into_iter()
        .find_map(Value::as_array);
    let Some(list) = list else {
        return Err(if vendor_error::is_error(&json) {
            vendor_error::from_body(&json).kind
        } else {
            not_a_list("JSON without a list of models")
        });
    };
    Ok(list.iter().filter_map(model).collect())
}

fn model(entry: &Value) -> Option<ModelInfo> {
    let id = ["id", "name", "model"]
        .iter()
        .find_map(|key| entry[*key].as_str())
        .or(entry.as_str())?;
    let context_window = WINDOWS.iter().find_map(|path| {
        path.iter()
            .try_fold(entry, |value, key| value.get(key))?
            .as_u64()
            .filter(|window| *window > 0)
    });
    Some(ModelInfo {
        id: id.to_owned(),
        context_window,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::openai(r#"{"object":"list","data":[{"id":"a","owned_by":"x"}]}"#, &[("a", None)])]
    #[case::anthropic(r#"{"data":[{"type":"model","id":"a","display_name":"A","max_input_tokens":200000}],"has_more":false}"#, &[("a", Some(200_000))])]
    #[case::vllm(r#"{"data":[{"id":"a","max_model_len":8192}]}"#, &[("a", Some(8192))])]
    #[case::llama_cpp(r#"{"models":[{"name":"m.gguf"}],"data":[{"id":"m.gguf","meta":{"n_ctx_train":131072}}]}"#, &[("m.gguf", Some(131_072))])]
    #[case::openrouter(r#"{"data":[{"id":"a/b","context_length":128000,"top_provider":{"context_length":64000}}]}"#, &[("a/b", Some(128_000))])]
    #[case::lm_studio(r#"{"data":[{"id":"a","max_context_length":32768,"loaded_context_length":4096}]}"#, &[("a", Some(4096))])]
    #[case::ollama(r#"{"models":[{"name":"qwen3:8b","model":"qwen3:8b"}]}"#, &[("qwen3:8b", None)])]
    #[case::bare(r#"["a",{"id":"b"},7]"#, &[("a", None), ("b", None)])]
    #[case::empty(r#"{"data":[]}"#, &[])]
    fn shapes(#[case] text: &str, #[case] expected: &[(&str, Option<u64>)]) {
        let models = read(text).expect("a list");
        let models: Vec<_> = models
            .iter()
            .map(|model| (model.id.as_str(), model.context_window))
            .collect();
        assert_eq!(models, expected);
    }

    #[rstest::rstest]
    #[case("<html>log in</html>")]
    #[case("")]
    #[case(r#"{"hello":"world"}"#)]
    #[case("null")]
    fn what_is_no_list(#[case] text: &str) {
        assert!(matches!(read(text), Err(ErrorKind::NotThisApi { .. })));
    }
}
