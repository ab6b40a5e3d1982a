//! The hands of muxboard: it sweeps hosts, acts on sessions and opens terminals. It acts on permits alone and knows nothing of the web.

mod act;
mod attach;
mod clock;
mod create;
mod creations;
mod doctor;
mod environment;
mod error;
mod exec;
mod finding;
mod fleet;
mod hosts;
mod lock;
mod login_path;
mod open;
mod pty;
mod random;
mod refresh;
mod report;
mod schedule;
mod session_status;
mod settings;
mod slots;
mod sudo_pty;
mod sweep;
mod text;
mod transport;
mod trial;
pub mod trust;
mod upload;
mod viewers;

pub use attach::{AttachEnd, AttachLimits, Attachment, Connection};
pub use clock::unix_now;
pub use doctor::Doctor;
pub use error::ActionError;
pub use finding::{Finding, Verdict};
pub use fleet::Fleet;
pub use open::Leaving;
pub use report::Audit;
pub use session_status::SessionStatus;
pub use settings::Settings;

pub use slots::{Slot, Slots};
pub use transport::{ASKPASS_SOCKET, SshSettings, askpass, private_file};
pub use upload::{UploadLimits, Uploading};
pub use viewers::Viewer;
