//! What can forbid one permission, ready to be asked.
//!
//! Cedar's own authorizer puts the whole condition of a policy together anew at each
//! question, scope and all, and carries along where every part of it stands in the text.
//! Here the condition is put together once, without places. What the policy says of the
//! action is what the lane was made by; of principal and resource it is left out where it
//! says nothing. What is asked, and by whom it is answered, is Cedar's.

use std::collections::{HashMap, HashSet};

use access::{DataClass, Permission, TeamId, Thing};
use cedar_policy::eval_expression;
use cedar_policy::{ActionConstraint, Entities, Entity, EntityUid, EvalResult, Expression};
use cedar_policy::{
    Policy, PrincipalConstraint, Request, ResourceConstraint, RestrictedExpression,
};
use jiff::tz::TimeZone;

use crate::asked::{Asked, Kinds};
use crate::guard::{Against, Unusable};
use crate::passed::{Passed, Question};
use crate::reads::{Read, named};
use crate::schema;

/// What can forbid one permission.
#[derive(Debug)]
pub(crate) struct Lane {
    action: EntityUid,
    policies: Vec<Ready>,
    read: Read,
    /// Whether single patterns or models are spoken of. If not, all of a kind and a class
    /// are one question.
    singles: bool,
    /// Roles and teams that are spoken of: no others are looked up.
    belongings: Vec<Belonging>,
    /// The action itself, in its group.
    itself: Entity,
    alone: Entities,
    passed: Passed,
}

/// A policy, ready to be asked.
#[derive(Debug)]
struct Ready {
    id: String,
    /// When it forbids; none: always.
    when: Option<Expression>,
}

/// A role or a team that is spoken of.
#[derive(Debug)]
struct Belonging {
    name: String,
    uid: EntityUid,
    team: Option<TeamId>,
}

/// Whether a policy can forbid a permission, by what it says of the action.
pub(crate) fn reaches(policy: &Policy, permission: Permission) -> bool {
    let is = |uid: &EntityUid| uid.id().unescaped() == permission.as_str();
    let within = |uid: &EntityUid| is(uid) || uid.id().unescaped() == schema::group(permission);
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(uid) => is(&uid),
        ActionConstraint::In(uids) => uids.iter().any(within),
    }
}

impl Lane {
    /// The lane of a permission; none: nothing forbids it.
    pub(crate) fn of(
        permission: Permission,
        policies: &[&Policy],
        kinds: &Kinds,
    ) -> Result<Option<Self>, Unusable> {
        let reaching: Vec<_> =
            policies.iter().copied().filter(|policy| reaches(policy, permission)).collect();
        if reaching.is_empty() {
            return Ok(None);
        }
        let (mut read, mut singles) = (Read::default(), false);
        let mut belongings = Vec::new();
        for policy in &reaching {
            read = read | Read::of(policy);
            let mut single = named(policy, "Pattern").chain(named(policy, "Model"));
            singles = singles || single.next().is_some();
            let spoken_of = named(policy, "Role").chain(named(policy, "Team"));
            belongings.extend(spoken_of.map(Belonging::of));
        }
        belongings.sort_by(|one: &Belonging, other| one.name.cmp(&other.name));
        belongings.dedup_by(|one, other| one.uid == other.uid);
        let action = kinds.action(permission.as_str());
        let group = kinds.action(schema::group(permission));
        let itself = Entity::new_no_attrs(action.clone(), HashSet::from([group]));
        let alone = Entities::from_entities([itself.clone()], None).map_err(Box::new)?;
        let policies = reaching.into_iter().map(Ready::of).collect::<Result<_, _>>()?;
        Ok(Some(Self {
            action,
            policies,
            read,
            singles,
            belongings,
            itself,
            alone,
            passed: Passed::default(),
        }))
    }

    /// What stands against it.
    pub(crate) fn ask(
        &self,
        asked: &Asked<'_>,
        kinds: &Kinds,
        org: &EntityUid,
        zone: &TimeZone,
    ) -> Against {
        let question = Question {
            principal: kinds.principal(asked.actor),
            belongs: self.belongings.iter().map(|one| one.holds(asked)).collect(),
            resource: kinds.resource(self.seen(asked.on), org),
            class: asked.on.and_then(|on| on.data_class).filter(|_| self.read.class()),
            given: asked.circumstances(self.read, zone),
        };
        if self.passed.knows(&question) {
            return Against::default();
        }
        let against = self.put(&question);
        if against.nothing() {
            self.passed.keep(question);
        }
        against
    }

