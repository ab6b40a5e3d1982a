//! Who may do what, and the proof that it was checked: a [`Permit`] is made here and nowhere else, the fleet takes nothing else.

use crate::inventory::Inventory;
use crate::name::{Directory, HostKey, NewSessionName, StartupCommand, UnixUser};
use crate::reply::{Fingerprint, Reply};
use crate::snapshot::{Place, SessionId, UnixSeconds};
use crate::tmux::PaneId;
use serde::{Deserialize, Serialize};

/// Something one may be allowed to do on a host as a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ability {
    /// See that sessions exist, their names and last lines.
    See,
    /// Look at a session without touching it.
    Watch,
    /// Type into a session: full control of the Unix account.
    Type,
    /// Make and rename sessions.
    Create,
    /// End sessions.
    Kill,
}

impl Ability {
    /// All abilities, from the least to the most powerful.
    pub const ALL: [Self; 5] = [Self::See, Self::Watch, Self::Type, Self::Create, Self::Kill];

    /// The ability's word in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::See => "see",
            Self::Watch => "watch",
            Self::Type => "type",
            Self::Create => "create",
            Self::Kill => "kill",
        }
    }
}

/// A set of abilities. `watch` implies `see`, `type` implies `watch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Abilities(u8);

impl Abilities {
    /// The empty set.
    pub const NONE: Self = Self(0);
    /// The set of all abilities.
    pub const ALL: Self = Self(0b1_1111);

    /// The set of these abilities and of those that they imply.
    pub fn of(abilities: &[Ability]) -> Self {
        abilities.iter().fold(Self::NONE, |set, a| {
            Self(
                set.0
                    | match a {
                        Ability::See => 0b1,
                        Ability::Watch => 0b11,
                        Ability::Type => 0b111,
                        Ability::Create => 0b1001,
                        Ability::Kill => 0b1_0001,
                    },
            )
        })
    }

    /// True if the ability is in the set.
    pub fn has(self, ability: Ability) -> bool {
        let bit = match ability {
            Ability::See => 0b1,
            Ability::Watch => 0b10,
            Ability::Type => 0b100,
            Ability::Create => 0b1000,
            Ability::Kill => 0b1_0000,
        };
        self.0 & bit != 0
    }

    fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Who asks, as exactly one gate established it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Principal {
    /// The token's name, or the identity.
    pub name: String,
    /// Groups that the gate vouches for.
    pub groups: Vec<String>,
    /// The Unix account that the user map gives to this identity: what `@mapped` means in a grant.
    pub account: Option<UnixUser>,
}

impl Principal {
    /// A principal of that name, in no group and without a Unix account.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

/// A principal and the request it makes: what the audit keeps about who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The principal that the gate identified.
    pub principal: Principal,
    /// The name of the gate that identified the principal.
    pub gate: &'static str,
    /// The client's address, or `unix` for a client on a Unix socket.
    pub from: String,
    /// The correlation id of the request.
    pub request: String,
}

/// The hosts or users that a grant covers: any, or a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Among<T> {
    /// `*`: every one.
    Any,
    /// The listed ones alone.
    These(Vec<T>),
}

impl<T: PartialEq> Among<T> {
    fn holds(&self, item: &T) -> bool {
        match self {
            Self::Any => true,
            Self::These(items) => items.contains(item),
        }
    }
}

/// One line of the policy: who may do what, on which hosts, as which users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Principals by name, `group:NAME`, or `*`: everybody who passes the gate.
    pub who: Vec<String>,
    /// The hosts that the grant covers.
    pub hosts: Among<HostKey>,
    /// The Unix users that the grant covers.
    pub users: Among<UnixUser>,
    /// True if the grant also covers the account that the user map gives to the principal (`@mapped`).
    pub mapped: bool,
    /// The abilities that the grant gives.
    pub can: Abilities,
    /// The grant's line in the configuration, from 1; 0 for a grant that is in none.
    pub line: usize,
}

impl Grant {
    fn is_for(&self, principal: &Principal) -> bool {
        self.who.iter().any(|who| match who.strip_prefix("group:") {
            Some(group) => principal.groups.iter().any(|g| g == group),
            None => who == "*" || *who == principal.name,
        })
    }

    fn is_about(&self, principal: &Principal, host: &HostKey, user: &UnixUser) -> bool {
        self.hosts.holds(host) && (self.users.holds(user) || self.mapped && principal.account.as_ref() == Some(user))
    }
}

/// All grants. What no grant allows is denied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// The grants, in the order of the configuration.
    pub grants: Vec<Grant>,
}

impl Policy {
    /// A principal's abilities on a host as a user: the union of all grants that match.
    pub fn abilities(&self, principal: &Principal, host: &HostKey, user: &UnixUser) -> Abilities {
        self.deciding(principal, host, user).fold(Abilities::NONE, |set, grant| set.and(grant.can))
    }

