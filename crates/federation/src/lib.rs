//! Signing in by an identity provider: the protocols alone, without a database and without
//! an org. Times are passed in; what must be remembered is the caller's to keep.
//!
//! # What this room promises
//!
//! Of `OpenID` Connect:
//!
//! - A token that the provider did not sign for us, now, in answer to this very request, is
//!   refused, by a reason with a name
//!   (`of_every_attack_on_an_id_token_none_signs_anybody_in`,
//!   `of_every_attack_on_a_logout_token_none_ends_a_session`).
//! - A provider changes its keys and nobody notices; one that is down is asked rarely, and
//!   tokens it signed before are still understood
//!   (`new_keys_of_a_provider_are_found_and_it_is_asked_at_most_once_in_ten_seconds`,
//!   `while_a_provider_is_down_its_last_good_keys_serve_for_a_day`).
//! - An address that lets in everybody's accounts is refused before anybody signs in by it
//!   (`an_address_of_every_tenant_is_refused_and_the_mend_is_named`).
//!
//! Of SAML 2.0, the side of the service provider:
//!
//! - Every legitimate shape signs in on default settings, and what another implementation
//!   signs and encrypts is understood
//!   (`every_legitimate_shape_signs_in_on_default_settings`,
//!   `a_foreign_identity_provider_and_we_understand_each_other`).
//! - What is read is the very element whose signature was verified; of more than three hundred
//!   named attacks none signs anybody in, and each is refused by the reason that it should be
//!   (`no_wrapped_signature_is_taken_for_another_element`,
//!   `no_signature_but_one_of_the_metadata_counts_and_only_by_a_strong_algorithm`,
//!   `the_corpus_names_more_than_a_hundred_attacks_and_each_once`,
//!   `no_mutant_of_a_valid_response_signs_in_somebody_else`).
//! - XML is data and has one reading: no document types, entities, instructions or CDATA, and
//!   no comment cuts a name (`xml_is_data_and_has_one_reading`).
//! - Encryption is never taken for a signature, and how opening it failed is not told
//!   (`encryption_proves_nothing_and_reveals_nothing`).
//! - Logout is signed both ways, over both bindings
//!   (`no_unsigned_or_altered_logout_ends_a_session`,
//!   `what_we_send_about_logout_is_signed_and_understood_over_both_bindings`).
//! - Ids are told with the time until which a replay could pass
//!   (`ids_are_told_with_the_time_until_which_a_replay_could_pass`).
//! - A key is changed without a moment in which signing in fails
//!   (`a_key_that_is_replaced_still_opens_what_was_encrypted_for_it`).

pub mod oidc;
pub mod saml;
