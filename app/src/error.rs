//! The errors that a user may see. Each has a code and an HTTP status for programs, and a sentence for people. Internal causes are logged where they
//! occur and are not part of these errors.

#[cfg(feature = "ssr")]
use leptos::prelude::use_context;
use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};

/// The code of an error, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The request is malformed.
    BadInput,
    /// The request has no principal.
    Unauthenticated,
    /// The principal may not do this.
    Forbidden,
    /// No such host or user is configured.
    NotFound,
    /// A session of this name exists already.
    NameTaken,
    /// The typed name is not the name of the session.
    NotConfirmed,
    /// The session does not exist any more.
    Gone,
    /// The screen does not show any more what was answered, or takes no answer: nothing was sent.
    Changed,
    /// A limit is reached: of terminals, boards, uploads, texts, creations, windows or calls for a user.
    CapReached,
    /// The request, or the text that it asks for, is larger than the limit.
    TooLarge,
    /// The host did not take an uploaded file: its folder, the number of its files, or the write.
    NoRoom,
    /// There were too many failed logins.
    Locked,
    /// The host or the user cannot be reached.
    Unreachable,
    /// The server failed.
    Internal,
}

/// An error without internal details, which may be sent to the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicError {
    /// The code, for programs.
    pub code: Kind,
    /// The sentence, for people.
    pub says: String,
}

impl PublicError {
    /// Makes an error from its code and its sentence.
    pub fn new(code: Kind, says: impl Into<String>) -> Self {
        Self { code, says: says.into() }
    }

    /// The HTTP status of this code (RFC 9110).
    pub fn status(&self) -> u16 {
        match self.code {
            Kind::BadInput | Kind::NotConfirmed => 422,
            Kind::Unauthenticated => 401,
            Kind::Forbidden => 403,
            Kind::NotFound => 404,
            Kind::NameTaken | Kind::Changed => 409,
            Kind::Gone => 410,
            Kind::CapReached | Kind::Locked => 429,
            Kind::TooLarge => 413,
            Kind::NoRoom => 507,
            Kind::Unreachable => 502,
            Kind::Internal => 500,
        }
    }
}

impl std::fmt::Display for PublicError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.says)
    }
}
impl std::error::Error for PublicError {}

impl FromServerFnError for PublicError {
    type Encoder = JsonEncoding;
    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                Self::new(Kind::BadInput, "The form was not complete. Reload the page and try again.")
            }
            _ => Self::new(Kind::Internal, "The server could not do that. Its log says why."),
        }
    }
}

/// Sets the HTTP status of a server function's response if the result is an error.
#[cfg(feature = "ssr")]
pub fn with_status<T>(result: Result<T, PublicError>) -> Result<T, PublicError> {
    if let (Err(error), Some(options)) = (&result, use_context::<leptos_axum::ResponseOptions>())
        && let Ok(status) = error.status().try_into()
    {
        options.set_status(status);
    }
    result
}
