//! Under which conditions an assertion holds. All of them must be known.

use super::Check;
use crate::saml::instant;
use crate::saml::refusal::Refusal;
use crate::saml::uris::ASSERTION;
use crate::saml::xml::Element;

impl Check<'_> {
    pub(super) fn conditions(&self, assertion: &Element) -> Result<(), Refusal> {
        let conditions = assertion.one(ASSERTION, "Conditions")?;
        self.window(conditions)?;
        let mut restricted = false;
        for condition in conditions.elements() {
            if condition.is(ASSERTION, "AudienceRestriction") {
                // Several restrictions all apply; the audiences of one are a choice.
                self.audience(condition)?;
                restricted = true;
            } else if !condition.is(ASSERTION, "OneTimeUse")
                && !condition.is(ASSERTION, "ProxyRestriction")
            {
                // A condition that is not understood cannot be said to hold (Core, 2.5.1.1). The
                // two above do: replay is always refused, and we issue nothing.
                return Err(Refusal::Condition);
            }
        }
        if restricted { Ok(()) } else { Err(Refusal::Missing("AudienceRestriction")) }
    }

    fn window(&self, conditions: &Element) -> Result<(), Refusal> {
        let skew = self.policy.skew();
        match conditions.attribute("NotBefore") {
            Some(text) => {
                let not_before = instant::read(text, "NotBefore")?;
                if not_before.duration_since(self.now) > skew {
                    return Err(Refusal::NotYetValid);
                }
            }
            None if self.policy.strict => return Err(Refusal::Missing("NotBefore")),
            None => {}
        }
        let text = conditions.attribute("NotOnOrAfter").ok_or(Refusal::Missing("NotOnOrAfter"))?;
        let not_on_or_after = instant::read(text, "NotOnOrAfter")?;
        if self.now.duration_since(not_on_or_after) >= skew {
            return Err(Refusal::Expired);
        }
        Ok(())
    }

    fn audience(&self, restriction: &Element) -> Result<(), Refusal> {
        let mut ours = false;
        for audience in restriction.all(ASSERTION, "Audience") {
            ours |= audience.value()? == self.sp.entity_id;
        }
        if ours { Ok(()) } else { Err(Refusal::Audience) }
    }
}
