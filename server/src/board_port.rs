//! The pages' port, implemented over the fleet: every operation asks the policy for a permit first.

use crate::error::{to_public, unknown_to_public};
use crate::state::{AppState, unix_now};
use muxboard_app::board::{Board, Promise};
use muxboard_app::error::{Kind, PublicError};
use muxboard_core::audit::AuditEvent;
use muxboard_core::confirm::{NotConfirmed, confirm};
use muxboard_core::name::{HostKey, NewSessionName};
use muxboard_core::note::Created;
use muxboard_core::policy::{self, Asker, Create, Kill, Refresh, Rename, permit};
use muxboard_core::snapshot::{Kept, Place, SessionId, View};
use muxboard_fleet::Failed;

impl Board for AppState {
    fn view(&self, who: &Asker) -> View {
        policy::visible(&self.rules().policy, &who.principal, &self.fleet.snapshot().borrow(), unix_now())
    }

    fn create<'a>(&'a self, who: &'a Asker, place: Place, wanted: Create) -> Promise<'a, Created> {
        Box::pin(async move { self.fleet.create(self.permit(who, place, wanted)?).await.map_err(to_public) })
    }

    fn kill<'a>(&'a self, who: &'a Asker, place: Place, session: SessionId, typed: String) -> Promise<'a, Kept> {
        Box::pin(async move {
            let permit = self.permit(who, place.clone(), Kill { session })?;
            let view = self.view(who);
            let known = view.sessions().find(|(h, u, s)| h.host.key == place.host && u.row.name == place.user && s.id == session);
            let report = |result: &str| (self.audit)(AuditEvent::of(&permit, None, result));
            let Some((_, _, known)) = known else {
                let doubt = view.doubt(&place);
                report(if doubt.is_some() { "user not reached" } else { "gone" });
                return Err(doubt.map_or_else(|| to_public(Failed::Gone), unknown_to_public));
            };
            let denied = AuditEvent::of(&permit, None, "denied: the name was not confirmed");
            let confirmed = confirm(permit, &typed, &known.name).map_err(|NotConfirmed| {
                (self.audit)(denied);
                PublicError::new(Kind::NotConfirmed, "That is not the session's name, letter for letter. Nothing was killed.")
            })?;
            self.fleet.kill(confirmed).await.map_err(to_public)
        })
    }

    fn rename<'a>(&'a self, who: &'a Asker, place: Place, session: SessionId, name: NewSessionName) -> Promise<'a, ()> {
        Box::pin(async move { self.fleet.rename(self.permit(who, place, Rename { session, name })?).await.map_err(to_public) })
    }

    fn refresh<'a>(&'a self, who: &'a Asker, host: Option<HostKey>) -> Promise<'a, ()> {
        Box::pin(async move {
            let rules = self.rules();
            let hosts = rules.inventory.hosts.iter().filter(|h| host.as_ref().is_none_or(|key| *key == h.key));
            let places: Vec<Place> = hosts.flat_map(|h| h.users.iter().map(|u| Place { host: h.key.clone(), user: u.name.clone() })).collect();
            if places.is_empty() {
                return Err(PublicError::new(Kind::NotFound, "There is no such host here."));
            }
            // What the caller may not see is left out without a word, unless that is everything.
            let (mut permits, mut refused) = (Vec::new(), None);
            for place in places {
                match permit(&rules.policy, &rules.inventory, who, place.clone(), Refresh) {
                    Ok(permit) => permits.push(permit),
                    Err(_) => refused = Some(place),
                }
            }
            if let (true, Some(place)) = (permits.is_empty(), refused) {
                self.permit(who, place, Refresh)?;
            }
            self.fleet.refresh(&permits).await;
            Ok(())
        })
    }
}
