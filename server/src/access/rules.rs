//! The rules of a board that can change while it runs: hosts, policy, gate, allowed hosts and origins, uploads. They change together or not at all.

use super::allowed_hosts::AllowedHosts;
use super::gate::Gate;
use muxboard_core::inventory::Inventory;
use muxboard_core::policy::Policy;
use muxboard_fleet::UploadLimits;

/// The rules of a board.
#[derive(Default)]
pub struct Rules {
    /// The configured hosts and their users.
    pub inventory: Inventory,
    /// The grants: who may do what on which host as which user.
    pub policy: Policy,
    /// The gate that identifies callers.
    pub gate: Gate,
    /// The hosts and origins it answers to.
    pub allowed_hosts: AllowedHosts,
    /// The limits of uploads; `None` where uploads are off.
    pub upload: Option<UploadLimits>,
}
