//! The shape that the last answer of a session may have to have, as JSON Schema.

use kerf_model::{Part, Reply};
use kerf_protocol::{Code, Failure};
use serde_json::Value;

/// Says whether a JSON Schema can be used as the shape of an answer.
///
/// # Errors
/// When it is no schema, with the place that is wrong.
pub fn check_output_schema(schema: &Value) -> Result<(), Failure> {
    let wrong = |why: String| Failure {
        code: Code::Usage,
        message: format!("the output schema is not valid: {why}"),
        hint: "Give a JSON Schema; it must be an object".to_owned(),
    };
    if !schema.is_object() {
        return Err(wrong("it is not an object".to_owned()));
    }
    jsonschema::validator_for(schema)
        .map(drop)
        .map_err(|error| wrong(format!("{error} at `{}`", error.instance_path())))
}

/// Why an answer does not fit the shape, if it does not.
pub(crate) fn misfit(schema: &Value, reply: &Reply) -> Option<Failure> {
    let misfit = |why: String| Failure {
        code: Code::Endpoint,
        message: format!("the answer does not fit the output schema: {why}"),
        hint: "Choose a model that can give structured output, or a simpler schema".to_owned(),
    };
    let validator = match jsonschema::validator_for(schema) {
        Ok(validator) => validator,
        Err(error) => return Some(misfit(format!("the schema itself is not valid: {error}"))),
    };
    let text: String = reply
        .parts
        .iter()
        .filter_map(|part| {
            if let Part::Text(text) = part {
                Some(text.as_str())
            } else {
                None
            }
        })
        .collect();
    match serde_json::from_str(text.trim()) {
        Err(error) => Some(misfit(format!("it is not JSON ({error})"))),
        Ok(value) => validator
            .validate(&value)
            .err()
            .map(|error| misfit(format!("{error} at {}", error.instance_path()))),
    }
}
