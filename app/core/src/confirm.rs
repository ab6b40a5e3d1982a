//! The typed-name rule: one comparison for the browser and the server, and the proof that a person typed the name.

use crate::name::SessionName;
use crate::policy::{Operation, Permit};

/// True if `typed` is exactly the name of a session: nothing trimmed, no case folded.
pub fn confirms(typed: &str, name: &SessionName) -> bool {
    typed == name.as_str()
}

/// A permit for an operation whose session a person confirmed by typing its name. Only [`confirm`] makes one.
///
/// ```compile_fail,E0451
/// use muxboard_core::confirm::Confirmed;
/// use muxboard_core::policy::{Kill, Permit};
/// fn forge(permit: Permit<Kill>) -> Confirmed<Kill> {
///     Confirmed { permit }
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Confirmed<O> {
    permit: Permit<O>,
}

impl<O: Operation> Confirmed<O> {
    /// The permit for the confirmed operation.
    pub fn into_permit(self) -> Permit<O> {
        self.permit
    }
}

/// What was typed is not the session's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotConfirmed;

/// Turns a permit into a confirmed one. `name` is the name of the session that the permit is for.
///
/// # Errors
/// When `typed` is not exactly that name.
pub fn confirm<O: Operation>(permit: Permit<O>, typed: &str, name: &SessionName) -> Result<Confirmed<O>, NotConfirmed> {
    if confirms(typed, name) { Ok(Confirmed { permit }) } else { Err(NotConfirmed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_name_confirms() {
        let name: SessionName = " build ".parse().unwrap();
        assert!(confirms(" build ", &name));
        for typed in ["", "build", " build", "Build", " BUILD "] {
            assert!(!confirms(typed, &name), "{typed:?}");
        }
    }
}
