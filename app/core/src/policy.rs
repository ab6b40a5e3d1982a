//! Who may do what, and the proof that it was checked: a [`Permit`] is made here and nowhere else, the fleet takes nothing else.

use crate::inventory::Inventory;
use crate::name::{Directory, HostKey, NewSessionName, StartupCommand, UnixUser};
use crate::snapshot::{Place, SessionId};
pub use crate::view::{resolve, visible, visible_host};
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
    /// All of them, from the least.
    pub const ALL: [Self; 5] = [Self::See, Self::Watch, Self::Type, Self::Create, Self::Kill];

    /// Its word in the configuration.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Abilities(u8);

impl Abilities {
    /// None at all.
    pub const NONE: Self = Self(0);
    /// All of them.
    pub const ALL: Self = Self(0b1_1111);

    /// These abilities and what they imply.
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

    /// Whether the ability is among them.
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

/// Who asks: what exactly one gate found out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Principal {
    /// The token's name, or the identity.
    pub name: String,
    /// Groups the gate vouches for.
    pub groups: Vec<String>,
    /// The Unix account that the user map gives to this identity: what `@mapped` means in a grant.
    pub account: Option<UnixUser>,
}

impl Principal {
    /// Somebody of that name, in no group and without an account of his own.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

/// A principal, and how the question came: what the audit keeps of a request beside what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// Who.
    pub principal: Principal,
    /// The gate that said so.
    pub gate: &'static str,
    /// From where: the client's address, or `unix`.
    pub from: String,
    /// The correlation id of the request.
    pub request: String,
}

/// Whom or what a grant is about: anything, or these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Among<T> {
    /// `*`
    Any,
    /// These alone.
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

/// One line of the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Principals by name, `group:NAME`, or `*`: everybody who passes the gate.
    pub who: Vec<String>,
    /// On which hosts.
    pub hosts: Among<HostKey>,
    /// As which users.
    pub users: Among<UnixUser>,
    /// And as the account that the user map gives to whoever asks (`@mapped`).
    pub mapped: bool,
    /// What.
    pub can: Abilities,
    /// Its line in the configuration, from 1; 0 if it is in none.
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

/// All grants. What none of them allows is denied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// The grants.
    pub grants: Vec<Grant>,
}

impl Policy {
    /// What a principal may do on a host as a user: the union of the grants that match.
    pub fn abilities(&self, principal: &Principal, host: &HostKey, user: &UnixUser) -> Abilities {
        self.deciding(principal, host, user).fold(Abilities::NONE, |set, grant| set.and(grant.can))
    }

    /// The grants that decide what a principal may do on a host as a user.
    pub fn deciding<'a>(&'a self, principal: &'a Principal, host: &'a HostKey, user: &'a UnixUser) -> impl Iterator<Item = &'a Grant> {
        self.grants.iter().filter(move |grant| grant.is_for(principal) && grant.is_about(principal, host, user))
    }
}

/// Something to be done on a host as a user.
pub trait Operation {
    /// Its name in the audit.
    const NAME: &'static str;
    /// What it needs.
    fn needs(&self) -> Vec<Ability>;
    /// The session it is about, if it is about one that exists.
    fn session(&self) -> Option<SessionId> {
        None
    }
    /// What it runs in a session that it makes.
    fn command(&self) -> Option<&StartupCommand> {
        None
    }
}

/// Make a session.
#[derive(Debug, Clone)]
pub struct Create {
    /// Its name.
    pub name: NewSessionName,
    /// Where it starts; the home directory if none.
    pub directory: Option<Directory>,
    /// What it runs; the user's shell if none.
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
            /// Which session.
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
    /// End a session.
    Kill, "kill", Kill {}
);
on_session!(
    /// Give a session another name.
    Rename, "rename", Create {
        /// The new name.
        name: NewSessionName
    }
);
on_session!(
    /// Open a terminal on a session, to look.
    Watch, "watch", Watch {}
);
on_session!(
    /// Open a terminal on a session, to type.
    Type, "type", Type {}
);

on_session!(
    /// Read a session's text, history included.
    ReadText, "text", Watch {}
);
on_session!(
    /// Put a file into the account whose session it is.
    Upload, "upload", Type {}
);

/// Look at a user's tmux again, now.
#[derive(Debug, Clone)]
pub struct Refresh;

impl Operation for Refresh {
    const NAME: &'static str = "refresh";
    fn needs(&self) -> Vec<Ability> {
        vec![Ability::See]
    }
}

/// Why something is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// Not in the configured inventory.
    Unknown,
    /// Configured, and not granted to this principal.
    Forbidden(Ability),
}

/// The proof that a principal may do this, here, as this user. Only [`permit`] makes one.
///
/// ```compile_fail
/// let permit = muxboard_core::policy::Permit { asker: todo!(), place: todo!(), operation: muxboard_core::policy::Refresh };
/// ```
#[derive(Debug, Clone)]
pub struct Permit<O> {
    asker: Asker,
    place: Place,
    operation: O,
}

impl<O: Operation> Permit<O> {
    /// Who asked, and how.
    pub fn asker(&self) -> &Asker {
        &self.asker
    }
    /// Who asked.
    pub fn principal(&self) -> &Principal {
        &self.asker.principal
    }
    /// Where.
    pub fn place(&self) -> &Place {
        &self.place
    }
    /// What.
    pub fn operation(&self) -> &O {
        &self.operation
    }
}

/// Decides. First whether host and user are configured at all, then whether the principal may.
pub fn permit<O: Operation>(policy: &Policy, inventory: &Inventory, asker: &Asker, place: Place, operation: O) -> Result<Permit<O>, Denied> {
    inventory.host(&place.host).and_then(|h| h.user(&place.user)).ok_or(Denied::Unknown)?;
    let can = policy.abilities(&asker.principal, &place.host, &place.user);
    match operation.needs().into_iter().find(|a| !can.has(*a)) {
        Some(missing) => Err(Denied::Forbidden(missing)),
        None => Ok(Permit { asker: asker.clone(), place, operation }),
    }
}

impl Policy {
    /// Whether a permit that was given would be given now.
    pub fn still_allows<O: Operation>(&self, inventory: &Inventory, permit: &Permit<O>) -> bool {
        let place = permit.place();
        let can = self.abilities(permit.principal(), &place.host, &place.user);
        inventory.host(&place.host).is_some_and(|host| host.user(&place.user).is_some()) && permit.operation().needs().into_iter().all(|a| can.has(a))
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
        let asker = Asker { principal: who.clone(), gate: "token", from: String::new(), request: String::new() };
        permit(&policy(can), &inventory(), &asker, place.parse().unwrap(), operation).map(|_| ())
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
    fn implied_abilities() {
        assert!(Abilities::of(&[Ability::Type]).has(Ability::See));
        assert!(!Abilities::of(&[Ability::Watch]).has(Ability::Type));
        assert!(!Abilities::of(&[Ability::Kill]).has(Ability::Create));
    }
}
