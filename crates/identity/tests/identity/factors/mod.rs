//! Second factors: passkeys, codes, what an org requires, and who gets in when its
//! identity provider fails.

mod authenticator;
mod codes;
mod enforcement;
mod passkeys;
mod person;
mod policy;
mod recent;
