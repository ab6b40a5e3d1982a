//! Failures as public sentences, for the pages and the API: of an action on a host, of a text that cannot be read, of a refused login.

use crate::access::caller::Refusal;
use muxboard_app::error::{Kind, PublicError};
use muxboard_core::fault;
use muxboard_core::limits::{PRINCIPAL_BYTES_MAX, UPLOAD_FILES_MAX};
use muxboard_core::snapshot::UserState;
use muxboard_core::tmux::Closed;
use muxboard_core::upload::{FOLDER, Refused};
use muxboard_fleet::ActionError;

/// Of somebody whom nobody has looked at since we started.
pub(crate) const NOT_LOOKED_AT: &str = "The sessions of that user are not looked at yet. Wait a moment, and try again.";

/// The public sentence for an action that failed.
pub(crate) fn to_public(failed: ActionError) -> PublicError {
    let unreachable = |says: &str| PublicError::new(Kind::Unreachable, says);
    match failed {
        ActionError::Gone => PublicError::new(Kind::Gone, "This session is gone, or another one has its place now. Nothing was touched."),
        ActionError::NameTaken => PublicError::new(Kind::NameTaken, "A session of that name exists already. Choose another name."),
        ActionError::MadeByConfiguration => PublicError::new(
            Kind::NameTaken,
            "The tmux configuration of that user makes a session of that name when tmux starts, and it runs now. Your command was not run: open that session, or \
             choose another name.",
        ),
        ActionError::NoDirectory => PublicError::new(Kind::BadInput, "That directory does not exist there, or that user may not enter it."),
        ActionError::EndedAtOnce => {
            PublicError::new(Kind::Unreachable, "The session ended at once. Does that user have a login shell that may run (not nologin)?")
        }
        ActionError::CapReached => PublicError::new(Kind::CapReached, "Too many terminals are open. Close one and try again."),
        ActionError::CreationsReached => {
            PublicError::new(Kind::CapReached, "You have made very many sessions in the last minutes. Wait a little, and try again.")
        }
        ActionError::WindowsReached(windows) => {
            let says =
                format!("That user's sessions have {windows} windows; with more, tmux would run out of open files and answer nobody again. End some first.");
            PublicError::new(Kind::CapReached, says)
        }
        ActionError::UploadsReached => PublicError::new(Kind::CapReached, "Too many files are on their way. Wait until one is there, and try again."),
        ActionError::TextsReached => PublicError::new(Kind::CapReached, "Texts of sessions are being read already. Wait until one is there, and try again."),
        ActionError::Busy => PublicError::new(Kind::CapReached, "Too many things are being done for that user at this moment. Wait a little, and try again."),
        ActionError::TextTooLarge => {
            PublicError::new(Kind::TooLarge, "The text is larger than what is read at once. Ask for less of the history (?history=1000).")
        }
        ActionError::Silent => unreachable("It ended there without a word: it may have been killed, or the connection broke. Nothing was kept."),
        ActionError::Unreadable => {
            unreachable("The host's answer cannot be read. Does a start file of the login account there start a program that goes on writing?")
        }
        ActionError::Changed => PublicError::new(
            Kind::Changed,
            "The screen has changed since you saw it: somebody has answered, or the program went on. Nothing was sent. Look again.",
        ),
        ActionError::Closed(why) => PublicError::new(Kind::Changed, closed_to_public(why)),
        ActionError::NotTaken(refused) => upload_to_public(refused),
        ActionError::Here(words) => unreachable(&format!("It cannot be done here: {words}.")),
        ActionError::User(UserState::Fault(fault)) if fault.kind == fault::FaultKind::NotAnswering => {
            unreachable(&format!("{} Whether it was done is not known; refresh to see.", fault.title))
        }
        ActionError::Host(fault) | ActionError::User(UserState::Fault(fault)) => unreachable(&fault.sentence()),
        ActionError::User(UserState::NoServer | UserState::Pending | UserState::Sessions(_)) => unreachable("No tmux server is running for that user."),
    }
}

/// The public sentence for a text that cannot be read. Reading changes nothing, so it leaves out whether the action was done.
pub(crate) fn reading_to_public(failed: ActionError) -> PublicError {
    match failed {
        ActionError::Host(fault) | ActionError::User(UserState::Fault(fault)) => PublicError::new(Kind::Unreachable, fault.sentence()),
        other => to_public(other),
    }
}

/// The public sentence for sessions that are not known: `Some` fault, or not looked at yet.
pub(crate) fn unknown_to_public(fault: Option<&fault::Fault>) -> PublicError {
    PublicError::new(Kind::Unreachable, fault.map_or_else(|| NOT_LOOKED_AT.to_owned(), fault::Fault::sentence))
}

/// Why a pane takes no answer.
pub(crate) fn closed_to_public(why: Closed) -> &'static str {
    match why {
        Closed::Dead => "The program in this pane has ended. Nothing can be sent to it.",
        Closed::InputOff => "The input of this pane is switched off. In tmux: select-pane -e",
        Closed::Synchronized => {
            "What is sent to this pane goes to other panes too (synchronize-panes), whose screens were not compared. Nothing is sent from here: open the terminal."
        }
        Closed::TooLong => "The last row of this screen is too long to be compared. Nothing is sent from here: open the terminal.",
    }
}

/// Why the user's own machine did not take a file.
fn upload_to_public(refused: Refused) -> PublicError {
    let no_room = |says: String| PublicError::new(Kind::NoRoom, says);
    match refused {
        Refused::Home => no_room("That user's home directory is not there, or cannot be written to.".into()),
        Refused::Folder => {
            no_room(format!("~/{FOLDER} there is not that user's own directory that nobody else may enter. As that user: rm -rf ~/{FOLDER} (look at it first)"))
        }
        Refused::File => {
            no_room(format!("~/{FOLDER} there is a file or a broken link, where the folder for uploads is to be. As that user: mv ~/{FOLDER} ~/{FOLDER}.old"))
        }
        Refused::Many => {
            no_room(format!("{UPLOAD_FILES_MAX} uploaded files are there already; they go when they are old enough. To make room now: rm ~/{FOLDER}/*"))
        }
        Refused::Write(words) if words.trim().is_empty() => no_room("The file could not be written there. Nothing of it was kept.".into()),
        Refused::Write(words) => no_room(format!("The file could not be written there: {words}. Nothing of it was kept.")),
        Refused::Cut => PublicError::new(Kind::BadInput, "The file did not come whole. Nothing of it was kept."),
    }
}

/// The public sentence for a caller whom the gate of this name refused.
pub(crate) fn refusal_to_public(gate: &str, refusal: &Refusal) -> PublicError {
    match refusal {
        Refusal::Unknown if gate == "token" => {
            PublicError::new(Kind::Unauthenticated, "You are not logged in. A program sends its token: Authorization: Bearer TOKEN.")
        }
        Refusal::Unknown => PublicError::new(Kind::Unauthenticated, "You are not logged in."),
        Refusal::Locked => {
            PublicError::new(Kind::Locked, "This token is not known, and too many wrong ones came from there. The right one is taken at any time.".to_owned())
        }
        Refusal::TooLong => {
            PublicError::new(Kind::Forbidden, format!("Your login's identity is longer than {PRINCIPAL_BYTES_MAX} bytes, and this board takes none that long."))
        }
        Refusal::NotMapped(identity) => PublicError::new(
            Kind::Forbidden,
            format!("You are logged in as {identity}, and no Unix account here is mapped to that. Whoever runs this board can add a line to its user map."),
        ),
    }
}
