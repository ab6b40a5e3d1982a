//! The pages' port, implemented over the fleet for one request: every operation asks the policy for a permit first.

use crate::access::rules::Rules;
use crate::error::{reading_to_public, to_public, unknown_to_public};
use crate::state::AppState;
use muxboard_app::board::{Board, Promise};
use muxboard_app::error::{Kind, PublicError};
use muxboard_core::audit::AuditEvent;
use muxboard_core::confirm::{NotConfirmed, confirm};
use muxboard_core::name::{HostKey, NewSessionName};
use muxboard_core::outcome::Created;
use muxboard_core::policy::{Actor, Create, Denied, Dismiss, Kill, Operation, Permit, ReadText, Refresh, Rename, SendReply, permit};
use muxboard_core::snapshot::{Kept, Place, SessionId, UnixSeconds};
use muxboard_core::tmux::PaneId;
use muxboard_core::view::{self, View};
use muxboard_fleet::{ActionError, OpenQuestion, Sent, unix_now};
use std::sync::Arc;

/// The board as the sender of one request may see and use it, by the rules at the time of the request.
#[derive(Clone)]
pub(crate) struct BoardPort {
    pub(crate) state: Arc<AppState>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) who: Actor,
}

impl BoardPort {
    /// Asks the policy for a permit. Records a denial in the audit and returns its public sentence.
    pub(crate) fn permit<O: Operation>(&self, place: Place, operation: O) -> Result<Permit<O>, PublicError> {
        let denied = AuditEvent::asked(&self.who, &place, &operation, "");
        self.permit_now(place, operation).map_err(|why| {
            let (result, error) = match why {
                Denied::Unknown => ("denied: no such host or user".to_owned(), PublicError::new(Kind::NotFound, "There is no such host or user here.")),
                Denied::Forbidden(ability) => {
                    let needs = format!("it needs the ability \"{}\"", ability.word());
                    (format!("denied: {needs}"), PublicError::new(Kind::Forbidden, format!("You may not {} there: {needs}.", O::NAME)))
                }
            };
            (self.state.audit)(AuditEvent { result, ..denied });
            error
        })
    }

    /// A permit by the rules of the request, if the rules of now grant it too: a body or a first frame may come long after its request began.
    fn permit_now<O: Operation>(&self, place: Place, operation: O) -> Result<Permit<O>, Denied> {
        let permit = permit(&self.rules.policy, &self.rules.inventory, &self.who, place, operation)?;
        let (then, now) = (&self.rules, self.state.rules());
        let place = permit.place();
        let target = |rules: &Rules| rules.inventory.host(&place.host).map(|host| (host.reach.clone(), host.login.clone(), host.user(&place.user).cloned()));
        if !Arc::ptr_eq(then, &now) && target(then) != target(&now) {
            return Err(Denied::Unknown);
        }
        match now.policy.missing(&permit) {
            Some(ability) => Err(Denied::Forbidden(ability)),
            None => Ok(permit),
        }
    }
}

impl BoardPort {
    /// Reads what a pane of a session shows; without a `pane`, the one in which a person is asked.
    pub(crate) async fn question(&self, place: Place, session: SessionId, pane: Option<PaneId>) -> Result<OpenQuestion, PublicError> {
        let permit = self.permit(place, ReadText { session })?;
        let asking = || self.view().session(permit.place(), session).and_then(|session| session.asking()).map(|window| PaneId(window.pane));
        // Where nothing is known of the session, tmux says that it is gone.
        let pane = pane.or_else(asking).unwrap_or(PaneId(0));
        self.state.fleet.question(&permit, pane).await.map_err(reading_to_public)
    }

    /// Sends an answer to a pane, if it still shows the question with this fingerprint.
    pub(crate) async fn answer(&self, place: Place, reply: SendReply) -> Result<Sent, PublicError> {
        self.state.fleet.answer(self.permit(place, reply)?).await.map_err(to_public)
    }
}

impl Board for BoardPort {
    fn view(&self) -> View {
        // The snapshot is of now, and may hold hosts that the rules of the request do not know.
        view::visible(&self.state.rules().policy, &self.who.principal, &self.state.fleet.snapshot().borrow(), unix_now())
    }

    fn create(&self, place: Place, wanted: Create) -> Promise<'_, Created> {
        Box::pin(async move { self.state.fleet.create(self.permit(place, wanted)?).await.map_err(to_public) })
    }

    fn kill(&self, place: Place, session: SessionId, typed: String) -> Promise<'_, Kept> {
        Box::pin(async move {
            let permit = self.permit(place.clone(), Kill { session })?;
            let view = self.view();
            let known = view.session(&place, session);
            let report = |result: &str| (self.state.audit)(AuditEvent::of(&permit, None, result));
            let Some(known) = known else {
                let doubt = view.doubt(&place);
                report(if doubt.is_some() { "user not reached" } else { "gone" });
                return Err(doubt.map_or_else(|| to_public(ActionError::Gone), unknown_to_public));
            };
            let denied = AuditEvent::of(&permit, None, "denied: the name was not confirmed");
            let confirmed = confirm(permit, &typed, &known.name).map_err(|NotConfirmed| {
                (self.state.audit)(denied);
                PublicError::new(Kind::NotConfirmed, "That is not the session's name, letter for letter. Nothing was killed.")
            })?;
            self.state.fleet.kill(confirmed).await.map_err(to_public)
        })
    }

    fn rename(&self, place: Place, session: SessionId, name: NewSessionName) -> Promise<'_, ()> {
        Box::pin(async move { self.state.fleet.rename(self.permit(place, Rename { session, name })?).await.map_err(to_public) })
    }

    fn dismiss(&self, place: Place, session: SessionId, until: UnixSeconds) -> Promise<'_, ()> {
        Box::pin(async move { self.state.fleet.dismiss(self.permit(place, Dismiss { session, until })?).await.map_err(to_public) })
    }

    fn refresh(&self, host: Option<HostKey>) -> Promise<'_, ()> {
        Box::pin(async move {
            let (policy, inventory) = (&self.rules.policy, &self.rules.inventory);
            let hosts = inventory.hosts.iter().filter(|h| host.as_ref().is_none_or(|key| *key == h.key));
            let places: Vec<Place> = hosts.flat_map(|h| h.users.iter().map(|u| Place { host: h.key.clone(), user: u.name.clone() })).collect();
            if places.is_empty() {
                return Err(PublicError::new(Kind::NotFound, "There is no such host here."));
            }
            // What the caller may not see is left out without a word, unless that is everything.
            let (mut permits, mut refused) = (Vec::new(), None);
            for place in places {
                match permit(policy, inventory, &self.who, place.clone(), Refresh) {
                    Ok(permit) => permits.push(permit),
                    Err(_) => refused = Some(place),
                }
            }
            if let (true, Some(place)) = (permits.is_empty(), refused) {
                self.permit(place, Refresh)?;
            }
            self.state.fleet.refresh(&permits).await;
            Ok(())
        })
    }
}