    /// The grants that decide what a principal may do on a host as a user.
    pub fn deciding<'a>(&'a self, principal: &'a Principal, host: &'a HostKey, user: &'a UnixUser) -> impl Iterator<Item = &'a Grant> {
        self.grants.iter().filter(move |grant| grant.is_for(principal) && grant.is_about(principal, host, user))
    }
}

/// An action on a host as a user, with what the policy and the audit need to know of it.
pub trait Operation {
    /// The operation's name in the audit.
    const NAME: &'static str;
    /// The abilities that a principal must have for it.
    fn needs(&self) -> Vec<Ability>;
    /// The existing session that the operation acts on; `None` if it acts on none.
    fn session(&self) -> Option<SessionId> {
        None
    }
    /// The startup command of a session that the operation makes; `None` if it runs none.
    fn command(&self) -> Option<&StartupCommand> {
        None
    }
}

/// Makes a session.
#[derive(Debug, Clone)]
pub struct Create {
    /// The name of the new session.
    pub name: NewSessionName,
    /// The start directory; the home directory if `None`.
    pub directory: Option<Directory>,
    /// The startup command; the user's shell if `None`.
    pub command: Option<StartupCommand>,
}

impl Operation for Create {
    const NAME: &'static str = "create";
    fn needs(&self) -> Vec<Ability> {
        // A startup command is typing by another name.
        if self.command.is_some() { vec![Ability::Create, Ability::Type] } else { vec![Ability::Create] }
    }
    fn command(&self) -> Option<&StartupCommand> {
        self.command.as_ref()
    }
}