    /// A thing as the policies can tell it from others.
    fn seen<'a>(&self, on: Option<Thing<'a>>) -> Option<Thing<'a>> {
        on.map(|on| if self.singles { on } else { Thing { id: "", ..on } })
    }

    /// Puts a question to each policy.
    fn put(&self, question: &Question) -> Against {
        let Question { principal, belongs, resource, class, given } = question.clone();
        let belongs = self.belongings.iter().zip(belongs).filter(|(_, holds)| *holds);
        let belongs: HashSet<_> = belongs.map(|(one, _)| one.uid.clone()).collect();
        let with_more;
        let entities = if belongs.is_empty() && class.is_none() {
            &self.alone
        } else {
            let somebody = Entity::new_no_attrs(principal.clone(), belongs);
            let mut all = vec![somebody, self.itself.clone()];
            if let Some(class) = class {
                let Some(thing) = classed(&resource, class) else { return self.everything() };
                all.push(thing);
            }
            let Ok(all) = Entities::from_entities(all, None) else { return self.everything() };
            with_more = all;
            &with_more
        };
        let Some(context) = given.context() else { return self.everything() };
        let request = Request::new(principal, self.action.clone(), resource, context, None);
        let Ok(request) = request else { return self.everything() };
        let mut against = Against::default();
        for policy in &self.policies {
            let Some(when) = &policy.when else {
                against.forbid.push(policy.id.clone());
                continue;
            };
            match eval_expression(&request, entities, when) {
                Ok(EvalResult::Bool(false)) => {}
                Ok(EvalResult::Bool(true)) => against.forbid.push(policy.id.clone()),
                Ok(_) | Err(_) => against.failed.push(policy.id.clone()),
            }
        }
        against
    }

    /// The question itself could not be put: nothing here could be judged.
    fn everything(&self) -> Against {
        let failed = self.policies.iter().map(|policy| policy.id.clone()).collect();
        Against { forbid: Vec::new(), failed }
    }
}

/// A thing with its class.
fn classed(uid: &EntityUid, class: DataClass) -> Option<Entity> {
    let class = RestrictedExpression::new_string(class.as_str().to_owned());
    let attributes = HashMap::from([("data_class".to_owned(), class)]);
    Entity::new(uid.clone(), attributes, HashSet::new()).ok()
}

impl Ready {
    fn of(policy: &Policy) -> Result<Self, Unusable> {
        let json = policy.to_json().map_err(Box::new)?;
        let id = policy.id().to_string();
        let placeless = Policy::from_json(Some(policy.id().clone()), json).map_err(Box::new)?;
        let anybody = placeless.principal_constraint() == PrincipalConstraint::Any;
        let anything = placeless.resource_constraint() == ResourceConstraint::Any;
        // The form below the public one: its conditions are what the authorizer asks too.
        let inner = placeless.as_ref();
        let when = if anybody && anything {
            inner.non_scope_constraints().cloned()
        } else {
            Some(inner.condition())
        };
        Ok(Self { id, when: when.map(Expression::from) })
    }
}

impl Belonging {
    fn of(uid: EntityUid) -> Self {
        let name = uid.id().unescaped().to_owned();
        let team = uid.type_name().basename() == "Team";
        Self { team: team.then(|| name.parse().ok()).flatten(), name, uid }
    }

