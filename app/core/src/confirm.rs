//! The typed-name rule: one function for the browser and the server.

use crate::name::SessionName;

/// Whether what was typed confirms the kill of a session: the exact name, nothing trimmed, nothing folded.
pub fn confirms(typed: &str, name: &SessionName) -> bool {
    typed == name.as_str()
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
