//! What somebody may do with a member: the page shows no button that would be refused.

use access::{Caller, Permission, PermissionSet};

use crate::MemberState;

/// The viewer and the member.
pub(super) struct May {
    pub(super) caller: Caller,
    pub(super) state: MemberState,
    /// It is the viewer's own page.
    pub(super) own: bool,
    /// What the member's role permits.
    pub(super) role: PermissionSet,
    /// Everything that the member may, be it on one thing only.
    pub(super) reach: PermissionSet,
}

impl May {
    pub(super) fn change(&self) -> bool {
        self.caller.access.may(Permission::UsersUpdate)
    }

    /// Nobody governs themselves, nor who may more.
    fn govern(&self) -> bool {
        !self.own && self.caller.access.wide().covers(self.role)
    }

    pub(super) fn change_role(&self) -> bool {
        self.change() && self.govern() && self.caller.access.may(Permission::UsersGrant)
    }

    pub(super) fn suspend(&self) -> bool {
        self.state == MemberState::Active && self.change() && self.govern()
    }

    pub(super) fn reactivate(&self) -> bool {
        self.state == MemberState::Suspended && self.change() && self.govern()
    }

    pub(super) fn remove(&self) -> bool {
        self.govern() && self.caller.access.may(Permission::UsersDelete)
    }

    /// Whoever has a password link acts as the member: it takes all that they may.
    pub(super) fn make_link(&self) -> bool {
        let all = self.caller.access.wide().covers(self.role.or(self.reach));
        self.state == MemberState::Active && self.change() && !self.own && all
    }

    /// Nobody sees from where somebody who may more is signed in.
    pub(super) fn sessions(&self) -> bool {
        let all = self.caller.access.wide().covers(self.role.or(self.reach));
        self.change() && (self.own || all)
    }

    pub(super) fn end_sessions(&self) -> bool {
        self.sessions()
    }

    /// Ends sessions and keys together.
    pub(super) fn revoke(&self) -> bool {
        self.sessions() && self.caller.access.may(Permission::UsersKeys)
    }

    pub(super) fn give(&self) -> bool {
        self.caller.access.may(Permission::UsersGrant)
    }

    pub(super) fn see_record(&self) -> bool {
        self.caller.access.may(Permission::EventsRead)
    }

    /// Why somebody who changes members cannot change this one.
    pub(super) fn why_not(&self) -> Option<&'static str> {
        let changes = self.change() || self.caller.access.may(Permission::UsersDelete);
        match (changes, self.own, self.govern()) {
            (true, true, _) => Some(
                "This is you. Nobody changes their own role or state: another administrator does.",
            ),
            (true, false, false) => Some(
                "This member's role permits what you do not have yourself, so you cannot change \
                 it, suspend or remove them. Somebody with the same role can.",
            ),
            (true, false, true) | (false, _, _) => None,
        }
    }
}
