//! What endpoints say when they fail.

use crate::{
    error::ErrorKind,
    vendor_error::{from_body, from_status},
};

#[rstest::rstest]
#[case::openai(
    400,
    r#"{"error":{"message":"m","type":"invalid_request_error","code":"context_length_exceeded"}}"#
)]
#[case::anthropic(400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}"#)]
#[case::anthropic_bytes(413, r#"{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}"#)]
#[case::llama_cpp(400, r#"{"error":{"code":400,"message":"the request exceeds the available context size, try increasing it","type":"exceed_context_size_error","n_prompt_tokens":9000,"n_ctx":4096}}"#)]
#[case::vllm(400, r#"{"object":"error","message":"This model's maximum context length is 8192 tokens.","type":"BadRequestError","code":400}"#)]
#[case::google(400, r#"[{"error":{"code":400,"message":"The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}]"#)]
#[case::lm_studio(400, r#"{"error":"Trying to keep the first 9000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens"}"#)]
#[case::xai(400, r#"{"error":"This model's maximum prompt length is 131072 but the request contains 140000 tokens."}"#)]
fn context_overflow_is_recognised(#[case] status: u16, #[case] body: &str) {
    let fault = from_status(status, body);
    assert!(
        matches!(fault.kind, ErrorKind::ContextFull { .. }),
        "{fault:?}"
    );
    assert!(!fault.again, "the same request would fail again");
}

#[rstest::rstest]
#[case(401, r#"{"error":{"message":"bad key"}}"#, "Unauthorized", false)]
#[case(400, r#"[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}]"#, "Unauthorized", false)]
#[case(404, r#"{"error":"model 'x' not found"}"#, "Status", false)]
#[case(404, "<html>nothing here</html>", "NotThisApi", false)]
#[case(403, "<html>prove that you are human</html>", "NotThisApi", false)]
#[case(403, r#"{"error":{"message":"not for you"}}"#, "Unauthorized", false)]
#[case(302, "", "NotThisApi", false)]
#[case(409, "{}", "Status", true)]
#[case(408, "", "Status", true)]
#[case(
    429,
    r#"{"error":{"type":"rate_limit_error","message":"slow down"}}"#,
    "RateLimited",
    true
)]
#[case(
    429,
    r#"{"error":{"code":"insufficient_quota","message":"pay"}}"#,
    "Status",
    false
)]
#[case(
    429,
    r#"{"error":{"message":"you sent this model's maximum context length"}}"#,
    "RateLimited",
    true
)]
#[case(500, "oops", "Status", true)]
#[case(501, "", "Status", false)]
#[case(502, "<html>bad gateway</html>", "Status", true)]
#[case(
    529,
    r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
    "Status",
    true
)]
#[case(
    400,
    r#"{"error":{"code":"content_filter","message":"no"}}"#,
    "Refused",
    false
)]
#[case(
    422,
    r#"{"detail":[{"loc":["body"],"msg":"field required"}]}"#,
    "Status",
    false
)]
fn statuses(#[case] status: u16, #[case] body: &str, #[case] kind: &str, #[case] again: bool) {
    let fault = from_status(status, body);
    assert!(format!("{:?}", fault.kind).starts_with(kind), "{fault:?}");
    assert_eq!(fault.again, again, "{fault:?}");
}

#[rstest::rstest]
#[case(
    r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
    "InBand",
    true
)]
#[case(r#"{"error":{"code":502,"message":"provider died"}}"#, "InBand", true)]
#[case(
    r#"{"error":{"code":"rate_limit_exceeded","message":"slow"}}"#,
    "RateLimited",
    true
)]
#[case(
    r#"{"error":{"message":"tool template is broken","type":"invalid_request_error"}}"#,
    "InBand",
    false
)]
#[case(
    r#"{"error":"the input length exceeds the context length"}"#,
    "ContextFull",
    false
)]
fn errors_inside_a_stream(#[case] body: &str, #[case] kind: &str, #[case] again: bool) {
    let fault = from_body(&serde_json::from_str(body).expect("written above"));
    assert!(format!("{:?}", fault.kind).starts_with(kind), "{fault:?}");
    assert_eq!(fault.again, again, "{fault:?}");
}
