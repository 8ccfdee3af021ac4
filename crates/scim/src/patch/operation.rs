//! Reading the operations of a patch.

use serde_json::{Map, Value};

use crate::error::Error;

/// Operations in one patch at most.
const OPERATIONS_MAX: usize = 1_000;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Add,
    Replace,
    Remove,
}

/// One step.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) op: Op,
    pub(crate) path: Option<String>,
    pub(crate) value: Option<Value>,
}

impl Operation {
    /// Reads the body of a patch. Names are read in any case, and so are the operations:
    /// Entra writes `Add`.
    pub(crate) fn read(body: &Value) -> Result<Vec<Self>, Error> {
        let wrong = |detail: &str| Error::Syntax(detail.to_owned());
        let body = body.as_object().ok_or_else(|| wrong("a patch is a JSON object"))?;
        let operations = member(body, "Operations").and_then(Value::as_array);
        let operations = operations.ok_or_else(|| wrong("a patch has `Operations`"))?;
        if operations.is_empty() || operations.len() > OPERATIONS_MAX {
            return Err(Error::Syntax(format!("a patch has 1 to {OPERATIONS_MAX} operations")));
        }
        operations.iter().map(Self::one).collect()
    }

    fn one(operation: &Value) -> Result<Self, Error> {
        let wrong = |detail: &str| Error::Syntax(detail.to_owned());
        let parts = operation.as_object().ok_or_else(|| wrong("an operation is an object"))?;
        let op = match member(parts, "op").and_then(Value::as_str) {
            Some(op) if op.eq_ignore_ascii_case("add") => Op::Add,
            Some(op) if op.eq_ignore_ascii_case("replace") => Op::Replace,
            Some(op) if op.eq_ignore_ascii_case("remove") => Op::Remove,
            Some(_) | None => return Err(wrong("`op` is `add`, `replace` or `remove`")),
        };
        let path = match member(parts, "path") {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) if path.trim().is_empty() => None,
            Some(Value::String(path)) => Some(path.clone()),
            Some(_) => return Err(Error::Path("a path is a text".to_owned())),
        };
        Ok(Self { op, path, value: member(parts, "value").cloned() })
    }
}

/// A member of an object, whatever the case of its name.
pub(crate) fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}