    fn holds(&self, asked: &Asked<'_>) -> bool {
        match &self.team {
            Some(team) => asked.teams.contains(team),
            None => asked.access.is_some_and(|access| access.roles().any(|role| role == self.name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use access::{Access, Actor, Grant, MemberId, Method, PermissionSet, ServiceId};
    use base::time::At;
    use cedar_policy::{Authorizer, PolicyId, PolicySet};

    use super::*;
    use crate::{policy, schema};

    const POLICIES: &[&str] = &[
        "forbid (principal, action, resource);",
        "forbid (principal, action in Action::\"models\", resource) when { context.with_key };",
        "forbid (principal, action == Action::\"models:invoke\", resource) unless { context has ip \
         && context.ip.isInRange(ip(\"192.0.2.0/24\")) };",
        "forbid (principal is Service, action, resource) when { context.hour < 12 };",
        "forbid (principal in Role::\"org:owner\", action, resource);",
        "forbid (principal is Member in Role::\"auditor\", action, resource) when { true };",
        "forbid (principal, action, resource == Model::\"large\");",
        "forbid (principal, action, resource is Model) unless { context has method };",
        "forbid (principal, action, resource) when { principal in Role::\"auditor\" && \
         resource is Org };",
        "forbid (principal, action, resource) when { action in Action::\"settings\" };",
        "forbid (principal, action, resource) when { context.factor_age_secs > 60 };",
        "forbid (principal, action, resource) when { context.method like \"s*\" };",
        "forbid (principal, action, resource) when { context.minute_of_day * \
         9223372036854775807 > 1 };",
        "forbid (principal, action, resource) when { context has factor_age_secs } unless { \
         context.factor_age_secs <= 900 };",
        "forbid (principal, action, resource) when { [\"thursday\"].contains(context.weekday) };",
        "forbid (principal, action, resource) when { resource has data_class && \
         resource.data_class == \"secret\" };",
        "forbid (principal, action, resource is Model) when { resource.data_class == \"internal\" };",
        "forbid (principal, action, resource == Model::\"large\") unless { resource has \
         data_class && [\"public\", \"internal\"].contains(resource.data_class) };",
        "forbid (principal, action, resource) when { if context.with_key then true else \
         context.method == \"saml\" };",
    ];

    /// As Cedar's authorizer sees it: whole policies, with every action in its group.
    fn authorizer(
        actions: &Entities,
        text: &str,
        asked: &Asked<'_>,
        permission: Permission,
    ) -> (bool, bool) {
        let kinds = Kinds::read().unwrap();
        let mut set = PolicySet::new();
        set.add(Policy::parse(Some(PolicyId::new("grl_1")), text).unwrap()).unwrap();
        let roles: HashSet<_> = asked
            .access
            .unwrap()
            .roles()
            .map(|role| format!("Role::\"{role}\"").parse().unwrap())
            .collect();
        let principal = kinds.principal(asked.actor);
        let somebody = Entity::new_no_attrs(principal.clone(), roles);
        let actions = actions.iter().cloned();
        let thing = asked.on.and_then(|on| Some((on, on.data_class?)));
        let thing = thing.map(|(on, class)| {
            classed(&kinds.resource(Some(on), &kinds.org("org_1")), class).unwrap()
        });
        let entities = Entities::from_entities(actions.chain([somebody]).chain(thing), None);
        let everything =
            policy::read("x", "forbid (principal, action, resource) when { context == {} };");
        let given = asked.circumstances(Read::of(&everything.unwrap()), &TimeZone::UTC);
        let context = given.context().unwrap();
        let resource = kinds.resource(asked.on, &kinds.org("org_1"));
        let action = kinds.action(permission.as_str());
        let request = Request::new(principal, action, resource, context, None).unwrap();
        let told = Authorizer::new().is_authorized(&request, &set, &entities.unwrap());
        let told = told.diagnostics();
        (told.reason().next().is_some(), told.errors().next().is_some())
    }

    #[test]
    fn the_answers_are_those_of_cedars_own_authorizer() {
        let at: At = "2026-01-01T13:30:00Z".parse().unwrap();
        let actions = schema::read().unwrap().action_entities().unwrap();
        let kinds = Kinds::read().unwrap();
        let given = |role: &str| {
            let role = role.to_owned();
            let (permissions, through) = (PermissionSet::ALL, "member".to_owned());
            Access::compile(vec![Grant { role, permissions, on: None, through }], None, 1)
        };
        let accesses = [given("org:owner"), given("auditor"), given("org:viewer")];
        let actors = [Actor::Member(MemberId::new(at)), Actor::Service(ServiceId::new(at))];
        let things = [None, Some(Thing::new("model", "large")), Some(Thing::new("model", "s"))];
        let ips: [Option<IpAddr>; 3] = [None, "192.0.2.9".parse().ok(), "2001:db8::1".parse().ok()];
        let classes = [None, Some(DataClass::Internal), Some(DataClass::Secret)];
        let sessions =
            [(true, None, None), (false, Some(Method::Saml), Some(at)), (false, None, None)];
        let mut seen = [0_usize; 3];
        for text in POLICIES {
            let one = policy::read("grl_1", text).unwrap();
            for permission in [Permission::ModelsInvoke, Permission::SettingsRead] {
                let lane = Lane::of(permission, &[&one], &kinds).unwrap();
                for (place, access) in accesses.iter().enumerate() {
                    for (on, ip) in things.iter().zip(ips) {
                        let all = sessions.iter().zip(classes.iter().cycle().skip(place));
                        for (&(with_key, method, factor_at), &class) in all {
                            let asked = Asked {
                                actor: &actors[place % 2],
                                teams: &[],
                                access: Some(access),
                                ip,
                                with_key,
                                method,
                                factor_at,
                                at: Some(at),
                                on: on.map(|on| on.classed(class)),
                            };
                            let org = kinds.org("org_1");
                            let zone = &TimeZone::UTC;
                            let ask = |lane: &Lane| lane.ask(&asked, &kinds, &org, zone);
                            let first = lane.as_ref().map(ask).unwrap_or_default();
                            // Asked again, it is the same that was kept, or asked anew.
                            let ours = lane.as_ref().map(ask);
                            let ours = ours.unwrap_or_default();
                            assert_eq!(first.nothing(), ours.nothing(), "{text} {asked:?}");
                            let ours = (!ours.forbid.is_empty(), !ours.failed.is_empty());
                            let theirs = authorizer(&actions, text, &asked, permission);
                            assert_eq!(ours, theirs, "{text} {asked:?}");
                            seen[usize::from(ours.0) + 2 * usize::from(ours.1)] += 1;
                        }
                    }
                }
            }
        }
        assert!(seen.iter().all(|count| *count > 50), "each answer was among them: {seen:?}");
    }
}