macro_rules! on_session {
    ($(#[$doc:meta])* $name:ident, $audit:literal, $ability:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty),* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name {
            /// The session to act on.
            pub session: SessionId,
            $($(#[$fdoc])* pub $field: $type,)*
        }
        impl Operation for $name {
            const NAME: &'static str = $audit;
            fn needs(&self) -> Vec<Ability> {
                vec![Ability::$ability]
            }
            fn session(&self) -> Option<SessionId> {
                Some(self.session)
            }
        }
    };
}
on_session!(
    /// Ends a session.
    Kill, "kill", Kill {}
);
on_session!(
    /// Gives a session another name.
    Rename, "rename", Create {
        /// The new name.
        name: NewSessionName
    }
);
on_session!(
    /// Opens a read-only terminal on a session.
    Watch, "watch", Watch {}
);
on_session!(
    /// Opens a terminal on a session to type into it.
    Type, "type", Type {}
);

on_session!(
    /// Says that nobody is needed for what a session needed somebody for: whoever may answer may say so.
    Dismiss, "dismiss", Type {
        /// Up to when, by our clock: what the session needs somebody for since a later time stands.
        until: UnixSeconds
    }
);
on_session!(
    /// Sends an answer to a program that waits in one pane of a session, if that pane still shows what was answered.
    SendReply, "answer", Type {
        /// The pane.
        pane: PaneId,
        /// The fingerprint of the question that is answered.
        fingerprint: Fingerprint,
        /// The answer.
        answer: Reply
    }
);
on_session!(
    /// Reads a session's text, history included.
    ReadText, "text", Watch {}
);
on_session!(
    /// Writes a file into the account whose session it is.
    Upload, "upload", Type {}
);

/// Asks a user's tmux again, now.
#[derive(Debug, Clone)]
pub struct Refresh;

impl Operation for Refresh {
    const NAME: &'static str = "refresh";
    fn needs(&self) -> Vec<Ability> {
        vec![Ability::See]
    }
}

/// Why an operation is not permitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// The host or the user is not in the inventory.
    Unknown,
    /// The host and the user are configured, and this ability is not granted to the principal.
    Forbidden(Ability),
}

/// The proof that a principal may do an operation on a host as a user. Only [`permit`] makes one.
///
/// ```compile_fail
/// let permit = muxboard_core::policy::Permit { actor: todo!(), place: todo!(), operation: muxboard_core::policy::Refresh };
/// ```
#[derive(Debug, Clone)]
pub struct Permit<O> {
    actor: Actor,
    place: Place,
    operation: O,
}

impl<O: Operation> Permit<O> {
    /// Who asked, through which gate and from where.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
    /// The principal that asked.
    pub fn principal(&self) -> &Principal {
        &self.actor.principal
    }
    /// The host and the user that the permit is for.
    pub fn place(&self) -> &Place {
        &self.place
    }
    /// The permitted operation.
    pub fn operation(&self) -> &O {
        &self.operation
    }
}

/// Makes a permit if the policy allows the operation. A host or user that is not configured is refused as unknown before any grant is read.
pub fn permit<O: Operation>(policy: &Policy, inventory: &Inventory, actor: &Actor, place: Place, operation: O) -> Result<Permit<O>, Denied> {
    inventory.host(&place.host).and_then(|h| h.user(&place.user)).ok_or(Denied::Unknown)?;
    let can = policy.abilities(&actor.principal, &place.host, &place.user);
    match operation.needs().into_iter().find(|a| !can.has(*a)) {
        Some(missing) => Err(Denied::Forbidden(missing)),
        None => Ok(Permit { actor: actor.clone(), place, operation }),
    }
}

impl Policy {
    /// True if the policy would give this permit again now.
    pub fn still_allows<O: Operation>(&self, inventory: &Inventory, permit: &Permit<O>) -> bool {
        let place = permit.place();
        inventory.host(&place.host).is_some_and(|host| host.user(&place.user).is_some()) && self.missing(permit).is_none()
    }

    /// The first ability that an operation needs and that this policy does not grant; `None` if it grants all.
    pub fn missing<O: Operation>(&self, permit: &Permit<O>) -> Option<Ability> {
        let can = self.abilities(permit.principal(), &permit.place().host, &permit.place().user);
        permit.operation().needs().into_iter().find(|ability| !can.has(*ability))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{Host, Socket, User};

    fn inventory() -> Inventory {
        let user = |name: &str| User { name: name.parse().unwrap(), through_sudo: false, socket: Socket::Default };
        let host = Host { users: vec![user("ops"), user("deploy")], ..crate::fault::tests::host(None) };
        Inventory { hosts: vec![host] }
    }

    fn policy(can: &[Ability]) -> Policy {
        Policy {
            grants: vec![Grant {
                who: vec!["ann".into(), "group:crew".into()],
                hosts: Among::Any,
                users: Among::These(vec!["ops".parse().unwrap()]),
                mapped: false,
                can: Abilities::of(can),
                line: 0,
            }],
        }
    }

    fn who(name: &str, groups: &[&str]) -> Principal {
        Principal { groups: groups.iter().map(|g| (*g).into()).collect(), ..Principal::named(name) }
    }

    fn asks<O: Operation>(can: &[Ability], who: &Principal, place: &str, operation: O) -> Result<(), Denied> {
        let actor = Actor { principal: who.clone(), gate: "token", from: String::new(), request: String::new() };
        permit(&policy(can), &inventory(), &actor, place.parse().unwrap(), operation).map(|_| ())
    }

    #[test]
    fn mapped_is_the_account_of_whoever_asks_and_of_nobody_else() {
        let mapped = Grant { users: Among::These(vec![]), mapped: true, ..policy(&[Ability::Type]).grants.remove(0) };
        let policy = Policy { grants: vec![Grant { who: vec!["ann".into(), "bob".into()], ..mapped }] };
        let has = |name: &str, account: Option<&str>, user: &str| {
            let who = Principal { account: account.map(|a| a.parse().unwrap()), ..Principal::named(name) };
            policy.abilities(&who, &"h".parse().unwrap(), &user.parse().unwrap()).has(Ability::Type)
        };
        assert!(has("ann", Some("deploy"), "deploy") && has("bob", Some("ops"), "ops"));
        assert!(!has("ann", Some("deploy"), "ops") && !has("ann", None, "deploy") && !has("eve", Some("deploy"), "deploy"));
    }

    #[test]
    fn unknown_comes_before_forbidden() {
        let ann = who("ann", &[]);
        assert_eq!(asks(&[Ability::See], &ann, "h/ops", Refresh), Ok(()));
        assert_eq!(asks(&[Ability::See], &ann, "x/ops", Refresh), Err(Denied::Unknown));
        assert_eq!(asks(&[Ability::See], &ann, "h/root", Refresh), Err(Denied::Unknown));
        assert_eq!(asks(&[Ability::See], &ann, "h/deploy", Refresh), Err(Denied::Forbidden(Ability::See)));
        assert_eq!(asks(&[Ability::See], &who("bob", &[]), "h/ops", Refresh), Err(Denied::Forbidden(Ability::See)));
        assert_eq!(asks(&[Ability::See], &who("bob", &["crew"]), "h/ops", Refresh), Ok(()));
        assert_eq!(asks(&[Ability::See], &who("group:crew", &[]), "h/ops", Refresh), Err(Denied::Forbidden(Ability::See)));
    }

    #[test]
    fn a_startup_command_needs_typing() {
        let ann = who("ann", &[]);
        let create = |command: Option<&str>| Create { name: "x".parse().unwrap(), directory: None, command: command.map(|c| c.parse().unwrap()) };
        assert_eq!(asks(&[Ability::Create], &ann, "h/ops", create(None)), Ok(()));
        assert_eq!(asks(&[Ability::Create], &ann, "h/ops", create(Some("id"))), Err(Denied::Forbidden(Ability::Type)));
        assert_eq!(asks(&[Ability::Create, Ability::Type], &ann, "h/ops", create(Some("id"))), Ok(()));
    }

    #[test]
    fn an_ability_implies_the_lesser_ones_and_no_other() {
        assert!(Abilities::of(&[Ability::Type]).has(Ability::See));
        assert!(!Abilities::of(&[Ability::Watch]).has(Ability::Type));
        assert!(!Abilities::of(&[Ability::Kill]).has(Ability::Create));
    }
}
