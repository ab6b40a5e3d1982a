//! What can change while a board runs: its hosts, its policy, its gate, the names it answers to, whether it takes files. They change together or not at all.

use super::allowed_hosts::AllowedHosts;
use super::gate::Gate;
use muxboard_core::inventory::Inventory;
use muxboard_core::policy::Policy;
use muxboard_fleet::UploadLimits;

/// The rules of a board.
#[derive(Default)]
pub struct Rules {
    /// The hosts.
    pub inventory: Inventory,
    /// Who may do what.
    pub policy: Policy,
    /// Who passes.
    pub gate: Gate,
    /// The hosts and origins it answers to.
    pub allowed_hosts: AllowedHosts,
    /// Which files may be uploaded; none unless this says so.
    pub upload: Option<UploadLimits>,
}
