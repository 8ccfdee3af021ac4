//! Beginning with a template: answers become a policy, which is shown and not yet kept.

use access::{Caller, Permission};
use axum::extract::State;
use base::page::{Form, View};
use base::problem::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

use super::editor::{Editor, PolicyForm};
use crate::template::Answers;
use crate::{Draft, Guardrails};

/// The answers of a template, as typed.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TemplateForm {
    about: String,
    action: String,
    role: String,
    data_class: String,
    addresses: String,
    minutes: String,
    from: String,
    to: String,
    days: Vec<String>,
}

impl From<TemplateForm> for Answers {
    fn from(form: TemplateForm) -> Self {
        let TemplateForm { about, action, role, data_class, addresses, minutes, from, to, days } =
            form;
        Self { about, action, role, data_class, addresses, minutes, from, to, days }
    }
}

/// Makes a policy of answers. Nothing is kept.
#[utoipa::path(post, path = "/guardrails/template", tag = "console",
    security(("key" = ["settings:guardrails"])), responses((status = 200), (status = 422)))]
pub(super) async fn begin(
    caller: Caller,
    State(guardrails): State<Guardrails>,
    Form(form): Form<TemplateForm>,
) -> Result<View, Problem> {
    caller.require(Permission::SettingsGuardrails)?;
    let answers = Answers::from(form);
    let mut editor = Editor::default();
    match answers.policy() {
        Ok((name, policy)) => {
            let draft = Draft { policy };
            editor.findings = guardrails.validate(&caller, &draft)?.findings;
            let on = Some("yes".to_owned());
            editor.form = PolicyForm { guardrail: None, name, policy: draft.policy, on };
        }
        Err(faults) => {
            editor.form.on = Some("yes".to_owned());
            editor.unanswered = faults;
        }
    }
    Editor { answers, ..editor }.page()
}
