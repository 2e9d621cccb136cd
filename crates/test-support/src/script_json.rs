//! The JSON form of a script. `SCRIPT.md` next to this crate's manifest shows every field.

use crate::script::{LineEnds, Reported, Script, Step, Stop, Tokens};
use crate::turn::Turn;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScriptForm {
    #[serde(default)]
    turns: Vec<TurnForm>,
    otherwise: Option<TurnForm>,
    #[serde(default)]
    models: Vec<ModelForm>,
    key: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ModelForm {
    Id(String),
    Entry(Value),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TurnForm {
    when_contains: Option<String>,
    #[serde(default)]
    always: bool,
    text: Option<String>,
    #[serde(default)]
    steps: Vec<StepForm>,
    status: Option<u16>,
    body: Option<Value>,
    html: Option<String>,
    redirect: Option<String>,
    #[serde(default)]
    hang_up: bool,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    stop: Option<String>,
    tokens: Option<TokensForm>,
    usage: Option<UsageForm>,
    #[serde(default)]
    interleaved: bool,
    reasoning_field: Option<String>,
    #[serde(default)]
    faults: FaultsForm,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct FaultsForm {
    stall_first: bool,
    stall_after: Option<usize>,
    cut_after: Option<usize>,
    reset_after: Option<usize>,
    end_after: Option<usize>,
    no_terminal: bool,
    line_ends: LineEndsForm,
    bom: bool,
    pieces: Option<usize>,
    pace_ms: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "lowercase")]
enum LineEndsForm {
    #[default]
    Lf,
    CrLf,
    Cr,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum UsageForm {
    Normal,
    Cumulative,
    Absent,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct TokensForm {
    input: u64,
    cached: u64,
    cache_write: u64,
    output: u64,
    reasoning: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum StepForm {
    Text(TextForm),
    Refusal(String),
    Reasoning {
        #[serde(default)]
        text: String,
        opaque: Option<String>,
        #[serde(default = "one")]
        deltas: usize,
    },
    Call {
        id: Option<String>,
        name: String,
        #[serde(default)]
        arguments: Value,
        #[serde(default)]
        splits: Vec<usize>,
    },
    Ping,
    Comment(String),
    Raw(String),
    Error {
        kind: String,
        message: String,
    },
    Hold,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TextForm {
    Whole(String),
    Split { text: String, deltas: usize },
}

fn one() -> usize {
    1
}

pub(crate) fn read(text: &str) -> Result<Script, serde_json::Error> {
    let form: ScriptForm = serde_json::from_str(text)?;
    let mut script = Script::new();
    for turn in form.turns {
        script = script.turn(turn.build()?);
    }
    if let Some(turn) = form.otherwise {
        script = script.otherwise(turn.build()?);
    }
    for model in form.models {
        script = script.model_entry(match model {
            ModelForm::Id(id) => serde_json::json!({ "id": id }),
            ModelForm::Entry(entry) => entry,
        });
    }
    if let Some(key) = form.key {
        script = script.key(&key);
    }
    Ok(script)
}

impl TurnForm {
    fn build(self) -> Result<Turn, serde_json::Error> {
        let streamed = self.text.is_some() || !self.steps.is_empty();
        let forms = [
            streamed,
            self.status.is_some(),
            self.html.is_some(),
            self.redirect.is_some(),
            self.hang_up,
        ];
        if forms.iter().filter(|present| **present).count() != 1 {
            return Err(serde::de::Error::custom(
                "a turn has either `steps` (or `text`), or one of `status`, `html`, `redirect`, `hang_up`",
            ));
        }
        let mut turn = if let Some(status) = self.status {
            Turn::status(status)
        } else if let Some(page) = &self.html {
            Turn::html(page)
        } else if let Some(to) = &self.redirect {
            Turn::redirect(to)
        } else if self.hang_up {
            Turn::hang_up()
        } else {
            let mut turn = Turn::steps(self.steps.into_iter().map(Step::from));
            if let Some(text) = self.text {
                turn = turn.and_text(text);
            }
            turn
        };
        match (self.body, self.status) {
            (None, _) => {}
            (Some(_), None) => {
                return Err(serde::de::Error::custom("`body` stands with `status` only"));
            }
            (Some(Value::String(body)), _) => turn = turn.body(body),
            (Some(body), _) => turn = turn.body(body.to_string()),
        }
        if let Some(text) = &self.when_contains {
            turn = turn.when_contains(text);
        }
        if self.always {
            turn = turn.always();
        }
        for (name, value) in &self.headers {
            turn = turn.header(name, value);
        }
        if let Some(stop) = self.stop {
            turn = turn.stop(match stop.as_str() {
                "end" => Stop::End,
                "tool_calls" => Stop::ToolCalls,
                "length" => Stop::Length,
                "refused" => Stop::Refused,
                _ => Stop::Other(stop),
            });
        }
        if let Some(tokens) = self.tokens {
            let TokensForm {
                input,
                cached,
                cache_write,
                output,
                reasoning,
            } = tokens;
            turn = turn.tokens(Tokens {
                input,
                cached,
                cache_write,
                output,
                reasoning,
            });
        }
        if let Some(usage) = self.usage {
            turn = turn.reported(match usage {
                UsageForm::Normal => Reported::Normal,
                UsageForm::Cumulative => Reported::Cumulative,
                UsageForm::Absent => Reported::Absent,
            });
        }
        if self.interleaved {
            turn = turn.interleaved();
        }
        if let Some(field) = &self.reasoning_field {
            turn = turn.reasoning_field(field);
        }
        Ok(self.faults.on(turn))
    }
}

impl FaultsForm {
    fn on(self, mut turn: Turn) -> Turn {
        turn = turn.line_ends(match self.line_ends {
            LineEndsForm::Lf => LineEnds::Lf,
            LineEndsForm::CrLf => LineEnds::CrLf,
            LineEndsForm::Cr => LineEnds::Cr,
        });
        if self.stall_first {
            turn = turn.stall_first();
        }
        if let Some(bytes) = self.stall_after {
            turn = turn.stall_after(bytes);
        }
        if let Some(bytes) = self.cut_after {
            turn = turn.cut_after(bytes);
        }
        if let Some(bytes) = self.reset_after {
            turn = turn.reset_after(bytes);
        }
        if let Some(bytes) = self.end_after {
            turn = turn.end_after(bytes);
        }
        if self.no_terminal {
            turn = turn.no_terminal();
        }
        if self.bom {
            turn = turn.bom();
        }
        if let Some(bytes) = self.pieces {
            turn = turn.pieces(bytes);
        }
        if let Some(wait) = self.pace_ms {
            turn = turn.pace(Duration::from_millis(wait));
        }
        turn
    }
}

impl From<StepForm> for Step {
    fn from(form: StepForm) -> Self {
        match form {
            StepForm::Text(TextForm::Whole(text)) => Self::Text { text, deltas: 1 },
            StepForm::Text(TextForm::Split { text, deltas }) => Self::Text { text, deltas },
            StepForm::Refusal(text) => Self::Refusal(text),
            StepForm::Reasoning {
                text,
                opaque,
                deltas,
            } => Self::Reasoning {
                text,
                opaque,
                deltas,
            },
            StepForm::Call {
                id,
                name,
                arguments,
                splits,
            } => {
                let arguments = match arguments {
                    Value::Null => "{}".to_owned(),
                    Value::String(text) => text,
                    value => value.to_string(),
                };
                Self::Call {
                    id,
                    name,
                    arguments,
                    splits,
                }
            }
            StepForm::Ping => Self::Ping,
            StepForm::Comment(text) => Self::Comment(text),
            StepForm::Raw(text) => Self::Raw(text),
            StepForm::Error { kind, message } => Self::Error { kind, message },
            StepForm::Hold => Self::Hold,
        }
    }
}
