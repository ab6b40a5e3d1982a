//! The `PATH` of a user's logins: asked for once a command was not found.

use crate::fleet::Fleet;
use crate::hosts::HostEntry;
use crate::lock::lock;
use muxboard_core::inventory::User;
use muxboard_core::tmux;
use std::sync::Arc;

impl Fleet {
    /// Asks for the `PATH` of the logins of users one of whose commands was not found, once for each.
    pub(crate) fn ask_login_paths(&self, entry: &Arc<HostEntry>) {
        let wanted = |user: &&User| lock(&entry.sweeper).wants_login_path(user);
        let users: Vec<User> = entry.host.users.iter().filter(wanted).cloned().collect();
        if users.is_empty() {
            return;
        }
        let entry = entry.clone();
        // One after the other: a hundred accounts of one host are not a hundred logins at one moment.
        tokio::spawn(async move {
            for user in users {
                let Ok(_slot) = entry.acquire_user_slot(&user.name).await else { continue };
                if let Ok((_, words)) = entry.transport.login_path(&entry.host, &user).await
                    && let Some(path) = tmux::read_login_path(&words)
                {
                    lock(&entry.sweeper).has_login_path(&user, path);
                }
            }
        });
    }
}
