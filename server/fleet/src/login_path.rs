//! The `PATH` of a user's logins: asked for once a command was not found.

use crate::cell::{HostCell, short};
use crate::fleet::Fleet;
use muxboard_core::inventory::User;
use muxboard_core::tmux;
use std::sync::Arc;

impl Fleet {
    /// Asks for the `PATH` of the logins of users one of whose commands was not found, once for each.
    pub(crate) fn ask_login_paths(&self, cell: &Arc<HostCell>) {
        let wanted = |user: &&User| short(&cell.sweeper).wants_login_path(user);
        let users: Vec<User> = cell.host.users.iter().filter(wanted).cloned().collect();
        if users.is_empty() {
            return;
        }
        let cell = cell.clone();
        // One after the other: a hundred accounts of one host are not a hundred logins at one moment.
        tokio::spawn(async move {
            for user in users {
                let Ok(_turn) = cell.turn_of(&user.name).await else { continue };
                if let Ok((_, words)) = cell.transport.login_path(&cell.host, &user).await
                    && let Some(path) = tmux::read_login_path(&words)
                {
                    short(&cell.sweeper).has_login_path(&user, path);
                }
            }
        });
    }
}
