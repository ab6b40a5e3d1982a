//! The closed set of errors that people see. Each has a status for programs and one sentence in plain words; what went wrong inside is logged
//! where it happened and never gets here.

#[cfg(feature = "ssr")]
use leptos::prelude::use_context;
use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};

/// What kind of error it is, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// What was sent cannot be understood.
    BadInput,
    /// Nobody is logged in.
    Unauthenticated,
    /// Logged in, and not allowed.
    Forbidden,
    /// No such host or user.
    NotFound,
    /// A session of that name exists.
    NameTaken,
    /// The typed name is not the session's.
    NotConfirmed,
    /// The session is not there any more.
    Gone,
    /// Too many terminals are open.
    CapReached,
    /// What was sent is larger than it may be.
    TooLarge,
    /// There is no room for it.
    NoRoom,
    /// Too many failed logins.
    Locked,
    /// The host or the user cannot be reached.
    Unreachable,
    /// Our own fault.
    Internal,
}

/// An error that may be shown to anybody who asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicError {
    /// For programs.
    pub code: Kind,
    /// For people.
    pub says: String,
}

impl PublicError {
    /// An error with its sentence.
    pub fn new(code: Kind, says: impl Into<String>) -> Self {
        Self { code, says: says.into() }
    }

    /// The HTTP status (RFC 9110).
    pub fn status(&self) -> u16 {
        match self.code {
            Kind::BadInput | Kind::NotConfirmed => 422,
            Kind::Unauthenticated => 401,
            Kind::Forbidden => 403,
            Kind::NotFound => 404,
            Kind::NameTaken => 409,
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

/// For server functions: gives the answer the error's status.
#[cfg(feature = "ssr")]
pub fn with_status<T>(result: Result<T, PublicError>) -> Result<T, PublicError> {
    if let (Err(error), Some(options)) = (&result, use_context::<leptos_axum::ResponseOptions>())
        && let Ok(status) = error.status().try_into()
    {
        options.set_status(status);
    }
    result
}
