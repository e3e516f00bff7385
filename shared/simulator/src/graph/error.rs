//! Graph's error body: one shape, one vocabulary of codes per backend.

use http::{HeaderName, StatusCode};
use serde_json::{Value, json};

use crate::reply::Reply;

/// The backend that answers; each has its own codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    Directory,
    Outlook,
    Files,
    Teams,
}

impl Backend {
    /// The code of a 403 for want of a permission.
    pub(crate) fn denied(self) -> &'static str {
        match self {
            Self::Directory => "Authorization_RequestDenied",
            Self::Outlook => "ErrorAccessDenied",
            Self::Files => "accessDenied",
            Self::Teams => "Forbidden",
        }
    }
}

/// A Graph error, to be turned into a reply.
#[derive(Clone, Debug)]
pub(crate) struct GraphError {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) message: String,
    /// `details[]` of directory errors: (code, target).
    pub(crate) details: Vec<(String, String)>,
    /// `innerError.code`, from the outside in.
    pub(crate) inner: Vec<String>,
    pub(crate) headers: Vec<(HeaderName, String)>,
}

impl GraphError {
    pub(crate) fn new(status: StatusCode, code: &str, message: &str) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
            details: Vec::new(),
            inner: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// 400 `Request_BadRequest`.
    pub(crate) fn bad_request(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Request_BadRequest", message)
    }

    /// 404 `Request_ResourceNotFound` of the directory.
    pub(crate) fn no_resource(id: &str) -> Self {
        let text = format!(
            "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
        );
        Self::new(StatusCode::NOT_FOUND, "Request_ResourceNotFound", &text)
    }

    /// 400 with `ObjectConflict` on a property.
    pub(crate) fn conflict(property: &str) -> Self {
        let text =
            format!("Another object with the same value for property {property} already exists.");
        let mut error = Self::bad_request(&text);
        error.details.push(("ObjectConflict".to_owned(), property.to_owned()));
        error
    }

    /// 405.
    pub(crate) fn method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "Request_BadRequest",
            "Specified HTTP method is not allowed for the request target.",
        )
    }

    /// The same with an inner code more.
    pub(crate) fn with_inner(mut self, code: &str) -> Self {
        self.inner.push(code.to_owned());
        self
    }

    /// The same with a header.
    pub(crate) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The body.
    pub(crate) fn body(&self) -> Value {
        let mut inner = json!({});
        for code in self.inner.iter().rev() {
            let deeper = inner;
            inner = json!({ "code": code });
            if deeper.as_object().is_some_and(|map| !map.is_empty())
                && let Some(map) = inner.as_object_mut()
            {
                map.insert("innerError".to_owned(), deeper);
            }
        }
        let mut error = json!({ "code": self.code, "message": self.message, "innerError": inner });
        if !self.details.is_empty()
            && let Some(map) = error.as_object_mut()
        {
            let details: Vec<Value> = self
                .details
                .iter()
                .map(|(code, target)| {
                    json!({ "code": code, "message": self.message, "target": target })
                })
                .collect();
            map.insert("details".to_owned(), Value::Array(details));
        }
        json!({ "error": error })
    }
}

impl From<GraphError> for Reply {
    fn from(error: GraphError) -> Self {
        let mut reply = Self::json(error.status, &error.body());
        for (name, value) in &error.headers {
            reply = reply.with(name.clone(), value);
        }
        reply
    }
}
